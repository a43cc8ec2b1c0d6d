package ondisk

import (
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// patched is an image of which some bytes are other ones.
func patched(t testing.TB, path string, pieces ...piece) *patchedImage {
	t.Helper()
	f, size := open(t, path)
	return &patchedImage{f, size, pieces}
}

type patchedImage struct {
	r      io.ReaderAt
	size   int64
	pieces []piece
}

func (p *patchedImage) ReadAt(b []byte, off int64) (int, error) {
	n, err := p.r.ReadAt(b, off)
	for _, x := range p.pieces {
		from, to := max(off, x.off), min(off+int64(n), x.off+int64(len(x.data)))
		if from < to {
			copy(b[from-off:to-off], x.data[from-x.off:to-x.off])
		}
	}
	return n, err
}

func dirtyOf(t *testing.T, s Signature) bool {
	t.Helper()
	switch s := s.(type) {
	case *Ext:
		return s.NeedsRecovery || s.Unclean
	case *FAT:
		return s.Dirty
	case *ExFAT:
		return s.Dirty
	case *NTFS:
		return s.Dirty || s.LogDirty
	case *Plain:
		return s.Dirty
	}
	t.Fatalf("a %T was found", s)
	return false
}

// TestDirtyBits: what the makers of file systems write is clean; with the bytes that
// the kernel changes while it is mounted, it is dirty.
func TestDirtyBits(t *testing.T) {
	for _, tt := range []struct {
		name string
		size int64
		make []string
		dirt []piece
	}{
		{"ext2", 16 << 20, []string{"mkfs.ext2", "-q"}, []piece{{1024 + 0x3a, []byte{0, 0}}}},
		{"ext4 without a journal", 16 << 20, []string{"mkfs.ext4", "-q", "-O", "^has_journal"}, []piece{{1024 + 0x3a, []byte{0, 0}}}},
		{"ext4", 16 << 20, []string{"mkfs.ext4", "-q"}, []piece{{1024 + 0x60, []byte{0xc6}}}},
		{"jfs", 32 << 20, []string{"mkfs.jfs", "-q"}, []piece{{32<<10 + 40, []byte{1}}}},
		{"reiserfs", 64 << 20, []string{"mkfs.reiserfs", "-q", "-ff"}, []piece{{64<<10 + 50, []byte{2}}}},
		{"minix", 8 << 20, []string{"mkfs.minix"}, []piece{{1024 + 18, []byte{0}}}},
		{"vfat", 64 << 20, []string{"mkfs.vfat", "-F", "32"}, []piece{{0x41, []byte{1}}}},
		{"vfat 16", 16 << 20, []string{"mkfs.vfat", "-F", "16"}, []piece{{0x25, []byte{1}}}},
		{"exfat", 16 << 20, []string{"mkfs.exfat"}, []piece{{106, []byte{2}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := image(t, tt.size)
			run(t, append(tt.make, path)...)
			for _, dirty := range []bool{false, true} {
				p := patched(t, path)
				if dirty {
					p.pieces = tt.dirt
				}
				c, err := Read(p, p.size, 512)
				if err != nil || len(c.Signatures) == 0 {
					t.Fatalf("it gives %+v, %v", c, err)
				}
				if got := dirtyOf(t, c.Signatures[0]); got != dirty {
					t.Errorf("dirty is %v, want %v: %+v", got, dirty, c.Signatures[0])
				}
			}
		})
	}
}

// TestF2FS writes checkpoints as the kernel does: the newer one counts.
func TestF2FS(t *testing.T) {
	path := image(t, 64<<20)
	run(t, "mkfs.f2fs", "-q", path)
	for name, tt := range map[string]struct {
		first, second checkpoint
		dirty         bool
		notes         int
	}{
		"unmounted":          {checkpoint{1, 0x185}, checkpoint{2, 0x185}, false, 0},
		"synced":             {checkpoint{3, 0x184}, checkpoint{2, 0x185}, true, 0},
		"unmounted after it": {checkpoint{3, 0x184}, checkpoint{4, 0x185}, false, 0},
		"wants fsck":         {checkpoint{3, 0x195}, checkpoint{2, 0x185}, true, 0},
		"found errors":       {checkpoint{3, 0x18d}, checkpoint{2, 0x185}, true, 0},
		"nothing is whole":   {checkpoint{}, checkpoint{}, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := patched(t, path)
			p.pieces = append(tt.first.at(t, p, 2<<20), tt.second.at(t, p, 4<<20)...)
			c, err := Read(p, p.size, 512)
			if err != nil || len(c.Signatures) != 1 || dirtyOf(t, c.Signatures[0]) != tt.dirty || len(c.Notes) != tt.notes {
				t.Errorf("it gives %+v, %v", c, err)
			}
		})
	}
}

// checkpoint is a pack of F2FS, with its version and flags.
type checkpoint struct {
	version uint64
	flags   uint32
}

func (c checkpoint) at(t *testing.T, p *patchedImage, off int64) []piece {
	t.Helper()
	b := make([]byte, 4096)
	if err := readFull(p.r, b, 2<<20); err != nil { // mkfs makes the first one
		t.Fatal(err)
	}
	le.PutUint64(b, c.version)
	le.PutUint32(b[f2fsPackFlags:], c.flags)
	blocks := int64(le.Uint32(b[f2fsPackBlocks:]))
	if c.version > 0 {
		sum := le.Uint32(b[f2fsPackSumOffset:])
		le.PutUint32(b[sum:], f2fsSum(b[:sum]))
	}
	return []piece{{off, b}, {off + (blocks-1)*4096, b}}
}

// TestNilfs2: the state stands in the newer superblock, under a checksum.
func TestNilfs2(t *testing.T) {
	path := image(t, 256<<20)
	run(t, "mkfs.nilfs2", "-q", path)
	for _, dirty := range []bool{false, true} {
		p := patched(t, path)
		b := make([]byte, 1024)
		if err := readFull(p.r, b, 1024); err != nil {
			t.Fatal(err)
		}
		le.PutUint64(b[56:], le.Uint64(b[56:])+1)
		if dirty {
			b[116] &^= 1
		}
		p.pieces = []piece{{1024, sumNilfs(b)}}
		c, err := Read(p, p.size, 512)
		if err != nil || len(c.Signatures) != 1 || dirtyOf(t, c.Signatures[0]) != dirty {
			t.Errorf("dirty %v gives %+v, %v", dirty, c, err)
		}
	}
}

// sumNilfs gives the superblock its checksum: CRC-32 from a seed, bit by bit, with
// zeros in place of the sum itself (kernel: crc32_le).
func sumNilfs(b []byte) []byte {
	n := int(le.Uint16(b[8:]))
	crc := le.Uint32(b[12:])
	for i, x := range b[:n] {
		if i >= 16 && i < 20 {
			x = 0
		}
		crc ^= uint32(x)
		for range 8 {
			crc = crc>>1 ^ 0xedb88320&-(crc&1)
		}
	}
	le.PutUint32(b[16:], crc)
	return b
}

// TestNTFSLog writes restart pages to the journal that mkntfs leaves empty.
func TestNTFSLog(t *testing.T) {
	path := image(t, 64<<20)
	run(t, "mkfs.ntfs", "-q", "-F", "-f", path)
	p := patched(t, path)
	d, err := newDevice(p, p.size, 512)
	if err != nil {
		t.Fatal(err)
	}
	boot := d.at(0, 512)
	cluster := int64(le.Uint16(boot[11:])) * int64(boot[13])
	record := d.at(int64(le.Uint64(boot[48:]))*cluster+ntfsLogRecord*1024, 1024)
	start, ok := ntfsFirstRun(record, cluster)
	if !ok {
		t.Fatal("the journal is not found")
	}
	if b := d.at(start, 16); strings.Trim(string(b), "\xff") != "" {
		t.Fatalf("mkntfs left %x in the journal", b)
	}
	const none, volumeClean = ntfsNoClient, ntfsVolumeIsClean
	for name, tt := range map[string]struct {
		pages []piece
		dirty bool
	}{
		"empty":       {nil, false},
		"shut down":   {[]piece{restart(start, 7, none, 0), restart(start+4096, 6, 0, 0)}, false},
		"in use":      {[]piece{restart(start, 7, 0, 0), restart(start+4096, 6, none, 0)}, true},
		"the second":  {[]piece{restart(start, 7, none, 0), restart(start+4096, 8, 0, 0)}, true},
		"said to be":  {[]piece{restart(start, 7, 0, volumeClean)}, false},
		"out of page": {[]piece{{start, append([]byte("RSTR"), make([]byte, 508)...)}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			p.pieces = tt.pages
			c, err := Read(p, p.size, 512)
			if err != nil || len(c.Signatures) == 0 || dirtyOf(t, c.Signatures[0]) != tt.dirty {
				t.Errorf("it gives %+v, %v", c, err)
			}
		})
	}
}

func restart(off int64, lsn uint64, inUse, flags uint16) piece {
	b := make([]byte, 512)
	copy(b, ntfsRestartPage)
	le.PutUint16(b[ntfsRestartArea:], 48)
	le.PutUint64(b[48:], lsn)
	le.PutUint16(b[48+ntfsAreaInUse:], inUse)
	le.PutUint16(b[48+ntfsAreaFlags:], flags)
	return piece{off, b}
}

func FuzzNTFSFirstRun(f *testing.F) {
	f.Add([]byte("FILE"), uint32(4096))
	f.Fuzz(func(t *testing.T, record []byte, cluster uint32) {
		if len(record) < 512 || cluster == 0 || cluster > ntfsMaxCluster {
			return
		}
		if off, ok := ntfsFirstRun(record, int64(cluster)); ok && off < 0 {
			t.Errorf("it begins at %d", off)
		}
	})
}

// TestTuxOnIce: the image's magic stands at the beginning, and the header of the
// swap space stays at the end of the page.
func TestTuxOnIce(t *testing.T) {
	path := image(t, 1<<20)
	run(t, "mkswap", "-q", "-U", "b7ba03c9-2b2f-4d4f-8a1f-5a6a1c6f2f10", path)
	p := patched(t, path, piece{0, []byte(tuxOnIceMagic)})
	got, _ := only[*Swap](t, &sparse{size: p.size, pieces: []piece{{0, head(t, p, 4096)}}})
	if !got.Hibernated || got.Image != "TuxOnIce" || got.UUID != "b7ba03c9-2b2f-4d4f-8a1f-5a6a1c6f2f10" {
		t.Errorf("it gives %+v", got)
	}
}

func head(t *testing.T, r io.ReaderAt, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if err := readFull(r, b, 0); err != nil {
		t.Fatal(err)
	}
	return b
}

// thinMetadata makes a pool's metadata as thin_restore does.
func thinMetadata(t *testing.T, flags string) []byte {
	t.Helper()
	xml, path := image(t, 0), image(t, 8<<20)
	text := `<superblock uuid="" time="1" transaction="2" flags="` + flags + `" version="2" data_block_size="128" nr_data_blocks="100">
  <device dev_id="1" mapped_blocks="1" transaction="0" creation_time="0" snap_time="0">
    <single_mapping origin_block="0" data_block="0" time="0"/>
  </device>
</superblock>
`
	if err := os.WriteFile(xml, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "thin_restore", "-i", xml, "-o", path)
	f, _ := open(t, path)
	return head(t, f, ThinPoolSize)
}

func TestThinPool(t *testing.T) {
	for _, flags := range []string{"0", "1"} {
		b := thinMetadata(t, flags)
		got, err := ParseThinPool(b)
		want := &ThinPool{NeedsCheck: flags == "1", TransactionID: 2, DataBlocks: 100, DataUsed: 1, MetadataBlocks: 2048, MetadataUsed: 11}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
		b[48]++
		if _, err := ParseThinPool(b); !errors.Is(err, errDamaged) {
			t.Errorf("damaged, it gives %v", err)
		}
	}
	if _, err := ParseThinPool(make([]byte, ThinPoolSize)); !errors.Is(err, errNoThinPool) {
		t.Errorf("zeros give %v", err)
	}
}

func FuzzThinPool(f *testing.F) {
	f.Add(make([]byte, ThinPoolSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := ParseThinPool(b); (p == nil) == (err == nil) {
			t.Errorf("it gives %+v, %v", p, err)
		}
	})
}

// TestBtrfsLost: a file system of two devices, of which one is missing.
func TestBtrfsLost(t *testing.T) {
	for _, tt := range []struct {
		data, metadata string
		lost           []string
	}{
		{"raid1", "raid1", nil},
		{"single", "raid1", nil}, // the one chunk of data lies on the first device
		{"raid0", "raid1", []string{"data"}},
	} {
		a, b := image(t, 256<<20), image(t, 256<<20)
		run(t, "mkfs.btrfs", "-q", "-d", tt.data, "-m", tt.metadata, a, b)
		tree, err := BtrfsSubvolumes(devices(t, a))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.lost, tree.Lost); diff != "" {
			t.Errorf("%s, %s: %s", tt.data, tt.metadata, diff)
		}
		whole, err := BtrfsSubvolumes(devices(t, a, b))
		if err != nil || len(whole.Lost) > 0 {
			t.Errorf("whole, it gives %+v, %v", whole, err)
		}
	}
}

// TestStaleBitmap: mdadm's bitmap, behind the superblock and not.
func TestStaleBitmap(t *testing.T) {
	head := make([]byte, 64)
	copy(head, "bitm")
	m := &MD{Events: 9}
	for _, tt := range []struct {
		events uint64
		state  uint32
		stale  bool
	}{{9, 0, false}, {10, 0, false}, {8, 0, true}, {9, 2, true}} {
		le.PutUint64(head[24:], tt.events)
		le.PutUint32(head[48:], tt.state)
		if m.readBitmap(head); m.BitmapStale != tt.stale {
			t.Errorf("%+v gives %v:\n%s", tt, m.BitmapStale, hex.Dump(head))
		}
	}
}
