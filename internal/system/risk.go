package system

import (
	"fmt"
	"slices"

	"salvor/internal/storage"
)

// Risk is a condition under which mounting read-write can do harm. Health is the
// word that accepts it: Degraded, Dirty or Hibernated.
type Risk struct {
	Health storage.Health `json:"health"`
	ID     storage.ID     `json:"id"`
	Text   string         `json:"text"`
}

// RiskWords are the words that accept risks.
var RiskWords = []storage.Health{storage.Degraded, storage.Dirty, storage.Hibernated}

// riskRow is one row of the table in docs/tables.md: a condition of something that
// a mount rests on.
type riskRow struct {
	when string
	is   func(n storage.Node) bool
	word storage.Health
	text func(m *mounter, n storage.Node) string
}

// riskRows are all asked: one thing can be in several conditions.
var riskRows = []riskRow{
	{"a file system that was not unmounted cleanly", isFileSystemIn(storage.Dirty), storage.Dirty,
		func(_ *mounter, n storage.Node) string {
			return "was not unmounted cleanly; " + dirtText(n.(*storage.FileSystem).Type)
		}},
	{"a file system that is marked as faulty", isFileSystemIn(storage.Damaged), storage.Dirty,
		func(_ *mounter, n storage.Node) string {
			return "is marked as faulty; " + faultText(n.(*storage.FileSystem).Type)
		}},
	{"a btrfs that lacks a device", isFileSystemIn(storage.MemberMissing), storage.Degraded,
		says("lacks a device; what is written to it now has less redundancy")},
	{"an array or volume that lacks a member and has to be started", lacksMember, storage.Degraded,
		says("lacks a member; starting it writes that down on the others")},
	{"a bcache that lacks its cache and has to be started", lacksCache, storage.Degraded,
		says("lacks its cache, which holds nothing that is not on the device as well; starting it writes that down")},
	{"an array that was not stopped cleanly and has to be started", isUnstopped, storage.Dirty,
		says("was not stopped cleanly; starting it makes its members equal again, which writes to them")},
	{"an array that is being reshaped and has to be started", isReshaping, storage.Degraded,
		says("is in the middle of a reshape; starting it goes on with that, and it must not be interrupted again")},
	{"a thin pool that has to be checked", isPoolIn(storage.Damaged), storage.Dirty, poolText("has to be checked; activating it does so (thin_check), and fails if there is damage")},
	{"a thin pool without space", isPoolIn(storage.Full), storage.Degraded, poolText("has no space left; what is written to its volumes now may be lost")},
}

func says(text string) func(*mounter, storage.Node) string {
	return func(*mounter, storage.Node) string { return text }
}

// poolText tells what to do before: lvconvert(8) makes the metadata anew in place.
func poolText(text string) func(*mounter, storage.Node) string {
	return func(_ *mounter, n storage.Node) string {
		lv := n.(*storage.LV)
		return fmt.Sprintf("%s. By hand, after a copy of its disks: lvconvert --repair %s/%s", text, lv.VG, lv.Name)
	}
}

func isFileSystemIn(h storage.Health) func(storage.Node) bool {
	return func(n storage.Node) bool { return n.Kind() == storage.KindFileSystem && n.Base().Is(h) }
}

func isPoolIn(h storage.Health) func(storage.Node) bool {
	return func(n storage.Node) bool {
		lv, ok := n.(*storage.LV)
		return ok && lv.Layout == "thin-pool" && lv.Is(h)
	}
}

func lacksMember(n storage.Node) bool {
	c := n.Base()
	return storage.CanOpen(n) && n.Kind() != storage.KindBcache && (c.Is(storage.Degraded) || c.Is(storage.MemberMissing))
}

func lacksCache(n storage.Node) bool {
	return n.Kind() == storage.KindBcache && n.Base().Is(storage.MemberMissing)
}

func isUnstopped(n storage.Node) bool {
	return n.Kind() == storage.KindMD && n.Base().Is(storage.Dirty)
}

func isReshaping(n storage.Node) bool {
	md, ok := n.(*storage.MD)
	return ok && md.Reshaping
}

// risks lists what has to be accepted before the first write. A file system that
// is mounted read-only on a writable device replays its journal all the same.
func (m *mounter) risks() {
	if m.req.ReadOnly {
		return
	}
	seen := map[storage.ID]bool{}
	for _, p := range m.order {
		if p.Source == "" || p.Bind != "" || p.line.State == Already || m.writesNothing(p) {
			continue
		}
		top := topOf(m.seen, p.Source)
		for _, n := range append(m.seen.Below(top), m.seen.Node(top)) {
			if !seen[n.Base().ID] {
				seen[n.Base().ID] = true
				m.riskOf(n)
			}
		}
	}
	m.hibernated()
}

// writesNothing: what lies under the mount lets no byte through to a disk.
func (m *mounter) writesNothing(p *placed) bool {
	carriers := m.carriers(p.Source)
	return len(carriers) > 0 && !slices.ContainsFunc(carriers, func(c storage.Node) bool { return !isSealed(m.out.Want, c) })
}

func (m *mounter) riskOf(n storage.Node) {
	if storage.CanOpen(n) && m.openBefore(n.Base().ID) {
		return // it was started by somebody else
	}
	for _, row := range riskRows {
		if row.is(n) {
			m.addRisk(row.word, n.Base().ID, row.text(m, n))
		}
	}
}

// dirtRow says what mounting does to a file system that was not unmounted cleanly.
type dirtRow struct {
	types []string
	does  string
}

// dirtRows are a table of docs/tables.md; the last row is for all others.
var dirtRows = []dirtRow{
	{[]string{"ext3", "ext4", "xfs", "reiserfs"}, "mounting it replays its journal"},
	{[]string{"btrfs"}, "mounting it replays its log of synced files"},
	{[]string{"f2fs", "nilfs2"}, "mounting it takes in what was synced after its last checkpoint"},
	{[]string{"ntfs"}, "Windows was not shut down, or shut down for a fast startup; mounting it replays its journal"},
	{[]string{"jfs"}, "the kernel mounts it for reading only, until fsck.jfs has replayed its journal"},
	{[]string{"ext2", "vfat", "exfat", "minix"}, "it has no journal, and should be checked before it is written to"},
	{nil, "mounting it may change it"},
}

func dirtText(fsType string) string {
	for _, row := range dirtRows {
		if row.types == nil || slices.Contains(row.types, fsType) {
			return row.does
		}
	}
	return ""
}

func faultText(fsType string) string {
	if fsType == "ntfs" {
		return "the kernel mounts it for reading only, until Windows has checked it (chkdsk)"
	}
	return "it should be checked before it is written to"
}

func (m *mounter) openBefore(id storage.ID) bool {
	n := m.base.Node(id)
	return n != nil && storage.OpeningOf(n) != nil
}

func (m *mounter) addRisk(h storage.Health, id storage.ID, text string) {
	m.out.Risks = append(m.out.Risks, Risk{h, id, Describe(m.seen, id) + " " + storage.Printable(text)})
}
