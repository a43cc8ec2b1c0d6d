package layout

import (
	"slices"
	"strconv"
	"strings"

	"salvor/internal/storage"
)

// differ compares two layouts.
type differ struct {
	was, is *side
	changes []Change
}

// mark is something of a thing by which it is known on the other side.
type mark struct {
	kind storage.Kind
	text string
}

// markers tell in turn by what a thing is known if its ID is not there. A thing is
// taken for another one only where both are alone with what they have in common.
// docs/json.md has them as a table.
var markers = []struct {
	marks func(s *side, t *thing) []string
	sure  bool // it is the thing itself, not another one in its place
}{
	{identityMarks, true},
	{serialMarks, true},
	{contentMarks, false},
	{partMarks, false},
	{pointMarks, false},
	{nameMarks, false},
	{carrierMarks, false},
}

func identityMarks(_ *side, t *thing) []string { return []string{string(t.identity)} }

func serialMarks(_ *side, t *thing) []string {
	if d, is := t.value.Interface().(Disk); is && d.Serial != "" {
		return []string{d.Serial}
	}
	return nil
}

// contentMarks is what is on a disk and was found again. Of a partition it counts only
// where the disk as a whole was not found, as that of an array's broken member.
func contentMarks(s *side, t *thing) []string {
	switch t.kind {
	case storage.KindDisk, storage.KindMultipath, storage.KindTable:
	case storage.KindPartition:
		if t.parent.pair != nil {
			return nil
		}
	default:
		return nil
	}
	var out []string
	for _, up := range s.above[t] {
		if up.pair != nil {
			out = append(out, up.word())
		}
	}
	return out
}

// partMarks is the place in a thing that was found.
func partMarks(_ *side, t *thing) []string {
	if t.parent == nil || t.parent.pair == nil {
		return nil
	}
	switch v := t.value.Interface().(type) {
	case Partition:
		return []string{t.parent.word() + " " + strconv.Itoa(v.Number)}
	case Volume:
		return []string{t.parent.word() + " " + v.Name}
	case Subvolume:
		return []string{t.parent.word() + " " + v.Path}
	default:
		return []string{t.parent.word()}
	}
}

func pointMarks(s *side, t *thing) []string {
	if t.kind == storage.KindFileSystem {
		return s.pointsOf(t)
	}
	return nil
}

func nameMarks(_ *side, t *thing) []string {
	name := ""
	switch v := t.value.Interface().(type) {
	case Group:
		name = v.Name
	case Array:
		name = v.Name
	case Multipath:
		name = v.Alias
	}
	if name == "" {
		return nil
	}
	return []string{name}
}

// carrierMarks are the devices below, if all were found.
func carrierMarks(s *side, t *thing) []string {
	if t.kind == storage.KindVG || t.kind == storage.KindLV {
		return nil // several groups and volumes share their devices
	}
	var out []string
	for _, id := range t.carriers() {
		low := s.byID[id]
		if low == nil || low.pair == nil {
			return nil
		}
		out = append(out, low.word())
	}
	if out == nil {
		return nil
	}
	slices.Sort(out)
	return []string{strings.Join(out, " ")}
}

// matchNodes finds of each node the one that it is in the other layout: by its ID, or
// by a marker. One that is found may give away others, so the surest markers are asked
// again after each find.
func (d *differ) matchNodes() {
	d.matchIDs()
	for i := 0; i < len(markers); {
		if d.matchBy(markers[i].marks, markers[i].sure) {
			i = 0
		} else {
			i++
		}
	}
}

// matchIDs takes the first of an ID for the first, the second for the second: a layout
// should have one.
func (d *differ) matchIDs() {
	waiting := map[mark][]*thing{}
	for _, t := range d.was.things {
		m := mark{t.kind, string(t.id)}
		waiting[m] = append(waiting[m], t)
	}
	for _, t := range d.is.things {
		m := mark{t.kind, string(t.id)}
		if list := waiting[m]; len(list) > 0 {
			join(list[0], t, true)
			waiting[m] = list[1:]
		}
	}
}

func join(was, is *thing, sure bool) {
	was.pair, is.pair = is, was
	was.sure, is.sure = sure, sure
}

// matchBy joins things that have a mark in common, and no mark with any other.
func (d *differ) matchBy(marks func(*side, *thing) []string, sure bool) bool {
	with := map[mark]*[2][]*thing{}
	for i, s := range []*side{d.was, d.is} {
		for _, t := range s.things {
			if t.pair != nil {
				continue
			}
			for _, text := range unique(marks(s, t)) {
				m := mark{t.kind, text}
				if with[m] == nil {
					with[m] = &[2][]*thing{}
				}
				with[m][i] = append(with[m][i], t)
			}
		}
	}
	partner, doubtful := partners(with)
	found := false
	for _, t := range d.was.things {
		if p := partner[t]; p != nil && !doubtful[t] && !doubtful[p] {
			join(t, p, sure)
			found = true
		}
	}
	return found
}

// partners tells who has a mark in common with whom, and who with several.
func partners(with map[mark]*[2][]*thing) (partner map[*thing]*thing, doubtful map[*thing]bool) {
	partner, doubtful = map[*thing]*thing{}, map[*thing]bool{}
	for _, both := range with {
		alone := len(both[0]) == 1 && len(both[1]) == 1
		for i, list := range both {
			for _, t := range list {
				others := both[1-i]
				switch {
				case len(others) == 0:
				case !alone || partner[t] != nil && partner[t] != others[0]:
					doubtful[t] = true
				default:
					partner[t] = others[0]
				}
			}
		}
	}
	return partner, doubtful
}
