package storage

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Builder collects nodes and gives them their IDs at the end, when it is known
// which of them are twins.
type Builder struct {
	nodes []Node
	on    map[Node][]Node
}

// Add puts a node whose Identity is set, lying on others that may be added
// before or after it. It returns n.
func (b *Builder) Add(n Node, on ...Node) Node {
	if b.on == nil {
		b.on = map[Node][]Node{}
	}
	if _, there := b.on[n]; !there {
		b.nodes = append(b.nodes, n)
		b.on[n] = nil
	}
	b.Lay(n, on...)
	return n
}

// Lay adds lower nodes to n, each once.
func (b *Builder) Lay(n Node, on ...Node) {
	for _, low := range on {
		if low != nil && !slices.Contains(b.on[n], low) {
			b.on[n] = append(b.on[n], low)
		}
	}
}

// Nodes gives what was added so far, in that order.
func (b *Builder) Nodes() []Node { return b.nodes }

// Lower gives what n was laid on so far.
func (b *Builder) Lower(n Node) []Node { return b.on[n] }

// Build gives every node its ID and makes the graph. fix is called after the
// IDs are known, to fill the references that are not edges (MD members, LV
// origins); it may be nil.
func (b *Builder) Build(mounts []Mount, notes []string, fix func()) (*Graph, error) {
	byIdentity := map[ID][]Node{}
	for _, n := range b.nodes {
		c := n.Base()
		if c.Identity == "" {
			return nil, fmt.Errorf("internal error: a %s node has no identity", n.Kind())
		}
		c.Identity = c.Identity.valid()
		byIdentity[c.Identity] = append(byIdentity[c.Identity], n)
	}
	done := map[Node]bool{}
	used := map[ID]bool{}
	for id := range byIdentity { // no twin gets the name of another thing
		used[id] = true
	}
	for _, n := range b.nodes {
		b.name(n, byIdentity, done, used)
	}
	for _, n := range b.nodes {
		c := n.Base()
		c.On = nil
		for _, low := range b.on[n] {
			c.On = append(c.On, low.Base().ID)
		}
		slices.Sort(c.On)
	}
	if fix != nil {
		fix()
	}
	return NewGraph(b.nodes, mounts, notes)
}

// name sets the ID of n, after those of the nodes below it: its identity when
// it is alone with it, else the identity and the carrier. A number settles what
// is left, so that no node is ever lost.
func (b *Builder) name(n Node, all map[ID][]Node, done map[Node]bool, used map[ID]bool) {
	if done[n] {
		return
	}
	done[n] = true
	for _, low := range b.on[n] {
		b.name(low, all, done, used)
	}
	c := n.Base()
	c.ID = c.Identity
	if len(all[c.Identity]) == 1 {
		return
	}
	if on := b.on[n]; len(on) > 0 {
		c.ID += "@" + on[0].Base().ID
	} else if p := c.Path(); p != "" {
		c.ID += ID("@" + p)
	}
	for base, i := c.ID, 1; used[c.ID]; i++ {
		c.ID = ID(fmt.Sprintf("%s#%d", base, i))
	}
	used[c.ID] = true
}

// valid replaces bytes that are no UTF-8, as a name in another encoding has them,
// by escapes: JSON would make the same character of all of them, and two IDs
// could become one.
func (id ID) valid() ID {
	if utf8.ValidString(string(id)) {
		return id
	}
	var b strings.Builder
	for i, r := range string(id) {
		if r == utf8.RuneError && !strings.HasPrefix(string(id[i:]), string(utf8.RuneError)) {
			fmt.Fprintf(&b, `\x%02x`, id[i])
		} else {
			b.WriteRune(r)
		}
	}
	return ID(b.String())
}
