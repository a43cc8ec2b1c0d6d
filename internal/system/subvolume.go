package system

import (
	"fmt"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// subvolume follows subvol= and subvolid=; without them the default subvolume
// counts (btrfs(5)). Where both are given and disagree, the kernel refuses.
func (r *Resolver) subvolume(e fstab.Entry, fs *storage.FileSystem) (storage.ID, error) {
	p, id, asked := e.Options.Subvolume()
	_, byPath := e.Options.Get("subvol")
	for _, s := range r.ix.subvolumes[fs.ID] {
		switch {
		case !asked && s.SubvolID == defaultSubvolume(fs):
		case asked && byPath && s.Path == p && (id == 0 || id == s.SubvolID):
		case asked && !byPath && s.SubvolID == id:
		default:
			continue
		}
		return s.ID, nil
	}
	switch {
	case !asked:
		return fs.ID, nil
	case fs.Is(storage.Unreadable):
		return "", r.fail(e.Spec, StaysShut, []storage.ID{fs.ID}, "the subvolumes of %s cannot be read", Describe(r.g, fs.ID))
	}
	return "", r.fail(e.Spec, Absent, []storage.ID{fs.ID}, "%s has no subvolume %s", Describe(r.g, fs.ID), subvolumeWord(p, id, byPath))
}

func subvolumeWord(p string, id uint64, byPath bool) string {
	switch {
	case byPath && id != 0:
		return fmt.Sprintf("%q with the ID %d", p, id)
	case byPath:
		return fmt.Sprintf("%q", p)
	default:
		return fmt.Sprintf("with the ID %d", id)
	}
}

func defaultSubvolume(fs *storage.FileSystem) uint64 {
	if fs.Default == 0 {
		return 5 // BTRFS_FS_TREE_OBJECTID, the top level
	}
	return fs.Default
}

// deepest gives the subvolume that a directory of a btrfs lies in: the one with
// the longest path above it. Whatever is no subvolume comes back as it is.
func (ix *index) deepest(id storage.ID, root string) storage.ID {
	best := -1
	for _, s := range ix.subvolumes[topOf(ix.g, id)] {
		if len(s.Path) > best && storage.PathContains("/"+s.Path, root) {
			id, best = s.ID, len(s.Path)
		}
	}
	return id
}

// fsType is the type of the file system that id is or lies on, "" for none.
func fsType(g *storage.Graph, id storage.ID) string {
	if fs, ok := g.Node(topOf(g, id)).(*storage.FileSystem); ok {
		return fs.Type
	}
	return ""
}

// fitsType: the type on the disk is one of those that fstab says.
func fitsType(asked, is string) bool {
	if asked == "" || asked == "auto" {
		return true
	}
	for t := range strings.SplitSeq(asked, ",") {
		if family(strings.TrimPrefix(t, "fuse.")) == family(is) {
			return true
		}
	}
	return false
}

// family: one driver mounts ext2, ext3 and ext4, and ntfs has several.
func family(t string) string {
	switch t {
	case "ext2", "ext3", "ext4":
		return "ext"
	case "ntfs", "ntfs3", "ntfs-3g", "fuseblk":
		return "ntfs"
	case "msdos", "vfat", "umsdos":
		return "fat"
	}
	return t
}
