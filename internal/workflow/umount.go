package workflow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"salvor/internal/plan"
	"salvor/internal/session"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// UmountReport says what was taken down.
type UmountReport struct {
	Target string       `json:"target,omitempty"`
	Plan   *plan.Plan   `json:"plan"`
	Kept   []storage.ID `json:"kept,omitempty"` // stays open: something of others' rests on it
	Notes  []string     `json:"notes,omitempty"`
	Done   bool         `json:"done"`
}

// ErrStillThere: something could not be taken down.
var ErrStillThere = errors.New("not everything could be taken down")

// Umount takes down what salvor opened and mounted, and nothing else. It works
// after a crash too: what counts is the journal together with the probe.
func (w *Work) Umount(ctx context.Context, planOnly bool) (*UmountReport, error) {
	s, verdict, err := w.begin(ctx, "umount")
	if err != nil {
		return nil, err
	}
	defer s.end()
	report := &UmountReport{Plan: &plan.Plan{}}
	if verdict == session.Nothing {
		report.Done = !planOnly
		return report, nil
	}
	report.Target, _, _, _ = s.journal.Mounting()
	report.Kept = s.kept
	for _, id := range s.kept {
		report.Notes = append(report.Notes, fmt.Sprintf("%s stays as it is: something that salvor did not open rests on it", system.Describe(s.now, id)))
	}
	if planOnly {
		report.Plan, err = plan.Diff(s.now, s.base)
		return report, err
	}
	if err := s.journal.Add(session.Record{Kind: session.Begin, Command: "umount"}); err != nil {
		return report, err
	}
	err = s.umount(ctx, report)
	report.Done = err == nil
	return report, err
}

func (s *sight) umount(ctx context.Context, report *UmountReport) error {
	failed, err := s.unwind(ctx, report)
	left := s.left()
	if len(left) > 0 && err == nil {
		return errors.Join(fmt.Errorf("%w: %s", ErrStillThere, strings.Join(left, "; ")), failed)
	}
	if len(left) > 0 || s.stale {
		return err
	}
	return s.endSession()
}

// unwind takes down in rounds: mounts that others put over ours come to light one
// by one. The first error is of steps that failed, the second what stopped it all.
func (s *sight) unwind(ctx context.Context, report *UmountReport) (failed, stopped error) {
	for range maxRounds {
		o, err := s.act(ctx, s.base)
		report.Plan = joined(report.Plan, o.plan)
		if failed := o.err(); err != nil || failed != nil || o.plan.Empty() {
			return failed, err
		}
	}
	return nil, errors.New("internal error: closing does not come to an end")
}

// joined is the plan that was carried out, the rounds after the first too.
func joined(first, next *plan.Plan) *plan.Plan {
	if next.Empty() {
		return first
	}
	if first.Empty() {
		return next
	}
	out := *first
	by := len(first.Steps)
	for _, st := range next.Steps {
		after := make([]int, len(st.After))
		for i, n := range st.After {
			after[i] = n + by
		}
		out.Steps = append(slices.Clip(out.Steps), plan.Step{Number: st.Number + by, Op: st.Op, After: after})
	}
	return &out
}

// left lists what salvor still holds, without what stays open for others.
func (s *sight) left() []string {
	h, err := s.journal.Holdings()
	if err != nil {
		return []string{err.Error()}
	}
	for _, id := range s.kept {
		delete(h.Opened, s.now.Lineage(id))
		delete(h.Overlays, s.now.Lineage(id))
		delete(h.Frozen, s.now.Lineage(id))
	}
	return h.Left(s.now)
}
