package system

import (
	"slices"

	"salvor/internal/storage"
)

// tellSnapshots marks the systems that are snapshots of another one: btrfs
// snapshots, and what lies on a snapshot volume.
func (f *finder) tellSnapshots() {
	roots := map[storage.ID]bool{}
	for _, x := range f.out {
		if x.System != nil {
			roots[x.Root] = true
		}
	}
	for _, x := range f.out {
		if x.System != nil && len(roots) > 1 {
			x.System.SnapshotOf = f.originOf(x.System, roots)
		}
	}
}

// originOf gives the root of which s is a snapshot, or "". What counts first is
// which root the system's own fstab means: a snapshot has the fstab of what it
// was taken of. Where that says nothing, what btrfs or LVM remember counts.
func (f *finder) originOf(s *System, roots map[storage.ID]bool) storage.ID {
	if e := s.entryAt("/"); e != nil {
		id, err := newResolver(f.ix, s).Source(*e)
		if err == nil && (id == s.Root || roots[id] && f.related(s.Root, id)) {
			return without(id, s.Root)
		}
	}
	if sub, ok := f.g.Node(s.Root).(*storage.Subvolume); ok {
		return f.parentOf(sub, roots)
	}
	return f.volumeOrigin(s.Root, roots)
}

func without(id, self storage.ID) storage.ID {
	if id == self {
		return ""
	}
	return id
}

// related: a can be a snapshot of b. One that was sent to another disk
// (btrfs-send(8)) is a read-only subvolume there.
func (f *finder) related(a, b storage.ID) bool {
	sa, oka := f.g.Node(a).(*storage.Subvolume)
	sb, okb := f.g.Node(b).(*storage.Subvolume)
	if oka && (sa.Frozen || okb) {
		return sa.Frozen || slices.Equal(sa.On, sb.On)
	}
	return f.ix.liesOnSnapshotOf(a, b)
}

// parentOf gives the system on the subvolume that btrfs remembers as the one
// that sub was taken of.
func (f *finder) parentOf(sub *storage.Subvolume, roots map[storage.ID]bool) storage.ID {
	if sub.ParentUUID == "" {
		return ""
	}
	for _, o := range f.ix.subvolumes[sub.On[0]] {
		if o.ID != sub.ID && o.UUID == sub.ParentUUID && roots[o.ID] {
			return o.ID
		}
	}
	return ""
}

// volumeOrigin gives the system on the volume that the volume of root is a
// snapshot of.
func (f *finder) volumeOrigin(root storage.ID, roots map[storage.ID]bool) storage.ID {
	if !f.ix.liesOnSnapshot(root) {
		return ""
	}
	for _, x := range f.out {
		if roots[x.Root] && x.Root != root && f.ix.liesOnSnapshotOf(root, x.Root) {
			return x.Root
		}
	}
	return ""
}
