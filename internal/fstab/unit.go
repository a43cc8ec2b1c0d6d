package fstab

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Unit is a mount or swap unit of systemd's.
type Unit struct {
	Name string // such as home.mount
	// Entry is what the unit does, as a line of an fstab would say it.
	Entry Entry
	// DefaultDependencies is false where the unit is ordered by hand, as those
	// needed early are.
	DefaultDependencies bool
	// WantedBy and RequiredBy are what "systemctl enable" would link to; that
	// the links are there is not known here.
	WantedBy, RequiredBy []string
	// Conditions are the Condition…= and then the Assert…= of the unit, as
	// written: if one does not hold, the unit does nothing. They are told, not
	// decided.
	Conditions []string
	Problems   []Problem // by lines of the unit file, or of the drop-in that the text names
}

// ErrMasked is returned for an empty unit file; a link to /dev/null is one.
var ErrMasked = errors.New("the unit is masked")

// ParseMountUnit reads a mount unit, systemd.mount(5): the unit file and then
// its drop-ins, in their order. The name is the unit's file name. It fails where
// systemd refuses the unit; its readings were measured with systemd 252.
func ParseMountUnit(name string, files ...[]byte) (*Unit, error) {
	p, err := newUnitParser(name, ".mount", files)
	if err != nil {
		return nil, err
	}
	what, err := p.must("What")
	if err != nil {
		return nil, err
	}
	if err := p.place("Where"); err != nil {
		return nil, err
	}
	e := &p.unit.Entry
	e.Spec, e.File, e.Type = plainSpec(what), p.path, "auto"
	if t := p.expanded("Type"); t != "" {
		e.Type = t
	}
	e.Options = p.options()
	return p.done()
}

// ParseSwapUnit reads a swap unit, systemd.swap(5), like ParseMountUnit. Its
// priority is in the options, as pri=.
func ParseSwapUnit(name string, files ...[]byte) (*Unit, error) {
	p, err := newUnitParser(name, ".swap", files)
	if err != nil {
		return nil, err
	}
	if err := p.place("What"); err != nil {
		return nil, err
	}
	p.unit.Entry.Spec, p.unit.Entry.File, p.unit.Entry.Type = plainSpec(p.path), "none", "swap"
	p.unit.Entry.Options = p.options()
	if a := p.file.last(p.section, "Priority"); a.value != "" {
		if _, err := strconv.ParseInt(a.value, 0, 32); err != nil {
			p.file.noteAt(a, Garbage, "Priority=%s is no number; it is ignored", a.value)
		} else {
			p.unit.Entry.Options = append(p.unit.Entry.Options.Without("pri"), Option{Name: "pri", Value: a.value, HasValue: true})
		}
	}
	return p.done()
}

type unitParser struct {
	unit    Unit
	file    *unitFile
	section string // Mount or Swap
	path    string // that the name stands for
}

func newUnitParser(name, suffix string, files [][]byte) (*unitParser, error) {
	p := &unitParser{unit: Unit{Name: name}}
	p.section = strings.ToUpper(suffix[1:2]) + suffix[2:]
	where, ok := UnitPath(name)
	if !ok || path.Ext(name) != suffix {
		return nil, fmt.Errorf("cannot read %s: it is not the name of a %s unit", shorten(name), suffix[1:])
	}
	p.path = where
	file, err := readUnitFiles(files)
	if err != nil {
		return nil, p.refused("%w", err)
	}
	p.file = file
	return p, nil
}

func (p *unitParser) refused(format string, args ...any) error {
	return fmt.Errorf("cannot read %s: "+format, append([]any{shorten(p.unit.Name)}, args...)...)
}

// place checks that the path which the unit is about is the one that its name
// stands for, which it also is if the key is missing. A path that is not
// absolute, or has ".." in it, is ignored.
func (p *unitParser) place(key string) error {
	a := p.file.last(p.section, key)
	if a.value == "" {
		return nil
	}
	text, ok := p.expand(a.value)
	switch {
	case !ok:
		p.file.noteAt(a, Suspect, "%s=%s cannot be known without the running system; the path is taken from the unit's name", key, shorten(a.value))
	case !path.IsAbs(text) || slices.Contains(strings.Split(text, "/"), ".."):
		p.file.noteAt(a, Garbage, "%s=%s is no absolute path without \"..\"; systemd takes the one in the unit's name", key, shorten(text))
	case cleanPath(text) != p.path:
		return p.refused("%s=%s does not fit its name, so systemd refuses it", key, shorten(text))
	}
	return nil
}

// must returns the value of a key without which systemd refuses the unit.
func (p *unitParser) must(key string) (string, error) {
	a := p.file.last(p.section, key)
	if a.value == "" {
		return "", p.refused("%s= is missing, so systemd refuses it", key)
	}
	text, ok := p.expand(a.value)
	if !ok {
		return "", p.refused("%s=%s cannot be known without the running system", key, shorten(a.value))
	}
	return text, nil
}

func (p *unitParser) expanded(key string) string {
	a := p.file.last(p.section, key)
	text, ok := p.expand(a.value)
	if !ok {
		p.file.noteAt(a, Suspect, "%s=%s cannot be known without the running system; it is left out", key, shorten(a.value))
		return ""
	}
	return text
}

// options leaves out only those words that cannot be known.
func (p *unitParser) options() Options {
	a := p.file.last(p.section, "Options")
	var known Options
	for _, opt := range ParseOptions(a.value) {
		value, ok := p.expand(opt.Value)
		name, ok2 := p.expand(opt.Name)
		if !ok || !ok2 {
			p.file.noteAt(a, Suspect, "the option %s cannot be known without the running system; it is left out", shorten(opt.String()))
			continue
		}
		known = append(known, Option{Name: name, Value: value, HasValue: opt.HasValue})
	}
	return known
}

// expand replaces specifiers (systemd.unit(5)). It is not ok if one of them
// stands for something that only the running system knows, such as %m, or that
// systemd does not know.
func (p *unitParser) expand(s string) (string, bool) {
	if !strings.Contains(s, "%") {
		return s, true
	}
	prefix := strings.TrimSuffix(p.unit.Name, path.Ext(p.unit.Name))
	last := prefix[strings.LastIndexByte(prefix, '-')+1:]
	unescape := func(name string) string { return decodeHex(strings.ReplaceAll(name, "-", "/")) }
	known := map[byte]string{
		'%': "%", 'n': p.unit.Name, 'N': prefix, 'p': prefix, 'P': unescape(prefix), 'j': last, 'J': unescape(last),
		'f': p.path, 'i': "", 'I': "",
		't': "/run", 'S': "/var/lib", 'C': "/var/cache", 'L': "/var/log", 'E': "/etc", 'T': "/tmp", 'V': "/var/tmp",
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' || i == len(s)-1 {
			b.WriteByte(s[i])
			continue
		}
		text, ok := known[s[i+1]]
		if !ok {
			return "", false
		}
		b.WriteString(text)
		i++
	}
	return b.String(), true
}

// done fills in what the other sections say.
func (p *unitParser) done() (*Unit, error) {
	u, f := &p.unit, p.file
	u.DefaultDependencies = f.boolean("Unit", "DefaultDependencies", true)
	u.WantedBy, u.RequiredBy = f.words("Install", "WantedBy"), f.words("Install", "RequiredBy")
	u.Conditions = append(f.conditions("Condition"), f.conditions("Assert")...)
	u.Problems = f.problems
	return u, nil
}
