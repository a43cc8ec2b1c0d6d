package workflow

import (
	"context"
	"errors"
	"fmt"

	"salvor/internal/storage"
	"salvor/internal/system"
)

// SystemsOrder says how far to look.
type SystemsOrder struct {
	Keys   []GivenKey
	Unlock bool // ask for the passphrases of locked volumes, to see what lies in them
}

// SystemsReport lists what was found.
type SystemsReport struct {
	Graph    *storage.Graph   `json:"-"`
	Findings []system.Finding `json:"findings"`
	// Gaps tells by root what of a system could not be mounted now.
	Gaps map[storage.ID][]system.Line `json:"gaps,omitempty"`
	// Volumes tells by root which volumes a system needs and how they stand.
	Volumes map[storage.ID][]system.Volume `json:"volumes,omitempty"`
}

// Systems looks at every file system for installed systems. What it opens for
// that, it opens so that no byte reaches a disk, and closes it again.
func (w *Work) Systems(ctx context.Context, o SystemsOrder) (*SystemsReport, error) {
	s, _, err := w.begin(ctx, "systems")
	if err != nil {
		return nil, err
	}
	defer s.end()
	s.keys.given = o.Keys
	report, err := s.systems(ctx, o)
	if tidy := s.takeDown(ctx); tidy != nil {
		err = errors.Join(err, fmt.Errorf("what was opened for the look could not be closed: %w", tidy))
	} else if s.free() {
		err = errors.Join(err, s.journal.Clear())
	}
	return report, err
}

func (s *sight) systems(ctx context.Context, o SystemsOrder) (*SystemsReport, error) {
	for {
		if err := s.open(ctx); err != nil {
			return nil, err
		}
		if !o.Unlock && len(o.Keys) == 0 {
			break
		}
		again, err := s.unlockAll(ctx, s.locked(), nil)
		if err != nil {
			return nil, err
		}
		if !again {
			break
		}
	}
	findings, err := s.find(ctx)
	if err != nil {
		return nil, err
	}
	return s.assess(findings), ctx.Err()
}

// assess says of every system what mounting it now would leave out.
func (s *sight) assess(findings []system.Finding) *SystemsReport {
	r := &SystemsReport{Graph: s.now, Findings: findings, Gaps: map[storage.ID][]system.Line{}, Volumes: map[storage.ID][]system.Volume{}}
	for _, f := range findings {
		if f.System == nil {
			continue
		}
		m := s.mounting(f.System, MountOrder{ReadOnly: true}, DefaultTarget)
		for _, l := range m.Lines {
			if l.State == system.Failed || l.State == system.Refused {
				r.Gaps[f.Root] = append(r.Gaps[f.Root], l)
			}
		}
		r.Volumes[f.Root] = m.Volumes
	}
	return r
}
