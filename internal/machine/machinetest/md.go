package machinetest

import (
	"slices"
	"strings"

	"salvor/internal/machine"
	"salvor/internal/storage"
)

func (m *Machine) mdadm(c machine.Cmd) (machine.Result, error) {
	l, err := parse(c, []string{"--assemble", "--stop", "--readonly", "--run"}, []string{"--config", "--uuid"})
	if err != nil {
		return machine.Result{}, err
	}
	switch {
	case l.has("--assemble") && len(l.words) > 0 && l.options["--config"] == "none":
		return m.assemble(c, l, l.words[0], l.words[1:])
	case l.has("--stop") && len(l.words) == 1 && len(l.options) == 1:
		return m.stopArray(c, l.words[0])
	}
	return unknown(c)
}

// assemble finds the array among the members' superblocks, as mdadm does.
func (m *Machine) assemble(c machine.Cmd, l line, as string, members []string) (machine.Result, error) {
	var array *storage.MD
	shield := true
	for _, name := range members {
		d := m.device(name)
		if d == nil {
			return says(c, 2, "mdadm: cannot open device %s: No such file or directory", name)
		}
		md, ok := on[*storage.MD](m, d)
		if !ok {
			return says(c, 2, "mdadm: no recogniseable superblock on %s", name)
		}
		if plainUUID(md.UUID) != plainUUID(l.options["--uuid"]) {
			return says(c, 2, "mdadm: %s has wrong uuid.", name)
		}
		if md.Open != nil {
			return says(c, 2, "mdadm: %s is busy - skipping", name)
		}
		array, shield = md, shield && d.shield
	}
	if array == nil {
		return says(c, 1, "mdadm: no devices found for %s", as)
	}
	if m.device(as) != nil {
		return says(c, 1, "mdadm: %s is already in use.", as)
	}
	need := max(array.RaidDisks, len(array.On))
	switch {
	case array.Is(storage.Incomplete):
		return says(c, 1, "mdadm: %s assembled from %d drives - not enough to start the array.", as, len(members))
	case len(members) < need && !l.has("--run"):
		return says(c, 1, "mdadm: %s assembled from %d drives - need all %d to start it (use --run to insist).", as, len(members), need)
	}
	readOnly := l.has("--readonly")
	if !readOnly && !shield {
		m.wrote("assemble %s read-write", array.ID)
	}
	m.open(array, storage.Opening{ReadOnly: readOnly}, as, shield)
	return done("")
}

func plainUUID(s string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if slices.Contains([]rune(":-. "), r) {
			return -1
		}
		return r
	}, s))
}

func (m *Machine) stopArray(c machine.Cmd, name string) (machine.Result, error) {
	d := m.device(name)
	if d == nil {
		return says(c, 1, "mdadm: error opening %s: No such file or directory", name)
	}
	md, ok := d.node.(*storage.MD)
	if !ok || d.overlay {
		return says(c, 1, "mdadm: %s does not appear to be an md device", name)
	}
	if m.inUse(md.ID) {
		return says(c, 1, "mdadm: failed to stop array %s: Device or resource busy\nPerhaps a running process, mounted filesystem or active volume group?", name)
	}
	m.shut(md)
	return done("")
}
