package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"salvor/internal/machine"
	"salvor/internal/ondisk"
)

// readContent reads every device once, several at a time.
func (p *prober) readContent(ctx context.Context, inv *inventory) {
	var todo []*device
	for _, d := range inv.devices {
		switch {
		case d.readable():
			todo = append(todo, d)
		case d.dm.suspended:
			d.failure = "it is suspended, so reading it would wait for ever"
		}
	}
	p.each(len(todo), func(i int) { p.readOne(ctx, todo[i]) })
}

// readOne reads what lies on one device, or notes why it could not. What was
// found before the time ran out is not used: without the end of the device, the
// member of an array would pass for a file system.
func (p *prober) readOne(ctx context.Context, d *device) {
	ctx, cancel := context.WithTimeout(ctx, p.opt.DeviceTimeout)
	defer cancel()
	content, err := p.readSignatures(ctx, d)
	switch {
	case ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded):
		d.failure = fmt.Sprintf("reading it took longer than %s", p.opt.DeviceTimeout.Round(time.Millisecond))
	case err != nil:
		d.failure = err.Error()
	default:
		d.content = content
	}
}

func (p *prober) readSignatures(ctx context.Context, d *device) (*ondisk.Content, error) {
	b, err := p.m.OpenBlock(ctx, d.path)
	if err != nil {
		return nil, err
	}
	if o, ok := b.(machine.OpalLocked); ok && d.role == roleDisk {
		d.opalLocked = o.OpalLocked()
	}
	defer func() { _ = b.Close() }() // it was open for reading only
	return ondisk.Read(endsWith{ctx, b}, b.Size(), b.SectorSize())
}

// endsWith gives up reading when the context has ended, so that a parser that
// tries again elsewhere does not wait again.
type endsWith struct {
	ctx context.Context
	io.ReaderAt
}

func (r endsWith) ReadAt(b []byte, off int64) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.ReaderAt.ReadAt(b, off)
}
