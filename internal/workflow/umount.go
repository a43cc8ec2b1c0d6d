package workflow

import (
	"context"
	"errors"
	"fmt"
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
	report := &UmountReport{Plan: &plan.Plan{}, Done: !planOnly}
	if verdict == session.Nothing {
		return report, nil
	}
	report.Target, _, _, _ = s.journal.Mounting()
	report.Kept = s.kept
	for _, id := range s.kept {
		report.Notes = append(report.Notes, fmt.Sprintf("%s stays open: something that salvor did not open rests on it", system.Describe(s.now, id)))
	}
	if planOnly {
		report.Plan, err = plan.Diff(s.now, s.base)
		return report, err
	}
	if err := s.journal.Add(session.Record{Kind: session.Begin, Command: "umount"}); err != nil {
		return report, err
	}
	return report, s.umount(ctx, report)
}

func (s *sight) umount(ctx context.Context, report *UmountReport) error {
	p, failed, err := s.act(ctx, s.base)
	if err != nil {
		return err
	}
	report.Plan = p
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if len(failed) == 0 {
		// Mounts that lay on each other come to light one by one.
		if _, failed, err = s.act(ctx, s.base); err != nil {
			return err
		}
	}
	if left := s.left(); len(left) > 0 {
		cause := firstError(p, failed)
		return errors.Join(fmt.Errorf("%w: %s", ErrStillThere, strings.Join(left, "; ")), cause)
	}
	made := s.journal.MadeTarget()
	if err := s.journal.Clear(); err != nil {
		return err
	}
	if made && report.Target != "" {
		if err := s.w.Machine.Remove(report.Target); err != nil {
			report.Notes = append(report.Notes, fmt.Sprintf("the directory %s stays: %v", report.Target, err))
		}
	}
	return nil
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
	}
	return h.Left(s.now)
}
