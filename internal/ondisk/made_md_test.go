package ondisk

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// examined is what mdadm says of a member, in our words.
type examined struct {
	Layout, Bitmap, Flags string
	Chunk, BitmapChunk    uint64
	DataOffset, Size      uint64
}

// TestMDMade changes the capture of a member, and compares with "mdadm --examine" of
// the same bytes.
func TestMDMade(t *testing.T) {
	const offset = 4096
	type patch struct {
		level, layout, chunk uint32 // the chunk in sectors
		features             uint32
		flags                byte
	}
	table := map[string]patch{
		"raid1":          {level: 1},
		"write-mostly":   {level: 1, flags: md1WriteMostly, features: mdFeatureBitmap},
		"failfast":       {level: 1, flags: md1WriteMostly | md1Failfast},
		"raid0":          {level: 0, layout: 1, chunk: 1024, features: mdFeatureZones},
		"raid0 2":        {level: 0, layout: 2, chunk: 1024, features: mdFeatureZones},
		"raid0, old":     {level: 0, chunk: 128},
		"raid10 far":     {level: 10, layout: 0x201, chunk: 1024, features: mdFeatureBitmap},
		"raid10 near":    {level: 10, layout: 0x103, chunk: 512},
		"raid10 offset":  {level: 10, layout: 0x10201, chunk: 512},
		"raid10 both":    {level: 10, layout: 0x202, chunk: 512},
		"raid4 parity":   {level: 4, chunk: 128},
		"raid5 journal":  {level: 5, layout: 2, chunk: 128, features: mdFeatureJournal},
		"raid5 parities": {level: 5, layout: 2, chunk: 128, features: 2048},
	}
	for layout := range uint32(6) {
		table[fmt.Sprintf("raid5 %d", layout)] = patch{level: 5, layout: layout, chunk: 8}
	}
	for _, layout := range []uint32{0, 1, 2, 3, 4, 5, 8, 9, 10, 16, 17, 18, 19, 20} {
		table[fmt.Sprintf("raid6 %d", layout)] = patch{level: 6, layout: layout, chunk: 8}
	}
	for name, p := range table {
		t.Run(name, func(t *testing.T) {
			s := capture(t, "md-1.2-raid10")
			b := make([]byte, md1Max)
			if err := readFull(s, b, offset); err != nil {
				t.Fatal(err)
			}
			le.PutUint32(b[8:], p.features)
			le.PutUint32(b[72:], p.level)
			le.PutUint32(b[76:], p.layout)
			le.PutUint32(b[88:], p.chunk)
			le.PutUint32(b[96:], 8) // sectors to the bitmap
			b[184] = p.flags
			le.PutUint32(b[md1ChecksumField:], md1Checksum(b[:256+2*le.Uint32(b[220:])]))
			s.put(offset, b)
			bitmap := make([]byte, 256)
			copy(bitmap, "bitm")
			le.PutUint32(bitmap[4:], 4)
			copy(bitmap[8:24], b[16:32])
			le.PutUint64(bitmap[24:], le.Uint64(b[200:]))
			le.PutUint64(bitmap[40:], 28672)
			le.PutUint32(bitmap[52:], 64<<20)
			le.PutUint32(bitmap[56:], 5)
			s.put(offset+8*512, bitmap)
			got, _ := only[*MD](t, s)
			if diff := cmp.Diff(examine(t, s), got.examined()); diff != "" {
				t.Errorf("mdadm, ours:\n%s", diff)
			}
		})
	}
}

func (m *MD) examined() examined {
	e := examined{
		Layout: strings.ReplaceAll(m.LayoutName(), ",", ", "), Bitmap: m.BitmapFormat, Chunk: uint64(m.ChunkSize),
		BitmapChunk: m.BitmapChunk, DataOffset: m.DataOffset, Size: m.Size,
	}
	for _, f := range []struct {
		on   bool
		name string
	}{{m.WriteMostly, "write-mostly"}, {m.Failfast, "failfast"}} {
		if f.on {
			e.Flags = strings.TrimSpace(e.Flags + " " + f.name)
		}
	}
	return e
}

// examine writes the device to a file and asks mdadm.
func examine(t *testing.T, s *sparse) examined {
	t.Helper()
	path := image(t, s.size)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range s.pieces {
		if _, err := f.WriteAt(p.data, p.off); err != nil {
			t.Fatal(err)
		}
	}
	said := fields(run(t, "mdadm", "--examine", path))
	e := examined{
		Layout: said["Layout"], Flags: said["Flags"], Chunk: firstNumber(said["Chunk Size"]) << 10,
		DataOffset: firstNumber(said["Data Offset"]) * 512, Size: firstNumber(said["Used Dev Size"]) * 512,
	}
	if e.Layout == "-unknown-" || e.Layout == "original" && said["Raid Level"] != "raid0" {
		t.Fatalf("mdadm does not know the layout %+v", said)
	}
	if e.Size == 0 {
		e.Size = firstNumber(said["Avail Dev Size"]) * 512
	}
	if said["Internal Bitmap"] != "" {
		alone := filepath.Join(t.TempDir(), "bitmap") // mdadm looks for it in a device, not in an image
		if err := os.WriteFile(alone, s.pieces[len(s.pieces)-1].data, 0o600); err != nil {
			t.Fatal(err)
		}
		bitmap := fields(run(t, "mdadm", "--examine-bitmap", alone))
		e.Bitmap, e.BitmapChunk = "internal", firstNumber(bitmap["Chunksize"])<<20
	}
	return e
}
