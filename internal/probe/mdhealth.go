package probe

import (
	"fmt"
	"slices"

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
	if n.Open == nil || n.Open.ReadOnly {
		unclean(n, sb)
	}
	switch {
	case n.Open != nil:
	case divided(n, c):
		n.Mark(storage.Incomplete)
	case missing == 0:
	case enough(sb, present):
		n.Mark(storage.Degraded)
	default:
		n.Mark(storage.Incomplete)
		addNote(n, tooFew(sb, present, missing))
	}
}

// unclean tells of an array that was not stopped. What is on its members may differ
// then, and starting it for writing makes it equal again.
func unclean(n *storage.MD, sb *ondisk.MD) {
	if !redundant[sb.Level] || isClean(sb) {
		return
	}
	n.Mark(storage.Dirty)
	switch {
	case sb.BitmapStale:
		addNote(n, "it was not stopped cleanly, and its write-intent bitmap is out of date: the whole array has to be made equal again")
	case sb.Bitmap:
		addNote(n, "it was not stopped cleanly: what its write-intent bitmap names has to be made equal again")
	default:
		addNote(n, "it was not stopped cleanly: the whole array has to be made equal again")
	}
}

// redundant are the levels whose members can differ.
var redundant = map[string]bool{"raid1": true, "raid4": true, "raid5": true, "raid6": true, "raid10": true}

// isClean: the members agree, or a log on one of them says what to do
// (mdadm(8), "--consistency-policy").
func isClean(sb *ondisk.MD) bool { return sb.Clean || sb.Journal || sb.PartialParity }

// divided tells an array of which two members each say that the other one is gone:
// they were in use one without the other, and what is newer is not for a program
// to say. mdadm would take the one with more events.
func divided(n *storage.MD, c arrayCopy) bool {
	for i, x := range c.members {
		for _, y := range c.members[i+1:] {
			if x.sb.Role >= 0 && y.sb.Role >= 0 && !x.counts(y) && !y.counts(x) {
				addNotef(n, "%s and %s went on without each other: each says that the other one is gone. Assemble it by hand from the one that is to be kept (mdadm --assemble --run DEVICE MEMBER)", x.device.path, y.device.path)
				return true
			}
		}
	}
	return false
}

// counts: the superblock of m knows of a member in the place of o.
func (m member) counts(o member) bool { return slices.Contains(m.sb.Roles, o.sb.Role) }

// tooFew says why an array cannot be started.
func tooFew(sb *ondisk.MD, present []bool, missing int) string {
	clean := *sb
	clean.Clean = true
	if enough(&clean, present) {
		// The kernel: "cannot start dirty degraded array" (drivers/md/raid5.c).
		return "it lacks a member and was not stopped cleanly, so some of its data cannot be trusted; copy the members, then: mdadm --assemble --force"
	}
	return fmt.Sprintf("too few members are there to start it: %d of %d", len(present)-missing, len(present))
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
// present (mdadm: util.c, enough()). One with parity that was not stopped cleanly
// needs them all, as the parity may be wrong; a RAID 4 can miss the parity.
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
		if !isClean(sb) {
			return there == len(present) || sb.Level == "raid4" && there == len(present)-1 && !present[len(present)-1]
		}
		return there >= len(present)-1
	case "raid6":
		if !isClean(sb) {
			return there == len(present)
		}
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
