package plan

import (
	"fmt"
	"path"

	"salvor/internal/storage"
)

// AttachImage attaches an image file, or a part of it, to a device: a raw one to a
// loop device, any other to a network block device that qemu-nbd serves.
type AttachImage struct {
	ID        storage.ID `json:"id"`
	Path      string     `json:"path"`
	Format    string     `json:"format"`
	Device    string     `json:"device"` // /dev/loopN or /dev/nbdN, which has to be free
	Offset    uint64     `json:"offset,omitempty"`
	SizeLimit uint64     `json:"size_limit,omitempty"`
	ReadOnly  bool       `json:"read_only,omitempty"`
}

// DetachImage ends that.
type DetachImage struct {
	ID     storage.ID `json:"id"`
	Device string     `json:"device"`
}

// Name implements Op.
func (AttachImage) Name() string { return "attach-image" }

// Name implements Op.
func (DetachImage) Name() string { return "detach-image" }

// Text implements Op.
func (o AttachImage) Text() string {
	part := ""
	if o.Offset > 0 {
		part = fmt.Sprintf(" from byte %d", o.Offset)
	}
	return fmt.Sprintf("attach the %s image %s%s%s as %s", o.Format, o.Path, part, readOnly(o.ReadOnly), o.Device)
}

// Text implements Op.
func (o DetachImage) Text() string { return fmt.Sprintf("detach %s (%s)", o.ID, o.Device) }

func (o AttachImage) item() item { return nodeItem(opening, o.ID) }
func (o DetachImage) item() item { return nodeItem(opening, o.ID) }

func (o AttachImage) effect(g *storage.Graph) {
	open(g, o.ID, storage.Opening{Name: path.Base(o.Device), ReadOnly: o.ReadOnly})
}
func (o DetachImage) effect(g *storage.Graph) { shut(g, o.ID) }

func attach(g *storage.Graph, n *storage.Image) AttachImage {
	return AttachImage{ID: n.ID, Path: n.Path, Format: n.Format, Device: g.OwnPath(n.ID),
		Offset: n.Offset, SizeLimit: n.SizeLimit, ReadOnly: n.Open.ReadOnly}
}

// imageNeeds: an image needs the mount that its file is reached through. One that
// was put over that later hides the file from new openings and is no concern of
// those that are there.
func (v *view) imageNeeds(n *storage.Image) []item {
	at := v.mountAbove(n.Path)
	if at == "" || n.Within == "" || v.mount[at].Source != n.Within {
		return nil
	}
	return []item{mountItem(at)}
}

// onReadOnlyImage: n is the device that an image is attached to read-only.
func (v *view) onReadOnlyImage(n storage.Node) bool {
	for _, low := range v.graph.Lower(n.Base().ID) {
		if o := storage.OpeningOf(low); low.Kind() == storage.KindImage && o != nil && o.ReadOnly {
			return true
		}
	}
	return false
}
