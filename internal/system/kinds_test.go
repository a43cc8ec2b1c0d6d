package system

import (
	"debug/elf"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/storage"
	"salvor/test/doctable"
)

// nixStore is the /nix of a NixOS, with the configuration that it boots.
func nixStore(fstabText string) fstest.MapFS {
	t := tree("store/aaa-bash/bin/", "var/nix/profiles/system -> system-2-link", "var/nix/profiles/system-2-link -> /nix/store/bbb-nixos-system-reef-24.05",
		"store/bbb-nixos-system-reef-24.05/etc -> /nix/store/ccc-etc/etc", "store/bbb-nixos-system-reef-24.05/kernel-modules/lib/modules/6.6.30/",
		"store/bbb-nixos-system-reef-24.05/sw/bin/", "store/ccc-etc/etc/os-release -> /nix/store/ddd-os-release", "store/ccc-etc/etc/fstab -> /nix/store/eee-etc-fstab")
	t["store/ddd-os-release"] = file("ID=nixos\nVERSION_ID=\"24.05\"\nPRETTY_NAME=\"NixOS 24.05 (Uakari)\"\n")
	t["store/eee-etc-fstab"] = file(fstabText)
	t["store/ccc-etc/etc/hostname"] = file("reef\n")
	t["store/aaa-bash/bin/sh"] = amd64
	return t
}

// nixRoot is the root of a NixOS without what is in /nix. Its /etc is made of
// links as soon as it was started once.
func nixRoot(started bool) fstest.MapFS {
	t := tree("nix/", "bin/sh -> /nix/store/aaa-bash/bin/sh", "var/", "usr/bin/env", "boot/", "etc/NIXOS")
	if started {
		for name, f := range tree("etc/static -> /nix/store/ccc-etc/etc", "etc/os-release -> /etc/static/os-release", "etc/fstab -> /etc/static/fstab", "etc/hostname -> static/hostname") {
			t[name] = f
		}
	}
	return t
}

func TestFindNixOS(t *testing.T) {
	const fstabText = "/dev/disk/by-uuid/r / ext4 defaults 0 1\n/dev/disk/by-uuid/b /boot vfat umask=0077 0 2\n"
	whole := func(started bool) fstest.MapFS {
		t := nixRoot(started)
		under(t, "nix", nixStore(fstabText))
		return t
	}
	tests := map[string]struct {
		trees map[string]fstest.MapFS
		want  string
	}{
		"started":                   {map[string]fstest.MapFS{"r": whole(true)}, `fs:r: system 1 "NixOS 24.05 (Uakari)" [NixOS keeps its programs in /nix/var/nix/profiles/system/sw/bin]`},
		"just installed":            {map[string]fstest.MapFS{"r": whole(false)}, `fs:r: system 1 "NixOS 24.05 (Uakari)" [NixOS keeps its programs in /nix/var/nix/profiles/system/sw/bin]`},
		"with a /nix of its own":    {map[string]fstest.MapFS{"r": nixRoot(true), "s": nixStore(fstabText)}, "fs:r: system 1 \"NixOS 24.05 (Uakari)\" [NixOS keeps its programs in /nix/var/nix/profiles/system/sw/bin]\nfs:s: data (the /nix of a NixOS)"},
		"with a /nix that is away":  {map[string]fstest.MapFS{"r": nixRoot(true)}, "fs:r: unknown (the root of a NixOS whose /nix is a file system of its own, which is not found)"},
		"with two that it could be": {map[string]fstest.MapFS{"r": nixRoot(true), "s": nixStore(fstabText), "t": nixStore(fstabText)}, "fs:r: unknown (the root of a NixOS whose /nix is a file system of its own; it may be any of ext4 on sda2, ext4 on sda3)\nfs:s: data (the /nix of a NixOS)\nfs:t: data (the /nix of a NixOS)"},
		"whose root is in memory":   {map[string]fstest.MapFS{"s": nixStore(fstabText)}, "fs:s: data (the /nix of a NixOS)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			table := l.table("gpt", l.disk("sda"))
			for i, uuid := range []string{"r", "s", "t"} {
				if files := tt.trees[uuid]; files != nil {
					l.put(l.fs("ext4", uuid, l.part(table, i+1)), rootFS{files})
				}
			}
			found := checkFindings(t, l, l.graph(), tt.want)
			for _, s := range Systems(found) {
				got := fmt.Sprint(s.Hostname, " ", s.Arch, " ", s.Kernels, " ", len(s.Fstab.Entries), " ", s.Nix)
				if want := "reef x86_64 [6.6.30] 2 " + string(s.Nix); got != want || (s.Nix == "fs:s") != (tt.trees["s"] != nil) {
					t.Errorf("it is %q, not %q", got, want)
				}
			}
		})
	}
}

// TestFindContainers: what lies in a system is not one, whatever it looks like.
func TestFindContainers(t *testing.T) {
	l := newLab(t)
	table := l.table("gpt", l.disk("sda"))
	fsys := l.fs("btrfs", "h", l.part(table, 1))
	put := func(id uint64, p, name string) *storage.Subvolume {
		s := l.subvol(fsys, id, p)
		l.put(s, named(rootTree("", ""), name))
		return s
	}
	l.put(l.subvol(fsys, 256, "@"), named(rootTree("UUID=h / btrfs subvol=@\nUUID=h /home btrfs subvol=@home\nUUID=h /var/lib/machines btrfs subvol=@m\nUUID=lxc /var/lib/lxc/web ext4\nUUID=other /mnt/other ext4\n", ""), "Host"))
	l.put(l.subvol(fsys, 257, "@home"), tree("ada/"))
	l.put(l.subvol(fsys, 258, "@m"), tree("web/"))
	put(260, "@/var/lib/machines/web", "Web")
	put(261, "@m/mail", "Mail").ParentUUID = "u260"
	put(262, "@/var/lib/docker/btrfs/subvolumes/abc", "Layer")
	put(263, "@/var/lib/portables/app", "App")
	put(264, "@home/ada/chroot", "Sid")
	put(265, "@/home/ada/.local/share/containers/storage/btrfs/subvolumes/x", "Pod")
	put(266, "@var/lib/machines/x", "X")
	put(267, "@/srv/jail", "Jail")
	put(268, "second", "Second") // beside, not within
	clone := put(269, "clone-of-jail", "Jail")
	clone.ParentUUID, clone.Frozen = "u267", true
	l.put(l.subvol(fsys, 270, "@/var/snapshot"), named(rootTree("UUID=h / btrfs subvol=@\n", ""), "Old"))
	lxc, other := l.fs("ext4", "lxc", l.part(table, 2)), l.fs("ext4", "other", l.part(table, 3))
	l.put(lxc, named(rootTree("", ""), "Lxc"))
	l.put(other, named(rootTree("", ""), "Other"))
	flat := l.fs("btrfs", "t", l.part(table, 5)) // a system at the top of its btrfs
	l.put(l.subvol(flat, 5, ""), named(rootTree("UUID=t / btrfs subvolid=5\nUUID=h /srv/all btrfs subvolid=5\n", ""), "Top"))
	l.put(l.subvol(flat, 256, "home/ada/chroot"), named(rootTree("", ""), "Sid"))
	l.put(l.subvol(flat, 257, "beside"), named(rootTree("", ""), "Beside"))
	l.put(l.subvol(fsys, 5, ""), tree("@/"))
	plain := named(rootTree("UUID=p / ext4\n", ""), "Plain") // trees, not subvolumes
	for _, dir := range []string{"var/lib/docker/overlay2/abc/diff", "var/lib/machines/web", "home/ada/chroot", "var/lib/lxc/web/rootfs"} {
		under(plain, dir, named(rootTree("", ""), "Inner"))
	}
	l.put(l.fs("ext4", "p", l.part(table, 4)), plain)
	checkFindings(t, l, l.graph(), `
fs:lxc: container (the root of an LXC container (Lxc), not an installed system)
fs:other: system 1 "Other"
fs:p: system 2 "Plain"
subvol:h/: data
subvol:h/@: system 3 "Host"
subvol:h/@/home/ada/.local/share/containers/storage/btrfs/subvolumes/x: container (a layer of a Podman container, not an installed system)
subvol:h/@/srv/jail: container (a system inside /srv/jail of another one, such as a container or a chroot (Jail), not an installed system)
subvol:h/@/var/lib/docker/btrfs/subvolumes/abc: container (a layer of a Docker container, not an installed system)
subvol:h/@/var/lib/machines/web: container (the root of a container of systemd-nspawn, not an installed system)
subvol:h/@/var/lib/portables/app: container (the image of a portable service, not an installed system)
subvol:h/@/var/snapshot: system 7 "Old", snapshot of subvol:h/@
subvol:h/@home: data
subvol:h/@home/ada/chroot: container (a system inside /home/ada/chroot of another one, such as a container or a chroot (Sid), not an installed system)
subvol:h/@m: data
subvol:h/@m/mail: container (the root of a container of systemd-nspawn (Mail), not an installed system)
subvol:h/@var/lib/machines/x: container (the root of a container of systemd-nspawn, not an installed system)
subvol:h/clone-of-jail: container (a snapshot of the root of a container (Jail), not an installed system)
subvol:h/second: system 4 "Second"
subvol:t/: system 5 "Top"
subvol:t/beside: system 6 "Beside"
subvol:t/home/ada/chroot: container (a system inside /home/ada/chroot of another one, such as a container or a chroot (Sid), not an installed system)`)
}

// TestFindForeign: what others have installed.
func TestFindForeign(t *testing.T) {
	l := newLab(t)
	table := l.table("gpt", l.disk("sda"))
	part := func(number int, typ string) *storage.Partition {
		p := l.part(table, number)
		p.Type = typ
		return p
	}
	l.fs("ufs", "ufs", part(1, "516e7cb6-6ecf-11d6-8ff8-00022d09712b"))
	l.Add(&storage.Opaque{Common: common("opaque:zfs", "", 0), Format: "zfs_member"}, part(2, "516e7cba-6ecf-11d6-8ff8-00022d09712b"))
	part(3, "0xa6")
	part(4, "0xa9")
	part(5, "0x83")
	put := func(number int, uuid string, names ...string) {
		l.put(l.fs("ntfs", uuid, part(number, "0x07")), tree(names...))
	}
	put(6, "a-reserved", "bootmgr", "Boot/BCD", "BOOTNXT")
	put(7, "b-installer", "bootmgr", "boot/", "sources/install.wim", "efi/")
	put(8, "c-recovery", "Recovery/WindowsRE/Winre.wim")
	put(9, "d-windows", "Windows/System32/x", "Recovery/")
	l.put(l.fs("vfat", "esp", part(10, "0xef")), tree("EFI/Microsoft/Boot/bootmgfw.efi", "EFI/BOOT/x", "efi/debian/", "EFI/a file"))
	checkFindings(t, l, l.graph(), `
part:sda-3: bsd (OpenBSD by the type of its partition, which is not looked into)
part:sda-4: bsd (NetBSD by the type of its partition, which is not looked into)
fs:a-reserved: windows (what boots a Windows)
fs:b-installer: windows (what installs a Windows)
fs:c-recovery: windows (what repairs a Windows)
fs:d-windows: windows (an installed Windows)
fs:esp: boot (loaders: Microsoft, debian)
fs:ufs: bsd (a file system of a BSD (ufs), which is not looked into)
opaque:zfs: bsd (FreeBSD by the type of its partition; zfs_member is recognised, but salvor cannot look into it)`)
}

// TestFindAnywhere: on what has no partition table; and on copies, of which none
// is taken for the other.
func TestFindAnywhere(t *testing.T) {
	l := newLab(t)
	root := func(name string) fs.FS { return named(rootTree("UUID=dd / ext4\n", ""), name) }
	put := func(uuid, name string, on storage.Node) { l.put(l.fs("ext4", uuid, on), root(name)) }
	put("bare", "Bare", l.disk("sda"))
	put("array", "Array", l.md("m", "h:0", "md0", l.disk("sdb"), l.disk("sdc")))
	lun := &storage.Multipath{Common: common("mpath:w", "/dev/mapper/mpatha", 0), WWID: "w"}
	lun.Open = &storage.Opening{}
	l.Add(lun, l.disk("sdd"), l.disk("sde"))
	put("lun", "Lun", lun)
	l.fs("ext4", "dd", l.disk("sdf"))
	l.fs("ext4", "dd", l.disk("sdg"))
	g := l.graph()
	for _, id := range []storage.ID{"fs:dd@disk:sdf", "fs:dd@disk:sdg"} {
		l.trees[id] = lookedTree{tree: root("Copy")}
	}
	systems := Systems(checkFindings(t, l, g, `
fs:bare: system 1 "Bare"
fs:dd@disk:sdf: system 2 "Copy"
fs:dd@disk:sdg: system 3 "Copy"
fs:array: system 4 "Array"
fs:lun: system 5 "Lun"`))
	for name, want := range map[string]string{
		"UUID=dd": "2 systems", "copy": "2 systems", "/dev/sdf": "Copy", "fs:dd@disk:sdg": "Copy", "/dev/sda": "Bare", "/dev/md0": "Array", "/dev/mapper/mpatha": "Lun", "": "5 systems",
	} {
		checkChoice(t, name, want, func() (*System, error) { return Choose(g, systems, name) })
	}
}

// TestReleaseFiles: systems that say who they are in another way.
func TestReleaseFiles(t *testing.T) {
	tests := map[string]struct{ file, text, want string }{
		"Alpine":              {"etc/alpine-release", "3.20.1\n", "alpine|3.20.1|Alpine Linux 3.20.1"},
		"Slackware":           {"etc/slackware-version", "Slackware 15.0\n", "slackware|15.0|Slackware 15.0"},
		"Gentoo":              {"etc/gentoo-release", "Gentoo Base System release 2.14\n", "gentoo|2.14|Gentoo Base System release 2.14"},
		"SUSE":                {"etc/SuSE-release", "openSUSE 11.4 (x86_64)\nVERSION = 11.4\n", "suse|11.4|openSUSE 11.4 (x86_64)"},
		"Red Hat":             {"etc/redhat-release", "Red Hat Enterprise Linux Server release 5.11 (Tikanga)\n", "rhel|5.11|Red Hat Enterprise Linux Server release 5.11 (Tikanga)"},
		"CentOS":              {"etc/centos-release", "CentOS release 6.10 (Final)\n", "centos|6.10|CentOS release 6.10 (Final)"},
		"Arch":                {"etc/arch-release", "", "arch||Arch Linux"},
		"Debian":              {"etc/debian_version", "5.0.10\n", "debian|5.0.10|Debian GNU/Linux 5.0.10"},
		"Debian, testing":     {"etc/debian_version", "trixie/sid\n", "debian||Debian GNU/Linux trixie/sid"},
		"Ubuntu":              {"etc/lsb-release", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=10.04\nDISTRIB_DESCRIPTION=\"Ubuntu 10.04.4 LTS\"\n", "ubuntu|10.04|Ubuntu 10.04.4 LTS"},
		"LSB in few words":    {"etc/lsb-release", "DISTRIB_ID=Void\nDISTRIB_RELEASE=1\n", "void|1|Void 1"},
		"LSB without a name":  {"etc/lsb-release", "LSB_VERSION=1.4\n", ""},
		"an empty file":       {"etc/redhat-release", "", ""},
		"a text that is none": {"etc/redhat-release", "\x1b[2J\x07\n", "rhel||[2J"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			files := tree("usr/bin/", "sbin/init")
			files[tt.file] = file(tt.text)
			s, err := Inspect(files, nil)
			got := ""
			if s != nil {
				got = s.Distro + "|" + s.Version + "|" + s.Name
			}
			if got != tt.want || err != nil {
				t.Errorf("%q, %v; want %q", got, err, tt.want)
			}
		})
	}
	own := with(tree("usr/bin/"), fstest.MapFS{"etc/os-release": file(debianRelease), "etc/redhat-release": file("no\n")})
	if s, _ := Inspect(own, nil); s == nil || s.Distro != "debian" {
		t.Errorf("os-release comes first, but it is %+v", s)
	}
	if s, _ := Inspect(with(tree("photos/"), fstest.MapFS{"etc/debian_version": file("12\n")}), nil); s != nil {
		t.Errorf("a copy of a configuration is %+v", s)
	}
}

func TestMuslAndOthers(t *testing.T) {
	musl := with(tree("etc/init.d/", "lib/ld-musl-aarch64.so.1", "lib/modules/6.6.31-0-lts/", "boot/", "bin/sh -> busybox", "usr/"), fstest.MapFS{
		"etc/alpine-release": file("3.20.1\n"), "bin/busybox": elfFile(elf.EM_AARCH64, elf.ELFCLASS64, elf.ELFDATA2LSB), "etc/fstab": file(""),
	})
	s, err := Inspect(musl, nil)
	if err != nil || s == nil {
		t.Fatal(err)
	}
	if got := strings.Join(append(s.Kernels, s.Distro, s.Arch), " "); got != "6.6.31-0-lts alpine aarch64" {
		t.Error(got)
	}
}

func TestReleaseFilesAreTheTable(t *testing.T) {
	var code [][]string
	for _, r := range releaseFiles {
		code = append(code, []string{r.file, r.distro, r.name})
	}
	if diff := cmp.Diff(doctable.Rows(t, "A system without os-release"), code); diff != "" {
		t.Error(diff)
	}
}

func TestContainerDirsAreTheTable(t *testing.T) {
	var code [][]string
	for _, c := range containerDirs {
		code = append(code, []string{c.dir, c.what})
	}
	if diff := cmp.Diff(doctable.Rows(t, "Roots of containers"), code); diff != "" {
		t.Error(diff)
	}
}
