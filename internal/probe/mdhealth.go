package probe

import (
	"salvor/internal/ondisk"
	"salvor/internal/storage"
)

// judge says how an array is. Of a running one the kernel knows better whether
// it is degraded; which member is missing follows from the superblocks.
func judge(n *storage.MD, c arrayCopy) {
	sb := c.newest()
	present := make([]bool, max(sb.RaidDisks, 0))
	for _, m := range c.members {
		if fresh(n, c, m, sb) {
			present[m.sb.Role] = true
		}
	}
	missing := 0
	for slot, there := range present {
		if !there {
			missing++
			missingMember(n, c, slot, len(present))
		}
	}
	if missing == 0 || n.Open != nil {
		return
	}
	if enough(sb, present) {
		n.Mark(storage.Degraded)
	} else {
		n.Mark(storage.Incomplete)
		addNotef(n, "too few members are there to start it: %d of %d", len(present)-missing, len(present))
	}
}

// fresh tells whether a member is in its place and up to date. mdadm lets a
// member be one event behind (Assemble.c, "event_margin"): it was being written
// when the array stopped.
func fresh(n *storage.MD, c arrayCopy, m member, newest *ondisk.MD) bool {
	slot := int(m.sb.Role)
	if slot < 0 || slot >= newest.RaidDisks {
		return false
	}
	switch {
	case c.running != nil && c.running.running():
		if _, runs := c.running.slotOf(m.device); len(c.running.md.slots) > 0 && !runs {
			addNotef(n, "%s, member %d of %d, is there and takes no part in it", m.device.path, slot+1, newest.RaidDisks)
			return false
		}
	case m.sb.Events+1 < newest.Events:
		addNotef(n, "%s, member %d of %d, is out of date (%d events, the others %d)", m.device.path, slot+1, newest.RaidDisks, m.sb.Events, newest.Events)
		return false
	case m.sb.Recovering:
		addNotef(n, "%s, member %d of %d, was being rebuilt and is not complete", m.device.path, slot+1, newest.RaidDisks)
		return false
	}
	return true
}

// missingMember tells of an empty place, unless something out of date is in it,
// which has its own note.
func missingMember(n *storage.MD, c arrayCopy, slot, of int) {
	for _, m := range c.members {
		if int(m.sb.Role) == slot {
			return
		}
	}
	n.Mark(storage.MemberMissing)
	addNotef(n, "member %d of %d is missing", slot+1, of)
}

// enough tells whether an array of the level can work with the members that are
// present (mdadm: util.c, enough()).
func enough(sb *ondisk.MD, present []bool) bool {
	there := 0
	for _, p := range present {
		if p {
			there++
		}
	}
	switch sb.Level {
	case "raid1", "multipath":
		return there >= 1
	case "raid4", "raid5":
		return there >= len(present)-1
	case "raid6":
		return there >= len(present)-2
	case "raid10":
		return enough10(sb.Layout, present)
	default: // raid0, linear
		return there == len(present)
	}
}

// enough10 looks at every stripe of a RAID 10: its copies lie on neighbours
// (near copies first, then far or offset ones), and one of them has to be there
// (md(4), "RAID10").
func enough10(layout uint32, present []bool) bool {
	near, far := int(layout&0xff), int(layout>>8&0xff)
	n := len(present)
	if near == 0 || far == 0 || n == 0 {
		return false
	}
	for first, turn := 0, 0; turn < n; turn++ {
		found := false
		for i := range min(near*far, n) {
			found = found || present[(first+i)%n]
		}
		if !found {
			return false
		}
		first = (first + near) % n
	}
	return true
}

// arraySize is the size that the array will have when it runs.
func arraySize(sb *ondisk.MD, members []member) uint64 {
	disks := uint64(max(sb.RaidDisks, 0))
	switch sb.Level {
	case "raid1", "multipath":
		return sb.Size
	case "raid4", "raid5":
		return sb.Size*max(disks, 1) - sb.Size
	case "raid6":
		return sb.Size * (max(disks, 2) - 2)
	case "raid10":
		copies := uint64(max(sb.Layout&0xff, 1)) * uint64(max(sb.Layout>>8&0xff, 1))
		return sb.Size * disks / copies
	case "raid0", "linear":
		var sum uint64
		for _, m := range members {
			sum += m.sb.DataSize
		}
		return sum
	}
	return 0
}
