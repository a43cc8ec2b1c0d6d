package fstab

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Cmdline is a kernel command line: where a system without an fstab, or the
// initramfs of any, reads what to mount and to open.
type Cmdline struct {
	Params   []Option  // the words in their order, without quotes
	Problems []Problem // on line 0, in the order in which they were found

	root, usr *Entry
	extras    []Entry
	crypts    []CryptEntry
	resume    Spec
	offset    uint64
}

// ParseCmdline never fails, like ParseFstab.
//
// Words are cut as systemd does (src/basic/proc-cmdline.c; measured with 252):
// at blanks outside of quotes, of either sort; a backslash is plain text. The
// kernel knows double quotes only, and takes them off only where they enclose a
// word or a value (lib/cmdline.c, next_arg).
func ParseCmdline(text string) *Cmdline {
	p := cmdlineParser{Cmdline: &Cmdline{}}
	p.words(p.clean(text))
	p.readRoot()
	p.readUsr()
	p.readResume()
	p.readExtras()
	p.readCrypts()
	p.Problems = p.problems
	return p.Cmdline
}

// Get returns the value of a word; of several, that of the last one. In names
// '-' and '_' are the same, as they are to the kernel and to systemd.
func (c *Cmdline) Get(name string) (string, bool) {
	all := c.All(name)
	if len(all) == 0 {
		return "", false
	}
	return all[len(all)-1], true
}

// All returns the values of a word that may be given several times. A word
// without = has the value "".
func (c *Cmdline) All(name string) []string {
	var values []string
	for _, p := range c.Params {
		if sameParam(p.Name, name) {
			values = append(values, p.Value)
		}
	}
	return values
}

// Has tells whether the word is there, with a value or without.
func (c *Cmdline) Has(name string) bool {
	return slices.ContainsFunc(c.Params, func(p Option) bool { return sameParam(p.Name, name) })
}

// Disabled tells whether one of the switches that are on by default is off:
// fstab, luks, luks.crypttab, systemd.gpt_auto, systemd.swap, and their twins
// for the initramfs, which begin with "rd.". The last one holds; what is no
// boolean is ignored, as by systemd.
func (c *Cmdline) Disabled(name string) bool {
	off := false
	for _, p := range c.Params {
		switch {
		case !sameParam(p.Name, name):
		case !p.HasValue || isYes(p.Value):
			off = false
		case isNo(p.Value):
			off = true
		}
	}
	return off
}

// isYes reads a boolean of systemd, as isNo does.
func isYes(s string) bool {
	switch strings.ToLower(s) {
	case "1", "yes", "y", "true", "t", "on":
		return true
	}
	return false
}

func sameParam(a, b string) bool {
	return strings.ReplaceAll(a, "-", "_") == strings.ReplaceAll(b, "-", "_")
}

type cmdlineParser struct {
	*Cmdline
	scanner
}

// kernelCmdline is what x86 keeps of a command line (COMMAND_LINE_SIZE, with a
// NUL at its end); other architectures keep 512 to 4096 bytes.
const kernelCmdline = 2047

// clean takes off what is no text. A section of a unified kernel image, and a
// file below /proc, end in NUL bytes or a newline.
func (p *cmdlineParser) clean(text string) string {
	text = strings.TrimRight(text, "\x00\n\r")
	if rest, ok := strings.CutPrefix(text, byteOrderMark); ok {
		p.note(Encoding, "the command line starts with a byte order mark; it is ignored")
		text = rest
	}
	if i := strings.IndexByte(text, 0); i >= 0 {
		p.note(Garbage, "a NUL byte ends the command line; what follows is not read")
		text = text[:i]
	}
	if !utf8.ValidString(text) {
		p.note(Encoding, "the command line is not UTF-8; its bytes are kept as they are")
	}
	if len(text) > kernelCmdline {
		p.note(Suspect, "the command line is longer than %d bytes: the kernel of a PC loses the rest; all of it is read", kernelCmdline)
	}
	return text
}

// words reads past a "--", which ends what the kernel itself reads: systemd 252
// does so, as do the shells of the other initramfs.
func (p *cmdlineParser) words(text string) {
	for rest := strings.TrimLeft(text, cmdlineBlanks); rest != ""; rest = strings.TrimLeft(rest, cmdlineBlanks) {
		var word string
		word, rest = p.word(rest)
		switch name, value, ok := strings.Cut(word, "="); {
		case word == "--" && rest != "":
			p.note(Disagreement, `what follows "--" goes to init only, says the kernel; systemd reads it, and so it is read here`)
		case word == "--", name == "":
		default:
			p.Params = append(p.Params, Option{Name: name, Value: value, HasValue: ok})
		}
	}
}

const cmdlineBlanks = " \t\n\r"

// word returns the first word without its quotes, and what follows.
func (p *cmdlineParser) word(s string) (word, rest string) {
	word, rest, open := cutWord(s)
	p.checkQuotes(s[:len(s)-len(rest)], open)
	return word, rest
}

// cutWord returns the first word of a text as systemd cuts it, without its
// quotes, what follows it, and the quote that was not closed, if any. A
// backslash is plain text (src/basic/extract-word.c, EXTRACT_RETAIN_ESCAPE).
func cutWord(s string) (word, rest string, open byte) {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case open != 0 && c == open:
			open = 0
		case open == 0 && (c == '"' || c == '\''):
			open = c
		case open == 0 && strings.IndexByte(cmdlineBlanks, c) >= 0:
			return b.String(), s[i:], 0
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), "", open
}

func (p *cmdlineParser) checkQuotes(text string, open byte) {
	switch {
	case open != 0:
		p.note(Suspect, "the quote in %s is not closed: all that follows is one word", shorten(text))
	case strings.Contains(text, "'"):
		p.note(Disagreement, "the quote in %s is one to systemd, plain text to the kernel; read as the former", shorten(text))
	}
}

// last returns the value of the last word of that name that has one. systemd
// ignores a word whose value is missing, but an empty value counts.
func (c *Cmdline) last(name string) (string, bool) {
	for _, p := range slices.Backward(c.Params) {
		if p.HasValue && sameParam(p.Name, name) {
			return p.Value, true
		}
	}
	return "", false
}

// device reads a spec of the command line, in which nothing is escaped: the
// backslash of LABEL=a\040b is part of the label.
func (p *cmdlineParser) device(text string) Spec {
	s := plainSpec(text)
	if s.Kind == PartUUID && strings.Contains(s.Value, "/PARTNROFF=") {
		p.note(Disagreement, "%s: the kernel itself knows /PARTNROFF=, systemd and other initramfs do not; it is kept as text", shorten(text))
	}
	return s
}

// plainSpec reads a spec without escapes, and writes its text so that it means
// the same in a column of fstab.
func plainSpec(text string) Spec {
	if text == "" {
		return Spec{}
	}
	s := ParseSpec(Escape(text))
	if plain := ParseSpec(text); plain.Kind == s.Kind && plain.Value == s.Value {
		s.Text = text
	}
	return s
}
