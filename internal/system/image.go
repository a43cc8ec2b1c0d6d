package system

import (
	"path"

	"salvor/internal/storage"
)

// openImage attaches an image to the device that it was attached to before, so that
// what lies in it keeps its names, else to the one that the caller has found to be
// free. Without either it stays closed.
func (o *opener) openImage(n *storage.Image) {
	name := o.way.Attach[n.ID]
	for _, up := range o.have.Upper(n.ID) {
		if p := up.Base().Path(); p != "" {
			name = path.Base(p)
		}
	}
	if name != "" {
		n.Open = &storage.Opening{Name: name, ReadOnly: o.way.ReadOnly}
	}
}
