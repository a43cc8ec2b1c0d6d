package probe

import (
	"context"
	"fmt"
	"io"
	"slices"

	"salvor/internal/ondisk"
	"salvor/internal/storage"
)

// thinPool is a pool whose own metadata can be read, and where it begins.
type thinPool struct {
	node    *storage.LV
	expects uint64 // the transaction that LVM's metadata names
	device  *device
	offset  int64
	state   *ondisk.ThinPool
	err     error
}

// readThinPools looks into the metadata of the pools, several at a time. That of a
// pool at work is the kernel's: what is read past it is old.
func (p *prober) readThinPools(ctx context.Context, a *assembly) {
	var pools []*thinPool
	for _, c := range a.groups {
		pools = append(pools, c.thinPools()...)
	}
	p.each(len(pools), func(i int) { pools[i].read(ctx, p) })
	for _, t := range pools {
		t.tell()
	}
}

func (c *groupCopy) thinPools() []*thinPool {
	var out []*thinPool
	for i := range c.meta.LVs {
		lv := &c.meta.LVs[i]
		if len(lv.Segments) == 0 || lv.Segments[0].Type != "thin-pool" {
			continue
		}
		d, offset := c.begins(lv.Segments[0].Metadata, maxLVDepth)
		if n := c.lvs[lv.Name]; n != nil && d != nil && (n.Open == nil || d.standIn != nil) {
			out = append(out, &thinPool{node: n, expects: lv.Segments[0].TransactionID, device: d, offset: offset})
		}
	}
	return out
}

// maxLVDepth ends circles in damaged metadata; real volumes are two or three deep.
const maxLVDepth = 8

// begins finds the device and the place of the first bytes of a volume: a mirror
// has them on each of its images.
func (c *groupCopy) begins(name string, depth int) (*device, int64) {
	i := slices.IndexFunc(c.meta.LVs, func(lv ondisk.LVMLV) bool { return lv.Name == name })
	if i < 0 || depth == 0 || len(c.meta.LVs[i].Segments) == 0 {
		return nil, 0
	}
	s := &c.meta.LVs[i].Segments[0]
	if s.Type != "striped" && s.Type != "raid1" && s.Type != "mirror" {
		return nil, 0
	}
	for _, area := range s.Areas {
		if d, offset := c.onPV(area); d != nil {
			return d, offset
		}
		if d, offset := c.begins(area.Name, depth-1); d != nil {
			return d, offset
		}
		if s.Type == "striped" {
			break // the first stripe is on the first area
		}
	}
	return nil, 0
}

func (c *groupCopy) onPV(area ondisk.LVMPlace) (*device, int64) {
	for _, ref := range c.meta.PVs {
		for _, pv := range c.pvs {
			offset := ref.PEStart + area.Extent*c.meta.ExtentSize
			if ref.Name == area.Name && pv.label.UUID == ref.UUID && offset < pv.device.size {
				return pv.device, int64(offset)
			}
		}
	}
	return nil, 0
}

func (t *thinPool) read(ctx context.Context, p *prober) {
	ctx, cancel := context.WithTimeout(ctx, p.opt.DeviceTimeout)
	defer cancel()
	b, err := p.m.OpenBlock(ctx, t.device.path)
	if err != nil {
		t.err = err
		return
	}
	defer func() { _ = b.Close() }()
	block := make([]byte, ondisk.ThinPoolSize)
	if _, err := io.ReadFull(io.NewSectionReader(endsWith{ctx, b}, t.offset, int64(len(block))), block); err != nil {
		t.err = err
		return
	}
	t.state, t.err = ondisk.ParseThinPool(block)
}

// tell says what has to be known before a volume of the pool is written to.
func (t *thinPool) tell() {
	n, s := t.node, t.state
	if t.err != nil {
		addNotef(n, "its own metadata cannot be judged: %v", t.err)
		return
	}
	if s.NeedsCheck {
		n.Mark(storage.Damaged)
		addNote(n, "its metadata is marked to be checked (needs_check)")
	}
	// LVM writes the number down before it tells the kernel (lib/metadata/thin_manip.c).
	if s.TransactionID != t.expects && s.TransactionID+1 != t.expects {
		n.Mark(storage.Damaged)
		addNotef(n, "its metadata is of transaction %d, and LVM expects %d: lvm refuses to activate it", s.TransactionID, t.expects)
	}
	for _, space := range []struct {
		what      string
		used, all uint64
	}{{"data", s.DataUsed, s.DataBlocks}, {"metadata", s.MetadataUsed, s.MetadataBlocks}} {
		if space.all > 0 && space.used >= space.all {
			n.Mark(storage.Full)
			addNote(n, fmt.Sprintf("all of its space for %s is taken", space.what))
		}
	}
}
