package medium

import (
	"encoding/binary"
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode/utf16"
)

// directory gives the content of a directory. While clusters are still being given out it
// has the right length already.
func (v *fat) directory(d *node) []byte {
	var b []byte
	if d == v.top {
		b = fatEntry(fatLabel(v.label), attrLabel, chain{}, 0)
	} else {
		above := v.chains[d.parent]
		if d.parent == v.top {
			above = chain{} // ".." of a directory in the root has 0 there
		}
		b = fatEntry(fmt.Sprintf("%-11s", "."), attrDir, v.chains[d], 0)
		b = append(b, fatEntry(fmt.Sprintf("%-11s", ".."), attrDir, above, 0)...)
	}
	taken := map[string]bool{}
	for _, c := range d.children {
		short := shortName(c.name, taken)
		if !isShort(c.name) {
			b = append(b, longEntries(c.name, short)...)
		}
		if c.isDir() {
			b = append(b, fatEntry(short, attrDir, v.chains[c], 0)...)
		} else {
			b = append(b, fatEntry(short, attrArchive, v.chains[c], v.tree[c.file].content.Size())...)
		}
	}
	return b
}

// fatEntry is an entry with a name of eight letters and three.
func fatEntry(name string, attr byte, c chain, size int64) []byte {
	b := make([]byte, dirEntry)
	le := binary.LittleEndian
	copy(b, name)
	b[11] = attr
	le.PutUint16(b[16:], firstOfJan80) // made
	le.PutUint16(b[18:], firstOfJan80) // read
	le.PutUint16(b[20:], uint16(c.first>>16))
	le.PutUint16(b[24:], firstOfJan80) // written
	le.PutUint16(b[26:], uint16(c.first))
	le.PutUint32(b[28:], uint32(size))
	return b
}

// longEntries are the entries that carry a long name in front of the short one, its end
// first; each has 13 letters of it.
func longEntries(name, short string) []byte {
	text := utf16.Encode([]rune(name))
	count := (len(text) + 12) / 13
	if len(text)%13 != 0 {
		text = append(text, 0)
	}
	for len(text) < 13*count {
		text = append(text, 0xffff)
	}
	var b []byte
	for i := count; i > 0; i-- {
		e := make([]byte, dirEntry)
		e[0], e[11], e[13] = byte(i), 0x0f, shortSum(short)
		if i == count {
			e[0] |= 0x40
		}
		for j, at := range longAt {
			binary.LittleEndian.PutUint16(e[at:], text[13*(i-1)+j])
		}
		b = append(b, e...)
	}
	return b
}

// longAt is where the letters lie in an entry of a long name.
var longAt = [13]int{1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30}

// shortSum ties the entries of a long name to the short one.
func shortSum(short string) byte {
	var sum byte
	for i := range len(short) {
		sum = sum>>1 | sum<<7
		sum += short[i]
	}
	return sum
}

// short83 is a name that needs no long one.
var short83 = regexp.MustCompile(`^[A-Z0-9_-]{1,8}(\.[A-Z0-9_-]{1,3})?$`)

func isShort(name string) bool { return short83.MatchString(name) }

// notInShort is what must not be in a short name; the last dot is taken off before.
var notInShort = regexp.MustCompile(`[^A-Z0-9_-]`)

// shortName gives the eleven bytes of a short name that no other entry of the directory has.
func shortName(name string, taken map[string]bool) string {
	upper := strings.ToUpper(name)
	ext := path.Ext(upper)
	stem := notInShort.ReplaceAllString(strings.TrimSuffix(upper, ext), "_")
	ext = notInShort.ReplaceAllString(strings.TrimPrefix(ext, "."), "_")
	ext = ext[:min(len(ext), 3)]
	short := fmt.Sprintf("%-8.8s%-3s", stem, ext)
	for i := 1; taken[short] || i == 1 && !short83.MatchString(upper); i++ {
		tail := fmt.Sprintf("~%d", i)
		short = fmt.Sprintf("%-8s%-3s", stem[:min(len(stem), 8-len(tail))]+tail, ext)
	}
	taken[short] = true
	return short
}

// fatLabel makes eleven letters of a label.
func fatLabel(label string) string {
	letters := notInShort.ReplaceAllString(strings.ToUpper(label), "_")
	return fmt.Sprintf("%-11.11s", letters)
}
