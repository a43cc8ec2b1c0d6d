package storage

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// TreePart names a part of a rendered line, for whoever colours it.
type TreePart int

// The parts of a line.
const (
	TreeBranch TreePart = iota
	TreeName
	TreeSize
	TreeWhat
	TreeTrouble
	TreeState
	TreeMount
	TreeNote
	TreeID
)

// defaultWidth is wide enough for nearly all lines and narrow enough for most
// windows.
const defaultWidth = 110

// widestColumn is how far one long name or description may push the others.
const widestColumn = 46

// RenderTree lays lines out in columns. style, if not nil, gets every piece of
// text after its width was reckoned and gives what is printed in its place.
func RenderTree(lines []TreeLine, notes []string, opt TreeOptions, style func(TreePart, string) string) string {
	if style == nil {
		style = func(_ TreePart, s string) string { return s }
	}
	r := &treeText{opt: opt, style: style, room: cmp.Or(opt.Width, defaultWidth)}
	if len(lines) == 0 {
		r.put(TreeNote, "no storage device is known")
		r.end()
	}
	for _, l := range lines {
		r.names = max(r.names, upTo(widestColumn, TextWidth(l.Prefix+l.Name)))
		r.sizes = max(r.sizes, TextWidth(l.Size))
		r.whats = max(r.whats, upTo(widestColumn, TextWidth(l.What)))
	}
	for _, l := range lines {
		r.line(l)
	}
	if len(notes) > 0 {
		r.end()
	}
	for _, note := range notes {
		r.wrapped("", "* ", Printable(note))
	}
	return r.out.String()
}

// treeText writes lines; names, sizes and whats are the widths of the columns.
type treeText struct {
	out, now            strings.Builder // the lines that are done, and the present one
	opt                 TreeOptions
	style               func(TreePart, string) string
	names, sizes, whats int
	room, column        int // column: where the present line has got to
}

func (r *treeText) line(l TreeLine) {
	r.put(TreeBranch, l.Prefix)
	r.put(TreeName, l.Name)
	if l.Size != "" {
		r.padTo(r.names + 2 + r.sizes - TextWidth(l.Size))
		r.put(TreeSize, l.Size)
	}
	r.padTo(r.names + 2 + r.sizes + 2)
	r.put(TreeWhat, l.What)
	r.states(l)
	r.end()
	for _, note := range l.Notes {
		r.wrapped(l.Under, "* ", note)
	}
	if r.opt.IDs {
		r.ids(l)
	}
}

// states writes trouble, state and mounts behind the rest of the line or, when
// there is no room, below it.
func (r *treeText) states(l TreeLine) {
	type piece struct {
		part TreePart
		text string
	}
	var all []piece
	for _, s := range l.Trouble {
		all = append(all, piece{TreeTrouble, s})
	}
	for _, s := range l.State {
		all = append(all, piece{TreeState, s})
	}
	for _, s := range l.Mounts {
		all = append(all, piece{TreeMount, "on " + s})
	}
	r.padTo(r.names + 2 + r.sizes + 2 + r.whats + 2)
	below := max(TextWidth(l.Under), r.names+2+r.sizes+4)
	for i, p := range all {
		if i < len(all)-1 {
			p.text += ","
		}
		if r.column+TextWidth(p.text) > r.room && below < r.column {
			r.end()
			r.put(TreeBranch, l.Under)
			r.pad(below)
		}
		r.put(p.part, p.text)
		r.pad(r.column + 1)
	}
}

func (r *treeText) ids(l TreeLine) {
	for _, id := range l.Nodes {
		r.put(TreeBranch, l.Under)
		r.put(TreeID, Printable(string(id)))
		r.end()
	}
}

// wrapped writes text in lines that fit, all under the first.
func (r *treeText) wrapped(under, bullet, text string) {
	r.put(TreeBranch, under)
	r.put(TreeNote, bullet)
	start := r.column
	for word := range strings.FieldsSeq(text) {
		switch {
		case r.column == start:
		case r.column+1+TextWidth(word) > r.room:
			r.end()
			r.put(TreeBranch, under)
			r.pad(start)
		default:
			r.put(TreeNote, " ")
		}
		r.put(TreeNote, word)
	}
	r.end()
}

func (r *treeText) put(part TreePart, s string) {
	if s == "" {
		return
	}
	if r.opt.ASCII {
		s = asciiOnly(s)
	}
	r.column += TextWidth(s)
	r.now.WriteString(r.style(part, s))
}

// pad goes to a column, padTo at least two further.
func (r *treeText) pad(to int) {
	n := to - r.column
	r.now.WriteString(strings.Repeat(" ", max(n, 0)))
	r.column += max(n, 0)
}

func (r *treeText) padTo(to int) { r.pad(max(to, r.column+2)) }

// end ends the line without blanks behind it.
func (r *treeText) end() {
	r.out.WriteString(strings.TrimRight(r.now.String(), " ") + "\n")
	r.now.Reset()
	r.column = 0
}

func asciiOnly(s string) string {
	var b strings.Builder
	for _, c := range s {
		if c < utf8.RuneSelf {
			b.WriteRune(c)
		} else {
			b.WriteByte('?')
		}
	}
	return b.String()
}

// TextWidth is the number of columns that s takes on a terminal.
func TextWidth(s string) int {
	n := 0
	for _, r := range s {
		switch k := width.LookupRune(r).Kind(); {
		case unicode.Is(unicode.Mn, r):
		case k == width.EastAsianWide, k == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

func upTo(limit, n int) int {
	if n > limit {
		return 0 // too long to line the others up with
	}
	return n
}
