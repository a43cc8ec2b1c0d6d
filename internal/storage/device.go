package storage

import (
	"fmt"
	"strings"
)

// DMPath is the device path of a device-mapper name. Characters outside a small
// set stand in it as \xNN (libdevmapper's default "auto" mangling, dmsetup(8)).
func DMPath(name string) string {
	var b strings.Builder
	b.WriteString("/dev/mapper/")
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("#+-.:=@_", c) >= 0:
			b.WriteByte(c)
		case c == '\\' && i+1 < len(name) && name[i+1] == 'x': // is mangled already
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, `\x%02x`, c)
		}
	}
	return b.String()
}

// LVPath is the device path of a logical volume: both names with their hyphens
// doubled (lvm2, lib/misc/lvm-string.c, build_dm_name).
func LVPath(vg, lv string) string {
	double := func(s string) string { return strings.ReplaceAll(s, "-", "--") }
	return "/dev/mapper/" + double(vg) + "-" + double(lv)
}

// DevicePath gives the path under which the node's content is, or (for a node
// that is closed in reality but open in a wanted graph) will be. A copy-on-write
// stand-in comes before the device itself. It is "" when nothing can be said.
func (g *Graph) DevicePath(id ID) string {
	n := g.nodes[id]
	if n == nil {
		return ""
	}
	if o := n.Base().Overlay; o != nil {
		return DMPath(o.Name)
	}
	return g.ownPath(n)
}

// OwnPath is DevicePath without regard to stand-ins.
func (g *Graph) OwnPath(id ID) string {
	if n := g.nodes[id]; n != nil {
		return g.ownPath(n)
	}
	return ""
}

func (g *Graph) ownPath(n Node) string {
	switch n := n.(type) {
	case *Crypt:
		if n.Open != nil {
			return DMPath(n.Open.Name)
		}
		return ""
	case *LV:
		if n.Open != nil {
			return LVPath(n.VG, n.Name)
		}
		return ""
	case *FileSystem, *Subvolume, *Swap, *PV, *Table, *Opaque, *BcacheSet:
		return g.carrierPath(n)
	case *Partition:
		if p := n.Path(); p != "" {
			return p
		}
		return partitionPath(g.carrierPath(n), n.Number)
	}
	if !CanOpen(n) {
		return n.Base().Path()
	}
	switch o := OpeningOf(n); {
	case o == nil:
		return ""
	case o.Name != "":
		return "/dev/" + o.Name
	default:
		return n.Base().Path()
	}
}

// carrierPath is the path of the first device that a node without a device of
// its own lies on. A btrfs of several devices is reached through any of them.
func (g *Graph) carrierPath(n Node) string {
	for _, low := range n.Base().On {
		if p := g.DevicePath(low); p != "" {
			return p
		}
	}
	return ""
}

// partitionPath follows the kernel's rule: a "p" goes between a disk's name that
// ends in a digit and the number (block/partitions/core.c, part_devname).
func partitionPath(disk string, number int) string {
	if disk == "" || number == 0 {
		return ""
	}
	if last := disk[len(disk)-1]; last >= '0' && last <= '9' {
		return fmt.Sprintf("%sp%d", disk, number)
	}
	return fmt.Sprintf("%s%d", disk, number)
}
