package ondisk

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// maker makes a file system on an image with the program of that name.
type maker struct {
	name string
	size int64
	argv []string // "IMAGE" stands for the image
}

var makers = []maker{
	{"ext2", 8 << 20, []string{"mkfs.ext2", "-q", "-L", "two", "IMAGE"}},
	{"ext3", 16 << 20, []string{"mkfs.ext3", "-q", "-L", "three", "IMAGE"}},
	{"ext4", 32 << 20, []string{"mkfs.ext4", "-q", "-L", "sixteen letters!", "IMAGE"}},
	{"ext4 64k", 64 << 20, []string{"mkfs.ext4", "-q", "-F", "-b", "65536", "IMAGE"}},
	{"ext4 without journal", 16 << 20, []string{"mkfs.ext4", "-q", "-O", "^has_journal", "IMAGE"}},
	{"journal device", 16 << 20, []string{"mkfs.ext4", "-q", "-O", "journal_dev", "IMAGE"}},
	{"xfs", 300 << 20, []string{"mkfs.xfs", "-q", "-L", "xfslabel", "IMAGE"}},
	{"xfs v4", 300 << 20, []string{"mkfs.xfs", "-q", "-m", "crc=0", "IMAGE"}},
	{"xfs 4k", 300 << 20, []string{"mkfs.xfs", "-q", "-s", "size=4096", "IMAGE"}},
	{"btrfs", 128 << 20, []string{"mkfs.btrfs", "-q", "-L", "with a space", "IMAGE"}},
	{"btrfs mixed", 32 << 20, []string{"mkfs.btrfs", "-q", "--mixed", "IMAGE"}},
	{"fat12", 2 << 20, []string{"mkfs.vfat", "-F", "12", "-n", "TWELVE", "IMAGE"}},
	{"fat16", 32 << 20, []string{"mkfs.vfat", "-F", "16", "-n", "SIXTEEN", "IMAGE"}},
	{"fat32", 64 << 20, []string{"mkfs.vfat", "-F", "32", "-n", "ESP", "IMAGE"}},
	{"fat32 without a label", 64 << 20, []string{"mkfs.vfat", "-F", "32", "IMAGE"}},
	{"fat32 4k", 300 << 20, []string{"mkfs.vfat", "-F", "32", "-S", "4096", "IMAGE"}},
	{"exfat", 32 << 20, []string{"mkfs.exfat", "-L", "exlabel", "IMAGE"}},
	{"ntfs", 32 << 20, []string{"mkfs.ntfs", "-q", "-F", "-f", "-L", "Лабел", "IMAGE"}},
	{"f2fs", 128 << 20, []string{"mkfs.f2fs", "-q", "-l", "flash", "IMAGE"}},
	{"swap", 16 << 20, []string{"mkswap", "-L", "swaplabel", "IMAGE"}},
	{"swap 64k", 16 << 20, []string{"mkswap", "-p", "65536", "IMAGE"}},
	{"minix", 16 << 20, []string{"mkfs.minix", "IMAGE"}},
	{"minix 3", 16 << 20, []string{"mkfs.minix", "-3", "IMAGE"}},
	{"luks1", 32 << 20, []string{"cryptsetup", "luksFormat", "-q", "--type", "luks1", "--pbkdf-force-iterations", "1000", "IMAGE", "KEY"}},
	{"luks2", 32 << 20, []string{"cryptsetup", "luksFormat", "-q", "--type", "luks2", "--label", "lukslabel", "--subsystem", "sub", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "IMAGE", "KEY"}},
	{"bcache backing", 16 << 20, []string{"make-bcache", "-B", "IMAGE"}},
	{"bcache cache", 64 << 20, []string{"make-bcache", "-C", "IMAGE"}},
	{"verity", 16 << 20, []string{"veritysetup", "format", "KEY", "IMAGE"}},
}

// make runs the maker, and returns the image.
func (m maker) make(t testing.TB) string {
	t.Helper()
	need(t, m.argv[0])
	path := image(t, m.size)
	key := image(t, 8192)
	argv := strings.Split(strings.NewReplacer("IMAGE", path, "KEY", key).Replace(strings.Join(m.argv, "\x00")), "\x00")
	run(t, argv...)
	return path
}

// blkid returns what "blkid -p" says of an image.
func blkid(t testing.TB, path string) corpusName {
	t.Helper()
	return parseUdev(run(t, "blkid", "-p", "-o", "udev", path))
}

// TestAgainstBlkid makes file systems by their own tools, and asks the
// installed libblkid.
func TestAgainstBlkid(t *testing.T) {
	for _, m := range makers {
		t.Run(m.name, func(t *testing.T) {
			path := m.make(t)
			c := readImage(t, path, 512)
			if diff := cmp.Diff(blkid(t, path), nameOf(c)); diff != "" {
				t.Errorf("blkid, ours:\n%s", diff)
			}
			if len(c.Notes) > 0 || c.Ambiguous || c.Table != nil {
				t.Errorf("notes %q, ambiguous %v, table %+v", c.Notes, c.Ambiguous, c.Table)
			}
			if x, ok := c.Signatures[0].(*XFS); ok && (x.LogDirty || x.LogUnknown) {
				t.Errorf("the log of a new file system is %+v", x)
			}
		})
	}
}

// sfdiskTable is the output of "sfdisk --json".
type sfdiskTable struct {
	PartitionTable struct {
		Label, ID         string
		SectorSize        int
		FirstLBA, LastLBA uint64
		Length            string `json:"table-length"` // if it is not 128
		Partitions        []sfdiskPartition
	}
}

type sfdiskPartition struct {
	Node                    string
	Start, Size             uint64
	Type, UUID, Name, Attrs string
	Bootable                bool
}

// scripts are input of sfdisk.
var scripts = map[string]string{
	"gpt": `label: gpt
size=10M, type=U, name="EFI system"
size=20M, type=L, name="größe 漢字", attrs="LegacyBIOSBootable GUID:63"
start=200000, size=5M, type=S
`,
	"gpt gaps": `label: gpt
table-length: 256
4: size=10M
2: size=10M, start=90000
200: size=4M
`,
	"mbr": `label: dos
label-id: 0x1234abcd
size=10M, type=83, bootable
size=10M, type=8e
`,
	"mbr logical": `label: dos
size=10M, type=83
size=60M, type=5
size=10M, type=83
size=8M, type=82
size=8M, type=fd
size=8M, type=83
`,
	"mbr only logical": `label: dos
4: size=60M, type=f
5: size=10M, type=83
6: size=8M, type=82
`,
	"mbr empty": "label: dos\n",
}

func TestAgainstSfdisk(t *testing.T) {
	for name, script := range scripts {
		for _, sector := range []int{512, 4096} {
			t.Run(fmt.Sprintf("%s %d", name, sector), func(t *testing.T) {
				if sector == 4096 {
					script = strings.NewReplacer("200000", "50000", "90000", "30000").Replace(script)
				}
				path := disk(t, 256<<20, sector)
				cmd := exec.Command(need(t, "sfdisk"), "-q", "--no-tell-kernel", path)
				cmd.Stdin = strings.NewReader(script)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("sfdisk: %v\n%s", err, out)
				}
				var want sfdiskTable
				if err := json.Unmarshal([]byte(run(t, "sfdisk", "--json", path)), &want); err != nil {
					t.Fatal(err)
				}
				f, err := os.Open(path)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				c, err := Read(f, 256<<20, sector)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want.table(t, path), c.Table); diff != "" {
					t.Errorf("sfdisk, ours:\n%s", diff)
				}
			})
		}
	}
}

// disk makes an image, or, for sectors that a file does not have, a loop
// device.
func disk(t *testing.T, size int64, sector int) string {
	t.Helper()
	path := image(t, size)
	if sector == 512 {
		return path
	}
	if os.Getuid() != 0 {
		t.Skip("a loop device needs root")
	}
	loop := strings.TrimSpace(run(t, "losetup", "--find", "--show", "--sector-size", fmt.Sprint(sector), path))
	t.Cleanup(func() { run(t, "losetup", "-d", loop) })
	return loop
}

// table translates sfdisk's words into ours.
func (s sfdiskTable) table(t *testing.T, path string) *Table {
	t.Helper()
	p := s.PartitionTable
	gpt := p.Label == "gpt"
	want := &Table{Format: p.Label, Sector: p.SectorSize, FirstUsable: p.FirstLBA, LastUsable: p.LastLBA, Protected: gpt}
	want.ID = strings.TrimPrefix(strings.ToLower(p.ID), "0x")
	if gpt {
		want.Room = 128
		if p.Length != "" {
			want.Room = int(firstNumber(p.Length))
		}
	}
	for _, e := range p.Partitions {
		entry := Entry{
			Start: e.Start * uint64(p.SectorSize), Size: e.Size * uint64(p.SectorSize),
			UUID: strings.ToLower(e.UUID), Name: e.Name, Active: e.Bootable,
		}
		if _, err := fmt.Sscan(strings.TrimLeft(strings.TrimPrefix(e.Node, path), "p"), &entry.Number); err != nil {
			t.Fatal(err)
		}
		if gpt {
			entry.Type = strings.ToLower(e.Type)
			entry.Attrs = sfdiskAttrs(e.Attrs)
		} else {
			entry.Type = fmt.Sprintf("0x%02s", e.Type)
			entry.Extended = e.Type == "5" || e.Type == "f"
			entry.Logical = entry.Number > 4
			entry.UUID = fmt.Sprintf("%s-%02x", want.ID, entry.Number)
		}
		want.Entries = append(want.Entries, entry)
	}
	return want
}

func sfdiskAttrs(s string) (attrs uint64) {
	for word := range strings.FieldsSeq(s) {
		switch word {
		case "LegacyBIOSBootable":
			attrs |= 1 << 2
		case "GUID:63":
			attrs |= 1 << 63
		}
	}
	return attrs
}
