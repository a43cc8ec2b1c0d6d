package probe

import (
	"strings"

	"salvor/internal/ondisk"
	"salvor/internal/storage"
)

// condition is how much of a logical volume is there.
type condition int

const (
	whole condition = iota
	degraded
	broken
)

// judge marks the LVs that something is missing of.
func (c *groupCopy) judge() {
	if len(c.lost) == 0 {
		return
	}
	j := &lvJudge{c: c, byName: map[string]*ondisk.LVMLV{}, known: map[string]condition{}}
	for i := range c.meta.LVs {
		j.byName[c.meta.LVs[i].Name] = &c.meta.LVs[i]
	}
	for name, n := range c.lvs {
		switch j.lv(name) {
		case degraded:
			n.Mark(storage.Degraded)
		case broken:
			n.Mark(storage.Incomplete)
			addNote(n, "a physical volume that it needs is missing")
		}
	}
}

// lvJudge remembers what it found out, which also ends circles in damaged metadata.
type lvJudge struct {
	c      *groupCopy
	byName map[string]*ondisk.LVMLV
	known  map[string]condition
}

// lv judges a volume or, by its name in the metadata, a PV.
func (j *lvJudge) lv(name string) condition {
	if got, ok := j.known[name]; ok {
		return got
	}
	if j.c.lost[name] {
		return broken
	}
	lv := j.byName[name]
	if lv == nil {
		return whole
	}
	j.known[name] = whole
	worst := whole
	for _, s := range lv.Segments {
		worst = max(worst, j.segment(s))
	}
	j.known[name] = worst
	return worst
}

func (j *lvJudge) segment(s ondisk.LVMSegment) condition {
	worst := whole
	for _, name := range []string{s.Data, s.Metadata, s.ThinPool, s.CachePool, s.VDOPool, s.ExternalOrigin} {
		worst = max(worst, j.lv(name))
	}
	if s.Type != "thin" { // a thin snapshot shares blocks with its origin, in the pool
		worst = max(worst, j.lv(s.Origin))
	}
	return max(worst, j.areas(s))
}

// areas weighs the places that are gone against the redundancy of the segment
// (lvmraid(7)).
func (j *lvJudge) areas(s ondisk.LVMSegment) condition {
	gone := make([]bool, len(s.Areas))
	count, worst := 0, whole
	for i, area := range s.Areas {
		at := j.lv(area.Name)
		if i < len(s.MetadataAreas) {
			at = max(at, j.lv(s.MetadataAreas[i].Name))
		}
		if gone[i] = at == broken; gone[i] {
			count++
		} else {
			worst = max(worst, at)
		}
	}
	switch {
	case count == 0:
		return worst
	case survives(s.Type, gone, count):
		return degraded
	default:
		return broken
	}
}

func survives(kind string, gone []bool, count int) bool {
	switch {
	case kind == "mirror" || kind == "raid1":
		return count < len(gone)
	case strings.HasPrefix(kind, "raid10"):
		return pairsSurvive(gone)
	case strings.HasPrefix(kind, "raid4"), strings.HasPrefix(kind, "raid5"):
		return count <= 1
	case strings.HasPrefix(kind, "raid6"):
		return count <= 2
	default:
		return false
	}
}

// pairsSurvive: lvm's RAID 10 keeps two copies of each stripe on neighbours.
func pairsSurvive(gone []bool) bool {
	for i := 0; i+1 < len(gone); i += 2 {
		if gone[i] && gone[i+1] {
			return false
		}
	}
	return true
}
