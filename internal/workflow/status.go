package workflow

import (
	"context"
	"path"

	"salvor/internal/session"
	"salvor/internal/storage"
	"salvor/internal/tool"
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
	Missing   []Missing         `json:"missing,omitempty"` // what was to be mounted and is not
	Checks    []CheckDone       `json:"checks,omitempty"`  // of file systems, before they were mounted
	Graph     *storage.Graph    `json:"-"`
}

// Missing is something of the system that is not mounted.
type Missing struct {
	Point string `json:"point"` // in the live system
	Text  string `json:"text"`  // why
}

// CheckDone is a check of a file system.
type CheckDone struct {
	Subject string       `json:"subject"` // lineage of the file system
	Command string       `json:"command"`
	Verdict tool.Verdict `json:"verdict,omitempty"` // none: it was cut short
}

// checksDone takes them from the journal.
func checksDone(j *session.Journal) []CheckDone {
	var out []CheckDone
	for _, r := range j.Checks() {
		out = append(out, CheckDone{r.Subject, r.Command, tool.Verdict(r.Result)})
	}
	return out
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
	h, err := j.Holdings()
	if err != nil {
		return nil, err
	}
	h.Recognise(now)
	r := &StatusReport{Graph: now}
	if r.Condition, err = j.Condition(now); err != nil || r.Condition == session.Free {
		return r, err
	}
	r.Holdings, r.Checks = h.Left(now), checksDone(j)
	if target, system, root, ok := j.Mounting(); ok {
		r.Target, r.System, r.Root = target, system, root
		r.Mounts = now.MountsUnder(target)
		r.Missing = missing(j, now, r)
		r.Gaps = len(r.Missing) > 0
	}
	return r, nil
}

// missing compares what is mounted with what the last mount was to mount.
func missing(j *session.Journal, now *storage.Graph, r *StatusReport) []Missing {
	points, lacks := j.Wanted()
	var out []Missing
	listed := map[string]bool{}
	for _, l := range lacks {
		point := path.Join(r.Target, l.File)
		listed[point] = true
		if now.MountAt(point) == nil {
			out = append(out, Missing{point, l.Text})
		}
	}
	text := "it was mounted, and is not any more"
	if r.Condition == session.Interrupted {
		text = "the work was cut short"
	}
	for _, p := range points {
		if !listed[p] && now.MountAt(p) == nil {
			out = append(out, Missing{p, text})
		}
	}
	return out
}
