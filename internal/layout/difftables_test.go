package layout

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"salvor/internal/storage"
)

// reachable are all struct types below Layout.
func reachable() map[reflect.Type]bool {
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		switch {
		case t.Kind() == reflect.Pointer, t.Kind() == reflect.Slice:
			walk(t.Elem())
		case t.Kind() == reflect.Struct && !isLeaf(t) && !seen[t]:
			seen[t] = true
			for i := range t.NumField() {
				walk(t.Field(i).Type)
			}
		}
	}
	walk(reflect.TypeFor[Layout]())
	return seen
}

// TestDiffTablesNameWhatIsThere: a row for a field that is gone would hide nothing, and
// mislead whoever reads it.
func TestDiffTablesNameWhatIsThere(t *testing.T) {
	types := reachable()
	check := func(table string, f fieldOf) {
		if _, ok := f.of.FieldByName(f.name); !ok || !types[f.of] {
			t.Errorf("%s: no layout has a field %v.%s", table, f.of, f.name)
		}
	}
	for f, why := range hints {
		check("hints", f)
		if why == "" {
			t.Errorf("hints: %v.%s has no reason", f.of, f.name)
		}
	}
	for f := range identifiers {
		check("identifiers", f)
	}
	for f := range sequences {
		check("sequences", f)
	}
	for f := range readings {
		check("readings", f)
	}
	for _, m := range milder {
		sec, _ := reflect.TypeFor[Layout]().FieldByName(sections[sectionAt(m.section)].field)
		if !hasKeys(sec.Type, strings.Split(m.field, ".")) {
			t.Errorf("milder: %s has no %s", m.section, m.field)
		}
	}
	for typ := range elementKeys {
		if !types[typ] {
			t.Errorf("elementKeys: no layout has a %v", typ)
		}
	}
	for typ := range nodeKinds {
		if !types[typ] {
			t.Errorf("nodeKinds: no layout has a %v", typ)
		}
	}
}

// hasKeys reports whether a path leads somewhere from a type.
func hasKeys(t reflect.Type, keys []string) bool {
	if len(keys) == 0 {
		return true
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for i := range t.NumField() {
		if keyOf(t.Field(i)) == keys[0] {
			return hasKeys(t.Field(i).Type, keys[1:])
		}
	}
	return false
}

// TestDiffKnowsEveryType: a list has to have a rule, a section a name, a value a form
// that can be compared.
func TestDiffKnowsEveryType(t *testing.T) {
	bySection := map[string]bool{}
	for _, s := range sections {
		bySection[s.field] = true
	}
	layout := reflect.TypeFor[Layout]()
	for i := range layout.NumField() {
		if f := layout.Field(i); !bySection[f.Name] && hints[fieldOf{layout, f.Name}] == "" {
			t.Errorf("Layout.%s is in no section", f.Name)
		}
	}
	for typ := range reachable() {
		for i := range typ.NumField() {
			f := typ.Field(i)
			switch {
			case typ == reflect.TypeFor[Storage]() && !holdsNodes(f.Type):
				t.Errorf("Storage.%s holds no node that the comparison knows (nodeKinds)", f.Name)
			case f.Type.Kind() == reflect.Map, f.Type.Kind() == reflect.Interface, f.Type.Kind() == reflect.Array:
				t.Errorf("%v.%s is of a kind that the comparison does not know", typ, f.Name)
			case !f.Anonymous && keyOf(f) == "":
				t.Errorf("%v.%s has no key", typ, f.Name)
			case f.Type.Kind() != reflect.Slice || isLeaf(f.Type.Elem()) || holdsNodes(f.Type):
			case sequences[fieldOf{typ, f.Name}] == "" && elementKeys[f.Type.Elem()].name == nil:
				t.Errorf("%v.%s is a list whose elements nothing tells apart (elementKeys, sequences)", typ, f.Name)
			}
		}
	}
}

// filler makes a layout in which no field is empty and no two texts are equal.
type filler struct{ n int }

func (f *filler) fill(v reflect.Value, depth int) {
	f.n++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "Identity" { // it is there for twins alone
				f.fill(v.Field(i), depth)
			}
		}
	case reflect.Pointer:
		if v.Type() == reflect.TypeFor[*Table]() {
			if depth++; depth > 1 {
				return
			}
		}
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), depth)
	case reflect.Slice:
		n := 1
		if isLeaf(v.Type().Elem()) {
			n = 2
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range v.Len() {
			f.fill(v.Index(i), depth)
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("x:%d", f.n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(f.n))
	case reflect.Uint, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(f.n))
	default:
		panic("no value for a field of kind " + v.Kind().String())
	}
}

func full() *Layout {
	l := &Layout{}
	(&filler{}).fill(reflect.ValueOf(l).Elem(), 0)
	return l
}

func cloneOf(l *Layout) *Layout {
	raw, err := json.Marshal(l)
	if err != nil {
		panic(err)
	}
	out := &Layout{}
	if err := json.Unmarshal(raw, out); err != nil {
		panic(err)
	}
	return out
}

// spot is a place in a layout where something can be changed.
type spot struct {
	field fieldOf
	key   string
	owner reflect.Value // the struct
	value reflect.Value
	table elementKey // of the list that the owner is an element of, if any
	node  bool       // it is a list of nodes or a table
}

// spots are all places of a layout, always in the same order.
func spots(l *Layout) []spot {
	var out []spot
	var walk func(v reflect.Value, at spot)
	walk = func(v reflect.Value, at spot) {
		switch {
		case isLeaf(v.Type()):
			at.value = v
			out = append(out, at)
		case v.Kind() == reflect.Struct:
			for i := range v.NumField() {
				sf := v.Type().Field(i)
				at := spot{fieldOf{v.Type(), sf.Name}, keyOf(sf), v, reflect.Value{}, elementKeys[v.Type()], holdsNodes(sf.Type)}
				walk(v.Field(i), at)
			}
		case v.Kind() == reflect.Pointer && v.IsNil():
		case v.Kind() == reflect.Pointer:
			at.value = v
			out = append(out, at)
			walk(v.Elem(), at)
		default:
			at.value = v
			out = append(out, at)
			for i := range v.Len() {
				walk(v.Index(i), at)
			}
		}
	}
	walk(reflect.ValueOf(l).Elem(), spot{})
	return out
}

// change makes another value of what stands at a spot.
func (s spot) change() {
	v := s.value
	if v.Kind() == reflect.Pointer && isLeaf(v.Type()) {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "y")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Uint, reflect.Uint32, reflect.Uint64:
		v.SetUint(v.Uint() + 1)
	case reflect.Pointer:
		v.SetZero()
	case reflect.Slice:
		if v.Len() > 0 {
			v.Set(v.Slice(1, v.Len()))
		}
	default:
		panic("cannot change a " + v.Kind().String())
	}
}

// name is the name of the element of a list that the spot is in.
func (s spot) name() string {
	if s.table.name == nil {
		return ""
	}
	return s.table.name(s.owner.Interface(), func(id storage.ID) string { return string(id) })
}

// TestEveryFieldIsCompared changes every field of every type, each alone: it is told by
// its name, and nothing else is; or it is a hint, and nothing is told.
func TestEveryFieldIsCompared(t *testing.T) {
	base := full()
	seen := map[fieldOf]bool{}
	for i := range spots(base) {
		l := cloneOf(base)
		s := spots(l)[i]
		before := s.name()
		s.change()
		seen[s.field] = true
		checkOneEdit(t, s, before != s.name(), Diff(base, l, nil).Changes)
	}
	for typ := range reachable() {
		for i := range typ.NumField() {
			if f := typ.Field(i); !seen[fieldOf{typ, f.Name}] && !isPlainStruct(f.Type) {
				t.Errorf("%v.%s was never tried", typ, f.Name)
			}
		}
	}
}

// isPlainStruct: what is tried of such a field are its own fields.
func isPlainStruct(t reflect.Type) bool { return t.Kind() == reflect.Struct && !isLeaf(t) }

// isID tells what nodes are matched by.
func isID(f fieldOf) bool {
	return hints[f] != "" && (f.name == "ID" || f.name == "Identity")
}

func checkOneEdit(t *testing.T, s spot, renamed bool, got []Change) {
	t.Helper()
	where := fmt.Sprintf("%v.%s", s.field.of, s.field.name)
	switch {
	case isID(s.field):
		if len(got) == 0 {
			t.Errorf("%s: another ID is not told", where)
		}
	case hints[s.field] != "":
		if len(got) != 0 {
			t.Errorf("%s is a hint (%s), but is told: %+v", where, hints[s.field], got)
		}
	case s.node:
		if len(got) == 0 || slices.ContainsFunc(got, func(c Change) bool { return c.How != Removed }) {
			t.Errorf("%s: nodes that are gone are told as %+v", where, got)
		}
	case renamed && len(got) == 2:
		if got[0].How == got[1].How || got[0].How == Changed || got[1].How == Changed {
			t.Errorf("%s names an element, and is told as %+v", where, got)
		}
	case len(got) != 1:
		t.Errorf("%s: %d changes are told: %+v", where, len(got), got)
	case got[0].Field != "" && !slices.Contains(strings.FieldsFunc(got[0].Field, isPathSign), s.key):
		t.Errorf("%s is told as %q", where, got[0].Field)
	}
}

func isPathSign(r rune) bool { return r == '.' || r == '[' || r == ']' }
