package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const (
	maxSize  = 64 << 20 // bytes of a document
	maxDepth = 64       // of lists and mappings within each other
)

// Read reads a document into what v points to. What the document does not name stays as it is
// in v. If anything is wrong, the error is a *Problems with all that is, and v is not to be used.
// file is for messages only. The source is there even then, if the text is YAML at all.
func Read(file string, data []byte, v any) (*Source, error) {
	r := &reader{source: &Source{file: file}}
	root, problem := parse(file, data)
	if problem != nil {
		return nil, &Problems{[]*Problem{problem}}
	}
	r.source.root = root
	if root != nil && r.check(root, "", 0) {
		r.value(root, reflect.ValueOf(v).Elem(), "")
	}
	return r.source, r.problems.Err()
}

type reader struct {
	source   *Source
	problems Problems
}

// wrong notes a problem. It tells false, for the caller to pass on.
func (r *reader) wrong(at *yaml.Node, path, format string, args ...any) bool {
	r.problems.Add(&Problem{r.source.file, at.Line, at.Column, path, fmt.Sprintf(format, args...)})
	return false
}

// parse gives the root of the one document in data; nil if there is nothing but comments.
func parse(file string, data []byte) (*yaml.Node, *Problem) {
	if len(data) > maxSize {
		return nil, &Problem{File: file, Text: fmt.Sprintf("cannot read it: it is larger than %d MiB", maxSize>>20)}
	}
	if at, what := foreign(data); at >= 0 {
		return nil, &Problem{File: file, Line: 1 + bytes.Count(data[:at], []byte{'\n'}), Text: "cannot read " + what}
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, syntaxProblem(file, err)
	}
	var second yaml.Node
	if err := d.Decode(&second); err == nil {
		return nil, &Problem{File: file, Line: second.Line, Text: "cannot read a second document after ---: a file holds one"}
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxProblem(file, err)
	}
	return doc.Content[0], nil
}

// foreign finds the first byte that cannot be in YAML (YAML 1.2.2, 5.1). The library refuses
// it too, but does not tell where it is.
func foreign(data []byte) (at int, what string) {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			return i, fmt.Sprintf("byte %#02x: this is not UTF-8", data[i])
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r >= 0x7f && r < 0xa0 && r != 0x85, r == 0xfffe, r == 0xffff, r == 0xfeff && i > 0:
			return i, fmt.Sprintf("character %U: write it as an escape within double quotes", r)
		}
		i += n
	}
	return -1, ""
}

// yamlError is how the library says where it stopped (its parserc.go and scannerc.go by yaml.go's fail).
var yamlError = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?(.*)$`)

func syntaxProblem(file string, err error) *Problem {
	p := &Problem{File: file}
	m := yamlError.FindStringSubmatch(err.Error())
	if m == nil {
		p.Text = fmt.Sprintf("cannot read it as YAML: %v", err)
		return p
	}
	p.Line = 1 // which it does not name
	if m[1] != "" {
		p.Line, _ = strconv.Atoi(m[1])
	}
	p.Text = "cannot read it as YAML: " + m[2]
	if strings.Contains(m[2], "cannot start any token") || strings.Contains(m[2], "found a tab") {
		p.Text += " (YAML is indented by blanks, never by tabs)"
	}
	return p
}

// check refuses what YAML has and a document may not.
func (r *reader) check(n *yaml.Node, path string, depth int) bool {
	switch {
	case depth > maxDepth:
		return r.wrong(n, "", "cannot read lists and mappings more than %d deep", maxDepth)
	case n.Kind == yaml.AliasNode:
		return r.wrong(n, path, "cannot read the alias *%s: write out what is meant", n.Value)
	case n.Anchor != "":
		return r.wrong(n, path, "cannot read the anchor &%s: write out what is meant at each place", n.Anchor)
	case n.Style&yaml.TaggedStyle != 0:
		return r.wrong(n, path, "cannot read the tag %s: what a value is follows from its key", n.Tag)
	}
	switch n.Kind {
	case yaml.MappingNode:
		return r.checkMapping(n, path, depth)
	case yaml.SequenceNode:
		ok := true
		for i, item := range n.Content {
			ok = r.check(item, Index(path, i), depth+1) && ok
		}
		return ok
	}
	return true
}

func (r *reader) checkMapping(n *yaml.Node, path string, depth int) bool {
	ok := true
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			ok = r.wrong(key, path, "cannot read %s as a key: a key is text", wordOf(key))
			continue
		}
		at := Join(path, key.Value)
		switch line, twice := seen[key.Value]; {
		case key.Tag == "!!merge":
			ok = r.wrong(key, path, "cannot read the merge key <<: write out what is meant")
		case !r.check(key, at, depth):
			ok = false
		case twice:
			ok = r.wrong(key, at, "cannot read the same key twice: it stands in line %d already", line)
		default:
			seen[key.Value] = key.Line
		}
		ok = r.check(value, at, depth+1) && ok
	}
	return ok
}

// isNull: a key without a value.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// wordOf says what stands in a document.
func wordOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping (key: value)"
	case yaml.SequenceNode:
		return "a list"
	default:
		if utf8.RuneCountInString(n.Value) > 80 {
			return strconv.Quote(string([]rune(n.Value)[:80])) + "…"
		}
		return strconv.Quote(n.Value)
	}
}
