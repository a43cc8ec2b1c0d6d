package probe

import (
	"cmp"
	"slices"
	"strings"

	"salvor/internal/ondisk"
	"salvor/internal/storage"
)

// addLVs makes the LVs and lays them on what their segments use.
func (a *assembly) addLVs(c *groupCopy) {
	for i := range c.meta.LVs {
		lv := &c.meta.LVs[i]
		if isSnapshotLink(lv) {
			continue
		}
		n := &storage.LV{UUID: lv.UUID, VG: c.meta.Name, Name: lv.Name, Layout: layout(lv), Internal: !lv.Visible, Made: lvMade(lv)}
		n.Identity = storage.ID("lv:" + lv.UUID)
		n.Size = lv.Extents() * c.meta.ExtentSize
		a.Add(n)
		c.parents[lv.Name], c.lvs[lv.Name] = n, n
		a.fix(func() {
			n.Group = c.node.ID
			c.setSegments(n.Made, lv.Segments)
		})
	}
	for i := range c.meta.LVs {
		lv := &c.meta.LVs[i]
		if isSnapshotLink(lv) {
			a.linkSnapshot(c, lv.Segments[0])
			continue
		}
		for _, s := range lv.Segments {
			a.laySegment(c, c.lvs[lv.Name], s)
		}
	}
	c.judge()
}

// isSnapshotLink tells the hidden entry ("snapshot0") that ties an origin to the
// volume that holds its old blocks. That volume is what people call the snapshot.
func isSnapshotLink(lv *ondisk.LVMLV) bool {
	return len(lv.Segments) > 0 && lv.Segments[0].Type == "snapshot"
}

func (a *assembly) linkSnapshot(c *groupCopy, s ondisk.LVMSegment) {
	cow, origin := c.lvs[cmp.Or(s.CowStore, s.MergingStore)], c.lvs[s.Origin]
	if cow == nil || origin == nil {
		return
	}
	cow.Layout, cow.Size = "snapshot", origin.Size
	a.Lay(cow, origin)
	a.fix(func() {
		cow.Origin = origin.ID
		s.Extents = 0 // those of the origin, of which it takes none
		c.setSegments(cow.Made, []ondisk.LVMSegment{s})
	})
	// In the metadata the link is the visible one, and its name means nothing.
	cow.Internal = s.MergingStore != ""
	if s.MergingStore != "" {
		addNotef(origin, "its snapshot %s is being merged into it", cow.Name)
	}
}

// layout names how the volume is made, by its first segment.
func layout(lv *ondisk.LVMLV) string {
	if len(lv.Segments) == 0 {
		return ""
	}
	s := &lv.Segments[0]
	if s.Linear() {
		return "linear"
	}
	return s.Type
}

func (a *assembly) laySegment(c *groupCopy, n *storage.LV, s ondisk.LVMSegment) {
	for _, place := range slices.Concat(s.Areas, s.MetadataAreas) {
		a.layOn(c, n, place.Name)
	}
	for _, name := range []string{s.Data, s.Metadata, s.ThinPool, s.CachePool, s.VDOPool, s.MirrorLog, s.ExternalOrigin} {
		a.layOn(c, n, name)
	}
	origin := c.lvs[s.Origin]
	switch {
	case origin == nil:
	case s.Type == "thin":
		a.fix(func() { n.Origin = origin.ID })
	default: // a cache lies on what it caches
		a.layOn(c, n, s.Origin)
	}
	if pool := c.lvs[cmp.Or(s.ThinPool, s.VDOPool)]; pool != nil {
		a.fix(func() { n.Pool = pool.ID })
	}
}

func (a *assembly) layOn(c *groupCopy, n *storage.LV, name string) {
	if low := c.parents[name]; low != nil && low != storage.Node(n) {
		a.Lay(n, low)
	}
}

// isInternal tells the hidden parts of logical volumes, whose content is nobody's.
func isInternal(n storage.Node) bool {
	lv, ok := n.(*storage.LV)
	return ok && (lv.Internal || lv.Layout == "thin-pool" || strings.HasSuffix(lv.Layout, "-pool"))
}
