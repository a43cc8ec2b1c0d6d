package document

import (
	"bytes"
	"reflect"
	"strings"
)

// Comment is what stands in the file for its reader.
type Comment struct {
	Above  string // one or more lines before it
	Beside string // at the end of its line
	Blank  bool   // an empty line before it
}

// Write writes a document. Keys stand in the order of the struct's fields, and those of a
// map are sorted, so that equal values give equal bytes; what encoding/json would leave out
// by omitempty and omitzero is left out. comments gives the comment of a path and may be
// nil; that of "" stands at the top of the file.
func Write(v any, comments func(path string) Comment) ([]byte, error) {
	value := reflect.ValueOf(v)
	if value.IsValid() && value.Kind() != reflect.Pointer { // methods of pointers are wanted too
		p := reflect.New(value.Type())
		p.Elem().Set(value)
		value = p
	}
	root, err := treeOf(value, "")
	if err != nil {
		return nil, err
	}
	if comments == nil {
		comments = func(string) Comment { return Comment{} }
	}
	w := &writer{comments: comments}
	w.document(root)
	return w.out.Bytes(), nil
}

// writer turns a tree into block YAML. It is written by hand, since the encoder of the YAML
// library moves comments about and changes its mind on quotes from version to version,
// and two saves of an unchanged machine have to be the same bytes.
type writer struct {
	out      bytes.Buffer
	comments func(string) Comment
}

const indentation = 2

func (w *writer) document(root *tree) {
	top := w.comments("")
	if top.Above != "" || top.Beside != "" {
		w.above(besideAbove(top), 0)
		w.out.WriteByte('\n')
	}
	switch {
	case root.kind == mapping && len(root.items) > 0:
		w.mapping(root, 0, "", "")
	case root.kind == list && len(root.items) > 0:
		w.list(root, 0, "")
	default:
		w.out.WriteString(inline(root, false))
		w.out.WriteByte('\n')
	}
}

// mapping writes a mapping; lead is the dash of the list whose element it is, and stands
// before its first key.
func (w *writer) mapping(t *tree, indent int, path, lead string) {
	for i, key := range t.keys {
		p := Join(path, key)
		c := w.comments(p)
		if i == 0 && lead != "" {
			w.above(c, indent-indentation)
			w.pad(indent - indentation)
			w.out.WriteString(lead)
		} else {
			w.above(c, indent)
			w.pad(indent)
		}
		w.out.WriteString(scalar(key, false))
		w.out.WriteByte(':')
		w.value(t.items[i], indent, p, c.Beside)
	}
}

func (w *writer) list(t *tree, indent int, path string) {
	for i, item := range t.items {
		p := Index(path, i)
		c := w.comments(p)
		if item.kind == mapping && len(item.items) > 0 {
			w.above(besideAbove(c), indent) // its first key has the line
			w.mapping(item, indent+indentation, p, "- ")
			continue
		}
		w.above(c, indent)
		w.pad(indent)
		w.out.WriteByte('-')
		w.value(item, indent, p, c.Beside)
	}
}

// value writes what follows a colon or a dash, up to the end of its last line.
func (w *writer) value(t *tree, indent int, path, beside string) {
	switch {
	case t.kind == mapping && len(t.items) > 0:
		w.endLine(beside)
		w.mapping(t, indent+indentation, path, "")
	case t.kind == list && len(t.items) > 0 && !w.short(t, path):
		w.endLine(beside)
		w.list(t, indent+indentation, path)
	case t.kind == text && isBlock(t.text):
		w.out.WriteString(" " + blockHeader(t.text))
		w.endLine(beside)
		w.block(t.text, indent+indentation)
	default:
		w.out.WriteString(" " + inline(t, false))
		w.endLine(beside)
	}
}

// block writes a text line by line, as it is.
func (w *writer) block(s string, indent int) {
	for line := range strings.SplitSeq(strings.TrimSuffix(s, "\n"), "\n") {
		if line != "" {
			w.pad(indent)
		}
		w.out.WriteString(line)
		w.out.WriteByte('\n')
	}
}

// maxShort is how much of a list is written in one line.
const maxShort = 60

// short: a list that is written as [rw, noatime].
func (w *writer) short(t *tree, path string) bool {
	if len(t.items) > maxShort {
		return false
	}
	for i, item := range t.items {
		switch {
		case item.kind != bare && (item.kind != text || !isPlain(item.text, true)):
			return false
		case w.comments(Index(path, i)) != Comment{}:
			return false
		}
	}
	return len(inline(t, false)) <= maxShort
}

// inline is a value in one line; flow tells that it stands within brackets.
func inline(t *tree, flow bool) string {
	switch t.kind {
	case bare:
		return t.text
	case text:
		return scalar(t.text, flow)
	case list:
		items := make([]string, len(t.items))
		for i, item := range t.items {
			items[i] = inline(item, true)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case mapping:
		return "{}" // any other has lines of its own
	default:
		return "null"
	}
}

func (w *writer) pad(n int) { w.out.WriteString(strings.Repeat(" ", n)) }

// besideAbove is for what has no line of its own to stand beside.
func besideAbove(c Comment) Comment {
	c.Above = strings.Trim(c.Above+"\n"+c.Beside, "\n")
	c.Beside = ""
	return c
}

func (w *writer) above(c Comment, indent int) {
	if c.Blank && w.out.Len() > 0 {
		w.out.WriteByte('\n')
	}
	if c.Above == "" {
		return
	}
	for line := range strings.SplitSeq(c.Above, "\n") {
		w.pad(indent)
		w.out.WriteString(strings.TrimRight("# "+commentText(line), " "))
		w.out.WriteByte('\n')
	}
}

func (w *writer) endLine(beside string) {
	if beside != "" {
		w.out.WriteString("  # " + strings.TrimRight(commentText(beside), " "))
	}
	w.out.WriteByte('\n')
}
