package system

import (
	"slices"

	"salvor/internal/storage"
)

// tellApart keeps of nodes that answer to one name those that a booting system
// would mean: not a snapshot where its origin is there too, and not the member
// of a mirror or the wire of a multipath map where the whole is there.
func (ix *index) tellApart(found []storage.Node) []storage.Node {
	below := map[storage.Node]map[storage.ID]bool{}
	for _, n := range found {
		below[n] = ix.restsOn(n.Base().ID)
	}
	return slices.DeleteFunc(slices.Clone(found), func(n storage.Node) bool {
		return slices.ContainsFunc(found, func(other storage.Node) bool {
			return other != n && (ix.isSnapshotBeside(below[n], below[other]) || ix.isMemberBeside(below[n], below[other]))
		})
	})
}

// restsOn gives the node itself and all that it rests on.
func (ix *index) restsOn(id storage.ID) map[storage.ID]bool {
	out := map[storage.ID]bool{id: true}
	for _, n := range ix.g.Below(id) {
		out[n.Base().ID] = true
	}
	return out
}

// isSnapshotBeside: the first rests on a snapshot volume, and the second rests on
// its origin without resting on the snapshot.
func (ix *index) isSnapshotBeside(n, other map[storage.ID]bool) bool {
	for id := range n {
		if lv, ok := ix.g.Node(id).(*storage.LV); ok && lv.Origin != "" && other[lv.Origin] && !other[id] {
			return true
		}
	}
	return false
}

// isMemberBeside: the second rests on an array or a multipath map, and the first
// on one of its members, past it.
func (ix *index) isMemberBeside(n, other map[storage.ID]bool) bool {
	for id := range other {
		whole := ix.g.Node(id)
		if n[id] || whole.Kind() != storage.KindMD && whole.Kind() != storage.KindMultipath {
			continue
		}
		if slices.ContainsFunc(whole.Base().On, func(member storage.ID) bool { return n[member] }) {
			return true
		}
	}
	return false
}

// liesOnSnapshotOf: root rests on a snapshot of the volume that other rests on.
func (ix *index) liesOnSnapshotOf(root, other storage.ID) bool {
	return ix.liesOnSnapshot(root) && ix.isSnapshotBeside(ix.restsOn(root), ix.restsOn(other))
}

// liesOnSnapshot: the root rests on a snapshot volume.
func (ix *index) liesOnSnapshot(root storage.ID) bool {
	return slices.ContainsFunc(ix.g.Below(root), func(n storage.Node) bool {
		lv, ok := n.(*storage.LV)
		return ok && lv.Origin != ""
	})
}
