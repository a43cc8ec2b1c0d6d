package fstab

import (
	"strings"
	"unicode/utf8"
)

// EncodeDM returns the name under which libdevmapper creates a map called
// name: every byte that is not on its whitelist becomes \xNN (dmsetup(8),
// --manglename hex). The node below /dev/mapper has the encoded name.
func EncodeDM(name string) string {
	return encodeHex(name, func(s string) int { return 0 })
}

// DecodeDM undoes EncodeDM. A name that is not encoded comes back unchanged,
// like libdevmapper's automatic mode.
func DecodeDM(name string) string {
	return decodeHex(name)
}

// EncodeUdev returns s as udev writes it into the names below /dev/disk/by-*:
// like EncodeDM, but whole UTF-8 characters stay (systemd,
// src/shared/device-nodes.c, encode_devnode_name).
func EncodeUdev(s string) string {
	return encodeHex(s, func(s string) int {
		if r, n := utf8.DecodeRuneInString(s); r != utf8.RuneError && n > 1 {
			return n
		}
		return 0
	})
}

// devNameSafe tells whether udev and libdevmapper leave a byte as it is.
func devNameSafe(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("#+-.:=@_", c) >= 0
}

// encodeHex encodes what is neither safe nor part of the run, of the length
// that keep tells, at the start of the rest.
func encodeHex(s string, keep func(string) int) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if n := keep(s[i:]); n > 0 {
			b.WriteString(s[i : i+n])
			i += n - 1
		} else if devNameSafe(c) {
			b.WriteByte(c)
		} else {
			b.WriteString(`\x`)
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String()
}

func decodeHex(s string) string {
	if !strings.Contains(s, `\x`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c, ok := hexEscape(s[i:]); ok {
			b.WriteByte(c)
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// hexEscape reads `\xNN` at the start of s.
func hexEscape(s string) (byte, bool) {
	if len(s) < 4 || s[0] != '\\' || s[1] != 'x' {
		return 0, false
	}
	hi, ok1 := hexDigit(s[2])
	lo, ok2 := hexDigit(s[3])
	return hi<<4 | lo, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// LVMName returns the device-mapper name of a logical volume. LVM joins the
// two names with a hyphen and doubles the hyphens within them (lvm(8)).
func LVMName(vg, lv string) string {
	double := strings.NewReplacer("-", "--")
	return double.Replace(vg) + "-" + double.Replace(lv)
}
