package probe

import (
	"slices"
	"strings"

	"salvor/internal/storage"
)

// lvmMapping is what the device-mapper UUID of an LVM device says: the UUIDs of
// group and volume, and which layer of the volume it is (lvm2:
// lib/activate/dev_manager.c, build_dm_uuid).
type lvmMapping struct{ vg, lv, layer string }

func lvmDevice(d *device) lvmMapping {
	rest, ok := strings.CutPrefix(d.dm.uuid, "LVM-")
	if !ok || len(rest) < 64 {
		return lvmMapping{layer: "unknown"}
	}
	return lvmMapping{vg: dashLVM(rest[:32]), lv: dashLVM(rest[32:64]), layer: strings.TrimPrefix(rest[64:], "-")}
}

// reserved are the names of hidden volumes; lvm lets nobody else have them
// (lvm(8), "VALID NAMES").
var reserved = []string{
	"_cdata", "_cmeta", "_corig", "_cvol", "_imeta", "_iorig", "_mimage", "_mlog", "_pmspare", "_rimage", "_rmeta",
	"_tdata", "_tmeta", "_vdata", "_vorigin", "_wcorig",
}

// isHiddenVolume tells the parts of volumes from the volumes. The images of a
// mirror and the data of a pool show the same bytes as what lies on them, so
// reading them would find everything twice.
func isHiddenVolume(d *device) bool {
	id := lvmDevice(d)
	_, name := splitLVName(d.dm.name)
	return id.layer != "" || strings.HasPrefix(name, "pvmove") ||
		slices.ContainsFunc(reserved, func(r string) bool { return strings.Contains(name, r) }) ||
		slices.ContainsFunc(d.slaves, func(s *device) bool { return s.role == roleVolume && isPoolOf(s, id) })
}

// isPoolOf tells the working side of a pool, under the device that carries the
// pool's name.
func isPoolOf(s *device, id lvmMapping) bool {
	low := lvmDevice(s)
	return low.lv == id.lv && (low.layer == "tpool" || low.layer == "vpool")
}

// dashLVM writes an LVM identifier as lvm prints it.
func dashLVM(s string) string {
	return strings.Join([]string{s[:6], s[6:10], s[10:14], s[14:18], s[18:22], s[22:26], s[26:]}, "-")
}

// splitLVName splits a device-mapper name into VG and LV. A hyphen within a name
// is doubled.
func splitLVName(name string) (vg, lv string) {
	for i := 0; i < len(name); i++ {
		if name[i] != '-' {
			continue
		}
		if i+1 < len(name) && name[i+1] == '-' {
			i++
			continue
		}
		vg, lv = name[:i], name[i+1:]
		break
	}
	undouble := func(s string) string { return strings.ReplaceAll(s, "--", "-") }
	return undouble(vg), undouble(lv)
}

// activate connects the volumes with the devices that they are active as.
func (a *assembly) activate(copies []*groupCopy) (lay func()) {
	active := map[*storage.LV][]*device{}
	groups := map[string]*storage.VG{}
	var strange []*device
	for _, d := range a.inv.devices {
		if d.role != roleVolume {
			continue
		}
		n := volumeOf(copies, d)
		if n == nil {
			n = a.addStrangeVolume(d, groups)
			strange = append(strange, d)
		}
		active[n] = append(active[n], d)
	}
	for n, devices := range active {
		a.open(n, devices)
	}
	for _, c := range copies {
		closedNames(c)
	}
	return func() {
		for _, d := range strange {
			a.layOnSlaves(d)
		}
	}
}

// closedNames gives the volumes the names that they will have, or have for
// everyone who does not ask udev.
func closedNames(c *groupCopy) {
	for _, n := range c.lvs {
		if isInternal(n) {
			continue
		}
		n.AddName(storage.LVPath(n.VG, n.Name), storage.FromMetadata)
		n.AddName("/dev/"+n.VG+"/"+n.Name, storage.FromMetadata)
	}
}

// volumeOf finds the volume that a device belongs to; among copies of a group,
// in the one whose PVs the device lies on.
func volumeOf(copies []*groupCopy, d *device) *storage.LV {
	id := lvmDevice(d)
	var found *storage.LV
	for _, c := range copies {
		if c.meta.UUID != id.vg {
			continue
		}
		for _, n := range c.lvs {
			if n.UUID != id.lv {
				continue
			}
			if found == nil || c.carries(d) {
				found = n
			}
		}
		if found != nil && c.carries(d) {
			return found
		}
	}
	return found
}

// carries tells whether the device lies on one of the group's PVs, directly or
// through other volumes.
func (c *groupCopy) carries(d *device) bool {
	for _, s := range d.slaves {
		if s.role == roleVolume && c.carries(s) {
			return true
		}
		if slices.ContainsFunc(c.pvs, func(pv physical) bool { return pv.device == s }) {
			return true
		}
	}
	return false
}

// open marks a volume as active. The device without a layer in its UUID is the
// volume itself; hidden volumes and unused pools have only layers.
func (a *assembly) open(n *storage.LV, devices []*device) {
	best := devices[0]
	for _, d := range devices {
		a.node[d] = n
		if lvmDevice(d).layer == "" {
			best = d
		}
	}
	a.is(n, best)
	n.Open = opening(best)
}

// addStrangeVolume keeps a volume that is active while its metadata is not to be
// found, because its PVs are gone or cannot be read.
func (a *assembly) addStrangeVolume(d *device, groups map[string]*storage.VG) *storage.LV {
	id := lvmDevice(d)
	vgName, lvName := splitLVName(d.dm.name)
	group := groups[id.vg]
	if group == nil {
		group = &storage.VG{UUID: id.vg, Name: vgName}
		group.Identity = storage.ID("vg:" + id.vg)
		group.Mark(storage.Incomplete)
		groups[id.vg] = group
		a.Add(group)
	}
	n := &storage.LV{UUID: id.lv, VG: vgName, Name: lvName, Internal: id.layer != ""}
	n.Identity = storage.ID("lv:" + id.lv)
	if id.layer != "" || id.lv == "" {
		n.Identity = storage.ID("lv:name-" + d.dm.name)
	}
	a.Add(n)
	addNotef(n, "no metadata of it was found; it is known from %s alone", d.path)
	a.fix(func() { n.Group = group.ID })
	return n
}
