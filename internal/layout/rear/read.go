package rear

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// sector is the unit in which some versions count a physical volume.
const sector = 512

// Line is a line of a disklayout.conf: a component, or else a comment as it is.
type Line struct {
	Number    int // from 1; 0 for one that was not read
	Component Component
	Disabled  bool   // "#keyword …": known, and left out
	Comment   string // with its #; "" is an empty line
}

// Problem is what is wrong with a line.
type Problem struct {
	Line  int    `json:"line"`
	Text  string `json:"text"`  // the line, without passwords
	Cause string `json:"cause"` // as a sentence
	Read  bool   `json:"read"`  // it was read all the same
}

// File is a disklayout.conf.
type File struct {
	Lines    []Line
	Problems []Problem
}

// All gives the components of one type that are not disabled.
func All[T Component](f *File) []T {
	var out []T
	for _, l := range f.Lines {
		if c, ok := l.Component.(T); ok && !l.Disabled {
			out = append(out, c)
		}
	}
	return out
}

// Read reads a disklayout.conf. It never fails: what cannot be read is a Problem.
func Read(data []byte) *File {
	f := &File{}
	if len(data) == 0 {
		return f
	}
	data = bytes.TrimSuffix(data, []byte("\n"))
	for i, raw := range strings.Split(string(data), "\n") {
		f.line(i+1, strings.TrimRight(raw, "\r"))
	}
	return f
}

func (f *File) line(number int, raw string) {
	l := Line{Number: number}
	body := strings.TrimLeft(raw, " \t")
	if l.Disabled = strings.HasPrefix(body, "#"); l.Disabled {
		body = body[1:]
	}
	words := split(body)
	known := len(words) > 0 && readers[words[0]] != nil && body[0] != ' ' && body[0] != '\t'
	switch {
	case !known && (l.Disabled || len(words) == 0):
		l.Disabled, l.Comment = false, raw
		f.Lines = append(f.Lines, l)
	case !known && f.continueCrypt(number, words):
	case !known:
		f.problem(number, raw, fmt.Errorf("%q is no keyword of a disklayout.conf", words[0]))
	default:
		f.component(l, raw, words)
	}
}

// split cuts a line where bash's read does.
func split(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' })
}

func (f *File) component(l Line, raw string, words []string) {
	w := &line{keyword: words[0], words: words[1:]}
	c, err := readers[words[0]](w)
	if err == nil {
		err = w.err
	}
	if err != nil {
		f.problem(l.Number, raw, err)
		return
	}
	l.Component = c
	f.Lines = append(f.Lines, l)
	for _, odd := range w.odd {
		f.Problems = append(f.Problems, Problem{l.Number, text(c), odd, true})
	}
}

func (f *File) problem(number int, raw string, err error) {
	f.Problems = append(f.Problems, Problem{Line: number, Text: withoutPassword(raw), Cause: "cannot read this line: " + err.Error()})
}

// withoutPassword hides what follows a "password=", to the end of the line, since
// nobody knows whether the password has blanks.
func withoutPassword(raw string) string {
	if at := strings.Index(raw, "password="); at >= 0 {
		return raw[:at] + "password=…"
	}
	return raw
}

// continueCrypt takes a line as the rest of the crypt line above it. ReaR 2.7 looks
// for "Hash" in what cryptsetup says of a LUKS2 header, and finds it once for every
// key slot and once more: each value is on a line of its own, and the last
// continues with what follows. The first value is as good as any.
func (f *File) continueCrypt(number int, words []string) bool {
	if len(f.Lines) == 0 {
		return false
	}
	last := f.Lines[len(f.Lines)-1]
	c, ok := last.Component.(*Crypt)
	if !ok || c.Options.Get("uuid") != "" {
		return false
	}
	for i, word := range words {
		if i > 0 || strings.Contains(word, "=") {
			c.take(word)
		}
	}
	f.Problems = append(f.Problems, Problem{number, withoutPassword(strings.Join(words, " ")),
		"ReaR broke the line above in two: this is the rest of it", true})
	return true
}

// line is what is left of the words of a line that is being read.
type line struct {
	keyword string
	words   []string
	err     error
	odd     []string
}

var errShort = errors.New("it has too few words")

// next takes a word off.
func (l *line) next() string {
	if len(l.words) == 0 {
		l.err = errShort
		return ""
	}
	w := l.words[0]
	l.words = l.words[1:]
	return w
}

// maybe takes a word off, if there is one.
func (l *line) maybe() string {
	if len(l.words) == 0 {
		return ""
	}
	return l.next()
}

// rest takes what is left, as one word: a path or a label with blanks in it.
func (l *line) rest() string {
	all := strings.Join(l.words, " ")
	l.words = nil
	return all
}

// all takes the words that are left.
func (l *line) all() []string {
	words := l.words
	l.words = nil
	return words
}

func (l *line) note(format string, args ...any) { l.odd = append(l.odd, fmt.Sprintf(format, args...)) }

func (l *line) number() uint64 {
	w := l.next()
	n, err := strconv.ParseUint(w, 10, 64)
	if err != nil && l.err == nil {
		l.err = fmt.Errorf("%q is no number", w)
	}
	return n
}

// device takes a word that must be a path below /dev.
func (l *line) device() string {
	w := l.next()
	if !strings.HasPrefix(w, "/dev/") && l.err == nil {
		l.err = fmt.Errorf("%q is no device", w)
	}
	return w
}

func (l *line) vg() string { return strings.TrimPrefix(l.device(), "/dev/") }

// options takes all that is left. A word without = belongs to the value before it.
func (l *line) options() Options {
	var out Options
	for _, w := range l.words {
		key, value, ok := strings.Cut(w, "=")
		switch {
		case ok:
			out = append(out, Option{key, value})
		case len(out) > 0:
			out[len(out)-1].Value += " " + w
			l.note("%q stands alone, and was read as part of %s", w, out[len(out)-1].Key)
		default:
			l.err = fmt.Errorf("%q is no key=value", w)
		}
	}
	l.words = nil
	return out
}

// secretOption takes password= out of options.
func secretOption(o Options) (Options, bool) {
	rest := slices.DeleteFunc(slices.Clone(o), func(opt Option) bool { return opt.Key == "password" })
	return rest, len(rest) != len(o)
}
