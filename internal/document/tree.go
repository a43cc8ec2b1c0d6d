package document

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"
)

type kind int

const (
	null kind = iota
	bare      // a number or a truth value, written as it is
	text
	list
	mapping
)

// tree is a document on its way to become text.
type tree struct {
	kind  kind
	text  string
	keys  []string
	items []*tree
}

// maxKey is what readers of YAML allow for a key before its colon (YAML 1.2.2, 8.2.2:
// 1024 characters), less room for escapes and quotes.
const maxKey = 1000

// treeOf turns a value into a tree.
func treeOf(v reflect.Value, path string) (*tree, error) {
	for v.IsValid() && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) {
		if v.IsNil() {
			return &tree{}, nil
		}
		v = v.Elem()
	}
	if !v.IsValid() {
		return &tree{}, nil
	}
	if m := marshaler[encoding.TextMarshaler](v); m != nil {
		b, err := m.MarshalText()
		if err != nil {
			return nil, fmt.Errorf("cannot write %s: %w", path, err)
		}
		return textTree(string(b), path)
	}
	if m := marshaler[json.Marshaler](v); m != nil {
		return jsonTree(m, path)
	}
	return plainTree(v, path)
}

// marshaler is v, or a pointer to it, as M; nil if it is none.
func marshaler[M any](v reflect.Value) M {
	var none M
	if m, ok := v.Interface().(M); ok {
		return m
	}
	if v.CanAddr() {
		if m, ok := v.Addr().Interface().(M); ok {
			return m
		}
	}
	return none
}

func plainTree(v reflect.Value, path string) (*tree, error) {
	switch v.Kind() {
	case reflect.Bool:
		return &tree{kind: bare, text: strconv.FormatBool(v.Bool())}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return &tree{kind: bare, text: strconv.FormatInt(v.Int(), 10)}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return &tree{kind: bare, text: strconv.FormatUint(v.Uint(), 10)}, nil
	case reflect.Float32, reflect.Float64:
		b, err := json.Marshal(v.Interface()) // refuses what is no number
		if err != nil {
			return nil, fmt.Errorf("cannot write %s: %w", path, err)
		}
		return &tree{kind: bare, text: string(b)}, nil
	case reflect.String:
		return textTree(v.String(), path)
	case reflect.Slice, reflect.Array:
		return listTree(v, path)
	case reflect.Map:
		return mapTree(v, path)
	case reflect.Struct:
		return structTree(v, path)
	default:
		return nil, fmt.Errorf("internal error: a document cannot hold a %s, at %s", v.Type(), path)
	}
}

func textTree(s, path string) (*tree, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("cannot write %s: %q is not UTF-8, which YAML has to be", path, s)
	}
	return &tree{kind: text, text: s}, nil
}

func listTree(v reflect.Value, path string) (*tree, error) {
	if v.Type().ConvertibleTo(bytesType) && v.Type().Elem().Kind() == reflect.Uint8 {
		return &tree{kind: text, text: base64.StdEncoding.EncodeToString(v.Bytes())}, nil
	}
	out := &tree{kind: list}
	for i := range v.Len() {
		item, err := treeOf(v.Index(i), Index(path, i))
		if err != nil {
			return nil, err
		}
		out.items = append(out.items, item)
	}
	return out, nil
}

func structTree(v reflect.Value, path string) (*tree, error) {
	out := &tree{kind: mapping}
	for _, f := range fieldsOf(v.Type()) {
		fv := f.in(v, false)
		if f.left(fv) {
			continue
		}
		item, err := treeOf(fv, Join(path, f.name))
		if err != nil {
			return nil, err
		}
		out.keys = append(out.keys, f.name)
		out.items = append(out.items, item)
	}
	return out, nil
}

// mapTree sorts the keys: the same value gives the same bytes.
func mapTree(v reflect.Value, path string) (*tree, error) {
	out := &tree{kind: mapping}
	values := map[string]reflect.Value{}
	for it := v.MapRange(); it.Next(); {
		key, err := treeOf(it.Key(), path)
		if err == nil && key.kind != text {
			err = fmt.Errorf("internal error: the keys of a map in a document are text, not %s, at %s", v.Type().Key(), path)
		}
		if err == nil && len(key.text) > maxKey {
			err = fmt.Errorf("cannot write %s: its key %.40q… is longer than %d bytes", path, key.text, maxKey)
		}
		if err != nil {
			return nil, err
		}
		values[key.text] = it.Value()
		out.keys = append(out.keys, key.text)
	}
	slices.Sort(out.keys)
	for _, key := range out.keys {
		item, err := treeOf(values[key], Join(path, key))
		if err != nil {
			return nil, err
		}
		out.items = append(out.items, item)
	}
	return out, nil
}

// jsonTree keeps the order of the keys that a type's own JSON has.
func jsonTree(m json.Marshaler, path string) (*tree, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("cannot write %s: %w", path, err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return tokens(d)
}

func tokens(d *json.Decoder) (*tree, error) {
	t, err := d.Token()
	if err != nil {
		return nil, fmt.Errorf("internal error: a type's own JSON cannot be read back: %w", err)
	}
	switch t := t.(type) {
	case bool:
		return &tree{kind: bare, text: strconv.FormatBool(t)}, nil
	case json.Number:
		return &tree{kind: bare, text: t.String()}, nil
	case string:
		return &tree{kind: text, text: t}, nil
	case json.Delim:
		return within(d, t)
	default:
		return &tree{}, nil
	}
}

func within(d *json.Decoder, open json.Delim) (*tree, error) {
	out := &tree{kind: list}
	if open == '{' {
		out.kind = mapping
	}
	for d.More() {
		if open == '{' {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			out.keys = append(out.keys, key.(string))
		}
		item, err := tokens(d)
		if err != nil {
			return nil, err
		}
		out.items = append(out.items, item)
	}
	_, err := d.Token() // what closes it
	return out, err
}
