package system

import (
	"salvor/internal/storage"
)

// Risk is a condition under which mounting read-write can do harm.
type Risk struct {
	Health storage.Health `json:"health"`
	ID     storage.ID     `json:"id"`
	Text   string         `json:"text"`
}

// risks lists what has to be accepted before the first write. A file system that
// is mounted read-only on a writable device replays its journal all the same.
func (m *mounter) risks() {
	if m.req.ReadOnly {
		return
	}
	seen := map[storage.ID]bool{}
	for _, p := range m.order {
		if p.Source == "" || p.Bind != "" || p.line.State == Already {
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
	for sw := range storage.All[*storage.Swap](m.seen) {
		if sw.Is(storage.Hibernated) && m.mayResume(sw.ID) {
			m.addRisk(storage.Hibernated, sw.ID, "holds the memory of a hibernated system; mounting its file systems read-write destroys them when it resumes")
		}
	}
}

func (m *mounter) riskOf(n storage.Node) {
	c := n.Base()
	switch {
	case c.Is(storage.Dirty):
		m.addRisk(storage.Dirty, c.ID, "was not unmounted cleanly; "+dirtText(fsType(m.seen, c.ID)))
	case n.Kind() == storage.KindFileSystem && c.Is(storage.MemberMissing):
		m.addRisk(storage.Degraded, c.ID, "lacks a device; what is written to it now has less redundancy")
	case storage.CanOpen(n) && (c.Is(storage.Degraded) || c.Is(storage.MemberMissing)) && !m.openBefore(c.ID):
		m.addRisk(storage.Degraded, c.ID, "lacks a member; starting it writes that down on the others")
	}
}

func dirtText(fsType string) string {
	switch fsType {
	case "vfat", "exfat", "ext2":
		return "it has no journal, and should be checked before it is written to"
	default:
		return "mounting it replays its journal"
	}
}

// mayResume: the swap area is the system's own. A system whose fstab names none
// that is there may find it by itself (systemd-gpt-auto-generator(8), resume=).
func (m *mounter) mayResume(id storage.ID) bool {
	if m.sys.Fstab == nil {
		return true
	}
	named := false
	for _, e := range m.sys.Fstab.Entries {
		if !e.IsSwap() {
			continue
		}
		got, err := m.names.Source(e)
		if err == nil && got == id {
			return true
		}
		named = named || err == nil
	}
	return !named
}

func (m *mounter) openBefore(id storage.ID) bool {
	n := m.base.Node(id)
	return n != nil && storage.OpeningOf(n) != nil
}

func (m *mounter) addRisk(h storage.Health, id storage.ID, text string) {
	m.out.Risks = append(m.out.Risks, Risk{h, id, Describe(m.seen, id) + " " + text})
}
