package ondisk

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// space is what C's isspace knows; libblkid trims labels by it.
const space = " \t\n\v\f\r"

// cstring returns the bytes up to the first NUL.
func cstring(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// label returns a label without the padding behind it.
func label(b []byte) string { return strings.TrimRight(cstring(b), space) }

// utf16Label decodes a UTF-16 label up to its first NUL.
func utf16Label(b []byte, order interface{ Uint16([]byte) uint16 }) string {
	s, _ := utf16String(b, order)
	return strings.TrimRight(s, space)
}

// utf16String decodes UTF-16 up to the first NUL, and tells whether it was
// valid; what is not is replaced by U+FFFD.
func utf16String(b []byte, order interface{ Uint16([]byte) uint16 }) (s string, valid bool) {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		u := order.Uint16(b)
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	runes := utf16.Decode(units)
	s = string(runes)
	// A lone surrogate is decoded to the same rune as a stored U+FFFD.
	replaced := strings.Count(s, string(utf8.RuneError))
	for _, u := range units {
		if u == utf8.RuneError {
			replaced--
		}
	}
	return s, replaced == 0
}

// uuidString formats 16 bytes in their order, "" when they are all zero.
func uuidString(b []byte) string {
	if allZero(b) {
		return ""
	}
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// guidString formats 16 bytes as GPT and Windows store them: the first three
// fields little-endian (UEFI 2.10, appendix A).
func guidString(b []byte) string {
	if allZero(b) {
		return ""
	}
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x",
		le.Uint32(b), le.Uint16(b[4:]), le.Uint16(b[6:]), b[8:10], b[10:16])
}

// serial formats the 32-bit volume number of FAT, exFAT and HPFS as DOS did.
func serial(b []byte) string {
	if allZero(b[:4]) {
		return ""
	}
	return fmt.Sprintf("%02X%02X-%02X%02X", b[3], b[2], b[1], b[0])
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

func powerOfTwo[T uint8 | uint16 | uint32 | uint64](n T) bool { return n != 0 && n&(n-1) == 0 }
