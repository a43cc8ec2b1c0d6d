// Package doctable reads the tables of docs/tables.md, for the tests that compare them
// with the code: a heading with a gear promises that there is one.
package doctable

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Rows gives the rows of the first table below a heading, named without its gear, and
// the cells of each without blanks and backquotes around them. The heading of the table
// itself is left out.
func Rows(t testing.TB, heading string) [][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(top(t), "docs/tables.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n### ⚙ "+heading+"\n")
	if !found {
		t.Fatalf("docs/tables.md has no %q", heading)
	}
	rest, _, _ = strings.Cut(rest, "\n#")
	var rows [][]string
	for line := range strings.Lines(rest) {
		if strings.HasPrefix(line, "|") {
			rows = append(rows, cells(line))
		}
	}
	if len(rows) < 3 {
		t.Fatalf("the table of %q is empty", heading)
	}
	return rows[2:]
}

func cells(line string) []string {
	var out []string
	for cell := range strings.SplitSeq(strings.Trim(strings.TrimSpace(line), "|"), "|") {
		out = append(out, strings.Trim(cell, " `"))
	}
	return out
}

// top is the directory of the source, above that of the package under test.
func top(t testing.TB) string {
	dir, err := os.Getwd()
	for ; err == nil && dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	t.Fatalf("cannot find go.mod above the test: %v", err)
	return ""
}
