package storage

import (
	"fmt"
	"strings"
	"testing"
)

const (
	mib = 1 << 20
	gib = 1 << 30
)

// lab builds graphs for tests in few words.
type lab struct {
	Builder
	t testing.TB
}

func (l *lab) common(id ID, name string, size uint64) Common {
	c := Common{Identity: id, Size: size}
	if name != "" {
		c.AddName(name, FromKernel)
	}
	return c
}

func (l *lab) disk(name string, size uint64) *Disk {
	d := &Disk{Common: l.common(ID("disk:"+name), "/dev/"+name, size), Transport: "virtio", Serial: "S-" + name}
	l.Add(d)
	return d
}

func (l *lab) gpt(d Node) *Table {
	t := &Table{Common: l.common(ID("table:"+d.Base().Identity), "", 0), Format: "gpt"}
	l.Add(t, d)
	return t
}

func (l *lab) part(table Node, number int, size uint64, typ string) *Partition {
	disk := l.Lower(table)[0]
	p := &Partition{Common: l.common(ID(fmt.Sprintf("part:%s-%d", disk.Base().Identity, number)), fmt.Sprintf("%s%d", disk.Base().Path(), number), size), Number: number, Type: typ}
	l.Add(p, table)
	return p
}

func (l *lab) fs(typ, uuid, label string, on ...Node) *FileSystem {
	fs := &FileSystem{Common: l.common(ID("fs:"+uuid), "", on[0].Base().Size), Type: typ, UUID: uuid, Label: label}
	l.Add(fs, on...)
	return fs
}

func (l *lab) luks(uuid, open string, on Node) *Crypt {
	c := &Crypt{Common: l.common(ID("luks:"+uuid), "", on.Base().Size-16*mib), Format: "luks2", UUID: uuid}
	if open == "" {
		c.Mark(Locked)
	} else {
		c.Open = &Opening{Name: open}
		c.AddName(DMPath(open), FromDM)
	}
	l.Add(c, on)
	return c
}

func (l *lab) md(uuid, name string, disks int, on ...Node) *MD {
	m := &MD{Common: l.common(ID("md:"+uuid), "/dev/"+name, on[0].Base().Size), UUID: uuid, Name: "host:" + name, Level: "raid1", Metadata: "1.2", RaidDisks: disks}
	m.Open = &Opening{}
	l.Add(m, on...)
	return m
}

func (l *lab) vg(name string, on ...Node) *VG {
	v := &VG{Common: l.common(ID("vg:"+name), "", 0), UUID: name + "-uuid", Name: name, ExtentSize: 4 * mib}
	var pvs []Node
	for i, low := range on {
		pv := &PV{Common: l.common(ID(fmt.Sprintf("pv:%s-%d", name, i)), "", low.Base().Size), UUID: fmt.Sprint(name, i), VG: name}
		v.Size += low.Base().Size
		pvs = append(pvs, l.Add(pv, low))
	}
	l.Add(v, pvs...)
	return v
}

func (l *lab) lv(vg *VG, name, layout string, size uint64, isOpen bool) *LV {
	v := &LV{Common: l.common(ID("lv:"+vg.Name+"-"+name), "", size), UUID: name, VG: vg.Name, Name: name, Layout: layout, Group: vg.Identity}
	if isOpen {
		v.Open = &Opening{}
		v.AddName(LVPath(vg.Name, name), FromDM)
	}
	l.Add(v, l.Lower(vg)...)
	return v
}

func (l *lab) subvol(fs *FileSystem, id uint64, path string) *Subvolume {
	s := &Subvolume{Common: l.common(ID("subvol:"+fs.UUID+"/"+path), "", 0), SubvolID: id, Path: path}
	l.Add(s, fs)
	return s
}

func (l *lab) graph(notes []string, mounts ...Mount) *Graph {
	l.t.Helper()
	g, err := l.Build(mounts, notes, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	return g
}

const (
	typeESP  = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
	typeRAID = "a19d880f-05fc-4d3b-a006-743f0f84911e"
	typeLVM  = "e6d6d379-f507-44c2-a23c-238f2a3df928"
	typeRoot = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
	typeSwap = "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"
)

// machines are the graphs of the golden files.
var machines = map[string]func(*lab) *Graph{
	"simple":      simpleMachine,
	"luks-lvm-md": stackedMachine,
	"btrfs":       btrfsMachine,
	"degraded":    degradedMachine,
	"twins":       twinsMachine,
	"missing-pv":  missingPVMachine,
	"locked":      lockedMachine,
	"thin":        thinMachine,
	"multipath":   multipathMachine,
	"hostile":     hostileMachine,
	"cached":      cachedMachine,
	"images":      imagesMachine,
	"empty":       func(l *lab) *Graph { return l.graph(nil) },
}

func simpleMachine(l *lab) *Graph {
	disk := l.disk("vda", 20*gib)
	table := l.gpt(disk)
	esp := l.fs("vfat", "1A2B-3C4D", "EFI", l.part(table, 1, 512*mib, typeESP))
	root := l.fs("ext4", "3f1c2a9e-0000-4000-8000-000000000001", "root", l.part(table, 2, 18*gib, typeRoot))
	swap := &Swap{Common: Common{Identity: "swap:1", Size: gib}, UUID: "aaaa5555-0000-4000-8000-000000000001"}
	l.Add(swap, l.part(table, 10, gib, typeSwap))
	swap.Mark(Hibernated)
	root.Mark(Dirty)
	l.part(table, 11, 100*mib, "0fc63daf-8483-4772-8e79-3d69d8477de4").Label = "spare room"
	return l.graph(nil,
		Mount{Point: "/mnt/local", Source: root.Identity, Type: "ext4", Root: "/"},
		Mount{Point: "/mnt/local/srv", Source: root.Identity, Type: "ext4", Root: "/data/srv", ReadOnly: true},
		Mount{Point: "/mnt/local/boot/efi", Source: esp.Identity, Type: "vfat", ReadOnly: true},
		Mount{Point: "/mnt/local/proc", Type: "proc"})
}

func stackedMachine(l *lab) *Graph {
	a, b := l.disk("sda", 100*gib), l.disk("sdb", 100*gib)
	ta, tb := l.gpt(a), l.gpt(b)
	md := l.md("11111111-2222", "md127", 2, l.part(ta, 1, 90*gib, typeRAID), l.part(tb, 1, 90*gib, typeRAID))
	crypt := l.luks("deadbeef-0000-4000-8000-000000000002", "cr_system", md)
	vg := l.vg("system", crypt)
	root := l.fs("xfs", "0a0a0a0a-0000-4000-8000-000000000003", "", l.lv(vg, "root", "linear", 30*gib, true))
	home := l.fs("ext4", "0b0b0b0b-0000-4000-8000-000000000004", "home", l.lv(vg, "home", "striped", 40*gib, true))
	l.lv(vg, "old-root", "linear", 10*gib, false)
	hidden := l.lv(vg, "root_rmeta_0", "linear", 4*mib, true)
	hidden.Internal = true
	return l.graph(nil,
		Mount{Point: "/mnt/local", Source: root.Identity, Type: "xfs"},
		Mount{Point: "/mnt/local/home", Source: home.Identity, Type: "ext4"})
}

func btrfsMachine(l *lab) *Graph {
	a, b := l.disk("nvme0n1", 500*gib), l.disk("nvme10n1", 500*gib)
	fs := l.fs("btrfs", "bbbb0000-0000-4000-8000-000000000005", "pool", a, b)
	fs.Devices, fs.Default = 2, 257
	l.subvol(fs, 5, "")
	root, home := l.subvol(fs, 257, "@"), l.subvol(fs, 258, "@home")
	for i := range 12 {
		s := l.subvol(fs, uint64(300+i), fmt.Sprintf("@/.snapshots/%d/snapshot", i+1))
		s.ParentUUID, s.Frozen = "parent", true
	}
	rollback := l.subvol(fs, 400, "@/.snapshots/9/rollback")
	rollback.ParentUUID = "parent"
	return l.graph(nil,
		Mount{Point: "/mnt/local", Source: root.Identity, Type: "btrfs", Root: "/@"},
		Mount{Point: "/mnt/local/home", Source: home.Identity, Type: "btrfs", Root: "/@home"},
		Mount{Point: "/mnt/local/home/anna", Source: home.Identity, Type: "btrfs", Root: "/@home/anna", ReadOnly: true})
}

func degradedMachine(l *lab) *Graph {
	table := l.gpt(l.disk("sda", 2*1024*gib))
	table.Backup = true
	table.Notes = []string{"the primary GPT header has a wrong checksum"}
	md := l.md("33333333-4444", "md0", 2, l.part(table, 1, 1900*gib, typeRAID))
	md.Mark(Degraded)
	md.Mark(MemberMissing)
	md.Open = &Opening{ReadOnly: true}
	md.ReadOnly = true
	md.Notes = []string{"slot 1 was last seen on 2026-03-01; its device is not there. The array runs on slot 0 alone, and whatever is written now has no second copy until a device is added to it."}
	two := l.md("33333333-5555", "md1", 3, l.part(table, 2, gib, typeRAID))
	two.Open, two.Names = nil, nil
	two.Level = "raid5"
	two.Mark(Incomplete)
	l.fs("ext4", "cccc0000-0000-4000-8000-000000000006", "data", md)
	sdb := l.disk("sdb", 2*1024*gib)
	sdb.Mark(Unreadable)
	sdb.Notes = []string{"reading /dev/sdb gave no answer for 10 s"}
	return l.graph([]string{"The device /dev/sdb could not be looked at: it did not answer.", "multipath is not installed, so maps of several wires were not looked for."})
}

func twinsMachine(l *lab) *Graph {
	for _, name := range []string{"sda", "sdb", "sdaa"} {
		d := l.disk(name, 10*gib)
		table := &Table{Common: Common{Identity: "table:same"}, Format: "dos"}
		l.Add(table, d)
		p := l.part(table, 1, 9*gib, "0x83")
		p.Identity = "part:same-01"
		l.fs("ext4", "dddd0000-0000-4000-8000-000000000007", "clone", p)
	}
	return l.graph(nil)
}

func missingPVMachine(l *lab) *Graph {
	vg := l.vg("data", l.disk("sda", 50*gib))
	gone := &PV{Common: l.common("pv:gone", "", 50*gib), UUID: "gone", VG: "data"}
	gone.Mark(Missing)
	gone.Notes = []string{"last seen as /dev/sdb"}
	l.Lay(vg, l.Add(gone))
	vg.Mark(MemberMissing)
	l.fs("ext4", "eeee0000-0000-4000-8000-000000000008", "", l.lv(vg, "whole", "linear", 10*gib, true))
	half := l.lv(vg, "half", "linear", 60*gib, false)
	half.Mark(Incomplete)
	lost := &PV{Common: l.common("pv:lost", "", 0), UUID: "lost", VG: "lost"}
	lost.Mark(Missing)
	lostVG := &VG{Common: l.common("vg:lost", "", 0), Name: "lost"}
	lostVG.Mark(Incomplete)
	l.Add(lostVG, l.Add(lost))
	return l.graph(nil)
}

func lockedMachine(l *lab) *Graph {
	table := l.gpt(l.disk("vda", 40*gib))
	c := l.luks("ffff0000-0000-4000-8000-000000000009", "", l.part(table, 1, 30*gib, typeRoot))
	c.Tokens = []string{"1:systemd-tpm2", "0:systemd-tpm2", "2:clevis"}
	known := l.luks("ffff0000-0000-4000-8000-00000000000a", "", l.part(table, 2, 8*gib, typeRoot))
	known.AddName("/dev/mapper/cr_home", FromCrypttab)
	known.Label = "home of all"
	windows := &Crypt{Common: l.common("bitlk:1", "", 1*gib), Format: "bitlk"}
	windows.Mark(Locked)
	l.Add(windows, l.part(table, 3, gib, "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"))
	return l.graph(nil)
}

func thinMachine(l *lab) *Graph {
	vg := l.vg("vg0", l.disk("vda", 100*gib))
	pool := l.lv(vg, "pool", "thin-pool", 80*gib, true)
	thin := l.lv(vg, "web", "thin", 200*gib, true)
	thin.Pool = pool.Identity
	l.Lay(thin, pool)
	l.fs("ext4", "abab0000-0000-4000-8000-00000000000b", "web", thin)
	root := l.lv(vg, "root", "linear", 10*gib, true)
	root.Overlay = &Opening{Name: "salvor-cow-root"}
	l.fs("xfs", "abab0000-0000-4000-8000-00000000000c", "root", root)
	snap := l.lv(vg, "before-upgrade", "snapshot", 10*gib, false)
	snap.Origin = root.Identity
	l.Lay(snap, root)
	l.fs("xfs", "abab0000-0000-4000-8000-00000000000c", "root", snap)
	return l.graph(nil, Mount{Point: "/mnt/look", Source: "fs:abab0000-0000-4000-8000-00000000000b", Type: "ext4", Overlay: true, ReadOnly: true})
}

func multipathMachine(l *lab) *Graph {
	a, b := l.disk("sda", gib), l.disk("sdb", gib)
	a.Identity, b.Identity = "disk:wwn-3600", "disk:wwn-3600"
	m := &Multipath{Common: l.common("mpath:3600", "", gib), WWID: "3600"}
	m.AddName("/dev/mapper/mpatha", FromDM)
	m.Open = &Opening{}
	l.Add(m, a, b)
	table := l.gpt(m)
	p := &Partition{Common: l.common("part:mp1", "/dev/mapper/mpatha1", gib), Number: 1, Type: typeRoot}
	l.Add(p, table)
	l.fs("xfs", "9999", "", p)
	return l.graph(nil)
}

func hostileMachine(l *lab) *Graph {
	d := l.disk("vda", 10*gib)
	d.Model, d.Serial = "EVIL\x1b[31m \"disk\"", `\N\G"];x->y`
	fs := l.fs("ext4", "8888", "\u202eevil\n\x00\xff\\\"日本語", d)
	s := l.subvol(fs, 260, "a\nb\"c\\")
	return l.graph([]string{"line one\nline \x1b[2J two"}, Mount{Point: "/mnt/\x07", Source: s.Identity, Type: "btrfs", Root: `/a"\`})
}

func cachedMachine(l *lab) *Graph {
	set := &BcacheSet{Common: l.common("bcacheset:1", "", gib), UUID: "12345678-0000-4000-8000-00000000000d"}
	l.Add(set, l.disk("nvme0n1", gib))
	slow := l.disk("sda", 100*gib)
	slow.ReadOnly = true
	bc := &Bcache{Common: l.common("bcache:1", "/dev/bcache0", 100*gib), UUID: "87654321-0000-4000-8000-00000000000e", State: "dirty"}
	bc.Open = &Opening{}
	bc.Mark(Dirty)
	l.Add(bc, slow, set)
	l.fs("ext4", "7777", "", bc)
	zfs := &Opaque{Common: l.common("opaque:1", "", gib), Format: "zfs_member", Label: "tank"}
	l.Add(zfs, l.disk("sdc", gib))
	image := l.disk("loop0", gib)
	image.BackingFile = "/var/lib/images/old machine.img"
	return l.graph(nil)
}

// imagesMachine has an image that is attached, a part of one, somebody's loop device
// and an image that is only known.
func imagesMachine(l *lab) *Graph {
	image := func(path, format string, offset uint64, open *Opening) *Image {
		i := &Image{Common: Common{Identity: ImageIdentity(path, offset), Size: gib}, Path: path, Format: format, Offset: offset}
		i.Open = open
		l.Add(i)
		return i
	}
	attached := func(i *Image) *Disk {
		d := l.disk(i.Open.Name, gib)
		d.BackingFile, d.Serial, d.Transport = i.Path, "", strings.TrimRight(i.Open.Name, "0123456789")
		d.ReadOnly = i.Open.ReadOnly
		l.Lay(d, i)
		return d
	}
	image("/srv/old server.qcow2", ImageQcow2, 0, nil)
	vm := attached(image("/srv/vm.qcow2", ImageQcow2, 0, &Opening{Name: "nbd0", ReadOnly: true}))
	table := l.gpt(vm)
	root := &Partition{Common: Common{Identity: "part:vm-1", Size: gib}, Number: 1, Type: typeRoot}
	l.Add(root, table)
	l.fs("ext4", "abcd0000-0000-4000-8000-00000000000f", "root", root)
	l.fs("squashfs", "", "", attached(image("/run/live/live.squashfs", ImageRaw, 0, &Opening{Name: "loop0", ReadOnly: true})))
	l.fs("ext4", "abcd0000-0000-4000-8000-000000000010", "", attached(image("/srv/disk.img", ImageRaw, 1<<20, &Opening{Name: "loop64"})))
	return l.graph(nil, Mount{Point: "/", Source: "fs:", Type: "squashfs", ReadOnly: true})
}
