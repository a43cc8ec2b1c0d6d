package workflow

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"salvor/internal/machine"
	"salvor/internal/plan"
	"salvor/internal/session"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// MountOrder says which system is to be mounted and how.
type MountOrder struct {
	System   string // as system.Choose takes it; "" for the only one
	Target   string // "" for where it is mounted already, else DefaultTarget
	ReadOnly bool
	PlanOnly bool
	Keys     []GivenKey
	Accept   []storage.Health // risks that are accepted beforehand
	Network  bool             // /etc/resolv.conf of the live system is bound in
}

// DefaultTarget is where a system is mounted.
const DefaultTarget = "/mnt/local"

// MountReport says what became of the order. Plan is what was (or, with
// PlanOnly, would be) done.
type MountReport struct {
	*system.Mounting
	Plan  *plan.Plan     `json:"plan"`
	Graph *storage.Graph `json:"-"`
	Done  bool           `json:"done"` // false for a plan only
}

// Gaps reports whether something that should be mounted is not.
func (r *MountReport) Gaps() bool {
	return slices.ContainsFunc(r.Lines, system.Line.Gap)
}

// Mount finds a system, opens what it needs, and mounts it completely.
func (w *Work) Mount(ctx context.Context, o MountOrder) (*MountReport, error) {
	command := "mount"
	if o.PlanOnly {
		command = "mount --plan"
	}
	s, verdict, err := w.begin(ctx, command)
	if err != nil {
		return nil, err
	}
	defer s.end()
	s.keys.given = o.Keys
	report, err := s.mount(ctx, o, verdict)
	if err != nil || o.PlanOnly {
		if tidy := s.takeDown(ctx); tidy != nil {
			err = errors.Join(err, fmt.Errorf("what was opened for the look could not be closed: %w", tidy))
		}
		if s.free() {
			err = errors.Join(err, s.journal.Clear())
		}
	}
	return report, err
}

// free: salvor holds nothing any more.
func (s *sight) free() bool {
	h, err := s.journal.Holdings()
	return err == nil && len(h.Left(s.now)) == 0
}

func (s *sight) mount(ctx context.Context, o MountOrder, verdict session.Verdict) (*MountReport, error) {
	target, err := s.settleTarget(o, verdict)
	if err != nil {
		return nil, err
	}
	if verdict != session.Resume && !o.PlanOnly {
		if err := s.journal.Add(session.Record{Kind: session.Begin, Command: "look"}); err != nil {
			return nil, err
		}
	}
	m, err := s.prepare(ctx, o, target, verdict)
	if err != nil {
		return nil, err
	}
	if err := s.journal.CheckSame(s.now.Lineage(m.System.Root), target); verdict == session.Resume && err != nil {
		return nil, &RefusedError{err.Error(), err}
	}
	if o.PlanOnly {
		p, err := plan.Diff(s.base, m.Want)
		return &MountReport{Mounting: m, Plan: p, Graph: s.now}, err
	}
	if err := s.consent(ctx, m.Risks, o.Accept); err != nil {
		return nil, err
	}
	return s.carryOut(ctx, o, m, target)
}

// settleTarget decides where to mount, and refuses what is in use by others.
func (s *sight) settleTarget(o MountOrder, verdict session.Verdict) (string, error) {
	target := o.Target
	if at, _, _, ok := s.journal.Mounting(); ok && verdict == session.Resume {
		if err := s.journal.CheckSame("", target); err != nil {
			return "", &RefusedError{err.Error(), err}
		}
		return at, nil
	}
	if target == "" {
		target = DefaultTarget
	}
	if !path.IsAbs(target) || path.Clean(target) == "/" {
		return "", &RefusedError{Text: fmt.Sprintf("cannot mount at %q: the target has to be an absolute path and not /", target)}
	}
	target = path.Clean(target)
	if under := s.now.MountsUnder(target); len(under) > 0 {
		return "", &RefusedError{Text: fmt.Sprintf("cannot mount at %s: something that salvor did not mount is mounted at %s", target, under[0].Point)}
	}
	return target, nil
}

// prepare goes through the rounds of opening, finding and unlocking until the
// system is known and all its volumes are open or given up.
func (s *sight) prepare(ctx context.Context, o MountOrder, target string, verdict session.Verdict) (*system.Mounting, error) {
	name := o.System
	if _, _, root, ok := s.journal.Mounting(); ok && verdict == session.Resume && name == "" {
		name = root
	}
	for {
		sys, err := s.choose(ctx, name)
		if err != nil {
			return nil, err
		}
		if sys == nil { // something was unlocked: look again
			continue
		}
		m := s.mounting(sys, o, target)
		again, err := s.unlockAll(ctx, lacking(m), sys)
		if err != nil {
			return nil, err
		}
		if !again {
			return m, nil
		}
		name = string(sys.Root)
	}
}

// choose opens, looks and picks the system. It gives nil when it had to unlock
// something first and the look has to be taken again.
func (s *sight) choose(ctx context.Context, name string) (*system.System, error) {
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	findings, err := s.find(ctx)
	if err != nil {
		return nil, err
	}
	systems := system.Systems(findings)
	sys, err := system.Choose(s.now, systems, name)
	var choice *system.ChoiceError
	switch {
	case errors.As(err, &choice):
		sys, err = s.w.Ask.Choose(ctx, choice.Among)
		if errors.Is(err, ErrNoAnswer) || sys == nil && err == nil {
			err = &RefusedError{choice.Error(), choice}
		}
		return sys, err
	case errors.Is(err, system.ErrNoSystem):
		return nil, s.unlockForMore(ctx, err)
	default:
		return sys, err
	}
}

// unlockForMore opens locked volumes when no system was found: it may lie in one.
func (s *sight) unlockForMore(ctx context.Context, none error) error {
	locked := s.locked()
	again, err := s.unlockAll(ctx, locked, nil)
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
		Target: target, ReadOnly: o.ReadOnly, Overlays: s.overlays(), EFI: s.efi(), Trees: s,
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

// consent has the risks accepted, before the first write.
func (s *sight) consent(ctx context.Context, risks []system.Risk, accepted []storage.Health) error {
	open := slices.DeleteFunc(slices.Clone(risks), func(r system.Risk) bool { return slices.Contains(accepted, r.Health) })
	if len(open) == 0 {
		return nil
	}
	yes, err := s.w.Ask.Accept(ctx, open)
	if err == nil && yes {
		return nil
	}
	var texts, words []string
	for _, r := range open {
		texts = append(texts, r.Text)
		if !slices.Contains(words, string(r.Health)) {
			words = append(words, string(r.Health))
		}
	}
	if err != nil && !errors.Is(err, ErrNoAnswer) {
		return err
	}
	return &RefusedError{Text: "not mounted: " + strings.Join(texts, "; "), Err: &RisksError{words}}
}

// RisksError names the risks that were not accepted.
type RisksError struct{ Words []string }

func (e *RisksError) Error() string { return "not accepted: " + strings.Join(e.Words, ", ") }

// carryOut leads the machine to the wanted graph and says what came of it.
func (s *sight) carryOut(ctx context.Context, o MountOrder, m *system.Mounting, target string) (*MountReport, error) {
	made, err := s.makeTarget(target)
	if err != nil {
		return nil, err
	}
	if err := s.journal.Add(session.Record{Kind: session.Begin, Command: "mount", Target: target, System: m.System.Name, Root: s.now.Lineage(m.System.Root), Made: made}); err != nil {
		return nil, err
	}
	if o.Network {
		s.bindResolver(m)
	}
	s.target = target
	s.closeTrees()
	planned := s.now
	p, failed, err := s.act(ctx, m.Want)
	if err != nil && p == nil {
		return nil, err
	}
	s.settle(m, planned, p, failed, ctx.Err() != nil)
	report := &MountReport{Mounting: m, Plan: p, Graph: s.now, Done: true}
	if err != nil {
		return report, err // Mount takes it down again
	}
	return report, s.journal.Add(session.Record{Kind: session.Settled, Command: "mount", Gaps: report.Gaps()})
}

func (s *sight) makeTarget(target string) (made bool, err error) {
	info, err := s.w.Machine.Stat(target)
	if err == nil && !info.Mode.IsDir() {
		return false, &RefusedError{Text: fmt.Sprintf("cannot mount at %s: it is not a directory", target)}
	}
	if err == nil {
		return false, nil
	}
	return true, s.w.Machine.MkdirAll(target, 0o755)
}

// bindResolver lets name resolution in the chroot use the live system's servers.
func (s *sight) bindResolver(m *system.Mounting) {
	m.Want.Mounts = append(m.Want.Mounts, storage.Mount{Point: path.Join(m.Target, "etc/resolv.conf"), Under: m.Target, Type: "bind", Bind: "/etc/resolv.conf"})
}

// settle gives every line the state that the machine is in: what counts is what
// the probe sees, not what the kernel answered.
func (s *sight) settle(m *system.Mounting, planned *storage.Graph, p *plan.Plan, failed map[int]error, stopped bool) {
	for i := range m.Lines {
		l := &m.Lines[i]
		if l.State != system.Planned {
			continue
		}
		now := s.now.MountAt(l.Point)
		if now != nil && (l.Source == "" || s.now.Lineage(now.Source) == planned.Lineage(l.Source)) {
			l.State = system.Mounted
			continue
		}
		l.State, l.Cause, l.Text = system.Failed, system.KernelSaid, "it was not mounted"
		if stopped {
			l.Cause, l.Text = system.Stopped, "the work was stopped"
		}
		if cause := s.failureOf(l, p, failed); cause != nil {
			l.Cause, l.Text = classify(cause), cause.Error()
		}
	}
	for i := range m.Volumes {
		v := &m.Volumes[i]
		if v.State == system.VolumeOpen && !s.isOpen(v.ID) {
			v.State, v.Text = system.VolumeLocked, "it could not be opened"
		}
	}
}

// failureOf finds why a line is not mounted: its own step, or one that it waits
// for.
func (s *sight) failureOf(l *system.Line, p *plan.Plan, failed map[int]error) error {
	for _, st := range p.Steps {
		if op, ok := st.Op.(plan.Mount); ok && op.Mount.Point == l.Point {
			return rootCause(p, st.Number, failed)
		}
	}
	return nil
}

func rootCause(p *plan.Plan, number int, failed map[int]error) error {
	for _, before := range p.Steps[number-1].After {
		if err := rootCause(p, before, failed); err != nil {
			return err
		}
	}
	return failed[number]
}

// classify turns a failure into the word for it.
func classify(err error) system.Cause {
	switch {
	case errors.Is(err, machine.ErrBusy):
		return system.IsBusy
	case errors.Is(err, machine.ErrDirty):
		return system.IsDirty
	case errors.Is(err, machine.ErrNoPoint), errors.Is(err, machine.ErrPointNotDir):
		return system.NoPoint
	case errors.Is(err, machine.ErrUnknownType), errors.Is(err, machine.ErrBadContent):
		return system.WrongType
	case errors.Is(err, machine.ErrNoSuchDevice):
		return system.IsMissing
	default:
		return system.KernelSaid
	}
}
