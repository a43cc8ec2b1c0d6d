package layout

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"salvor/internal/storage"
)

// drawGraph makes any graph at all: nodes of all kinds, on any other ones, with what makes
// them special. Much of it no machine would ever show, and none of it may be lost.
func drawGraph(t *rapid.T) *storage.Graph {
	d := &graphDrawer{t: t}
	for range rapid.IntRange(1, 14).Draw(t, "nodes") {
		d.draw()
	}
	g, err := storage.NewGraph(d.nodes, d.drawMounts(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

type graphDrawer struct {
	t     *rapid.T
	nodes []storage.Node
}

func (d *graphDrawer) pick(words ...string) string { return rapid.SampledFrom(words).Draw(d.t, "word") }
func (d *graphDrawer) coin() bool                  { return rapid.Bool().Draw(d.t, "coin") }

// text is what a label may be.
func (d *graphDrawer) text() string {
	return d.pick("", "a", "b", "caf\xe9", `a\x20b`, "日本", "x # y", "true", "two\nlines")
}

func (d *graphDrawer) draw() {
	n := d.node()
	c := n.Base()
	c.ID = storage.ID(fmt.Sprintf("%s:%d", n.Kind(), len(d.nodes)))
	c.Identity = c.ID
	if d.coin() {
		c.Identity = storage.ID(string(n.Kind()) + ":" + d.pick("one", "two"))
	}
	c.On = d.below(n)
	c.Size = rapid.SampledFrom([]uint64{0, 1, 512, 1 << 20, 12345678901}).Draw(d.t, "size")
	if d.coin() {
		c.AddName(d.pick("/dev/sda", "/dev/loop3", "/dev/zram0", "/dev/sr0", "/dev/nvme0n1p1"), storage.FromKernel)
	}
	if d.coin() {
		c.AddName(storage.DMPath(d.pick("x", "vg-lv", "cr home")), storage.FromDM)
	}
	if h := d.pick("", "", "", "missing", "degraded", "incomplete", "locked", "unreadable", "member-missing", "ambiguous"); h != "" {
		c.Mark(storage.Health(h))
	}
	if d.coin() {
		storage.SetOpening(n, &storage.Opening{Name: d.pick("", "cr home", "md127")})
	}
	d.fill(n, c.On)
	d.nodes = append(d.nodes, n)
}

func (d *graphDrawer) below(storage.Node) []storage.ID {
	if len(d.nodes) == 0 {
		return nil
	}
	lower := rapid.SliceOfNDistinct(rapid.IntRange(0, len(d.nodes)-1), 0, min(3, len(d.nodes)), rapid.ID[int]).Draw(d.t, "on")
	if len(lower) == 0 {
		return nil
	}
	var out []storage.ID
	for i, n := range d.nodes { // in one order, as a probe has it
		for _, j := range lower {
			if i == j {
				out = append(out, n.Base().ID)
			}
		}
	}
	return out
}

func (d *graphDrawer) node() storage.Node {
	kinds := []storage.Node{
		&storage.Disk{}, &storage.Disk{}, &storage.Table{}, &storage.Partition{}, &storage.Multipath{}, &storage.MD{}, &storage.PV{},
		&storage.VG{}, &storage.LV{}, &storage.Crypt{}, &storage.Bcache{}, &storage.BcacheSet{}, &storage.FileSystem{},
		&storage.FileSystem{}, &storage.Subvolume{}, &storage.Swap{}, &storage.Opaque{}, &storage.Image{},
	}
	return kinds[rapid.IntRange(0, len(kinds)-1).Draw(d.t, "kind")]
}

// fill gives a node what is its kind's own.
func (d *graphDrawer) fill(n storage.Node, on []storage.ID) {
	switch n := n.(type) {
	case *storage.Disk:
		n.Transport, n.Removable, n.Serial = d.pick("", "scsi", "usb", "dm", "zram", "loop"), d.coin(), d.text()
		n.AddName("/dev/disk/by-id/"+d.pick("a", "b"), storage.FromUdev)
	case *storage.Table:
		n.Format, n.Made = d.pick("gpt", "dos", "bsd"), &storage.TableMade{Entries: 128, Hybrid: d.coin()}
	case *storage.Partition:
		n.Number, n.Label, n.Attributes = len(d.nodes), d.text(), rapid.Uint64().Draw(d.t, "bits")
	case *storage.MD:
		n.Level, n.Metadata, n.Name = d.pick("raid1", "container"), d.pick("1.2", "imsm"), "host:"+d.pick("a", "b")
		for i, id := range on {
			n.Members = append(n.Members, storage.MDMember{ID: id, Role: d.pick(fmt.Sprint(i), "spare", "")})
		}
	case *storage.PV:
		n.VG = "vg"
	case *storage.VG:
		n.Name, n.ExtentSize = "vg", 4<<20
	case *storage.LV:
		d.fillVolume(n)
	case *storage.Crypt:
		n.Format, n.Label, n.Header = d.pick("luks2", "luks1", "plain", "bitlk", "tcrypt"), d.text(), &storage.LUKSHeader{Opal: d.pick("", "", "alone")}
	case *storage.FileSystem:
		n.Type, n.Label = d.pick("ext4", "xfs", "btrfs", "reiserfs", "squashfs", "zonefs"), d.text()
		n.XFS = &storage.XFS{LogExternal: d.coin(), RTBlocks: 1}
	case *storage.Subvolume:
		n.Path, n.ParentUUID, n.SubvolID = d.pick("", "@", "@/.snapshots/1/snapshot", "caf\xe9"), d.pick("", "p"), uint64(len(d.nodes))
	case *storage.Swap:
		n.Active = len(on) < 2 && d.coin() // no place in the layout for a swap area on two devices
	case *storage.Opaque:
		n.Format, n.Label = d.pick("zfs_member", "stratis", "isw_raid_member", "jbd", "luks-header", "odd"), d.text()
	case *storage.Image:
		n.Path, n.Within = "/srv/a.img", d.any()
	}
}

func (d *graphDrawer) fillVolume(n *storage.LV) {
	n.Name, n.Layout, n.Internal = fmt.Sprint("lv", len(d.nodes)), d.pick("linear", "thin", "snapshot", "vdo"), d.coin()
	for _, low := range d.nodes {
		if vg, ok := low.(*storage.VG); ok {
			n.Group, n.VG = vg.ID, vg.Name
		}
		if origin, ok := low.(*storage.LV); ok && n.Group != "" && d.coin() {
			n.Origin = origin.ID
		}
	}
}

func (d *graphDrawer) any() storage.ID {
	if len(d.nodes) == 0 || d.coin() {
		return ""
	}
	return rapid.SampledFrom(d.nodes).Draw(d.t, "any").Base().ID
}

func (d *graphDrawer) drawMounts() []storage.Mount {
	var out []storage.Mount
	for i := range rapid.IntRange(0, 6).Draw(d.t, "mounts") {
		m := storage.Mount{
			Point: d.pick("/", "/boot", "/srv", "/media/stick", "/run/x", "/var") + d.pick("", fmt.Sprint(i)),
			Type:  d.pick("proc", "tmpfs", "nfs4", "overlay", "zfs", "fuse.x", "fuse.sshfs", "ext4", "odd"),
		}
		if n := d.any(); n != "" {
			for _, node := range d.nodes {
				if k := node.Kind(); node.Base().ID == n && (k == storage.KindFileSystem || k == storage.KindSubvolume) {
					m.Source, m.Type = n, "ext4"
				}
			}
		}
		if !slices.ContainsFunc(out, func(o storage.Mount) bool { return o.Point == m.Point }) {
			out = append(out, m)
		}
	}
	return out
}

func drawExclusions(t *rapid.T, g *storage.Graph) []Exclusion {
	var out []Exclusion
	for n := range g.Nodes() {
		if rapid.IntRange(0, 9).Draw(t, "exclude") == 0 {
			out = append(out, Exclusion{ID: n.Base().ID, Why: "too large", From: "config.yaml:3"})
		}
	}
	if rapid.Bool().Draw(t, "mount") {
		out = append(out, Exclusion{Mount: rapid.SampledFrom([]string{"/srv", "/", "/media"}).Draw(t, "point")})
	}
	if rapid.Bool().Draw(t, "device") {
		out = append(out, Exclusion{Device: rapid.SampledFrom([]string{"/dev/sd*", "/dev/mapper/*", "["}).Draw(t, "pattern")})
	}
	return out
}
