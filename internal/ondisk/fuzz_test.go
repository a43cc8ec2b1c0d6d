package ondisk

import (
	"encoding/json"
	"hash/crc32"
	"io"
	"path/filepath"
	"testing"
)

// FuzzRead reads devices whose beginning and end are hostile.
func FuzzRead(f *testing.F) {
	captures, err := filepath.Glob("testdata/*.cap.gz")
	if err != nil || len(captures) == 0 {
		f.Fatalf("cannot find the captures: %v", err)
	}
	for _, path := range captures {
		s := capture(f, filepath.Base(path)[:len(filepath.Base(path))-len(".cap.gz")])
		head, tail := make([]byte, 16<<10), make([]byte, 64<<10)
		if err := readFull(s, head, 0); err != nil {
			f.Fatal(err)
		}
		if err := readFull(s, tail, s.size-int64(len(tail))); err != nil {
			f.Fatal(err)
		}
		f.Add(head, tail, uint32(s.size>>12))
	}
	gpt := gptImage(twoEntries)
	f.Add(gpt[:32<<10], gpt[len(gpt)-32<<10:], uint32(len(gpt)>>12))
	mbr := mbrImage(map[int][4]mbrEntry{0: {{0x80, 5, 1, 200}}, 1: {{0, 0x83, 1, 1}, {0, 5, 1, 9}}})
	f.Add(mbr[:4096], []byte{}, uint32(1000))
	for _, magic := range []struct {
		off   int
		magic string
	}{
		{0, "XFSB"}, {0x438, "\x53\xef"}, {0x10040, btrfsMagic}, {3, "NTFS    "}, {3, "EXFAT   "}, {0x52, "FAT32   "},
		{0, luksMagic}, {0x8001, "CD001"}, {0x400, "H+"}, {0x400, "BD"}, {32, "1SFB"}, {0x4000, "\x01"}, {0, "hsqs"},
		{0x8000, "JFS1"}, {0, bitlockerWin7}, {0xff6, "SWAPSPACE2"}, {0x402, "\x34\x34"},
	} {
		head := make([]byte, 80<<10)
		copy(head[magic.off:], magic.magic)
		f.Add(head, []byte{}, uint32(80<<20>>12))
	}
	f.Fuzz(func(t *testing.T, head, tail []byte, pages uint32) {
		size := int64(pages)<<12 + int64(len(head)) + int64(len(tail))
		s := &sparse{size: size, pieces: []piece{{0, head}, {size - int64(len(tail)), tail}}}
		for _, sector := range []int{512, 4096} {
			c, err := Read(s, size, sector)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := json.Marshal(c); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// btrfsNode builds a node of a hostile tree, with the right checksum.
func btrfsNode(logical uint64, level byte, items uint32, body []byte) []byte {
	b := make([]byte, 4096)
	le.PutUint64(b[btrfsNodeBytenr:], logical)
	le.PutUint64(b[btrfsNodeGenerate:], 1)
	le.PutUint32(b[btrfsNodeItems:], items)
	b[btrfsNodeLevel] = level
	copy(b[btrfsNodeHeader:], body)
	putBtrfsCRC(b)
	return b
}

func putBtrfsCRC(b []byte) { le.PutUint32(b, crc32.Checksum(b[32:], castagnoli)) }

// FuzzBtrfsTree reads trees whose nodes are hostile, but pass the checks of
// identity: one system chunk maps the first MiB to itself, the chunk tree is
// at 128 KiB, the root tree at 192 KiB.
func FuzzBtrfsTree(f *testing.F) {
	const chunkTree, rootTree = 128 << 10, 192 << 10
	f.Add(uint32(0), []byte{}, byte(0), uint32(0), []byte{}, []byte{}, byte(0), uint16(0))
	root := make([]byte, 2*btrfsItemSize+600)
	le.PutUint64(root, 256)
	root[8] = btrfsRootItem
	le.PutUint32(root[17:], 1000)
	le.PutUint32(root[21:], 439)
	le.PutUint64(root[25:], 256)
	root[25+8] = btrfsRootBackref
	le.PutUint64(root[25+9:], 256)
	le.PutUint32(root[25+17:], 1500)
	le.PutUint32(root[25+21:], 30)
	f.Add(uint32(0), []byte{}, byte(0), uint32(2), root, make([]byte, 200), byte(0), uint16(0))
	pointer := make([]byte, btrfsPointerSize)
	le.PutUint64(pointer[17:], rootTree)
	le.PutUint64(pointer[25:], 1)
	f.Add(uint32(1), pointer, byte(1), uint32(1), pointer, []byte{}, byte(7), uint16(btrfsRAID0))
	f.Fuzz(func(t *testing.T, chunkItems uint32, chunks []byte, level byte, rootItems uint32, roots, end []byte, levels byte, profile uint16) {
		super := make([]byte, btrfsSuperSize)
		copy(super[0x40:], btrfsMagic)
		le.PutUint64(super[0x48:], 1)
		le.PutUint64(super[0x50:], rootTree)
		le.PutUint64(super[0x58:], chunkTree)
		le.PutUint64(super[0x80:], 6)
		le.PutUint32(super[0x94:], 4096)
		le.PutUint64(super[0xa4:], 1)
		super[0xc6], super[0xc7] = level, levels&7
		chunk := super[btrfsSysArray:]
		le.PutUint32(super[0xa0:], btrfsKeySize+btrfsChunkSize+btrfsStripeSize)
		chunk[8] = btrfsChunkItem
		item := chunk[btrfsKeySize:]
		le.PutUint64(item, 1<<20)
		le.PutUint64(item[16:], 64<<10)
		le.PutUint64(item[24:], uint64(profile))
		le.PutUint16(item[44:], 1)
		le.PutUint64(item[48:], 1)
		putBtrfsCRC(super)
		// Items' data grows from the end of a leaf.
		body := make([]byte, 4096-btrfsNodeHeader)
		copy(body[max(0, len(body)-len(end)):], end)
		copy(body, roots)
		dev := &sparse{size: 1 << 20, pieces: []piece{
			{btrfsOffset, super},
			{chunkTree, btrfsNode(chunkTree, levels&7, chunkItems, chunks)},
			{rootTree, btrfsNode(rootTree, level, rootItems, body)},
		}}
		tree, err := BtrfsSubvolumes(map[uint64]io.ReaderAt{1: dev})
		if (tree == nil) == (err == nil) {
			t.Fatalf("a tree %v and an error %v", tree, err)
		}
	})
}

// BenchmarkRead reads an ext4 file system from the page cache.
func BenchmarkRead(b *testing.B) {
	path := image(b, 64<<20)
	run(b, "mkfs.ext4", "-q", path)
	f, size := open(b, path)
	for b.Loop() {
		dev := &counting{ReaderAt: f}
		c, err := Read(dev, size, 512)
		if err != nil || len(c.Signatures) != 1 {
			b.Fatalf("%+v, error %v", c, err)
		}
		b.ReportMetric(float64(dev.reads), "reads/op")
	}
}
