package document

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// TestProblems reads the documents of testdata/problems.txtar; what is wrong with each stands
// in the file that follows it.
func TestProblems(t *testing.T) {
	file := filepath.Join("testdata", "problems.txtar")
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(archive.Files); i += 2 {
		doc, want := archive.Files[i], &archive.Files[i+1]
		var v ship
		_, err := Read(doc.Name, doc.Data, &v)
		got := "nothing\n"
		if err != nil {
			got = err.Error() + "\n"
		}
		if *update {
			want.Data = []byte(got)
		}
		if diff := cmp.Diff(string(want.Data), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", doc.Name, diff)
		}
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReadTakesWhatIsMeant(t *testing.T) {
	in := `# only some keys
version: 1
owner: 0x10
log: >
  folded
  text
holds:
- {name: 1e3, cargo: [yes, 010, 2024-01-31], load: 3 t}
marks:
pilot: ~
depths: [1, -2.5e3]
"crew": 255
`
	var got ship
	source, err := Read("ship.yaml", []byte(in), &got)
	if err != nil {
		t.Fatal(err)
	}
	want := ship{
		Version: 1, papers: papers{Owner: "0x10"}, Log: "folded text\n", Crew: 255, Depths: []float64{1, -2500},
		Holds: []hold{{Name: "1e3", Cargo: []string{"yes", "010", "2024-01-31"}, Load: 3}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(ship{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for path, line := range map[string]int{"": 2, "owner": 3, "holds[0].cargo[1]": 8, "marks": 0, "pilot": 0, "holds[1]": 0, "crew": 12, "ow": 0, "holds[0].cargo[1].x": 0} {
		if got, there := source.Line(path); got != line || there != (line > 0) {
			t.Errorf("line of %q: %d, %v, want %d", path, got, there, line)
		}
	}
}

func TestReadKeepsWhatIsNotNamed(t *testing.T) {
	got := ship{Version: 1, Crew: 3, Pilot: &papers{Owner: "she", Flag: "X"}}
	if _, err := Read("ship.yaml", []byte("pilot: {owner: he}"), &got); err != nil {
		t.Fatal(err)
	}
	if got.Crew != 3 || *got.Pilot != (papers{"he", "X"}) {
		t.Errorf("got %+v", got)
	}
}

func TestEmptyDocuments(t *testing.T) {
	for _, in := range []string{"", "\n", "# nothing\n", "---\n", "--- # nothing\n...\n", "{}", "~"} {
		var got ship
		source, err := Read("ship.yaml", []byte(in), &got)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if p := source.Problem("version", "cannot do without it"); !strings.HasPrefix(p.Error(), "ship.yaml:") || p.Path != "version" {
			t.Errorf("%q: %v", in, p)
		}
	}
}

func TestSourceProblemNamesTheNearestLine(t *testing.T) {
	var v ship
	source, err := Read("a ship", []byte("version: 1\nholds:\n  - name: x\n  - cargo: [a,\n     b]\n"), &v)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"holds[1].cargo[1]": "a ship:5: holds[1].cargo[1]: wrong",
		"holds[1].name":     "a ship:4: holds[1].name: wrong",
		"holds[7].name":     "a ship:2: holds[7].name: wrong",
		"marks.a":           "a ship:1: marks.a: wrong",
		"":                  "a ship:1: wrong",
	} {
		if got := source.Problem(path, "%s", "wrong").Error(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestProblemsAreErrors(t *testing.T) {
	var v ship
	_, err := Read("f", []byte("crew: 300\nvershun: 1\n"), &v)
	var all *Problems
	var one *Problem
	if !errors.As(err, &all) || !errors.As(err, &one) || len(all.List) != 2 || one.Line != 1 || one.Column != 7 {
		t.Errorf("got %#v", err)
	}
	if err := new(Problems).Err(); err != nil {
		t.Errorf("no problems are an error: %v", err)
	}
}

func TestProblemsEnd(t *testing.T) {
	var v ship
	_, err := Read("f", []byte("depths:\n"+strings.Repeat(" - x\n", 5000)), &v)
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != maxProblems+1 || !strings.Contains(lines[maxProblems], "cannot list more than 1000") {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

func TestTooLarge(t *testing.T) {
	var v ship
	if _, err := Read("f", make([]byte, maxSize+1), &v); err == nil || err.Error() != "f: cannot read it: it is larger than 64 MiB" {
		t.Errorf("got %v", err)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"exclude", "file", "authorized_keys"}
	for in, want := range map[string]string{
		"exlude": "exclude", "excldue": "exclude", "Exclude": "exclude", "authorizedKeys": "authorized_keys", "fiel": "file", "name": "", "f": "", strings.Repeat("x", 1000): "",
	} {
		if got := Nearest(in, names); got != want {
			t.Errorf("near %q is %q, want %q", in, got, want)
		}
	}
}

// FuzzRead: whatever is read is written and read again as the same, and problems have places.
func FuzzRead(f *testing.F) {
	for _, in := range []string{"version: 1\nholds: [{name: a, load: 3 t}]\n", "log: |2\n   a\n  b", "a: &b [*b]", "<<: {}", "? {a: b}\n: c", "--- a\n--- b", "\xff", "marks: {a: ~, 'b': !x c}", "raw: AAEC\npair: [1, 2]"} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v ship
		source, err := Read("f", data, &v)
		if err != nil {
			var all *Problems
			if !errors.As(err, &all) || len(all.List) == 0 {
				t.Fatalf("an error without problems: %v", err)
			}
			for _, p := range all.List {
				if p.Text == "" || p.Line > len(data)+1 {
					t.Fatalf("an odd problem: %#v", p)
				}
			}
			return
		}
		if p := source.Problem("holds[0].name", "x"); p.File != "f" {
			t.Fatal("a source without its file")
		}
		written, err := Write(v, nil)
		if err != nil {
			if strings.Contains(err.Error(), "longer than") {
				return
			}
			t.Fatal(err)
		}
		var again ship
		if _, err := Read("f", written, &again); err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		if twice, _ := Write(again, nil); string(twice) != string(written) {
			t.Fatalf("written as\n%s\nand then as\n%s", written, twice)
		}
	})
}
