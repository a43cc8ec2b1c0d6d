package storage

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
)

// Mount is something attached in the file tree now (or, in a wanted graph, that
// should be).
type Mount struct {
	Point    string   `json:"point"`            // absolute path in the live system
	Source   ID       `json:"source,omitempty"` // file system or subvolume; empty for virtual and bound trees
	Type     string   `json:"type"`             // vfstype: ext4, proc, …; "bind" for a bound tree
	Bind     string   `json:"bind,omitempty"`   // path of the tree that is bound here
	Root     string   `json:"root,omitempty"`   // what of the file system is seen: "/", "/@", "/srv/data"
	Options  []string `json:"options,omitempty"`
	ReadOnly bool     `json:"read_only,omitempty"`
	Overlay  bool     `json:"overlay,omitempty"` // through the copy-on-write stand-in of its device
	Remote   string   `json:"remote,omitempty"`  // of a network file system: what is mounted, "server:/path"
	Layers   []string `json:"layers,omitempty"`  // wanted mounts: the directories in the live system that an overlayfs is made of
	Under    string   `json:"under,omitempty"`   // wanted mounts: the target directory that Point is resolved inside
	Dev      Dev      `json:"dev,omitzero"`
}

// Graph is a set of nodes with what lies on what, and the mounts.
type Graph struct {
	nodes  map[ID]Node
	upper  map[ID][]ID
	order  []ID       // lower before upper, then by ID
	rank   map[ID]int // place in order
	Mounts []Mount
	// Notes tell what could not be looked at, one sentence each.
	Notes []string
}

// NewGraph makes a graph of nodes whose IDs are unique and whose On are all
// among them. An error is a bug in the caller or a damaged graph file.
func NewGraph(nodes []Node, mounts []Mount, notes []string) (*Graph, error) {
	g := &Graph{nodes: map[ID]Node{}, upper: map[ID][]ID{}, Mounts: mounts, Notes: notes}
	for _, n := range nodes {
		id := n.Base().ID
		if id == "" || g.nodes[id] != nil {
			return nil, fmt.Errorf("cannot make a graph: the ID %q of a %s is empty or there twice", id, n.Kind())
		}
		g.nodes[id] = n
	}
	for _, n := range nodes {
		for _, low := range n.Base().On {
			if g.nodes[low] == nil {
				return nil, fmt.Errorf("cannot make a graph: %s lies on %s, which is not there", n.Base().ID, low)
			}
			g.upper[low] = append(g.upper[low], n.Base().ID)
		}
	}
	for _, up := range g.upper {
		slices.Sort(up)
	}
	return g, g.sort()
}

// sort fills order: every node after all that it lies on; among the ready ones
// the smallest ID first, so that the order is stable.
func (g *Graph) sort() error {
	waits := make(map[ID]int, len(g.nodes))
	var ready []ID
	for id, n := range g.nodes {
		if waits[id] = len(n.Base().On); waits[id] == 0 {
			ready = append(ready, id)
		}
	}
	g.order = make([]ID, 0, len(g.nodes))
	for len(ready) > 0 {
		slices.Sort(ready)
		g.order = append(g.order, ready...)
		var next []ID
		for _, id := range ready {
			for _, up := range g.upper[id] {
				if waits[up]--; waits[up] == 0 {
					next = append(next, up)
				}
			}
		}
		ready = next
	}
	if len(g.order) != len(g.nodes) {
		return fmt.Errorf("cannot make a graph: %d nodes lie on each other in a circle", len(g.nodes)-len(g.order))
	}
	g.rank = make(map[ID]int, len(g.order))
	for i, id := range g.order {
		g.rank[id] = i
	}
	return nil
}

// Node gives the node with the ID, or nil.
func (g *Graph) Node(id ID) Node { return g.nodes[id] }

// Len is the number of nodes.
func (g *Graph) Len() int { return len(g.nodes) }

// Nodes yields all nodes, lower ones before those that lie on them, in a stable
// order.
func (g *Graph) Nodes() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for _, id := range g.order {
			if !yield(g.nodes[id]) {
				return
			}
		}
	}
}

// All yields the nodes of one type, in the order of Nodes.
func All[T Node](g *Graph) iter.Seq[T] {
	return func(yield func(T) bool) {
		for n := range g.Nodes() {
			if t, ok := n.(T); ok && !yield(t) {
				return
			}
		}
	}
}

// Upper gives the nodes that lie directly on id.
func (g *Graph) Upper(id ID) []Node { return g.pick(g.upper[id]) }

// Lower gives the nodes that id lies directly on.
func (g *Graph) Lower(id ID) []Node {
	if n := g.nodes[id]; n != nil {
		return g.pick(n.Base().On)
	}
	return nil
}

func (g *Graph) pick(ids []ID) []Node {
	out := make([]Node, 0, len(ids))
	for _, id := range ids {
		out = append(out, g.nodes[id])
	}
	return out
}

// Below gives all that id rests on, directly or not, lowest first, without id.
func (g *Graph) Below(id ID) []Node { return g.reach(id, g.Lower) }

// Above gives all that rests on id, directly or not, lowest first, without id.
func (g *Graph) Above(id ID) []Node { return g.reach(id, g.Upper) }

func (g *Graph) reach(id ID, next func(ID) []Node) []Node {
	seen := map[ID]bool{}
	todo := next(id)
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if nid := n.Base().ID; !seen[nid] {
			seen[nid] = true
			todo = append(todo, next(nid)...)
		}
	}
	ids := slices.Collect(maps.Keys(seen))
	slices.SortFunc(ids, func(a, b ID) int { return g.rank[a] - g.rank[b] })
	return g.pick(ids)
}

// Disks gives the disks that id rests on (id itself, if it is one).
func (g *Graph) Disks(id ID) []*Disk {
	var out []*Disk
	if d, ok := g.nodes[id].(*Disk); ok {
		return []*Disk{d}
	}
	for _, n := range g.Below(id) {
		if d, ok := n.(*Disk); ok {
			out = append(out, d)
		}
	}
	return out
}

// Lineage names a node so that the name stays the same when a twin of it comes
// to light or goes: its identity and that of all it lies on, as long as that is a
// single one. Unlike an ID it is long, and not made to be read.
func (g *Graph) Lineage(id ID) string {
	n := g.nodes[id]
	if n == nil {
		return string(id)
	}
	c := n.Base()
	if len(c.On) != 1 {
		return string(c.Identity)
	}
	return string(c.Identity) + "@" + g.Lineage(c.On[0])
}

// SetReadOnly sets the read-only flag of a device of the graph. Its partitions show
// it too, as the kernel has it (block/genhd.c, bdev_read_only), and the device that
// an image is attached to.
func (g *Graph) SetReadOnly(n Node, on bool) {
	n.Base().ReadOnly = on
	for _, up := range g.Upper(n.Base().ID) {
		if k := up.Kind(); k == KindTable || k == KindPartition || n.Kind() == KindImage {
			g.SetReadOnly(up, on)
		}
	}
}

// EndsInMemory reports whether all ways from n down to a disk lead through a
// copy-on-write stand-in, so that nothing written to n reaches a disk.
func (g *Graph) EndsInMemory(n Node) bool {
	if n.Base().Overlay != nil || n.Base().Is(Missing) {
		return true
	}
	lower := g.Lower(n.Base().ID)
	for _, low := range lower {
		if !g.EndsInMemory(low) {
			return false
		}
	}
	return len(lower) > 0
}

// Twins gives all nodes that share the identity of id, when there are at least
// two of them.
func (g *Graph) Twins(id ID) []Node {
	n := g.nodes[id]
	if n == nil || n.Base().Identity == n.Base().ID {
		return nil
	}
	var out []Node
	for m := range g.Nodes() {
		if m.Base().Identity == n.Base().Identity {
			out = append(out, m)
		}
	}
	return out
}

// ByName gives the nodes that answer to path.
func (g *Graph) ByName(path string) []Node {
	var out []Node
	for n := range g.Nodes() {
		if n.Base().HasName(path) {
			out = append(out, n)
		}
	}
	return out
}

// MountAt gives the mount that is seen at point (the last one, when several lie
// on each other), or nil.
func (g *Graph) MountAt(point string) *Mount {
	point = path.Clean(point)
	for i := len(g.Mounts) - 1; i >= 0; i-- {
		if g.Mounts[i].Point == point {
			return &g.Mounts[i]
		}
	}
	return nil
}

// MountOver gives the mount that the file at p lies in, or nil. Symbolic links are
// not followed.
func (g *Graph) MountOver(p string) *Mount {
	for dir := path.Clean(p); ; dir = path.Dir(dir) {
		if m := g.MountAt(dir); m != nil || dir == "/" || dir == "." {
			return m
		}
	}
}

// ImagesUnder gives the images that id rests on (id itself, if it is one).
func (g *Graph) ImagesUnder(id ID) []*Image {
	var out []*Image
	for _, n := range append(g.Below(id), g.nodes[id]) {
		if i, ok := n.(*Image); ok {
			out = append(out, i)
		}
	}
	return out
}

// MountsOf gives the mounts of id and of everything that lies on it.
func (g *Graph) MountsOf(id ID) []Mount {
	ids := map[ID]bool{id: true}
	for _, n := range g.Above(id) {
		ids[n.Base().ID] = true
	}
	var out []Mount
	for _, m := range g.Mounts {
		if m.Source != "" && ids[m.Source] {
			out = append(out, m)
		}
	}
	return out
}

// MountsUnder gives the mounts at point and below it, upper path first.
func (g *Graph) MountsUnder(point string) []Mount {
	var out []Mount
	for _, m := range g.Mounts {
		if PathContains(point, m.Point) {
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b Mount) int { return cmp.Compare(a.Point, b.Point) })
	return out
}

// PathContains reports whether p is dir or lies below it.
func PathContains(dir, p string) bool {
	dir, p = path.Clean(dir), path.Clean(p)
	return dir == p || dir == "/" || strings.HasPrefix(p, dir+"/")
}

// Clone gives a copy that shares nothing with g.
func (g *Graph) Clone() *Graph {
	c := &Graph{
		nodes: make(map[ID]Node, len(g.nodes)),
		upper: g.upper, order: g.order, rank: g.rank, // never changed after NewGraph
		Mounts: slices.Clone(g.Mounts), Notes: slices.Clone(g.Notes),
	}
	for id, n := range g.nodes {
		c.nodes[id] = n.clone()
	}
	for i := range c.Mounts {
		c.Mounts[i].Options = slices.Clone(c.Mounts[i].Options)
		c.Mounts[i].Layers = slices.Clone(c.Mounts[i].Layers)
	}
	return c
}
