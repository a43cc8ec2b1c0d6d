package fstab

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestLinesAreTheTable reads the lines in the table of docs/tables.md and compares
// what it says of them.
func TestLinesAreTheTable(t *testing.T) {
	page, err := os.ReadFile("../../docs/tables.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## ⚙ How a line is read\n")
	section, _, _ = strings.Cut(section, "\n## ")
	rows := 0
	for row := range strings.Lines(section) {
		cells := strings.Split(strings.TrimSpace(row), " | ")
		if len(cells) != 3 || !strings.HasPrefix(row, "| `\"") {
			continue
		}
		rows++
		line, err := strconv.Unquote(strings.Trim(cells[0], "| `"))
		if err != nil {
			t.Fatalf("%s: %v", cells[0], err)
		}
		entry, noted := told(line)
		if want := strings.TrimSpace(strings.TrimSuffix(cells[2], "|")); entry != cells[1] || noted != want {
			t.Errorf("%q is %s, %q; the page says %s, %q", line, entry, noted, cells[1], want)
		}
	}
	if rows < 30 {
		t.Errorf("the table has %d lines", rows)
	}
}

// told says in the table's words what becomes of a line.
func told(line string) (entry, noted string) {
	f := ParseFstab([]byte(line + "\n"))
	entry = "no line"
	for _, e := range f.Entries {
		entry = fmt.Sprintf("%s: %q at %q, %s [%s]", e.Spec.Kind, e.Spec.Value, e.File, e.Type, e.Options)
	}
	var kinds []string
	for _, p := range f.Problems {
		kinds = append(kinds, p.Kind.String())
	}
	return entry, strings.Join(kinds, ", ")
}
