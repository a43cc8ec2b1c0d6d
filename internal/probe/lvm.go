package probe

import (
	"cmp"
	"maps"
	"slices"

	"salvor/internal/ondisk"
	"salvor/internal/storage"
)

// physical is a device with a PV label.
type physical struct {
	device *device
	label  *ondisk.LVM2PV
}

// groupCopy is one set of PVs that make a volume group, with the newest metadata
// among them.
type groupCopy struct {
	pvs  []physical
	meta *ondisk.LVMVG
	// parents are the nodes by their name in the metadata: PVs and LVs.
	parents map[string]storage.Node
	lvs     map[string]*storage.LV
	node    *storage.VG
	pvNodes map[string]*storage.PV // by UUID
	lost    map[string]bool        // PVs, by name, that cannot be used
}

// addVolumeGroups makes PVs, VGs and LVs from the metadata, and those LVs that
// only device-mapper knows.
func (a *assembly) addVolumeGroups() (lay func()) {
	var all []physical
	for _, d := range a.inv.devices {
		if label, ok := d.sig.(*ondisk.LVM2PV); ok {
			all = append(all, physical{d, label})
		}
	}
	copies := splitGroups(all)
	a.groups = copies
	pvNodes := map[*device]*storage.PV{}
	for _, c := range copies {
		a.addGroup(c, pvNodes)
	}
	for _, pv := range all {
		if pvNodes[pv.device] == nil {
			pvNodes[pv.device] = a.addPV(pv.label.UUID, "")
			pvNodes[pv.device].Made = pvMade(pv.label, nil)
			addNote(pvNodes[pv.device], orphanNote(pv.label))
		}
	}
	layLVs := a.activate(copies)
	return func() {
		for _, pv := range all {
			n := pvNodes[pv.device]
			a.Lay(n, a.on(pv.device))
			if node := a.on(pv.device); node != nil {
				n.Size = node.Base().Size
			}
			a.content[pv.device] = n
		}
		layLVs()
	}
}

func orphanNote(l *ondisk.LVM2PV) string {
	if l.Orphan {
		return "it belongs to no volume group"
	}
	return "no metadata tells which volume group it belongs to"
}

func (a *assembly) addPV(uuid, vg string) *storage.PV {
	n := &storage.PV{UUID: uuid, VG: vg}
	n.Identity = storage.ID("pv:" + uuid)
	a.Add(n)
	return n
}

// splitGroups finds the copies of each volume group: the PVs that are in use now
// come first, then those with the newest metadata; a PV whose UUID a copy has
// already goes to the next one.
func splitGroups(all []physical) []*groupCopy {
	groupOf := map[string]string{} // PV UUID → VG UUID
	for _, pv := range slices.SortedStableFunc(slices.Values(all), compareSeqno) {
		if pv.label.VG == nil {
			continue
		}
		for _, ref := range pv.label.VG.PVs {
			if _, known := groupOf[ref.UUID]; !known {
				groupOf[ref.UUID] = pv.label.VG.UUID
			}
		}
	}
	byVG := map[string][]physical{}
	for _, pv := range all {
		if vg := groupOf[pv.label.UUID]; vg != "" {
			byVG[vg] = append(byVG[vg], pv)
		}
	}
	var out []*groupCopy
	for _, vg := range slices.Sorted(maps.Keys(byVG)) {
		out = append(out, splitGroup(vg, byVG[vg])...)
	}
	return out
}

func compareSeqno(x, y physical) int { return cmp.Compare(y.seqno(), x.seqno()) }

func (pv physical) seqno() uint64 {
	if pv.label.VG == nil {
		return 0
	}
	return pv.label.VG.SeqNo
}

func splitGroup(vg string, pvs []physical) []*groupCopy {
	used := func(pv physical) int {
		if pv.device.heldBy(roleVolume) || pv.device.heldBy(roleLayer) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(pvs, func(x, y physical) int { return cmp.Or(cmp.Compare(used(x), used(y)), compareSeqno(x, y)) })
	var copies []*groupCopy
	for _, pv := range pvs {
		i := slices.IndexFunc(copies, func(c *groupCopy) bool {
			return !slices.ContainsFunc(c.pvs, func(o physical) bool { return o.label.UUID == pv.label.UUID })
		})
		if i < 0 {
			copies, i = append(copies, &groupCopy{}), len(copies)
		}
		copies[i].pvs = append(copies[i].pvs, pv)
	}
	for _, c := range copies {
		c.meta = newestMetadata(vg, c.pvs)
	}
	// A copy of PVs without metadata alone tells nothing of its own.
	for _, c := range copies {
		if c.meta == nil {
			c.meta = newestMetadata(vg, pvs)
		}
	}
	return copies
}

func newestMetadata(vg string, pvs []physical) *ondisk.LVMVG {
	var best *ondisk.LVMVG
	for _, pv := range pvs {
		if m := pv.label.VG; m != nil && m.UUID == vg && (best == nil || m.SeqNo > best.SeqNo) {
			best = m
		}
	}
	return best
}

func (a *assembly) addGroup(c *groupCopy, byDevice map[*device]*storage.PV) {
	c.node = &storage.VG{UUID: c.meta.UUID, Name: c.meta.Name, ExtentSize: c.meta.ExtentSize, Seqno: c.meta.SeqNo, Made: vgMade(c.meta)}
	c.node.Identity = storage.ID("vg:" + c.meta.UUID)
	c.parents, c.lvs = map[string]storage.Node{}, map[string]*storage.LV{}
	c.pvNodes, c.lost = map[string]*storage.PV{}, map[string]bool{}
	a.Add(c.node)
	for _, ref := range c.meta.PVs {
		a.addGroupPV(c, ref, byDevice)
	}
	if c.meta.SystemID != "" {
		addNotef(c.node, "it belongs to the host with the system ID %q; lvm refuses to activate it on others", c.meta.SystemID)
	}
	if c.meta.LockType != "" && c.meta.LockType != "none" {
		addNotef(c.node, "it is shared between hosts (lock type %s)", c.meta.LockType)
	}
	a.addLVs(c)
}

// addGroupPV makes the node of a PV of the group: of one that is there, or of
// one that the group knows by name only.
func (a *assembly) addGroupPV(c *groupCopy, ref ondisk.LVMPVRef, byDevice map[*device]*storage.PV) {
	n := a.addPV(ref.UUID, c.meta.Name)
	n.Size = ref.DevSize
	c.parents[ref.Name], c.pvNodes[ref.UUID] = n, n
	a.Lay(c.node, n)
	i := slices.IndexFunc(c.pvs, func(pv physical) bool { return pv.label.UUID == ref.UUID })
	if i >= 0 {
		n.Made = pvMade(c.pvs[i].label, &ref)
	} else {
		n.Made = pvMade(nil, &ref)
	}
	switch {
	case i < 0:
		n.Mark(storage.Missing)
		if ref.DeviceHint != "" {
			addNotef(n, "it was last seen as %s", ref.DeviceHint)
		}
	case ref.Missing:
		byDevice[c.pvs[i].device] = n
		addNote(n, "the volume group was changed while it was away; lvm does not use it before it is restored (vgextend --restoremissing)")
	default:
		byDevice[c.pvs[i].device] = n
		c.tellOldMetadata(n, c.pvs[i])
		return
	}
	c.lost[ref.Name] = true
	c.node.Mark(storage.MemberMissing)
	addNotef(c.node, "physical volume %s is missing", ref.UUID)
}

func (c *groupCopy) tellOldMetadata(n *storage.PV, pv physical) {
	if s := pv.seqno(); s != 0 && s < c.meta.SeqNo {
		addNotef(n, "its copy of the group's metadata is old (number %d, the newest is %d)", s, c.meta.SeqNo)
	}
}
