package bootentry

import "strings"

// A word of a GRUB script is a sequence of pieces: text, or a variable.
type word []piece

type piece struct {
	text     string
	variable bool // text is its name
	quoted   bool // an expansion in it is not cut at blanks
}

// literal gives a word that is written without quotes and variables, as reserved
// words have to be.
func (w word) literal() string {
	if len(w) == 1 && !w[0].variable && !w[0].quoted {
		return w[0].text
	}
	return ""
}

// String gives the word as it would be written.
func (w word) String() string {
	var b strings.Builder
	for _, p := range w {
		if p.variable {
			b.WriteString("${" + p.text + "}")
		} else {
			b.WriteString(p.text)
		}
	}
	return b.String()
}

type tokenKind int

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenSeparator // newline or semicolon
	tokenOpen      // {
	tokenClose     // }
)

type token struct {
	kind tokenKind
	word word
	line int
}

// lexer cuts a script into tokens, as GRUB's manual says in "Shell-like
// scripting": braces and semicolons are tokens wherever they are not quoted.
type lexer struct {
	text string
	at   int
	line int
}

func (l *lexer) peek() byte {
	if l.at < len(l.text) {
		return l.text[l.at]
	}
	return 0
}

// next gives the next token. Newlines within quotes count.
func (l *lexer) next() token {
	l.skipBlanks()
	t := token{line: l.line}
	if l.at >= len(l.text) {
		return t
	}
	switch l.peek() {
	case '\n':
		l.line++
		t.kind = tokenSeparator
	case ';':
		t.kind = tokenSeparator
	case '{':
		t.kind = tokenOpen
	case '}':
		t.kind = tokenClose
	default:
		t.kind, t.word = tokenWord, l.word()
		return t
	}
	l.at++
	return t
}

// skipBlanks skips what separates words, joined lines and comments.
func (l *lexer) skipBlanks() {
	for l.at < len(l.text) {
		switch rest := l.text[l.at:]; {
		case rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\r':
			l.at++
		case strings.HasPrefix(rest, "\\\n"):
			l.at, l.line = l.at+2, l.line+1
		case rest[0] == '#':
			l.at += len(rest)
			if end := strings.IndexByte(rest, '\n'); end >= 0 {
				l.at += end - len(rest)
			}
		default:
			return
		}
	}
}

// word reads one word, which begins here.
func (l *lexer) word() word {
	var w word
	for l.at < len(l.text) {
		switch c := l.peek(); {
		case strings.IndexByte(" \t\r\n;{}", c) >= 0:
			return w
		case c == '\'':
			l.at++
			text, _ := l.until("'")
			w = append(w, piece{text: text, quoted: true})
		case c == '"':
			l.at++
			w = l.doubleQuoted(w)
		case c == '$':
			w = append(w, l.variable(false))
		case c == '\\':
			w = append(w, piece{text: l.escaped(), quoted: true})
		default:
			w = append(w, piece{text: l.plain()})
		}
	}
	return w
}

// until gives the text up to one of the bytes in ends, and takes that too.
func (l *lexer) until(ends string) (text string, found bool) {
	rest := l.text[l.at:]
	n := strings.IndexAny(rest, ends)
	if n < 0 {
		n, found = len(rest), false
		l.at += n
	} else {
		found = true
		l.at += n + 1
	}
	l.line += strings.Count(rest[:n], "\n")
	return rest[:n], found
}

func (l *lexer) plain() string {
	start := l.at
	for l.at < len(l.text) && strings.IndexByte(" \t\r\n;{}'\"$\\", l.text[l.at]) < 0 {
		l.at++
	}
	return l.text[start:l.at]
}

// escaped reads a backslash and what follows it.
func (l *lexer) escaped() string {
	l.at++
	if l.at >= len(l.text) {
		return ""
	}
	c := l.text[l.at]
	l.at++
	if c == '\n' {
		l.line++
		return ""
	}
	return string([]byte{c})
}

// doubleQuoted reads to the closing quote: variables are expanded, a backslash
// protects only what would else be special.
func (l *lexer) doubleQuoted(w word) word {
	var b strings.Builder
	flush := func() {
		w = append(w, piece{text: b.String(), quoted: true})
		b.Reset()
	}
	for l.at < len(l.text) {
		switch c := l.peek(); {
		case c == '"':
			l.at++
			flush()
			return w
		case c == '$':
			flush()
			w = append(w, l.variable(true))
		case c == '\\' && l.at+1 < len(l.text) && strings.IndexByte("\"\\$\n", l.text[l.at+1]) >= 0:
			b.WriteString(l.escaped())
		default:
			if c == '\n' {
				l.line++
			}
			b.WriteByte(c)
			l.at++
		}
	}
	flush()
	return w
}

// variable reads $name, ${name} or $?. A dollar sign before anything else is text.
func (l *lexer) variable(quoted bool) piece {
	l.at++
	rest := l.text[l.at:]
	if strings.HasPrefix(rest, "{") {
		if end := strings.IndexByte(rest, '}'); end > 0 && !strings.ContainsAny(rest[:end], "\n\"' ") {
			l.at += end + 1
			return piece{rest[1:end], true, quoted}
		}
		return piece{text: "$", quoted: quoted}
	}
	n := 0
	for n < len(rest) && (isLetter(rest[n]) || rest[n] == '_' || isDigit(rest[n])) {
		n++
	}
	if n > 0 && isDigit(rest[0]) || n == 0 && rest != "" && strings.IndexByte("?*@#", rest[0]) >= 0 {
		n = 1
	}
	if n == 0 {
		return piece{text: "$", quoted: quoted}
	}
	l.at += n
	return piece{rest[:n], true, quoted}
}
