package layout

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"salvor/internal/storage"
)

// TestNothingIsLost: every node of any graph is in the layout or left out by a rule; one
// that is not covered is listed once; and every mount is covered, excluded or uncovered.
func TestNothingIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGraph(t)
		in := Facts{Exclude: drawExclusions(t, g)}
		if problem := lost(g, in); problem != "" {
			t.Fatal(problem)
		}
	})
	for name, g := range recordedGraphs(t) {
		if problem := lost(g, Facts{}); problem != "" {
			t.Errorf("%s: %s", name, problem)
		}
	}
}

func lost(g *storage.Graph, in Facts) string {
	l, _ := FromGraph(g, in)
	left := newCapture(g, in).left
	placed := map[storage.ID]int{}
	l.Storage.nodes(func(_ string, id storage.ID, _ *Node) { placed[id]++ })
	listed := map[storage.ID]int{}
	for _, u := range l.Uncovered {
		listed[u.ID]++
		if u.State != NotCovered && u.State != Excluded || u.Reason == "" || u.What == "" || u.Why == "" {
			return "an entry does not say what it has to: " + u.What
		}
	}
	for n := range g.Nodes() {
		id := n.Base().ID
		if want := map[bool]int{true: 0, false: 1}[left[id] != ""]; placed[id] != want {
			return string(id) + " is not in the layout once, or is in it and left out"
		}
		if listed[id] > 1 || listed[id] > 0 && left[id] != "" {
			return string(id) + " is listed as not covered more than once, or is left out"
		}
	}
	for _, m := range g.Mounts {
		if problem := unsaid(l, m, listed); problem != "" {
			return problem
		}
	}
	return ""
}

// unsaid: what is mounted is in the list of mounts, and its node is covered or not; or it is
// an entry of its own; or it holds nothing.
func unsaid(l *Layout, m storage.Mount, listed map[storage.ID]int) string {
	entry := slices.ContainsFunc(l.Uncovered, func(u Uncovered) bool {
		return u.ID == "" && u.What == storage.Printable(m.Type+" mounted at "+m.Point)
	})
	stands := slices.ContainsFunc(l.Mounts, func(o Mount) bool {
		return o.Point == m.Point && o.Type == m.Type && (o.Source == m.Source || o.What != "")
	})
	switch {
	case isKernels(nil, m), isSessions(nil, m):
		return ""
	case !stands && !entry:
		return m.Type + " mounted at " + m.Point + " is nowhere"
	case entry && listed[m.Source] > 0 && m.Source != "":
		return m.Point + " is listed twice"
	}
	return ""
}

// TestGraphAndBack: a layout as a graph is the same layout.
func TestGraphAndBack(t *testing.T) {
	check := func(g *storage.Graph, in Facts) string {
		l, _ := FromGraph(g, in)
		h, err := l.Graph()
		if err != nil {
			return err.Error()
		}
		for n := range h.Nodes() {
			if storage.OpeningOf(n) != nil || g.Node(n.Base().ID) == nil {
				return string(n.Base().ID) + " is open, or was not there"
			}
		}
		back, _ := FromGraph(h, in)
		return cmp.Diff(l.Storage, back.Storage)
	}
	rapid.Check(t, func(t *rapid.T) {
		if diff := check(drawGraph(t), Facts{}); diff != "" {
			t.Fatal(diff)
		}
	})
	for name, g := range recordedGraphs(t) {
		if diff := check(g, Facts{}); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestVolumesKeepTheirGroupAndOrigin(t *testing.T) {
	l, _ := FromGraph(recordedGraphs(t)["o"], Facts{})
	g, err := l.Graph()
	if err != nil {
		t.Fatal(err)
	}
	for v := range storage.All[*storage.LV](g) {
		was := recordedGraphs(t)["o"].Node(v.ID).(*storage.LV)
		if v.Group != was.Group || v.Origin != was.Origin || v.Pool != was.Pool || v.VG != was.VG || !cmp.Equal(v.Made, was.Made) {
			t.Errorf("volume %s is %+v, was %+v", v.Name, v, was)
		}
	}
}
