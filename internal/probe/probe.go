package probe

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"salvor/internal/machine"
	"salvor/internal/storage"
)

// Options are the limits of a probe; the zero value is good.
type Options struct {
	// Parallel is how many devices are looked at at a time. Looking is waiting
	// for disks, not computing, so it has nothing to do with the number of CPUs.
	Parallel int
	// DeviceTimeout is the patience with a single device.
	DeviceTimeout time.Duration
}

const (
	defaultParallel      = 8
	defaultDeviceTimeout = 10 * time.Second
)

// Probe looks at the machine. What cannot be read is a note in the graph; the
// error is for a machine whose devices cannot even be listed, and for the end
// of ctx.
func Probe(ctx context.Context, m machine.Machine, opt Options) (*storage.Graph, error) {
	if opt.Parallel <= 0 {
		opt.Parallel = defaultParallel
	}
	if opt.DeviceTimeout <= 0 {
		opt.DeviceTimeout = defaultDeviceTimeout
	}
	p := &prober{m: m, opt: opt}
	inv, err := p.survey(ctx)
	if err != nil {
		return nil, err
	}
	p.readContent(ctx, inv)
	inv.settle()
	a := assemble(inv)
	p.readSubvolumes(ctx, a)
	p.readThinPools(ctx, a)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("cannot finish looking at the devices: %w", err)
	}
	return a.graph()
}

// prober is one probe of one machine.
type prober struct {
	m   machine.Machine
	opt Options
}

// each calls do for 0 … n-1, several at a time.
func (p *prober) each(n int, do func(i int)) {
	var g errgroup.Group
	g.SetLimit(p.opt.Parallel)
	for i := range n {
		g.Go(func() error {
			do(i)
			return nil
		})
	}
	_ = g.Wait() // do returns no error
}
