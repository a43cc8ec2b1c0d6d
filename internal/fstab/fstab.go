package fstab

import (
	"slices"
	"strconv"
	"strings"
)

// Fstab is an fstab as read, or as changed since.
type Fstab struct {
	Entries  []Entry
	Problems []Problem // in the order of lines

	lines lines
}

// Entry is one line that mounts or swaps.
type Entry struct {
	Line    int    // 1-based
	Raw     string // the line without its end
	Spec    Spec
	File    string // mount point, decoded, absolute, cleaned; "none" for swap
	Type    string // as written, decoded; "auto" where the column is missing
	Options Options
	Freq    int
	Pass    int
}

// fstabColumns is what is read of a line; what follows is ignored, by libmount
// and glibc alike, and often a comment.
const fstabColumns = 6

var fstabDefaults = []string{"none", "none", "auto", "defaults", "0", "0"}

// ParseFstab never fails: everything that cannot be read becomes a Problem on
// a line; all else is an Entry.
func ParseFstab(data []byte) *Fstab {
	f := &Fstab{lines: splitLines(data)}
	p := fstabParser{
		scanner: scanner{blanks: " \t", limit: fstabColumns, atNUL: "loses the rest of the line and the following one"},
		mounted: map[string]int{},
	}
	for _, line := range f.lines {
		if r, ok := p.next(line); ok {
			if e, ok := p.entry(r); ok {
				e.Raw, _ = cutLineEnd(line)
				f.Entries = append(f.Entries, e)
			}
		}
	}
	f.Problems = p.problems
	return f
}

// Bytes returns the file: byte-equal to what was read if nothing was changed.
func (f *Fstab) Bytes() []byte {
	return f.lines.bytes()
}

// IsSwap tells whether the line is one for swapon(8).
func (e Entry) IsSwap() bool {
	return e.Type == "swap"
}

// IsBind tells whether the line shows a directory, or a file, at a second
// place. systemd takes the word as a type too (fstab_is_bind).
func (e Entry) IsBind() bool {
	return e.Options.Has("bind") || e.Options.Has("rbind") || e.Type == "bind" || e.Type == "rbind"
}

type fstabParser struct {
	scanner
	mounted map[string]int // line of the first entry with that mount point
}

func (p *fstabParser) entry(r row) (Entry, bool) {
	cols := r.texts()
	if len(cols) < 2 {
		p.note(Garbage, "only one column, %s: no mount point", shorten(cols[0]))
		return Entry{}, false
	}
	if strings.Count(cols[0], `"`) == 1 && strings.Contains(cols[1], `"`) {
		p.note(Disagreement, "a blank in quotes ends the column for systemd, not for libmount; \\040 is a blank to both")
	}
	e := Entry{Line: p.line, Spec: ParseSpec(cols[0]), Type: "auto"}
	if len(cols) > 2 {
		e.Type = Unescape(cols[2])
	}
	if len(cols) > 3 {
		e.Options = ParseOptions(Unescape(cols[3]))
	}
	if !p.specUsable(e.Spec) || !p.mountPoint(&e, Unescape(cols[1])) {
		return Entry{}, false
	}
	e.Freq, e.Pass = numbers(cols)
	p.compareReaders(r, cols)
	p.commentInside(cols[:min(len(cols), 4)], 1)
	p.duplicate(e)
	return e, true
}

// specUsable refuses a tag without a value: it would match what has no UUID.
// ID= came with util-linux 2.36 (util-linux issue 1008).
func (s *scanner) specUsable(spec Spec) bool {
	if spec.Value == "" {
		s.note(Garbage, "%s names nothing", shorten(spec.Text))
		return false
	}
	if spec.Kind == ID {
		s.note(Disagreement, "%s: mount knows the tag ID=, systemd 252 does not", shorten(spec.Text))
	}
	name, _, ok := strings.Cut(spec.Value, "=")
	if _, _, tag := parseTag(strings.ToUpper(name) + "="); ok && tag && spec.Kind == Virtual {
		s.note(Suspect, "%s is not read as a tag: tags are written in capitals", shorten(spec.Text))
	}
	return true
}

// mountPoint decides as systemd's fstab-generator does: swap needs none, a
// text without a slash is no path, a relative path starts at the root (the
// generator's working directory), and ".." is refused.
func (s *scanner) mountPoint(e *Entry, text string) bool {
	switch {
	case e.IsSwap():
		e.File = "none"
		return true
	case !strings.Contains(text, "/"):
		s.note(Garbage, "the mount point %s is not a path", shorten(text))
		return false
	case slices.Contains(strings.Split(text, "/"), ".."):
		s.note(Garbage, "the mount point %s contains \"..\", which systemd refuses", shorten(text))
		return false
	case text[0] != '/':
		s.note(Disagreement, "the mount point %s is relative: systemd takes it from the root, mount from where it is called", shorten(text))
	}
	e.File = cleanPath(text)
	return true
}

func (p *fstabParser) duplicate(e Entry) {
	if e.IsSwap() {
		return
	}
	if first, ok := p.mounted[e.File]; ok {
		p.note(Duplicate, "the mount point %s stands on line %d already: systemd mounts only that one, mount -a both", shorten(e.File), first)
		return
	}
	p.mounted[e.File] = p.line
}

// numbers reads columns 5 and 6 as glibc's sscanf("%d %d") does: digits up to
// the first other character, after which nothing more is read.
func numbers(cols []string) (freq, pass int) {
	if len(cols) < 5 {
		return 0, 0
	}
	freq, rest := leadingNumber(cols[4])
	if rest == "" && len(cols) > 5 {
		pass, _ = leadingNumber(cols[5])
	}
	return freq, pass
}

// leadingNumber returns 0 for a number that does not fit, which glibc leaves
// undefined.
func leadingNumber(s string) (n int, rest string) {
	end := 0
	if strings.HasPrefix(s, "+") || strings.HasPrefix(s, "-") {
		end = 1
	}
	for end < len(s) && '0' <= s[end] && s[end] <= '9' {
		end++
	}
	v, err := strconv.ParseInt(s[:end], 10, 32)
	if err != nil {
		v = 0
	}
	return int(v), s[end:]
}

// compareReaders notes where libmount, or glibc itself, reads other than
// systemd's way through glibc.
func (p *fstabParser) compareReaders(r row, cols []string) {
	if strings.Contains(Unescape(cols[1]), "\n") {
		p.note(Disagreement, "there is a newline in the mount point, at which systemd cuts it; libmount does not, and so it is read")
	}
	if len(cols) < 3 {
		p.note(Disagreement, "no file system type: systemd detects it, libmount ignores the line")
	}
	for i := 4; i < len(cols); i++ {
		if _, err := strconv.Atoi(cols[i]); err != nil {
			p.note(Disagreement, "column %d, %s, is not a number: systemd reads what it can, libmount ignores the line", i+1, shorten(cols[i]))
			break
		}
	}
	for i, name := range []string{"spec", "mount point", "type", "options"}[:min(len(cols), 4)] {
		glibc, libmount := unescapeGlibc(cols[i]), unescapeLibmount(cols[i])
		if glibc != libmount {
			p.note(Disagreement, "the %s is %s to systemd, %s to libmount; read as %s",
				name, shorten(glibc), shorten(libmount), shorten(Unescape(cols[i])))
		}
	}
	if len(r.String())-len(r.tail) > getmntentLine {
		p.note(Disagreement, "the line is longer than %d bytes: systemd reads no more than these, libmount all of it; all of it is read", getmntentLine)
	}
}

// getmntentLine is what fits into the buffer of getmntent(3) (glibc,
// misc/mntent.c, BUFFER_SIZE) beside the final NUL.
const getmntentLine = 4095
