// Package house guards the house itself: which package may import which, where
// the doors to the outside are, who may print, and that every package says what
// it is. A rule is a function from a package to the violations in it, each with
// its reason in words. The table of layers is published in docs/architecture.md,
// and a test keeps the two alike. The package holds tests only; it builds and
// runs nothing.
package house

import (
	"fmt"
	"go/ast"
	"os"
	"slices"
	"strings"
	"testing"
)

// layer is a row of the table of layers.
type layer struct {
	name string   // below internal/, or below the root for cmd/…
	may  []string // what it may import of ours, "*" for all that are not test-only
	not  []string // exceptions to "*"
	why  string
}

// layers is the table: a package without a row is a violation, so that nobody
// adds a room to the house without saying what it is for.
var layers = []layer{
	{"storage", nil, nil, "the graph is data that everyone shares; it must not depend on how it was found"},
	{"fstab", nil, nil, "pure text: a file of any machine can be read on any other"},
	{"secret", nil, nil, "what guards secrets must be small enough to be read at a sitting"},
	{"ondisk", nil, nil, "bytes to facts: the judge of hostile bytes knows neither machine nor graph"},
	{"bootentry", nil, nil, "what boot loaders would start is read from files alone, so that whoever needs it may ask"},
	{"machine", []string{"secret"}, nil, "the one door to the outside carries out and decides nothing, so it must know neither graph nor plan"},
	{"plan", []string{"storage"}, nil, "a plan is made at a desk; it must not be able to look or to act"},
	{"tool", []string{"machine"}, nil, "the phrasebook turns words into machine.Cmd and answers into facts, and no more"},
	{"system", []string{"storage", "plan", "fstab", "secret", "bootentry"}, nil, "what a system wants is worked out at a desk"},
	{"check", []string{"storage", "fstab", "system", "bootentry"}, nil, "what is wrong is judged by what was looked at, without looking again"},
	{"document", nil, nil, "how a file that people edit is read and written, whatever it says"},
	{"config", []string{"document"}, nil, "what an administrator chose is data: it must not know who asks for it"},
	{"layout", []string{"document", "storage", "plan", "fstab", "secret"}, nil, "a layout is compared and fitted at a desk"},
	{"layout/rear", []string{"layout", "config", "document", "storage", "plan", "fstab", "secret"}, nil, "as layout, which it translates to and from"},
	{"host", []string{"machine", "tool", "ondisk", "bootentry", "layout", "storage"}, nil, "reads of a machine what is not storage, in the words of the layout, and decides nothing"},
	{"probe", []string{"storage", "ondisk", "tool", "machine"}, nil, "the eyes must not be able to plan"},
	{"apply", []string{"storage", "plan", "tool", "machine", "secret"}, nil, "the hands must not look for themselves: what they need is in the plan"},
	{"archive", []string{"*"}, outerRooms("probe", "apply"), "engines get told what to save and where; they neither look nor change storage"},
	{"boot", []string{"*"}, outerRooms("probe", "apply"), "boot loaders are set up on a system that others found and mounted"},
	{"rescue", []string{"*"}, outerRooms("probe", "apply"), "an image is built from a spec, not from what the code happens to see"},
	{"rescue/medium", []string{"rescue"}, nil, "how a boot medium is laid out has nothing to do with what the system on it can do"},
	{"rescue/live", []string{"layout", "document", "machine", "tool", "secret", "storage"}, nil, "the init of the rescue system brings a machine up and decides nothing about its disks"},
	{"session", []string{"*"}, outerRooms("probe", "apply"), "the journal says what was done; it does not do it"},
	{"workflow", []string{"*"}, []string{"cli", "drill"}, "the orders of work know all trades, but neither print nor prompt"},
	{"drill", []string{"*"}, []string{"cli"}, "a rehearsal knows all trades, but neither prints nor prompts"},
	{"cli", []string{"*"}, nil, "shows and asks; what it decides would be out of reach of tests"},
	{"cmd/salvor", []string{"cli", "rescue/live"}, nil, "main is ten lines: all else is in packages that can be tested"},
	{"machine/machinetest", []string{"machine", "storage", "secret", "tool"}, nil, "the fake knows what commands look like and keeps its state as a graph; test-only"},
	{"house", nil, nil, "looks at the source as text; test-only"},
}

// outerRooms are those that a package of the middle must not import: the given
// ones and the rooms around it.
func outerRooms(also ...string) []string { return append(also, "workflow", "drill", "cli") }

// testOnly packages never become part of the program.
var testOnly = []string{"machine/machinetest", "house"}

// rules are all that is checked of a package.
var rules = map[string]func(pkg) []string{
	"layers": checkLayers,
	"doors":  checkDoors,
	"quiet":  checkQuiet,
	"doc":    checkDoc,
	"name":   checkName,
	"main":   checkMain,
}

func TestHouse(t *testing.T) {
	all := load(t, "../..")
	if len(all) < 10 {
		t.Fatalf("only %d packages were found", len(all))
	}
	for name, rule := range rules {
		t.Run(name, func(t *testing.T) {
			for _, p := range all {
				for _, v := range rule(p) {
					t.Error(v)
				}
			}
		})
	}
	for _, v := range checkLinked(all) {
		t.Error(v)
	}
}

func checkLayers(p pkg) []string {
	at := slices.IndexFunc(layers, func(l layer) bool { return l.name == p.path })
	if at < 0 {
		return []string{fmt.Sprintf("%s has no row in the table of layers (internal/house, docs/architecture.md): say there what it is for and what it may import", p.path)}
	}
	var out []string
	for _, f := range p.files {
		for _, imported := range f.ours() {
			if !f.test && !layers[at].allows(imported) {
				out = append(out, fmt.Sprintf("%s: %s may not import %s: %s", f.name, p.path, imported, layers[at].why))
			}
		}
	}
	return out
}

func (l layer) allows(imported string) bool {
	if slices.Contains(l.may, "*") {
		return imported != l.name && !slices.Contains(l.not, imported) && !slices.Contains(testOnly, imported)
	}
	return slices.Contains(l.may, imported)
}

// doors are imports that reach outside, and who may have them.
var doors = map[string][]string{
	"os/exec": {"machine"}, "syscall": {"machine"},
	"golang.org/x/sys/unix": {"machine", "archive", "rescue/live"}, // file attributes; the rescue system's init
}

func checkDoors(p pkg) []string {
	var out []string
	for _, f := range p.files {
		for _, imported := range f.imports {
			may, isDoor := doors[imported]
			if isDoor && !f.test && !slices.Contains(may, p.path) {
				out = append(out, fmt.Sprintf("%s imports %s, which only %s may: machine is the one door to the outside, so that a recorder, a replay or a fake can stand in for all of it", f.name, imported, strings.Join(may, ", ")))
			}
		}
	}
	return out
}

func checkQuiet(p pkg) []string {
	if p.path == "cli" || strings.HasPrefix(p.path, "cmd/") {
		return nil
	}
	const why = "packages return results, notes and errors, or emit events; cli turns those into lines"
	var out []string
	for _, f := range p.files {
		if f.test {
			continue
		}
		for _, imported := range f.imports {
			if imported == "log" || imported == "log/slog" {
				out = append(out, fmt.Sprintf("%s imports %s: %s", f.name, imported, why))
			}
		}
		for _, name := range f.selectors() {
			terminal := slices.Contains([]string{"os.Stdin", "os.Stdout", "os.Stderr"}, name)
			if terminal && p.path == "machine" {
				continue // Attach hands the terminal to a program
			}
			if terminal || strings.HasPrefix(name, "fmt.Print") {
				out = append(out, fmt.Sprintf("%s uses %s: %s", f.name, name, why))
			}
		}
	}
	return out
}

// fewestSentences is what it takes to define the nouns of a package and to say
// what it does not do.
const fewestSentences = 3

func checkDoc(p pkg) []string {
	var docs []string
	for _, f := range p.files {
		if f.ast.Doc != nil && (!f.test || p.isTests()) {
			docs = append(docs, f.ast.Doc.Text())
		}
	}
	if len(docs) != 1 {
		return []string{fmt.Sprintf("%s has %d package comments: it needs one, where a newcomer finds what it is", p.path, len(docs))}
	}
	if p.name == "main" {
		return nil
	}
	var out []string
	if !strings.HasPrefix(docs[0], "Package "+p.name+" ") {
		out = append(out, fmt.Sprintf("the comment of %s does not begin with \"Package %s\", so go doc does not show it well", p.path, p.name))
	}
	if n := sentences(docs[0]); n < fewestSentences {
		out = append(out, fmt.Sprintf("the comment of %s has %d sentences: it has to define the nouns of the package and to say what it does not do", p.path, n))
	}
	return out
}

func sentences(text string) int {
	n := 0
	for word := range strings.FieldsSeq(text) {
		if strings.HasSuffix(strings.TrimRight(word, `)"'`), ".") && word != "e.g." && word != "i.e." {
			n++
		}
	}
	return n
}

func checkName(p pkg) []string {
	last := p.path[strings.LastIndexByte(p.path, '/')+1:]
	for _, name := range []string{last, p.name} {
		if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "misc", "base", "lib", "shared", "types"}, name) {
			return []string{fmt.Sprintf("%s is named %s: packages are named after the things they are about, or everything ends up in one", p.path, name)}
		}
	}
	return nil
}

// longestMain is how many lines of code main.go may have.
const longestMain = 10

func checkMain(p pkg) []string {
	if p.path != "cmd/salvor" {
		return nil
	}
	lines := 0
	for _, f := range p.files {
		if !f.test {
			lines += f.code
		}
	}
	if lines > longestMain {
		return []string{fmt.Sprintf("%s has %d lines of code, more than %d: what stands there cannot be tested", p.path, lines, longestMain)}
	}
	return nil
}

// checkLinked follows the imports of the program.
func checkLinked(all []pkg) []string {
	imports := map[string][]string{}
	var out []string
	for _, p := range all {
		for _, f := range p.files {
			if f.test {
				continue
			}
			imports[p.path] = append(imports[p.path], f.ours()...)
			if slices.Contains(f.imports, "testing") && !slices.Contains(testOnly, p.path) {
				out = append(out, fmt.Sprintf("%s imports testing: test code has no place in the program", f.name))
			}
		}
	}
	seen := map[string]bool{}
	for todo := []string{"cmd/salvor"}; len(todo) > 0; {
		path := todo[0]
		todo = todo[1:]
		if slices.Contains(testOnly, path) {
			out = append(out, fmt.Sprintf("%s is linked into the program, and is for tests only", path))
		}
		if !seen[path] {
			seen[path] = true
			todo = append(todo, imports[path]...)
		}
	}
	return out
}

// TestTableIsPublished: docs/architecture.md has the same table.
func TestTableIsPublished(t *testing.T) {
	doc, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, l := range layers {
		rows = append(rows, l.row())
	}
	table := strings.Join(rows, "\n") + "\n"
	if !strings.Contains(string(doc), table) {
		t.Errorf("docs/architecture.md does not have the table of layers as it is here:\n%s", table)
	}
}

func (l layer) row() string {
	may := "nothing"
	switch {
	case len(l.not) > 0:
		may = "all but " + strings.Join(l.not, ", ")
	case slices.Contains(l.may, "*"):
		may = "all"
	case len(l.may) > 0:
		may = strings.Join(l.may, ", ")
	}
	return fmt.Sprintf("| `%s` | %s | %s |", l.name, may, l.why)
}

// selectors lists what a file uses of the packages fmt and os, as "os.Stdout".
func (f file) selectors() []string {
	var out []string
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Obj == nil && (x.Name == "fmt" || x.Name == "os") {
				out = append(out, x.Name+"."+s.Sel.Name)
			}
		}
		return true
	})
	return out
}
