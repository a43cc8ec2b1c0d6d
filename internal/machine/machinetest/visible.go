package machinetest

import (
	"fmt"
	"slices"

	"salvor/internal/storage"
)

// shown tells which nodes can be seen: whatever lies on an open device. A node of
// several parts is seen as soon as one of them is, since each tells of the whole.
func (m *Machine) shown() map[storage.ID]bool {
	out := map[storage.ID]bool{}
	for n := range m.graph.Nodes() { // lower ones first
		lower, seen := m.graph.Lower(n.Base().ID), 0
		for _, low := range lower {
			if out[low.Base().ID] && (m.gives(low) || sameGroup(n, low)) {
				seen++
			}
		}
		if i, ok := n.(*storage.Image); ok && i.Open == nil {
			continue // a file that nobody has told of
		}
		_, headless := m.headless[n.Base().ID]
		out[n.Base().ID] = (len(lower) == 0 || seen == len(lower) || seen > 0 && inParts(n)) && (!headless || storage.OpeningOf(n) != nil)
	}
	return out
}

// gives: the node is open, or of a kind that need not be.
func (m *Machine) gives(n storage.Node) bool {
	return !storage.CanOpen(n) || storage.OpeningOf(n) != nil && !m.noise[n.Base().ID]
}

// sameGroup: a volume on a pool or an origin is told by the metadata of the group
// as well as these.
func sameGroup(n, low storage.Node) bool {
	a, ok := n.(*storage.LV)
	b, also := low.(*storage.LV)
	return ok && also && a.Group == b.Group
}

func inParts(n storage.Node) bool {
	switch n.Kind() {
	case storage.KindVG, storage.KindLV, storage.KindMD, storage.KindMultipath, storage.KindFileSystem, storage.KindBcache, storage.KindBcacheSet:
		return true
	}
	return false
}

// Visible gives what a probe would see now.
func (m *Machine) Visible() *storage.Graph {
	m.mu.Lock()
	defer m.mu.Unlock()
	shown := m.shown()
	truth := m.graph.Clone()
	named := map[storage.ID]bool{}
	var nodes []storage.Node
	for n := range truth.Nodes() { // lower ones first
		id := n.Base().ID
		switch {
		case shown[id]:
			m.dress(n, shown, named)
			nodes = append(nodes, n)
		case m.namedByGroup(n, shown):
			n.Base().On = nil
			n.Base().Mark(storage.Missing)
			nodes = append(nodes, n)
			named[id] = true
		}
	}
	g, err := storage.NewGraph(nodes, truth.Mounts, truth.Notes)
	if err != nil {
		panic(fmt.Sprintf("machinetest: the visible part of the graph is no graph: %v", err))
	}
	return g
}

// namedByGroup: a physical volume that cannot be seen, of a group that can.
func (m *Machine) namedByGroup(n storage.Node, shown map[storage.ID]bool) bool {
	return n.Kind() == storage.KindPV && slices.ContainsFunc(m.graph.Upper(n.Base().ID), func(up storage.Node) bool {
		return shown[up.Base().ID]
	})
}

// dress makes a node of the truth what a probe would say of it.
func (m *Machine) dress(n storage.Node, shown, named map[storage.ID]bool) {
	c := n.Base()
	if slices.ContainsFunc(c.On, func(low storage.ID) bool { return !shown[low] }) {
		c.Mark(storage.MemberMissing)
	}
	c.On = slices.DeleteFunc(c.On, func(low storage.ID) bool { return !shown[low] && !named[low] })
	if md, ok := n.(*storage.MD); ok {
		md.Members = slices.DeleteFunc(md.Members, func(mm storage.MDMember) bool { return !shown[mm.ID] })
	}
	if n.Kind() == storage.KindCrypt {
		c.Health = slices.DeleteFunc(c.Health, func(h storage.Health) bool { return h == storage.Locked })
	}
	if !m.nameDevice(n) && storage.CanOpen(n) {
		c.Names = slices.DeleteFunc(c.Names, func(nm storage.Name) bool { return nm.Origin != storage.FromMetadata })
		if n.Kind() == storage.KindCrypt {
			c.Mark(storage.Locked)
		}
	}
}

// nameDevice gives the node the names and the number of its device, if it has one.
func (m *Machine) nameDevice(n storage.Node) bool {
	d := m.nodeDevice(n.Base().ID)
	if d == nil {
		return false
	}
	n.Base().Dev = d.number
	for _, name := range d.names {
		n.Base().AddName(name, originOf(name))
	}
	return true
}

// Full gives the whole truth: all nodes, the hidden ones too, as they stand now.
func (m *Machine) Full() *storage.Graph {
	m.mu.Lock()
	defer m.mu.Unlock()
	truth := m.graph.Clone()
	for n := range truth.Nodes() {
		m.nameDevice(n)
	}
	return truth
}

// Closed gives Visible with nothing open, stood in for, frozen or mounted: what
// taking everything down should lead to.
func (m *Machine) Closed() *storage.Graph {
	g := m.Visible()
	g.Mounts = nil
	for n := range g.Nodes() {
		storage.SetOpening(n, nil)
		n.Base().Overlay = nil
		n.Base().ReadOnly = false
	}
	return g
}

func originOf(name string) storage.Origin {
	if storage.PathContains("/dev/mapper", name) {
		return storage.FromDM
	}
	return storage.FromKernel
}
