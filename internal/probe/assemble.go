package probe

import (
	"fmt"
	"slices"

	"salvor/internal/storage"
)

// assembly makes the graph of an inventory. Nodes are made first and laid on
// each other as they become known; what needs their final IDs waits in fixes.
type assembly struct {
	storage.Builder
	inv *inventory
	// node is the node that is the device; content is the one that lies on it.
	node       map[*device]storage.Node
	content    map[*device]storage.Node
	subvolumes map[*storage.FileSystem][]*storage.Subvolume
	btrfs      []*btrfsCopy
	groups     []*groupCopy
	mounts     []storage.Mount
	notes      []string
	fixes      []func()
}

// assemble makes all nodes but the subvolumes. The order matters: first the
// nodes that are devices, then the partitions, which take their identity from
// what carries the table, then what lies on any of these.
func assemble(inv *inventory) *assembly {
	a := &assembly{
		inv: inv, notes: inv.notes,
		node: map[*device]storage.Node{}, content: map[*device]storage.Node{},
		subvolumes: map[*storage.FileSystem][]*storage.Subvolume{},
	}
	laying := []func(){
		a.addDisks(), a.addMultipaths(), a.addArrays(), a.addVolumeGroups(), a.addCrypts(), a.addBcaches(),
	}
	a.addTables()
	for _, lay := range laying {
		lay()
	}
	a.addContents()
	a.addOverlays()
	for _, d := range inv.devices {
		a.tell(d)
	}
	return a
}

// graph finishes the graph. The subvolumes are known now.
func (a *assembly) graph() (*storage.Graph, error) {
	a.addMounts()
	g, err := a.Build(a.mounts, a.notes, func() {
		for _, fix := range a.fixes {
			fix()
		}
	})
	if err == nil {
		locateImages(g)
	}
	return g, err
}

// fix has f called when all IDs are known.
func (a *assembly) fix(f func()) { a.fixes = append(a.fixes, f) }

func (a *assembly) note(format string, args ...any) {
	a.notes = append(a.notes, fmt.Sprintf(format, args...))
}

// on gives the node that is the device, for laying something on it; nil is
// ignored by Lay.
func (a *assembly) on(d *device) storage.Node {
	if n, ok := a.node[d.resolve()]; ok {
		return n
	}
	return nil
}

// layOnSlaves lays the node that is d on what sysfs says is under d.
func (a *assembly) layOnSlaves(d *device) {
	for _, s := range d.slaves {
		if low := a.on(s); low != a.node[d] {
			a.Lay(a.node[d], low)
		}
	}
}

// is makes n the node that is the device d.
func (a *assembly) is(n storage.Node, d *device) {
	a.node[d] = n
	c := n.Base()
	c.Dev, c.Size, c.ReadOnly = d.dev, d.size, d.readOnly
	if d.dm.name != "" {
		c.AddName(storage.DMPath(d.dm.name), storage.FromDM)
	}
	c.AddName(d.path, storage.FromKernel)
	for _, link := range slices.Sorted(slices.Values(d.udev.links)) {
		c.AddName(link, storage.FromUdev)
	}
}

// opening is how a device that was opened stands open.
func opening(d *device) *storage.Opening { return &storage.Opening{ReadOnly: d.readOnly} }

// tell puts what went wrong with a device on its node.
func (a *assembly) tell(d *device) {
	n := a.on(d)
	if n == nil || d.role == roleStandIn || d.role == roleLayer || d.role == roleWirePartition {
		return
	}
	c := n.Base()
	if d.failure != "" {
		c.Mark(storage.Unreadable)
		addNote(n, d.failure)
		a.note("cannot look at %s: %s", d.path, d.failure)
	}
	if d.content != nil {
		for _, text := range d.content.Notes {
			addNote(n, text)
		}
	}
}

// addNote adds a sentence to a node, once.
func addNote(n storage.Node, text string) {
	if c := n.Base(); !slices.Contains(c.Notes, text) {
		c.Notes = append(c.Notes, text)
	}
}

func addNotef(n storage.Node, format string, args ...any) {
	addNote(n, fmt.Sprintf(format, args...))
}

// addOverlays tells the devices that have a stand-in.
func (a *assembly) addOverlays() {
	for _, d := range a.inv.devices {
		if d.role != roleStandIn {
			continue
		}
		if n := a.on(d); n != nil && d.standsFor != nil {
			n.Base().Overlay = &storage.Opening{Name: d.dm.name, ReadOnly: d.readOnly}
		} else {
			a.note("the stand-in %q stands for nothing that is there", d.dm.name)
		}
	}
}
