package fstab

import (
	"slices"
	"strings"
)

// Crypttab is a crypttab as read, or as changed since.
type Crypttab struct {
	Entries  []CryptEntry
	Problems []Problem // in the order of lines

	lines lines
}

// CryptEntry is one line that opens a volume.
type CryptEntry struct {
	Line    int    // 1-based
	Raw     string // the line without its end
	Name    string // of the volume, octal escapes decoded; see MapNames
	Source  Spec
	KeyFile string // "" for none and -; a path, or what a token's program reads
	// KeyDevice is the file system on which KeyFile lies, where it is written
	// as path:LABEL=x or path:/dev/x.
	KeyDevice Spec
	Options   Options
}

const (
	crypttabColumns = 4
	// crypttabBlanks are those of systemd's reader, sscanf("%ms").
	crypttabBlanks = " \t\v\f\r"
)

var crypttabDefaults = []string{"", "", "none", "luks"}

// ParseCrypttab never fails, like ParseFstab.
//
// systemd decodes nothing in a crypttab; Debian's cryptsetup scripts, which
// run in its initramfs, decode octal escapes and `\\`. As only the latter can
// name a volume with a blank in it, escapes are decoded, and noted.
func ParseCrypttab(data []byte) *Crypttab {
	c := &Crypttab{lines: splitLines(data)}
	p := crypttabParser{
		scanner: scanner{blanks: crypttabBlanks, limit: crypttabColumns, atNUL: "begins another line"},
		names:   map[string]int{},
	}
	for _, line := range c.lines {
		if r, ok := p.next(line); ok {
			if e, ok := p.entry(r); ok {
				e.Raw, _ = cutLineEnd(line)
				c.Entries = append(c.Entries, e)
			}
		}
	}
	c.Problems = p.problems
	return c
}

// Bytes returns the file: byte-equal to what was read if nothing was changed.
func (c *Crypttab) Bytes() []byte {
	return c.lines.bytes()
}

type crypttabParser struct {
	scanner
	names map[string]int // line of the first entry with that name
}

func (p *crypttabParser) entry(r row) (CryptEntry, bool) {
	cols := r.texts()
	if len(cols) < 2 {
		p.note(Garbage, "only one column, %s: no device", shorten(cols[0]))
		return CryptEntry{}, false
	}
	e := CryptEntry{Line: p.line, Name: Unescape(cols[0]), Source: ParseSpec(cols[1])}
	if !p.specUsable(e.Source) {
		return CryptEntry{}, false
	}
	if len(cols) > 3 && !isNone(cols[3]) {
		e.Options = parseCryptOptions(Unescape(cols[3]))
	}
	if len(cols) > 2 && !isNone(cols[2]) {
		e.setKey(cols[2])
	}
	p.compareReaders(cols)
	p.commentInside(cols, 1)
	p.compareOptions(e)
	p.duplicate(e.Name)
	return e, true
}

func isNone(column string) bool {
	return column == "none" || column == "-"
}

func (p *crypttabParser) compareReaders(cols []string) {
	for i, name := range []string{"name", "device", "key", "options"}[:len(cols)] {
		if decoded := Unescape(cols[i]); decoded != cols[i] {
			p.note(Disagreement, "the %s is %s to systemd, which decodes nothing here, %s to Debian's scripts; read as the latter",
				name, shorten(cols[i]), shorten(decoded))
		}
	}
	if len(cols) < 3 {
		p.note(Disagreement, "no key column: systemd asks for a passphrase, Debian's scripts ignore the line")
	}
}

// compareOptions notes what systemd and cryptsetup, which Debian's scripts call,
// do not make the same of.
func (p *crypttabParser) compareOptions(e CryptEntry) {
	if strings.Contains(e.Name, "/") {
		p.note(Suspect, "the name %s has a slash in it: nothing can open a volume under it", shorten(e.Name))
	}
	if script, scripted := e.KeyScript(); scripted {
		p.note(Disagreement, "systemd knows no keyscript=: Debian's initramfs runs %s", shorten(script))
	} else if key := e.KeyFile; key != "" && key[0] != '/' && key[0] != '#' && !strings.HasPrefix(key, "pkcs11:") {
		p.note(Suspect, "the key file %s is no absolute path: systemd asks for a passphrase", shorten(key))
	}
	if header, _ := e.Options.Get("header"); header != "" && header[0] != '/' || len(e.Options.All("header")) > 1 {
		p.note(Disagreement, "systemd refuses a header= that is no absolute path, or is there twice; read as %s", shorten(header))
	}
	for _, opt := range e.Options {
		if _, ok := number(opt.Value); numericOptions[opt.Name] && !ok {
			p.note(Suspect, "%s is no number: systemd ignores it, or, if it is where the data begins, opens nothing", shorten(opt.String()))
		}
	}
	if e.Format() == "plain" && !e.RandomKey() {
		p.comparePlain(e)
	}
}

var numericOptions = setOf("key-slot keyslot keyfile-offset keyfile-size size sector-size offset skip veracrypt-pim tries")

// comparePlain: see CryptEntry.Plain.
func (p *crypttabParser) comparePlain(e CryptEntry) {
	for _, name := range []string{"cipher", "size", "hash"} {
		if e.KeyFile != "" && name == "hash" {
			if e.Options.Has("hash") && !e.Options.Has("hash=plain") {
				p.note(Disagreement, "systemd hashes the key file, cryptsetup and Debian's scripts do not; read as the former")
			}
		} else if !e.Options.Has(name) {
			p.note(Disagreement, "a plain container without %s=: what is meant depends on the version of systemd or cryptsetup", name)
		}
	}
}

func (p *crypttabParser) duplicate(name string) {
	if first, ok := p.names[name]; ok {
		p.note(Duplicate, "the name %s stands on line %d already: systemd opens only that one", shorten(name), first)
		return
	}
	p.names[name] = p.line
}

// splitKey splits a key at its last colon, if what follows names a device
// (systemd, src/cryptsetup/cryptsetup-generator.c, split_keyspec). A PKCS#11
// URI has colons too.
func splitKey(column string) (file string, device Spec) {
	if i := strings.LastIndexByte(column, ':'); i >= 0 {
		spec := ParseSpec(column[i+1:])
		switch spec.Kind {
		case Unset, Virtual, Network:
		default:
			return Unescape(column[:i]), spec
		}
	}
	return Unescape(column), Spec{}
}

// setKey reads the third column. For a keyscript= it is one argument.
func (e *CryptEntry) setKey(column string) {
	if _, scripted := e.KeyScript(); scripted {
		e.KeyFile = Unescape(column)
		return
	}
	e.KeyFile, e.KeyDevice = splitKey(column)
}

// keyColumn writes the third column.
func (e CryptEntry) keyColumn() string {
	if e.KeyDevice.IsZero() {
		return Escape(e.KeyFile)
	}
	return Escape(e.KeyFile) + ":" + oneColumn(e.KeyDevice.String())
}

// RandomKey tells whether the key is new on every boot: opening the volume
// with it makes all that it holds unreadable. Besides the random devices these
// are the ephemeral keys of IBM Z, as swap there uses them.
func (e CryptEntry) RandomKey() bool {
	switch e.KeyFile {
	case "/dev/urandom", "/dev/random", "/dev/hw_random", "/dev/hwrng":
		return true
	}
	const pkey = "/sys/devices/virtual/misc/pkey/"
	return strings.HasPrefix(e.KeyFile, pkey+"protkey/") || strings.HasPrefix(e.KeyFile, pkey+"ccadata/")
}

// MapNames returns every way in which the name may appear as the name of a
// device-mapper map: as it was written, decoded, and as libdevmapper encodes
// it. "cr home", "cr\040home" and "cr\x20home" all have the same names.
func (e CryptEntry) MapNames() []string {
	seeds := []string{e.Name}
	if r := splitRow(e.Raw, crypttabBlanks, 1); len(r.cols) > 0 {
		seeds = append(seeds, r.cols[0].text)
	}
	var names []string
	add := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, seed := range seeds {
		plain := DecodeDM(Unescape(seed))
		for _, name := range []string{seed, plain, EncodeDM(plain), Escape(plain), EncodeDM(Escape(plain))} {
			add(name)
		}
	}
	return names
}
