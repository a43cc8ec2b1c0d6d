package workflow

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"salvor/internal/machine"
	"salvor/internal/system"
)

// A report has to hold the answers to what probe, systems and the orders for a
// system ask, so they are gone through while a machine.Recorder listens. An order
// that fails is a part of what there is to tell, and the next one is gone through
// all the same.

// ReportOrder says what to record.
type ReportOrder struct {
	Salvor string // the version of this program
	Keys   []GivenKey
	// Running: only what runs is recorded, and no installed system is looked for.
	Running bool
}

// ReportPart is an order that was gone through.
type ReportPart struct {
	Name  string `json:"name"`
	Error string `json:"error,omitempty"` // why it came to no end
}

// Hollow: the machine, or the systems on it, could not be looked at, and there is
// hardly anything in the report.
func (r *Report) Hollow() bool {
	return slices.ContainsFunc(r.Parts, func(p ReportPart) bool {
		return p.Error != "" && (p.Name == "probe" || p.Name == "systems")
	})
}

// Rehearsing is the event that tells which part is gone through.
type Rehearsing struct{ Part string }

func (Rehearsing) event() {}

// maxRehearsed bounds the time that a machine with many systems takes.
const maxRehearsed = 8

// Report goes through the looks and records them. Nothing is asked, and nothing is
// written to any disk. rec is the machine of w; the error is for the end of ctx, and
// for a recording that cannot be had.
func (w *Work) Report(ctx context.Context, rec *machine.Recorder, o ReportOrder) (*Report, error) {
	defer wipeKeys(o.Keys)
	r := &Report{Version: reportVersion, Created: rec.Now(), Salvor: o.Salvor, Kernel: kernelOf(rec)}
	for _, k := range o.Keys {
		r.Keys = append(r.Keys, k.Volume)
	}
	part := func(name string, run func() error) {
		if ctx.Err() != nil {
			return
		}
		w.tell(Rehearsing{name})
		p := ReportPart{Name: name}
		if err := run(); err != nil {
			p.Error = err.Error()
		}
		r.Parts = append(r.Parts, p)
	}
	part("probe", func() error { _, err := w.Probe(ctx); return err })
	if o.Running {
		part("save", func() error { _, err := w.Layout(ctx, LayoutOrder{}); return err })
		return r.end(ctx, rec)
	}
	part("status", func() error { _, err := w.Status(ctx); return err })
	var found []*system.System
	part("systems", func() error {
		report, err := w.Systems(ctx, SystemsOrder{Keys: cloneKeys(o.Keys)})
		if report != nil {
			found = system.Systems(report.Findings)
		}
		return err
	})
	part("check", func() error {
		// An initramfs is larger than all the rest of a report.
		_, err := w.Check(ctx, CheckOrder{Keys: cloneKeys(o.Keys), WithoutInitrds: true})
		return err
	})
	part("save", func() error { _, err := w.Layout(ctx, LayoutOrder{}); return err })
	for _, which := range rehearsed(found) {
		part(strings.TrimSpace("mount --plan "+which), func() error {
			_, err := w.Mount(ctx, MountOrder{System: which, PlanOnly: true, Keys: cloneKeys(o.Keys)})
			return err
		})
	}
	return r.end(ctx, rec)
}

// end takes what was recorded.
func (r *Report) end(ctx context.Context, rec *machine.Recorder) (*Report, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var err error
	r.Recording, r.Redacted, err = rec.Recording()
	return r, err
}

// rehearsed are the words for the systems that are gone through: none, which is for
// the only one or for a refusal, and then each one but snapshots, which are like the
// systems that they are of, and but for what would take too long.
func rehearsed(found []*system.System) []string {
	out := []string{""}
	if len(found) < 2 {
		return out
	}
	for _, s := range found {
		if s.SnapshotOf == "" && len(out) <= maxRehearsed {
			out = append(out, fmt.Sprint(s.Number))
		}
	}
	return out
}

func cloneKeys(keys []GivenKey) []GivenKey {
	out := make([]GivenKey, len(keys))
	for i, k := range keys {
		k.Key = k.Key.Clone()
		out[i] = k
	}
	return out
}

func kernelOf(m machine.Machine) string {
	data, err := m.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(data))
}
