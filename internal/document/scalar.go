package document

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// scalar is a text in one line, in quotes where a reader would else take it for something
// other than this text.
func scalar(s string, flow bool) string {
	if isPlain(s, flow) {
		return s
	}
	return quoted(s)
}

// notText are words that YAML 1.1 or 1.2 reads as something else, in any case (YAML 1.1:
// yaml.org/type/bool.html, null.html, merge.html, value.html).
var notText = map[string]bool{
	"": true, "~": true, "null": true, "true": true, "false": true, "yes": true, "no": true, "on": true, "off": true,
	"y": true, "n": true, "<<": true, "=": true, ".inf": true, "+.inf": true, "-.inf": true, ".nan": true,
}

// notTextForm are numbers, times and numbers of base 60 (yaml.org/type/int.html, float.html,
// timestamp.html). It is wider than they are: quotes never hurt.
var notTextForm = regexp.MustCompile(`^(` +
	`[-+]?[0-9._,:]+([eE][-+]?[0-9]*)?` +
	`|[-+]?0[xXoObB][0-9a-fA-F_]*` +
	`|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*` +
	`|\.\.\..*)$`)

// isPlain: s means itself without quotes, in YAML 1.1 and 1.2.
func isPlain(s string, flow bool) bool {
	if len(s) > 0 && strings.IndexByte("-?:,[]{}#&*!|>'\"%@`=<~ ", s[0]) >= 0 {
		return false
	}
	if notText[strings.ToLower(s)] || strings.IndexByte("+._0123456789", s[0]) >= 0 && notTextForm.MatchString(s) {
		return false
	}
	if flow && strings.ContainsAny(s, ",[]{}?") {
		return false
	}
	if strings.Contains(s, ": ") || strings.Contains(s, " #") || strings.HasSuffix(s, ":") || strings.HasSuffix(s, " ") {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// quoted is s in double quotes, with YAML's escapes (YAML 1.2.2, 5.7).
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// isBlock: a text of several lines that can stand as it is. More than one line feed at the
// end would swallow an empty line that follows, and what cannot be seen should be escaped.
func isBlock(s string) bool {
	if !strings.Contains(s, "\n") || strings.HasSuffix(s, "\n\n") || s == "\n" {
		return false
	}
	for _, r := range s {
		if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// blockHeader tells a reader how deep the text is indented where it could not see it, and
// what becomes of the last line feed (YAML 1.2.2, 8.1.1).
func blockHeader(s string) string {
	out := "|"
	if strings.IndexByte(" \t\n", s[0]) >= 0 {
		out += fmt.Sprint(indentation)
	}
	if !strings.HasSuffix(s, "\n") {
		out += "-"
	}
	return out
}

// commentText keeps a comment in its line: YAML knows more line ends than a line feed.
func commentText(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return utf8.RuneError
		default:
			return r
		}
	}, s)
}
