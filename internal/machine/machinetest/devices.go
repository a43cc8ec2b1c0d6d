package machinetest

import (
	"context"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"salvor/internal/machine"
	"salvor/internal/storage"
)

// device is a block device that is there now.
type device struct {
	names   []string // paths, the best one first
	kernel  string   // name in sysfs
	number  storage.Dev
	node    storage.Node // nil for a loop device
	overlay bool         // the stand-in of the node
	size    uint64
	dmUUID  string
	shield  bool // what is written to it goes to an overlay, its own or one below
}

// majors by kind (Documentation/admin-guide/devices.txt); those of device-mapper
// and bcache are dynamic, and often these.
var majors = map[storage.Kind]uint32{
	storage.KindDisk: 8, storage.KindPartition: 8, storage.KindMD: 9, storage.KindBcache: 252,
	storage.KindCrypt: 253, storage.KindLV: 253, storage.KindMultipath: 253,
}

const dmMajor, loopMajor = 253, 7

// devices lists what is there now.
func (m *Machine) devices() []device {
	var out []device
	shown := m.shown()
	for n := range m.graph.Nodes() {
		if shown[n.Base().ID] {
			out = append(out, m.devicesOf(n)...)
		}
	}
	for _, l := range slices.Sorted(maps.Keys(m.loops)) {
		out = append(out, device{names: []string{l}, kernel: path.Base(l), number: m.number(l, loopMajor), size: m.loops[l]})
	}
	return out
}

// devicesOf gives the device of a node and its stand-in.
func (m *Machine) devicesOf(n storage.Node) []device {
	c := n.Base()
	major, ok := majors[n.Kind()]
	if !ok || storage.CanOpen(n) && storage.OpeningOf(n) == nil {
		return nil
	}
	d := device{node: n, number: c.Dev, size: c.Size, shield: m.shielded(n)}
	if d.size == 0 {
		d.size = 1 << 20
	}
	if d.number.IsZero() {
		d.number = m.number(string(c.ID), major)
	}
	if p := m.graph.OwnPath(c.ID); p != "" {
		d.names = append(d.names, p)
	}
	for _, name := range c.Names {
		if !slices.Contains(d.names, name.Path) {
			d.names = append(d.names, name.Path)
		}
	}
	d.kernel = path.Base(m.graph.OwnPath(c.ID))
	if major == dmMajor {
		d.addDM(dmUUID(n))
	}
	out := []device{d}
	if c.Overlay != nil {
		o := device{node: n, overlay: true, shield: true, size: d.size, names: []string{storage.DMPath(c.Overlay.Name)}}
		o.number = m.number("overlay "+string(c.ID), dmMajor)
		o.addDM("SALVOR-COW-" + c.Overlay.Name)
		out = append(out, o)
	}
	return out
}

// shielded: a node that was opened remembers what it was opened through; a
// partition is where its table is.
func (m *Machine) shielded(n storage.Node) bool {
	if storage.CanOpen(n) {
		return m.shields[n.Base().ID]
	}
	lower := m.graph.Lower(n.Base().ID)
	return len(lower) > 0 && !slices.ContainsFunc(lower, func(low storage.Node) bool { return !m.shielded(low) })
}

func (d *device) addDM(uuid string) {
	d.kernel, d.dmUUID = fmt.Sprintf("dm-%d", d.number.Minor), uuid
	d.names = append(d.names, "/dev/"+d.kernel)
}

// dmUUID is the UUID that the openers give (lvm2, multipath-tools, cryptsetup).
func dmUUID(n storage.Node) string {
	switch n := n.(type) {
	case *storage.Multipath:
		return "mpath-" + n.WWID
	case *storage.LV:
		return "LVM-" + strings.ReplaceAll(n.UUID, "-", "")
	case *storage.Crypt:
		return "CRYPT-" + strings.ToUpper(n.Format) + "-" + strings.ReplaceAll(n.UUID, "-", "") + "-" + n.Open.Name
	}
	return ""
}

// number hands out a device number that is not in use; the key keeps it until it
// is dropped.
func (m *Machine) number(key string, major uint32) storage.Dev {
	if d, ok := m.numbers[key]; ok {
		return d
	}
	used := map[storage.Dev]bool{}
	for n := range m.graph.Nodes() {
		used[n.Base().Dev] = true
	}
	for _, d := range m.numbers {
		used[d] = true
	}
	d := storage.Dev{Major: major}
	for used[d] {
		d.Minor++
	}
	m.numbers[key] = d
	return d
}

// device finds a device by one of its paths, or nil.
func (m *Machine) device(name string) *device {
	for _, d := range m.devices() {
		if slices.Contains(d.names, name) {
			return &d
		}
	}
	return nil
}

// nodeDevice finds the device of a node, or nil.
func (m *Machine) nodeDevice(id storage.ID) *device {
	if !m.shown()[id] {
		return nil
	}
	if d := m.devicesOf(m.graph.Node(id)); len(d) > 0 {
		return &d[0]
	}
	return nil
}

// on finds the content of a kind that lies on a device.
func on[T storage.Node](m *Machine, d *device) (T, bool) {
	var none T
	if d == nil || d.node == nil {
		return none, false
	}
	for _, up := range m.graph.Upper(d.node.Base().ID) {
		if t, ok := up.(T); ok {
			return t, true
		}
	}
	return none, false
}

// inUse: something that rests on the node is open, stood in for or mounted, or the
// node itself is stood in for or mounted.
func (m *Machine) inUse(id storage.ID) bool {
	if len(m.graph.MountsOf(id)) > 0 || m.graph.Node(id).Base().Overlay != nil {
		return true
	}
	return m.usedAbove(id)
}

func (m *Machine) usedAbove(id storage.ID) bool {
	return slices.ContainsFunc(m.graph.Above(id), func(n storage.Node) bool {
		return storage.OpeningOf(n) != nil || n.Base().Overlay != nil
	})
}

// dmNameTaken: a map of that name is there.
func (m *Machine) dmNameTaken(name string) bool { return m.device(storage.DMPath(name)) != nil }

// open opens a node that the caller has found to be closed.
func (m *Machine) open(n storage.Node, as storage.Opening, kernelPath string, shield bool) {
	m.shields[n.Base().ID] = shield
	storage.SetOpening(n, &as)
	n.Base().ReadOnly = as.ReadOnly
	if kernelPath != "" {
		n.Base().AddName(kernelPath, storage.FromKernel)
	}
}

// shut closes a node, and takes its device away.
func (m *Machine) shut(n storage.Node) {
	c := n.Base()
	storage.SetOpening(n, nil)
	c.ReadOnly = false
	c.Dev = storage.Dev{}
	c.Names = slices.DeleteFunc(c.Names, func(nm storage.Name) bool {
		return nm.Origin != storage.FromMetadata && nm.Origin != storage.FromCrypttab && nm.Origin != storage.FromLayout
	})
	delete(m.numbers, string(c.ID))
}

// SetReadOnly sets the flag of a device.
func (m *Machine) SetReadOnly(name string, on bool) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	act := "set writable " + name
	if on {
		act = "set read-only " + name
	}
	if err := m.fault(context.Background(), act); err != nil {
		return false, err
	}
	d := m.device(name)
	if d == nil && m.modules["nbd"] && strings.HasPrefix(name, "/dev/nbd") {
		return false, nil // nothing is attached to it
	}
	if d == nil || d.node == nil || d.overlay {
		return false, fmt.Errorf("cannot open %s: %w", name, machine.ErrNoSuchDevice)
	}
	was := d.node.Base().ReadOnly
	d.node.Base().ReadOnly = on
	return was, nil
}

// AttachLoop makes a loop device.
func (m *Machine) AttachLoop(size uint64) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.fault(context.Background(), "attach loop"); err != nil {
		return "", err
	}
	for i := 0; ; i++ {
		name := fmt.Sprintf("/dev/loop%d", i)
		if m.device(name) == nil {
			m.loops[name] = size
			return name, nil
		}
	}
}

// DetachLoop ends a loop device that AttachLoop made.
func (m *Machine) DetachLoop(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.fault(context.Background(), "detach loop "+name); err != nil {
		return err
	}
	if n := m.attached(name); n != nil {
		if m.inUse(n.ID) {
			return fmt.Errorf("cannot detach %s: %w", name, machine.ErrBusy)
		}
		m.detach(n)
		return nil
	}
	if _, ours := m.loops[name]; !ours {
		return fmt.Errorf("machinetest: %s is not a loop device that AttachLoop made", name)
	}
	for id, store := range m.stores {
		if store == name {
			return fmt.Errorf("cannot detach %s: %w: it is the store of the overlay of %s", name, machine.ErrBusy, id)
		}
	}
	delete(m.loops, name)
	delete(m.numbers, name)
	return nil
}

// OpenBlock gives a device of the right size, full of zeros.
func (m *Machine) OpenBlock(ctx context.Context, name string) (machine.Block, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.fault(ctx, "open "+name); err != nil {
		return nil, err
	}
	d := m.device(name)
	if b, ok := m.fileBlock(name); d == nil && ok {
		return b, nil
	}
	if d == nil {
		return nil, fmt.Errorf("cannot open %s: %w", name, machine.ErrNoSuchDevice)
	}
	if d.node != nil && m.blocks[d.node.Base().ID] != nil {
		return fileContent(m.blocks[d.node.Base().ID]), nil
	}
	return zeros(d.size), nil
}

// zeros is an empty device.
type zeros int64

func (z zeros) Size() int64     { return int64(z) }
func (z zeros) SectorSize() int { return 512 }
func (z zeros) Close() error    { return nil }

func (z zeros) ReadAt(p []byte, off int64) (int, error) {
	n := max(0, min(int64(len(p)), int64(z)-off))
	clear(p[:n])
	if n < int64(len(p)) {
		return int(n), io.EOF
	}
	return int(n), nil
}
