package system

import (
	"slices"

	"salvor/internal/storage"
)

// build makes the wanted graph: all that the mounts rest on is open, under the
// names of the system's crypttab, and the mounts are there.
func (m *mounter) build() {
	m.out.Want = Opened(m.base, m.way(m.sources()))
	m.rename()
	m.nameSaved()
	for _, p := range m.order {
		if p.line.State == Already {
			continue
		}
		if p.Source != "" && p.Bind == "" {
			m.protect(p)
		}
		m.out.Want.Mounts = append(m.out.Want.Mounts, p.Mount)
	}
	for _, l := range m.lines {
		m.out.Lines = append(m.out.Lines, *l)
	}
	slices.SortStableFunc(m.out.Lines, func(a, b Line) int { return lineOrder(a) - lineOrder(b) })
}

// lineOrder keeps the lines of the file in its order; what stands elsewhere comes
// after them, and the virtual ones last.
func lineOrder(l Line) int {
	switch {
	case l.File == "/" || l.Number > 0:
		return l.Number
	case l.From != "":
		return 1 << 29
	default:
		return 1 << 30
	}
}

// sources gives, each once, what the mounts show and the volumes that the
// system's crypttab opens.
func (m *mounter) sources() []storage.ID {
	out := []storage.ID{} // never nil, which would mean all there is
	seen := map[storage.ID]bool{"": true}
	add := func(id storage.ID) {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	for _, p := range m.order {
		add(p.Source)
	}
	for c := range storage.All[*storage.Crypt](m.seen) {
		if e, ok := m.names.entry[c.ID]; ok && !isMadeAnew(e) && c.Open != nil {
			add(c.ID)
		}
	}
	return out
}

// carriers gives the devices, in the wanted graph, on which a source lies.
func (m *mounter) carriers(source storage.ID) []storage.Node {
	return m.out.Want.Lower(topOf(m.seen, source))
}

// protect sees to it that a mount can be what it is to be. In a read-only
// request, and on a write-protected device, writes are kept from the disk: devices
// that may be written to are frozen, and a dirty file system is mounted through a
// stand-in, since its journal has to be replayed somewhere. One that is mounted
// already elsewhere is in others' hands.
func (m *mounter) protect(p *placed) {
	if !m.req.ReadOnly && !m.followDevice(p) {
		return
	}
	top := topOf(m.seen, p.Source)
	if len(m.base.MountsOf(top)) > 0 {
		return
	}
	dirty := m.seen.Node(top).Base().Is(storage.Dirty)
	for _, c := range m.carriers(p.Source) {
		switch {
		case m.out.Want.EndsInMemory(c):
		case dirty && m.req.Overlays && !isUsed(m.base, c.Base().ID):
			AddOverlay(c)
		default:
			c.Base().ReadOnly = true
		}
		if c.Base().Overlay != nil {
			p.Overlay = true
		}
	}
}

// followDevice mounts read-only what lies on a device that is read-only, as
// mount(8) does, or that writes to memory only because one further down is; it says
// so and reports true. A btrfs of which a part has no copy left is mounted
// read-only too: the kernel refuses all else (fs/btrfs/disk-io.c, open_ctree).
func (m *mounter) followDevice(p *placed) bool {
	if m.seen.Node(topOf(m.seen, p.Source)).Base().Is(storage.Incomplete) && !p.ReadOnly {
		p.ReadOnly = true
		p.line.note("a part of it is on missing devices alone, so it is mounted read-only")
	}
	protected := slices.ContainsFunc(m.carriers(p.Source), func(c storage.Node) bool { return isSealed(m.out.Want, c) })
	if protected && !p.ReadOnly {
		p.ReadOnly = true
		p.line.note("its device is read-only, so it is mounted read-only")
	}
	return protected
}
