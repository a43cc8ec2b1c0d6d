package workflow

import (
	"context"
	"errors"

	"salvor/internal/session"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// SystemsOrder says how far to look.
type SystemsOrder struct {
	Keys   []GivenKey
	Images []ImageSpec  // look only in these
	Layout *SavedLayout // as of MountOrder
	Unlock bool         // ask for the passphrases of locked volumes, to see what lies in them
}

// SystemsReport lists what was found.
type SystemsReport struct {
	Graph    *storage.Graph   `json:"-"`
	Findings []system.Finding `json:"findings"`
	// Gaps tells by root (System.Place) what of a system could not be mounted now.
	Gaps map[storage.ID][]system.Line `json:"gaps,omitempty"`
	// Risks tells by root what has to be accepted before it is mounted read-write.
	Risks map[storage.ID][]system.Risk `json:"risks,omitempty"`
	// Volumes tells by root which volumes a system needs and how they stand.
	Volumes map[storage.ID][]system.Volume `json:"volumes,omitempty"`
	// Untried are old snapshots of which there are so many that the three above
	// were not worked out.
	Untried []storage.ID `json:"untried,omitempty"`
}

// Systems looks at every file system for installed systems. What it opens for
// that, it opens so that no byte reaches a disk, and closes it again.
func (w *Work) Systems(ctx context.Context, o SystemsOrder) (*SystemsReport, error) {
	defer wipeKeys(o.Keys)
	s, verdict, err := w.begin(ctx, "systems")
	if err != nil {
		return nil, err
	}
	defer s.end()
	s.keys.given, s.layouts.given, s.mute = o.Keys, o.Layout, !o.Unlock
	report, err := s.systems(ctx, o, verdict)
	err = errors.Join(err, s.giveUp(ctx))
	if err == nil {
		err = ctx.Err()
	}
	return report, err
}

func (s *sight) systems(ctx context.Context, o SystemsOrder, verdict session.Verdict) (*SystemsReport, error) {
	if err := s.useImages(ctx, o.Images, verdict); err != nil {
		return nil, err
	}
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
	for _, sys := range system.Systems(findings) {
		if sys.Original() {
			s.layouts.restore(s.now, sys, s)
		}
		if err := s.declare(sys); err != nil {
			return nil, err
		}
	}
	return assess(s.now, findings, func(sys *system.System, o MountOrder) *system.Mounting {
		return s.mounting(sys, o, DefaultTarget)
	}), ctx.Err()
}
