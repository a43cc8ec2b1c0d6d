package layout

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/storage"
)

// bench builds small machines: nodes with short IDs on others.
type bench struct{ nodes []storage.Node }

func (b *bench) add(id storage.ID, n storage.Node, on ...storage.ID) {
	c := n.Base()
	c.ID, c.On = id, on
	if c.Identity == "" {
		c.Identity = id
	}
	b.nodes = append(b.nodes, n)
}

func (b *bench) graph(t *testing.T, mounts ...storage.Mount) *storage.Graph {
	t.Helper()
	g, err := storage.NewGraph(b.nodes, mounts, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func atPath(path string) storage.Common {
	return storage.Common{Names: []storage.Name{{Path: path, Origin: storage.FromKernel}}}
}

func ill(h storage.Health) storage.Common { return storage.Common{Health: []storage.Health{h}} }

func openLV(v storage.LV) *storage.LV {
	v.Open, v.Group, v.VG, v.Name = &storage.Opening{}, "vg", "vg", "lv"
	return &v
}

func openCrypt(c storage.Crypt) *storage.Crypt {
	c.Open = &storage.Opening{Name: "x"}
	return &c
}

// onDisk are nodes that lie on a disk, by the reason for which they are not covered; ""
// is for those that are.
var onDisk = []struct {
	reason string
	node   storage.Node
}{
	{"missing", &storage.PV{Common: ill(storage.Missing)}},
	{"unreadable", &storage.Partition{Common: ill(storage.Unreadable)}},
	{"opal", openCrypt(storage.Crypt{Format: "luks2", Header: &storage.LUKSHeader{Opal: "alone"}})},
	{"table format", &storage.Table{Format: "bsd"}},
	{"hybrid table", &storage.Table{Format: "gpt", Made: &storage.TableMade{Hybrid: true}}},
	{"firmware raid", &storage.Opaque{Format: "isw_raid_member"}},
	{"firmware raid", &storage.MD{Metadata: "imsm", Level: "raid1"}},
	{"firmware raid", &storage.MD{Metadata: "1.2", Level: "raid1", Made: &storage.MDMade{Container: "ddf"}}},
	{"incomplete", &storage.MD{Common: ill(storage.Incomplete), Level: "raid5"}},
	{"member missing", &storage.FileSystem{Common: ill(storage.MemberMissing), Type: "btrfs"}},
	{"no maker", openCrypt(storage.Crypt{Format: "bitlk"})},
	{"no maker", openCrypt(storage.Crypt{Format: "tcrypt"})},
	{"detached header", openCrypt(storage.Crypt{Format: "luks2", Terms: &storage.Terms{HeaderFile: "/boot/h"}})},
	{"detached header", &storage.Opaque{Format: "luks-header"}},
	{"reencryption", openCrypt(storage.Crypt{Format: "luks2", Header: &storage.LUKSHeader{Requirements: []string{"online-reencrypt-v2"}}})},
	{"reencryption", openCrypt(storage.Crypt{Format: "luks2", Header: &storage.LUKSHeader{Slots: []storage.LUKSSlot{{Reencrypt: true}}}})},
	{"locked", &storage.Crypt{Format: "luks2"}},
	{"volume type", openLV(storage.LV{Layout: "vdo"})},
	{"volume type", openLV(storage.LV{Layout: "linear", Made: &storage.LVMade{Segments: []storage.LVSegment{{Type: "linear"}, {Type: "integrity"}}}})},
	{"closed", &storage.MD{Metadata: "1.2", Level: "raid1"}},
	{"external journal", &storage.FileSystem{Type: "ext4", Ext: &storage.Ext{JournalUUID: "u"}}},
	{"external journal", &storage.FileSystem{Type: "xfs", XFS: &storage.XFS{LogExternal: true}}},
	{"external journal", &storage.Opaque{Format: "jbd"}},
	{"real-time device", &storage.FileSystem{Type: "xfs", XFS: &storage.XFS{RTBlocks: 1}}},
	{"zoned", &storage.FileSystem{Type: "zonefs"}},
	{"zoned", &storage.FileSystem{Type: "btrfs", Btrfs: &storage.Btrfs{Features: []string{"zoned"}}}},
	{"file system type", &storage.FileSystem{Type: "bcachefs"}},
	{"file system type", &storage.FileSystem{Type: "reiserfs"}},
	{"zfs", &storage.Opaque{Format: "zfs_member"}},
	{"stratis", &storage.Opaque{Format: "stratis"}},
	{"vdo", &storage.Opaque{Format: "vdo"}},
	{"drbd", &storage.Opaque{Format: "drbd"}},
	{"ceph", &storage.Opaque{Format: "ceph_bluestore"}},
	{"unknown content", &storage.Opaque{Format: "LVM1_member"}},
	{"unknown map", &storage.Disk{Transport: "dm"}},
	{"ambiguous", &storage.FileSystem{Type: "ext4", Common: ill(storage.Ambiguous)}},
	{"odd", &storage.Subvolume{}},
	{"", &storage.Table{Format: "dos"}},
	{"", openCrypt(storage.Crypt{Format: "luks1"})},
	{"", openCrypt(storage.Crypt{Format: "plain"})},
	{"", openLV(storage.LV{Layout: "raid1", Made: &storage.LVMade{Segments: []storage.LVSegment{{Type: "raid1"}}}})},
	{"", &storage.LV{Layout: "thin-pool", Group: "vg"}},
	{"", &storage.FileSystem{Type: "vfat"}},
	{"", &storage.FileSystem{Type: "xfs", XFS: &storage.XFS{}}},
	{"", &storage.Swap{}},
	{"", &storage.PV{}},
}

func TestReasons(t *testing.T) {
	reached := map[string]bool{"snapshot": true, "twin": true} // they have tests of their own
	for _, c := range onDisk {
		b := &bench{}
		b.add("disk", &storage.Disk{})
		b.add("vg", &storage.VG{})
		n := c.node
		b.add("n", n, "disk")
		b.add("above", &storage.FileSystem{Type: "ext4"}, "n")
		if slices.Contains([]string{"locked", "closed"}, c.reason) {
			b.nodes = b.nodes[:3]
		}
		l, _ := FromGraph(b.graph(t), Facts{})
		got := reasons(l)
		want := map[storage.ID]string{}
		if c.reason != "" {
			i := slices.IndexFunc(coverRows, func(r coverRow) bool { return r.reason == c.reason })
			want["n"] = c.reason
			if coverRows[i].takes && len(b.nodes) == 4 {
				want["above"] = "below"
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, %+v (-want +got):\n%s", c.reason, n, diff)
		}
		if len(l.Gaps()) != len(want) {
			t.Errorf("%s: the gaps are %+v", c.reason, l.Gaps())
		}
		reached[c.reason] = true
	}
	for _, r := range coverRows {
		if !reached[r.reason] {
			t.Errorf("no case of this test is for %q", r.reason)
		}
	}
}

func reasons(l *Layout) map[storage.ID]string {
	out := map[storage.ID]string{}
	for _, u := range l.Uncovered {
		if u.ID != "" {
			out[u.ID] = u.Reason
		}
	}
	return out
}

// TestTwins: copies are not made, but wires of a multipath map are no copies, and what a
// snapshot shows is no second one.
func TestTwins(t *testing.T) {
	b := &bench{}
	wire := func() *storage.Disk { return &storage.Disk{Common: storage.Common{Identity: "disk:wwn-1"}} }
	b.add("wire1", wire())
	b.add("wire2", wire())
	b.add("map", &storage.Multipath{Openable: storage.Openable{Open: &storage.Opening{}}}, "wire1", "wire2")
	ext4 := func(identity storage.ID) *storage.FileSystem {
		return &storage.FileSystem{Type: "ext4", Common: storage.Common{Identity: identity}}
	}
	b.add("copy1", ext4("fs:1"), "map")
	b.add("disk", &storage.Disk{})
	b.add("copy2", ext4("fs:1"), "disk")
	b.add("vg", &storage.VG{})
	origin := openLV(storage.LV{Layout: "linear"})
	b.add("origin", origin)
	thick := openLV(storage.LV{Layout: "snapshot", Origin: "origin"})
	b.add("thick", thick, "origin")
	thin := openLV(storage.LV{Layout: "thin", Origin: "origin"})
	b.add("thin", thin)
	b.add("fs", ext4("fs:2"), "origin")
	b.add("old", ext4("fs:2"), "thick")
	b.add("clone", ext4("fs:2"), "thin")
	l, _ := FromGraph(b.graph(t), Facts{})
	want := map[storage.ID]string{"copy1": "twin", "copy2": "twin", "old": "snapshot", "clone": "snapshot"}
	if diff := cmp.Diff(want, reasons(l)); diff != "" {
		t.Error(diff)
	}
	l, _ = FromGraph(b.graph(t, storage.Mount{Point: "/", Source: "clone", Type: "ext4"}), Facts{})
	want["clone"], want["fs"] = "twin", "twin"
	if diff := cmp.Diff(want, reasons(l)); diff != "" {
		t.Error(diff)
	}
}

// TestMountRows: each row of the table of mounts is reached.
func TestMountRows(t *testing.T) {
	b := &bench{}
	b.add("disk", &storage.Disk{})
	b.add("fs", &storage.FileSystem{Type: "ext4"}, "disk")
	b.add("image:here", &storage.Image{Path: "/srv/a.img", Within: "fs"})
	b.add("loop0", &storage.Disk{Common: atPath("/dev/loop0"), BackingFile: "/srv/a.img"}, "image:here")
	b.add("in it", &storage.FileSystem{Type: "squashfs"}, "loop0")
	b.add("stick", &storage.Disk{Transport: "usb"})
	b.add("on it", &storage.FileSystem{Type: "vfat"}, "stick")
	mounts := []storage.Mount{
		{Point: "/proc", Type: "proc"}, {Point: "/run/user/1/doc", Type: "fuse.portal"}, {Point: "/srv", Type: "ext4", Source: "fs"},
		{Point: "/snap/a", Type: "squashfs", Source: "in it"}, {Point: "/media/a", Type: "vfat", Source: "on it"},
		{Point: "/net", Type: "nfs4"}, {Point: "/over", Type: "overlay"}, {Point: "/", Type: "overlay"}, {Point: "/tank", Type: "zfs"},
		{Point: "/odd", Type: "fuse.odd"}, {Point: "/what", Type: "ext4"},
	}
	g := b.graph(t, mounts...)
	c := newCapture(g, Facts{})
	for i, m := range mounts {
		if at := slices.IndexFunc(mountRows, func(r mountRow) bool { return r.fits(c, m) }); at != i {
			t.Errorf("%s is decided by row %d, %q; want %q", m.Point, at, mountRows[at].when, mountRows[i].when)
		}
	}
	l, _ := FromGraph(g, Facts{Files: []File{{"/etc/fstab", "server:/x /net nfs4 _netdev 0 0\n"}}})
	var got []string
	for _, m := range l.Mounts {
		got = append(got, strings.TrimSpace(fmt.Sprint(m.Point, " ", m.Source, m.What)))
	}
	for _, u := range l.Uncovered {
		got = append(got, u.What+": "+u.State+", "+u.Reason)
	}
	want := []string{
		"/", "/net server:/x", "/odd", "/over", "/snap/a /srv/a.img", "/srv fs", "/tank", "/what",
		"ext4 mounted at /what: uncovered, unknown mount", "fuse.odd mounted at /odd: uncovered, fuse",
		"overlay mounted at /: uncovered, overlay", "zfs mounted at /tank: uncovered, zfs", "vfat mounted at /media/a: excluded, outside",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestWhatIsNotOfTheMachine: each row of its table, and what makes such a thing a part.
func TestWhatIsNotOfTheMachine(t *testing.T) {
	fs := func() storage.Node { return &storage.FileSystem{Type: "ext4", UUID: "u-1"} }
	for _, c := range []struct {
		disk   storage.Disk
		on     storage.Node
		mount  string
		fstab  string
		reason string
	}{
		{storage.Disk{Common: atPath("/dev/loop7")}, fs(), "/srv", "", leftImage},
		{storage.Disk{Common: atPath("/dev/nbd0"), BackingFile: "/a"}, fs(), "", "", leftImage},
		{storage.Disk{Transport: "zram"}, &storage.Swap{Active: true}, "", "", leftMemory},
		{storage.Disk{Common: atPath("/dev/ram0")}, fs(), "", "", leftMemory},
		{storage.Disk{Common: atPath("/dev/sr0")}, &storage.FileSystem{Type: "iso9660"}, "", "", leftOptical},
		{storage.Disk{Transport: "usb"}, fs(), "", "", leftRemovable},
		{storage.Disk{Removable: true}, fs(), "/run/media/anna/STICK", "", leftRemovable},
		{storage.Disk{Removable: true}, fs(), "/boot", "", ""},
		{storage.Disk{Transport: "usb"}, fs(), "", "UUID=U-1 /backup ext4\n", ""},
		{storage.Disk{Transport: "usb"}, &storage.Swap{Active: true}, "", "", ""},
		{storage.Disk{Transport: "virtio"}, &storage.FileSystem{Type: "iso9660"}, "", "", leftMedium},
		{storage.Disk{Transport: "virtio"}, &storage.FileSystem{Type: "squashfs"}, "/", "", ""},
		{storage.Disk{Transport: "virtio"}, fs(), "", "", ""},
		{storage.Disk{}, nil, "", "", ""},
	} {
		b := &bench{}
		disk := c.disk
		b.add("disk", &disk)
		var mounts []storage.Mount
		if c.on != nil {
			b.add("on", c.on, "disk")
			if c.mount != "" {
				mounts = append(mounts, storage.Mount{Point: c.mount, Source: "on", Type: "ext4"})
			}
		}
		l, notes := FromGraph(b.graph(t, mounts...), Facts{Files: []File{{"/etc/fstab", c.fstab}}})
		left := len(l.Storage.Disks) == 0
		if got := newCapture(b.graph(t, mounts...), Facts{Files: []File{{"/etc/fstab", c.fstab}}}).left["disk"]; got != c.reason || left != (c.reason != "") || left != (len(notes) > 0) {
			t.Errorf("%+v: left out as %q, want %q; notes %q", c, got, c.reason, notes)
		}
	}
}

// TestSpanning: a group that lies on a stick and on a disk makes the stick a part of the
// machine, with all that is on it.
func TestSpanning(t *testing.T) {
	b := &bench{}
	b.add("disk", &storage.Disk{})
	b.add("stick", &storage.Disk{Transport: "usb"})
	b.add("table", &storage.Table{Format: "gpt"}, "stick")
	b.add("part1", &storage.Partition{Number: 1}, "table")
	b.add("part2", &storage.Partition{Number: 2}, "table")
	b.add("pv1", &storage.PV{}, "disk")
	b.add("pv2", &storage.PV{}, "part1")
	b.add("vg", &storage.VG{}, "pv1", "pv2")
	l, notes := FromGraph(b.graph(t), Facts{Usage: []Usage{{ID: "vg"}, {ID: "gone"}}, Headers: []Header{{ID: "gone"}}})
	if len(l.Usage) != 1 || len(l.Headers) != 0 {
		t.Errorf("usage %+v and headers %+v of what is not there", l.Usage, l.Headers)
	}
	if len(l.Storage.Disks) != 2 || len(l.Storage.Disks[1].Table.Partitions) != 2 || len(notes) != 0 {
		t.Errorf("the layout has %+v, notes %q", l.Storage, notes)
	}
}

// TestSnapshotsOfBtrfs: what snapper keeps is left out, but not what is mounted or the
// default, nor a snapshot that such a one lies in.
func TestSnapshotsOfBtrfs(t *testing.T) {
	b := &bench{}
	b.add("disk", &storage.Disk{})
	b.add("fs", &storage.FileSystem{Type: "btrfs", Default: 7}, "disk")
	for number, path := range map[uint64]string{5: "", 6: "@", 7: "@/.snapshots/1/snapshot", 8: "@/.snapshots/2/snapshot", 9: "@/.snapshots/3/snapshot", 10: "old", 11: "old/new"} {
		s := &storage.Subvolume{SubvolID: number, Path: path}
		if number > 6 && number < 11 {
			s.ParentUUID = "p"
		}
		b.add(storage.ID(fmt.Sprint("s", number)), s, "fs")
	}
	g := b.graph(t, storage.Mount{Point: "/", Source: "s8", Type: "btrfs", Root: "/@/.snapshots/2/snapshot"})
	l, notes := FromGraph(g, Facts{})
	var got []uint64
	for _, s := range l.Storage.FileSystems[0].Subvolumes {
		got = append(got, s.Number)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]uint64{5, 6, 7, 8, 10, 11}, got); diff != "" || len(notes) != 1 {
		t.Errorf("%s notes %q", diff, notes)
	}
	if l.Mounts[0].Root != "" {
		t.Errorf("the subvolume is mounted as a whole, and its mount has the root %q", l.Mounts[0].Root)
	}
}

func TestExclusions(t *testing.T) {
	b := &bench{}
	b.add("sda", &storage.Disk{Common: atPath("/dev/sda")})
	b.add("root", &storage.FileSystem{Type: "ext4"}, "sda")
	b.add("sdb", &storage.Disk{Common: atPath("/dev/sdb")})
	b.add("table", &storage.Table{Format: "gpt"}, "sdb")
	b.add("part", &storage.Partition{}, "table")
	b.add("zfs", &storage.Opaque{Format: "zfs_member"}, "part")
	b.add("zram", &storage.Disk{Transport: "zram"})
	g := b.graph(t, storage.Mount{Point: "/", Source: "root", Type: "ext4"}, storage.Mount{Point: "/srv/bound", Source: "root", Root: "/x", Type: "ext4"},
		storage.Mount{Point: "/net", Type: "nfs"})
	for _, c := range []struct {
		what     Exclusion
		excluded []string
		gaps     int
		note     string
	}{
		{Exclusion{Device: "/dev/sd[b-z]", Why: "a test", From: "config.yaml:7"}, []string{"disk sdb", "opaque", "partition", "partition table"}, 0, ""},
		{Exclusion{ID: "zfs"}, []string{"zfs"}, 0, ""},
		{Exclusion{Mount: "/srv"}, nil, 1, "the exclusion of mounts at /srv leaves nothing out"},
		{Exclusion{Mount: "/net"}, []string{"nfs mounted at /net"}, 1, ""},
		{Exclusion{ID: "zram", From: "config.yaml:8"}, nil, 1, ""},
		{Exclusion{Mount: "/", Why: "mad"}, []string{"ext4", "nfs"}, 1, "the system needs what is mounted at /, and it is left out: it is excluded: mad"},
		{Exclusion{ID: "disk:gone", From: "config.yaml:9"}, nil, 1, "the exclusion of disk:gone by config.yaml:9 leaves nothing out"},
	} {
		l, notes := FromGraph(g, Facts{Exclude: []Exclusion{c.what}})
		excluded := 0
		for _, u := range l.Uncovered {
			if u.State == Excluded {
				excluded++
			}
		}
		if excluded != len(c.excluded) || len(l.Gaps()) != c.gaps {
			t.Errorf("%v: %d excluded, want %q; %d gaps, want %d: %+v", c.what, excluded, c.excluded, len(l.Gaps()), c.gaps, l.Uncovered)
		}
		notes = slices.DeleteFunc(notes, func(n string) bool { return n == "1 left out: devices in memory" })
		if c.note != "" && !slices.Contains(notes, c.note) || c.note == "" && len(notes) > 0 {
			t.Errorf("%v: notes %q, want %q", c.what, notes, c.note)
		}
	}
}

// TestTarget: of a system that is mounted elsewhere, what is mounted there counts.
func TestTarget(t *testing.T) {
	b := &bench{}
	b.add("sda", &storage.Disk{})
	b.add("root", &storage.FileSystem{Type: "ext4"}, "sda")
	g := b.graph(t, storage.Mount{Point: "/", Type: "overlay"}, storage.Mount{Point: "/mnt/local", Source: "root", Type: "ext4"},
		storage.Mount{Point: "/mnt/local/srv", Source: "root", Root: "/x", Type: "ext4"})
	l, _ := FromGraph(g, Facts{Target: "/mnt/local"})
	want := []Mount{{Point: "/", Source: "root", Type: "ext4"}, {Point: "/srv", Source: "root", Root: "/x", Type: "ext4"}}
	if diff := cmp.Diff(want, l.Mounts); diff != "" || len(l.Uncovered) > 0 {
		t.Error(diff, l.Uncovered)
	}
}
