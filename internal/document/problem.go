package document

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Problem is what is wrong at one place of a document.
type Problem struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"` // from 1; 0 if it is nowhere in particular
	Column int    `json:"column,omitempty"`
	Path   string `json:"path,omitempty"` // "" for the document as a whole
	Text   string `json:"text"`
}

// Error is "layout.yaml:12: storage.disks[0].size: cannot read …".
func (p *Problem) Error() string {
	where := strconv.Quote(p.File)
	if where == `"`+p.File+`"` { // nothing had to be escaped
		where = p.File
	}
	if p.Line > 0 {
		where += ":" + strconv.Itoa(p.Line)
	}
	if p.Path != "" {
		where += ": " + p.Path
	}
	return where + ": " + p.Text
}

// maxProblems is more than anyone reads; a hostile file may have millions.
const maxProblems = 1000

// Problems are all that is wrong with one or more documents, in the order of their
// lines. Its text has a line for each.
type Problems struct{ List []*Problem }

func (p *Problems) Error() string {
	lines := make([]string, len(p.List))
	for i, one := range p.List {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find a single Problem.
func (p *Problems) Unwrap() []error {
	out := make([]error, len(p.List))
	for i, one := range p.List {
		out[i] = one
	}
	return out
}

// Add adds what is wrong; a nil is nothing.
func (p *Problems) Add(one *Problem) {
	switch {
	case one == nil || len(p.List) > maxProblems:
	case len(p.List) == maxProblems:
		p.List = append(p.List, &Problem{File: one.File, Text: fmt.Sprintf("cannot list more than %d problems: there are others", maxProblems)})
	default:
		p.List = append(p.List, one)
	}
}

// Join adds all the problems in an error, and tells whether there are any.
func (p *Problems) Join(err error) bool {
	more, ok := errors.AsType[*Problems](err)
	if ok {
		for _, one := range more.List {
			p.Add(one)
		}
	}
	return ok
}

// Err is nil if nothing is wrong, else p with the problems of a file in the order of its lines.
func (p *Problems) Err() error {
	if len(p.List) == 0 {
		return nil
	}
	if len(p.List) <= maxProblems { // else the last says that there are more
		files := map[string]int{} // which stay in the order in which they were read
		for i, one := range p.List {
			if _, seen := files[one.File]; !seen {
				files[one.File] = i
			}
		}
		slices.SortStableFunc(p.List, func(a, b *Problem) int {
			return cmp.Or(cmp.Compare(files[a.File], files[b.File]), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
	}
	return p
}

// Source is a document that was read.
type Source struct {
	file string
	root *yaml.Node // nil if the document is empty
}

// File is the name under which the document was read.
func (s *Source) File() string { return s.file }

// Problem says what a reader finds wrong afterwards. Where nothing stands at path in the
// document, it is the line of what would have held it.
func (s *Source) Problem(path, format string, args ...any) *Problem {
	p := &Problem{File: s.file, Path: path, Text: fmt.Sprintf(format, args...)}
	at, _ := s.find(path)
	if at != nil {
		p.Line, p.Column = at.Line, at.Column
	}
	return p
}

// Line is the line of path. It is not there if nothing stands at path, or a key without value.
func (s *Source) Line(path string) (line int, there bool) {
	at, value := s.find(path)
	if value == nil || isNull(value) {
		return 0, false
	}
	return at.Line, true
}

// find gives the node where path begins, a key or an element of a list, and its value.
// The value is nil if path is not there; at is then the nearest that is.
func (s *Source) find(path string) (at, value *yaml.Node) {
	at, value = s.root, s.root
	for here := ""; here != path && value != nil; {
		key, next, segment := step(value, here, path)
		if next == nil {
			return at, nil
		}
		at, value, here = key, next, segment
	}
	return at, value
}

// step goes from the value at here one step towards path.
func step(value *yaml.Node, here, path string) (at, next *yaml.Node, segment string) {
	switch value.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(value.Content); i += 2 {
			if p := Join(here, value.Content[i].Value); leadsTo(p, path) {
				return value.Content[i], value.Content[i+1], p
			}
		}
	case yaml.SequenceNode:
		for i, item := range value.Content {
			if p := Index(here, i); leadsTo(p, path) {
				return item, item, p
			}
		}
	}
	return nil, nil, ""
}

func leadsTo(prefix, path string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// Join is the path of a key of what is at path.
func Join(path, key string) string {
	switch {
	case !isWord(key):
		return path + "[" + strconv.Quote(key) + "]"
	case path == "":
		return key
	default:
		return path + "." + key
	}
}

// Index is the path of an element of the list at path.
func Index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func isWord(key string) bool {
	for _, r := range key {
		if r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return key != ""
}
