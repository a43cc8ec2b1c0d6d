package medium

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"strings"
)

// Where a medium has its kernel and initramfs. The names have eight letters at most and an
// extension: so they are the same in FAT and in ISO 9660 without extensions.
const (
	kernelPath = "boot/vmlinuz.efi"
	initrdPath = "boot/initrd.img"
)

// menuTimeout is how many seconds a menu waits.
const menuTimeout = 5

// entry is a line of the menu that starts the rescue system.
type entry struct {
	name, title string // name is a label for loaders
	options     string // the kernel's command line
}

// wholeMemory makes the kernel keep the unpacked initramfs in ramfs. In tmpfs, which is the
// usual, it may take half of the memory and no more, at a time when the packed one takes memory,
// too (kernel: init_rootfs in init/do_mounts.c): it would not fit where it could well run.
const wholeMemory = "rootfstype=ramfs"

// entries are those that start the rescue system; the first is the default. Every one
// speaks on screen and serial line; the last console= is the one that is /dev/console
// (kernel: Documentation/admin-guide/serial-console.rst).
func (p Parts) entries() []entry {
	serial := "console=" + cmp.Or(map[Arch]string{AA64: "ttyAMA0"}[p.Loaders.Arch], "ttyS0") + ",115200"
	const screen = "console=tty0"
	line := func(words ...string) string {
		return strings.Join(strings.Fields(strings.Join(append(words, wholeMemory, p.CommandLine), " ")), " ")
	}
	return []entry{
		{"rescue", "Rescue", line(serial, screen)},
		{"serial", "Rescue, serial console", line(screen, serial)},
		{"safe", "Rescue, safe graphics", line(serial, screen, "nomodeset")},
	}
}

const localDisk = "Boot from local disk"

// heading is the title of the medium in letters that mean nothing to any loader.
func (p Parts) heading() string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(notPassedOn+"^`", r) {
			return '?'
		}
		return r
	}, cmp.Or(p.Title, "salvor rescue"))
}

// plainWord is what GRUB takes as it stands (GRUB manual, "Quoting").
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:=,@%+-]+$`)

// grubWords quotes the words of a command line for GRUB's shell.
func grubWords(line string) string {
	words := strings.Fields(line)
	for i, w := range words {
		if !plainWord.MatchString(w) {
			words[i] = "'" + w + "'"
		}
	}
	return strings.Join(words, " ")
}

// grubConfig is the menu for GRUB. It first looks for the medium: when the firmware has
// started GRUB from a CD, root is the CD, else a partition, else nothing at all. A GRUB
// that has no command "serial" built in cannot load it under Secure Boot, and goes on without.
func (p Parts) grubConfig(mark string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s\n", p.heading())
	fmt.Fprintf(&b, "search --no-floppy --set=root --file /%s\n", mark)
	b.WriteString("if serial --unit=0 --speed=115200; then\n" +
		"\tterminal_input --append serial\n\tterminal_output --append serial\nfi\n")
	fmt.Fprintf(&b, "set default=0\nset timeout=%d\n", menuTimeout)
	for _, e := range p.entries() {
		fmt.Fprintf(&b, "menuentry '%s' --id %s {\n\tlinux /%s %s\n\tinitrd /%s\n}\n",
			e.title, e.name, kernelPath, grubWords(e.options), initrdPath)
	}
	// With an error status the firmware goes on to its next boot option (UEFI 2.10, 3.1.7).
	fmt.Fprintf(&b, "menuentry '%s' --id local {\n\texit 1\n}\n", localDisk)
	return b.Bytes()
}

// syslinuxConfig is the menu for ISOLINUX and PXELINUX; kernel and initrd are paths that
// they understand. LOCALBOOT -1 lets the BIOS go on to its next device.
func (p Parts) syslinuxConfig(kernel, initrd string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "serial 0 115200\ndefault menu.c32\nprompt 0\ntimeout %d\nmenu title %s\n", 10*menuTimeout, p.heading())
	for i, e := range p.entries() {
		fmt.Fprintf(&b, "label %s\n\tmenu label %s\n", e.name, e.title)
		if i == 0 {
			b.WriteString("\tmenu default\n")
		}
		fmt.Fprintf(&b, "\tlinux %s\n\tinitrd %s\n\tappend %s\n", kernel, initrd, e.options)
	}
	fmt.Fprintf(&b, "label local\n\tmenu label %s\n\tlocalboot -1\n", localDisk)
	return b.Bytes()
}

// systemdBootEntries are the files of systemd-boot's menu (Boot Loader Specification, type 1).
// It cannot start the system of another disk; its own menu leads to the firmware's.
func (p Parts) systemdBootEntries() tree {
	var t tree
	t.put("loader/loader.conf", fmt.Appendf(nil, "timeout %d\ndefault rescue.conf\n", menuTimeout))
	for i, e := range p.entries() {
		t.put("loader/entries/"+e.name+".conf", fmt.Appendf(nil, "title %s\nsort-key salvor-%d\nversion %s\nlinux /%s\ninitrd /%s\noptions %s\n",
			e.title, i, cmp.Or(p.Release, "0"), kernelPath, initrdPath, e.options))
	}
	return t
}

// ipxeScript is the menu for iPXE; it takes the files from where it was taken itself.
func (p Parts) ipxeScript() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "#!ipxe\n:start\nmenu %s\n", p.heading())
	for _, e := range p.entries() {
		fmt.Fprintf(&b, "item %s %s\n", e.name, e.title)
	}
	fmt.Fprintf(&b, "item local %s\n", localDisk)
	fmt.Fprintf(&b, "choose --default rescue --timeout %d target && goto ${target} || goto rescue\n", 1000*menuTimeout)
	for _, e := range p.entries() {
		// UEFI takes the initramfs by the name that initrd= gives it; BIOS ignores the word.
		fmt.Fprintf(&b, ":%s\nkernel %s initrd=%s %s || goto failed\ninitrd %s || goto failed\nboot || goto failed\n",
			e.name, pxeKernel, pxeInitrd, e.options, pxeInitrd)
	}
	b.WriteString(":local\nexit 1\n:failed\nprompt Cannot start the rescue system. Press a key. && goto start\n")
	return b.Bytes()
}
