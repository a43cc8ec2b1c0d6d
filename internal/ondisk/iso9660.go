package ondisk

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf16"
)

const (
	isoSector         = 2048
	isoOffset         = 16 * isoSector
	isoMaxDescriptors = 16
)

// isoVolume holds the descriptors of a volume that matter.
type isoVolume struct {
	primary, joliet []byte
}

// jolietEscapes announce UCS-2 in a supplementary descriptor (Joliet
// specification, "SVD Escape Sequences").
var jolietEscapes = []string{"%/@", "%/C", "%/E"}

// findISO9660 makes an identity as libblkid does: the time of the last change
// for a UUID, and a label mended from its two truncated forms.
func findISO9660(d *device) (Signature, error) {
	if d.has(isoOffset+9, "CDROM") {
		b := d.at(isoOffset+48, 32) // High Sierra, before ISO 9660
		if b == nil {
			return nil, nil
		}
		return &Plain{ID: ID{Label: label(b)}, Type: "iso9660", Version: "High Sierra"}, nil
	}
	if !d.has(isoOffset+1, "CD001") {
		return nil, nil
	}
	v := readISO(d)
	if v.primary == nil {
		return nil, damaged("iso9660: there is no primary volume descriptor", isoOffset)
	}
	p := &Plain{ID: ID{UUID: isoTime(v.primary[830:847]), Label: label(v.primary[40:72])}, Type: "iso9660"}
	if p.UUID == "" {
		p.UUID = isoTime(v.primary[813:830])
	}
	if v.joliet != nil {
		p.Version = "Joliet Extension"
		p.Label = mendISOLabel(v.joliet[40:72], v.primary[40:72])
	}
	return p, nil
}

func readISO(d *device) (v isoVolume) {
	for i := int64(0); i < isoMaxDescriptors; i++ {
		b := d.at(isoOffset+i*isoSector, isoSector)
		if b == nil || b[0] == 0xff {
			break
		}
		switch {
		case b[0] == 1 && v.primary == nil:
			v.primary = b
		case b[0] == 2 && v.joliet == nil && slices.Contains(jolietEscapes, string(b[88:91])):
			v.joliet = b
		}
	}
	return v
}

// isoTime formats the digits of a date, "" when it is not set.
func isoTime(b []byte) string {
	digits := string(b[:16])
	if (strings.Trim(digits, "0") == "" && b[16] == 0) || allZero(b[:16]) {
		return ""
	}
	var parts []string
	for _, n := range []int{4, 2, 2, 2, 2, 2, 2} {
		parts = append(parts, digits[:n])
		digits = digits[n:]
	}
	return strings.Join(parts, "-")
}

// mendISOLabel joins the two forms of a label: Joliet's has the letters as
// they were, but only 16 of them; the primary's has 32, all in upper case on
// some discs, with "_" for what is not ASCII.
func mendISOLabel(joliet, primary []byte) string {
	var wide []uint16
	for i := 0; i+1 < len(joliet); i += 2 {
		wide = append(wide, be.Uint16(joliet[i:]))
	}
	runes := utf16.Decode(wide)
	merged := make([]rune, 0, len(primary))
	for i, r := range runes {
		if i >= len(primary) {
			break
		}
		c := primary[i]
		switch {
		case c == '_':
			merged = append(merged, r)
		case r == '_':
			merged = append(merged, rune(c))
		case r < 128 && upper(byte(r)) == upper(c):
			merged = append(merged, mendCase(byte(r), c))
		default: // the labels have nothing to do with each other
			return utf16Label(joliet, be)
		}
	}
	for _, c := range primary[min(len(runes), len(primary)):] {
		merged = append(merged, rune(c))
	}
	s, _, _ := strings.Cut(string(merged), "\x00")
	return strings.TrimRight(s, space)
}

// mendCase prefers the letter that is not in upper case.
func mendCase(joliet, primary byte) rune {
	if primary >= 'A' && primary <= 'Z' {
		return rune(joliet)
	}
	return rune(primary)
}

func upper(c byte) byte { return bytes.ToUpper([]byte{c})[0] }
