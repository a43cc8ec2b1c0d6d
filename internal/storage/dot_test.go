package storage

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-graphviz"
	"pgregory.net/rapid"
)

func TestDOTGolden(t *testing.T) {
	for _, name := range []string{"luks-lvm-md", "missing-pv", "locked", "hostile"} {
		t.Run(name, func(t *testing.T) { golden(t, name+".dot", machines[name](&lab{t: t}).DOT()) })
	}
}

// TestDOTIsValid lets Graphviz itself read what DOT wrote.
func TestDOTIsValid(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(machines)) {
		g := machines[name](&lab{t: t})
		dot := g.DOT()
		read, err := graphviz.ParseBytes([]byte(dot))
		if err != nil {
			t.Errorf("%s: graphviz refuses\n%s\n%v", name, dot, err)
			continue
		}
		if nodes, err := read.NodeNum(); err != nil || nodes != g.Len() {
			t.Errorf("%s: graphviz sees %d nodes (%v), there are %d", name, nodes, err, g.Len())
		}
	}
}

// TestDOTEscape: whatever a label holds, it stays inside its quotes.
func TestDOTEscape(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		quoted := dotQuote(rapid.OneOf(rapid.String(), rapid.StringMatching(`["\\\n;>]*`)).Draw(t, "text"))
		inside := quoted[1 : len(quoted)-1]
		if left := strings.NewReplacer(`\\`, "", `\"`, "").Replace(inside); strings.ContainsAny(left, "\"\\\n") {
			t.Fatalf("%s leaves its quotes", quoted)
		}
	})
}
