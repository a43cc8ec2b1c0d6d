package layout

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"salvor/internal/storage"
)

// edit is a difference between two values of one thing.
type edit struct {
	how           How
	field         string
	before, after any
	bytes         bool
}

// comparer compares the fields of a thing with those of the same thing.
type comparer struct {
	*differ
	remade bool // the thing is another one: what its ID is made of differs anyway
	edits  []edit
}

func (d *differ) compare(a, b reflect.Value, remade bool) []edit {
	c := &comparer{differ: d, remade: remade}
	c.structs("", a, b)
	return c.edits
}

// structs compares two structs of a type, field by field.
func (c *comparer) structs(path string, a, b reflect.Value) {
	for i := range a.NumField() {
		sf := a.Type().Field(i)
		f := fieldOf{a.Type(), sf.Name}
		read := readings[f]
		switch {
		case hints[f] != "" || holdsNodes(sf.Type) || c.remade && identifiers[f]:
		case sf.Anonymous:
			c.structs(path, a.Field(i), b.Field(i))
		case read != nil:
			c.values(under(path, keyOf(sf)), sf, f, reflect.ValueOf(read(a.Interface())), reflect.ValueOf(read(b.Interface())))
		default:
			c.values(under(path, keyOf(sf)), sf, f, a.Field(i), b.Field(i))
		}
	}
}

func keyOf(sf reflect.StructField) string {
	name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
	return name
}

func under(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// values compares two values of a field.
func (c *comparer) values(path string, sf reflect.StructField, f fieldOf, a, b reflect.Value) {
	switch {
	case isLeaf(a.Type()) || a.Type() != b.Type():
		if !c.same(a, b) {
			c.add(edit{Changed, path, shown(a), shown(b), isBytes(sf)})
		}
	case a.Kind() == reflect.Struct:
		c.structs(path, a, b)
	case a.Kind() == reflect.Pointer:
		c.pointers(path, sf, f, a, b)
	case isLeaf(a.Type().Elem()):
		if !slices.Equal(c.words(a, c.was, f), c.words(b, c.is, f)) {
			c.add(edit{Changed, path, shown(a), shown(b), false})
		}
	case sequences[f] != "":
		c.sequence(path, sf, f, a, b)
	default:
		c.list(path, a, b)
	}
}

func (c *comparer) add(e edit) { c.edits = append(c.edits, e) }

// isLeaf tells a type that is compared as a whole.
func isLeaf(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct:
		return t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
	case reflect.Pointer:
		return isLeaf(t.Elem())
	case reflect.Slice:
		return false
	default:
		return true
	}
}

// same compares two leaves. An ID is the same if what it stands for is.
func (c *comparer) same(a, b reflect.Value) bool {
	if x, is := a.Interface().(storage.ID); is && a.Type() == b.Type() {
		return c.was.tell(x) == c.is.tell(b.Interface().(storage.ID))
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// pointers compares what may not be there.
func (c *comparer) pointers(path string, sf reflect.StructField, f fieldOf, a, b reflect.Value) {
	switch {
	case a.IsNil() && b.IsNil():
	case a.IsNil():
		c.add(edit{Added, path, nil, shown(b), false})
	case b.IsNil():
		c.add(edit{Removed, path, shown(a), nil, false})
	default:
		c.values(path, sf, f, a.Elem(), b.Elem())
	}
}

// words are the values of a list, in their order if it means something.
func (c *comparer) words(list reflect.Value, s *side, f fieldOf) []string {
	var out []string
	for _, v := range elements(list) {
		if id, is := v.Interface().(storage.ID); is {
			out = append(out, s.tell(id))
		} else {
			out = append(out, fmt.Sprint(v.Interface()))
		}
	}
	if sequences[f] == "" {
		slices.Sort(out)
	}
	return out
}

// sequence compares lists in which every element has its place.
func (c *comparer) sequence(path string, sf reflect.StructField, f fieldOf, a, b reflect.Value) {
	if a.Len() != b.Len() {
		c.add(edit{Changed, path, shown(a), shown(b), false})
		return
	}
	for i := range a.Len() {
		c.values(fmt.Sprintf("%s[%d]", path, i), sf, f, a.Index(i), b.Index(i))
	}
}

// list compares lists whose elements have names.
func (c *comparer) list(path string, a, b reflect.Value) {
	key := elementKeys[a.Type().Elem()]
	for _, m := range c.matchElements(a, b, key) {
		at := fmt.Sprintf("%s[%s]", path, key.of(m))
		switch {
		case !m.was.IsValid():
			c.add(edit{Added, at, nil, shown(m.is), false})
		case !m.is.IsValid():
			c.add(edit{Removed, at, shown(m.was), nil, false})
		default:
			c.structs(at, m.was, m.is)
		}
	}
}

// of names an element as the second layout does, if it is there.
func (k elementKey) of(m match) string {
	v := m.is
	if !v.IsValid() {
		v = m.was
	}
	return k.name(v.Interface(), func(id storage.ID) string { return string(id) })
}

// shown is a value as a change has it: nil for what the file leaves out.
func shown(v reflect.Value) any {
	switch {
	case v.IsZero(), v.Kind() == reflect.Slice && v.Len() == 0:
		return nil
	case v.Kind() == reflect.Pointer:
		return v.Elem().Interface()
	}
	return v.Interface()
}

// isBytes tells a plain number of bytes by the sentence that says what its key means,
// as the reader of the file does.
func isBytes(sf reflect.StructField) bool {
	switch sf.Type.Kind() {
	case reflect.Uint32, reflect.Uint64:
		return sf.Type == reflect.TypeFor[Size]() || strings.HasPrefix(sf.Tag.Get("doc"), "bytes ")
	default:
		return false
	}
}
