package tool

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/machine"
)

// TestReadVersion: what the programs of Debian 12 say, if nothing else is told.
func TestReadVersion(t *testing.T) {
	out := func(s string) machine.Result { return machine.Result{Stdout: []byte(s)} }
	errs := func(s string) machine.Result { return machine.Result{Stderr: []byte(s)} }
	tests := []struct {
		name, want string
		said       machine.Result
		status     int
	}{
		{"btrfs-progs", "6.2", out("mkfs.btrfs, part of btrfs-progs v6.2\n"), 0},
		{"cryptsetup", "2.6.1", out("cryptsetup 2.6.1 flags: UDEV BLKID KEYRING KERNEL_CAPI \n"), 0},
		{"dosfstools", "4.2", machine.Result{Stdout: []byte("mkfs.fat 4.2 (2021-01-31)\n"), Stderr: []byte("Usage: mkfs.vfat [OPTIONS] TARGET [BLOCKS]\n")}, 0},
		{"dracut", "059-4", out("dracut 059-4\n"), 0},
		{"e2fsprogs", "1.47.0", errs("mke2fs 1.47.0 (5-Feb-2023)\n\tUsing EXT2FS Library version 1.47.0\n"), 0},
		{"efibootmgr", "17", out("version 17\n"), 0},
		{"exfatprogs", "1.2.0", out("exfatprogs version : 1.2.0\n"), 1},
		{"f2fs-tools", "1.15.0", out("mkfs.f2fs 1.15.0 (2022-05-13)\n"), 0},
		{"gptfdisk", "1.0.9", out("GPT fdisk (sgdisk) version 1.0.9\n\n"), 0},
		{"grub", "2.06-13+deb12u2", out("grub-install (GRUB) 2.06-13+deb12u2\n"), 0},
		{"grub", "2.06", out("grub2-install (GRUB) 2.06\n"), 0}, // Fedora 38
		{"iproute2", "6.1.0", out("ip utility, iproute2-6.1.0, libbpf 1.1.2\n"), 0},
		{"jfsutils", "1.1.15", out("mkfs.jfs version 1.1.15, 04-Mar-2011\n"), 0},
		{"lvm", "2.03.16(2)", machine.Result{
			Stdout: []byte("  LVM version:     2.03.16(2) (2022-05-18)\n  Library version: 1.02.185 (2022-05-18)\n"),
			Stderr: []byte("/dev/mapper/control: open failed: No such device\n"),
		}, 0},
		{"mdadm", "4.2", errs("mdadm - v4.2 - 2021-12-30 - Debian 4.2-5\n"), 0},
		{"mkinitcpio", "39.2", out("mkinitcpio 39.2\n"), 0}, // Arch
		{"multipath-tools", "0.9.4", errs("multipath-tools v0.9.4 (12/19, 2022)\nUsage:\n"), 0},
		{"ntfs-3g", "2022.10.3", out("\nmkntfs v2022.10.3 (libntfs-3g)\n\nCreate an NTFS volume.\n"), 0},
		{"restic", "0.14.0", out("restic 0.14.0 compiled with go1.19.8 on linux/amd64\n"), 0},
		{"rsync", "3.5.0", out("rsync  version 3.5.0  protocol version 32\nCopyright (C) 1996-2026\n"), 0},
		{"systemd", "252", out("systemd 252 (252.39-1~deb12u2)\n"), 0},
		{"tar", "1.34", out("tar (GNU tar) 1.34\nCopyright (C) 2021\n"), 0},
		{"tar", "3.6.2", out("bsdtar 3.6.2 - libarchive 3.6.2 zlib/1.2.13\n"), 0},
		{"thin-provisioning-tools", "0.9.0", out("0.9.0\n"), 0},
		{"util-linux", "2.38.1", out("sfdisk from util-linux 2.38.1\n"), 0},
		{"xfsprogs", "6.1.0", out("mkfs.xfs version 6.1.0\n"), 0},
	}
	seen := map[string]bool{}
	for _, tt := range tests {
		seen[tt.name] = true
		var err error
		said := tt.said
		if tt.status != 0 {
			err = &machine.ExitError{Status: tt.status, Result: said}
			said = machine.Result{}
		}
		if got, err := ReadVersion(tt.name, said, err); got != tt.want || err != nil {
			t.Errorf("%s: %q, not %q (%v)", tt.name, got, tt.want, err)
		}
	}
	for _, name := range Versioned() {
		if !seen[name] {
			t.Errorf("what %s says is not tried", name)
		}
	}
}

func TestReadVersionFails(t *testing.T) {
	down := &machine.ExitError{Cmd: machine.Cmd{Program: "mdadm"}, Status: 1, Result: machine.Result{Stderr: []byte("mdadm - v4.2")}}
	if v, err := ReadVersion("mdadm", machine.Result{}, down); !errors.Is(err, down) {
		t.Errorf("a program that fails has the version %q, %v", v, err)
	}
	if v, err := ReadVersion("mdadm", machine.Result{Stdout: []byte("no version here\n")}, nil); err == nil {
		t.Errorf("it says no version, and has %q", v)
	}
	if _, err := ReadVersion("emacs", machine.Result{}, nil); err == nil {
		t.Error("a name that is not known has a version")
	}
}

func TestAskVersion(t *testing.T) {
	var got []string
	for _, c := range AskVersion("grub") {
		got = append(got, c.String())
	}
	if diff := cmp.Diff([]string{"grub-install --version", "grub2-install --version"}, got); diff != "" {
		t.Error(diff)
	}
	if got := AskVersion("emacs"); got != nil {
		t.Errorf("what is not known is asked: %v", got)
	}
	if !slices.IsSorted(Versioned()) {
		t.Error("the names are not sorted")
	}
}
