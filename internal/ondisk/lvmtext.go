package ondisk

import (
	"errors"
	"fmt"
	"strconv"
)

// ParseLVM parses the text metadata of a volume group: what lies in a
// metadata area, or in a file of /etc/lvm/backup or /etc/lvm/archive.
func ParseLVM(text []byte) (*LVMVG, error) {
	p := lvmParser{text: text, line: 1}
	root, err := p.section(0, false)
	if err != nil {
		return nil, fmt.Errorf("cannot parse the LVM metadata, line %d: %w", p.line, err)
	}
	for _, c := range root.children {
		if c.node != nil {
			return newLVMVG(c.name, c.node, root), nil
		}
	}
	return nil, errors.New("cannot parse the LVM metadata: no volume group is in it")
}

const (
	// lvmMaxDepth is far above the five levels of real metadata
	// (VG, logical_volumes, LV, segment, message).
	lvmMaxDepth = 16
	// lvmMaxNodes bounds the memory that hostile text can make us use.
	lvmMaxNodes = 1 << 19
)

// lvmNode is a section of LVM's configuration language, the lvm.conf(5) one.
type lvmNode struct{ children []lvmChild }

// lvmChild is a named section or a setting; the value of a setting is a list,
// of one element where it is not an array.
type lvmChild struct {
	name   string
	node   *lvmNode // a section
	values []lvmValue
}

// lvmValue is a string or a number; the text of a number is kept.
type lvmValue struct {
	text   string
	quoted bool
}

type lvmParser struct {
	text  []byte
	pos   int
	line  int
	nodes int
}

// skip passes white space and comments.
func (p *lvmParser) skip() {
	comment := false
	for ; p.pos < len(p.text); p.pos++ {
		switch c := p.text[p.pos]; {
		case c == '\n':
			p.line++
			comment = false
		case comment, c == ' ', c == '\t', c == '\r', c == 0:
		case c == '#':
			comment = true
		default:
			return
		}
	}
}

// peek returns the next byte that counts, 0 at the end.
func (p *lvmParser) peek() byte {
	p.skip()
	if p.pos == len(p.text) {
		return 0
	}
	return p.text[p.pos]
}

func (p *lvmParser) expect(c byte) error {
	if got := p.peek(); got != c {
		return p.unexpected(fmt.Sprintf("%q", c))
	}
	p.pos++
	return nil
}

func (p *lvmParser) unexpected(want string) error {
	if p.pos == len(p.text) {
		return fmt.Errorf("the text ends where %s was expected", want)
	}
	return fmt.Errorf("found %q where %s was expected", p.text[p.pos], want)
}

// section parses settings and sections up to the closing brace, which the
// whole text does not have.
func (p *lvmParser) section(depth int, braced bool) (*lvmNode, error) {
	if depth > lvmMaxDepth {
		return nil, errors.New("the sections are nested too deeply")
	}
	n := &lvmNode{}
	for {
		switch c := p.peek(); {
		case c == '}' && braced:
			p.pos++
			return n, nil
		case c == 0 && !braced:
			return n, nil
		}
		child, err := p.child(depth)
		if err != nil {
			return nil, err
		}
		n.children = append(n.children, child)
	}
}

func (p *lvmParser) child(depth int) (c lvmChild, err error) {
	if p.nodes++; p.nodes > lvmMaxNodes {
		return c, errors.New("there are too many settings")
	}
	if c.name, err = p.name(); err != nil {
		return c, err
	}
	if p.peek() == '{' {
		p.pos++
		c.node, err = p.section(depth+1, true)
		return c, err
	}
	if err := p.expect('='); err != nil {
		return c, err
	}
	if p.peek() == '[' {
		p.pos++
		c.values, err = p.array()
		return c, err
	}
	v, err := p.value()
	c.values = []lvmValue{v}
	return c, err
}

// word returns the letters that a name or a number consists of.
func (p *lvmParser) word() string {
	p.skip()
	start := p.pos
	for p.pos < len(p.text) && lvmLetter(p.text[p.pos]) {
		p.pos++
	}
	return string(p.text[start:p.pos])
}

func lvmLetter(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '_' || c == '-' || c == '.' || c == '+' || c == '@' || c == '/'
}

func (p *lvmParser) name() (string, error) {
	if p.peek() == '"' {
		return p.quoted()
	}
	if w := p.word(); w != "" {
		return w, nil
	}
	return "", p.unexpected("a name")
}

func (p *lvmParser) value() (lvmValue, error) {
	if p.peek() == '"' {
		s, err := p.quoted()
		return lvmValue{s, true}, err
	}
	if w := p.word(); w != "" {
		return lvmValue{w, false}, nil
	}
	return lvmValue{}, p.unexpected("a value")
}

// quoted parses a string, in which a backslash escapes the next byte.
func (p *lvmParser) quoted() (string, error) {
	p.pos++
	var s []byte
	for ; p.pos < len(p.text); p.pos++ {
		switch c := p.text[p.pos]; c {
		case '"':
			p.pos++
			return string(s), nil
		case '\n':
			return "", errors.New("a string does not end in its line")
		case '\\':
			p.pos++
			if p.pos == len(p.text) {
				return "", errors.New("a string does not end")
			}
			s = append(s, p.text[p.pos])
		default:
			s = append(s, c)
		}
	}
	return "", errors.New("a string does not end")
}

func (p *lvmParser) array() (values []lvmValue, err error) {
	for {
		if p.peek() == ']' {
			p.pos++
			return values, nil
		}
		if p.nodes++; p.nodes > lvmMaxNodes {
			return nil, errors.New("there are too many values")
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		values = append(values, v)
		if p.peek() == ',' {
			p.pos++
		} else if p.peek() != ']' {
			return nil, p.unexpected(`"," or "]"`)
		}
	}
}

// values returns the values of a setting, nil when it is not there.
func (n *lvmNode) values(name string) []lvmValue {
	if n == nil {
		return nil
	}
	for _, c := range n.children {
		if c.name == name && c.node == nil {
			return c.values
		}
	}
	return nil
}

// text returns a setting's only value, "" when it is not there.
func (n *lvmNode) text(name string) string {
	if v := n.values(name); len(v) == 1 {
		return v[0].text
	}
	return ""
}

// number returns a setting's value, 0 when it is not there or no number.
func (n *lvmNode) number(name string) uint64 {
	v, _ := strconv.ParseUint(n.text(name), 10, 64)
	return v
}

// sectors returns a size in bytes that is stored in sectors, 0 when it is
// beyond all devices.
func (n *lvmNode) sectors(name string) uint64 {
	v := n.number(name)
	if v > 1<<63/lvmSector {
		return 0
	}
	return v * lvmSector
}

func (n *lvmNode) list(name string) []string {
	var l []string
	for _, v := range n.values(name) {
		l = append(l, v.text)
	}
	return l
}

// sections returns the sections inside the named section.
func (n *lvmNode) sections(name string) []lvmChild {
	for _, c := range n.children {
		if c.name == name && c.node != nil {
			return c.node.subsections()
		}
	}
	return nil
}

func (n *lvmNode) subsections() (s []lvmChild) {
	for _, c := range n.children {
		if c.node != nil {
			s = append(s, c)
		}
	}
	return s
}
