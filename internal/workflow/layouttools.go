package workflow

import (
	"slices"

	"salvor/internal/storage"
)

// everywhere are the tools that any machine may need to be made again: what is not
// installed is not listed.
var everywhere = []string{"dracut", "efibootmgr", "grub", "mkinitcpio", "systemd", "tar", "util-linux"}

// toolOfType gives the tool that makes a file system.
var toolOfType = map[string]string{
	"ext2": "e2fsprogs", "ext3": "e2fsprogs", "ext4": "e2fsprogs", "xfs": "xfsprogs", "btrfs": "btrfs-progs",
	"vfat": "dosfstools", "exfat": "exfatprogs", "f2fs": "f2fs-tools", "jfs": "jfsutils", "ntfs": "ntfs-3g",
}

// toolsOf names the tools with which the storage of a graph would be made again.
func toolsOf(g *storage.Graph) []string {
	out := slices.Clone(everywhere)
	for n := range g.Nodes() {
		out = append(out, toolsOfNode(n)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func toolsOfNode(n storage.Node) []string {
	switch n := n.(type) {
	case *storage.FileSystem:
		if tool := toolOfType[n.Type]; tool != "" {
			return []string{tool}
		}
	case *storage.Crypt:
		return []string{"cryptsetup"}
	case *storage.MD:
		return []string{"mdadm"}
	case *storage.Multipath:
		return []string{"multipath-tools"}
	case *storage.VG:
		return []string{"lvm"}
	case *storage.LV:
		switch n.Layout {
		case "thin", "thin-pool", "cache", "cache-pool":
			return []string{"thin-provisioning-tools"}
		}
	}
	return nil
}
