package fstab

import "strings"

// Escape returns s as it is written in a column of fstab or crypttab.
//
// Backslashes are written in octal: getmntent(3) reads both `\\` and `\134`,
// libmount only the latter. A # is escaped only where it would make the line
// a comment: at the start. Elsewhere it is plain text to every reader, while
// `\043` is not read by glibc's getmntent.
func Escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c != '\\' && strings.IndexByte(blanks, c) < 0 && !(c == '#' && i == 0) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('\\')
		b.WriteByte('0' + c>>6)
		b.WriteByte('0' + c>>3&7)
		b.WriteByte('0' + c&7)
	}
	return b.String()
}

// blanks separate columns in either file: crypttab's reader takes all that
// isspace(3) takes, and a carriage return at the end of an fstab line is lost.
const blanks = " \t\n\v\f\r"

// oneColumn makes text that may be escaped already safe as a column.
func oneColumn(text string) string {
	if strings.ContainsAny(text, blanks) || strings.HasPrefix(text, "#") {
		return Escape(Unescape(text))
	}
	return text
}

// Unescape decodes a column of fstab: `\\` and three octal digits.
//
// glibc decodes no octal but that of blank, tab, newline and backslash. The
// rest is decoded here as well, as libmount and musl do: nobody names a
// directory `caf\303\251`, and who wrote that meant "café". ParseFstab notes
// such a line as a Disagreement.
func Unescape(s string) string {
	return decodeEscapes(s, true, func(byte) bool { return true })
}

// unescapeGlibc is what getmntent(3), and so systemd, makes of a column
// (glibc, misc/mntent_r.c, decode_name).
func unescapeGlibc(s string) string {
	return decodeEscapes(s, true, func(c byte) bool {
		return c == ' ' || c == '\t' || c == '\n' || c == '\\'
	})
}

// unescapeLibmount is what mount(8) makes of it (util-linux, lib/mangle.c).
func unescapeLibmount(s string) string {
	return decodeEscapes(s, false, func(byte) bool { return true })
}

// decodeEscapes decodes the octal escapes that want accepts, and `\\` if double.
func decodeEscapes(s string, double bool, want func(byte) bool) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c, ok := octal(s[i:]); ok && want(c) {
			b.WriteByte(c)
			i += 3
			continue
		}
		b.WriteByte(s[i])
		if double && strings.HasPrefix(s[i:], `\\`) {
			i++
		}
	}
	return b.String()
}

// octal reads `\ooo` at the start of s. A NUL byte cannot be part of any name,
// so `\000` is left alone, as is what does not fit into a byte.
func octal(s string) (byte, bool) {
	if len(s) < 4 || s[0] != '\\' {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s[1:4]) {
		if c < '0' || c > '7' {
			return 0, false
		}
		n = n*8 + int(c-'0')
	}
	return byte(n), n > 0 && n < 256
}
