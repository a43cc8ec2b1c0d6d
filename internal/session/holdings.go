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
	Renamed  map[string]Renaming
	Attached map[string]string     // the devices of opened images: a file can be attached to others' too
	Mounts   map[string]storage.ID // by point: the identity of the file system; "" for a virtual or bound tree
}

// Renaming is a map that salvor gave another name.
type Renaming struct{ Before, Now string }

// NewHoldings gives empty hands.
func NewHoldings() *Holdings {
	return &Holdings{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]Renaming{}, map[string]string{}, map[string]storage.ID{}}
}

// Holdings folds the journal.
func (j *Journal) Holdings() (*Holdings, error) {
	h := NewHoldings()
	for i, r := range j.records {
		if r.Kind != Intent {
			continue
		}
		if err := h.fold(r, j.succeeded(i)); err != nil {
			return nil, fmt.Errorf("cannot read the session's journal, record %d: %w", i+1, err)
		}
	}
	return h, nil
}

// succeeded reports whether the operation announced in record i is known to have
// been done. The record after an announcement tells; without one, the work was cut
// short in between.
func (j *Journal) succeeded(i int) bool {
	if i+1 >= len(j.records) {
		return false
	}
	this, next := j.records[i], j.records[i+1]
	return next.Kind == Done && next.Step == this.Step && next.Op == this.Op && next.Error == ""
}

// fold takes one announced act into account. A closing counts only when it is
// known to have been done, else the thing may still be there and nobody would
// close it. An opening counts in any case: it may have happened in part. Both end
// the read-only flag of a device, which goes with the device.
func (h *Holdings) fold(r Record, done bool) error {
	switch r.Op {
	case plan.AttachImage{}.Name():
		h.Opened[r.Subject] = true
		return h.attach(r)
	case plan.StartArray{}.Name(), plan.ActivateLV{}.Name(), plan.Unlock{}.Name(), plan.StartMultipath{}.Name(), plan.StartBcache{}.Name():
		h.Opened[r.Subject] = true
		delete(h.Frozen, r.Subject)
	case plan.DetachImage{}.Name(), plan.StopArray{}.Name(), plan.DeactivateLV{}.Name(), plan.Lock{}.Name(), plan.StopMultipath{}.Name(), plan.StopBcache{}.Name():
		release(h.Opened, r.Subject, done)
		release(h.Frozen, r.Subject, done)
		release(h.Renamed, r.Subject, done)
	case plan.AddOverlay{}.Name():
		h.Overlays[r.Subject] = true
	case plan.RemoveOverlay{}.Name():
		release(h.Overlays, r.Subject, done)
	case plan.Freeze{}.Name():
		h.Frozen[r.Subject] = true
	case plan.Thaw{}.Name():
		release(h.Frozen, r.Subject, done)
	case plan.RenameMap{}.Name():
		return h.rename(r, done)
	case plan.Mount{}.Name():
		h.Mounts[r.Subject] = r.Source
	case plan.Unmount{}.Name():
		release(h.Mounts, r.Subject, done)
	default:
		return fmt.Errorf("the operation %q is not known", r.Op)
	}
	return nil
}

func release[V any](set map[string]V, key string, done bool) {
	if done {
		delete(set, key)
	}
}

func (h *Holdings) rename(r Record, done bool) error {
	var names struct{ From, To string }
	if err := json.Unmarshal(r.Args, &names); err != nil {
		return fmt.Errorf("the names of a renaming are damaged: %w", err)
	}
	switch first, again := h.Renamed[r.Subject]; {
	case !again:
		h.Renamed[r.Subject] = Renaming{names.From, names.To}
	case first.Before == names.To:
		release(h.Renamed, r.Subject, done)
	default:
		h.Renamed[r.Subject] = Renaming{first.Before, names.To}
	}
	return nil
}

// Without gives the holdings that are not among the earlier ones.
func (h *Holdings) Without(earlier *Holdings) *Holdings {
	return &Holdings{
		Opened: minus(h.Opened, earlier.Opened), Overlays: minus(h.Overlays, earlier.Overlays),
		Frozen: minus(h.Frozen, earlier.Frozen), Renamed: minus(h.Renamed, earlier.Renamed),
		Attached: maps.Clone(h.Attached), Mounts: minus(h.Mounts, earlier.Mounts),
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

// Recognise tells apart in a fresh probe what the kernel shows alike: a device
// that was opened read-only, and one that was open for writing when salvor set its
// read-only flag. The first is an Opening, the second a flag to be cleared again.
func (h *Holdings) Recognise(now *storage.Graph) {
	if len(h.Frozen) == 0 {
		return
	}
	h.recogniseImages(now)
	for n := range now.Nodes() {
		if o := storage.OpeningOf(n); o != nil && h.Frozen[now.Lineage(n.Base().ID)] {
			o.ReadOnly = false
		}
	}
}

// Restored gives the graph as it is without the holdings. What others put onto
// something of salvor's keeps that open; kept names it. target is where a system
// is mounted ("" for nowhere): everything mounted below it goes with it. now has
// to be one that Recognise has seen.
func (h *Holdings) Restored(now *storage.Graph, target string) (base *storage.Graph, kept []storage.ID) {
	base = now.Clone()
	whole := target != "" && slices.ContainsFunc(now.Mounts, func(m storage.Mount) bool { return m.Point == target && h.mounted(now, m) })
	base.Mounts = slices.DeleteFunc(base.Mounts, func(m storage.Mount) bool {
		return h.mounted(now, m) || whole && storage.PathContains(target, m.Point)
	})
	for n := range base.Nodes() {
		h.restore(base, n)
	}
	return base, h.keepUsed(now, base)
}

// mounted: salvor mounted it. Another file system at the same point was mounted by
// somebody else after ours was gone.
func (h *Holdings) mounted(now *storage.Graph, m storage.Mount) bool {
	source, ok := h.Mounts[m.Point]
	return ok && (source == "" || m.Source == "" || source == wholeOf(now, m.Source))
}

// wholeOf is the identity of what is mounted; of a subvolume, that of its file
// system, since the kernel tells only the path that is seen.
func wholeOf(g *storage.Graph, id storage.ID) storage.ID {
	n := g.Node(id)
	if n == nil {
		return id
	}
	if sub, ok := n.(*storage.Subvolume); ok && len(sub.On) > 0 {
		return wholeOf(g, sub.On[0])
	}
	return n.Base().Identity
}

func (h *Holdings) restore(base *storage.Graph, n storage.Node) {
	c, o, lineage := n.Base(), storage.OpeningOf(n), base.Lineage(n.Base().ID)
	switch was, renamed := h.Renamed[lineage]; {
	case o != nil && h.opened(n, lineage):
		storage.SetOpening(n, nil)
		base.SetReadOnly(n, false)
	case o != nil && renamed && o.Name == was.Now:
		o.Name = was.Before
	}
	if h.Overlays[lineage] {
		c.Overlay = nil
	}
	if h.Frozen[lineage] {
		base.SetReadOnly(n, false)
	}
}

// keepUsed puts back what something of others' rests on.
func (h *Holdings) keepUsed(now, base *storage.Graph) []storage.ID {
	needed := map[storage.ID]bool{}
	for n := range base.Nodes() {
		if storage.OpeningOf(n) != nil && !storage.IsPart(n) || isMounted(base, n.Base().ID) {
			for _, low := range base.Below(n.Base().ID) {
				needed[low.Base().ID] = true
			}
		}
	}
	var kept []storage.ID
	for n := range now.Nodes() {
		if needed[n.Base().ID] && keep(n, base.Node(n.Base().ID)) {
			kept = append(kept, n.Base().ID)
		}
	}
	return kept
}

// keep leaves b open, and its stand-in and its flag there, as n is; it reports
// whether that changed b.
func keep(n, b storage.Node) bool {
	o, overlay := storage.OpeningOf(n), n.Base().Overlay
	opens := o != nil && storage.OpeningOf(b) == nil
	if opens {
		storage.SetOpening(b, o)
	}
	covers := overlay != nil && b.Base().Overlay == nil
	if covers {
		as := *overlay
		b.Base().Overlay = &as
	}
	freezes := n.Base().ReadOnly && !b.Base().ReadOnly
	b.Base().ReadOnly = n.Base().ReadOnly
	return opens || covers || freezes
}

func isMounted(g *storage.Graph, id storage.ID) bool {
	return slices.ContainsFunc(g.Mounts, func(m storage.Mount) bool { return m.Source == id })
}

// Left lists, in words, what of the holdings is still there.
func (h *Holdings) Left(now *storage.Graph) []string {
	var out []string
	for n := range now.Nodes() {
		out = append(out, h.leftOf(n, now.Lineage(n.Base().ID))...)
	}
	for _, m := range now.Mounts {
		if h.mounted(now, m) {
			out = append(out, m.Point+" is mounted")
		}
	}
	return out
}

func (h *Holdings) leftOf(n storage.Node, lineage string) []string {
	var out []string
	c, o := n.Base(), storage.OpeningOf(n)
	was, renamed := h.Renamed[lineage]
	switch {
	case o != nil && h.opened(n, lineage):
		out = append(out, fmt.Sprintf("%s is open", c.ID))
	case renamed && o != nil && o.Name == was.Now && was.Now != was.Before:
		out = append(out, fmt.Sprintf("%s is open as %q, which was %q", c.ID, was.Now, was.Before))
	}
	if h.Overlays[lineage] && c.Overlay != nil {
		out = append(out, fmt.Sprintf("%s has a stand-in", c.ID))
	}
	if h.Frozen[lineage] && c.ReadOnly {
		out = append(out, fmt.Sprintf("%s is set read-only", c.ID))
	}
	return out
}
