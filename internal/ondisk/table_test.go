package ondisk

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const (
	gptDisk    = 64 << 20
	gptSectors = gptDisk / 512
	typeLinux  = "0fc63daf-8483-4772-8e79-3d69d8477de4"
)

// gptImage builds a disk with the entries, as UEFI 2.10, 5.3 describes it.
func gptImage(entries []Entry) []byte {
	disk := make([]byte, gptDisk)
	disk[510], disk[511], disk[mbrEntries+4] = 0x55, 0xaa, mbrTypeGPT
	le.PutUint32(disk[mbrEntries+12:], gptSectors-1)
	array := make([]byte, 128*128)
	for _, e := range entries {
		b := array[128*(e.Number-1):]
		putGUID(b, e.Type)
		putGUID(b[16:], e.UUID)
		le.PutUint64(b[32:], e.Start/512)
		le.PutUint64(b[40:], (e.Start+e.Size)/512-1)
		le.PutUint64(b[48:], e.Attrs)
		for i, u := range utf16.Encode([]rune(e.Name)) {
			le.PutUint16(b[56+2*i:], u)
		}
	}
	copy(disk[1024:], array)
	copy(disk[gptDisk-33*512:], array)
	putGPTHeader(disk, 1, gptSectors-1, 2, array)
	putGPTHeader(disk, gptSectors-1, 1, gptSectors-33, array)
	return disk
}

func putGPTHeader(disk []byte, self, other, entries uint64, array []byte) {
	b := disk[self*512:]
	copy(b, gptMagic)
	le.PutUint32(b[8:], 0x10000)
	le.PutUint32(b[12:], gptHeaderSize)
	le.PutUint64(b[24:], self)
	le.PutUint64(b[32:], other)
	le.PutUint64(b[40:], 34)
	le.PutUint64(b[48:], gptSectors-34)
	putGUID(b[56:], "00112233-4455-6677-8899-aabbccddeeff")
	le.PutUint64(b[72:], entries)
	le.PutUint32(b[80:], 128)
	le.PutUint32(b[84:], 128)
	le.PutUint32(b[88:], crc32.ChecksumIEEE(array))
	le.PutUint32(b[16:], headerCRC(b[:gptHeaderSize]))
}

func putGUID(b []byte, s string) {
	var a uint32
	var c, d uint16
	var e, f []byte
	fmt.Sscanf(s, "%08x-%04x-%04x-%04x-%012x", &a, &c, &d, &e, &f)
	le.PutUint32(b, a)
	le.PutUint16(b[4:], c)
	le.PutUint16(b[6:], d)
	copy(b[8:], e)
	copy(b[10:], f)
}

var twoEntries = []Entry{
	{Number: 1, Start: 1 << 20, Size: 8 << 20, Type: typeLinux, UUID: "11111111-2222-3333-4444-555555555555", Name: "root"},
	{Number: 7, Start: 16 << 20, Size: 8 << 20, Type: typeLinux, UUID: "99999999-2222-3333-4444-555555555555", Name: "home", Attrs: 4},
}

func readDisk(t testing.TB, disk []byte) *Content {
	t.Helper()
	c, err := Read(bytes.NewReader(disk), int64(len(disk)), 512)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestGPT damages a table in all ways, and says which copy is read.
func TestGPT(t *testing.T) {
	zero := func(from, to int) func([]byte) { return func(d []byte) { clear(d[from:to]) } }
	flip := func(at int) func([]byte) { return func(d []byte) { d[at] ^= 0xff } }
	last := gptDisk - 512
	for name, tt := range map[string]struct {
		damage    func([]byte)
		none      bool
		backup    bool
		protected bool
		note      string
	}{
		"whole":                {func([]byte) {}, false, false, true, ""},
		"primary header":       {flip(512 + 40), false, true, true, "GPT header at offset 512: its checksum is wrong"},
		"primary zero":         {zero(512, 1024), false, true, true, "cannot find the GPT header at offset 512"},
		"primary entries":      {flip(1024 + 60), false, true, true, "GPT entries at offset 1024: their checksum is wrong"},
		"backup header":        {flip(last + 40), false, false, true, "the backup GPT is damaged"},
		"backup zero":          {zero(last, gptDisk), false, false, true, "the backup GPT is missing"},
		"no protective MBR":    {zero(0, 512), false, false, false, "there is no protective MBR"},
		"backup only":          {zero(0, 1<<20), true, false, false, "a backup GPT lies at offset 67108352"},
		"both headers":         {func(d []byte) { flip(512 + 40)(d); flip(last + 40)(d) }, true, false, false, "announces a GPT"},
		"header far too large": {func(d []byte) { le.PutUint32(d[512+12:], 1<<31) }, false, true, true, "its size is out of bounds"},
	} {
		t.Run(name, func(t *testing.T) {
			disk := gptImage(twoEntries)
			tt.damage(disk)
			c := readDisk(t, disk)
			notes := c.Notes
			if c.Table != nil {
				notes = append(notes, c.Table.Notes...)
			}
			if all := strings.Join(notes, "\n"); !strings.Contains(all, tt.note) || (tt.note == "" && all != "") {
				t.Errorf("notes %q, want %q", all, tt.note)
			}
			if tt.none {
				if c.Table != nil {
					t.Errorf("table %+v", c.Table)
				}
				return
			}
			if c.Table == nil || c.Table.Backup != tt.backup || c.Table.Protected != tt.protected {
				t.Fatalf("table %+v", c.Table)
			}
			if diff := cmp.Diff(twoEntries, c.Table.Entries); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestGPTGrown: the disk was enlarged, the backup table stayed where it was.
func TestGPTGrown(t *testing.T) {
	c := readDisk(t, append(gptImage(twoEntries), make([]byte, 1<<20)...))
	if notes := strings.Join(c.Table.Notes, ""); !strings.Contains(notes, "not in the last sector") || len(c.Table.Entries) != 2 {
		t.Errorf("table %+v", c.Table)
	}
}

// TestGPTSectorSize: the disk was copied from one with other sectors.
func TestGPTSectorSize(t *testing.T) {
	disk := gptImage(twoEntries)
	c, err := Read(bytes.NewReader(disk), int64(len(disk)), 4096)
	if err != nil || c.Table == nil || c.Table.Sector != 512 {
		t.Fatalf("table %+v, error %v", c.Table, err)
	}
}

// TestGPTNames: names that are not valid UTF-16 are replaced and noted.
func TestGPTNames(t *testing.T) {
	disk := gptImage(twoEntries)
	array := disk[1024 : 1024+128*128]
	le.PutUint16(array[56:], 0xd800) // half a pair
	putGPTHeader(disk, 1, gptSectors-1, 2, array)
	c := readDisk(t, disk)
	if name := c.Table.Entries[0].Name; name != "\ufffdoot" || !strings.Contains(strings.Join(c.Table.Notes, ""), "not valid UTF-16") {
		t.Errorf("name %q, notes %q", name, c.Table.Notes)
	}
}

// TestGPTProperty writes tables and reads them back.
func TestGPTProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []Entry
		start := uint64(1 << 20)
		for n := range rapid.IntRange(0, 8).Draw(t, "partitions") {
			size := rapid.Uint64Range(1, 4096).Draw(t, "sectors") * 512
			want = append(want, Entry{
				Number: n*16 + rapid.IntRange(1, 16).Draw(t, "number"), Start: start, Size: size, Type: typeLinux,
				UUID:  fmt.Sprintf("%08x-0000-4000-8000-00000000000%x", rapid.Uint32Min(1).Draw(t, "uuid"), n),
				Name:  rapid.StringMatching(`[a-z äß漢😀]{0,18}`).Draw(t, "name"),
				Attrs: rapid.Uint64().Draw(t, "attrs"),
			})
			start += size
		}
		c, err := Read(bytes.NewReader(gptImage(want)), gptDisk, 512)
		if err != nil || c.Table == nil {
			t.Fatalf("table %+v, error %v", c.Table, err)
		}
		if diff := cmp.Diff(want, c.Table.Entries); diff != "" || len(c.Table.Notes) > 0 {
			t.Fatalf("%s notes %q", diff, c.Table.Notes)
		}
	})
}

// mbrImage builds a disk out of sectors with four slots each.
func mbrImage(sectors map[int][4]mbrEntry) []byte {
	disk := make([]byte, gptDisk)
	for at, slots := range sectors {
		b := disk[at*512:]
		b[510], b[511] = 0x55, 0xaa
		for i, s := range slots {
			e := b[mbrEntries+16*i:]
			e[0], e[4] = s.flag, s.kind
			le.PutUint32(e[8:], s.start)
			le.PutUint32(e[12:], s.size)
		}
	}
	return disk
}

// TestMBRChain reads chains that lead astray.
func TestMBRChain(t *testing.T) {
	first := [4]mbrEntry{{0x80, 0x83, 2048, 2048}, {0, 5, 10000, 50000}}
	link := func(start, next uint32) [4]mbrEntry {
		l := [4]mbrEntry{{0, 0x83, start, 1000}}
		if next > 0 {
			l[1] = mbrEntry{0, 5, next, 2000}
		}
		return l
	}
	for name, tt := range map[string]struct {
		sectors map[int][4]mbrEntry
		numbers []int
		note    string
	}{
		"whole":     {map[int][4]mbrEntry{0: first, 10000: link(63, 2000), 12000: link(63, 0)}, []int{1, 2, 5, 6}, ""},
		"circle":    {map[int][4]mbrEntry{0: first, 10000: link(63, 2000), 12000: link(63, 2000)}, []int{1, 2, 5, 6}, "runs in a circle at sector 12000"},
		"broken":    {map[int][4]mbrEntry{0: first, 10000: link(63, 2000)}, []int{1, 2, 5}, "broken at sector 12000"},
		"outside":   {map[int][4]mbrEntry{0: first, 10000: link(60000, 0)}, []int{1, 2, 5}, "logical partition 5 does not lie in its extended partition"},
		"no chain":  {map[int][4]mbrEntry{0: first}, []int{1, 2}, "broken at sector 10000"},
		"behind":    {map[int][4]mbrEntry{0: {{0, 0x83, 2048, 1 << 31}}}, []int{1}, "partition 1 ends behind the end"},
		"overlap":   {map[int][4]mbrEntry{0: {{0, 0x83, 2048, 4096}, {0, 0x83, 4096, 4096}}}, []int{1, 2}, "partitions 1 and 2 overlap"},
		"boot code": {map[int][4]mbrEntry{0: {{0x12, 0x83, 2048, 4096}}}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := readDisk(t, mbrImage(tt.sectors))
			if tt.numbers == nil {
				if c.Table != nil {
					t.Errorf("table %+v", c.Table)
				}
				return
			}
			var numbers []int
			for _, e := range c.Table.Entries {
				numbers = append(numbers, e.Number)
			}
			notes := strings.Join(c.Table.Notes, "\n")
			if diff := cmp.Diff(tt.numbers, numbers); diff != "" || !strings.Contains(notes, tt.note) || (tt.note == "" && notes != "") {
				t.Errorf("%snotes %q", diff, notes)
			}
		})
	}
}

// tableDivergences are what of util-linux's tables is not read.
var tableDivergences = map[string]struct{ format, reason string }{
	"atari-xgm":     {"", "Atari's label has no magic, and no system to salvage lies on one"},
	"atari-primary": {"", "as atari-xgm"},
	"bsd":           {"bsd", "the label is named, its entries are not read"},
	"sgi":           {"sgi", "as bsd"},
	"sun":           {"sun", "as bsd"},
	"dos+bsd":       {"dos", "the BSD label inside a partition is not read: its partitions hold no Linux"},
}

// expectedEntry is a line of util-linux's sample program "partitions".
var expectedEntry = regexp.MustCompile(`(?m)^#(\d+): +(\d+) +(\d+) +0x([0-9a-f]+)(?: name='([^']*)')?(?: uuid='([^']*)')?(?: type='([^']*)')?`)

func TestCorpusTables(t *testing.T) {
	dir := corpus(t)
	images, err := filepath.Glob(filepath.Join(dir, "util-linux/tests/ts/blkid/images-pt/*.img.xz"))
	if err != nil || len(images) == 0 {
		t.Fatalf("cannot find the images in %s: %v", dir, err)
	}
	for _, file := range images {
		name := strings.TrimSuffix(filepath.Base(file), ".img.xz")
		t.Run(name, func(t *testing.T) {
			c := readDisk(t, unxz(t, file))
			if d, diverges := tableDivergences[name]; diverges {
				if (c.Table == nil) != (d.format == "") || (c.Table != nil && c.Table.Format != d.format) {
					t.Errorf("table %+v, want %q (%s)", c.Table, d.format, d.reason)
				}
				return
			}
			out, err := os.ReadFile(filepath.Join(dir, "util-linux/tests/expected/blkid/lowprobe-pt-"+name))
			if err != nil {
				t.Fatal(err)
			}
			var want []Entry
			for _, m := range expectedEntry.FindAllStringSubmatch(string(out), -1) {
				e := Entry{Name: m[5], UUID: m[6], Type: m[7]}
				fmt.Sscan(m[1]+" "+m[2]+" "+m[3], &e.Number, &e.Start, &e.Size)
				e.Start, e.Size = e.Start*512, e.Size*512
				want = append(want, e)
			}
			if diff := cmp.Diff(want, c.Table.Entries); diff != "" || len(want) == 0 {
				t.Errorf("libblkid, ours:\n%s", diff)
			}
		})
	}
}
