package document

import (
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func theShip() ship {
	built := int64(-1912)
	return ship{
		Version: 1, papers: papers{Owner: "yes", Flag: "NO"}, Log: "# the log\n\tday 1: fog\n\nday 2  \n", Crew: 12, Built: &built,
		Holds: []hold{
			{Name: "fore", Cargo: []string{"coal", "rope"}, Load: 12},
			{Name: "", Cargo: []string{"a rather long name of a thing", "and another one that is long", "x"}, Locked: true,
				Inner: []hold{{Name: "#1"}, {Name: "two: the second", Cargo: []string{"1e3", "a,b"}}}},
		},
		Marks:  map[string]string{"b.2": "0x10", "a": "~", "no": "a\nb", "": "\x1b[31m"},
		Depths: []float64{1.5, 1e21}, Pilot: &papers{}, Raw: []byte{0, 1, 2}, Hidden: "never", Pair: [2]int{1, 2},
	}
}

func TestWrite(t *testing.T) {
	comments := map[string]Comment{
		"":                  {Above: "A ship.\n\nRead it with care.", Beside: "by its master"},
		"owner":             {Beside: "not a truth value"},
		"log":               {Blank: true, Above: "What happened."},
		"holds":             {Blank: true, Beside: "from fore to aft"},
		"holds[0]":          {Above: "The first.", Beside: "is dry"},
		"holds[0].name":     {Above: "Its name.", Beside: "painted\u2028name: evil"},
		"holds[1]":          {Blank: true},
		"holds[1].inner[0]": {Beside: "small"},
		"holds[1].cargo[1]": {Beside: "heavy"},
		`marks["b.2"]`:      {Beside: "quoted"},
		"marks.no":          {Beside: "of a block"},
		"pilot":             {Blank: true},
	}
	got, err := Write(theShip(), func(path string) Comment { return comments[path] })
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "ship.yaml", got)
	var back ship
	if _, err := Read("ship.yaml", got, &back); err != nil {
		t.Fatal(err)
	}
	want := theShip()
	want.Hidden = ""
	if diff := cmp.Diff(want, back, cmp.AllowUnexported(ship{})); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestWriteNothing(t *testing.T) {
	type empty struct {
		List []string       `json:"list"`
		Map  map[string]int `json:"map"`
		None *int           `json:"none"`
	}
	got, err := Write(&empty{}, nil)
	if want := "list: []\nmap: {}\nnone: null\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if got, err := Write(struct{}{}, func(string) Comment { return Comment{Above: "empty"} }); err != nil || string(got) != "# empty\n\n{}\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestWriteRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		v    any
		want string
	}{
		"invalid UTF-8":      {ship{Holds: []hold{{Name: "caf\xe9"}}}, `cannot write holds[0].name: "caf\xe9" is not UTF-8`},
		"a key of bytes":     {ship{Marks: map[string]string{"\xff": ""}}, "is not UTF-8"},
		"a very long key":    {ship{Marks: map[string]string{strings.Repeat("k", 1001): ""}}, "cannot write marks: its key"},
		"no number":          {ship{Depths: []float64{math.NaN()}}, "cannot write depths[0]: "},
		"a channel":          {struct{ C chan int }{make(chan int)}, "internal error: a document cannot hold a chan int, at C"},
		"a map with numbers": {map[int]int{1: 1}, "internal error: the keys of a map"},
	} {
		if _, err := Write(test.v, nil); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// awkward are texts that a reader of YAML may take for something else.
var awkward = []string{
	"", "yes", "No", "on", "OFF", "y", "n", "true", "null", "~", "<<", "=", "1e3", "1E+3", "0x10", "0o17", "0b1", "010", "1_000", "1.5", ".5", "5.",
	"+1", "-1", ".inf", "-.INF", ".NaN", "12:30:45", "190:20", "52:54:00:12:34:56", "2024-01-31", "2024-01-31T10:00:00Z", "1234-5678", "12345678-01",
	" leading", "trailing ", "\tleading", "trailing\t", "a\tb", "a\nb", "a\nb\n", "a\n\n", "\n", "\na", " a\nb", "a\n b\n", "a\n  \n", "a\n\t\n", "  \n  ",
	"a\r\nb", "\r", "\x00", "\x1b[0m", "\u0085", "\u2028a", "a\u2029b\n", "\ufeffa", "\u00a0", "\U0001f6a2", "é\nè", "\u200b",
	"- a", "-a", "? a", "?", ":", ": a", "a:", "a: b", "a:b", "a #b", "a#b", "#a", "&a", "*a", "!a", "!!str a", "|", ">", "|-\n a", "%a", "@a", "`a", "'a'", `"a"`, `a"b`, `a\b`, `\`,
	"{", "}", "[", "]", "a,b", ",", "[a]", "{a: b}", "a]", "---", "--- a", "...", "... a", "---\na", "a\n---\nb", "a\n...\n", "# a\nb", "a\n# b", "%YAML 1.1\n---",
	"disk:wwn-0x5000", "UUID=1234 / ext4 defaults 0 1", "/dev/mapper/a", "10 GiB", "x\n\ny", strings.Repeat("long ", 50),
}

func texts() *rapid.Generator[string] {
	piece := rapid.OneOf(rapid.SampledFrom(awkward), rapid.SampledFrom([]string{" ", "\n", "\t", ":", "#", "-", "a", "1", "\"", "\\", ",", "]"}), rapid.String())
	return rapid.Custom(func(t *rapid.T) string {
		return strings.ToValidUTF8(strings.Join(rapid.SliceOfN(piece, 1, 5).Draw(t, "pieces"), ""), "?")
	})
}

type texted struct {
	One  string              `json:"one"`
	List []string            `json:"list"`
	Deep [][]string          `json:"deep,omitempty"`
	Map  map[string][]string `json:"map,omitempty"`
	Subs []texted            `json:"subs,omitempty"`
}

func textedGen(depth int) *rapid.Generator[texted] {
	return rapid.Custom(func(t *rapid.T) texted {
		out := texted{
			One:  texts().Draw(t, "one"),
			List: rapid.SliceOfN(texts(), 0, 3).Draw(t, "list"),
			Deep: rapid.SliceOfN(rapid.SliceOfN(texts(), 0, 2), 0, 2).Draw(t, "deep"),
			Map:  rapid.MapOfN(texts(), rapid.SliceOfN(texts(), 0, 2), 0, 2).Draw(t, "map"),
		}
		if depth > 0 {
			out.Subs = rapid.SliceOfN(textedGen(depth-1), 0, 2).Draw(t, "subs")
		}
		return out
	})
}

// TestWhatIsWrittenIsRead: any text, at any place, with comments of any text around it, is
// read back as it was, by us and by YAML's own rules.
func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := textedGen(1).Draw(t, "value")
		for key := range want.Map {
			if len(key) > maxKey {
				t.Skip("a key that Write refuses")
			}
		}
		c := Comment{
			Above: rapid.OneOf(rapid.Just(""), texts()).Draw(t, "above"), Beside: rapid.OneOf(rapid.Just(""), texts()).Draw(t, "beside"),
			Blank: rapid.Bool().Draw(t, "blank"),
		}
		data, err := Write(want, func(string) Comment { return c })
		if err != nil {
			t.Fatal(err)
		}
		var got texted
		if _, err := Read("it", data, &got); err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-want +got):\n%s\n%s", diff, data)
		}
		var other map[string]any
		if err := yaml.Unmarshal(data, &other); err != nil || other["one"] != want.One {
			t.Fatalf("YAML reads %#v (%v), want %q\n%s", other["one"], err, want.One, data)
		}
	})
}

func TestEveryAwkwardTextIsKept(t *testing.T) {
	for _, s := range awkward {
		for _, v := range []texted{{One: s}, {List: []string{s, "x"}}, {Subs: []texted{{One: s}}}, {Deep: [][]string{{s}, {"a"}}}} {
			data, err := Write(v, nil)
			if err != nil {
				t.Fatal(err)
			}
			var got texted
			if _, err := Read("it", data, &got); err != nil || !cmp.Equal(v, got, cmpopts.EquateEmpty()) {
				t.Errorf("%q is read as %+v, %v, from\n%s", s, got, err, data)
			}
		}
	}
}

// TestPlainWords shows what needs no quotes.
func TestPlainWords(t *testing.T) {
	for s, want := range map[string]string{
		"disk:wwn-0x5000": "disk:wwn-0x5000", "/boot/efi": "/boot/efi", "10 GiB": "10 GiB", "a=b,c": "a=b,c", "1234-ABCD": "1234-ABCD", "é": "é", "it's": "it's",
		"on": `"on"`, "12:30": `"12:30"`, "1e3": `"1e3"`, "a: b": `"a: b"`, "\u2028": `"\u2028"`, "\U000e0001": `"\U000e0001"`, "\x01": `"\x01"`,
	} {
		if got := scalar(s, false); got != want {
			t.Errorf("%q is written %s, want %s", s, got, want)
		}
	}
}
