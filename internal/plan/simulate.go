package plan

import (
	"slices"

	"salvor/internal/storage"
)

// Simulate gives the graph that have becomes when the operations are carried
// out. have is not changed.
func Simulate(have *storage.Graph, ops []Op) *storage.Graph {
	g := have.Clone()
	for _, op := range ops {
		op.effect(g)
	}
	return g
}

// Equal reports whether two graphs stand the same: open, frozen, stood in for
// and mounted alike.
func Equal(a, b *storage.Graph) bool {
	va, vb := newView(a), newView(b)
	if len(va.up) != len(vb.up) {
		return false
	}
	for it, s := range va.up {
		if t, ok := vb.up[it]; !ok || s != t {
			return false
		}
	}
	return true
}

func open(g *storage.Graph, id storage.ID, as storage.Opening) {
	n := g.Node(id)
	storage.SetOpening(n, &as)
	g.SetReadOnly(n, as.ReadOnly)
}

func shut(g *storage.Graph, id storage.ID) {
	n := g.Node(id)
	storage.SetOpening(n, nil)
	g.SetReadOnly(n, false)
}

func (o StartArray) effect(g *storage.Graph)   { open(g, o.ID, storage.Opening{ReadOnly: o.ReadOnly}) }
func (o StopArray) effect(g *storage.Graph)    { shut(g, o.ID) }
func (o ActivateLV) effect(g *storage.Graph)   { open(g, o.ID, storage.Opening{ReadOnly: o.ReadOnly}) }
func (o DeactivateLV) effect(g *storage.Graph) { shut(g, o.ID) }
func (o Unlock) effect(g *storage.Graph) {
	open(g, o.ID, storage.Opening{Name: o.MapName, ReadOnly: o.ReadOnly})
}
func (o Lock) effect(g *storage.Graph)           { shut(g, o.ID) }
func (o RenameMap) effect(g *storage.Graph)      { storage.OpeningOf(g.Node(o.ID)).Name = o.To }
func (o StartMultipath) effect(g *storage.Graph) { open(g, o.ID, storage.Opening{}) }
func (o StopMultipath) effect(g *storage.Graph)  { shut(g, o.ID) }
func (o StartBcache) effect(g *storage.Graph)    { open(g, o.ID, storage.Opening{}) }
func (o StopBcache) effect(g *storage.Graph)     { shut(g, o.ID) }
func (o AddOverlay) effect(g *storage.Graph) {
	g.Node(o.ID).Base().Overlay = &storage.Opening{Name: o.MapName}
}
func (o RemoveOverlay) effect(g *storage.Graph) { g.Node(o.ID).Base().Overlay = nil }
func (o Freeze) effect(g *storage.Graph)        { g.Node(o.ID).Base().ReadOnly = true }
func (o Thaw) effect(g *storage.Graph)          { g.Node(o.ID).Base().ReadOnly = false }
func (o Mount) effect(g *storage.Graph)         { g.Mounts = append(g.Mounts, o.Mount) }

func (o Unmount) effect(g *storage.Graph) {
	for i := len(g.Mounts) - 1; i >= 0; i-- {
		if g.Mounts[i].Point == o.Mount.Point {
			g.Mounts = slices.Delete(g.Mounts, i, i+1)
			return
		}
	}
}

func (o StartArray) item() item     { return nodeItem(opening, o.ID) }
func (o StopArray) item() item      { return nodeItem(opening, o.ID) }
func (o ActivateLV) item() item     { return nodeItem(opening, o.ID) }
func (o DeactivateLV) item() item   { return nodeItem(opening, o.ID) }
func (o Unlock) item() item         { return nodeItem(opening, o.ID) }
func (o Lock) item() item           { return nodeItem(opening, o.ID) }
func (o RenameMap) item() item      { return nodeItem(opening, o.ID) }
func (o StartMultipath) item() item { return nodeItem(opening, o.ID) }
func (o StopMultipath) item() item  { return nodeItem(opening, o.ID) }
func (o StartBcache) item() item    { return nodeItem(opening, o.ID) }
func (o StopBcache) item() item     { return nodeItem(opening, o.ID) }
func (o AddOverlay) item() item     { return nodeItem(overlay, o.ID) }
func (o RemoveOverlay) item() item  { return nodeItem(overlay, o.ID) }
func (o Freeze) item() item         { return nodeItem(frozen, o.ID) }
func (o Thaw) item() item           { return nodeItem(frozen, o.ID) }
func (o Mount) item() item          { return mountItem(o.Mount.Point) }
func (o Unmount) item() item        { return mountItem(o.Mount.Point) }
