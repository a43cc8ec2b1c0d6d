package bootentry

import (
	"slices"
	"strings"
)

// assignments reads files of assignments as os-release(5) has them.
func assignments(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && isName(key) {
			out[key] = unquote(value)
		}
	}
	return out
}

// isName: a variable's name as the shell takes it.
func isName(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isLetter(c) && c != '_' && (i == 0 || !isDigit(c)) {
			return false
		}
	}
	return s != ""
}

// unquote takes one pair of quotes off, and within double ones the backslashes
// that the shell takes off.
func unquote(s string) string {
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		if s[0] == '\'' {
			return s[1 : n-1]
		}
		return strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\$`, `$`, "\\`", "`").Replace(s[1 : n-1])
	}
	return s
}

// shellVars are the assignments of a shell file, as far as they can be had
// without running it: NAME=value and NAME+=value, with the variables that were
// assigned before. What a command would give stays in the text.
type shellVars struct {
	value   map[string]string
	line    map[string]int
	unknown map[string][]string
}

func newShellVars() *shellVars {
	return &shellVars{map[string]string{}, map[string]int{}, map[string][]string{}}
}

// parse reads on: a later file changes what an earlier one assigned.
func (v *shellVars) parse(text string) {
	number, start, whole := 0, 0, ""
	for line := range strings.Lines(text) {
		number++
		if whole == "" {
			start = number
		}
		whole += strings.TrimRight(line, "\r\n")
		if strings.HasSuffix(whole, `\`) {
			whole = strings.TrimSuffix(whole, `\`)
			continue
		}
		if openQuote(whole) && len(whole) < maxLine {
			whole += "\n"
			continue
		}
		v.assign(strings.TrimSpace(whole), start)
		whole = ""
	}
	if whole != "" {
		v.assign(strings.TrimSpace(whole), start)
	}
}

// maxLine is how long an assignment of several lines may get.
const maxLine = 64 << 10

// openQuote tells whether a quotation goes on in the next line.
func openQuote(s string) bool {
	if strings.HasPrefix(strings.TrimSpace(s), "#") {
		return false
	}
	var quote byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quote != '\'':
			i++
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote:
			quote = 0
		case c == '#' && quote == 0 && i > 0 && (s[i-1] == ' ' || s[i-1] == '\t'):
			return false
		}
	}
	return quote != 0
}

func (v *shellVars) assign(text string, line int) {
	text = strings.TrimSpace(strings.TrimPrefix(text, "export "))
	key, rest, ok := strings.Cut(text, "=")
	key, more := strings.CutSuffix(key, "+")
	if !ok || !isName(key) {
		return
	}
	value, unknown := v.word(rest)
	if more {
		value = v.value[key] + value
		unknown = append(slices.Clone(v.unknown[key]), unknown...)
	}
	v.value[key], v.line[key], v.unknown[key] = value, line, unknown
}

// word expands the first word of a text.
func (v *shellVars) word(s string) (out string, unknown []string) {
	var b strings.Builder
	var quote byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quote != '\'' && i+1 < len(s):
			i++
			if quote == '"' && !strings.ContainsRune("\"\\$`", rune(s[i])) {
				b.WriteByte('\\')
			}
			b.WriteByte(s[i])
		case c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && strings.IndexByte(" \t;#&|\n", c) >= 0 && (c != '#' || i == 0):
			return b.String(), unknown
		case quote != '\'' && (c == '$' || c == '`'):
			text, n, hole := v.expand(s[i:])
			b.WriteString(text)
			unknown = append(unknown, hole...)
			i += n - 1
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), unknown
}

// expand gives the value of the expansion that s begins with, and how long the
// expansion is.
func (v *shellVars) expand(s string) (text string, n int, unknown []string) {
	name := ""
	switch {
	case strings.HasPrefix(s, "${"):
		n = strings.IndexByte(s, '}') + 1
		name = s[2:max(2, n-1)]
	case strings.HasPrefix(s, "$("):
		n = strings.IndexByte(s, ')') + 1
	case s[0] == '`':
		n = strings.IndexByte(s[1:], '`') + 2
	default:
		n = 1
		for n < len(s) && (isLetter(s[n]) || isDigit(s[n]) || s[n] == '_') {
			n++
		}
		name = s[1:n]
	}
	if n < 2 {
		return s[:1], 1, nil
	}
	if isName(name) {
		return v.value[name], n, v.unknown[name]
	}
	return s[:n], n, []string{s[:n]}
}
