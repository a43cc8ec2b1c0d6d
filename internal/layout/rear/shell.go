package rear

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// shell reads the part of bash that configurations are mostly made of: assignments
// of words and arrays (bash(1), "Parameters", "Quoting").
type shell struct {
	file string
	src  string
	at   int
	line int
	set  *Settings
}

// statement reads up to the next newline or semicolon that ends a command.
func (p *shell) statement() {
	p.blanks()
	start, line := p.at, p.line
	switch p.peek() {
	case 0:
		return
	case '\n', ';':
		p.take()
		return
	case '#':
		p.comment()
		return
	}
	found, err := p.assignments()
	if err == nil {
		for _, a := range found {
			p.set.assign(p.file, a)
		}
		return
	}
	p.at, p.line = start, line
	p.skip()
	text := p.src[start:p.at]
	if strings.TrimSpace(text) == "" {
		p.take() // a stray closing word or bracket
		text = p.src[start:p.at]
	}
	u := Unread{File: p.file, Line: line, Last: line + strings.Count(strings.TrimRight(text, "\n"), "\n"),
		Word: firstWord(text), Cause: err.Error()}
	p.set.unread(u, touchedBy(text))
}

func firstWord(text string) string {
	end := strings.IndexAny(text, " \t\n;=+")
	if end < 0 {
		end = len(text)
	}
	return text[:min(end, 40)]
}

// assignments reads "A=x B=( y )", with export or readonly before it.
func (p *shell) assignments() ([]assignment, error) {
	exported := p.exports()
	var found []assignment
	for {
		name := bareName.FindString(p.src[p.at:])
		if exported && name != "" {
			p.at += len(strings.TrimRight(name, " \t\r\n;#&|"))
		} else {
			a, err := p.assignment(found)
			if err != nil {
				return nil, err
			}
			found = append(found, a)
		}
		if c := p.peek(); c != 0 && strings.IndexByte(" \t\r\n;&|<>()\\", c) < 0 {
			return nil, errCommand
		}
		p.blanks()
		switch c := p.peek(); c {
		case 0, '\n', ';':
			p.take()
			return found, nil
		case '#':
			p.comment()
			return found, nil
		}
		if strings.IndexByte("&|<>()", p.peek()) >= 0 {
			return nil, errors.New("it is a condition, or has a command behind it")
		}
	}
}

// exports passes over the word export or readonly.
func (p *shell) exports() bool {
	for _, word := range []string{"export", "readonly"} {
		if strings.HasPrefix(p.src[p.at:], word) && strings.IndexByte(" \t", p.byteAt(len(word))) >= 0 && p.byteAt(len(word)) != 0 {
			p.at += len(word)
			p.blanks()
			return true
		}
	}
	return false
}

// bareName matches a name that is exported and not assigned.
var bareName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*([ \t\r\n;#&|]|$)`)

var errCommand = errors.New("it is a command or a block of commands, and nothing is executed")

func (p *shell) assignment(before []assignment) (assignment, error) {
	m := assigns.FindStringSubmatch(p.src[p.at:])
	if m == nil {
		return assignment{}, errCommand
	}
	if m[2] != "" {
		return assignment{}, errors.New("it assigns a single element of an array")
	}
	a := assignment{name: m[1], add: m[3] != "", line: p.line}
	p.at += len(m[0])
	w := &words{shell: p, self: a.name, before: before}
	var err error
	if a.array = p.peek() == '('; a.array {
		a.values, err = w.array()
	} else {
		a.values, err = w.scalar()
	}
	a.add = a.add || w.selfFirst
	return a, err
}

func (p *shell) peek() byte { return p.byteAt(0) }

func (p *shell) byteAt(ahead int) byte {
	if p.at+ahead < len(p.src) {
		return p.src[p.at+ahead]
	}
	return 0
}

func (p *shell) take() byte {
	c := p.peek()
	if p.at < len(p.src) {
		p.at++
	}
	if c == '\n' {
		p.line++
	}
	return c
}

// blanks skips blanks and joined lines.
func (p *shell) blanks() {
	for {
		switch c := p.peek(); {
		case c == ' ' || c == '\t' || c == '\r':
			p.take()
		case c == '\\' && p.byteAt(1) == '\n':
			p.take()
			p.take()
		default:
			return
		}
	}
}

// comment skips to the end of the line, and leaves the end.
func (p *shell) comment() {
	for p.at < len(p.src) && p.peek() != '\n' {
		p.take()
	}
}

// opening and closing words of the blocks of bash.
var blocks = map[string]int{
	"if": 1, "for": 1, "while": 1, "until": 1, "select": 1, "case": 1, "{": 1,
	"fi": -1, "done": -1, "esac": -1, "}": -1,
}

// skipping is where skip is in a statement.
type skipping struct {
	*shell
	depth, parens int
	start         bool // a command may begin here
	function      bool // the head of a function was read
	joined        bool // && or the like stands at the end of the line
	ends          []string
}

// skip passes over a statement with all blocks that it opens. Words count as those
// of a block only where a command may begin.
func (p *shell) skip() {
	for s := (&skipping{shell: p, start: true}); p.at < len(p.src) && s.step(); {
	}
}

// step passes over a word or sign; it reports whether the statement goes on.
func (s *skipping) step() bool {
	switch c := s.peek(); {
	case c == '\n' || c == ';':
		return s.separator(c)
	case c == '&' || c == '|':
		s.take()
		s.joined = c == '|' || s.peek() == '&' || s.joined
		s.start = true
	case c == ' ' || c == '\t' || c == '\r':
		s.take()
	case c == '#' && (s.at == 0 || strings.IndexByte(" \t\n;", s.src[s.at-1]) >= 0):
		s.comment()
	case c == '(':
		s.take()
		s.parens++
		s.start = true
	case c == ')': // of a case, if none was opened
		s.take()
		s.parens = max(s.parens-1, 0)
		s.start = true
	case strings.HasPrefix(s.src[s.at:], "<<") && s.byteAt(2) != '<':
		s.ends = append(s.ends, s.heredocWord())
	default:
		s.word()
	}
	return true
}

// separator passes over the end of a line or command.
func (s *skipping) separator(c byte) bool {
	inside := s.depth > 0 || s.parens > 0 || s.joined || s.bodyFollows()
	s.take()
	s.start, s.joined = true, s.joined && c == '\n'
	if c == '\n' && len(s.ends) > 0 {
		s.heredoc(s.ends)
		s.ends = nil
	}
	return inside
}

func (s *skipping) word() {
	word := s.rawWord()
	s.joined = false
	if s.start || s.function && word == "{" {
		s.depth = max(s.depth+blocks[word], 0)
	}
	s.function = s.function && word != "{" || s.start && word == "function"
	switch word {
	case "then", "do", "else", "elif", "!":
	default:
		s.start = s.start && blocks[word] > 0
	}
}

// bodyFollows tells whether the next line opens the body of a function whose head
// this line was.
func (p *shell) bodyFollows() bool {
	before := strings.TrimRight(p.src[:p.at], " \t")
	if p.peek() != '\n' || !strings.HasSuffix(before, ")") {
		return false
	}
	rest := strings.TrimLeft(p.src[p.at:], " \t\n")
	return strings.HasPrefix(rest, "{") && strings.HasSuffix(strings.TrimRight(before, ") \t"), "(")
}

// rawWord passes over a word with its quotes and substitutions.
func (p *shell) rawWord() string {
	start := p.at
	for p.at < len(p.src) && strings.IndexByte(" \t\r\n;&|()<>", p.peek()) < 0 {
		p.rawPiece()
	}
	if p.at == start {
		p.take()
	}
	return p.src[start:p.at]
}

func (p *shell) rawPiece() {
	switch c := p.take(); c {
	case '\\':
		p.take()
	case '\'', '`':
		p.until(c)
	case '"':
		for p.at < len(p.src) && p.peek() != '"' {
			if p.take() == '\\' {
				p.take()
			}
		}
		p.take()
	case '$':
		switch p.peek() {
		case '(':
			p.nested('(', ')')
		case '{':
			p.nested('{', '}')
		}
	}
}

func (p *shell) until(end byte) {
	for p.at < len(p.src) && p.take() != end {
	}
}

func (p *shell) nested(open, end byte) {
	for depth := 0; p.at < len(p.src); {
		switch c := p.peek(); c {
		case open:
			depth++
			p.take()
		case end:
			depth--
			p.take()
			if depth <= 0 {
				return
			}
		case '\\', '\'', '"':
			p.rawPiece()
		default:
			p.take()
		}
	}
}

// heredocWord passes over "<<-'EOF'" and gives EOF.
func (p *shell) heredocWord() string {
	p.at += 2
	if p.peek() == '-' {
		p.take()
	}
	p.blanks()
	return strings.Trim(p.rawWord(), `'"\`)
}

// heredoc passes over the text up to the lines that end it.
func (p *shell) heredoc(ends []string) {
	for _, end := range ends {
		for p.at < len(p.src) {
			start := p.at
			p.comment()
			text := strings.TrimSpace(p.src[start:p.at])
			p.take()
			if text == end {
				break
			}
		}
	}
}

func errNotSet(name string) error {
	return fmt.Errorf("$%s is not assigned before in these files, and the value that it has on the machine is not known", name)
}
