package system

import (
	"io/fs"
	"strings"

	"salvor/internal/storage"
)

// imageTypes are file systems that nobody installs a system on: they are written
// once, as a whole.
var imageTypes = words("squashfs iso9660 udf erofs cramfs romfs")

// bsdTypes are file systems of the BSDs.
var bsdTypes = words("ufs ffs hammer hammer2")

// bsdPartitions are the partition types of the BSDs (FreeBSD gpart(8), NetBSD
// gpt(8), OpenBSD fdisk(8)). In an MBR a whole label lies in one partition.
var bsdPartitions = map[string]string{
	"0xa5": "FreeBSD", "0xa6": "OpenBSD", "0xa9": "NetBSD",
	"516e7cb4-6ecf-11d6-8ff8-00022d09712b": "FreeBSD", "516e7cb6-6ecf-11d6-8ff8-00022d09712b": "FreeBSD",
	"516e7cba-6ecf-11d6-8ff8-00022d09712b": "FreeBSD", "824cc7a0-36a8-11e3-890a-952519ad3f61": "OpenBSD",
	"49f48d5a-b10e-11dc-b99b-0019d1879648": "NetBSD", "2db519c4-b10f-11dc-b99b-0019d1879648": "NetBSD",
	"9d58fdbd-1ca5-11dc-8817-01301bb8a9f5": "DragonFly BSD", "61dc63ac-6e38-11dc-8513-01301bb8a9f5": "DragonFly BSD",
}

// unseen is a root that could not be looked at. What it is may be known all the
// same.
func (f *finder) unseen(root storage.ID, err error) Finding {
	if t := fsType(f.g, root); bsdTypes[t] {
		return Finding{Root: root, Class: BSD, Cause: "a file system of a BSD (" + t + "), which is not looked into"}
	}
	return Finding{Root: root, Class: Unknown, Cause: causeOf(err)}
}

// opaque is content that is recognised and not taken apart.
func (f *finder) opaque(n *storage.Opaque) Finding {
	x := Finding{Root: n.ID, Class: Unknown, Cause: storage.Printable(n.Format) + " is recognised, but salvor cannot look into it"}
	for _, low := range f.g.Lower(n.ID) {
		if p, ok := low.(*storage.Partition); ok && bsdPartitions[p.Type] != "" {
			x.Class, x.Cause = BSD, bsdPartitions[p.Type]+" by the type of its partition; "+x.Cause
		}
	}
	return x
}

// foreign lists a partition whose type alone says what it is for.
func (f *finder) foreign(p *storage.Partition) {
	if name := bsdPartitions[p.Type]; name != "" && len(f.g.Upper(p.ID)) == 0 {
		f.add(Finding{Root: p.ID, Class: BSD, Cause: name + " by the type of its partition, which is not looked into"})
	}
}

// classify tells apart what is no Linux system.
func classify(tree fs.FS) (Class, string) {
	list, err := fs.ReadDir(tree, ".")
	if err != nil {
		return Unknown, ""
	}
	names := map[string]bool{}
	for _, e := range list {
		names[strings.ToLower(e.Name())] = true
	}
	delete(names, "lost+found")
	switch {
	case len(names) == 0:
		return Empty, ""
	case names["windows"] && (names["users"] || names["program files"] || isDirFold(tree, "windows", "system32")):
		return Windows, "an installed Windows"
	case names["bootmgr"] && names["boot"] && !names["sources"]:
		return Windows, "what boots a Windows"
	case names["sources"] && names["bootmgr"]:
		return Windows, "what installs a Windows"
	case names["recovery"] && isDirFold(tree, "recovery", "windowsre"):
		return Windows, "what repairs a Windows"
	case names["etc"] && exists(tree, "etc/rc.subr") && exists(tree, "etc/rc.d"):
		return BSD, ""
	case names["efi"] || names["grub"] || names["grub2"] || names["loader"] || hasPrefix(names, "vmlinuz-") || hasPrefix(names, "vmlinux-"):
		return Boot, loadersIn(tree)
	default:
		return Data, ""
	}
}

// loadersIn names the directories of an EFI system partition in which vendors keep
// their loaders (UEFI 2.10, 13.3.1.3). "BOOT" is nobody's own.
func loadersIn(tree fs.FS) string {
	var out []string
	top, _ := fs.ReadDir(tree, ".") // it was listed before
	for _, e := range top {
		if !strings.EqualFold(e.Name(), "efi") {
			continue
		}
		vendors, _ := fs.ReadDir(tree, e.Name())
		for _, v := range vendors {
			if name := clean(v.Name()); v.IsDir() && !strings.EqualFold(name, "boot") && len(out) < maxLoaders {
				out = append(out, name)
			}
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "loaders: " + strings.Join(out, ", ")
}

// maxLoaders is more than any firmware's menu shows.
const maxLoaders = 12

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
