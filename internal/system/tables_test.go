package system

import (
	"slices"
	"strings"
	"testing"

	"salvor/test/doctable"

	"github.com/google/go-cmp/cmp"
)

func TestRulingsAreTheTable(t *testing.T) {
	var code [][]string
	for _, r := range rulings {
		code = append(code, []string{r.when, string(r.state), string(r.cause)})
	}
	if diff := cmp.Diff(doctable.Rows(t, "Decided by the text of the line"), code); diff != "" {
		t.Error(diff)
	}
}

func TestReasonsAreTheTable(t *testing.T) {
	var code [][]string
	for _, r := range whyRows {
		code = append(code, []string{string(r.why), string(r.state), string(r.cause)})
	}
	if diff := cmp.Diff(doctable.Rows(t, "No node answers"), code); diff != "" {
		t.Error(diff)
	}
}

func TestCausesAreTheTable(t *testing.T) {
	code := []Cause{
		NoAuto, IsSwap, IsNetwork, IsKernel, IsDuplicate, Unsupported,
		IsMissing, IsLocked, IsAmbiguous, IsClosed, WrongType, IsDirty, IsDamaged, IsBusy, NoPoint, Parent, Garbage, Destructive, KernelSaid, Stopped,
	}
	var page []Cause
	for _, row := range doctable.Rows(t, "Causes") {
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
	for _, row := range doctable.Rows(t, "Risks") {
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
	for _, row := range doctable.Rows(t, "Not unmounted cleanly") {
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
