package plan

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"salvor/internal/storage"
)

// aspect is what of a subject an operation changes.
type aspect int

const (
	opening aspect = iota
	overlay
	frozen
	mounted
)

// item is one changeable thing of a graph: an aspect of a node, or a mount
// point. It is either up (open, set up, frozen, mounted) or down.
type item struct {
	aspect  aspect
	subject string // node ID or mount point
}

func (i item) String() string {
	return fmt.Sprintf("%s of %s", [...]string{"opening", "overlay", "read-only flag", "mount"}[i.aspect], i.subject)
}

func compareItems(a, b item) int {
	return cmp.Or(cmp.Compare(a.aspect, b.aspect), cmp.Compare(a.subject, b.subject))
}

// Subject tells what an operation changes: a node, or a mount point.
func Subject(op Op) (id storage.ID, point string) {
	it := op.item()
	if it.aspect == mounted {
		return "", it.subject
	}
	return storage.ID(it.subject), ""
}

func nodeItem(a aspect, id storage.ID) item { return item{a, string(id)} }
func mountItem(point string) item           { return item{mounted, point} }

// state is how an item that is up stands; two equal states need no operation.
type state struct {
	name     string // dm name of an encrypted container or overlay
	readOnly bool
	source   storage.ID
	what     string // of a mount: what of the file system is seen
	overlay  bool
	over     string // of a mount: the states of those that it hides at the same point
}

// view is a graph seen as items.
type view struct {
	graph *storage.Graph
	up    map[item]state
	needs map[item][]item             // what has to be up for the item to be up; only items that are up
	users map[item][]item             // the reverse
	mount map[string]*storage.Mount   // what is seen at a point
	stack map[string][]*storage.Mount // all that lies on each other at a point, the one that is seen last
	rests map[storage.ID][]item       // what below has found; a volume group on many devices asks often
}

func newView(g *storage.Graph) *view {
	v := &view{graph: g, up: map[item]state{}, needs: map[item][]item{}, users: map[item][]item{}, mount: map[string]*storage.Mount{}, stack: map[string][]*storage.Mount{}, rests: map[storage.ID][]item{}}
	for n := range g.Nodes() {
		v.addNode(n)
	}
	for i := range g.Mounts {
		v.addMount(&g.Mounts[i])
	}
	v.connect()
	return v
}

// addMount: the last mount at a point is the one that is seen. Those that it
// hides are one item with it, so that they go with it.
func (v *view) addMount(m *storage.Mount) {
	it, s := mountItem(m.Point), mountState(*m)
	if hidden, there := v.up[it]; there {
		s.over = fmt.Sprint(hidden)
	}
	v.mount[m.Point], v.stack[m.Point], v.up[it] = m, append(v.stack[m.Point], m), s
}

func (v *view) addNode(n storage.Node) {
	c := n.Base()
	if o := storage.OpeningOf(n); o != nil && !storage.IsPart(n) {
		s := state{readOnly: o.ReadOnly}
		if n.Kind() == storage.KindCrypt {
			s.name = o.Name
		}
		v.up[nodeItem(opening, c.ID)] = s
	}
	if c.Overlay != nil {
		v.up[nodeItem(overlay, c.ID)] = state{name: c.Overlay.Name}
	}
	if v.isFrozen(n) {
		v.up[nodeItem(frozen, c.ID)] = state{}
	}
}

// isFrozen tells the flag that was set on a device from the read-only nature of
// one that was opened so, of the device of an image that was attached so, and of a
// partition of a read-only disk: the kernel shows the disk's flag on both
// (block/genhd.c, bdev_read_only).
func (v *view) isFrozen(n storage.Node) bool {
	o := storage.OpeningOf(n)
	if !n.Base().ReadOnly || o != nil && o.ReadOnly || v.onReadOnlyImage(n) {
		return false
	}
	return n.Kind() != storage.KindPartition || !v.onReadOnly(n)
}

// onReadOnly: the device that carries the partition's table is read-only.
func (v *view) onReadOnly(partition storage.Node) bool {
	return slices.ContainsFunc(v.graph.Lower(partition.Base().ID), func(low storage.Node) bool {
		if low.Kind() == storage.KindTable {
			return v.onReadOnly(low)
		}
		return low.Base().ReadOnly
	})
}

func mountState(m storage.Mount) state {
	if m.Source == "" {
		// The kernel does not tell a bound tree from the file system that it is
		// a part of (proc_pid_mountinfo(5)), so any will do.
		return state{}
	}
	return state{source: m.Source, readOnly: m.ReadOnly, overlay: m.Overlay, what: strings.Trim(m.Root, "/")}
}

func (v *view) connect() {
	for it := range v.up {
		for _, need := range v.needsOf(it) {
			if _, up := v.up[need]; up && need != it {
				v.needs[it] = append(v.needs[it], need)
			}
		}
		slices.SortFunc(v.needs[it], compareItems)
		v.needs[it] = slices.Compact(v.needs[it])
	}
	for it, needs := range v.needs {
		for _, need := range needs {
			v.users[need] = append(v.users[need], it)
		}
	}
}

// needsOf lists what has to be up before it, whether it is or not.
func (v *view) needsOf(it item) []item {
	id := storage.ID(it.subject)
	switch it.aspect {
	case opening:
		if i, ok := v.graph.Node(id).(*storage.Image); ok {
			return v.imageNeeds(i)
		}
		return v.below(id)
	case overlay:
		return append(v.below(id), nodeItem(opening, id), nodeItem(frozen, id))
	case frozen:
		return append(v.openingsBelow(id), nodeItem(opening, id))
	default:
		return v.mountNeeds(it.subject)
	}
}

// couldNeed adds to needsOf every directory that a mount point lies below.
func (v *view) couldNeed(it item) []item {
	out := v.needsOf(it)
	if it.aspect == mounted {
		for p := path.Dir(it.subject); p != "/" && p != "."; p = path.Dir(p) {
			out = append(out, mountItem(p))
		}
	}
	return out
}

// below: all that the node rests on has to be open, and overlays and flags have
// to be in place before something is put onto them.
func (v *view) below(id storage.ID) []item {
	if known, ok := v.rests[id]; ok {
		return known
	}
	var out []item
	for _, n := range v.graph.Below(id) {
		nid := n.Base().ID
		out = append(out, nodeItem(opening, nid), nodeItem(overlay, nid), nodeItem(frozen, nid))
	}
	v.rests[id] = slices.Clip(out) // an append to it makes a copy
	return v.rests[id]
}

func (v *view) openingsBelow(id storage.ID) []item {
	var out []item
	for _, n := range v.graph.Below(id) {
		out = append(out, nodeItem(opening, n.Base().ID))
	}
	return out
}

func (v *view) mountNeeds(point string) []item {
	var out []item
	for _, m := range v.stack[point] {
		if m.Source != "" {
			out = append(out, v.below(m.Source)...)
			out = append(out, nodeItem(frozen, m.Source))
		}
		for _, tree := range append(m.Layers[:len(m.Layers):len(m.Layers)], m.Bind) {
			if tree != "" {
				out = append(out, mountItem(tree), mountItem(v.mountAbove(tree)))
			}
		}
	}
	if up := v.mountAbove(point); up != "" {
		out = append(out, mountItem(up))
	}
	return out
}

// mountAbove is the point of the mount that the directory above p lies in, or "".
func (v *view) mountAbove(p string) string {
	for p != "/" && p != "." {
		p = path.Dir(p)
		if v.mount[p] != nil {
			return p
		}
	}
	return ""
}
