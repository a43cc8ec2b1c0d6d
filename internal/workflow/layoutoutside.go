package workflow

import (
	"context"
	"errors"

	"salvor/internal/host"
	"salvor/internal/layout"
	"salvor/internal/storage"
)

// layoutFromOutside looks at an installed system as check does, and writes to no disk.
func (w *Work) layoutFromOutside(ctx context.Context, o LayoutOrder) (*LayoutReport, error) {
	defer wipeKeys(o.Keys)
	s, _, err := w.begin(ctx, "save")
	if err != nil {
		return nil, err
	}
	defer s.end()
	s.keys.given = o.Keys
	report, err := s.layout(ctx, o)
	err = errors.Join(err, s.giveUp(ctx))
	if err == nil {
		err = ctx.Err()
	}
	return report, err
}

func (s *sight) layout(ctx context.Context, o LayoutOrder) (*LayoutReport, error) {
	m, err := s.ready(ctx, MountOrder{ReadOnly: true}, DefaultTarget, wish{name: o.System})
	if err != nil {
		return nil, err
	}
	p := &portrait{now: s.now, usage: s.usage()}
	p.stand(s.now, s.base, m.System, s.found, s)
	var notes []string
	p.host, notes = host.ReadTree(ctx, p.files, host.Outside{Architecture: m.System.Arch, Here: s.w.Machine})
	s.w.noteAll(notes)
	return s.w.draw(ctx, p, o)
}

// usage tells how full the file systems are that were looked at. What is kept for root
// counts as used: too much rather than too little.
func (s *sight) usage() []layout.Usage {
	var out []layout.Usage
	for fsys := range storage.All[*storage.FileSystem](s.now) {
		if s.trees[fsys.ID] == nil {
			continue
		}
		if size, free, ok := s.space(fsys.ID); ok {
			out = append(out, layout.Usage{ID: fsys.ID, Used: layout.Size(size - min(free, size))})
		}
	}
	return out
}
