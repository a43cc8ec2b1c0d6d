package machinetest

import (
	"fmt"
	"strings"

	"salvor/internal/machine"
	"salvor/internal/storage"
)

func (m *Machine) dmsetup(c machine.Cmd) (machine.Result, error) {
	l, err := parse(c, []string{"--retry", "--noudevrules", "--noudevsync"}, []string{"--uuid", "--table"})
	if err != nil {
		return machine.Result{}, err
	}
	if len(l.words) == 0 || m.noUdev != l.has("--noudevsync") && l.words[0] != "table" {
		return unknown(c)
	}
	uuid := l.options["--uuid"]
	switch {
	case l.words[0] == "create" && len(l.words) == 2 && l.has("--uuid") && l.has("--table"):
		return m.createOverlay(c, l.words[1], uuid, strings.Fields(l.options["--table"]))
	case l.words[0] == "remove" && len(l.words) == 1 && l.has("--uuid"):
		return m.removeOverlay(c, uuid)
	case l.words[0] == "table" && len(l.words) == 1 && l.has("--uuid"):
		return m.overlayTable(c, uuid)
	case l.words[0] == "rename" && len(l.words) == 3:
		return m.renameMap(c, l.words[1], l.words[2])
	}
	return unknown(c)
}

func (m *Machine) createOverlay(c machine.Cmd, name, uuid string, table []string) (machine.Result, error) {
	if len(table) != 7 || table[0] != "0" || table[2] != "snapshot" || table[5] != "N" || uuid != "SALVOR-COW-"+name {
		return unknown(c)
	}
	origin := m.device(table[3])
	_, store := m.loops[table[4]]
	switch {
	case m.dmNameTaken(name):
		return says(c, 1, "device-mapper: create ioctl on %s %s failed: Device or resource busy\nCommand failed.", name, uuid)
	case origin == nil || origin.node == nil || !store:
		return says(c, 1, "device-mapper: reload ioctl on %s (253:0) failed: No such device\nCommand failed.", name)
	case origin.overlay || origin.node.Base().Overlay != nil || table[1] != fmt.Sprint(origin.size/512):
		return unknown(c)
	case len(m.graph.MountsOf(origin.node.Base().ID)) > 0:
		return says(c, 1, "device-mapper: reload ioctl on %s (253:0) failed: Device or resource busy\nCommand failed.", name)
	}
	c0 := origin.node.Base()
	c0.Overlay = &storage.Opening{Name: name}
	m.stores[c0.ID] = table[4]
	return done("")
}

func (m *Machine) overlayNode(uuid string) storage.Node {
	for n := range m.graph.Nodes() {
		if o := n.Base().Overlay; o != nil && "SALVOR-COW-"+o.Name == uuid {
			return n
		}
	}
	return nil
}

func (m *Machine) removeOverlay(c machine.Cmd, uuid string) (machine.Result, error) {
	n := m.overlayNode(uuid)
	if n == nil {
		return says(c, 1, "device-mapper: remove ioctl on  %s failed: No such device or address\nCommand failed.", uuid)
	}
	id := n.Base().ID
	if m.usedAbove(id) || len(m.graph.MountsOf(id)) > 0 {
		return says(c, 1, "device-mapper: remove ioctl on  %s failed: Device or resource busy\nCommand failed.", uuid)
	}
	n.Base().Overlay = nil
	delete(m.stores, id)
	delete(m.numbers, "overlay "+string(id))
	return done("")
}

func (m *Machine) overlayTable(c machine.Cmd, uuid string) (machine.Result, error) {
	n := m.overlayNode(uuid)
	if n == nil {
		return says(c, 1, "device-mapper: table ioctl on  %s failed: No such device or address\nCommand failed.", uuid)
	}
	id := n.Base().ID
	origin, store := m.nodeDevice(id), m.number(m.stores[id], loopMajor)
	return done(fmt.Sprintf("0 %d snapshot %s %s N 8\n", origin.size/512, origin.number, store))
}

func (m *Machine) renameMap(c machine.Cmd, from, to string) (machine.Result, error) {
	d := m.device(storage.DMPath(from))
	if d == nil || d.node == nil || d.node.Kind() != storage.KindCrypt || d.overlay {
		return says(c, 1, "device-mapper: rename ioctl on %s  failed: No such device or address\nCommand failed.", from)
	}
	if m.dmNameTaken(to) {
		return says(c, 1, "device-mapper: rename ioctl on %s  failed: Device or resource busy\nCommand failed.", from)
	}
	base := d.node.Base()
	kept := base.Names[:0]
	for _, n := range base.Names {
		if n.Path != storage.DMPath(from) {
			kept = append(kept, n)
		}
	}
	base.Names = kept
	storage.OpeningOf(d.node).Name = to
	return done("")
}

func (m *Machine) multipath(c machine.Cmd) (machine.Result, error) {
	l, err := parse(c, []string{"-i", "-f"}, nil)
	if err != nil || len(l.words) != 1 || l.has("-i") == l.has("-f") {
		return unknown(c)
	}
	if !m.modules["dm-multipath"] && l.has("-i") {
		return says(c, 1, "DM multipath kernel driver not loaded")
	}
	d := m.device(l.words[0])
	if d == nil {
		return says(c, 1, "'%s' is not a valid argument", l.words[0])
	}
	if l.has("-f") {
		return m.flush(c, d)
	}
	mp, ok := on[*storage.Multipath](m, d)
	if !ok {
		return done("") // not one of its wires: multipath says nothing
	}
	if mp.Open == nil {
		m.open(mp, storage.Opening{}, "", false)
		mp.AddName(storage.DMPath(mp.WWID), storage.FromDM)
	}
	return done("")
}

func (m *Machine) flush(c machine.Cmd, d *device) (machine.Result, error) {
	mp, ok := d.node.(*storage.Multipath)
	if !ok || d.overlay {
		return says(c, 1, "'%s' is not a valid argument", c.Args[1])
	}
	if m.inUse(mp.ID) {
		return says(c, 1, "%s: map in use", c.Args[1])
	}
	m.shut(mp)
	return done("")
}
