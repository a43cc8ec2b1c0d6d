package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/signal"
)

// exitInterrupted is what shells give for a program that SIGINT ended.
const exitInterrupted = 130

// withSignals ends the context with the first signal, so that what was begun is
// taken back. A second one ends the program at once: the journal keeps what was
// done.
func (a *app) withSignals(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	a.interrupt = cancel
	if len(a.env.Signals) == 0 {
		return ctx, cancel
	}
	signals := make(chan os.Signal, 2)
	done := make(chan struct{})
	signal.Notify(signals, a.env.Signals...)
	go func() {
		for n := 1; ; n++ {
			select {
			case <-done:
				return
			case <-signals:
			}
			leaves, _ := a.leaves.Load().(string)
			if n > 1 {
				fmt.Fprintln(a.env.Stderr, "\nsalvor: stopped at once; "+cmp.Or(leaves, "salvor umount takes back what was done"))
				os.Exit(exitInterrupted)
			}
			cancel()
			if leaves != "" {
				fmt.Fprintln(a.env.Stderr, "\nsalvor: stopping (once more: stop at once)")
				continue
			}
			fmt.Fprintln(a.env.Stderr, "\nsalvor: stopping, and taking back what was begun (once more: stop at once)")
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}
