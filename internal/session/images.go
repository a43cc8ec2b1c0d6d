package session

import (
	"encoding/json"
	"fmt"
	"slices"

	"salvor/internal/storage"
)

// attach remembers the device of an image.
func (h *Holdings) attach(r Record) error {
	var op struct{ Device string }
	if err := json.Unmarshal(r.Args, &op); err != nil {
		return fmt.Errorf("the device of an image is damaged: %w", err)
	}
	h.Attached[r.Subject] = op.Device
	return nil
}

// opened: salvor opened the node. Of two devices on one file only one is salvor's.
func (h *Holdings) opened(n storage.Node, lineage string) bool {
	if n.Kind() == storage.KindImage && h.Attached[lineage] != "/dev/"+storage.OpeningOf(n).Name {
		return false
	}
	return h.Opened[lineage]
}

// Holds: n of the graph is open, and salvor opened it.
func (h *Holdings) Holds(g *storage.Graph, n storage.Node) bool {
	return storage.OpeningOf(n) != nil && h.opened(n, g.Lineage(n.Base().ID))
}

// HadImage: salvor attached the image in this session; it may have detached it since.
func (h *Holdings) HadImage(identity storage.ID) bool { return h.Attached[string(identity)] != "" }

// recogniseImages: an image whose device salvor set read-only was attached for
// writing.
func (h *Holdings) recogniseImages(now *storage.Graph) {
	for i := range storage.All[*storage.Image](now) {
		frozen := func(up storage.Node) bool { return h.Frozen[now.Lineage(up.Base().ID)] }
		if i.Open != nil && slices.ContainsFunc(now.Upper(i.ID), frozen) {
			i.Open.ReadOnly, i.ReadOnly = false, false
		}
	}
}
