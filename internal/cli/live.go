package cli

import (
	"context"
	"os"

	"salvor/internal/machine"
	"salvor/internal/probe"
	"salvor/internal/storage"
)

// Live is the environment of a run on the machine itself.
func Live() Env {
	live := machine.NewLive()
	return Env{
		Machine: live,
		Probe: func(ctx context.Context) (*storage.Graph, error) {
			return probe.Probe(ctx, live, probe.Options{})
		},
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Terminal: openTerminal, Getenv: os.Getenv, Guard: machine.GuardMemory, Signals: machine.StopSignals(),
		Program: func() ([]byte, error) { return os.ReadFile("/proc/self/exe") },
	}
}
