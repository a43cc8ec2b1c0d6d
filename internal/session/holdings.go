package session

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"salvor/internal/plan"
	"salvor/internal/storage"
)

// Holdings is what salvor has done and not taken back. What an act only
// announced counts as done, since it may have been: the graph decides. Nodes are
// known by their lineage.
type Holdings struct {
	Opened   map[string]bool
	Overlays map[string]bool
	Frozen   map[string]bool
	Renamed  map[string]string // the name that it had before
	Mounts   map[string]bool   // points
}

// NewHoldings gives empty hands.
func NewHoldings() *Holdings {
	return &Holdings{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]string{}, map[string]bool{}}
}

// Holdings folds the journal.
func (j *Journal) Holdings() (*Holdings, error) {
	h := NewHoldings()
	for i, r := range j.records {
		if r.Kind != Intent {
			continue
		}
		if err := h.fold(r, j.failed(i)); err != nil {
			return nil, fmt.Errorf("cannot read the session's journal, record %d: %w", i+1, err)
		}
	}
	return h, nil
}

// failed reports whether the operation announced in record i is known to have
// ended with an error.
func (j *Journal) failed(i int) bool {
	for _, r := range j.records[i+1:] {
		if r.Kind == Done && r.Step == j.records[i].Step && r.Op == j.records[i].Op {
			return r.Error != ""
		}
		if r.Kind == Begin {
			return false
		}
	}
	return false
}

// fold takes one announced act into account. A closing that failed leaves the
// thing in hand; an opening that failed may have happened in part, so it counts.
func (h *Holdings) fold(r Record, failed bool) error {
	switch r.Op {
	case plan.StartArray{}.Name(), plan.ActivateLV{}.Name(), plan.Unlock{}.Name(), plan.StartMultipath{}.Name(), plan.StartBcache{}.Name():
		h.Opened[r.Subject] = true
	case plan.StopArray{}.Name(), plan.DeactivateLV{}.Name(), plan.Lock{}.Name(), plan.StopMultipath{}.Name(), plan.StopBcache{}.Name():
		release(h.Opened, r.Subject, failed)
	case plan.AddOverlay{}.Name():
		h.Overlays[r.Subject] = true
	case plan.RemoveOverlay{}.Name():
		release(h.Overlays, r.Subject, failed)
	case plan.Freeze{}.Name():
		h.Frozen[r.Subject] = true
	case plan.Thaw{}.Name():
		release(h.Frozen, r.Subject, failed)
	case plan.RenameMap{}.Name():
		return h.rename(r)
	case plan.Mount{}.Name():
		h.Mounts[r.Subject] = true
	case plan.Unmount{}.Name():
		release(h.Mounts, r.Subject, failed)
	default:
		return fmt.Errorf("the operation %q is not known", r.Op)
	}
	return nil
}

func release(set map[string]bool, key string, failed bool) {
	if !failed {
		delete(set, key)
	}
}

func (h *Holdings) rename(r Record) error {
	var names struct{ From, To string }
	if err := json.Unmarshal(r.Args, &names); err != nil {
		return err
	}
	switch first, again := h.Renamed[r.Subject]; {
	case !again:
		h.Renamed[r.Subject] = names.From
	case first == names.To:
		delete(h.Renamed, r.Subject)
	}
	return nil
}

// Without gives the holdings that are not among the earlier ones.
func (h *Holdings) Without(earlier *Holdings) *Holdings {
	return &Holdings{
		Opened: minus(h.Opened, earlier.Opened), Overlays: minus(h.Overlays, earlier.Overlays),
		Frozen: minus(h.Frozen, earlier.Frozen), Renamed: minus(h.Renamed, earlier.Renamed),
		Mounts: minus(h.Mounts, earlier.Mounts),
	}
}

func minus[V any](all, some map[string]V) map[string]V {
	out := maps.Clone(all)
	for k := range some {
		delete(out, k)
	}
	return out
}

// Empty reports whether salvor holds nothing.
func (h *Holdings) Empty() bool {
	return len(h.Opened)+len(h.Overlays)+len(h.Frozen)+len(h.Renamed)+len(h.Mounts) == 0
}

// Restored gives the graph as it is without the holdings. What others put onto
// something of salvor's keeps that open; kept names it. target is where a system
// is mounted ("" for nowhere): everything mounted below it goes with it.
func (h *Holdings) Restored(now *storage.Graph, target string) (base *storage.Graph, kept []storage.ID) {
	base = now.Clone()
	base.Mounts = slices.DeleteFunc(base.Mounts, func(m storage.Mount) bool {
		return h.Mounts[m.Point] || target != "" && h.Mounts[target] && storage.PathContains(target, m.Point)
	})
	for n := range base.Nodes() {
		h.restore(n, now.Lineage(n.Base().ID))
	}
	return base, h.keepUsed(now, base)
}

func (h *Holdings) restore(n storage.Node, lineage string) {
	c := n.Base()
	if o := storage.OpeningOf(n); o != nil && h.Opened[lineage] {
		storage.SetOpening(n, nil)
		c.ReadOnly = false
	} else if before, ok := h.Renamed[lineage]; ok && o != nil {
		o.Name = before
	}
	if h.Overlays[lineage] {
		c.Overlay = nil
	}
	if h.Frozen[lineage] && (storage.OpeningOf(n) == nil || !storage.OpeningOf(n).ReadOnly) {
		c.ReadOnly = false
	}
}

// keepUsed puts back what something of others' rests on.
func (h *Holdings) keepUsed(now, base *storage.Graph) []storage.ID {
	needed := map[storage.ID]bool{}
	for n := range base.Nodes() {
		if storage.OpeningOf(n) != nil && !storage.IsPart(n) || len(directMounts(base, n.Base().ID)) > 0 {
			for _, low := range base.Below(n.Base().ID) {
				needed[low.Base().ID] = true
			}
		}
	}
	var kept []storage.ID
	for n := range now.Nodes() {
		id := n.Base().ID
		b := base.Node(id)
		if o := storage.OpeningOf(n); needed[id] && o != nil && storage.OpeningOf(b) == nil {
			storage.SetOpening(b, o)
			b.Base().ReadOnly = n.Base().ReadOnly
			kept = append(kept, id)
		}
		if o := n.Base().Overlay; needed[id] && o != nil && b.Base().Overlay == nil {
			as := *o
			b.Base().Overlay = &as
			kept = append(kept, id)
		}
	}
	return kept
}

func directMounts(g *storage.Graph, id storage.ID) []storage.Mount {
	var out []storage.Mount
	for _, m := range g.Mounts {
		if m.Source == id {
			out = append(out, m)
		}
	}
	return out
}

// Left lists, in words, what of the holdings is still there.
func (h *Holdings) Left(now *storage.Graph) []string {
	var out []string
	for n := range now.Nodes() {
		c, lineage := n.Base(), now.Lineage(n.Base().ID)
		if h.Opened[lineage] && storage.OpeningOf(n) != nil {
			out = append(out, fmt.Sprintf("%s is open", c.ID))
		}
		if h.Overlays[lineage] && c.Overlay != nil {
			out = append(out, fmt.Sprintf("%s has a stand-in", c.ID))
		}
		if h.Frozen[lineage] && c.ReadOnly && storage.OpeningOf(n) == nil {
			out = append(out, fmt.Sprintf("%s is set read-only", c.ID))
		}
	}
	for _, m := range now.Mounts {
		if h.Mounts[m.Point] {
			out = append(out, m.Point+" is mounted")
		}
	}
	return out
}
