package rear

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// words reads the value of an assignment: quoting and expansion of variables, and
// nothing else of what bash does with a word.
type words struct {
	*shell
	self      string       // the variable that is assigned
	before    []assignment // of the same statement
	selfFirst bool         // its own value stands first

	out    []string
	word   strings.Builder
	begun  bool // there is a word, be it an empty one
	inList bool // blanks of an unquoted expansion cut words

	expansion int // bytes that came out of variables
}

// maxExpansion bounds what variables may grow to: A=$A$A doubles at every line.
const maxExpansion = 1 << 20

var (
	errSubstitution = errors.New("it has the output of a command in it, and nothing is executed")
	errBrace        = errors.New("braces would be expanded to several words")
	errTilde        = errors.New("~ stands for a home directory, which is not known")
	errOpenQuote    = errors.New("a quote or bracket is not closed")
	errSelf         = errors.New("its own value stands in it, and what that is before is not known")
)

func errParam(text string) error {
	return fmt.Errorf("${%s} is more than the value of a variable", text)
}

// scalar reads one word, which may be empty.
func (w *words) scalar() ([]string, error) {
	for {
		switch c := w.peek(); {
		case c == 0 || strings.IndexByte(" \t\r\n;&|<>()", c) >= 0:
			return []string{w.word.String()}, nil
		case c == '~' && w.word.Len() == 0:
			return nil, errTilde
		}
		if err := w.piece(); err != nil {
			return nil, err
		}
	}
}

// array reads "( … )".
func (w *words) array() ([]string, error) {
	w.inList = true
	w.take()
	for {
		switch c := w.peek(); {
		case c == 0:
			return nil, errOpenQuote
		case c == ')':
			w.take()
			w.end()
			return w.out, nil
		case strings.IndexByte(" \t\r\n", c) >= 0:
			w.take()
			w.end()
			continue
		case c == '#' && !w.begun:
			w.comment()
			continue
		case strings.IndexByte(";&|<>(", c) >= 0:
			return nil, errSubstitution
		case c == '{':
			return nil, errBrace
		case c == '~' && !w.begun:
			return nil, errTilde
		case c == '[' && !w.begun:
			return nil, errors.New("an element begins with a bracket, which numbers it or is a pattern")
		}
		if err := w.piece(); err != nil {
			return nil, err
		}
	}
}

// end ends the word that was begun.
func (w *words) end() {
	if w.begun {
		w.out = append(w.out, w.word.String())
	}
	w.word.Reset()
	w.begun = false
}

func (w *words) put(s string) {
	w.word.WriteString(s)
	w.begun = true
}

// piece reads one character, quotation or expansion outside of quotes.
func (w *words) piece() error {
	switch c := w.take(); c {
	case '\\':
		if next := w.take(); next != '\n' && next != 0 {
			w.put(string([]byte{next}))
		}
	case '\'':
		start := w.at
		w.until('\'')
		if w.src[w.at-1] != '\'' || w.at == start {
			return errOpenQuote
		}
		w.put(w.src[start : w.at-1])
	case '"':
		return w.double()
	case '`':
		return errSubstitution
	case '$':
		switch w.peek() {
		case '\'':
			return w.ansi()
		case '"': // to be translated, which it is not
			w.take()
			return w.double()
		}
		return w.expand(false)
	default:
		w.put(string([]byte{c}))
	}
	return nil
}

// double reads what stands in double quotes.
func (w *words) double() error {
	w.begun = true
	for {
		switch c := w.take(); c {
		case 0:
			return errOpenQuote
		case '"':
			return nil
		case '`':
			return errSubstitution
		case '\\':
			next := w.take()
			if strings.IndexByte("$`\"\\\n", next) < 0 {
				w.put(`\`)
			}
			if next != '\n' && next != 0 {
				w.put(string([]byte{next}))
			}
		case '$':
			if err := w.expand(true); err != nil {
				return err
			}
		default:
			w.put(string([]byte{c}))
		}
	}
}

// ansiEscapes are those of $'…' that stand for one character.
var ansiEscapes = map[byte]string{'n': "\n", 't': "\t", 'r': "\r", 'a': "\a", 'b': "\b", 'e': "\x1b", 'f': "\f",
	'v': "\v", '\\': `\`, '\'': "'", '"': `"`, '?': "?"}

// ansi reads $'…'.
func (w *words) ansi() error {
	w.take()
	w.begun = true
	for {
		switch c := w.take(); c {
		case 0:
			return errOpenQuote
		case '\'':
			return nil
		case '\\':
			w.ansiEscape()
		default:
			w.put(string([]byte{c}))
		}
	}
}

func (w *words) ansiEscape() {
	c := w.take()
	if s, ok := ansiEscapes[c]; ok {
		w.put(s)
		return
	}
	base, digits, length := 8, "01234567", 3
	switch c {
	case 'x':
		base, digits, length = 16, "0123456789abcdefABCDEF", 2
	case 'u':
		base, digits, length = 16, "0123456789abcdefABCDEF", 4
	default:
		w.at--
	}
	start := w.at
	for w.at-start < length && w.peek() != 0 && strings.IndexByte(digits, w.peek()) >= 0 {
		w.at++
	}
	n, err := strconv.ParseUint(w.src[start:w.at], base, 16)
	switch {
	case err != nil:
		w.put(`\` + string([]byte{c}))
		if start == w.at && c != 'x' && c != 'u' {
			w.take()
		}
	case c == 'u':
		w.put(string(rune(n)))
	default:
		w.put(string([]byte{byte(n)}))
	}
}

// expand reads $NAME or ${NAME} or an array as a whole; the $ is taken already.
func (w *words) expand(quoted bool) error {
	switch c := w.peek(); {
	case c == '(' || c == '[':
		return errSubstitution
	case c == '{':
		return w.braced(quoted)
	case c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		start := w.at
		for c := w.peek(); c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'; c = w.peek() {
			w.take()
		}
		return w.value(w.src[start:w.at], false, quoted)
	case c != 0 && strings.IndexByte("0123456789@*#?-$!", c) >= 0:
		return errParam(string([]byte{c}))
	}
	w.put("$")
	return nil
}

func (w *words) braced(quoted bool) error {
	end := strings.IndexByte(w.src[w.at:], '}')
	if end < 0 {
		return errOpenQuote
	}
	text := w.src[w.at+1 : w.at+end]
	name, whole := strings.CutSuffix(text, "[@]")
	if !whole {
		name, whole = strings.CutSuffix(text, "[*]")
	}
	if !variable.MatchString(name) {
		return errParam(strings.Map(printableName, text[:min(len(text), 20)]))
	}
	w.at += end + 1
	return w.value(name, whole, quoted)
}

// printableName keeps of a parameter what cannot be a secret: its name.
func printableName(r rune) rune {
	if r == '_' || r == ':' || r == '[' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
		return r
	}
	return '…'
}

// value puts the value of a variable.
func (w *words) value(name string, whole, quoted bool) error {
	values, err := w.lookup(name)
	if err != nil || values == nil {
		return err
	}
	if !whole {
		values = values[:min(1, len(values))]
	}
	if whole && len(values) == 0 && w.word.Len() == 0 {
		w.begun = false // "${A[@]}" of an empty array is no word, not an empty one
	}
	for i, v := range values {
		if w.expansion += len(v) + 1; w.expansion > maxExpansion {
			return errors.New("its value would be too long")
		}
		if i > 0 {
			w.separate()
		}
		w.expanded(v, quoted)
	}
	return nil
}

// separate ends an element of an array that is expanded; in a scalar they are
// joined by a blank.
func (w *words) separate() {
	if w.inList {
		w.end()
	} else {
		w.put(" ")
	}
}

// expanded puts the value of a variable, which is cut at blanks if it is not quoted
// and in a list.
func (w *words) expanded(v string, quoted bool) {
	if quoted || !w.inList {
		w.put(v)
		return
	}
	fields := strings.Fields(v)
	for i, f := range fields {
		if i > 0 {
			w.end()
		}
		w.put(f)
	}
}

// lookup gives the values of a variable. Nil values without an error are those that
// ReaR gives the variable that is being assigned.
func (w *words) lookup(name string) ([]string, error) {
	for i := len(w.before) - 1; i >= 0; i-- {
		if w.before[i].name == name && !w.before[i].add {
			return w.before[i].values, nil
		}
	}
	v := w.set.Get(name)
	if v != nil && name != w.self {
		v.used = true
	}
	known := v != nil && v.Unsure == "" && !v.Secret && !v.Adds
	switch {
	case name == w.self && !known:
		if len(w.out) > 0 || w.word.Len() > 0 || w.selfFirst || v != nil && (v.Unsure != "" || v.Secret) {
			return nil, errSelf
		}
		w.selfFirst, w.begun = true, false
		return nil, nil
	case v != nil && v.Secret:
		return nil, fmt.Errorf("$%s is a secret, which is not copied", name)
	case v != nil && v.Unsure != "":
		return nil, fmt.Errorf("what $%s is cannot be known", name)
	case !known:
		return nil, errNotSet(name)
	}
	return append([]string{}, v.Values...), nil
}
