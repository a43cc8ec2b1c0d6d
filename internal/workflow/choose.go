package workflow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"salvor/internal/session"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// wish is which system is meant: by its name, by the lineage of its root, or any;
// and, if so, which of its snapshots.
type wish struct{ name, lineage, snapshot string }

// choose picks the system that is meant.
func (w wish) choose(g *storage.Graph, systems []*system.System) (*system.System, error) {
	if w.lineage == "" {
		return system.Choose(g, systems, w.name)
	}
	for _, sys := range systems {
		if sys.Lineage(g) == w.lineage {
			return sys, nil
		}
	}
	root, _, _ := strings.Cut(w.lineage, "@")
	return nil, fmt.Errorf("%w whose root is %s", system.ErrNoSystem, root)
}

// prepare goes through the rounds of opening, finding and unlocking until the
// system is known and all its volumes are open or given up.
func (s *sight) prepare(ctx context.Context, o MountOrder, target string, verdict session.Verdict) (*system.Mounting, error) {
	which := wish{name: o.System, snapshot: o.Snapshot}
	if _, _, root, ok := s.journal.Mounting(); ok && verdict == session.Resume && o.System == "" && o.Snapshot == "" {
		which.lineage = root
	}
	return s.ready(ctx, o, target, which)
}

// ready goes through the rounds for the system that is meant.
func (s *sight) ready(ctx context.Context, o MountOrder, target string, which wish) (*system.Mounting, error) {
	for {
		sys, err := s.choose(ctx, which)
		if err != nil {
			return nil, err
		}
		if sys == nil { // something was unlocked: look again
			continue
		}
		s.layouts.restore(s.now, sys, s)
		if err := s.declare(sys); err != nil {
			return nil, err
		}
		m := s.mounting(sys, o, target)
		again, err := s.unlockAll(ctx, lacking(m), sys)
		if err != nil {
			return nil, err
		}
		if !again {
			return m, nil
		}
		which = wish{lineage: sys.Lineage(s.now)}
	}
}

// choose opens, looks and picks the system. It gives nil when it had to unlock
// something first and the look has to be taken again.
func (s *sight) choose(ctx context.Context, which wish) (*system.System, error) {
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	findings, err := s.find(ctx)
	if err != nil {
		return nil, err
	}
	systems := system.Systems(findings)
	sys, err := which.choose(s.now, systems)
	if errors.Is(err, system.ErrNoSystem) {
		return nil, s.unlockForMore(ctx, err)
	}
	if sys, err = s.pick(ctx, sys, err); err != nil || which.snapshot == "" {
		return sys, err
	}
	sys, err = system.ChooseSnapshot(s.now, systems, sys, which.snapshot)
	return s.pick(ctx, sys, err)
}

// pick has a choice made that was left open.
func (s *sight) pick(ctx context.Context, sys *system.System, err error) (*system.System, error) {
	choice, several := errors.AsType[*system.ChoiceError](err)
	if !several {
		return sys, err
	}
	sys, err = s.w.Ask.Choose(ctx, choice.Among)
	if errors.Is(err, ErrNoAnswer) || sys == nil && err == nil {
		err = &RefusedError{choice.Error(), choice}
	}
	return sys, err
}

// unlockForMore opens a locked volume when no system was found: it may lie in one.
// One at a time, since the system that comes to light may have keys for the others.
func (s *sight) unlockForMore(ctx context.Context, none error) error {
	again, err := s.unlockSome(ctx, s.locked(), nil, true)
	if again || err != nil {
		return err
	}
	var left []storage.ID
	for c := range storage.All[*storage.Crypt](s.now) {
		if c.Open == nil {
			left = append(left, c.ID)
		}
	}
	if len(left) > 0 {
		return &LockedError{left, fmt.Sprintf("%v, but it may lie in a locked volume: %s", none, system.Describe(s.now, left...))}
	}
	return none
}

func (s *sight) mounting(sys *system.System, o MountOrder, target string) *system.Mounting {
	return system.Mount(s.now, s.base, sys, system.Request{
		Network: o.Network,
		Target:  target, ReadOnly: o.ReadOnly, Overlays: s.overlays(), EFI: s.efi(), Trees: s, Systems: s.found,
	})
}

func (s *sight) efi() bool {
	_, err := s.w.Machine.Stat("/sys/firmware/efi/efivars")
	return err == nil
}

// lacking lists the locked volumes that the system needs, or may need.
func lacking(m *system.Mounting) []storage.ID {
	var out []storage.ID
	add := func(ids ...storage.ID) {
		for _, id := range ids {
			if id != "" && !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	for _, l := range m.Lines {
		if l.State == system.Failed && l.Cause == system.IsLocked {
			add(l.Candidates...)
		}
	}
	for _, v := range m.Volumes {
		if v.State == system.VolumeLocked {
			add(v.ID)
		}
	}
	for _, l := range m.Lines {
		if l.State == system.Failed && l.Cause == system.IsMissing {
			add(l.Candidates...)
		}
	}
	return out
}
