package system

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/storage"
)

func named(t fstest.MapFS, name string) fstest.MapFS {
	t["etc/os-release"] = file("ID=" + strings.ToLower(name) + "\nNAME=" + name + "\n")
	t["etc/hostname"] = file("host-" + strings.ToLower(name) + "\n")
	return t
}

// findings writes findings, one a line.
func findings(list []Finding) string {
	var b strings.Builder
	for _, f := range list {
		fmt.Fprintf(&b, "%s: %s", f.Root, f.Class)
		if s := f.System; s != nil {
			fmt.Fprintf(&b, " %d %q", s.Number, s.Name)
			if s.SnapshotOf != "" {
				fmt.Fprintf(&b, ", snapshot of %s", s.SnapshotOf)
			}
			if s.Usr != "" {
				fmt.Fprintf(&b, ", usr %s", s.Usr)
			}
			if s.Running {
				b.WriteString(", running")
			}
			for _, n := range s.Notes {
				fmt.Fprintf(&b, " [%s]", n)
			}
		} else if f.Cause != "" {
			fmt.Fprintf(&b, " (%s)", f.Cause)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func checkFindings(t *testing.T, l *lab, g *storage.Graph, want string) []Finding {
	t.Helper()
	got := Find(g, l.trees)
	if diff := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(findings(got))); diff != "" {
		t.Error(diff)
	}
	if again := Find(g, l.trees); findings(again) != findings(got) {
		t.Error("a second look finds something else")
	}
	return got
}

func TestFindKinds(t *testing.T) {
	l := newLab(t)
	table := l.table("gpt", l.disk("sda"))
	part := 0
	put := func(typ, uuid string, tree fs.FS) *storage.FileSystem {
		part++
		n := l.fs(typ, uuid, l.part(table, part))
		if tree != nil {
			l.put(n, tree)
		}
		return n
	}
	put("vfat", "01-esp", tree("EFI/debian/grubx64.efi"))
	put("ext4", "02-boot", tree("lost+found/", "vmlinuz-6.1", "config-6.1"))
	put("ext4", "03-root", named(rootTree("UUID=03-root / ext4\n", ""), "Alpha"))
	put("ext4", "04-beta", named(rootTree("", ""), "Beta"))
	put("ntfs", "05-windows", tree("Windows/System32/x", "Users/"))
	put("ntfs", "06-ntfs-data", tree("Photos/x"))
	put("ext4", "07-data", tree("etc/passwd", "photos/x"))
	put("ext4", "08-empty", tree("lost+found/"))
	put("ufs", "09-bsd", tree("etc/rc.subr", "etc/rc.d/sshd", "bin/sh"))
	put("squashfs", "10-live", named(rootTree("", ""), "Rescue"))
	l.trees["fs:11-hung"] = lookedTree{err: &LookError{Root: "fs:11-hung", Cause: errors.New("it does not \x1banswer")}}
	put("ext4", "11-hung", nil)
	for name, files := range map[string]fs.FS{
		"12-stale-data": tree("a"), "13-stale-empty": fstest.MapFS{}, "14-stale-root": named(rootTree("", ""), "Gamma"), "15-stale-windows": tree("windows/", "users/"),
	} {
		l.trees[storage.ID("fs:"+name)] = lookedTree{files, &LookError{Root: storage.ID("fs:" + name), Stale: true, Cause: errors.New("no stand-in")}}
	}
	for _, name := range []string{"12-stale-data", "13-stale-empty", "14-stale-root"} {
		put("xfs", name, nil)
	}
	put("ntfs", "15-stale-windows", nil)
	l.crypt("20-locked", "", l.part(table, 20))
	l.Add(&storage.Opaque{Common: common("opaque:21", "", 0), Format: "zfs_member"}, l.part(table, 21))
	half := l.md("22-half", "h:0", "", l.part(table, 22))
	half.Mark(storage.Incomplete)
	half.Notes = []string{"1 of 3 members"}
	l.md("23-closed", "h:1", "", l.part(table, 23))
	l.swap("24", l.part(table, 24))
	g := l.graph(storage.Mount{Point: "/", Source: "fs:04-beta", Type: "ext4"})
	found := checkFindings(t, l, g, `
fs:01-esp: boot (loaders: debian)
fs:02-boot: boot
fs:03-root: system 1 "Alpha"
fs:04-beta: system 2 "Beta", running
fs:05-windows: windows (an installed Windows)
fs:06-ntfs-data: data
fs:07-data: data
fs:08-empty: empty
fs:09-bsd: bsd
fs:10-live: live (the image of a live system (Rescue), not an installed one)
fs:11-hung: unknown (it does not \x1banswer)
fs:12-stale-data: unknown (fs:12-stale-data is dirty and was seen without its journal: no stand-in)
fs:13-stale-empty: unknown (fs:13-stale-empty is dirty and was seen without its journal: no stand-in)
fs:14-stale-root: system 3 "Gamma" [fs:14-stale-root is dirty and was seen without its journal: no stand-in]
fs:15-stale-windows: windows (an installed Windows)
luks:20-locked: locked (locked: a key is needed (luks2))
md:22-half: unknown (cannot be opened: 1 of 3 members)
md:23-closed: unknown (is closed, so what lies in it is not known)
opaque:21: unknown (zfs_member is recognised, but salvor cannot look into it)`)
	testChoose(t, g, Systems(found))
}

func testChoose(t *testing.T, g *storage.Graph, systems []*System) {
	for name, want := range map[string]string{
		"1": "Alpha", "fs:03-root": "Alpha", "/dev/sda3": "Alpha", "UUID=03-root": "Alpha", "host-beta": "Beta", "beta": "Beta", "GAM": "Gamma", "3": "Gamma",
		"": "2 systems", "a": "2 systems", "/dev/sda1": "none", "nothing": "none", "zz\x1b": "none",
	} {
		s, err := Choose(g, systems, name)
		var choice *ChoiceError
		got := "none"
		switch {
		case err == nil:
			got = s.Name
		case errors.As(err, &choice):
			got = fmt.Sprintf("%d systems", len(choice.Among))
		case !errors.Is(err, ErrNoSystem):
			got = err.Error()
		}
		if got != want {
			t.Errorf("choosing %q gives %s, want %s", name, got, want)
		}
	}
	if _, err := Choose(g, nil, ""); !errors.Is(err, ErrNoSystem) {
		t.Errorf("choosing from nothing: %v", err)
	}
}

// TestFindSnapshots: the systems of machine d's first disk.
func TestFindSnapshots(t *testing.T) {
	l := newLab(t)
	table := l.table("gpt", l.disk("sda"))
	arch, suse := l.fs("btrfs", "arch", l.part(table, 1)), l.fs("btrfs", "suse", l.part(table, 2))
	suse.Default = 261
	archRoot := func() fs.FS { return named(rootTree("UUID=arch / btrfs rw,subvol=/@\n", ""), "Arch") }
	suseRoot := func() fs.FS { return named(rootTree("UUID=suse / btrfs defaults\n", ""), "SUSE") }
	l.put(l.subvol(arch, 5, ""), tree("@/"))
	l.put(l.subvol(arch, 256, "@"), archRoot())
	l.put(l.subvol(arch, 257, "@home"), tree("ada/"))
	l.put(l.subvol(arch, 258, "@snapshots/1/snapshot"), archRoot()) // only its fstab tells
	copied := l.subvol(arch, 259, "copied")                         // a system of its own, made of a snapshot
	copied.ParentUUID = "u256"
	l.put(copied, named(rootTree("UUID=arch / btrfs subvol=copied\n", ""), "Copy"))
	bare := l.subvol(arch, 260, "bare") // nothing but btrfs tells
	bare.ParentUUID = "u256"
	l.put(bare, named(rootTree("", ""), "Bare"))
	l.put(l.subvol(arch, 266, "byid"), named(rootTree("UUID=arch / btrfs subvolid=256\n", ""), "ByID"))
	l.put(l.subvol(arch, 267, "elsewhere"), named(rootTree("UUID=suse / btrfs subvol=@\n", ""), "Elsewhere"))

	running := l.subvol(suse, 261, "@/.snapshots/1/snapshot") // the default, and a snapshot of an older one
	running.ParentUUID = "u262"
	l.put(running, suseRoot())
	l.put(l.subvol(suse, 262, "@/.snapshots/0/snapshot"), suseRoot())
	l.put(l.subvol(suse, 263, "@"), tree(".snapshots/"))
	checkFindings(t, l, l.graph(), `
subvol:arch/: data
subvol:arch/@: system 1 "Arch"
subvol:arch/@home: data
subvol:arch/@snapshots/1/snapshot: system 5 "Arch", snapshot of subvol:arch/@
subvol:arch/bare: system 6 "Bare", snapshot of subvol:arch/@
subvol:arch/byid: system 7 "ByID", snapshot of subvol:arch/@
subvol:arch/copied: system 2 "Copy"
subvol:arch/elsewhere: system 3 "Elsewhere"
subvol:suse/@: data
subvol:suse/@/.snapshots/0/snapshot: system 8 "SUSE", snapshot of subvol:suse/@/.snapshots/1/snapshot
subvol:suse/@/.snapshots/1/snapshot: system 4 "SUSE"`)
}

// TestFindVolumeSnapshots: snapshots of volumes, and a copy that is none.
func TestFindVolumeSnapshots(t *testing.T) {
	l := newLab(t)
	vg := l.vg("vg", l.part(l.table("gpt", l.disk("sda")), 1))
	root := func() fs.FS { return named(rootTree("UUID=r / ext4\n", ""), "Ell") }
	origin := l.lv(vg, "root", "linear", true)
	first := l.snapshot(vg, "snap1", origin, true)
	second := l.lv(vg, "snap2", "thin", true) // a snapshot of the snapshot, in a pool
	second.Origin = first.Identity
	for _, on := range []storage.Node{origin, first, second, l.part(l.table("gpt", l.disk("sdb")), 1)} {
		l.fs("ext4", "r", on)
	}
	own := l.snapshot(vg, "booted", origin, true)
	l.fs("ext4", "own", own)
	g := l.graph()
	for fs := range storage.All[*storage.FileSystem](g) {
		l.put(&storage.FileSystem{Common: storage.Common{Identity: fs.ID}}, root())
	}
	l.trees["fs:own"] = lookedTree{tree: named(rootTree("/dev/vg/booted / ext4\n", ""), "Booted")}
	got := checkFindings(t, l, g, `
fs:r@part:sdb-1: system 1 "Ell"
fs:r@lv:vg/root: system 2 "Ell"
fs:r@lv:vg/snap2: system 4 "Ell", snapshot of fs:r@lv:vg/snap1
fs:own: system 3 "Booted"
fs:r@lv:vg/snap1: system 5 "Ell", snapshot of fs:r@lv:vg/root`)
	if s, err := Choose(g, Systems(got), "fs:r@lv:vg/snap1"); err != nil || s.Number != 5 {
		t.Errorf("a snapshot cannot be chosen by its ID: %v, %v", s, err)
	}
}

func TestFindSeparateUsr(t *testing.T) {
	l := newLab(t)
	vg := l.vg("vg", l.part(l.table("gpt", l.disk("sda")), 1))
	root := func(fstabText string) fs.FS {
		r := tree("etc/", "usr/", "bin/sh", "var/", "etc/os-release -> ../usr/lib/os-release")
		r["etc/fstab"], r["etc/hostname"] = file(fstabText), file("dace\n")
		return r
	}
	l.put(l.fs("ext4", "a-root", l.lv(vg, "root", "linear", true)), root("UUID=a-root / ext4\n/dev/vg/usr /usr ext4\n"))
	l.put(l.fs("ext4", "b-usr", l.lv(vg, "usr", "linear", true)), fstest.MapFS{"lib/os-release": file("ID=u\nNAME=Usr\n")})
	l.put(l.fs("ext4", "c-root", l.lv(vg, "root2", "linear", true)), root("/dev/vg/nousr /usr ext4\n"))
	l.put(l.fs("ext4", "d-root", l.lv(vg, "root3", "linear", true)), root(""))
	l.put(l.fs("ext4", "e-root", l.lv(vg, "root4", "linear", true)), root("/dev/vg/hung /usr ext4\n"))
	l.fs("ext4", "f-hung", l.lv(vg, "hung", "linear", true))
	got := checkFindings(t, l, l.graph(), `
fs:a-root: system 1 "Usr", usr fs:b-usr
fs:b-usr: data
fs:c-root: system 2 "unknown Linux" [its /usr is a file system of its own, and nothing on this machine answers to /dev/vg/nousr]
fs:d-root: system 3 "unknown Linux" [its /usr is a file system of its own, and its fstab does not name it]
fs:e-root: system 4 "unknown Linux" [its /usr is a file system of its own, and ext4 on vg/hung cannot be seen: nobody knows how]
fs:f-hung: unknown (nobody knows how)`)
	if got[0].System.Hostname != "dace" {
		t.Errorf("the hostname is %q", got[0].System.Hostname)
	}
}

// TestChooseRather: snapshots and the live system are meant when nothing else is.
func TestChooseRather(t *testing.T) {
	own, snap, live := &System{Root: "fs:a", Number: 1, Name: "A"}, &System{Root: "fs:b", Number: 2, Name: "A", SnapshotOf: "fs:a"}, &System{Root: "fs:c", Number: 3, Name: "A", Running: true}
	g := newLab(t).graph()
	for _, tt := range []struct {
		among []*System
		name  string
		want  *System
	}{
		{[]*System{own, snap, live}, "", own},
		{[]*System{own, snap, live}, "a", own},
		{[]*System{snap, live}, "", live},
		{[]*System{snap}, "", snap},
		{[]*System{own, snap, live}, "2", snap},
		{[]*System{own, snap, live}, "fs:c", live},
	} {
		if got, err := Choose(g, tt.among, tt.name); err != nil || got != tt.want {
			t.Errorf("choosing %q: %+v, %v", tt.name, got, err)
		}
	}
}
