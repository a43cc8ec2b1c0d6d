package ondisk

import (
	"bytes"
	"strings"
	"testing"
)

// leaf makes a leaf with an item of each type, the first at the end of it.
func leaf(size int, items map[byte]string, order ...byte) []byte {
	b := make([]byte, size)
	le.PutUint32(b[btrfsNodeItems:], uint32(len(order)))
	body := b[btrfsNodeHeader:]
	end := len(body)
	for i, kind := range order {
		text := items[kind]
		end -= len(text)
		at := body[i*btrfsItemSize:]
		le.PutUint64(at, 257)
		at[8] = kind
		le.PutUint32(at[btrfsKeySize:], uint32(end))
		le.PutUint32(at[btrfsKeySize+4:], uint32(len(text)))
		copy(body[end:], text)
	}
	putBtrfsCRC(b)
	return b
}

func TestScrubTakesFilesOutOfBtrfsLeaves(t *testing.T) {
	b := leaf(16384, map[byte]string{12: "name of a directory", 24: "user.secret", 108: "the text of a small file"}, 12, 24, 108)
	Scrub(b)
	if strings.Contains(string(b), "small file") || strings.Contains(string(b), "user.secret") || !strings.Contains(string(b), "name of a directory") {
		t.Errorf("the leaf holds %q", bytes.Trim(b, "\x00"))
	}
	if !btrfsCRC(0, b) {
		t.Error("its checksum is wrong now")
	}
	broken := leaf(4096, map[byte]string{108: "data"}, 108)
	le.PutUint32(broken[btrfsNodeHeader+btrfsKeySize:], 1<<31)
	before := bytes.Clone(broken)
	if Scrub(broken); !bytes.Equal(before, broken) {
		t.Error("what is no leaf was changed")
	}
}

func TestScrubClearsKeySlots(t *testing.T) {
	v1 := bytes.Repeat([]byte{0xaa}, 16<<10)
	copy(v1, luksMagic+"\x00\x01")
	be.PutUint32(v1[104:], 24) // the data begin at 12 KiB
	v2 := bytes.Repeat([]byte{0xaa}, 64<<10)
	copy(v2[512:], luksMagic+"\x00\x02")
	be.PutUint64(v2[512+8:], 16<<10)
	Scrub(v1)
	Scrub(v2)
	for _, tt := range []struct {
		name string
		b    []byte
		from int
		to   int
	}{{"LUKS1", v1, 4096, 12 << 10}, {"LUKS2", v2, 512 + 32<<10, 64 << 10}} {
		if bytes.Contains(tt.b[tt.from:tt.to], []byte{0xaa}) {
			t.Errorf("%s: key slots are left", tt.name)
		}
		if tt.b[tt.from-1] != 0xaa || tt.to < len(tt.b) && tt.b[tt.to] != 0xaa {
			t.Errorf("%s: more than the key slots was cleared", tt.name)
		}
	}
}

func FuzzScrub(f *testing.F) {
	f.Add(leaf(4096, map[byte]string{108: "data"}, 108))
	f.Add([]byte(luksMagic + "\x00\x02" + strings.Repeat("\xff", 600)))
	f.Fuzz(func(t *testing.T, b []byte) {
		Scrub(b)
		again := bytes.Clone(b)
		if Scrub(again); !bytes.Equal(b, again) {
			t.Error("scrubbing twice is not scrubbing once")
		}
	})
}
