package storage

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestFieldsAreDocumented: docs/json.md names every field of every kind.
func TestFieldsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	types := []reflect.Type{reflect.TypeFor[graphJSON](), reflect.TypeFor[Mount]()}
	for kind := range everyKind() {
		types = append(types, reflect.TypeOf(newNode(kind)).Elem())
		if !strings.Contains(string(doc), "| `"+string(kind)+"` |") {
			t.Errorf("docs/json.md does not have the kind %s", kind)
		}
	}
	for _, typ := range types {
		for _, f := range reflect.VisibleFields(typ) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name != "" && !strings.Contains(string(doc), "`"+name+"`") {
				t.Errorf("docs/json.md does not tell of %s, a field of %s", name, typ.Name())
			}
		}
	}
}
