package ondisk

import (
	"encoding/hex"
	"slices"
	"strings"
)

// Descriptor tags (ECMA-167 3/7.2.1).
const (
	udfPrimary    = 1
	udfAnchor     = 2
	udfLogical    = 6
	udfTerminator = 8

	udfMaxStructures  = 64
	udfMaxDescriptors = 64
	udfCharset        = "OSTA Compressed Unicode"
)

// udfStructures may stand in the volume recognition sequence (ECMA-167 2/9).
var udfStructures = []string{"BEA01", "BOOT2", "CD001", "CDW02", "TEA01"}

// findUDF tries every block size, because an image file does not tell the one
// of the medium that it was taken from.
func findUDF(d *device) (Signature, error) {
	sizes := []int64{int64(d.sector), 512, 1024, 2048, 4096}
	for i, block := range sizes {
		if slices.Contains(sizes[:i], block) || block > 4096 || !hasNSR(d, max(block, isoSector)) {
			continue
		}
		for _, at := range []int64{256, 512} {
			b := d.at(at*block, 512)
			if b != nil && le.Uint16(b) == udfAnchor && int64(le.Uint32(b[12:])) == at {
				return readUDF(d, block, le.Uint32(b[16:]), le.Uint32(b[20:])), nil
			}
		}
	}
	return nil, nil
}

// hasNSR looks for the descriptor that tells UDF from plain ISO 9660.
func hasNSR(d *device, step int64) bool {
	for i := int64(0); i < udfMaxStructures; i++ {
		b := d.at(isoOffset+i*step+1, 5)
		if b == nil {
			return false
		}
		switch id := string(b); {
		case id == "NSR02" || id == "NSR03":
			return true
		case !slices.Contains(udfStructures, id):
			return false
		}
	}
	return false
}

// readUDF reads the descriptor sequence that the anchor points to.
func readUDF(d *device, block int64, length, start uint32) *Plain {
	p := &Plain{Type: "udf"}
	for i := range min(int64(length)/block, udfMaxDescriptors) {
		b := d.at((int64(start)+i)*block, 512)
		if b == nil || int64(le.Uint32(b[12:])) != int64(start)+i {
			return p
		}
		switch le.Uint16(b) {
		case 0, udfTerminator:
			return p
		case udfPrimary:
			if p.UUID == "" && udfIsUnicode(b[200:264]) {
				p.UUID = udfUUID(udfString(b[72:200]))
			}
		case udfLogical:
			if p.Label == "" && udfIsUnicode(b[20:84]) {
				p.Label = strings.TrimRight(udfString(b[84:212]), space)
			}
		}
	}
	return p
}

func udfIsUnicode(charspec []byte) bool {
	return charspec[0] == 0 && cstring(charspec[1:]) == udfCharset
}

// udfString decodes a dstring: the kind of its letters, the letters, and
// their length in the last byte (UDF 2.60, 2.1.1 and 2.1.3).
func udfString(b []byte) string {
	n := min(max(int(b[len(b)-1])-1, 0), len(b)-2)
	letters := b[1 : 1+n]
	switch b[0] {
	case 8:
		runes := make([]rune, 0, n)
		for _, c := range letters {
			if c == 0 {
				break
			}
			runes = append(runes, rune(c))
		}
		return string(runes)
	case 16:
		s, _ := utf16String(letters, be)
		return s
	}
	return ""
}

// udfUUID makes 16 hexadecimal digits of a volume set identifier, by
// libblkid's rule: digits are taken as they are, other bytes are encoded.
func udfUUID(set string) string {
	if len(set) < 8 {
		return ""
	}
	digits := 0
	for digits < min(len(set), 16) && isHex(set[digits]) {
		digits++
	}
	switch {
	case digits < 8:
		return hex.EncodeToString([]byte(set[:8]))
	case digits < 16:
		rest := make([]byte, 4)
		copy(rest, set[8:])
		return strings.ToLower(set[:8]) + hex.EncodeToString(rest)
	}
	return strings.ToLower(set[:16])
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
