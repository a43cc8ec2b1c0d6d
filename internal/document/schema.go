package document

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v3"
)

const dialect = "https://json-schema.org/draft/2020-12/schema"

// Schema gives the JSON Schema (2020-12) of the documents of v's type: descriptions from the
// doc tags, defaults and examples from theirs, no keys but those of the type. A type may give
// its own by a method JSONSchema() *jsonschema.Schema; one that writes itself as text is else
// a string. It requires no key: what a document must have is for its reader to say.
func Schema(v any, title string) ([]byte, error) {
	s := schemas{defs: map[string]*jsonschema.Schema{}, names: map[reflect.Type]string{}}
	root, err := s.structure(pointee(reflect.TypeOf(v)))
	if err != nil {
		return nil, err
	}
	root.Schema, root.Title = dialect, title
	if len(s.defs) > 0 {
		root.Defs = s.defs
	}
	compact, err := json.Marshal(root)
	if err != nil {
		return nil, fmt.Errorf("internal error: cannot write the schema of %T: %w", v, err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, compact, "", "  "); err != nil {
		return nil, fmt.Errorf("internal error: cannot write the schema of %T: %w", v, err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// schemas gathers a definition for every struct with a name.
type schemas struct {
	defs  map[string]*jsonschema.Schema
	names map[reflect.Type]string
}

// own is implemented by types that know their schema.
type own interface{ JSONSchema() *jsonschema.Schema }

func ownSchema(t reflect.Type) *jsonschema.Schema {
	if o, ok := reflect.New(t).Interface().(own); ok {
		return o.JSONSchema().CloneSchemas()
	}
	return nil
}

func (s *schemas) of(t reflect.Type) (*jsonschema.Schema, error) {
	t = pointee(t)
	if o := ownSchema(t); o != nil {
		return o, nil
	}
	switch {
	case isText(t):
		return &jsonschema.Schema{Type: "string"}, nil
	case isJSON(t):
		return &jsonschema.Schema{}, nil // whatever it takes
	}
	switch t.Kind() {
	case reflect.Struct:
		return s.reference(t)
	case reflect.Map:
		item, err := s.of(t.Elem())
		return &jsonschema.Schema{Type: "object", AdditionalProperties: item}, err
	case reflect.Slice, reflect.Array:
		return s.list(t)
	default:
		return scalarSchema(t)
	}
}

func scalarSchema(t reflect.Type) (*jsonschema.Schema, error) {
	switch t.Kind() {
	case reflect.String:
		return &jsonschema.Schema{Type: "string"}, nil
	case reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}, nil
	case reflect.Float32, reflect.Float64:
		return &jsonschema.Schema{Type: "number"}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return &jsonschema.Schema{Type: "integer"}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return &jsonschema.Schema{Type: "integer", Minimum: jsonschema.Ptr(0.0)}, nil
	default:
		return nil, fmt.Errorf("internal error: a document cannot hold a %s", t)
	}
}

func (s *schemas) list(t reflect.Type) (*jsonschema.Schema, error) {
	if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
		return &jsonschema.Schema{Type: "string", ContentEncoding: "base64"}, nil
	}
	item, err := s.of(t.Elem())
	out := &jsonschema.Schema{Type: "array", Items: item}
	if t.Kind() == reflect.Array {
		out.MinItems, out.MaxItems = jsonschema.Ptr(t.Len()), jsonschema.Ptr(t.Len())
	}
	return out, err
}

// reference defines a struct once, so that a type may hold itself.
func (s *schemas) reference(t reflect.Type) (*jsonschema.Schema, error) {
	if t.Name() == "" {
		return s.structure(t)
	}
	name, known := s.names[t]
	if !known {
		name = t.Name()
		if _, taken := s.defs[name]; taken { // of another package
			name = strings.ReplaceAll(t.String(), ".", "")
		}
		s.names[t] = name
		s.defs[name] = nil // taken, while its fields are looked at
		def, err := s.structure(t)
		if err != nil {
			return nil, err
		}
		s.defs[name] = def
	}
	return &jsonschema.Schema{Ref: "#/$defs/" + name}, nil
}

func (s *schemas) structure(t reflect.Type) (*jsonschema.Schema, error) {
	out := &jsonschema.Schema{
		Type: "object", Properties: map[string]*jsonschema.Schema{},
		AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}}, // marshals as false
	}
	for _, f := range fieldsOf(t) {
		p, err := s.of(f.typ)
		if err != nil {
			return nil, err
		}
		if doc := f.tag.Get("doc"); doc != "" {
			p.Description = doc
		}
		if p.Default, err = tagJSON(f, "default"); err != nil {
			return nil, err
		}
		example, err := tagJSON(f, "example")
		if err != nil {
			return nil, err
		}
		if example != nil {
			p.Examples = []any{example}
		}
		out.Properties[f.name] = p
		out.PropertyOrder = append(out.PropertyOrder, f.name)
	}
	return out, nil
}

// tagJSON is the default or example of a field as JSON; it has to be a value of its type.
func tagJSON(f field, tag string) (json.RawMessage, error) {
	s, ok := f.tag.Lookup(tag)
	if !ok {
		return nil, nil
	}
	v := reflect.New(f.typ)
	if _, err := Read(f.name+"'s "+tag, []byte(s), v.Interface()); err != nil {
		return nil, fmt.Errorf("internal error: %w", err)
	}
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(s), &n); err != nil || len(n.Content) == 0 {
		return nil, fmt.Errorf("internal error: %s has an empty %s", f.name, tag)
	}
	if n.Content[0].Kind == yaml.ScalarNode && isString(f.typ) {
		return json.Marshal(n.Content[0].Value)
	}
	return json.Marshal(plain(n.Content[0]))
}
