package fstab

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// unitFile is a unit file with its drop-ins: all assignments, in their order.
type unitFile struct {
	scanner
	assignments []assignment

	section string // of the line that is read
	file    int    // that is read: 0, or the number of a drop-in
}

type assignment struct {
	section, key, value string
	line, file          int
}

// readUnitFiles reads a unit file and its drop-ins as systemd does
// (systemd.syntax(7); src/shared/conf-parser.c). A file that cannot be read to
// its end is refused as a unit; of a drop-in the part before the fault counts.
func readUnitFiles(files [][]byte) (*unitFile, error) {
	u := &unitFile{}
	if len(files) == 0 || len(files[0]) == 0 {
		return nil, ErrMasked
	}
	for i, data := range files {
		u.file = i
		switch err := u.read(string(data)); {
		case err != nil && i == 0:
			return nil, fmt.Errorf("line %d: %w", u.line, err)
		case err != nil:
			u.note(Garbage, "%v; systemd reads no further", err)
		}
	}
	return u, nil
}

func (u *unitFile) note(kind ProblemKind, format string, args ...any) {
	if u.file > 0 {
		format = fmt.Sprintf("drop-in %d: ", u.file) + format
	}
	u.scanner.note(kind, format, args...)
}

func (u *unitFile) noteAt(a assignment, kind ProblemKind, format string, args ...any) {
	u.line, u.file = a.line, a.file
	u.note(kind, format, args...)
}

// read joins continued lines: a backslash at the end stands for a blank.
// Comments in between are dropped.
func (u *unitFile) read(text string) error {
	u.section = ""
	joined, open := "", false
	for i, line := range unitLines(text) {
		u.line = i + 1
		if s := strings.TrimLeft(line, unitBlanks); strings.HasPrefix(s, "#") || strings.HasPrefix(s, ";") {
			continue
		}
		if joined += line; endsOpen(line) {
			joined, open = joined[:len(joined)-1]+" ", true
			continue
		}
		if err := u.statement(joined); err != nil {
			return err
		}
		joined, open = "", false
	}
	if open {
		return u.statement(joined)
	}
	return nil
}

const unitBlanks = " \t\n\r"

// unitLines cuts at all line ends that systemd knows (src/basic/fileio.c,
// read_line_full), a NUL byte among them.
func unitLines(text string) []string {
	text = strings.TrimPrefix(text, byteOrderMark)
	return strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "\n").Replace(text), "\n")
}

// endsOpen tells whether the last backslash escapes the line end.
func endsOpen(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

var errNotUTF8 = errors.New("the line is not UTF-8")

// statement reads one joined line.
func (u *unitFile) statement(line string) error {
	line = strings.Trim(line, unitBlanks)
	switch {
	case line == "":
	case !utf8.ValidString(line):
		return errNotUTF8
	case line[0] == '[':
		name, ok := strings.CutSuffix(line[1:], "]")
		if !ok {
			return fmt.Errorf("the section header %s is not closed", shorten(line))
		}
		u.section = name
	default:
		u.assign(line)
	}
	return nil
}

func (u *unitFile) assign(line string) {
	key, value, ok := strings.Cut(line, "=")
	if key = strings.TrimRight(key, unitBlanks); !ok || key == "" || u.section == "" {
		u.note(Garbage, "%s is no assignment in a section; it is ignored", shorten(line))
		return
	}
	value = strings.TrimLeft(value, unitBlanks)
	u.assignments = append(u.assignments, assignment{u.section, key, value, u.line, u.file})
}

// last returns the value that counts of a key that holds one: the last one, and
// "" where that is empty.
func (u *unitFile) last(section, key string) assignment {
	for _, a := range slices.Backward(u.assignments) {
		if a.section == section && a.key == key {
			return a
		}
	}
	return assignment{}
}

// boolean returns the last value of a key that is a boolean; others are ignored.
func (u *unitFile) boolean(section, key string, missing bool) bool {
	for _, a := range u.assignments {
		switch {
		case a.section != section || a.key != key || a.value == "":
		case isYes(a.value) || isNo(a.value):
			missing = isYes(a.value)
		default:
			u.noteAt(a, Garbage, "%s=%s is no boolean; it is ignored", key, shorten(a.value))
		}
	}
	return missing
}

// words returns what a key that adds up holds: words, in quotes or not; an
// empty value forgets what stood before.
func (u *unitFile) words(section, key string) []string {
	var words []string
	for _, a := range u.assignments {
		switch {
		case a.section != section || a.key != key:
		case a.value == "":
			words = nil
		default:
			words = append(words, splitWords(a.value)...)
		}
	}
	return words
}

// conditions returns the assignments to all keys that begin so. An empty one
// forgets those of every kind.
func (u *unitFile) conditions(prefix string) []string {
	var all []string
	for _, a := range u.assignments {
		switch {
		case a.section != "Unit" || !strings.HasPrefix(a.key, prefix):
		case a.value == "":
			all = nil
		default:
			all = append(all, a.key+"="+a.value)
		}
	}
	return all
}

func splitWords(s string) []string {
	var words []string
	for s = strings.TrimLeft(s, unitBlanks); s != ""; s = strings.TrimLeft(s, unitBlanks) {
		var word string
		word, s, _ = cutWord(s)
		words = append(words, word)
	}
	return words
}
