package workflow

import (
	"context"
	"errors"
	"slices"

	"salvor/internal/apply"
	"salvor/internal/plan"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// open opens, in rounds, everything that opens without a key and without a byte
// reaching a disk.
func (s *sight) open(ctx context.Context) error {
	defer s.forLook()()
	for range maxRounds {
		want := system.Opened(s.now, system.Way{ReadOnly: true, Overlays: s.overlays(), Unlock: s.keys.names(), Leave: s.skip})
		if plan.Equal(s.now, want) {
			return nil
		}
		s.closeTrees() // a tree that is being looked at keeps its device busy
		o, err := s.act(ctx, want)
		if missing, ok := errors.AsType[*apply.MissingError](err); ok {
			s.without(missing)
		} else if err != nil {
			return err
		}
		s.note(o)
	}
	return errors.New("internal error: opening does not come to an end")
}

// find looks at every root and lists what is there.
func (s *sight) find(ctx context.Context) ([]system.Finding, error) {
	s.ctx = ctx
	if err := s.freezeAll(ctx); err != nil {
		return nil, err
	}
	findings := system.Find(s.now, s)
	s.found = system.Systems(findings)
	if s.lost != nil {
		return nil, s.lost
	}
	return findings, ctx.Err()
}

// freezeAll sets the devices of all file systems that nothing uses read-only, in
// one go, before they are looked at one by one.
func (s *sight) freezeAll(ctx context.Context) error {
	defer s.forLook()()
	want := s.now.Clone()
	for fsys := range storage.All[*storage.FileSystem](want) {
		if system.KernelType(fsys.Type) == "" || inUse(want, fsys) {
			continue
		}
		for _, c := range want.Lower(fsys.ID) {
			if !shielded(want, c, false) {
				c.Base().ReadOnly = true
			}
		}
	}
	o, err := s.act(ctx, want)
	s.note(o)
	return err
}

// inUse: somebody may be writing to the file system or to what it lies on. Its
// devices are not ours to set read-only then: a mounted file system would break
// off, and an array would lose a member.
func inUse(g *storage.Graph, fsys *storage.FileSystem) bool {
	return len(g.MountsOf(fsys.ID)) > 0 || slices.ContainsFunc(g.Lower(fsys.ID), func(c storage.Node) bool {
		return slices.ContainsFunc(g.Upper(c.Base().ID), func(n storage.Node) bool { return writesTo(g, n) })
	})
}

// writesTo: n is at work on the device that it lies on. A snapshot is not at work
// on the volume that it was taken of, but on that one's device.
func writesTo(g *storage.Graph, n storage.Node) bool {
	switch n := n.(type) {
	case *storage.LV, *storage.FileSystem:
		return false
	case *storage.Swap:
		return n.Active
	}
	if storage.CanOpen(n) {
		return storage.OpeningOf(n) != nil
	}
	return slices.ContainsFunc(g.Above(n.Base().ID), func(up storage.Node) bool { return storage.OpeningOf(up) != nil && !storage.IsPart(up) })
}
