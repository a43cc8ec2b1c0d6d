package layout

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"salvor/internal/document"
	"salvor/internal/storage"
)

// TestWriteAndRead: what is read is what was written, byte for byte when written again.
func TestWriteAndRead(t *testing.T) {
	check := func(g *storage.Graph) string {
		l, _ := FromGraph(g, Facts{})
		text, err := Write(l)
		if err != nil {
			return err.Error()
		}
		back, edited, err := Read("layout.yaml", text)
		if err != nil {
			return err.Error() + "\n" + string(text)
		}
		again, err := Write(back)
		if edited || err != nil || string(again) != string(text) {
			return cmp.Diff(string(text), string(again)) + "is edited, or is written otherwise"
		}
		h, err := back.Graph()
		if err != nil {
			return err.Error()
		}
		once, err := l.Graph()
		if err != nil {
			return err.Error()
		}
		want, _ := json.Marshal(once)
		got, _ := json.Marshal(h)
		return cmp.Diff(string(want), string(got))
	}
	rapid.Check(t, func(t *rapid.T) {
		if problem := check(drawGraph(t)); problem != "" {
			t.Fatal(problem)
		}
	})
	for name, g := range recordedGraphs(t) {
		if problem := check(g); problem != "" {
			t.Errorf("%s: %s", name, problem)
		}
	}
}

// TestOrderDoesNotCount: two saves are byte-equal, in whatever order things were found.
func TestOrderDoesNotCount(t *testing.T) {
	for name, g := range recordedGraphs(t) {
		l, _ := FromGraph(g, Facts{})
		want, err := Write(l)
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(1, 2))
		shuffle(r, l.Storage.Disks)
		shuffle(r, l.Storage.Arrays)
		shuffle(r, l.Storage.FileSystems)
		shuffle(r, l.Storage.Others)
		shuffle(r, l.Storage.PVs)
		shuffle(r, l.Uncovered)
		for i := range l.Storage.Disks {
			shuffle(r, l.Storage.Disks[i].Links)
			if table := l.Storage.Disks[i].Table; table != nil {
				shuffle(r, table.Partitions)
			}
		}
		for i := range l.Storage.Groups {
			shuffle(r, l.Storage.Groups[i].Volumes)
		}
		got, err := Write(l)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s (-want +got): %v\n%s", name, err, cmp.Diff(string(want), string(got)))
		}
	}
}

func shuffle[T any](r *rand.Rand, list []T) {
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

// TestDigest: names that a kernel gives, and how full things are, are no change; all else is.
func TestDigest(t *testing.T) {
	l, _ := FromGraph(recordedGraphs(t)["b"], Facts{
		Usage:   []Usage{{ID: "fs:B000-0001", Used: 4}},
		Headers: []Header{{ID: "luks:b0000000-0000-4000-8000-0000000000c1", Age: "a"}},
	})
	if l.Digest != Digest(l) || !strings.HasPrefix(l.Digest, "sha256:") {
		t.Fatalf("the digest is %q", l.Digest)
	}
	for name, c := range map[string]struct {
		change func(*Layout)
		same   bool
	}{
		"device":     {func(l *Layout) { l.Storage.Disks[0].Device = "/dev/sdz" }, true},
		"partition":  {func(l *Layout) { l.Storage.Disks[1].Table.Partitions[0].Device = "/dev/sdz1" }, true},
		"links":      {func(l *Layout) { l.Storage.Disks[0].Links = nil }, true},
		"usage":      {func(l *Layout) { l.Usage[0].Used++ }, true},
		"ciphertext": {func(l *Layout) { l.Headers[0].Age = "b" }, true},
		"words":      {func(l *Layout) { l.Uncovered[0].Why = "so" }, true},
		"order":      {func(l *Layout) { slices.Reverse(l.Storage.Disks) }, true},
		"size":       {func(l *Layout) { l.Storage.Disks[1].Table.Partitions[0].Size++ }, false},
		"label":      {func(l *Layout) { l.Storage.FileSystems[0].Label = "x" }, false},
		"host":       {func(l *Layout) { l.Machine.Hostname = "x" }, false},
		"header":     {func(l *Layout) { l.Headers = nil }, false},
	} {
		d := copied(l, func(s string) string { return s })
		c.change(d)
		if same := Digest(d) == l.Digest; same != c.same {
			t.Errorf("%s: the digest is the same: %v", name, same)
		}
	}
}

// TestSchemaFits: every file that is written is valid by the schema, and one with a key too
// many is not.
func TestSchemaFits(t *testing.T) {
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, g := range recordedGraphs(t) {
		l, _ := FromGraph(g, Facts{})
		file, err := Write(l)
		if err != nil {
			t.Fatal(err)
		}
		var v map[string]any
		if err := yaml.Unmarshal(file, &v); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := resolved.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		v["odd"] = 1
		if resolved.Validate(v) == nil {
			t.Errorf("%s: the schema takes any key", name)
		}
	}
}

// TestReadRefuses what is of another version, or makes no sense, each problem with its line.
func TestReadRefuses(t *testing.T) {
	good := readFile(t, "good.yaml")
	if _, edited, err := Read("good.yaml", good); err != nil || !edited {
		t.Fatalf("the file that was written by hand is edited: %v, %v", edited, err)
	}
	for _, c := range []struct{ was, is, want string }{
		{"version: 1", "version: 2", "good.yaml:2: version: cannot read a layout of version 2: this program knows version 1, and a newer one wrote it"},
		{"version: 1", "version: 2\nnew_key: 1", "good.yaml:2: version: cannot read a layout of version 2: this program knows version 1, and a newer one wrote it"},
		{"version: 1", "", "good.yaml:3: version: cannot read this as a layout: it has no version"},
		{"version: 1", "version: 0", "good.yaml:2: version: cannot use a layout of version 0: this program knows version 1"},
		{"lies_on: [pv:1]", "lies_on: [pv:2]", `good.yaml:34: storage.volume_groups[0].lies_on[0]: cannot find "pv:2": did you mean "pv:1"?`},
		{"lies_on: part:2\n        uuid", "lies_on: 'lv:1'\n        uuid", "cannot use a circle"},
		{"id: part:2", "id: part:1", `cannot use the id "part:1" twice: line 15 has it too`},
		{"number: 2", "number: 1", "cannot use the number 1 twice: line 15 has it too"},
		{"start: 65MiB", "start: 64MiB", "partitions 2 and 1 overlap: the one begins at 64MiB before the other one ends"},
		{"size: 900MiB", "size: 990MiB", "partition 2 cannot end beyond its device, which has 1GiB"},
		{"size: 900MiB", "size: much", "cannot read \"much\" as a size"},
		{"size: 900MiB", "size: 900MiB\n            attributes: [bootable]", `cannot set the attribute "bootable"`},
		{"extents: 200", "extents: 300", "the volumes of vg cannot take 300 extents: it has 224"},
		{"pv: pv:1", "volume: lost", `cannot find the volume "lost" in the group vg`},
		{"source: fs:1", "source: fs:2", `cannot find "fs:2"`},
		{"point: /", "point: srv", `cannot use "srv" as a mount point: it has to begin with /`},
		{"used: 10MiB", "used: 10TiB", "cannot be: 10TiB are used of 800MiB"},
		{"state: excluded", "state: forgotten", `cannot use the state "forgotten"`},
		{"type: ext4", "type: ext4\n      oops: 1", "oops"},
	} {
		if !strings.Contains(string(good), c.was) {
			t.Errorf("%q is not in the file", c.was)
		}
		_, _, err := Read("good.yaml", []byte(strings.Replace(string(good), c.was, c.is, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: the error is %v, want %q", c.is, err, c.want)
			continue
		}
		var p *document.Problem
		if !errors.As(err, &p) || p.Line == 0 {
			t.Errorf("%q: the error has no line: %v", c.is, err)
		}
	}
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestValidateWithoutSource is for layouts that were never a file.
func TestValidateWithoutSource(t *testing.T) {
	l := &Layout{Version: 1, Mounts: []Mount{{Point: "/", Source: "fs:gone"}}}
	err := l.Validate(nil)
	if err == nil || !strings.Contains(err.Error(), `mounts[0].source: cannot find "fs:gone"`) {
		t.Error(err)
	}
}

func TestBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.StringMatching(`(\\x|\\|[0-9a-f]{2}|x)*`)).Draw(t, "text")
		text := escapeBytes(s)
		if unescapeBytes(text) != s || strings.ToValidUTF8(text, "") != text {
			t.Fatalf("%q becomes %q, and that %q", s, text, unescapeBytes(text))
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add(must(os.ReadFile("testdata/good.yaml")))
	f.Add([]byte("version: 1\nstorage: {disks: [{id: a, table: {id: a, partitions: [{number: 1, id: b, size: 18446744073709551615B, start: 1B}]}}]}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, _, err := Read("fuzz", data)
		if err != nil {
			return
		}
		text, err := Write(l)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := Read("again", text); err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, text)
		}
		_, _ = l.Graph()
	})
}

func must(data []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return data
}
