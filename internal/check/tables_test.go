package check

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCodesAreTheTable compares the codes with the table in docs/tables.md.
func TestCodesAreTheTable(t *testing.T) {
	page, err := os.ReadFile("../../docs/tables.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n### ⚙ What check finds\n")
	section, _, _ = strings.Cut(section, "\n#")
	written := map[string][2]string{}
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 5 || !strings.Contains(cells[1], "`") {
			continue
		}
		written[strings.Trim(cells[1], " `")] = [2]string{strings.TrimSpace(cells[2]), strings.TrimSpace(cells[3])}
	}
	code := map[string][2]string{}
	for name, row := range codes {
		code[string(name)] = [2]string{string(row.severity), row.means}
	}
	if diff := cmp.Diff(written, code); diff != "" {
		t.Error(diff)
	}
}
