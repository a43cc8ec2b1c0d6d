package probe

import (
	"cmp"
	"slices"

	"salvor/internal/ondisk"
	"salvor/internal/storage"
)

// lvmAllocation drops what is the default of a group.
func lvmAllocation(policy string) string {
	if policy == "normal" {
		return ""
	}
	return policy
}

func vgMade(m *ondisk.LVMVG) *storage.VGMade {
	v := &storage.VGMade{
		MaxLV: m.MaxLV, MaxPV: m.MaxPV, MetadataCopies: m.MetadataCopies, Allocation: lvmAllocation(m.Allocation),
		LockType: m.LockType, SystemID: m.SystemID, Profile: m.Profile, Tags: m.Tags,
		Clustered:      slices.Contains(m.Status, "CLUSTERED"),
		NotResizeable:  !slices.Contains(m.Status, "RESIZEABLE"),
		Exported:       slices.Contains(m.Status, "EXPORTED"),
		NoAutoActivate: slices.Contains(slices.Concat(m.Status, m.Flags), "NOAUTOACTIVATE"),
	}
	if v.LockType == "none" {
		v.LockType = ""
	}
	return v
}

// pvMade says what the PV itself tells, if it is there, and what its group knows of
// it, if it has one.
func pvMade(label *ondisk.LVM2PV, ref *ondisk.LVMPVRef) *storage.PVMade {
	m := &storage.PVMade{}
	if label != nil {
		m.DataOffset, m.BootloaderArea = label.DataOffset, label.BootloaderArea
		m.MetadataAreas, m.Ignored = len(label.MetadataAreas), label.MetadataIgnored
		if len(label.MetadataAreas) > 0 {
			m.MetadataSize = label.MetadataAreas[0].Size
		}
	}
	if ref != nil {
		m.DataOffset = cmp.Or(ref.PEStart, m.DataOffset)
		m.Extents, m.Tags = ref.PECount, ref.Tags
		m.Unallocatable = !slices.Contains(ref.Status, "ALLOCATABLE")
	}
	return m
}

func lvMade(lv *ondisk.LVMLV) *storage.LVMade {
	m := &storage.LVMade{
		ReadOnly: !slices.Contains(lv.Status, "WRITE"), Allocation: lv.Allocation, Profile: lv.Profile, Tags: lv.Tags,
		NoAutoActivate: !lv.AutoActivation, SkipActivation: slices.Contains(lv.Flags, "ACTIVATION_SKIP"), Minor: lv.Minor,
	}
	switch {
	case lv.ReadAhead < 0:
		m.ReadAhead = new(0)
	case lv.ReadAhead > 0:
		m.ReadAhead = new(lv.ReadAhead)
	}
	return m
}

// setSegments describes how the volume is mapped. The IDs of the group's PVs have to
// be known. Segments that only tie volumes together have no place of their own.
func (c *groupCopy) setSegments(m *storage.LVMade, segments []ondisk.LVMSegment) {
	for i := range segments {
		m.Segments = append(m.Segments, c.segment(&segments[i]))
	}
}

func (c *groupCopy) segment(s *ondisk.LVMSegment) storage.LVSegment {
	out := storage.LVSegment{
		Type: s.Type, Extents: s.Extents, Areas: c.areas(s.Areas), Meta: c.areas(s.MetadataAreas), Log: s.MirrorLog,
		StripeSize: s.StripeSize, RegionSize: s.RegionSize, ChunkSize: s.ChunkSize,
		Pool: cmp.Or(s.ThinPool, s.CachePool, s.VDOPool), Data: s.Data, Metadata: s.Metadata,
		Origin: cmp.Or(s.Origin, s.ExternalOrigin), Cow: cmp.Or(s.CowStore, s.MergingStore),
		CacheMode: s.CacheMode, CachePolicy: s.CachePolicy, MetadataFormat: s.MetadataFormat, Settings: s.Settings,
		Discards: s.Discards, ZeroBlocks: s.ZeroBlocks, DeviceID: s.DeviceID,
	}
	if s.Linear() {
		out.Type = "linear"
	}
	if s.Type == "thin-pool" && out.Discards == "" {
		out.Discards = "passdown" // lib/thin/thin.c reads it so
	}
	return out
}

func (c *groupCopy) areas(places []ondisk.LVMPlace) (out []storage.LVArea) {
	for _, p := range places {
		area := storage.LVArea{Extent: p.Extent}
		if pv, ok := c.parents[p.Name].(*storage.PV); ok {
			area.PV = pv.ID
		} else {
			area.LV = p.Name
		}
		out = append(out, area)
	}
	return out
}
