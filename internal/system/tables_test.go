package system

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// table reads the rows of the table below a heading of docs/tables.md.
func table(t *testing.T, heading string) [][]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/tables.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "\n"+heading+"\n")
	if !found {
		t.Fatalf("docs/tables.md has no %q", heading)
	}
	rest, _, _ = strings.Cut(rest, "\n#")
	var rows [][]string
	for line := range strings.Lines(rest) {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		var row []string
		for cell := range strings.SplitSeq(strings.Trim(strings.TrimSpace(line), "|"), "|") {
			row = append(row, strings.Trim(cell, " `"))
		}
		rows = append(rows, row)
	}
	if len(rows) < 3 {
		t.Fatalf("the table of %q is empty", heading)
	}
	return rows[2:]
}

func TestRulingsAreTheTable(t *testing.T) {
	var code [][]string
	for _, r := range rulings {
		code = append(code, []string{r.when, string(r.state), string(r.cause)})
	}
	if diff := cmp.Diff(table(t, "### ⚙ Decided by the text of the line"), code); diff != "" {
		t.Error(diff)
	}
}

func TestReasonsAreTheTable(t *testing.T) {
	var code [][]string
	for _, r := range whyRows {
		code = append(code, []string{string(r.why), string(r.state), string(r.cause)})
	}
	if diff := cmp.Diff(table(t, "### ⚙ No node answers"), code); diff != "" {
		t.Error(diff)
	}
}

func TestCausesAreTheTable(t *testing.T) {
	code := []Cause{
		NoAuto, IsSwap, IsNetwork, IsKernel, IsDuplicate, Unsupported,
		IsMissing, IsLocked, IsAmbiguous, IsClosed, WrongType, IsDirty, IsBusy, NoPoint, Parent, Garbage, Destructive, KernelSaid, Stopped,
	}
	var page []Cause
	for _, row := range table(t, "### ⚙ Causes") {
		page = append(page, Cause(row[0]))
	}
	if diff := cmp.Diff(page, code); diff != "" {
		t.Error(diff)
	}
}
