package system

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// TestMountAlwaysMakesSense: whatever is there, however it stands, and whatever
// the tables say, the wanted graph can be reached by opening and mounting alone,
// every line is told, and a read-only request writes to no disk.
func TestMountAlwaysMakesSense(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		m := Mount(c.seen, c.base, c.sys, c.req)
		checkMounting(t, c, m)
		for id, now := range openings(c.base) {
			if as := storage.OpeningOf(m.Want.Node(id)); as == nil || as.ReadOnly != now.ReadOnly {
				t.Fatalf("%s was open and is wanted %v", id, as)
			}
		}
	})
}

func openings(g *storage.Graph) map[storage.ID]storage.Opening {
	out := map[storage.ID]storage.Opening{}
	for n := range g.Nodes() {
		if as := storage.OpeningOf(n); as != nil {
			out[n.Base().ID] = *as
		}
	}
	return out
}

// drawCase makes a machine in any nesting; a part of what can be open is open.
func drawCase(t *rapid.T) mountCase {
	d := &drawer{t: t, trees: fakeTrees{}}
	d.nodes()
	seen, err := d.b.Build(nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for lv := range storage.All[*storage.LV](seen) {
		lv.Group = storage.ID("vg:" + lv.VG)
	}
	d.open(seen, 3)
	base := closed(seen)
	d.keepOpen(base, seen)
	sys := d.system(seen)
	c := mountCase{seen, base, sys, Request{Target: "/mnt/local", Trees: d.trees}}
	c.req.ReadOnly, c.req.Overlays = d.coin("read-only"), d.coin("overlays")
	d.mounts(base)
	return c
}

type drawer struct {
	t      *rapid.T
	b      storage.Builder
	blocks []storage.Node // that nothing lies on
	disks  int
	uuids  []string
	trees  fakeTrees
}

func (d *drawer) coin(what string) bool { return rapid.Bool().Draw(d.t, what) }
func (d *drawer) upTo(n int, what string) int {
	return rapid.IntRange(0, n).Draw(d.t, what)
}

// block takes a device that nothing lies on, a new disk if there is none.
func (d *drawer) block() storage.Node {
	at := d.upTo(len(d.blocks), "on")
	if at == len(d.blocks) {
		d.disks++
		return d.b.Add(&storage.Disk{Common: common(storage.ID(fmt.Sprint("disk:", d.disks)), fmt.Sprintf("/dev/sd%c", 'a'+d.disks), gib)})
	}
	n := d.blocks[at]
	d.blocks = append(d.blocks[:at:at], d.blocks[at+1:]...)
	return n
}

func (d *drawer) nodes() {
	for i := range 2 + d.upTo(10, "nodes") {
		switch on := d.block(); rapid.SampledFrom([]string{"part", "md", "crypt", "lvm", "fs", "fs", "btrfs", "bcache"}).Draw(d.t, "kind") {
		case "part":
			table := d.b.Add(&storage.Table{Common: common(storage.ID(fmt.Sprint("table:", i)), "", 0), Format: "gpt"}, on)
			for number := range 1 + d.upTo(2, "partitions") {
				id := fmt.Sprintf("p%d.%d", i, number)
				d.blocks = append(d.blocks, d.b.Add(&storage.Partition{Common: common(storage.ID("part:"+id), "/dev/"+id, gib), Number: number + 1, UUID: id}, table))
			}
		case "md":
			md := &storage.MD{Common: common(storage.ID(fmt.Sprint("md:", i)), "", gib), UUID: fmt.Sprint(i), Name: fmt.Sprint("h:", i%2)}
			d.mark(&md.Common, storage.Degraded)
			d.blocks = append(d.blocks, d.b.Add(md, on, d.block()))
		case "crypt":
			d.blocks = append(d.blocks, d.b.Add(&storage.Crypt{Common: common(storage.ID(fmt.Sprint("luks:", i)), "", gib), Format: "luks2", UUID: fmt.Sprint("c", i)}, on))
		case "lvm":
			d.volumes(i, on)
		case "bcache":
			set := d.b.Add(&storage.BcacheSet{Common: common(storage.ID(fmt.Sprint("set:", i)), "", 0)}, d.block())
			d.blocks = append(d.blocks, d.b.Add(&storage.Bcache{Common: common(storage.ID(fmt.Sprint("bcache:", i)), "", gib), UUID: fmt.Sprint(i)}, on, set))
		default:
			d.fileSystem(i, on)
		}
	}
	d.fileSystem(99, d.block())
}

func (d *drawer) mark(c *storage.Common, h storage.Health) {
	if d.upTo(3, "health") == 0 {
		c.Mark(h)
	}
}

// volumes makes a group with a linear volume, a snapshot of it, and a thin one.
func (d *drawer) volumes(i int, on storage.Node) {
	name := fmt.Sprint("g", i)
	pv := d.b.Add(&storage.PV{Common: common(storage.ID("pv:"+name), "", gib), UUID: name, VG: name}, on)
	d.b.Add(&storage.VG{Common: common(storage.ID("vg:"+name), "", 0), UUID: name, Name: name}, pv)
	add := func(lv, layout string, below ...storage.Node) *storage.LV {
		n := &storage.LV{Common: common(storage.ID("lv:"+name+lv), "", gib), VG: name, Name: lv, Layout: layout}
		d.b.Add(n, append(below, pv)...)
		if !storage.IsPart(n) {
			d.blocks = append(d.blocks, n)
		}
		return n
	}
	origin := add("a", "linear")
	if d.coin("snapshot") {
		add("s", "snapshot", origin).Origin = origin.Identity
	}
	if d.coin("thin") {
		pool := add("pool", "thin-pool")
		add("t", "thin", pool).Pool = pool.Identity
	}
}

func (d *drawer) fileSystem(i int, on storage.Node) {
	uuid := fmt.Sprint("f", i%6) // some are twins
	d.uuids = append(d.uuids, uuid)
	typ := rapid.SampledFrom([]string{"ext4", "xfs", "btrfs"}).Draw(d.t, "type")
	fs := &storage.FileSystem{Common: common(storage.ID("fs:"+uuid), "", gib), Type: typ, UUID: uuid}
	d.mark(&fs.Common, storage.Dirty)
	d.b.Add(fs, on)
	if typ == "btrfs" {
		for id, path := range []string{"", "@", "@home"} {
			d.b.Add(&storage.Subvolume{Common: common(storage.ID("subvol:"+uuid+"/"+path), "", 0), SubvolID: uint64(5 + id*251), Path: path}, fs)
		}
	}
}

// open opens what rests on open things, most of it.
func (d *drawer) open(g *storage.Graph, of int) {
	for n := range g.Nodes() {
		if !storage.CanOpen(n) || storage.IsPart(n) || shutBelow(g, n.Base().ID) != nil || d.upTo(of, "open") == 0 {
			continue
		}
		as := &storage.Opening{}
		if n.Kind() == storage.KindCrypt {
			as.Name = strings.ReplaceAll(string(n.Base().ID), ":", "-")
		}
		if n.Kind() == storage.KindMD || n.Kind() == storage.KindBcache {
			n.Base().AddName("/dev/"+strings.ReplaceAll(string(n.Base().ID), ":", ""), storage.FromKernel)
		}
		storage.SetOpening(n, as)
	}
}

// keepOpen leaves some of what is open in seen open in base: it was before.
func (d *drawer) keepOpen(base, seen *storage.Graph) {
	for n := range base.Nodes() {
		now := storage.OpeningOf(seen.Node(n.Base().ID))
		if now == nil || shutBelow(base, n.Base().ID) != nil || d.upTo(2, "before") > 0 {
			continue
		}
		as := *now
		as.ReadOnly = d.coin("was read-only")
		storage.SetOpening(n, &as)
		n.Base().ReadOnly = as.ReadOnly
	}
}

func (d *drawer) mounts(base *storage.Graph) {
	for fs := range storage.All[*storage.FileSystem](base) {
		if shutBelow(base, fs.ID) != nil || d.upTo(4, "mounted") > 0 {
			continue
		}
		at := rapid.SampledFrom([]string{"/media/x", "/mnt/local", "/mnt/local/a", "/mnt/local/a/b", "/mnt/local/proc"}).Draw(d.t, "at")
		base.Mounts = append(base.Mounts, storage.Mount{Point: at, Source: fs.ID, Type: fs.Type, Root: "/"})
	}
}

// system draws a root among all that could be one, and tables that name things
// that are there and things that are not.
func (d *drawer) system(seen *storage.Graph) *System {
	var roots []storage.ID
	for n := range seen.Nodes() {
		fs, ok := n.(*storage.FileSystem)
		if sub, isSub := n.(*storage.Subvolume); (ok && fs.Type != "btrfs" || isSub && sub != nil) && shutBelow(seen, n.Base().ID) == nil {
			roots = append(roots, n.Base().ID)
			d.trees[n.Base().ID] = lookedTree{tree: rootTree("", "", "a/b/c/", "link -> /a/b", "up -> ../../a", "file", "loop -> loop")}
		}
	}
	if len(roots) == 0 {
		d.t.Skip("nothing can be a root")
	}
	s := &System{Root: rapid.SampledFrom(roots).Draw(d.t, "root")}
	s.Fstab = fstab.ParseFstab([]byte(d.fstab()))
	s.Crypttab = fstab.ParseCrypttab([]byte(d.crypttab()))
	return s
}

func (d *drawer) fstab() string {
	var b strings.Builder
	for range d.upTo(8, "lines") {
		spec := "UUID=" + rapid.SampledFrom(append(d.uuids, "gone")).Draw(d.t, "uuid")
		spec = rapid.SampledFrom([]string{spec, spec, spec, "/dev/mapper/one", "PARTUUID=p1.0", "/dev/sda1", "/a", "/link/c", "tmpfs", "/dev/g3/t", "/dev/md0"}).Draw(d.t, "spec")
		point := rapid.SampledFrom([]string{"/", "/a", "/a/b", "/link", "/up/b/c", "/file", "/loop/x", "/proc", "/none", "/link/c"}).Draw(d.t, "point")
		typ := rapid.SampledFrom([]string{"auto", "auto", "ext4", "btrfs", "tmpfs", "swap", "nfs"}).Draw(d.t, "fstype")
		opts := rapid.SampledFrom([]string{"defaults", "ro", "bind", "rbind,ro", "subvol=@", "subvolid=5", "noauto", "nofail", "x-systemd.makefs", "user,x-systemd.requires-mounts-for=/a"}).Draw(d.t, "options")
		fmt.Fprintln(&b, spec, point, typ, opts)
	}
	return b.String()
}

func (d *drawer) crypttab() string {
	var b strings.Builder
	for range d.upTo(3, "volumes") {
		name := rapid.SampledFrom([]string{"one", "two", "luks-1", "luks-2", `a\040b`}).Draw(d.t, "name")
		source := rapid.SampledFrom([]string{"UUID=c1", "UUID=c2", "UUID=c3", "UUID=c4", "PARTUUID=p2.1", "/dev/mapper/one", "/dev/g1/a"}).Draw(d.t, "source")
		fmt.Fprintln(&b, name, source, rapid.SampledFrom([]string{"none", "/dev/urandom swap", "/key luks,nofail", "none tmp=ext4"}).Draw(d.t, "key"))
	}
	return b.String()
}
