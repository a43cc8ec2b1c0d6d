package workflow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"salvor/internal/layout"
)

// ErrNotSaved: there is no layout to compare with.
var ErrNotSaved = errors.New("no layout was saved there")

// SavedLayout gives the layout that was saved on the machine.
func (w *Work) SavedLayout(file string) (*layout.Layout, error) {
	text, err := w.Machine.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot compare with %s: %w", file, ErrNotSaved)
	}
	if err != nil {
		return nil, err
	}
	l, _, err := layout.Read(file, text)
	return l, err
}

// DiffOrder says how a layout is to be compared with the machine as it is.
type DiffOrder struct {
	LayoutOrder
	Ignore []string // sections, of layout.Sections
}

// Diff tells what of the machine is not as the layout says.
func (w *Work) Diff(ctx context.Context, saved *layout.Layout, o DiffOrder) (*layout.Difference, error) {
	o.Headers = HeaderOrder{Before: saved.Headers, Compare: true}
	now, err := w.Layout(ctx, o.LayoutOrder)
	if err != nil {
		return nil, err
	}
	return layout.Diff(saved, now.Layout, o.Ignore), nil
}
