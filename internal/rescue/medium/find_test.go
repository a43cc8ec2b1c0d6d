package medium

import (
	"bytes"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// treeOf makes a tree of files that have their own paths as content; "a -> b" is a link.
func treeOf(paths ...string) fstest.MapFS {
	t := fstest.MapFS{}
	for _, p := range paths {
		if name, target, ok := strings.Cut(p, " -> "); ok {
			t[name] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
		} else {
			t[p] = &fstest.MapFile{Data: []byte("/" + p)}
		}
	}
	return t
}

// said prints what was found, and as what.
func said(l Loaders) []string {
	var out []string
	add := func(what string, f LoaderFile) {
		if f.there() {
			out = append(out, what+": "+string(f.Data))
		}
	}
	add("shim", l.Shim)
	add("mok", l.MokManager)
	add("grub", l.GRUB)
	add("systemd-boot", l.SystemdBoot)
	add("stub", l.Stub)
	if l.ISOLINUX != nil {
		add("isolinux", l.ISOLINUX.Program)
		add("mbr", l.ISOLINUX.MBR)
		add("menu", l.ISOLINUX.Modules[3])
	}
	if l.GRUBPC != nil {
		out = append(out, "i386-pc: "+l.GRUBPC.Dir)
	}
	if l.PXELINUX != nil {
		add("pxelinux", l.PXELINUX.Program)
	}
	add("grubnet", l.GRUBNet)
	return out
}

func TestFindLoaders(t *testing.T) {
	modules := func(dir string) []string {
		return []string{dir + "/ldlinux.c32", dir + "/libcom32.c32", dir + "/libutil.c32", dir + "/menu.c32"}
	}
	cases := map[string]struct {
		arch    Arch
		tree    []string
		want    []string
		missing []string
	}{
		"Debian": {X64, append(modules("usr/lib/syslinux/modules/bios"),
			"usr/lib/ISOLINUX/isolinux.bin", "usr/lib/ISOLINUX/isohdpfx.bin", "usr/lib/PXELINUX/pxelinux.0",
			"usr/lib/shim/shimx64.efi.signed -> /etc/alternatives/shimx64.efi.signed",
			"etc/alternatives/shimx64.efi.signed -> /usr/lib/shim/shimx64.efi.signed.latest",
			"usr/lib/shim/shimx64.efi.signed.latest", "usr/lib/shim/mmx64.efi.signed",
			"usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed",
			"usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed",
			"usr/lib/grub/i386-pc/cdboot.img", "usr/lib/grub/i386-pc/boot_hybrid.img",
			"usr/lib/systemd/boot/efi/linuxx64.efi.stub", "usr/lib/systemd/boot/efi/systemd-bootx64.efi",
		), []string{
			"shim: /usr/lib/shim/shimx64.efi.signed.latest", "mok: /usr/lib/shim/mmx64.efi.signed",
			"grub: /usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed",
			"systemd-boot: /usr/lib/systemd/boot/efi/systemd-bootx64.efi", "stub: /usr/lib/systemd/boot/efi/linuxx64.efi.stub",
			"isolinux: /usr/lib/ISOLINUX/isolinux.bin", "mbr: /usr/lib/ISOLINUX/isohdpfx.bin", "menu: /usr/lib/syslinux/modules/bios/menu.c32",
			"i386-pc: /usr/lib/grub/i386-pc", "pxelinux: /usr/lib/PXELINUX/pxelinux.0",
			"grubnet: /usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed",
		}, nil},
		"Fedora with a foreign ESP": {X64, append(modules("usr/share/syslinux"),
			"usr/share/syslinux/isolinux.bin", "usr/share/syslinux/isohdpfx.bin",
			"boot/efi/EFI/BOOT/shimx64.efi", "boot/efi/EFI/BOOT/grubx64.efi",
			"boot/efi/EFI/centos/shimx64.efi", "boot/efi/EFI/centos/grubx64.efi",
			"boot/efi/EFI/fedora/shimx64.efi", "boot/efi/EFI/fedora/mmx64.efi", "boot/efi/EFI/fedora/grubx64.efi",
			"usr/lib/os-release", "etc/os-release -> ../usr/lib/os-release",
		), []string{
			"shim: /boot/efi/EFI/fedora/shimx64.efi", "mok: /boot/efi/EFI/fedora/mmx64.efi", "grub: /boot/efi/EFI/fedora/grubx64.efi",
			"isolinux: /usr/share/syslinux/isolinux.bin", "mbr: /usr/share/syslinux/isohdpfx.bin", "menu: /usr/share/syslinux/menu.c32",
		}, []string{"a unified kernel image"}},
		"RHEL with its files below /usr": {X64, []string{
			"usr/lib/efi/shim/15.8-4/EFI/redhat/shimx64.efi", "usr/lib/efi/grub2/2.12-9/EFI/redhat/grubx64.efi",
			"usr/lib/grub/i386-pc/cdboot.img", "usr/lib/grub/i386-pc/boot_hybrid.img",
		}, []string{
			"shim: /usr/lib/efi/shim/15.8-4/EFI/redhat/shimx64.efi", "grub: /usr/lib/efi/grub2/2.12-9/EFI/redhat/grubx64.efi",
			"i386-pc: /usr/lib/grub/i386-pc",
		}, []string{"a unified kernel image"}},
		"openSUSE on ARM": {AA64, []string{
			"usr/share/efi/aarch64/shim.efi", "usr/share/efi/aarch64/MokManager.efi", "usr/share/efi/aarch64/grub.efi",
			"usr/lib/systemd/boot/efi/linuxaa64.efi.stub",
		}, []string{
			"shim: /usr/share/efi/aarch64/shim.efi", "mok: /usr/share/efi/aarch64/MokManager.efi", "grub: /usr/share/efi/aarch64/grub.efi",
			"stub: /usr/lib/systemd/boot/efi/linuxaa64.efi.stub",
		}, nil},
		"Arch": {X64, append(modules("usr/lib/syslinux/bios"), "usr/lib/syslinux/bios/isolinux.bin", "usr/lib/syslinux/bios/isohdpfx.bin",
			"usr/lib/systemd/boot/efi/systemd-bootx64.efi", "usr/lib/systemd/boot/efi/linuxx64.efi.stub",
		), []string{
			"systemd-boot: /usr/lib/systemd/boot/efi/systemd-bootx64.efi", "stub: /usr/lib/systemd/boot/efi/linuxx64.efi.stub",
			"isolinux: /usr/lib/syslinux/bios/isolinux.bin", "mbr: /usr/lib/syslinux/bios/isohdpfx.bin", "menu: /usr/lib/syslinux/bios/menu.c32",
		}, []string{"starting by UEFI with Secure Boot"}},
		"shim without its GRUB": {X64, []string{"usr/lib/shim/shimx64.efi.signed", "usr/lib/grub/x86_64-efi/monolithic/gcdx64.efi"},
			[]string{"grub: /usr/lib/grub/x86_64-efi/monolithic/gcdx64.efi"},
			[]string{"starting by a BIOS", "starting by UEFI with Secure Boot", "a unified kernel image"}},
		"links in a circle": {X64, []string{"usr/lib/shim/shimx64.efi.signed -> shimx64.efi.signed"}, nil,
			[]string{"starting by a BIOS", "starting by UEFI", "a unified kernel image"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			root := treeOf(c.tree...)
			if f := root["usr/lib/os-release"]; f != nil {
				f.Data = []byte("NAME=\"Fedora Linux\"\nID=fedora\n")
			}
			l := FindLoaders(root, c.arch)
			if diff := cmp.Diff(c.want, said(l)); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
			var lacks []string
			for _, m := range l.Missing() {
				lacks = append(lacks, m.For)
			}
			if diff := cmp.Diff(c.missing, lacks); diff != "" {
				t.Errorf("missing (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGRUBLooksForItsMenuHere(t *testing.T) {
	got := grubPrefixes([]byte("x\x00/EFI/debian\x00 /EFI/x not the end, /boot/grub\x00/EFI/boot\x00/boot/grub2\x00"))
	if want := []string{"boot/grub", "EFI/BOOT", "EFI/debian", "boot/grub2"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestKernelArch(t *testing.T) {
	program := func(machine byte, high byte) []byte {
		b := make([]byte, 4096)
		copy(b, "MZ")
		b[peOffset] = 0x40
		copy(b[0x40:], []byte{'P', 'E', 0, 0, machine, high})
		return b
	}
	pc := func(version, flags byte) []byte {
		b := make([]byte, 4096)
		copy(b[0x202:], []byte{'H', 'd', 'r', 'S', version, 2})
		b[0x236] = flags
		return b
	}
	image := make([]byte, 4096)
	copy(image[56:], "ARM\x64")
	for _, c := range []struct {
		kernel []byte
		want   Arch
	}{{program(0x64, 0x86), X64}, {program(0x64, 0xaa), AA64}, {pc(0x0a, 0), X64}, {pc(0x0f, 0x3f), X64}, {pc(0x0f, 0x3e), ""}, {image, AA64}, {program(0xc4, 0x01), ""}, {noise(1, 4096), ""}, {nil, ""}} {
		got, err := KernelArch(bytes.NewReader(c.kernel))
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%q, %v; want %q", got, err, c.want)
		}
	}
}
