package apply

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"salvor/internal/plan"
	"salvor/internal/storage"
)

// TestRunDoesWhatSimulateSays: whatever state of the big stack is wanted after
// whatever other state, the machine stands as wanted after the run.
func TestRunDoesWhatSimulateSays(t *testing.T) {
	full := bigStack(t)
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(full)
		opt := rightKeys()
		opt.Patience = time.Second
		for range 3 {
			have := m.Full()
			goal := drawState(t, full)
			p, err := plan.Diff(have, goal)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Run(t.Context(), m, p, opt); err != nil {
				t.Fatalf("%v\nin the plan\n%s\nfrom\n%s", err, p.Text(), m)
			}
			if !plan.Equal(m.Full(), goal) {
				t.Fatalf("the machine stands as\n%safter the plan\n%s", m, p.Text())
			}
		}
	})
}

// drawState opens, freezes, stands in for and mounts what a machine could have so.
// The cache set is left alone: it has no opening of its own.
func drawState(t *rapid.T, full *storage.Graph) *storage.Graph {
	g := full.Clone()
	coin := func(what string, id storage.ID) bool { return rapid.Bool().Draw(t, what+string(id)) }
	for n := range g.Nodes() {
		id := n.Base().ID
		if !reachable(g, n) {
			continue
		}
		switch n := n.(type) {
		case *storage.Crypt:
			name := rapid.SampledFrom([]string{"one ", "two-", "three"}).Draw(t, "name") + string(id[len(id)-1])
			if coin("open", id) {
				drawOpen(t, n, name)
			}
		case *storage.MD:
			if coin("open", id) {
				drawOpen(t, n, "md127")
			}
		case *storage.LV:
			if n.Layout != "thin-pool" && coin("open", id) {
				drawOpen(t, n, "")
			}
		case *storage.Bcache:
			if coin("open", id) {
				storage.SetOpening(n, &storage.Opening{Name: "bcache0"})
			}
		case *storage.Disk:
			if coin("freeze", id) {
				n.ReadOnly = true
			}
			if coin("overlay", id) {
				n.Overlay = &storage.Opening{Name: "cow-" + string(id[5:])}
			}
		case *storage.FileSystem:
			if coin("mount", id) {
				g.Mounts = append(g.Mounts, drawMount(t, g, n))
			}
		}
	}
	return g
}

func drawOpen(t *rapid.T, n storage.Node, name string) {
	as := &storage.Opening{Name: name, ReadOnly: rapid.Bool().Draw(t, "read-only")}
	storage.SetOpening(n, as)
	n.Base().ReadOnly = as.ReadOnly
}

// reachable: what has to be open below n is open, and nothing of a frozen or
// read-only device would be opened for writing (the fake, like the kernel, would
// make it read-only too, which is not what was wanted).
func reachable(g *storage.Graph, n storage.Node) bool {
	for _, low := range g.Below(n.Base().ID) {
		lv, isLV := low.(*storage.LV)
		if storage.CanOpen(low) && storage.OpeningOf(low) == nil && !(isLV && lv.Layout == "thin-pool") {
			return false
		}
		if low.Base().ReadOnly && low.Base().Overlay == nil {
			return false
		}
	}
	return n.Kind() != storage.KindMultipath
}

func drawMount(t *rapid.T, g *storage.Graph, fs *storage.FileSystem) storage.Mount {
	overlaid := false
	for _, low := range g.Lower(fs.ID) {
		overlaid = low.Base().Overlay != nil
	}
	return storage.Mount{Point: fmt.Sprintf("/mnt/%s", fs.ID[3:]), Source: fs.ID, Type: fs.Type, Overlay: overlaid,
		ReadOnly: rapid.Bool().Draw(t, "ro"+string(fs.ID))}
}
