package workflow

import (
	"context"
	"errors"
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
	Snapshot string // as system.ChooseSnapshot takes it; "" for the system itself
	Target   string // "" for where it is mounted already, else DefaultTarget
	ReadOnly bool
	PlanOnly bool
	Keys     []GivenKey
	Images   []ImageSpec      // look only in these
	Layout   *SavedLayout     // one more source of names; nil for the one in the system, if there is one
	Accept   []storage.Health // risks that are accepted beforehand
	Fsck     bool             // file systems are checked before they are mounted
	Network  bool             // network file systems are mounted, and /etc/resolv.conf of the live system is bound in
}

// DefaultTarget is where a system is mounted.
const DefaultTarget = "/mnt/local"

// MountReport says what became of the order. Plan is what was (or, with
// PlanOnly, would be) done.
type MountReport struct {
	*system.Mounting
	Plan   *plan.Plan     `json:"plan"`
	Checks []Checked      `json:"checks,omitempty"` // of the file systems, before they were mounted
	Graph  *storage.Graph `json:"-"`
	Done   bool           `json:"done"` // false for a plan only
}

// Gaps reports whether something that should be mounted is not, or was mounted
// without the check that was asked for.
func (r *MountReport) Gaps() bool {
	return slices.ContainsFunc(r.Lines, system.Line.Gap) || slices.ContainsFunc(r.Checks, Checked.Gap)
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
	s.keys.given, s.layouts.given = o.Keys, o.Layout
	report, err := s.mount(ctx, o, verdict)
	switch damaged, is := errors.AsType[*DamagedError](err); {
	case is:
		err = errors.Join(err, s.leaveOpen(ctx, damaged))
	case err != nil || o.PlanOnly:
		err = errors.Join(err, s.giveUp(ctx))
	}
	return report, err
}

// leaveOpen ends a mount whose root has to be repaired by hand first: what it lies on
// stays open for that, and is known as salvor's. The same command goes on from there,
// and umount takes it back.
func (s *sight) leaveOpen(ctx context.Context, damaged *DamagedError) error {
	if s.stale {
		if err := s.refresh(context.WithoutCancel(ctx)); err != nil {
			return err
		}
	}
	if damaged.Open = !s.free(); damaged.Open {
		return nil
	}
	return s.endSession()
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
	if err := s.useImages(ctx, o.Images, verdict); err != nil {
		return nil, err
	}
	m, err := s.prepare(ctx, o, target, verdict)
	if err != nil {
		return nil, err
	}
	if verdict == session.Resume {
		if err := s.journal.CheckSame(m.System.Lineage(s.now), target); err != nil {
			return nil, &RefusedError{err.Error(), err}
		}
		s.leaveStanding(m)
	}
	if o.Network {
		bindResolver(m)
	}
	if o.PlanOnly {
		return s.planned(o, m)
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
func (s *sight) planned(o MountOrder, m *system.Mounting) (*MountReport, error) {
	from, err := s.standing()
	if err != nil {
		return nil, err
	}
	p, err := plan.Diff(from, m.Want)
	if err != nil {
		return nil, err
	}
	return &MountReport{Mounting: m, Plan: p, Checks: plannedChecks(s.now, o, m, p), Graph: s.now}, nil
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
	done, checks, err := s.lead(ctx, o, m, p)
	if err != nil && len(done.steps) == 0 {
		return nil, err
	}
	if err == nil {
		err = ctx.Err()
	}
	s.settle(m, planned, done)
	report := &MountReport{Mounting: m, Plan: p, Checks: checks, Graph: s.now, Done: true}
	if err != nil {
		return report, err // Mount takes it down again
	}
	return report, s.journal.Add(session.Record{Kind: session.Settled, Command: "mount", Gaps: report.Gaps(), Lacks: lacks(m)})
}

// lead carries the plan out, with the checks between if they are asked for.
func (s *sight) lead(ctx context.Context, o MountOrder, m *system.Mounting, p *plan.Plan) (outcome, []Checked, error) {
	if o.Fsck {
		return s.runChecked(ctx, m, p, o.ReadOnly)
	}
	done, err := s.run(ctx, p)
	return done, nil, err
}

// beginMount makes the target, and writes down what is to be mounted there.
func (s *sight) beginMount(m *system.Mounting, sealed bool) error {
	missing, err := s.checkTarget(m.Target)
	if err != nil {
		return err
	}
	r := session.Record{
		Kind: session.Begin, Command: "mount", Target: m.Target, System: m.System.Name,
		Root: m.System.Lineage(s.now), Made: missing, Sealed: sealed,
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
