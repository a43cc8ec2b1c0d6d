package machinetest

import (
	"testing"

	"salvor/internal/storage"
	"salvor/internal/tool"
)

// TestTellsVersions: the fake answers all that package tool asks.
func TestTellsVersions(t *testing.T) {
	m := New(new(storage.Graph))
	for _, name := range tool.Versioned() {
		c := tool.AskVersion(name)[0]
		out, err := m.Run(t.Context(), c)
		if v, err := tool.ReadVersion(name, out, err); v == "" || err != nil {
			t.Errorf("%s says the version %q, %v", c, v, err)
		}
	}
}
