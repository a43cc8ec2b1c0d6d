package check

import (
	"testing"

	"salvor/test/doctable"

	"github.com/google/go-cmp/cmp"
)

// TestCodesAreTheTable compares the codes with the table in docs/tables.md.
func TestCodesAreTheTable(t *testing.T) {
	written := map[string][2]string{}
	for _, row := range doctable.Rows(t, "What check finds") {
		written[row[0]] = [2]string{row[1], row[2]}
	}
	code := map[string][2]string{}
	for name, row := range codes {
		code[string(name)] = [2]string{string(row.severity), row.means}
	}
	if diff := cmp.Diff(written, code); diff != "" {
		t.Error(diff)
	}
}
