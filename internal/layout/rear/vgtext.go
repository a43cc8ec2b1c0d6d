package rear

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// section is a section of LVM's text format, which vgcfgbackup(8) writes
// (lvm2: libdm/libdm-config.c, lib/format_text). Values are strings, numbers as
// text, or lists of either.
type section struct {
	name     string
	values   map[string][]string
	sections []*section
}

// maxDepth bounds how deep sections may lie in each other; LVM needs four.
const maxDepth = 16

// parseSections reads the text format.
func parseSections(data []byte) (*section, error) {
	p := &sectionReader{src: string(data), line: 1}
	root, err := p.section("", 0)
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", p.line, err)
	}
	return root, nil
}

func (s *section) get(key string) string {
	if v := s.values[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// number gives a number, or 0.
func (s *section) number(key string) uint64 {
	n, err := strconv.ParseUint(s.get(key), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// has reports whether a list holds a word.
func (s *section) has(key, word string) bool {
	for _, v := range s.values[key] {
		if v == word {
			return true
		}
	}
	return false
}

// sub gives the sections in the section of that name.
func (s *section) sub(name string) []*section {
	for _, c := range s.sections {
		if c.name == name {
			return c.sections
		}
	}
	return nil
}

type sectionReader struct {
	src  string
	at   int
	line int
}

var errText = errors.New("this is not the text format of LVM")

// section reads up to the closing bracket, or to the end at the top.
func (p *sectionReader) section(name string, depth int) (*section, error) {
	s := &section{name: name, values: map[string][]string{}}
	if depth > maxDepth {
		return nil, errText
	}
	for {
		switch word := p.token(); {
		case word == "" && depth == 0, word == "}" && depth > 0:
			return s, nil
		case word == "" || strings.ContainsAny(word[:1], "{}[]=,\""):
			return nil, errText
		default:
			if err := p.entry(s, word, depth); err != nil {
				return nil, err
			}
		}
	}
}

func (p *sectionReader) entry(s *section, name string, depth int) error {
	switch p.token() {
	case "{":
		c, err := p.section(name, depth+1)
		if err != nil {
			return err
		}
		s.sections = append(s.sections, c)
		return nil
	case "=":
		values, err := p.value()
		s.values[name] = values
		return err
	}
	return errText
}

func (p *sectionReader) value() ([]string, error) {
	word := p.token()
	if word != "[" {
		v, err := unquote(word)
		return []string{v}, err
	}
	var out []string
	for {
		switch word := p.token(); word {
		case "]":
			return out, nil
		case ",":
		default:
			v, err := unquote(word)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
	}
}

// unquote takes the quotes off a string; a number stays as it is.
func unquote(word string) (string, error) {
	if word == "" || strings.ContainsAny(word[:1], "{}[]=,") {
		return "", errText
	}
	if word[0] != '"' {
		return word, nil
	}
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(word[1 : len(word)-1]), nil
}

// token gives the next word, string with its quotes or sign; "" at the end.
func (p *sectionReader) token() string {
	p.skipBlank()
	if p.at >= len(p.src) {
		return ""
	}
	start := p.at
	switch c := p.src[p.at]; {
	case strings.IndexByte("{}[]=,", c) >= 0:
		p.at++
	case c == '"':
		return p.quoted()
	default:
		for p.at < len(p.src) && strings.IndexByte("{}[]=,\"# \t\r\n", p.src[p.at]) < 0 {
			p.at++
		}
	}
	return p.src[start:p.at]
}

func (p *sectionReader) quoted() string {
	start := p.at
	for p.at++; p.at < len(p.src); p.at++ {
		switch p.src[p.at] {
		case '\\':
			p.at++
		case '"':
			p.at++
			return p.src[start:p.at]
		}
	}
	p.at = len(p.src)
	return "" // not closed: as if the file ended before it
}

func (p *sectionReader) skipBlank() {
	for ; p.at < len(p.src); p.at++ {
		switch p.src[p.at] {
		case '\n':
			p.line++
		case ' ', '\t', '\r':
		case '#':
			for p.at+1 < len(p.src) && p.src[p.at+1] != '\n' {
				p.at++
			}
		default:
			return
		}
	}
}
