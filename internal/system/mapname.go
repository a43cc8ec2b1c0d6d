package system

import (
	"fmt"
	"path"

	"salvor/internal/storage"
)

// unlockNames gives each container that is open in what was seen the name under
// which it is to be open.
func (m *mounter) unlockNames() map[storage.ID]string {
	if m.mapNames == nil {
		m.nameMaps()
	}
	return m.mapNames
}

// nameMaps settles the names of the maps. A container gets the name that the
// crypttab gives it (problem 1) unless something else has that name and keeps it;
// then the name that it has, or one that is free.
func (m *mounter) nameMaps() {
	m.mapNames, m.clashes = map[storage.ID]string{}, map[storage.ID]string{}
	used := namesInUse(m.base)
	take := func(c *storage.Crypt, name string) bool {
		by, taken := used[dmName(name)]
		if name == "" || taken && by != c.ID {
			return false
		}
		used[dmName(name)] = c.ID
		m.mapNames[c.ID] = name
		return true
	}
	var others []*storage.Crypt
	for c := range storage.All[*storage.Crypt](m.seen) {
		if c.Open != nil && !take(c, m.names.MapName(c.ID)) {
			others = append(others, c)
		}
	}
	for _, c := range others {
		if wish := m.names.MapName(c.ID); wish != "" {
			m.clashes[c.ID] = wish
		}
		name := m.nowNamed(c)
		for again := 2; !take(c, name); again++ {
			name = fmt.Sprintf("%s_%d", c.Open.Name, again)
		}
	}
}

// nowNamed is the name of a map in base, else where it was seen open.
func (m *mounter) nowNamed(c *storage.Crypt) string {
	if b, ok := m.base.Node(c.ID).(*storage.Crypt); ok && b.Open != nil {
		return b.Open.Name
	}
	return c.Open.Name
}

// namesInUse gives the maps that are there, by name.
func namesInUse(g *storage.Graph) map[string]storage.ID {
	out := map[string]storage.ID{}
	for n := range g.Nodes() {
		c := n.Base()
		for _, name := range c.Names {
			if name.Origin == storage.FromDM {
				out[dmName(path.Base(name.Path))] = c.ID
			}
		}
		if crypt, ok := n.(*storage.Crypt); ok && crypt.Open != nil {
			out[dmName(crypt.Open.Name)] = c.ID
		}
	}
	return out
}

// rename gives the containers that the system uses, and that were open before
// under another name, the name that the crypttab says.
func (m *mounter) rename() {
	used := map[storage.ID]bool{}
	for _, id := range m.sources() {
		for id := range m.names.ix.restsOn(id) {
			used[id] = true
		}
	}
	for c := range storage.All[*storage.Crypt](m.out.Want) {
		if !used[c.ID] || c.Open == nil {
			continue
		}
		if name := m.mapNames[c.ID]; name != "" && dmName(name) != dmName(c.Open.Name) {
			c.Open.Name = name
		}
		if wish := m.clashes[c.ID]; wish != "" {
			m.note("%s is open as %s: its crypttab calls it %s, but something else has that name", Describe(m.seen, c.ID), c.Open.Name, wish)
		}
	}
}

func (m *mounter) note(format string, args ...any) {
	m.out.Notes = append(m.out.Notes, storage.Printable(fmt.Sprintf(format, args...)))
}
