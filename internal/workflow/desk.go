package workflow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"salvor/internal/check"
	"salvor/internal/machine"
	"salvor/internal/plan"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// Desk decides on a saved graph instead of a machine, with a directory in place
// of the files of one system. Nothing is opened and nothing is carried out: what
// is closed in the graph stays closed, and a root without files is "not seen".
type Desk struct {
	graph *storage.Graph
	root  storage.ID // whose files the directory holds; "" for none
	tree  machine.Tree
	owner *machine.Rooted
	// layouts gives each system what was saved of it.
	layouts layouts
}

// NewDesk takes a graph and, unless it is "", the directory that stands for the
// root of the system whose own fstab line of "/" the graph resolves; without such a
// line, for the root that a saved layout tells. A layout may be given, or nil. The
// desk has to be closed.
func NewDesk(g *storage.Graph, dir string, given *SavedLayout) (*Desk, error) {
	d := &Desk{graph: g, layouts: layouts{given: given}}
	if dir == "" {
		return d, nil
	}
	var err error
	if d.owner, err = machine.NewRooted(dir); err != nil {
		return nil, err
	}
	if d.tree, err = d.owner.Tree("/"); err == nil {
		d.root, err = d.findRoot()
	}
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("cannot take %s for the files of a system: %w", dir, err)
	}
	return d, nil
}

// Close lets the directory go.
func (d *Desk) Close() {
	if d.tree != nil {
		d.tree.Close()
	}
	if d.owner != nil {
		d.owner.Close()
	}
}

// findRoot finds the root that the system in the tree says it has.
func (d *Desk) findRoot() (storage.ID, error) {
	g := d.graph
	s, err := system.Inspect(d.tree, nil)
	if err != nil {
		return "", err
	}
	if s == nil {
		return "", errors.New("no installed system is in it")
	}
	for _, e := range s.Fstab.Entries {
		if e.File != "/" {
			continue
		}
		id, err := system.NewResolver(g, s).Source(e)
		if err != nil {
			return "", fmt.Errorf("the root that its fstab names is not in the graph: %w", err)
		}
		return id, nil
	}
	if id := d.layouts.rootIn(g, d.tree); id != "" {
		return id, nil
	}
	return "", errors.New("its fstab has no line for /")
}

var errNotSeen = errors.New("not seen: no directory stands in for its files")

// Tree implements system.Trees.
func (d *Desk) Tree(root storage.ID) (fs.FS, error) {
	if d.tree != nil && root == d.root {
		return d.tree, nil
	}
	return nil, &system.LookError{Root: root, Cause: errNotSeen}
}

// Systems lists what the graph and the directory tell.
func (d *Desk) Systems() *SystemsReport {
	findings := system.Find(d.graph, d)
	for _, s := range system.Systems(findings) {
		if s.Original() {
			d.layouts.restore(d.graph, s, d)
		}
	}
	return assess(d.graph, findings, d.mounting)
}

// Mount plans what mounting a system would do to the machine of the graph. Keys
// cannot be tried, and stand-ins are taken to be possible.
func (d *Desk) Mount(o MountOrder) (*MountReport, error) {
	s, err := d.choose(system.Systems(system.Find(d.graph, d)), o.System, o.Snapshot)
	if err != nil {
		return nil, err
	}
	d.layouts.restore(d.graph, s, d)
	m := d.mounting(s, o)
	p, err := plan.Diff(d.graph, m.Want)
	if err != nil {
		return nil, err
	}
	return &MountReport{Mounting: m, Plan: p, Checks: plannedChecks(d.graph, o, m, p), Graph: d.graph}, nil
}

// choose picks the system that is meant, or a snapshot of it. Nobody can be asked
// at a desk.
func (d *Desk) choose(systems []*system.System, name, snapshot string) (*system.System, error) {
	s, err := system.Choose(d.graph, systems, name)
	if err == nil && snapshot != "" {
		s, err = system.ChooseSnapshot(d.graph, systems, s, snapshot)
	}
	if choice, ok := errors.AsType[*system.ChoiceError](err); ok {
		return nil, &RefusedError{choice.Error(), choice}
	}
	return s, err
}

// Check says what is wrong with a system, or with all but snapshots, by what the
// graph and the directory tell.
func (d *Desk) Check(ctx context.Context, name string) (*CheckReport, error) {
	systems := system.Systems(system.Find(d.graph, d))
	chosen := slices.DeleteFunc(slices.Clone(systems), func(s *system.System) bool { return !s.Original() })
	if name != "" || len(chosen) == 0 {
		s, err := d.choose(systems, name, "")
		if err != nil {
			return nil, err
		}
		chosen = []*system.System{s}
	}
	report := &CheckReport{Graph: d.graph}
	for _, s := range chosen {
		d.layouts.restore(d.graph, s, d)
		sub := newSubject(d.graph, d.graph, s, systems, d)
		readRamdisks(ctx, sub) // what cannot be read is a finding
		report.Systems = append(report.Systems, CheckedSystem{s, check.Check(sub)})
	}
	return report, nil
}

func (d *Desk) mounting(s *system.System, o MountOrder) *system.Mounting {
	target := o.Target
	if target == "" {
		target = DefaultTarget
	}
	return system.Mount(d.graph, d.graph, s, system.Request{Target: target, ReadOnly: o.ReadOnly, Overlays: true, Network: o.Network, Trees: d})
}

// mostSnapshots is how many snapshots of one system assess tries: each is a mount
// on paper, of a graph with all the others in it.
const mostSnapshots = 16

// assess says of every system what mounting it now would leave out; of snapshots
// that are many, it tries the youngest.
func assess(g *storage.Graph, findings []system.Finding, mounting func(*system.System, MountOrder) *system.Mounting) *SystemsReport {
	r := &SystemsReport{Graph: g, Findings: findings, Gaps: map[storage.ID][]system.Line{},
		Risks: map[storage.ID][]system.Risk{}, Volumes: map[storage.ID][]system.Volume{}}
	systems := system.Systems(findings)
	skip := tooMany(systems)
	for _, sys := range systems {
		at := sys.Place()
		if skip[at] {
			r.Untried = append(r.Untried, at)
			continue
		}
		m := mounting(sys, MountOrder{ReadOnly: true})
		for _, l := range m.Lines {
			if l.State == system.Failed || l.State == system.Refused {
				r.Gaps[at] = append(r.Gaps[at], l)
			}
		}
		r.Volumes[at] = m.Volumes
		if risks := mounting(sys, MountOrder{}).Risks; len(risks) > 0 {
			r.Risks[at] = risks
		}
	}
	return r
}

// tooMany gives the snapshots that are not tried.
func tooMany(systems []*system.System) map[storage.ID]bool {
	out := map[storage.ID]bool{}
	for _, sys := range systems {
		if sys.SnapshotOf != "" {
			continue
		}
		list := system.SnapshotsOf(systems, sys)
		for _, old := range list[:max(0, len(list)-mostSnapshots)] {
			out[old.Place()] = true
		}
	}
	return out
}
