package plan

import (
	"fmt"
	"slices"
	"strings"

	"salvor/internal/storage"
)

// overlaySize is how much can be written to a stand-in before it fails, in
// bytes. The memory is taken only as it is written to.
const overlaySize = 1 << 30

// openings makes the operations that set up it, as the wanted graph has it: one,
// or the mounts that lie on each other at a point.
func (d *differ) openings(it item) ([]Op, error) {
	if it.aspect != mounted {
		op, err := d.openingOp(it)
		return []Op{op}, err
	}
	var ops []Op
	for _, m := range d.want.stack[it.subject] {
		op, err := mounting(d.want.graph, *m)
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	return ops, nil
}

func mounting(g *storage.Graph, m storage.Mount) (Op, error) {
	op := Mount{Mount: m, Root: m.Under}
	if m.Source != "" {
		op.Device = g.DevicePath(m.Source)
		if op.Device == "" {
			return nil, fmt.Errorf("internal error: no device is known for %s, which is to be mounted at %s", m.Source, m.Point)
		}
		op.Mount.Options = append(MemberOptions(g, m.Source), m.Options...)
		op.Subtree = subtree(g, m)
	}
	return op, nil
}

// subtree is the directory that a mount shows of its source, "" when it shows all
// of it. What shows a bound tree is told by its path.
func subtree(g *storage.Graph, m storage.Mount) string {
	if m.Bind != "" {
		return ""
	}
	top := ""
	if sub, ok := g.Node(m.Source).(*storage.Subvolume); ok {
		top = sub.Path
	}
	root := strings.Trim(m.Root, "/")
	if rest, below := strings.CutPrefix(root, top+"/"); below && top != "" {
		return rest
	}
	if top == "" {
		return root
	}
	return ""
}

func (d *differ) openingOp(it item) (Op, error) {
	g := d.want.graph
	n := g.Node(storage.ID(it.subject))
	switch it.aspect {
	case overlay:
		return AddOverlay{ID: n.Base().ID, Device: g.OwnPath(n.Base().ID), MapName: n.Base().Overlay.Name, Size: storeSize(n.Base().Size)}, nil
	case frozen:
		return Freeze{n.Base().ID, g.OwnPath(n.Base().ID)}, nil
	}
	return openNode(g, n)
}

// storeSize is how large a stand-in's store has to be for a device of that size:
// one that is full fails every read from then on (device-mapper/snapshot.rst).
func storeSize(device uint64) uint64 {
	if device == 0 || device > overlaySize {
		return overlaySize
	}
	return max(device, 1<<20)
}

// openNode makes the operation that opens n as g has it open.
func openNode(g *storage.Graph, n storage.Node) (Op, error) {
	id, as := n.Base().ID, storage.OpeningOf(n)
	switch n := n.(type) {
	case *storage.Image:
		return attach(g, n), nil
	case *storage.MD:
		degraded := n.Is(storage.Degraded) || n.Is(storage.MemberMissing)
		return StartArray{ID: id, UUID: n.UUID, Device: g.OwnPath(id), Members: devicesBelow(g, id), ReadOnly: as.ReadOnly, Degraded: degraded, Held: n.Held}, nil
	case *storage.LV:
		vg := g.Node(n.Group)
		if vg == nil {
			return nil, fmt.Errorf("internal error: %s is in no volume group", id)
		}
		return ActivateLV{ID: id, VG: n.VG, LV: n.Name, VGUUID: vg.(*storage.VG).UUID, Device: g.OwnPath(id),
			PVs: pvDevices(g, vg), ReadOnly: as.ReadOnly, Degraded: vg.Base().Is(storage.MemberMissing)}, nil
	case *storage.Crypt:
		op := Unlock{ID: id, Format: n.Format, Device: below(g, id), MapName: as.Name, ReadOnly: as.ReadOnly, Terms: n.Terms.Clone()}
		if n.Terms != nil && n.Terms.HeaderOn != "" {
			op.HeaderDevice = g.DevicePath(n.Terms.HeaderOn)
		}
		return op, nil
	case *storage.Multipath:
		return StartMultipath{ID: id, WWID: n.WWID, Wires: devicesBelow(g, id)}, nil
	case *storage.Bcache:
		return StartBcache{ID: id, UUID: n.UUID, Devices: bcacheDevices(g, n), Device: g.OwnPath(id)}, nil
	default:
		return nil, fmt.Errorf("internal error: a %s cannot be opened", n.Kind())
	}
}

// closings makes the operations that take down it, as the present graph has it.
// What is seen at a point is unmounted before what it hides.
func (d *differ) closings(it item) ([]Op, error) {
	if it.aspect != mounted {
		op, err := d.closing(it)
		return []Op{op}, err
	}
	var ops []Op
	for _, m := range slices.Backward(d.have.stack[it.subject]) {
		ops = append(ops, Unmount{*m})
	}
	return ops, nil
}

func (d *differ) closing(it item) (Op, error) {
	g := d.have.graph
	n := g.Node(storage.ID(it.subject))
	switch it.aspect {
	case overlay:
		return RemoveOverlay{n.Base().ID, n.Base().Overlay.Name}, nil
	case frozen:
		return Thaw{n.Base().ID, g.OwnPath(n.Base().ID)}, nil
	}
	return closeNode(g, n)
}

func closeNode(g *storage.Graph, n storage.Node) (Op, error) {
	id := n.Base().ID
	switch n := n.(type) {
	case *storage.Image:
		return DetachImage{id, g.OwnPath(id)}, nil
	case *storage.MD:
		return StopArray{id, g.OwnPath(id)}, nil
	case *storage.LV:
		vg := g.Node(n.Group)
		if vg == nil {
			return nil, fmt.Errorf("internal error: %s is in no volume group", id)
		}
		return DeactivateLV{ID: id, VG: n.VG, LV: n.Name, VGUUID: vg.(*storage.VG).UUID, Device: g.OwnPath(id), PVs: pvDevices(g, vg)}, nil
	case *storage.Crypt:
		return Lock{id, n.Open.Name}, nil
	case *storage.Multipath:
		return StopMultipath{id, g.OwnPath(id)}, nil
	case *storage.Bcache:
		return StopBcache{ID: id, Device: g.OwnPath(id), Backing: bcacheDevices(g, n)}, nil
	default:
		return nil, fmt.Errorf("internal error: a %s cannot be closed", n.Kind())
	}
}

func (d *differ) renaming(it item) Op {
	return RenameMap{storage.ID(it.subject), d.have.up[it].name, d.want.up[it].name}
}

// devicesBelow gives the paths of what the node lies on directly.
func devicesBelow(g *storage.Graph, id storage.ID) []string {
	var out []string
	for _, low := range g.Lower(id) {
		if p := g.DevicePath(low.Base().ID); p != "" {
			out = append(out, p)
		}
	}
	return out
}

func below(g *storage.Graph, id storage.ID) string { return strings.Join(devicesBelow(g, id), " ") }

// pvDevices gives the devices of the PVs that are there.
func pvDevices(g *storage.Graph, vg storage.Node) []string {
	var out []string
	for _, pv := range g.Lower(vg.Base().ID) {
		if p := g.DevicePath(pv.Base().ID); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// bcacheDevices gives the cache devices, then the backing device: a backing
// device that comes first would start without its cache only if forced, but the
// kernel then waits.
func bcacheDevices(g *storage.Graph, n *storage.Bcache) []string {
	var cache, backing []string
	for _, low := range g.Lower(n.ID) {
		if low.Kind() == storage.KindBcacheSet {
			cache = append(cache, devicesBelow(g, low.Base().ID)...)
		} else if p := g.DevicePath(low.Base().ID); p != "" {
			backing = append(backing, p)
		}
	}
	return append(cache, backing...)
}

// MemberOptions gives the device= options of a btrfs of several devices: without
// them the kernel knows only the members that udev happened to announce
// (btrfs(5)). It is empty for all others.
func MemberOptions(g *storage.Graph, source storage.ID) []string {
	if sub, ok := g.Node(source).(*storage.Subvolume); ok {
		source = sub.On[0]
	}
	devices := devicesBelow(g, source)
	if len(devices) < 2 {
		return nil
	}
	var out []string
	for _, d := range devices {
		out = append(out, "device="+d)
	}
	return out
}
