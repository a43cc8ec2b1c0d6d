package plan

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"salvor/internal/storage"
)

var update = flag.Bool("update", false, "write the plans in the case files anew")

// TestCases: each file of testdata has a machine, how it stands (have), how it
// should (want), and the plan that leads there (plan), or the error. The format
// is told in caseformat_test.go.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 20 {
		t.Fatalf("there are %d cases (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runCase(t, file) })
	}
}

func runCase(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	have, want := readCase(t, archive)
	p, err := Diff(have, want)
	got := txtar.File{Name: "plan"}
	if err != nil {
		got = txtar.File{Name: "error", Data: []byte(err.Error() + "\n")}
	} else {
		got.Data = []byte(p.Text())
		checkPlan(t, p, have, want)
	}
	last := &archive.Files[len(archive.Files)-1]
	if *update {
		*last = got
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if last.Name != got.Name {
		t.Fatalf("there is no %s, but: %s", last.Name, got.Data)
	}
	if diff := cmp.Diff(string(last.Data), string(got.Data)); diff != "" {
		t.Errorf("(-file +now; go test -update writes it anew):\n%s", diff)
	}
}

// readCase reads the sections machine, have, want; the last one is the result.
func readCase(t testing.TB, archive *txtar.Archive) (have, want *storage.Graph) {
	t.Helper()
	var names []string
	for _, f := range archive.Files {
		names = append(names, f.Name)
	}
	if len(names) != 4 || strings.Join(names[:3], " ") != "machine have want" {
		t.Fatalf("the sections are %v", names)
	}
	m, err := parseMachine(string(archive.Files[0].Data))
	if err != nil {
		t.Fatal(err)
	}
	if have, err = m.state(string(archive.Files[1].Data), false); err != nil {
		t.Fatal(err)
	}
	if want, err = m.state(string(archive.Files[2].Data), true); err != nil {
		t.Fatal(err)
	}
	return have, want
}

// checkPlan checks what holds for every plan: it leads to want, every step of it
// is possible, and from any step of it there is a way on and a way back.
func checkPlan(t *testing.T, p *Plan, have, want *storage.Graph) {
	t.Helper()
	if err := p.CheckMountOnly(); err != nil {
		t.Error(err)
	}
	now := have
	for _, s := range p.Steps {
		if problem := impossible(now, s.Op); problem != "" && !isStacked(now, s.Op) {
			t.Errorf("step %d (%s): %s", s.Number, s.Op.Text(), problem)
		}
		for _, before := range s.After {
			if before >= s.Number {
				t.Errorf("step %d comes before step %d, which it waits for", s.Number, before)
			}
		}
		now = Simulate(now, []Op{s.Op})
		for way, goal := range map[string]*storage.Graph{"on": want, "back": have} {
			if err := leadsTo(now, goal); err != nil {
				t.Errorf("after step %d the way %s: %v", s.Number, way, err)
			}
		}
	}
	if !Equal(now, want) {
		t.Errorf("the plan does not lead to what is wanted:\n%s", p.Text())
	}
}

// isStacked: a mount that lies on another, or hides one, leaves its point mounted
// on.
func isStacked(now *storage.Graph, op Op) bool {
	switch op := op.(type) {
	case Mount:
		return now.MountAt(op.Mount.Point) != nil
	case Unmount:
		return len(newView(now).stack[op.Mount.Point]) > 1
	}
	return false
}

func leadsTo(now, goal *storage.Graph) error {
	p, err := Diff(now, goal)
	if err != nil {
		return err
	}
	if !Equal(Simulate(now, p.Ops()), goal) {
		return fmt.Errorf("the plan leads elsewhere:\n%s", p.Text())
	}
	return nil
}

// TestCaseFormat: a mistake in a case file is an error, not another case.
func TestCaseFormat(t *testing.T) {
	for line, want := range map[string]string{
		"disk":                           "a line is a verb, a name and more",
		"disk sda on":                    `nothing follows "on"`,
		"tape st0":                       `no nodes of kind "tape"`,
		"part sda1 on sda":               `there is no "sda"`,
		"disk sda wild":                  `what does "wild" mean?`,
		"disk sda\ndisk sda":             "is there twice",
		"disk sda\npart boot on sda":     "a number at its end",
		"lv root in data":                `no volume group "data"`,
		"vg d on lost\nlv l in d pool x": `there is no "x"`,
	} {
		if _, err := parseMachine(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, want %q", line, err, want)
		}
	}
	m, err := parseMachine("disk sda")
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"open sda as x": "a disk is never opened", "open sdb": `there is no "sdb"`, "melt sda": `what does "melt" mean?`,
	} {
		if _, err := m.state(line, true); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, want %q", line, err, want)
		}
	}
}
