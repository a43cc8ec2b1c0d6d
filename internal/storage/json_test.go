package storage

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func mustJSON(t testing.TB, g *Graph) string {
	t.Helper()
	raw, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// everyKind yields the closed set of kinds.
func everyKind() func(func(Kind) bool) {
	return slices.Values([]Kind{KindDisk, KindTable, KindPartition, KindMultipath, KindMD, KindPV, KindVG, KindLV, KindCrypt,
		KindImage, KindBcache, KindBcacheSet, KindFileSystem, KindSubvolume, KindSwap, KindOpaque})
}

func TestJSONRoundTrip(t *testing.T) {
	for name, build := range machines {
		g := build(&lab{t: t})
		for fs := range All[*FileSystem](g) {
			fs.Label = strings.ToValidUTF8(fs.Label, "") // JSON cannot hold anything else
		}
		before := mustJSON(t, g)
		var read Graph
		if err := json.Unmarshal([]byte(before), &read); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, mustJSON(t, &read)); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
		if diff := cmp.Diff(g.Tree(TreeOptions{All: true, IDs: true}), read.Tree(TreeOptions{All: true, IDs: true})); diff != "" {
			t.Errorf("%s: the tree of what was read differs:\n%s", name, diff)
		}
	}
}

// TestJSONIsStable: the order in which nodes were found does not show.
func TestJSONIsStable(t *testing.T) {
	g := machines["thin"](&lab{t: t})
	want := mustJSON(t, g)
	rapid.Check(t, func(t *rapid.T) {
		shuffled, err := NewGraph(rapid.Permutation(nodesOf(g)).Draw(t, "nodes"), g.Mounts, g.Notes)
		if err != nil {
			t.Fatal(err)
		}
		if raw, _ := json.Marshal(shuffled); string(raw) != want {
			t.Fatal(cmp.Diff(want, string(raw)))
		}
	})
}

// TestEveryFieldSurvives fills every field of every kind by reflection.
func TestEveryFieldSurvives(t *testing.T) {
	for kind := range everyKind() {
		n := newNode(kind)
		if n.Kind() != kind {
			t.Fatalf("newNode(%s) gives a %s", kind, n.Kind())
		}
		fill(reflect.ValueOf(n).Elem())
		n.Base().On = nil
		raw, err := MarshalNode(n)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(raw, []byte(`{"kind":"`+string(kind)+`",`)) {
			t.Errorf("the kind does not come first in %s", raw)
		}
		read, err := unmarshalNode(raw)
		if err != nil {
			t.Fatal(err)
		}
		for what, got := range map[string]Node{"JSON": read, "clone": n.clone()} {
			if diff := cmp.Diff(n, got); diff != "" {
				t.Errorf("%s loses something of a %s:\n%s", what, kind, diff)
			}
		}
	}
}

// fill sets v and all below it to something that is not zero.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32:
		v.SetInt(7)
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(9)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	default:
		panic("a field of kind " + v.Kind().String())
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"no object":     {`[]`, "cannot read the graph"},
		"no version":    {`{"nodes":[]}`, "its version is 0, this program knows version 1"},
		"a new version": {`{"version":2,"nodes":[]}`, "its version is 2"},
		"a new kind":    {`{"version":1,"nodes":[{"kind":"tape","id":"x"}]}`, `nodes of kind "tape" are not known`},
		"no kind":       {`{"version":1,"nodes":[{"id":"x"}]}`, `nodes of kind "" are not known`},
		"a bad node":    {`{"version":1,"nodes":[3]}`, "cannot read a node of the graph"},
		"a bad field":   {`{"version":1,"nodes":[{"kind":"disk","id":"x","size":-1}]}`, "cannot read a disk of the graph"},
		"null":          {`{"version":1,"nodes":[null]}`, `nodes of kind "" are not known`},
		"a circle":      {`{"version":1,"nodes":[{"kind":"disk","id":"x","on":["x"]}]}`, "in a circle"},
	} {
		t.Run(name, func(t *testing.T) {
			var g Graph
			if err := json.Unmarshal([]byte(c.in), &g); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want %q", err, c.want)
			}
		})
	}
}

func TestUnmarshalFillsIdentity(t *testing.T) {
	var g Graph
	if err := json.Unmarshal([]byte(`{"version":1,"nodes":[{"kind":"disk","id":"x","future_field":1}]}`), &g); err != nil {
		t.Fatal(err)
	}
	if got := g.Node("x").Base().Identity; got != "x" {
		t.Errorf("the identity is %q", got)
	}
}

// FuzzUnmarshalJSON: a graph file may come from anyone. What is accepted can be
// drawn, written, and read again.
func FuzzUnmarshalJSON(f *testing.F) {
	for _, build := range machines {
		if raw, err := json.Marshal(build(&lab{t: f})); err == nil {
			f.Add(raw)
		}
	}
	f.Add([]byte(`{"version":1,"nodes":[{"kind":"lv","id":"a","pool":"b","group":"a"},{"kind":"lv","id":"b","pool":"a","internal":true}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var g Graph
		if json.Unmarshal(data, &g) != nil {
			return
		}
		_ = g.Tree(TreeOptions{All: true}) + g.DOT()
		for n := range g.Nodes() {
			g.DevicePath(n.Base().ID)
		}
		first := mustJSON(t, &g)
		var again Graph
		if err := json.Unmarshal([]byte(first), &again); err != nil {
			t.Fatalf("cannot read what was written: %v\n%s", err, first)
		}
		if second := mustJSON(t, &again); second != first {
			t.Fatal(cmp.Diff(first, second))
		}
	})
}
