package workflow

import (
	"context"

	"salvor/internal/session"
	"salvor/internal/storage"
)

// StatusReport says what salvor holds.
type StatusReport struct {
	Condition session.Condition `json:"condition"`
	Target    string            `json:"target,omitempty"`
	System    string            `json:"system,omitempty"`
	Root      string            `json:"root,omitempty"`
	Mounts    []storage.Mount   `json:"mounts,omitempty"`
	Holdings  []string          `json:"holdings,omitempty"`
	Gaps      bool              `json:"gaps,omitempty"`
	Graph     *storage.Graph    `json:"-"`
}

// Status reads the journal and probes; it changes nothing.
func (w *Work) Status(ctx context.Context) (*StatusReport, error) {
	j, err := session.Load(w.Machine)
	if err != nil {
		return nil, err
	}
	now, err := w.Probe(ctx)
	if err != nil {
		return nil, err
	}
	r := &StatusReport{Graph: now}
	if r.Condition, err = j.Condition(now); err != nil || r.Condition == session.Free {
		return r, err
	}
	h, err := j.Holdings()
	if err != nil {
		return nil, err
	}
	r.Holdings = h.Left(now)
	if target, system, root, ok := j.Mounting(); ok {
		r.Target, r.System, r.Root = target, system, root
		r.Mounts = now.MountsUnder(target)
	}
	if all := j.Records(); len(all) > 0 {
		r.Gaps = all[len(all)-1].Gaps
	}
	return r, nil
}
