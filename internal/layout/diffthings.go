package layout

import (
	"reflect"
	"slices"
	"strings"

	"salvor/internal/storage"
)

// nodes compares the storage.
func (d *differ) nodes() {
	for _, t := range d.is.things {
		if t.pair == nil {
			d.tell(d.is, t, edit{how: Added})
			continue
		}
		remade := t.identity != t.pair.identity
		d.place(t.pair, t)
		for _, e := range d.compare(t.pair.value, t.value, remade) {
			d.tell(d.is, t, e)
		}
	}
	for _, t := range d.was.things {
		if t.pair == nil {
			d.tell(d.was, t, edit{how: Removed})
		}
	}
}

// place tells what has another thing in its place, or is in another place.
func (d *differ) place(was, is *thing) {
	switch {
	case was.identity == is.identity, d.follows(was, is):
	case was.sure:
		d.tell(d.is, is, edit{how: Changed, field: "id", before: was.id, after: is.id})
	default:
		d.tell(d.is, is, edit{how: Replaced, field: "id", before: was.id, after: is.id})
	}
	if was.parent != nil && was.parent.pair != is.parent {
		d.tell(d.is, is, edit{how: Changed, field: "on", before: was.parent.id, after: is.parent.id})
	}
}

// follows reports whether a thing has another ID because what it lies on has: the ID of
// a subvolume holds that of its file system, that of an MBR partition the signature of
// its table.
func (d *differ) follows(was, is *thing) bool {
	below := d.is.lower(is)
	for _, low := range d.was.lower(was) {
		if low.pair == nil || !slices.Contains(below, low.pair) {
			continue
		}
		after := low.pair.identifying()
		for i, x := range low.identifying() {
			if x != "" && x != after[i] && strings.Replace(string(was.identity), x, after[i], 1) == string(is.identity) {
				return true
			}
		}
	}
	return false
}

// identifying are the texts of a thing that IDs above it are made with.
func (t *thing) identifying() []string {
	_, text, _ := strings.Cut(string(t.identity), ":")
	uuid := ""
	if f := t.value.FieldByName("UUID"); f.IsValid() {
		uuid = f.String()
	}
	return []string{text, uuid}
}

// tell notes a difference of a node, which s has.
func (d *differ) tell(s *side, t *thing, e edit) {
	sec := sections[sectionAt("storage")]
	if passes := s.passing(t); passes && (t.pair == nil || d.was.passing(t.pair)) {
		sec = sections[sectionAt(snapshots)]
	}
	d.add(sec, e, Change{Kind: string(t.kind), ID: t.id, What: s.nameOf(t)})
}

func (d *differ) add(sec section, e edit, c Change) {
	c.Section, c.Severity = sec.name, sec.severity
	c.How, c.Field, c.Before, c.After, c.Bytes = e.how, e.field, e.before, e.after, e.bytes
	for _, m := range milder {
		if m.section == sec.name && (e.field == m.field || strings.HasPrefix(e.field, m.field+".")) {
			c.Severity = m.severity
		}
	}
	d.changes = append(d.changes, c)
}

// section compares a part of the layouts that is not storage.
func (d *differ) section(sec section) {
	a := reflect.ValueOf(*d.was.layout).FieldByName(sec.field)
	b := reflect.ValueOf(*d.is.layout).FieldByName(sec.field)
	if a.Kind() == reflect.Struct {
		for _, e := range d.compare(a, b, false) {
			d.add(sec, e, Change{Kind: sec.kind, What: sec.kind})
		}
		return
	}
	for _, m := range d.matchElements(a, b, elementKeys[a.Type().Elem()]) {
		d.element(sec, m)
	}
}

// element compares what a list of a section has.
func (d *differ) element(sec section, m match) {
	switch {
	case !m.was.IsValid():
		d.add(sec, edit{how: Added}, d.head(sec, d.is, m.is))
	case !m.is.IsValid():
		d.add(sec, edit{how: Removed}, d.head(sec, d.was, m.was))
	default:
		for _, e := range d.compare(m.was, m.is, false) {
			c := d.head(sec, d.is, m.is)
			if _, is := m.is.Interface().(File); is && e.field == "text" {
				c.Lines = lineDiff(m.was.Interface().(File).Text, m.is.Interface().(File).Text)
				e.before, e.after = nil, nil
			}
			d.add(sec, e, c)
		}
	}
}

// head says what an element is.
func (d *differ) head(sec section, s *side, v reflect.Value) Change {
	c := Change{Kind: sec.kind}
	switch v := v.Interface().(type) {
	case Header:
		c.ID, c.What = v.ID, s.nameOfID(v.ID)
	case Usage:
		c.ID, c.What = v.ID, s.nameOfID(v.ID)
	case Uncovered:
		c.ID, c.What = v.ID, v.What
	default:
		c.What = elementKeys[reflect.TypeOf(v)].of(match{is: reflect.ValueOf(v)})
	}
	return c
}

// names tells what people call the nodes that changes name.
func (d *differ) names(changes []Change) map[storage.ID]string {
	out := map[storage.ID]string{}
	note := func(ids ...storage.ID) {
		for _, id := range ids {
			if d.is.byID[id] != nil {
				out[id] = d.is.nameOfID(id)
			} else if d.was.byID[id] != nil {
				out[id] = d.was.nameOfID(id)
			}
		}
	}
	for _, c := range changes {
		for _, v := range []any{c.Before, c.After} {
			switch v := v.(type) {
			case storage.ID:
				note(v)
			case []storage.ID:
				note(v...)
			}
		}
		note(keyIn(c.Field))
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// keyIn is the key of the element of a list that a field leads to.
func keyIn(field string) storage.ID {
	_, key, _ := strings.Cut(field, "[")
	if end := strings.LastIndex(key, "]"); end >= 0 {
		return storage.ID(key[:end])
	}
	return ""
}
