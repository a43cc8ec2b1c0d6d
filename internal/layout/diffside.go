package layout

import (
	"reflect"
	"slices"

	"salvor/internal/storage"
)

// side is one of the two layouts, as a comparison sees it.
type side struct {
	layout *Layout
	things []*thing
	byID   map[storage.ID]*thing
	above  map[*thing][]*thing // what is a part of it, or lies on it
	names  map[*thing]string
	points map[storage.ID][]string // where a node is mounted, or a subvolume of it
}

// thing is a node of a layout.
type thing struct {
	kind     storage.Kind
	value    reflect.Value // the struct
	id       storage.ID
	identity storage.ID
	parent   *thing // that it is a part of: the table of a partition
	pair     *thing // the same thing, or what is in its place, on the other side
	sure     bool   // it is the same thing though the IDs say otherwise
}

func newSide(l *Layout) *side {
	s := &side{layout: l, byID: map[storage.ID]*thing{}, above: map[*thing][]*thing{}, points: map[storage.ID][]string{}, names: map[*thing]string{}}
	s.collect(reflect.ValueOf(l.Storage), nil)
	for _, t := range s.things {
		if t.parent != nil {
			s.above[t.parent] = append(s.above[t.parent], t)
		}
		for _, id := range t.carriers() {
			if low := s.byID[id]; low != nil {
				s.above[low] = append(s.above[low], t)
			}
		}
	}
	for _, m := range l.Mounts {
		s.mounted(m)
	}
	return s
}

// mounted notes a mount point with what is mounted, and with the file system of a
// subvolume.
func (s *side) mounted(m Mount) {
	if m.Source == "" {
		return
	}
	s.points[m.Source] = append(s.points[m.Source], m.Point)
	if t := s.byID[m.Source]; t != nil && t.kind == storage.KindSubvolume {
		s.points[t.parent.id] = append(s.points[t.parent.id], m.Point)
	}
}

// collect finds the nodes that the fields of v hold.
func (s *side) collect(v reflect.Value, parent *thing) {
	for i := range v.NumField() {
		f := v.Field(i)
		switch {
		case v.Type().Field(i).Anonymous:
			s.collect(f, parent)
		case !holdsNodes(f.Type()):
		case f.Kind() == reflect.Slice:
			for j := range f.Len() {
				s.add(f.Index(j), parent)
			}
		case !f.IsNil():
			s.add(f.Elem(), parent)
		}
	}
}

func (s *side) add(v reflect.Value, parent *thing) {
	t := &thing{kind: nodeKinds[v.Type()], value: v, parent: parent}
	t.id = v.FieldByName("ID").Interface().(storage.ID)
	t.identity = t.id
	if f := v.FieldByName("Identity"); f.IsValid() && f.String() != "" {
		t.identity = f.Interface().(storage.ID)
	}
	s.things = append(s.things, t)
	if s.byID[t.id] == nil {
		s.byID[t.id] = t
	}
	s.collect(v, t)
}

// carriers are the nodes that t lies on.
func (t *thing) carriers() []storage.ID {
	if a, is := t.value.Interface().(Array); is {
		var out []storage.ID
		for _, m := range a.Members {
			out = append(out, m.LiesOn)
		}
		return out
	}
	switch f := t.value.FieldByName("LiesOn"); {
	case !f.IsValid():
		return nil
	case f.Kind() == reflect.Slice:
		return f.Interface().([]storage.ID)
	default:
		return []storage.ID{f.Interface().(storage.ID)}
	}
}

// lower are the nodes that t lies on or is a part of.
func (s *side) lower(t *thing) []*thing {
	var out []*thing
	if t.parent != nil {
		out = append(out, t.parent)
	}
	for _, id := range t.carriers() {
		if low := s.byID[id]; low != nil && low != t {
			out = append(out, low)
		}
	}
	return out
}

// tell gives the word that both sides have for what an ID stands for.
func (s *side) tell(id storage.ID) string {
	if t := s.byID[id]; t != nil {
		return t.word()
	}
	return string(id)
}

// word names what is on both sides in the same way on both.
func (t *thing) word() string {
	if t.pair != nil {
		return string(max(t.id, t.pair.id)) // either will do, as long as both choose the same
	}
	return string(t.id)
}

// passing tells a snapshot that a tool keeps: nothing mounts it, and it is not what is
// mounted when nothing is named.
func (s *side) passing(t *thing) bool {
	sub, is := t.value.Interface().(Subvolume)
	if !is || sub.SnapshotOf == "" || len(s.points[t.id]) > 0 {
		return false
	}
	return t.parent.value.Interface().(FileSystem).Default != sub.Number
}

// pointsOf are the directories where t is mounted, or a subvolume of it.
func (s *side) pointsOf(t *thing) []string { return unique(s.points[t.id]) }

// unique sorts words and leaves each once.
func unique(words []string) []string { return slices.Compact(slices.Sorted(slices.Values(words))) }
