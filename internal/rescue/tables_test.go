package rescue

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the tables of docs/rescue.md anew")

const page = "../../docs/rescue.md"

// tables are those of docs/rescue.md, by heading, as the code has them.
var tables = map[string]func() [][]string{
	"### ⚙ Programs":                  programRows,
	"### ⚙ What programs bring along": companionRows,
	"### ⚙ udev's rules":              func() [][]string { return [][]string{{code(udevRuleNames...)}} },
	"### ⚙ Kernel modules":            moduleRows,
	"### ⚙ Drivers that stay out": func() [][]string {
		return [][]string{{"whatever the machine has", code(pastimes...)}, {"always", code(neverModules...)}}
	},
	"### ⚙ Secrets by path":    pathRows,
	"### ⚙ Secrets by content": contentRows,
	"### ⚙ Where a kernel is found": func() [][]string {
		return [][]string{{"named after its release", code(strings.Split(strings.ReplaceAll(strings.Join(imagePlaces, " "), "%s", "RELEASE"), " ")...)}, {"read for its release", code(unnamedImages...)}}
	},
	"### ⚙ Groups of the plan's view": func() [][]string { return [][]string{{code(groupWords()...)}} },
}

// code shows words as code, with commas between.
func code(words ...string) string {
	if len(words) == 0 {
		return ""
	}
	return "`" + strings.Join(words, "`, `") + "`"
}

func groupWords() []string {
	var out []string
	for _, g := range groupNames {
		out = append(out, string(g))
	}
	return out
}

func programRows() [][]string {
	var out [][]string
	for _, s := range programSets {
		when := code(slices.DeleteFunc(slices.Clone(s.use), func(w string) bool { return w == "" })...)
		if slices.Contains(s.use, "") {
			when = "always"
		}
		minimal := "yes"
		if s.big {
			minimal = "in use"
		}
		out = append(out, []string{s.name, when, code(strings.Fields(s.needed)...), code(strings.Fields(s.wanted)...), minimal})
	}
	return out
}

func moduleRows() [][]string {
	var out [][]string
	for _, s := range moduleSets {
		from := string(s.from)
		if len(s.use) > 0 {
			from += ", or in use: " + code(s.use...)
		}
		out = append(out, []string{s.name, from, code(strings.Fields(s.words)...)})
	}
	return out
}

// companionRows shortens paths below the directories of libraries, of which there are six.
func companionRows() [][]string {
	var out [][]string
	for _, row := range companions {
		var brings []string
		for _, p := range row.files {
			if strings.Contains(p, "/rules.d/") {
				continue // a table of its own
			}
			for _, dir := range inLibraries("") {
				if rest, ok := strings.CutPrefix(p, dir); ok && !strings.HasPrefix(rest, "udev/") && !strings.HasPrefix(rest, "systemd/") {
					p = "LIB/" + rest
					break
				}
			}
			brings = append(brings, p)
		}
		brings = append(append(brings, row.programs...), row.libraries...)
		slices.Sort(brings)
		out = append(out, []string{code(row.of...), code(slices.Compact(brings)...), row.why})
	}
	return out
}

func pathRows() [][]string {
	var out [][]string
	for _, row := range secretPaths {
		out = append(out, []string{string(row.rule), row.why, code(row.patterns...)})
	}
	return out
}

func contentRows() [][]string {
	var out [][]string
	for _, row := range anchored {
		out = append(out, []string{string(row.rule), row.why, code(row.anchor)})
	}
	return out
}

// TestTables: the page has the rows of the code.
func TestTables(t *testing.T) {
	for heading, rows := range tables {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		before, rest, found := strings.Cut(string(data), "\n"+heading+"\n")
		if !found {
			t.Errorf("%s has no %q", page, heading)
			continue
		}
		prose, have, after := cutTable(rest)
		want := tableLines(rows())
		if *update {
			text := before + "\n" + heading + "\n" + prose + strings.Join(append(have[:2:2], want...), "") + after
			if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if diff := cmp.Diff(want, have[2:]); diff != "" {
			t.Errorf("%s (-code +page):\n%s", heading, diff)
		}
	}
}

func tableLines(rows [][]string) []string {
	var out []string
	for _, row := range rows {
		out = append(out, "| "+strings.Join(row, " | ")+" |\n")
	}
	return out
}

// cutTable finds the first table, its two lines of heading included.
func cutTable(text string) (before string, table []string, after string) {
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "|") && after == "":
			table = append(table, line)
		case len(table) == 0:
			before += line
		default:
			after += line
		}
	}
	return before, table, after
}
