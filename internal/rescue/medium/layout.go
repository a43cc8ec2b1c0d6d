package medium

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// layOut gives the files of an ISO or USB image, in their order: loaders first, so that
// firmware which sees only the beginning of a CD's file system finds all that it needs.
// What lies within another file is an alias for the ISO 9660 tree.
func (p Parts) layOut(id identity) (tree, []alias, error) {
	l := p.Loaders
	if l.biosPath() == "" && l.uefi() == "" {
		return nil, nil, errors.New("cannot make a boot medium: there is no boot loader, neither for BIOS nor for UEFI")
	}
	var t tree
	t.put(id.mark(), fmt.Appendf(nil, "%s\n%x\n", p.heading(), id))
	p.putBIOS(&t)
	switch l.uefi() {
	case uefiShim, uefiGRUB:
		p.putGRUB(&t)
	case uefiSystemdBoot:
		t.put(l.Arch.EFIProgram(), l.SystemdBoot.Data)
		t = append(t, p.systemdBootEntries()...)
	}
	if l.GRUB.there() || l.GRUBPC != nil {
		p.putGRUBConfig(&t, id)
	}
	if l.uefi() == uefiUKI {
		return p.putUKI(t)
	}
	t.putReader(kernelPath, p.Kernel)
	t.putReader(initrdPath, p.Initramfs)
	return t, nil, nil
}

func (p Parts) putBIOS(t *tree) {
	switch l := p.Loaders; {
	case l.ISOLINUX != nil:
		t.put(l.biosPath(), l.ISOLINUX.Program.Data)
		for _, m := range l.ISOLINUX.Modules {
			t.put("isolinux/"+m.name(), m.Data)
		}
		t.put("isolinux/isolinux.cfg", p.syslinuxConfig("/"+kernelPath, "/"+initrdPath))
	case l.biosPath() != "":
		t.put(l.biosPath(), slices.Concat(l.GRUBPC.CDBoot.Data, l.GRUBPC.Core.Data))
	}
}

// putGRUB puts GRUB where firmware looks for a loader, or shim there and GRUB where shim
// looks for it: beside itself (shim: Make.defaults, DEFAULT_LOADER).
func (p Parts) putGRUB(t *tree) {
	l := p.Loaders
	if l.uefi() == uefiGRUB {
		t.put(l.Arch.EFIProgram(), l.GRUB.Data)
		return
	}
	t.put(l.Arch.EFIProgram(), l.Shim.Data)
	t.put("EFI/BOOT/GRUB"+l.Arch.upper()+".EFI", l.GRUB.Data)
	if l.MokManager.there() {
		t.put("EFI/BOOT/MM"+l.Arch.upper()+".EFI", l.MokManager.Data)
	}
}

// putGRUBConfig puts the menu wherever a GRUB that is signed, and so cannot be told, may look
// for it: beside itself (openSUSE), and where it was built to look: /boot/grub (Debian's for
// CDs), /EFI/debian, /EFI/fedora…
func (p Parts) putGRUBConfig(t *tree, id identity) {
	config := p.grubConfig(id.mark())
	for _, dir := range grubPrefixes(p.Loaders.GRUB.Data) {
		t.put(dir+"/grub.cfg", config)
	}
}

// builtInPrefix is a directory that a GRUB image was built with, as text with a zero behind.
var builtInPrefix = regexp.MustCompile(`/((?:EFI|efi)/[A-Za-z0-9_-]{2,30}|boot/grub2?)\x00`)

// mostPrefixes is far more than an image has; it bounds what a hostile one can ask for.
const mostPrefixes = 16

// grubPrefixes are the directories in which a GRUB image may look for its configuration.
func grubPrefixes(image []byte) []string {
	dirs := []string{"boot/grub", "EFI/BOOT"}
	for _, m := range builtInPrefix.FindAllSubmatch(image, mostPrefixes) {
		dir := string(m[1])
		if !slices.ContainsFunc(dirs, func(d string) bool { return strings.EqualFold(d, dir) }) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// putUKI stores the UKI where firmware looks for a loader. The kernel and the initramfs for
// a BIOS loader, which reads ISO 9660, are the sections of it.
func (p Parts) putUKI(t tree) (tree, []alias, error) {
	u, err := makeUKI(p)
	if err != nil {
		return nil, nil, err
	}
	boot := p.Loaders.Arch.EFIProgram()
	t.putReader(boot, u.image)
	return t, []alias{{kernelPath, boot, u.kernel}, {initrdPath, boot, u.initrd}}, nil
}
