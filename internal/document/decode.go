package document

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// value reads n into v. Where it cannot, it notes a problem and goes on beside it.
func (r *reader) value(n *yaml.Node, v reflect.Value, path string) {
	if isNull(n) {
		if n.Value != "" && isString(v.Type()) {
			r.wrong(n, path, "cannot tell whether %s is a text or none: put it in quotes, or leave the key away", n.Value)
		}
		return
	}
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	switch p := v.Addr().Interface().(type) {
	case encoding.TextUnmarshaler:
		r.text(n, p, path)
		return
	case json.Unmarshaler:
		r.json(n, p, path)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		r.structure(n, v, path)
	case reflect.Map:
		r.mapping(n, v, path)
	case reflect.Slice, reflect.Array:
		r.list(n, v, path)
	default:
		r.scalar(n, v, path)
	}
}

// isString: whether what is wanted is text.
func isString(t reflect.Type) bool {
	t = pointee(t)
	return t.Kind() == reflect.String || isText(t)
}

func (r *reader) text(n *yaml.Node, u encoding.TextUnmarshaler, path string) {
	if n.Kind != yaml.ScalarNode {
		r.wrong(n, path, "cannot read %s as %s", wordOf(n), article(typeWord(reflect.TypeOf(u).Elem())))
		return
	}
	if err := u.UnmarshalText([]byte(n.Value)); err != nil {
		r.wrong(n, path, "%s", complaint(n, err))
	}
}

// complaint is the error of a type that reads its own text. Ours name the text already.
func complaint(n *yaml.Node, err error) string {
	if s := err.Error(); strings.HasPrefix(s, "cannot ") {
		return s
	}
	return fmt.Sprintf("cannot read %s: %v", wordOf(n), err)
}

// json hands a type with a JSON form of its own what stands there as JSON.
func (r *reader) json(n *yaml.Node, u json.Unmarshaler, path string) {
	data, err := json.Marshal(plain(n))
	if err == nil {
		err = u.UnmarshalJSON(data)
	}
	if err != nil {
		r.wrong(n, path, "%s", complaint(n, err))
	}
}

// plain is what n is where no type tells: by YAML 1.2, but that a number which JSON does not
// know is text.
func plain(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			out[n.Content[i].Value] = plain(n.Content[i+1])
		}
		return out
	case yaml.SequenceNode:
		out := make([]any, len(n.Content))
		for i, item := range n.Content {
			out[i] = plain(item)
		}
		return out
	}
	switch {
	case isNull(n):
		return nil
	case n.Tag == "!!bool":
		return n.Value == "true"
	case (n.Tag == "!!int" || n.Tag == "!!float") && json.Valid([]byte(n.Value)):
		return json.Number(n.Value)
	default:
		return n.Value
	}
}

func (r *reader) structure(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		r.wrong(n, path, "cannot read %s as a mapping (key: value)", wordOf(n))
		return
	}
	fields := fieldsOf(v.Type())
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		f := named(fields, key.Value)
		if f == nil {
			r.wrong(key, Join(path, key.Value), "cannot read it: %s", unknown(fields, key.Value))
			continue
		}
		r.value(n.Content[i+1], f.in(v, true), Join(path, f.name))
	}
}

func named(fields []field, name string) *field {
	for i := range fields {
		if fields[i].name == name {
			return &fields[i]
		}
	}
	return nil
}

func (r *reader) mapping(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		r.wrong(n, path, "cannot read %s as a mapping (key: value)", wordOf(n))
		return
	}
	out := reflect.MakeMap(v.Type())
	for i := 0; i+1 < len(n.Content); i += 2 {
		at := Join(path, n.Content[i].Value)
		key := reflect.New(v.Type().Key()).Elem()
		if u, ok := key.Addr().Interface().(encoding.TextUnmarshaler); ok {
			r.text(n.Content[i], u, at)
		} else {
			key.SetString(n.Content[i].Value)
		}
		item := reflect.New(v.Type().Elem()).Elem()
		r.value(n.Content[i+1], item, at)
		out.SetMapIndex(key, item)
	}
	if out.Len() == 0 {
		out = reflect.Zero(v.Type())
	}
	v.Set(out)
}

func (r *reader) list(n *yaml.Node, v reflect.Value, path string) {
	if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 && n.Kind == yaml.ScalarNode {
		b, err := base64.StdEncoding.DecodeString(n.Value)
		if err != nil {
			r.wrong(n, path, "cannot read %s as base64", wordOf(n))
			return
		}
		v.SetBytes(b)
		return
	}
	if n.Kind != yaml.SequenceNode {
		r.wrong(n, path, "cannot read %s as a list", wordOf(n))
		return
	}
	size := len(n.Content)
	if v.Kind() == reflect.Array {
		if size != v.Len() {
			r.wrong(n, path, "cannot read a list of %d: there are to be %d", size, v.Len())
			return
		}
	} else if v.SetZero(); size > 0 {
		v.Set(reflect.MakeSlice(v.Type(), size, size))
	}
	for i, item := range n.Content {
		if at := Index(path, i); isNull(item) && item.Value == "" && pointee(v.Type().Elem()) == v.Type().Elem() {
			r.wrong(item, at, "cannot read an element of a list without a value")
		} else {
			r.value(item, v.Index(i), at)
		}
	}
}

// scalar reads what has no parts. Text is taken as it stands there: what YAML takes 1e3 or
// yes for does not matter where text is wanted.
func (r *reader) scalar(n *yaml.Node, v reflect.Value, path string) {
	ok := n.Kind == yaml.ScalarNode
	isPlain := n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	switch v.Kind() {
	case reflect.String:
		if ok {
			v.SetString(n.Value)
		}
	case reflect.Bool:
		if ok = ok && isPlain && (n.Value == "true" || n.Value == "false"); ok {
			v.SetBool(n.Value == "true")
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		i, err := strconv.ParseInt(n.Value, 10, v.Type().Bits())
		if ok = ok && isPlain && err == nil && !leadingZero(n.Value); ok {
			v.SetInt(i)
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		u, err := strconv.ParseUint(n.Value, 10, v.Type().Bits())
		if ok = ok && isPlain && err == nil && !leadingZero(n.Value); ok {
			v.SetUint(u)
		}
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(n.Value, v.Type().Bits())
		if ok = ok && isPlain && err == nil && json.Valid([]byte(n.Value)); ok {
			v.SetFloat(f)
		}
	default:
		r.wrong(n, path, "internal error: a document cannot hold a %s", v.Type())
		return
	}
	if !ok {
		r.wrong(n, path, "cannot read %s as %s%s", wordOf(n), article(typeWord(v.Type())), remedy(n, isPlain))
	}
}

// remedy is for what people write who know other readers of YAML.
func remedy(n *yaml.Node, isPlain bool) string {
	switch {
	case n.Kind != yaml.ScalarNode:
		return ""
	case !isPlain:
		return ": it is in quotes"
	case n.Tag == "!!int" && leadingZero(n.Value):
		return ": it begins with 0"
	}
	return ""
}

// leadingZero: 010 is eight to some readers of YAML and ten to others.
func leadingZero(s string) bool {
	s = strings.TrimLeft(s, "+-")
	return len(s) > 1 && s[0] == '0'
}
