package system

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// specsLab has something for every form of spec.
func specsLab(t testing.TB) (*lab, *System) {
	l := newLab(t)
	sda, sdb, nvme := l.disk("sda"), l.disk("sdb"), l.disk("nvme0n1")
	sda.AddName("/dev/disk/by-path/pci-0000:00:1f.2-ata-1", storage.FromUdev)
	sda.AddName(`/dev/disk/by-id/usb-A\x20B`, storage.FromUdev)
	sda.WWN, nvme.WWN, nvme.Transport = "naa.5000c500a1b2c3d4", "eui.0025385b21404321", "nvme"
	ta, tb, tn := l.table("gpt", sda), l.table("dos", sdb), l.table("gpt", nvme)

	root := l.part(ta, 1)
	root.UUID, root.Label = "0FC63DAF-0000-4000-8000-000000000001", "root disk"
	l.fs("ext4", "f1000000-0000-4000-8000-000000000001", root).Label = "a root"
	mbr := l.part(tb, 6)
	mbr.UUID = "d0000d02-06"
	l.fs("xfs", "f2", mbr)
	l.fs("vfat", "A000-0001", l.part(ta, 2))
	l.fs("ext3", "only3", l.part(ta, 3))
	l.fs("ext4", "twofour", l.part(ta, 4))
	l.fs("ext4", "twofour-b", l.part(tb, 4))
	l.fs("f2fs", "onnvme", l.part(tn, 1))
	l.swap("sw1", l.part(ta, 5))
	l.part(tb, 5).Extended = true

	boot := l.md("aa:bb:cc:dd", "orca:boot", "md127", l.part(ta, 7), l.part(tb, 7))
	l.fs("ext4", "onboot", boot)
	zero := l.md("00:11:22:33", "orca:0", "", l.part(ta, 8), l.part(tb, 8))
	zero.AddName("/dev/md0", storage.FromMetadata)
	parted := l.md("44:55:66:77", "orca:raid1", "md126", l.part(ta, 9), l.part(tb, 9))
	l.fs("ext4", "onmdpart", l.part(l.table("gpt", parted), 2))

	vault := l.crypt("c0ffee00-0000-4000-8000-000000000001", "something", l.part(ta, 10))
	vg := l.vg("orca-vg", vault)
	l.fs("ext4", "onlv", l.lv(vg, "my-root", "linear", true))
	home := l.crypt("c0ffee00-0000-4000-8000-000000000002", "luks-auto", l.part(tb, 10))
	home.Label = "homevault"
	l.fs("ext4", "inhome", home)
	blank := l.crypt("c0ffee00-0000-4000-8000-000000000003", `cr\x20blank`, l.part(ta, 11))
	l.fs("ext4", "inblank", blank)
	l.crypt("c0ffee00-0000-4000-8000-000000000004", "", l.part(ta, 12))
	stranger := l.crypt("c0ffee00-0000-4000-8000-000000000005", "cr_gone", l.part(ta, 13))
	l.fs("ext4", "stranger", stranger)

	clone := l.fs("ext4", "clone", l.part(ta, 14))
	clone.Label = "clone"
	l.fs("ext4", "clone", l.part(tb, 14)).Label = "clone"
	data := l.vg("data", l.part(ta, 15))
	origin := l.lv(data, "srv", "linear", true)
	l.fs("xfs", "snapped", origin)
	l.fs("xfs", "snapped", l.snapshot(data, "srv-old", origin, true))
	member := l.part(ta, 16)
	l.fs("ext4", "mirrored", member) // metadata at the end: the member looks like the whole
	l.fs("ext4", "mirrored", l.md("88:88:88:88", "orca:m", "md1", member, l.part(tb, 16)))
	mpath := &storage.Multipath{Common: common("mpath:3600", "", gib), WWID: "3600"}
	mpath.AddName("/dev/mapper/mpatha", storage.FromDM)
	mpath.Open = &storage.Opening{}
	l.Add(mpath, l.disk("sdx"), l.disk("sdy"))
	l.fs("ext4", "onmpath", l.part(l.table("gpt", mpath), 23))

	sys := sysOn(root, "", `
# name        device                                      key   options
cr_home       UUID=c0ffee00-0000-4000-8000-000000000002   none  luks
vault         PARTUUID=sda-10                             none
cr\040blank   UUID="c0ffee00-0000-4000-8000-000000000003" -
cr_locked     UUID=C0FFEE00-0000-4000-8000-000000000004   none
cr_gone       UUID=ffffffff-0000-4000-8000-000000000000   none
cr_swap       /dev/sdb4                                   /dev/urandom swap
cr_home       UUID=c0ffee00-0000-4000-8000-000000000005   none
`)
	return l, sys
}

func TestResolveEverySpecForm(t *testing.T) {
	l, sys := specsLab(t)
	g := l.graph()
	r := NewResolver(g, sys)
	tests := []struct {
		spec, typ string
		want      string // node, or "why: candidates"
	}{
		{"UUID=f1000000-0000-4000-8000-000000000001", "ext4", "fs:f1000000-0000-4000-8000-000000000001"},
		{`UUID="F1000000-0000-4000-8000-000000000001"`, "ext4", "fs:f1000000-0000-4000-8000-000000000001"},
		{"/dev/disk/by-uuid/A000-0001", "vfat", "fs:A000-0001"},
		{"UUID=sw1", "swap", "swap:sw1"},
		{"UUID=nowhere", "ext4", "missing: luks:c0ffee00-0000-4000-8000-000000000004"},
		{`LABEL='a root'`, "ext4", "fs:f1000000-0000-4000-8000-000000000001"},
		{`LABEL=a\040root`, "ext4", "fs:f1000000-0000-4000-8000-000000000001"},
		{`/dev/disk/by-label/a\x20root`, "ext4", "fs:f1000000-0000-4000-8000-000000000001"},
		{"PARTUUID=0fc63daf-0000-4000-8000-000000000001", "ext4", "fs:f1000000-0000-4000-8000-000000000001"},
		{`PARTUUID="d0000d02-06"`, "xfs", "fs:f2"},
		{`PARTLABEL=root\040disk`, "ext4", "fs:f1000000-0000-4000-8000-000000000001"},
		{`/dev/disk/by-partlabel/root\x20disk`, "ext4", "fs:f1000000-0000-4000-8000-000000000001"},
		{"ID=wwn-0x5000c500a1b2c3d4-part1", "ext4", "fs:f1000000-0000-4000-8000-000000000001"},
		{"/dev/disk/by-id/ata-Fast_Disk_S-sda-part2", "vfat", "fs:A000-0001"},
		{"/dev/disk/by-id/nvme-eui.0025385b21404321-part1", "f2fs", "fs:onnvme"},
		{`/dev/disk/by-id/usb-A\x20B-part2`, "vfat", "fs:A000-0001"},
		{"/dev/disk/by-path/pci-0000:00:1f.2-ata-1", "ext4", "disk:sda"},
		{"/dev/disk/by-id/md-uuid-aa:bb:cc:dd", "ext4", "fs:onboot"},
		{"/dev/disk/by-id/md-name-orca:raid1-part2", "ext4", "fs:onmdpart"},
		{"/dev/disk/by-id/md-uuid-00:11:22:33", "ext4", "closed: md:00:11:22:33"},
		{"/dev/disk/by-id/dm-name-cr_home", "ext4", "fs:inhome"},
		{"/dev/disk/by-id/dm-name-luks-auto", "ext4", "fs:inhome"},
		{"/dev/disk/by-id/dm-name-orca--vg-my--root", "ext4", "fs:onlv"},
		{"/dev/disk/by-id/dm-uuid-CRYPT-LUKS2-c0ffee00000040008000000000000002-cr_home", "ext4", "fs:inhome"},
		{"/dev/disk/by-id/dm-uuid-part23-mpath-3600", "ext4", "fs:onmpath"},
		{"/dev/disk/by-id/scsi-3600-part23", "ext4", "fs:onmpath"},
		{"/dev/mapper/mpatha-part23", "ext4", "fs:onmpath"},
		{"/dev/mapper/mpatha23", "ext4", "fs:onmpath"},
		{"/dev/mapper/3600p23", "ext4", "fs:onmpath"},
		{"/dev/orca-vg/my-root", "ext4", "fs:onlv"},
		{"/dev/mapper/orca--vg-my--root", "ext4", "fs:onlv"},
		{"/dev/mapper/orca-vg-my-root", "ext4", "missing: luks:c0ffee00-0000-4000-8000-000000000004"},
		{"/dev/mapper/cr_home", "ext4", "fs:inhome"},
		{"/dev/mapper/cr_hom", "ext4", "missing: luks:c0ffee00-0000-4000-8000-000000000004"},
		{"/dev/mapper/luks-c0ffee00-0000-4000-8000-000000000002", "ext4", "fs:inhome"},
		{`/dev/mapper/cr\x20blank`, "ext4", "fs:inblank"},
		{`/dev/mapper/cr\040blank`, "ext4", "fs:inblank"},
		{`/dev/mapper/cr\134x20blank`, "ext4", "fs:inblank"},
		{`/dev/disk/by-id/dm-name-cr\x20blank`, "ext4", "fs:inblank"},
		{"/dev/mapper/cr_locked", "ext4", "locked: luks:c0ffee00-0000-4000-8000-000000000004"},
		// The crypttab's cr_gone is not there; what another system opened under that name is not it.
		{"/dev/mapper/cr_gone", "ext4", "missing: luks:c0ffee00-0000-4000-8000-000000000004"},
		{"/dev/disk/by-id/dm-name-cr_gone", "ext4", "missing: luks:c0ffee00-0000-4000-8000-000000000004"},
		{"/dev/mapper/cr_swap", "ext4", "made anew: "},
		{"UUID=c0ffee00-0000-4000-8000-000000000002", "ext4", "wrong type: luks:c0ffee00-0000-4000-8000-000000000002"},
		{"/dev/md/boot", "ext4", "fs:onboot"},
		{"/dev/md0", "ext4", "closed: md:00:11:22:33"},
		{"/dev/md/raid1p2", "ext4", "fs:onmdpart"},
		{"/dev/md1", "ext4", "ambiguous: md:88:88:88:88 md:aa:bb:cc:dd"}, // orca:m happens to run as md1
		// Names of another machine's kernel.
		{"/dev/sdc3", "ext4", "fs:only3"}, // the only third partition with an ext
		{"/dev/sdc3", "xfs", "missing: luks:c0ffee00-0000-4000-8000-000000000004"},
		{"/dev/sdc4", "ext4", "ambiguous: part:sda-4 part:sdb-4"},
		{"/dev/hda6", "auto", "fs:f2"},
		{"/dev/sda", "ext4", "missing: luks:c0ffee00-0000-4000-8000-000000000004"},
		{"/dev/nvme1n1p1", "f2fs", "fs:onnvme"},
		{"/dev/nvme0n12", "vfat", "missing: luks:c0ffee00-0000-4000-8000-000000000004"}, // a disk, not a second partition
		{"/dev/dm-0", "xfs", "fs:snapped"},                                              // of the two maps with an xfs one is the other's snapshot
		{"/dev/dm-0", "ext4", "ambiguous: luks:c0ffee00-0000-4000-8000-000000000002 luks:c0ffee00-0000-4000-8000-000000000003 luks:c0ffee00-0000-4000-8000-000000000005 lv:orca-vg/my-root"},
		{"/dev/cciss/c0d0p3", "ext3", "fs:only3"},
		// Twins.
		{"UUID=clone", "ext4", "ambiguous: fs:clone@part:sda-14 fs:clone@part:sdb-14"},
		{"LABEL=clone", "ext4", "ambiguous: fs:clone@part:sda-14 fs:clone@part:sdb-14"},
		{"UUID=snapped", "xfs", "fs:snapped@lv:data/srv"},
		{"/dev/data/srv-old", "xfs", "fs:snapped@lv:data/srv-old"},
		{"UUID=mirrored", "ext4", "fs:mirrored@md:88:88:88:88"},
		// No devices.
		{"tmpfs", "tmpfs", "no device: "},
		{"server:/srv", "nfs", "no device: "},
		{"/dev/nonsense/a/b", "ext4", "missing: luks:c0ffee00-0000-4000-8000-000000000004"},
	}
	for _, tt := range tests {
		id, err := r.Source(fstab.Entry{Spec: fstab.ParseSpec(tt.spec), Type: tt.typ})
		if got := outcome(id, err); got != tt.want && got != strings.Replace(tt.want, "fs:snapped", "fs:snapped@lv:data/srv", 1) {
			t.Errorf("%s (%s):\n got %s\nwant %s\n(%v)", tt.spec, tt.typ, got, tt.want, err)
		}
	}
}

func outcome(id storage.ID, err error) string {
	var re *ResolveError
	if !errors.As(err, &re) {
		return string(id)
	}
	var ids []string
	for _, id := range re.IDs {
		ids = append(ids, string(id))
	}
	return string(re.Why) + ": " + strings.Join(ids, " ")
}

// TestResolveByTheRootsDisk: where fstab names the root by a kernel's name, the
// disk of the root is that disk, and no other is.
func TestResolveByTheRootsDisk(t *testing.T) {
	l := newLab(t)
	ta, tb := l.table("gpt", l.disk("sda")), l.table("gpt", l.disk("sdb"))
	l.fs("ext4", "boot-a", l.part(ta, 1))
	l.fs("ext4", "root-a", l.part(ta, 2))
	l.fs("ext4", "boot-b", l.part(tb, 1))
	root := l.fs("ext4", "root-b", l.part(tb, 2))
	g := l.graph()
	for table, want := range map[string]map[string]string{
		"/dev/sda2 / ext4\n":    {"/dev/sda1": "fs:boot-b", "/dev/sdb1": "fs:boot-a", "/dev/sda3": "missing: "},
		"/dev/sda1 / ext4\n":    {"/dev/sda1": "ambiguous: part:sda-1 part:sdb-1"}, // it was found on a second partition
		"UUID=root-b / ext4\n":  {"/dev/sda1": "ambiguous: part:sda-1 part:sdb-1"},
		"/dev/vda2 / ext4\n":    {"/dev/vda1": "fs:boot-b", "/dev/vdb1": "fs:boot-a"},
		"/dev/md2 / ext4\n":     {"/dev/md1": "missing: "},
		"/dev/nowhere / ext4\n": {"/dev/sda2": "ambiguous: part:sda-2 part:sdb-2"},
	} {
		r := NewResolver(g, sysOn(root, table, ""))
		for spec, want := range want {
			id, err := r.Source(fstab.Entry{Spec: fstab.ParseSpec(spec), Type: "ext4"})
			if got := outcome(id, err); got != want {
				t.Errorf("%q: %s is %s, want %s", table, spec, got, want)
			}
		}
	}
}

func TestResolveSubvolumes(t *testing.T) {
	l := newLab(t)
	fs := l.fs("btrfs", "b", l.part(l.table("gpt", l.disk("sda")), 1))
	fs.Default = 257
	for id, path := range map[uint64]string{5: "", 256: "@", 257: "@/.snapshots/1/snapshot", 258: "@home"} {
		l.subvol(fs, id, path)
	}
	plain := l.fs("btrfs", "plain", l.disk("sdb"))
	broken := l.fs("btrfs", "broken", l.disk("sdc"))
	broken.Mark(storage.Unreadable)
	l.subvol(broken, 5, "")
	_ = plain
	r := NewResolver(l.graph(), nil)
	for options, want := range map[string]string{
		"defaults":                "subvol:b/@/.snapshots/1/snapshot",
		"subvol=@":                "subvol:b/@",
		"subvol=//@/":             "subvol:b/@",
		"subvol=/":                "subvol:b/",
		"subvolid=0258":           "subvol:b/@home",
		"subvolid=0":              "subvol:b/",
		"subvol=@,subvolid=256":   "subvol:b/@",
		"subvol=@,subvolid=258":   "missing: fs:b",
		"subvol=@gone":            "missing: fs:b",
		"subvolid=999":            "missing: fs:b",
		"UUID=plain":              "fs:plain",
		"UUID=plain subvol=@":     "missing: fs:plain",
		"UUID=broken":             "subvol:broken/",
		"UUID=broken subvol=@srv": "closed: fs:broken",
	} {
		spec := "UUID=b"
		if s, rest, _ := strings.Cut(options, " "); strings.HasPrefix(s, "UUID=") {
			spec, options = s, rest
		}
		id, err := r.Source(fstab.Entry{Spec: fstab.ParseSpec(spec), Type: "btrfs", Options: fstab.ParseOptions(options)})
		if got := outcome(id, err); got != want {
			t.Errorf("%s %s: %s, want %s (%v)", spec, options, got, want, err)
		}
	}
}

func TestCrypttabNames(t *testing.T) {
	l, sys := specsLab(t)
	l.graph()
	r := NewResolver(l.graph(), sys)
	got := map[string]string{}
	for _, n := range "12345" {
		id := storage.ID("luks:c0ffee00-0000-4000-8000-00000000000" + string(n))
		got[string(n)] = r.MapName(id)
	}
	want := map[string]string{"1": "vault", "2": "cr_home", "3": "cr blank", "4": "cr_locked", "5": ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var lost []string
	for _, e := range r.lost {
		lost = append(lost, e.Entry.Name)
	}
	if diff := cmp.Diff([]string{"cr_home", "cr_gone", "cr_swap"}, lost); diff != "" {
		t.Error(diff)
	}
}

// TestCrypttabInLayers: a container in a container, named before the outer one.
func TestCrypttabInLayers(t *testing.T) {
	l := newLab(t)
	outer := l.crypt("outer", "dm-x", l.part(l.table("gpt", l.disk("sda")), 1))
	inner := l.crypt("inner", "dm-y", outer)
	fs := l.fs("ext4", "f", inner)
	r := NewResolver(l.graph(), sysOn(fs, "", "in /dev/mapper/out none\nout UUID=outer none\n"))
	if a, b := r.MapName(outer.ID), r.MapName(inner.ID); a != "out" || b != "in" {
		t.Errorf("outer is %q, inner is %q", a, b)
	}
}

// TestTextsAreFitForATerminal: names on the disk are a stranger's.
func TestTextsAreFitForATerminal(t *testing.T) {
	l := newLab(t)
	md := l.md("u", "ho\x1b[2Jst:na\nme", "md0", l.disk("sda"))
	l.fs("ext4", "f", md)
	l.fs("ext4", "g", l.crypt("c", "a\x07b", l.disk("sdb")))
	g := l.graph()
	r := NewResolver(g, nil)
	texts := []string{Describe(g, md.ID), Describe(g, "fs:g"), Describe(g, "no\x1bsuch")}
	for _, spec := range []string{"LABEL=\x1b[31m\u202e", "/dev/mapper/\x1b]0;x\x07", "\x1b:/srv"} {
		_, err := r.Node(fstab.ParseSpec(spec))
		texts = append(texts, err.Error())
	}
	for _, text := range texts {
		if text != storage.Printable(text) {
			t.Errorf("%q steers the terminal", text)
		}
	}
}
