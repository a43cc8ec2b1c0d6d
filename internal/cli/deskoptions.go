package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"salvor/internal/storage"
	"salvor/internal/workflow"
)

// deskOptions put a saved graph and a directory in place of the machine.
type deskOptions struct {
	graph, root string
	layout      *workflow.SavedLayout // that was given, or nil
}

func (d *deskOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&d.graph, "graph", "", "FILE: a saved probe --json in place of this machine ('-' for standard input)")
	f.StringVar(&d.root, "root", "", "DIR: a directory in place of the files of the system whose root its fstab names")
}

func (d *deskOptions) used() bool { return d.graph != "" || d.root != "" }

// load gives the graph of the file, or of the machine when there is none.
func (d *deskOptions) load(ctx context.Context, a *app) (*storage.Graph, error) {
	if d.graph == "" {
		return a.env.Probe(ctx)
	}
	data, err := a.readAll(d.graph)
	if err != nil {
		return nil, fmt.Errorf("cannot read the graph: %w", err)
	}
	g := &storage.Graph{}
	if err := json.Unmarshal(data, g); err != nil {
		return nil, fmt.Errorf("cannot use %s: %w", d.graph, err)
	}
	return g, nil
}

// desk gives a desk over graph and directory.
func (d *deskOptions) desk(ctx context.Context, a *app) (*workflow.Desk, error) {
	g, err := d.load(ctx, a)
	if err != nil {
		return nil, err
	}
	return workflow.NewDesk(g, d.root, d.layout)
}

// readAll reads a file, or standard input for "-".
func (a *app) readAll(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(a.env.Stdin)
	}
	return os.ReadFile(name)
}

// writeAll writes a file, or standard output for "-".
func (a *app) writeAll(name string, data []byte) error {
	if name == "-" {
		_, err := a.out.Write(data)
		return err
	}
	return os.WriteFile(name, data, 0o644)
}
