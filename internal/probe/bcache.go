package probe

import (
	"slices"

	"salvor/internal/ondisk"
	"salvor/internal/storage"
)

// addBcaches makes the cached devices and the sets of their caches.
func (a *assembly) addBcaches() (lay func()) {
	sets := map[string]*storage.BcacheSet{}
	caches, backing := map[*device]*storage.BcacheSet{}, map[*device]*storage.Bcache{}
	var bare []*device
	for _, d := range a.inv.devices {
		if sb, ok := d.sig.(*ondisk.Bcache); ok && sb.Cache {
			caches[d] = a.bcacheSet(sb.SetUUID, sets)
			if set := caches[d]; set.Made == nil {
				set.Made = bcacheMade(sb)
			}
		} else if ok {
			backing[d] = a.addBcache(d, sb)
		}
	}
	for _, d := range a.inv.devices {
		if d.role == roleBcache && a.node[d] == nil {
			a.addBareBcache(d)
			bare = append(bare, d)
		}
	}
	return func() {
		for d, set := range caches {
			a.Lay(set, a.on(d))
		}
		for d, n := range backing { // after the caches: a set with nothing under it is missing
			a.Lay(n, a.on(d))
			if sb := d.sig.(*ondisk.Bcache); sb.SetUUID != "" && !sb.Detached {
				a.layOnSet(n, a.bcacheSet(sb.SetUUID, sets), sb)
			}
			for _, s := range runningSlaves(d) { // an attachment that the superblock does not show yet
				if set := caches[s]; set != nil {
					a.Lay(n, set)
				}
			}
		}
		for _, d := range bare {
			a.layOnSlaves(d)
		}
	}
}

// runningSlaves are the devices of the bcache that runs over a backing device.
func runningSlaves(backing *device) []*device {
	for _, h := range backing.holders {
		if h.role == roleBcache {
			return h.slaves
		}
	}
	return nil
}

func (a *assembly) bcacheSet(uuid string, sets map[string]*storage.BcacheSet) *storage.BcacheSet {
	if sets[uuid] == nil {
		n := &storage.BcacheSet{UUID: uuid}
		n.Identity = storage.ID("bcacheset:" + uuid)
		a.Add(n)
		sets[uuid] = n
	}
	return sets[uuid]
}

// layOnSet says what it means when no cache device is there: a backing device
// that holds all data can do without, one that the cache has newer data of
// cannot.
func (a *assembly) layOnSet(n *storage.Bcache, set *storage.BcacheSet, sb *ondisk.Bcache) {
	a.Lay(n, set)
	if len(a.Lower(set)) > 0 {
		return
	}
	set.Mark(storage.Missing)
	n.Mark(storage.MemberMissing)
	if sb.State == "dirty" && n.Open == nil {
		n.Mark(storage.Incomplete)
		addNote(n, "its cache is missing, and holds data that was not written back")
	}
}

func (a *assembly) addBcache(backing *device, sb *ondisk.Bcache) *storage.Bcache {
	n := &storage.Bcache{UUID: sb.UUID, Label: sb.Label, State: sb.State, Made: bcacheMade(sb)}
	n.Identity = storage.ID("bcache:" + sb.UUID)
	a.Add(n)
	n.Size = backing.size - min(sb.DataOffset, backing.size)
	i := slices.IndexFunc(backing.holders, func(h *device) bool { return h.role == roleBcache })
	if i >= 0 {
		a.runBcache(n, backing.holders[i])
	}
	return n
}

func (a *assembly) runBcache(n *storage.Bcache, d *device) {
	a.is(n, d)
	n.Open = opening(d)
	n.State = d.bcache
}

// addBareBcache keeps a running bcache whose backing device could not be read.
func (a *assembly) addBareBcache(d *device) {
	n := &storage.Bcache{}
	n.Identity = storage.ID("bcache:name-" + d.name)
	a.Add(n)
	a.runBcache(n, d)
}
