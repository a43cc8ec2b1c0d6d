package document

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// chart is a type with a JSON form of its own: its places by name.
type chart struct{ places map[string]json.RawMessage }

func (c *chart) MarshalJSON() ([]byte, error) { return json.Marshal(c.places) }

func (c *chart) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &c.places) }

type Deck struct {
	Planks int `json:"planks,omitempty"`
	Bolts  int `json:"bolts,omitempty"`
}

type odd struct {
	*Deck
	Bolts   string            `json:"bolts,omitempty"` // hides that of Deck
	Chart   *chart            `json:"chart,omitempty"`
	When    time.Time         `json:"when,omitzero"`
	Loads   map[tons]int8     `json:"loads,omitempty"`
	Any     map[pennant]*bool `json:"any,omitempty"`
	Large   uint64            `json:"large,omitempty"`
	Small   float32           `json:"small,omitempty"`
	Long    []byte            `json:"long,omitempty"`
	Ignored int               `json:"-"`
	NoTag   string            `json:",omitempty"`
}

func TestOddTypes(t *testing.T) {
	yes := true
	want := odd{
		Deck: &Deck{Planks: 3}, Bolts: "rusty",
		Chart: &chart{map[string]json.RawMessage{"b": json.RawMessage(`[1,-2.5e3,"on",null,true,{}]`), "a": json.RawMessage(`{"z":"é","y":[]}`)}},
		When:  time.Date(2026, 11, 22, 1, 2, 3, 4, time.UTC), Loads: map[tons]int8{10: -128, 9: 127}, Any: map[pennant]*bool{"A": &yes, "NO": nil},
		Large: math.MaxUint64, Small: 0.1, Long: []byte(strings.Repeat("long", 30)), NoTag: "x",
	}
	data, err := Write(want, nil)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "odd.yaml", data)
	var got odd
	if _, err := Read("odd.yaml", data, &got); err != nil {
		t.Fatal(err)
	}
	plainChart := cmp.Transformer("plain", func(c *chart) any {
		var v any
		b, _ := json.Marshal(c)
		if err := json.Unmarshal(b, &v); err != nil {
			t.Error(err)
		}
		return v
	})
	if diff := cmp.Diff(want, got, plainChart); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNilDeckHasNoKeys(t *testing.T) {
	data, err := Write(odd{}, nil)
	if err != nil || string(data) != "{}\n" {
		t.Errorf("%q, %v", data, err)
	}
	if keys := Keys(&odd{}); keys[0].Path != "planks" || keys[0].Value.IsValid() {
		t.Errorf("got %+v", keys[0])
	}
}

func TestOddProblems(t *testing.T) {
	for in, want := range map[string]string{
		"chart: 5":                          "f:1: chart: cannot read \"5\": json: ",
		"when: soon":                        "f:1: when: cannot read \"soon\": parsing time",
		"loads: {10 t: 128}":                `f:1: loads["10 t"]: cannot read "128" as a whole number from -128 to 127`,
		"loads: {x: 1}":                     `f:1: loads.x: cannot read "x" as tons`,
		"any: {A: maybe}":                   `f:1: any.A: cannot read "maybe" as true or false`,
		"large: -1":                         `f:1: large: cannot read "-1" as a whole number from 0`,
		"small: 1e99":                       `f:1: small: cannot read "1e99" as a number`,
		"when: [a]":                         `f:1: when: cannot read a list as a time`,
		"NoTag: {}":                         `f:1: NoTag: cannot read a mapping (key: value) as text`,
		"large: " + strings.Repeat("9", 99): `f:1: large: cannot read "` + strings.Repeat("9", 80) + `"… as a whole number`,
		"chart: {a: }\nplanks: x":           `f:2: planks: cannot read "x" as a whole number`,
	} {
		var v odd
		if _, err := Read("f", []byte(in), &v); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", in, err, want)
		}
	}
}

func TestJoinedProblemsAreByFile(t *testing.T) {
	var all Problems
	for _, file := range []string{"b", "a"} {
		var v odd
		_, err := Read(file, []byte("x: 1\nlarge: x\n"), &v)
		if !all.Join(err) {
			t.Fatal(err)
		}
	}
	all.Add(&Problem{File: "b", Line: 1, Text: "late"})
	all.Add(nil)
	var got []string
	for line := range strings.SplitSeq(all.Err().Error(), "\n") {
		got = append(got, line[:3])
	}
	if diff := cmp.Diff([]string{"b:1", "b:1", "b:2", "a:1", "a:2"}, got); diff != "" {
		t.Error(diff)
	}
	if all.Join(nil) {
		t.Error("nothing was joined")
	}
}

func TestFileNamesAreShownSafely(t *testing.T) {
	p := &Problem{File: "a\x1b[31m", Text: "wrong"}
	if got, want := p.Error(), `"a\x1b[31m": wrong`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
