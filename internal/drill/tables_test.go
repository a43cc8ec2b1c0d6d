package drill

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"testing"

	"salvor/internal/rescue/medium"
)

// TestTable: docs/rescue.md has the firmware as the code has it.
func TestTable(t *testing.T) {
	text, err := os.ReadFile("../../docs/rescue.md")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, r := range firmwares {
		var files []string
		for _, f := range r.files {
			files = append(files, "`"+strings.TrimSuffix(f.code+" "+f.vars, " ")+"`")
		}
		var packages []string
		for _, p := range r.packages {
			packages = append(packages, cmp.Or(p, "none"))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.firmware, map[medium.Arch]string{medium.X64: "x86-64", medium.AA64: "64-bit ARM"}[r.arch],
			strings.Join(files, ", "), strings.Join(packages, ", "))
	}
	if _, table, _ := strings.Cut(string(text), "### ⚙ Firmware for virtual machines\n"); !strings.Contains(table, b.String()) {
		t.Errorf("docs/rescue.md does not have the table of firmware as it is here:\n%s", b.String())
	}
}
