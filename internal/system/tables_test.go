package system

import (
	"os"
	"slices"
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
		IsMissing, IsLocked, IsAmbiguous, IsClosed, WrongType, IsDirty, IsDamaged, IsBusy, NoPoint, Parent, Garbage, Destructive, KernelSaid, Stopped,
	}
	var page []Cause
	for _, row := range table(t, "### ⚙ Causes") {
		page = append(page, Cause(row[0]))
	}
	if diff := cmp.Diff(page, code); diff != "" {
		t.Error(diff)
	}
}

func TestRisksAreTheTable(t *testing.T) {
	var code [][]string
	for _, r := range riskRows {
		code = append(code, []string{r.when, string(r.word)})
		if !slices.Contains(RiskWords, r.word) {
			t.Errorf("%s: %s accepts no risk", r.when, r.word)
		}
	}
	code = append(code, []string{"the memory of a hibernated system, in its swap space or swap file, or in that of one that mounts the same file systems", "hibernated"},
		[]string{"an NTFS of a Windows that is hibernated, or was shut down for a fast startup", "hibernated"})
	var page [][]string
	for _, row := range table(t, "### ⚙ Risks") {
		page = append(page, []string{row[0], row[1]})
	}
	if diff := cmp.Diff(page, code); diff != "" {
		t.Error(diff)
	}
}

func TestDirtIsTheTable(t *testing.T) {
	var code [][]string
	for _, r := range dirtRows {
		code = append(code, []string{orElse(strings.Join(r.types, ", "), "any other"), r.does})
	}
	var page [][]string
	for _, row := range table(t, "### ⚙ Not unmounted cleanly") {
		page = append(page, []string{row[0], row[2]})
	}
	if diff := cmp.Diff(page, code); diff != "" {
		t.Error(diff)
	}
}

func orElse(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
