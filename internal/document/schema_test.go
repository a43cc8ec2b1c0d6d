package document

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v3"
)

// JSONSchema is a schema of the type's own.
func (tons) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: "^[0-9]+ t$"}
}

// JSONSchema lists the words.
func (pennant) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Enum: []any{"A", "NO", "X"}}
}

func TestSchema(t *testing.T) {
	got, err := Schema(&ship{}, "a ship")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "ship.schema.json", got)
}

// TestSchemaJudgesAsRead: what Read takes and what it refuses, the schema does too.
func TestSchemaJudgesAsRead(t *testing.T) {
	data, err := Schema(ship{}, "a ship")
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	resolved, err := s.Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := Write(theShip(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for in, good := range map[string]bool{
		string(whole): true, "version: 1": true, "holds: [{name: x, inner: [{name: y}]}]": true, "pair: [1, 2]": true,
		"vershun: 1": false, "crew: -1": false, "holds: [{load: 12}]": false, "holds: [{inner: [{nmae: y}]}]": false, "flag: [x]": false,
		"version: '1'": false, "pair: [1]": false, "marks: [a]": false, "pilot: {colour: red}": false,
	} {
		var instance any
		if err := yaml.Unmarshal([]byte(in), &instance); err != nil {
			t.Fatal(err)
		}
		var v ship
		_, readErr := Read("f", []byte(in), &v)
		schemaErr := resolved.Validate(instance)
		if (readErr == nil) != good || (schemaErr == nil) != good {
			t.Errorf("%.60q: Read says %v, the schema %v", in, readErr, schemaErr)
		}
	}
}

func TestSchemaChecksTags(t *testing.T) {
	for _, v := range []any{
		struct {
			A int `json:"a" default:"x"`
		}{},
		struct {
			A []tons `json:"a" example:"[5]"`
		}{},
		struct {
			A string `json:"a" default:""`
		}{},
		struct{ C chan int }{},
	} {
		if _, err := Schema(v, ""); err == nil || !strings.HasPrefix(err.Error(), "internal error: ") {
			t.Errorf("%T: %v", v, err)
		}
	}
}

func TestKeys(t *testing.T) {
	v := theShip()
	var got []string
	for _, k := range Keys(&v) {
		line := k.Path + ": " + k.Type
		if k.Default != "" {
			line += " = " + k.Default
		}
		if k.Section {
			line += ", section"
		}
		if !k.Value.IsValid() {
			line += ", within"
		}
		got = append(got, line)
	}
	want := []string{
		"version: whole number = 1", "owner: text", "flag: one of A, NO, X", "log: text", "holds: list of mappings", "holds[].name: text, within",
		"holds[].cargo: list of text, within", "holds[].load: tons = 10 t, within", "holds[].locked: true or false, within", "holds[].inner: list of mappings, within",
		"marks: mapping of names to text", "depths: list of numbers", "crew: whole number from 0 to 255", "built: whole number", "pilot: mapping, section",
		"pilot.owner: text", "pilot.flag: one of A, NO, X", "raw: base64", "pair: list of whole numbers",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSetDefaults(t *testing.T) {
	got := struct {
		A tons     `json:"a" default:"5 t"`
		B []string `json:"b" default:"[x, y]"`
		C struct {
			D int `json:"d" default:"7"`
		} `json:"c"`
		E int `json:"e" default:"8"`
	}{E: 1}
	if err := SetDefaults(&got); err != nil {
		t.Fatal(err)
	}
	if got.A != 5 || !cmp.Equal(got.B, []string{"x", "y"}) || got.C.D != 7 || got.E != 1 {
		t.Errorf("got %+v", got)
	}
}
