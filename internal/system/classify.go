package system

import (
	"io/fs"
	"strings"
)

// imageTypes are file systems that nobody installs a system on: they are written
// once, as a whole.
var imageTypes = words("squashfs iso9660 udf erofs cramfs romfs")

// classify tells apart what is no Linux system.
func classify(tree fs.FS) Class {
	list, err := fs.ReadDir(tree, ".")
	if err != nil {
		return Unknown
	}
	names := map[string]bool{}
	for _, e := range list {
		names[strings.ToLower(e.Name())] = true
	}
	delete(names, "lost+found")
	switch {
	case len(names) == 0:
		return Empty
	case names["windows"] && (names["users"] || names["program files"] || isDirFold(tree, "windows", "system32")):
		return Windows
	case names["etc"] && exists(tree, "etc/rc.subr") && exists(tree, "etc/rc.d"):
		return BSD
	case names["efi"] || names["grub"] || names["grub2"] || names["loader"] || hasPrefix(names, "vmlinuz-") || hasPrefix(names, "vmlinux-"):
		return Boot
	default:
		return Data
	}
}

func hasPrefix(names map[string]bool, prefix string) bool {
	for n := range names {
		if strings.HasPrefix(n, prefix) {
			return true
		}
	}
	return false
}

// isDirFold finds sub in the directory dir without regard to case, as Windows does.
func isDirFold(tree fs.FS, dir, sub string) bool {
	top, _ := fs.ReadDir(tree, ".")
	for _, e := range top {
		if !strings.EqualFold(e.Name(), dir) {
			continue
		}
		inner, _ := fs.ReadDir(tree, e.Name())
		for _, i := range inner {
			if strings.EqualFold(i.Name(), sub) {
				return true
			}
		}
	}
	return false
}
