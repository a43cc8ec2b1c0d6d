package document

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

// field is a key of a struct.
type field struct {
	name      string
	index     []int // through embedded structs
	typ       reflect.Type
	omitEmpty bool
	omitZero  bool
	tag       reflect.StructTag
}

var fieldCache sync.Map // reflect.Type -> []field

// fieldsOf gives the keys of a struct in their order, those of embedded structs in their
// place. Of two with one name the outer counts, as in encoding/json.
func fieldsOf(t reflect.Type) []field {
	if cached, ok := fieldCache.Load(t); ok {
		return cached.([]field)
	}
	var out []field
	seen := map[string]int{} // name -> index in out
	collect(t, nil, func(f field) {
		i, twice := seen[f.name]
		switch {
		case !twice:
			seen[f.name] = len(out)
			out = append(out, f)
		case len(f.index) < len(out[i].index):
			out[i] = f
		}
	})
	fieldCache.Store(t, out)
	return out
}

func collect(t reflect.Type, index []int, add func(field)) {
	for i := range t.NumField() {
		sf := t.Field(i)
		name, options, _ := strings.Cut(sf.Tag.Get("json"), ",")
		at := append(append([]int{}, index...), i)
		switch {
		case name == "-" && options == "":
		case sf.Anonymous && name == "" && structOf(sf.Type) != nil && (sf.IsExported() || sf.Type.Kind() == reflect.Struct):
			collect(structOf(sf.Type), at, add)
		case sf.IsExported():
			if name == "" {
				name = sf.Name
			}
			add(field{
				name: name, index: at, typ: sf.Type, tag: sf.Tag,
				omitEmpty: hasOption(options, "omitempty"), omitZero: hasOption(options, "omitzero"),
			})
		}
	}
}

func hasOption(options, want string) bool {
	for o := range strings.SplitSeq(options, ",") {
		if o == want {
			return true
		}
	}
	return false
}

// structOf is the struct that t is or points to, if its keys are those of the document.
func structOf(t reflect.Type) reflect.Type {
	t = pointee(t)
	if t.Kind() != reflect.Struct || isText(t) || isJSON(t) {
		return nil
	}
	return t
}

func pointee(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

var (
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	jsonMarshaler   = reflect.TypeFor[json.Marshaler]()
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	bytesType       = reflect.TypeFor[[]byte]()
)

// isText: a type that writes or reads itself as text is text, whatever it is made of.
func isText(t reflect.Type) bool {
	return implements(t, textMarshaler) || implements(t, textUnmarshaler)
}

// isJSON: a type that has a JSON form of its own.
func isJSON(t reflect.Type) bool {
	return implements(t, jsonMarshaler) || implements(t, jsonUnmarshaler)
}

func implements(t, iface reflect.Type) bool {
	return t.Implements(iface) || reflect.PointerTo(t).Implements(iface)
}

// in gives the field of a struct; with make, embedded pointers on the way are made.
// It is invalid if such a pointer is nil.
func (f field) in(v reflect.Value, make bool) reflect.Value {
	for i, n := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				if !make {
					return reflect.Value{}
				}
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(n)
	}
	return v
}

// left: whether the field is left out of the document, as encoding/json would.
func (f field) left(v reflect.Value) bool {
	if !v.IsValid() {
		return true
	}
	return f.omitEmpty && isEmpty(v) || f.omitZero && isZero(v)
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	default:
		return v.IsZero()
	}
}

func isZero(v reflect.Value) bool {
	z, ok := v.Interface().(interface{ IsZero() bool })
	if !ok && v.CanAddr() {
		z, ok = v.Addr().Interface().(interface{ IsZero() bool })
	}
	if !ok || v.Kind() == reflect.Pointer && v.IsNil() {
		return v.IsZero()
	}
	return z.IsZero()
}
