package rear

import (
	"fmt"
	"strconv"
	"strings"
)

// PercentEncode writes the name of a GPT partition as ReaR does: everything but
// letters, digits and . ~ _ - as %XX, byte by byte. ReaR itself writes a byte
// above 7F with the sign of bash's printf, %FFFFFFFFFFFFFFC3, which it cannot read
// again; here it is %C3, which it can.
func PercentEncode(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(".~_-", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// signed is what bash's printf puts before the two digits of a byte above 7F.
const signed = "FFFFFFFFFFFFFF"

// PercentDecode undoes PercentEncode, and reads ReaR's broken form too. What is no
// escape stays as it is: ReaR before 2.4 wrote names without encoding them.
func PercentDecode(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		digits := i + 1
		if rest := s[digits:]; strings.HasPrefix(rest, signed) && len(rest) >= len(signed)+2 && rest[len(signed)] >= '8' {
			digits += len(signed)
		}
		if c, ok := hexByte(s[digits:]); ok {
			b.WriteByte(c)
			i = digits + 1
			continue
		}
		b.WriteByte('%')
	}
	return b.String()
}

func hexByte(s string) (byte, bool) {
	if len(s) < 2 {
		return 0, false
	}
	n, err := strconv.ParseUint(s[:2], 16, 8)
	return byte(n), err == nil
}

// unescapeFindmnt undoes the \xNN of "findmnt --raw", which is how a blank in a
// mount point, a label or an option appears.
func unescapeFindmnt(s string) string {
	if !strings.Contains(s, `\x`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.HasPrefix(s[i:], `\x`) {
			if c, ok := hexByte(s[i+2:]); ok {
				b.WriteByte(c)
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// escapeFindmnt writes s as "findmnt --raw" does: blanks, control characters, the
// backslash and bytes that are no ASCII as \xNN (util-linux, lib/mangle and
// libsmartcols, fputs_nonblank).
func escapeFindmnt(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c == '\\' || c >= 0x7f {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
