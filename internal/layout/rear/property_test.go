package rear

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"salvor/internal/layout"
	"salvor/internal/storage"
)

// builder makes a random machine of what ReaR can express.
type builder struct {
	t      *rapid.T
	b      storage.Builder
	fix    []func()
	mounts []storage.Mount
	points []string
	uuids  int
	md     int
	left   map[string][]storage.Node // partitions that become members or PVs
	from   []storage.Node            // sources of the mounts
}

func (b *builder) uuid() string {
	b.uuids++
	return fmt.Sprintf("00000000-0000-4000-8000-%012d", b.uuids)
}

func (b *builder) pick(label string, n int) int { return rapid.IntRange(0, n-1).Draw(b.t, label) }

func (b *builder) machine() *layout.Layout {
	b.left = map[string][]storage.Node{}
	b.points = []string{"/", "/boot", "/var/lib/my files"}
	for i := range 60 { // more than there can be file systems
		b.points = append(b.points, fmt.Sprintf("/srv/%02d", i))
	}
	for i := range b.pick("disks", 3) + 1 {
		b.disk(i)
	}
	b.arrays()
	b.group()
	g, err := b.b.Build(b.mounts, nil, func() {
		for _, f := range b.fix {
			f()
		}
		for i, n := range b.from {
			b.mounts[i].Source = n.Base().ID
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	l, _ := layout.FromGraph(g, layout.Facts{})
	return l
}

func (b *builder) disk(i int) {
	name := fmt.Sprintf("/dev/sd%c", 'a'+i)
	d := called(&storage.Disk{WWN: fmt.Sprintf("naa.500000000000000%d", i)}, name, 64<<30)
	d.Identity = storage.ID("disk:wwn-" + d.WWN)
	d.AddName(fmt.Sprintf("/dev/disk/by-id/wwn-0x500000000000000%d", i), storage.FromUdev)
	b.b.Add(d)
	t := &storage.Table{Format: "gpt"}
	if rapid.Bool().Draw(b.t, "dos") {
		t.Format = "dos"
	}
	t.Identity = storage.ID("table:" + t.Format + "-on-" + string(d.Identity))
	b.b.Add(t, d)
	for number := range b.pick("partitions", 4) + 1 {
		b.partition(t, name, number+1)
	}
}

func (b *builder) partition(t *storage.Table, disk string, number int) {
	p := called(&storage.Partition{Number: number, Start: uint64(number) << 33}, fmt.Sprintf("%s%d", disk, number), 8<<30)
	p.Identity = storage.ID(fmt.Sprintf("part:%s-%d", strings.TrimPrefix(string(t.Identity), "table:"), number))
	if t.Format == "gpt" {
		p.Label = rapid.SampledFrom([]string{"", "EFI System", "root", "a:b%", "größe"}).Draw(b.t, "name")
		p.Type = rapid.SampledFrom(gptTypes).Draw(b.t, "type").guid
		p.Attributes = rapid.SampledFrom([]uint64{0, bitLegacyBoot, bitHidden}).Draw(b.t, "bits")
	} else {
		p.Active = rapid.Bool().Draw(b.t, "active")
		p.Type = rapid.SampledFrom([]string{"0x8e", "0xfd", "0x82", ""}).Draw(b.t, "id")
	}
	b.b.Add(p, t)
	what := "content" // of the first, so that every disk is in use
	if number > 1 {
		what = rapid.SampledFrom([]string{"content", "luks", "md", "pv"}).Draw(b.t, "what")
	}
	switch what {
	case "content":
		b.content(p)
	case "luks":
		b.content(b.luks(p))
	default:
		b.left[what] = append(b.left[what], p)
	}
}

func (b *builder) luks(on storage.Node) storage.Node {
	c := called(&storage.Crypt{Format: "luks2", UUID: b.uuid(), Cipher: "aes-xts-plain64", Header: &storage.LUKSHeader{KeyBits: 512, Hash: "sha256"}}, fmt.Sprintf("/dev/mapper/cr_%d", b.uuids), 0)
	c.Open = &storage.Opening{Name: fmt.Sprintf("cr_%d", b.uuids)}
	c.Identity = c.IdentityOn(on)
	return b.b.Add(c, on)
}

func (b *builder) arrays() {
	members := b.left["md"]
	for ; len(members) >= 2; members = members[2:] {
		a := called(&storage.MD{UUID: fmt.Sprintf("00000000:00000000:00000000:%08d", b.md), Name: fmt.Sprintf("host:data%d", b.md), Level: "raid10", Metadata: "1.2", RaidDisks: 2,
			Made: &storage.MDMade{Layout: "far=2", Chunk: 512 << 10}}, fmt.Sprintf("/dev/md%d", 127-b.md), 8<<30)
		b.md++
		a.Identity = storage.ID("md:" + a.UUID)
		b.b.Add(a, members[0], members[1])
		pair := members[:2]
		b.fix = append(b.fix, func() {
			for i, m := range pair {
				a.Members = append(a.Members, storage.MDMember{ID: m.Base().ID, Role: fmt.Sprint(i)})
			}
		})
		b.content(a)
	}
}

// group makes a volume group of what is left for it.
func (b *builder) group() {
	if len(b.left["pv"]) == 0 {
		return
	}
	vg := &storage.VG{UUID: "VG-" + b.uuid(), Name: "my-vg", ExtentSize: 4 << 20, Made: &storage.VGMade{}}
	vg.Identity = storage.ID("vg:" + vg.UUID)
	b.b.Add(vg)
	var pvs []*storage.PV
	for _, dev := range b.left["pv"] {
		pv := &storage.PV{UUID: "PV-" + b.uuid(), VG: vg.Name, Made: &storage.PVMade{DataOffset: 1 << 20, Extents: 2000}}
		pv.Size, pv.Identity = dev.Base().Size, storage.ID("pv:"+pv.UUID)
		b.b.Add(pv, dev)
		b.b.Lay(vg, pv)
		pvs = append(pvs, pv)
	}
	for i := range b.pick("volumes", 4) + 1 {
		extents := uint64(b.pick("extents", 3) + 10)
		pv := pvs[i%len(pvs)]
		lv := called(&storage.LV{UUID: "LV-" + b.uuid(), VG: vg.Name, Name: fmt.Sprintf("lv-%d", i), Layout: "linear", Made: &storage.LVMade{
			Segments: []storage.LVSegment{{Type: "linear", Extents: extents, Areas: []storage.LVArea{{PV: pv.Identity, Extent: uint64(i) * 100}}}}}},
			fmt.Sprintf("/dev/mapper/my--vg-lv--%d", i), extents*vg.ExtentSize)
		lv.Identity, lv.Open = storage.ID("lv:"+lv.UUID), &storage.Opening{}
		b.b.Add(lv, pv)
		b.fix = append(b.fix, func() { lv.Group = vg.ID })
		b.content(lv)
	}
}

// content puts a file system or swap on a device; all of them are in use.
func (b *builder) content(on storage.Node) {
	kind := rapid.SampledFrom([]string{"ext4", "xfs", "vfat", "btrfs", "swap"}).Draw(b.t, "content")
	if kind == "swap" {
		s := &storage.Swap{UUID: b.uuid(), Label: rapid.SampledFrom([]string{"", "swap"}).Draw(b.t, "label"), Active: true}
		s.Size, s.Identity = sizeBelow(&b.b, on), storage.ID("swap:"+s.UUID)
		b.b.Add(s, on)
		return
	}
	fs := &storage.FileSystem{Type: kind, UUID: b.uuid(), Label: rapid.SampledFrom([]string{"", "data"}).Draw(b.t, "label")}
	fs.Identity = storage.ID("fs:" + fs.UUID)
	switch kind {
	case "ext4":
		blocks := roomOn(&b.b, on) / 4096
		fs.Ext = &storage.Ext{BlockSize: 4096, Blocks: blocks, Reserved: (blocks + 19) / 20, Inodes: uint32(blocks * 4096 / 16384), MaxMounts: -1, MountDefaults: []string{"user_xattr", "acl"}}
	case "xfs":
		fs.XFS = &storage.XFS{BlockSize: 4096, SectorSize: 512, Blocks: 1000, InodeSize: 512, InodePercent: 25, Groups: 4, GroupBlocks: 250, DirBlockSize: 4096, LogBlocks: 100, LogVersion: 2, Features: []string{"attr", "crc", "ftype"}}
	}
	b.b.Add(fs, on)
	if kind == "btrfs" {
		b.subvolumes(fs)
	} else {
		b.mount(kind, "/", fs)
	}
}

func (b *builder) subvolumes(fs *storage.FileSystem) {
	fs.Default = topLevel
	for i, p := range []string{"", "@", "@log"} {
		s := &storage.Subvolume{SubvolID: map[int]uint64{0: topLevel, 1: 256, 2: 257}[i], Path: p}
		s.Identity = storage.ID("subvol:" + fs.UUID + "/" + p)
		b.b.Add(s, fs)
		if i == 1 || i == 2 && rapid.Bool().Draw(b.t, "second") {
			b.mount("btrfs", "/"+p, s)
		}
	}
}

func (b *builder) mount(kind, root string, n storage.Node) {
	b.mounts = append(b.mounts, storage.Mount{Point: b.points[0], Type: kind, Root: root, Options: []string{"rw", "relatime"}})
	b.points = b.points[1:]
	b.from = append(b.from, n)
}

// TestRandomRoundTrip: a layout of what ReaR can express comes back from its files in
// either form: the same layout, and the same files.
func TestRandomRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &builder{t: t}
		l := b.machine()
		opt := ExportOptions{Dialect: rapid.SampledFrom(Dialects).Draw(t, "dialect")}
		files, _, err := Export(l, opt)
		if err != nil {
			t.Fatal(err)
		}
		got, gaps, err := Import(files)
		if err != nil {
			t.Fatal(err)
		}
		if len(gaps) > 0 {
			t.Fatalf("%+v", gaps)
		}
		// The digest covers what is compared here too; no more is in these layouts.
		if diff := cmp.Diff(l, got); diff != "" {
			t.Fatalf("%s\n%s", diff, files.Layout.Bytes())
		}
		again, _, err := Export(got, opt)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(files.List(), again.List()); diff != "" {
			t.Fatal(diff)
		}
	})
}
