package machinetest

import (
	"context"
	"fmt"
	"io"
	"slices"

	"salvor/internal/machine"
	"salvor/internal/storage"
)

var _ machine.Overwriter = (*Machine)(nil)

// overwriting is a disk that gets another content. All that lay on it is gone with the first
// write.
type overwriting struct {
	m    *Machine
	disk storage.ID
	name string
	held machine.Held
}

// Overwrite gives a device to one writer; FailNext knows it as "overwrite DEVICE".
func (m *Machine) Overwrite(name string) (machine.Overwriting, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.fault(context.Background(), "overwrite "+name); err != nil {
		return nil, err
	}
	d := m.device(name)
	switch {
	case d == nil || d.node == nil:
		return nil, fmt.Errorf("cannot open %s: %w", name, machine.ErrNoSuchDevice)
	case d.node.Base().ReadOnly:
		return nil, fmt.Errorf("cannot open %s: %w", name, machine.ErrReadOnly)
	}
	id := d.node.Base().ID
	for _, n := range append(m.graph.Above(id), d.node) {
		if m.inUse(n.Base().ID) {
			return nil, fmt.Errorf("cannot open %s: %w", name, machine.ErrBusy)
		}
	}
	return &overwriting{m, id, name, machine.Held{Major: d.number.Major, Minor: d.number.Minor, Size: d.node.Base().Size}}, nil
}

// Device tells what was opened; FailNext knows "look at DEVICE" as a name that another
// disk has got meanwhile.
func (o *overwriting) Device() (machine.Held, error) {
	o.m.mu.Lock()
	defer o.m.mu.Unlock()
	held := o.held
	if err := o.m.fault(context.Background(), "look at "+o.name); err != nil {
		held.Minor++
	}
	return held, nil
}

// WriteAt keeps what is written.
func (o *overwriting) WriteAt(p []byte, off int64) (int, error) {
	o.m.mu.Lock()
	defer o.m.mu.Unlock()
	if err := o.m.fault(context.Background(), "write to "+o.name); err != nil {
		return 0, err
	}
	o.m.wrote("overwrite %s", o.name)
	o.m.strip(o.disk)
	if o.m.written == nil {
		o.m.written = map[storage.ID]map[int64]byte{}
	}
	if o.m.written[o.disk] == nil {
		o.m.written[o.disk] = map[int64]byte{}
	}
	data := o.m.written[o.disk]
	for i, b := range p {
		if at := off + int64(i); b != 0 {
			data[at] = b
		} else if len(data) > 0 {
			delete(data, at)
		}
	}
	return len(p), nil
}

// ReadAt reads what was written, and zeros elsewhere.
func (o *overwriting) ReadAt(p []byte, off int64) (int, error) {
	o.m.mu.Lock()
	defer o.m.mu.Unlock()
	clear(p)
	if data := o.m.written[o.disk]; len(data) > 0 {
		for i := range p {
			p[i] = data[off+int64(i)]
		}
	}
	if err := o.m.fault(context.Background(), "read back "+o.name); err != nil {
		p[0] ^= 0xff
	}
	if end := int64(o.m.graph.Node(o.disk).Base().Size); off+int64(len(p)) > end {
		return int(max(0, end-off)), io.EOF
	}
	return len(p), nil
}

// Reread is asked for; FailNext knows it as "reread DEVICE".
func (o *overwriting) Reread() error {
	o.m.mu.Lock()
	defer o.m.mu.Unlock()
	if err := o.m.fault(context.Background(), "reread "+o.name); err != nil {
		return fmt.Errorf("cannot read the partition table of %s: %w", o.name, machine.ErrBusy)
	}
	return nil
}

// Flush and Close have nothing to do.
func (o *overwriting) Flush() error { return nil }
func (o *overwriting) Close() error { return nil }

// strip takes away what lies on a disk.
func (m *Machine) strip(disk storage.ID) {
	above := m.graph.Above(disk)
	if len(above) == 0 {
		return
	}
	var left []storage.Node
	for n := range m.graph.Nodes() {
		if !slices.ContainsFunc(above, func(up storage.Node) bool { return up.Base().ID == n.Base().ID }) {
			left = append(left, n)
		}
	}
	g, err := storage.NewGraph(left, m.graph.Mounts, m.graph.Notes)
	if err != nil {
		panic(fmt.Sprintf("machinetest: what is left without the content of %s is no graph: %v", disk, err))
	}
	m.graph = g
}
