package rear

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"salvor/internal/storage"
)

// lvm writes volume groups.
func (e *exporter) lvm() {
	groups := slices.SortedFunc(storage.All[*storage.VG](e.g), func(a, b *storage.VG) int { return strings.Compare(a.Name, b.Name) })
	e.pvs(groups)
	for at, g := range groups {
		if at == 0 {
			e.out.comment("Format for LVM VGs", "lvmgrp <volume_group> <extentsize> [<size(extents)>] [<size(bytes)>]")
		}
		extents := e.extents(g)
		e.add(g, &LVMGrp{VG: g.Name, ExtentKiB: g.ExtentSize >> 10, Extents: extents, SizeKiB: extents * (g.ExtentSize >> 10)})
	}
	e.volumes()
}

func (e *exporter) pvs(groups []*storage.VG) {
	header := false
	in := map[storage.ID][]*storage.PV{}
	for _, n := range byContent[*storage.PV](e) {
		for _, up := range e.g.Upper(n.ID) {
			in[up.Base().ID] = append(in[up.Base().ID], n)
		}
	}
	for _, g := range groups {
		for _, n := range in[g.ID] {
			if !header {
				e.out.comment("Format for LVM PVs", "lvmdev <volume_group> <device> [<uuid>] [<size(bytes)>]")
				header = true
			}
			size := n.Size / sector
			if e.latest {
				size = n.Size
			}
			e.add(n, &LVMDev{VG: g.Name, Device: e.device(e.on(n)), UUID: n.UUID, Size: size})
		}
	}
}

// extents is how many a group has: those of its PVs, or else as many as fit on them.
func (e *exporter) extents(g *storage.VG) uint64 {
	var n uint64
	for _, low := range e.g.Lower(g.ID) {
		p, ok := low.(*storage.PV)
		switch {
		case !ok:
		case p.Made != nil && p.Made.Extents > 0:
			n += p.Made.Extents
		case g.ExtentSize > 0 && p.Size > pvStart:
			n += (p.Size - pvStart) / g.ExtentSize
		}
	}
	return n
}

// pvStart is where pvcreate(8) lets the first extent begin, if it is not told otherwise.
const pvStart = 1 << 20

// lvRow is what lvs says of one segment of a volume. Its text is what ReaR sorts by.
type lvRow struct {
	n       *storage.LV
	line    *LVMVol
	text    string
	segment uint64 // bytes
}

// volumes writes the volumes as ReaR does: a line for each segment, by size, so that
// the largest is made last; of several segments all but the first are disabled.
func (e *exporter) volumes() {
	var rows []lvRow
	for n := range storage.All[*storage.LV](e.g) {
		if !n.Internal && lvsOrigin(n) == "" {
			rows = append(rows, e.rows(n)...)
		}
	}
	slices.SortFunc(rows, func(a, b lvRow) int { return cmp.Or(cmp.Compare(a.n.Size, b.n.Size), strings.Compare(a.text, b.text)) })
	if len(rows) > 0 {
		e.out.comment("Format for LVM LVs", "lvmvol <volume_group> <name> <size(bytes)> <layout> [key:value ...]")
	}
	seen := map[*storage.LV]bool{}
	for _, r := range rows {
		e.add(r.n, r.line)
		e.out.Lines[len(e.out.Lines)-1].Disabled = seen[r.n]
		if r.segment != r.n.Size {
			e.out.comment(fmt.Sprintf("Extra parameters for the line above, which 'lvcreate' does not take into account: segmentsize:%db", r.segment))
		}
		seen[r.n] = true
	}
}

// lvsOrigin is what "lvs -o origin" shows: of snapshots what they are of, of cached
// volumes the hidden volume. ReaR leaves both out.
func lvsOrigin(n *storage.LV) string {
	if n.Origin != "" {
		return string(n.Origin)
	}
	for _, s := range segments(n) {
		if s.Origin != "" {
			return s.Origin
		}
	}
	return ""
}

func segments(n *storage.LV) []storage.LVSegment {
	if n.Made == nil || len(n.Made.Segments) == 0 {
		return []storage.LVSegment{{Type: n.Layout}}
	}
	return n.Made.Segments
}

func (e *exporter) rows(n *storage.LV) []lvRow {
	var out []lvRow
	all := segments(n)
	vg, _ := e.g.Node(n.Group).(*storage.VG)
	for i := range all {
		s := &all[i]
		r := lvRow{n: n, segment: n.Size, line: &LVMVol{VG: n.VG, LV: n.Name, Size: n.Size, Layout: lvLayout(s.Type)}}
		if len(all) > 1 && vg != nil {
			r.segment = s.Extents * vg.ExtentSize
		}
		stripes := max(len(s.Areas), 1)
		r.line.Options = e.volumeOptions(n, s, r.line.Layout, stripes)
		r.text = fmt.Sprintf("  :%s:%s:%d:%s:%s:%d:%d:%d:%d", n.Name, n.VG, n.Size, r.line.Layout, s.Pool, s.ChunkSize, stripes, s.StripeSize, r.segment)
		out = append(out, r)
	}
	return out
}

// volumeOptions are the key:value pairs that become options of lvcreate.
func (e *exporter) volumeOptions(n *storage.LV, s *storage.LVSegment, layout string, stripes int) []string {
	var kv []string
	if s.Pool != "" {
		kv = append(kv, "thinpool:"+s.Pool)
	}
	if meta := e.volumeNamed(n, s.Metadata); e.latest && s.Type == "thin-pool" && meta != nil {
		kv = append(kv, fmt.Sprintf("poolmetadatasize:%db", meta.Size))
	}
	if s.ChunkSize > 0 {
		kv = append(kv, fmt.Sprintf("chunksize:%db", s.ChunkSize))
	}
	if s.StripeSize > 0 {
		kv = append(kv, fmt.Sprintf("stripesize:%db", s.StripeSize))
	}
	words := strings.Split(layout, ",")
	switch {
	case slices.Contains(words, "mirror"):
		kv = append(kv, "mirrors:"+strconv.Itoa(stripes-1))
	case slices.Contains(words, "striped"):
		kv = append(kv, "stripes:"+strconv.Itoa(stripes))
	}
	return kv
}

// volumesOf gives the volumes of a group.
func (e *exporter) volumesOf(group storage.ID) []*storage.LV {
	if e.inGroup == nil {
		e.inGroup = map[storage.ID][]*storage.LV{}
		for n := range storage.All[*storage.LV](e.g) {
			e.inGroup[n.Group] = append(e.inGroup[n.Group], n)
		}
	}
	return e.inGroup[group]
}

func (e *exporter) volumeNamed(of *storage.LV, name string) *storage.LV {
	for _, n := range e.volumesOf(of.Group) {
		if name != "" && n.Name == name {
			return n
		}
	}
	return nil
}

// lvLayout is lvs's lv_layout of a type of segment (lvm2: lib/metadata/lv_manip.c,
// lv_layout_and_role).
func lvLayout(kind string) string {
	family, rest, _ := strings.Cut(kind, "_")
	switch {
	case kind == "thin-pool":
		return "thin,pool"
	case kind == "thin":
		return "thin,sparse"
	case kind == "cache-pool":
		return "cache,pool"
	case strings.HasPrefix(kind, "raid") && rest != "":
		return "raid," + family + "," + kind
	case strings.HasPrefix(kind, "raid"):
		return "raid," + kind
	case kind == "":
		return "linear"
	}
	return kind
}
