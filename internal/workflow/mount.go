package workflow

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

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
	defer wipeKeys(o.Keys)
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
		err = errors.Join(err, s.giveUp(ctx))
	}
	return report, err
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
	if verdict == session.Resume {
		if err := s.journal.CheckSame(s.now.Lineage(m.System.Root), target); err != nil {
			return nil, &RefusedError{err.Error(), err}
		}
		s.leaveStanding(m)
	}
	if o.Network {
		bindResolver(m)
	}
	if o.PlanOnly {
		return s.planned(m)
	}
	p, err := plan.Diff(s.now, m.Want)
	if err != nil {
		return nil, err
	}
	if err := s.consent(ctx, m.Risks, o.Accept); err != nil {
		return nil, err
	}
	if err := s.checkFresh(ctx, p); err != nil {
		return nil, err
	}
	return s.carryOut(ctx, o, m, p)
}

// planned gives the report of an order that is not carried out. The plan begins
// where the machine stands without what was opened for the look.
func (s *sight) planned(m *system.Mounting) (*MountReport, error) {
	from, err := s.standing()
	if err != nil {
		return nil, err
	}
	p, err := plan.Diff(from, m.Want)
	return &MountReport{Mounting: m, Plan: p, Graph: s.now}, err
}

// leaveStanding keeps what is mounted below the target although the system does
// not name it, and asks for no consent to what has been done already.
func (s *sight) leaveStanding(m *system.Mounting) {
	for _, now := range s.now.MountsUnder(m.Target) {
		if m.Want.MountAt(now.Point) == nil {
			m.Want.Mounts = append(m.Want.Mounts, now)
		}
	}
	root := s.now.MountAt(m.Target)
	m.Risks = slices.DeleteFunc(m.Risks, func(r system.Risk) bool {
		o := storage.OpeningOf(s.now.Node(r.ID))
		return o != nil && !o.ReadOnly || len(s.now.MountsOf(r.ID)) > 0 || r.Health == storage.Hibernated && root != nil
	})
}

// checkFresh probes again before the first act: somebody may have thought about a
// question for minutes.
func (s *sight) checkFresh(ctx context.Context, p *plan.Plan) error {
	if err := s.refresh(ctx); err != nil {
		return err
	}
	if err := p.CheckFresh(s.now); err != nil {
		return &RefusedError{err.Error(), err}
	}
	return nil
}

// wish is which system is meant: by its name, by the lineage of its root, or any.
type wish struct{ name, lineage string }

// choose picks the system that is meant.
func (w wish) choose(g *storage.Graph, systems []*system.System) (*system.System, error) {
	if w.lineage == "" {
		return system.Choose(g, systems, w.name)
	}
	for _, sys := range systems {
		if g.Lineage(sys.Root) == w.lineage {
			return sys, nil
		}
	}
	root, _, _ := strings.Cut(w.lineage, "@")
	return nil, fmt.Errorf("%w whose root is %s", system.ErrNoSystem, root)
}

// prepare goes through the rounds of opening, finding and unlocking until the
// system is known and all its volumes are open or given up.
func (s *sight) prepare(ctx context.Context, o MountOrder, target string, verdict session.Verdict) (*system.Mounting, error) {
	which := wish{name: o.System}
	if _, _, root, ok := s.journal.Mounting(); ok && verdict == session.Resume && o.System == "" {
		which.lineage = root
	}
	for {
		sys, err := s.choose(ctx, which)
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
		which = wish{lineage: s.now.Lineage(sys.Root)}
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
	sys, err := which.choose(s.now, system.Systems(findings))
	if errors.Is(err, system.ErrNoSystem) {
		return nil, s.unlockForMore(ctx, err)
	}
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
func (s *sight) carryOut(ctx context.Context, o MountOrder, m *system.Mounting, p *plan.Plan) (*MountReport, error) {
	if err := s.beginMount(m, o.ReadOnly); err != nil {
		return nil, err
	}
	s.target = m.Target
	s.closeTrees()
	planned := s.now
	done, err := s.run(ctx, p)
	if err != nil && len(done.steps) == 0 {
		return nil, err
	}
	if err == nil {
		err = ctx.Err()
	}
	s.settle(m, planned, done)
	report := &MountReport{Mounting: m, Plan: p, Graph: s.now, Done: true}
	if err != nil {
		return report, err // Mount takes it down again
	}
	return report, s.journal.Add(session.Record{Kind: session.Settled, Command: "mount", Gaps: report.Gaps(), Lacks: lacks(m)})
}

// beginMount makes the target, and writes down what is to be mounted there.
func (s *sight) beginMount(m *system.Mounting, sealed bool) error {
	missing, err := s.checkTarget(m.Target)
	if err != nil {
		return err
	}
	r := session.Record{
		Kind: session.Begin, Command: "mount", Target: m.Target, System: m.System.Name,
		Root: s.now.Lineage(m.System.Root), Made: missing, Sealed: sealed,
	}
	for _, mnt := range m.Want.MountsUnder(m.Target) {
		r.Points = append(r.Points, mnt.Point)
	}
	if err := s.journal.Add(r); err != nil || !missing {
		return err
	}
	return s.w.Machine.MkdirAll(m.Target, 0o755)
}

// bindResolver lets name resolution in the chroot use the live system's servers.
func bindResolver(m *system.Mounting) {
	m.Want.Mounts = append(m.Want.Mounts, storage.Mount{Point: path.Join(m.Target, "etc/resolv.conf"), Under: m.Target, Type: "bind", Bind: "/etc/resolv.conf"})
}

// lacks lists what of the system is not mounted.
func lacks(m *system.Mounting) []session.Lack {
	var out []session.Lack
	for _, l := range m.Lines {
		if l.Gap() {
			out = append(out, session.Lack{File: l.File, Text: l.Text})
		}
	}
	return out
}
