package workflow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"salvor/internal/apply"
	"salvor/internal/machine"
	"salvor/internal/plan"
	"salvor/internal/session"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// maxRounds bounds the rounds of opening; a stack of more layers is a loop.
const maxRounds = 32

// sight is a look at the machine with everything open that opens without harm.
// now is the machine as it is, base as it would be without salvor's holdings.
type sight struct {
	w       *Work
	journal *session.Journal
	unlock  func()
	now     *storage.Graph
	base    *storage.Graph
	kept    []storage.ID
	before  *session.Holdings // what salvor held when the command began
	target  string
	skip    map[storage.ID]bool // what failed to open, or was skipped
	dirty   map[storage.ID]bool // file systems that a look found dirty
	trees   map[storage.ID]*seenTree
	keys    *keyring
	looking bool
	lost    error           // the journal could not be written
	ctx     context.Context // of the look; Trees has no room for one
}

// refresh probes again.
func (s *sight) refresh(ctx context.Context) error {
	now, err := s.w.Probe(ctx)
	if err != nil {
		return err
	}
	for id := range s.dirty {
		if n := now.Node(id); n != nil {
			n.Base().Mark(storage.Dirty)
		}
	}
	h, err := s.journal.Holdings()
	if err != nil {
		return err
	}
	if target, _, _, ok := s.journal.Mounting(); ok {
		s.target = target
	}
	s.now = now
	s.base, s.kept = h.Restored(now, s.target)
	return nil
}

// act leads the machine from what it is to want, writing each act down before it
// is done, and probes again. What failed comes back by step.
func (s *sight) act(ctx context.Context, want *storage.Graph) (*plan.Plan, map[int]error, error) {
	p, err := plan.Diff(s.now, want)
	if err != nil || p.Empty() {
		return p, nil, err
	}
	if err := p.CheckMountOnly(); err != nil {
		return nil, nil, err
	}
	r, err := apply.Run(ctx, s.w.Machine, p, apply.Options{
		Before: func(st plan.Step) error {
			s.w.tell(StepBegins{st, len(p.Steps), s.looking})
			return s.journal.Intend(s.now, st)
		},
		After: func(st plan.Step, err error) {
			s.w.tell(StepEnds{st, err, s.looking})
			s.lost = errors.Join(s.lost, s.journal.Finish(st, err))
		},
		Key: s.keys.get,
	})
	var steps *apply.FailedError
	if errors.As(err, &steps) {
		err = nil // the steps tell
	}
	err = errors.Join(err, s.lost)
	if len(r.Steps) == 0 {
		return p, nil, err
	}
	return p, results(r), errors.Join(err, s.refresh(context.WithoutCancel(ctx)))
}

// open opens, in rounds, everything that opens without a key and without a byte
// reaching a disk.
func (s *sight) open(ctx context.Context) error {
	s.looking = true
	defer func() { s.looking = false }()
	for range maxRounds {
		want := system.Opened(s.now, system.Way{ReadOnly: true, Overlays: s.overlays(), Unlock: s.keys.names(), Leave: s.skip})
		p, failed, err := s.act(ctx, want)
		var missing *apply.MissingError
		switch {
		case errors.As(err, &missing):
			s.without(missing)
		case err != nil:
			return err
		case p.Empty():
			return nil
		}
		s.note(p, failed)
	}
	return errors.New("internal error: opening does not come to an end")
}

// note tells what could not be opened and leaves it alone from now on.
func (s *sight) note(p *plan.Plan, failed map[int]error) {
	for _, st := range p.Steps {
		err, did := failed[st.Number]
		if !did {
			continue
		}
		if id, _ := plan.Subject(st.Op); id != "" {
			s.skip[id] = true
		}
		s.w.tell(Note{fmt.Sprintf("could not %s: %v", st.Op.Text(), err)})
	}
}

// without leaves alone from now on what needs programs that are not installed.
func (s *sight) without(missing *apply.MissingError) {
	for _, m := range missing.Programs {
		for _, st := range m.For {
			id, _ := plan.Subject(st.Op)
			s.skip[id] = true
		}
	}
	s.w.tell(Note{missing.Error()})
}

// overlays reports whether stand-ins can be made: the kernel has device-mapper
// with snapshots, and dmsetup is there.
func (s *sight) overlays() bool {
	_, err := s.w.Machine.Lookup("dmsetup")
	if err == nil {
		_, err = s.w.Machine.Stat("/dev/mapper/control")
	}
	return err == nil
}

// find looks at every root and lists what is there.
func (s *sight) find(ctx context.Context) ([]system.Finding, error) {
	s.ctx = ctx
	if err := s.freezeAll(ctx); err != nil {
		return nil, err
	}
	return system.Find(s.now, s), nil
}

// freezeAll sets the devices of all file systems that nothing uses read-only, in
// one go, before they are looked at one by one.
func (s *sight) freezeAll(ctx context.Context) error {
	want := s.now.Clone()
	for fsys := range storage.All[*storage.FileSystem](want) {
		if len(want.MountsOf(fsys.ID)) > 0 || system.KernelType(fsys.Type) == "" {
			continue
		}
		for _, c := range want.Lower(fsys.ID) {
			if !shielded(want, c, false) {
				c.Base().ReadOnly = true
			}
		}
	}
	s.looking = true
	defer func() { s.looking = false }()
	p, failed, err := s.act(ctx, want)
	s.note(p, failed)
	return err
}

// takeDown closes what this command opened.
func (s *sight) takeDown(ctx context.Context) error {
	s.closeTrees()
	ctx = context.WithoutCancel(ctx) // what was opened is closed, also after Ctrl-C
	s.looking = true
	defer func() { s.looking = false }()
	want, err := s.standing()
	if err != nil {
		return err
	}
	for range maxRounds {
		p, failed, err := s.act(ctx, want)
		if err != nil || p.Empty() {
			return err
		}
		if len(failed) > 0 {
			return firstError(p, failed)
		}
		if want, err = s.standing(); err != nil {
			return err
		}
	}
	return errors.New("internal error: closing does not come to an end")
}

// standing is the graph that is to be left behind: as it is now, without what
// this command opened itself.
func (s *sight) standing() (*storage.Graph, error) {
	h, err := s.journal.Holdings()
	if err != nil {
		return nil, err
	}
	want, _ := h.Without(s.before).Restored(s.now, "")
	return want, nil
}

// mounts gives what of the mounted system stands.
func (s *sight) mounts() []storage.Mount {
	if s.target == "" {
		return nil
	}
	return s.now.MountsUnder(s.target)
}

func firstError(p *plan.Plan, failed map[int]error) error {
	for _, st := range p.Steps {
		if err := failed[st.Number]; err != nil {
			return fmt.Errorf("cannot %s: %w", st.Op.Text(), err)
		}
	}
	return nil
}

// end gives the session's lock back and wipes the keys.
func (s *sight) end() {
	s.closeTrees()
	s.keys.wipe()
	if s.unlock != nil {
		s.unlock()
		s.unlock = nil
	}
}

// seenTree is a root that was looked at.
type seenTree struct {
	tree  fs.FS
	owner machine.Tree // to be closed; nil for a part of another
	err   error
}

func (s *sight) closeTrees() {
	for _, t := range s.trees {
		if t.owner != nil {
			t.owner.Close()
		}
	}
	s.trees = map[storage.ID]*seenTree{}
}

// Tree implements system.Trees: each root is looked at once.
func (s *sight) Tree(root storage.ID) (fs.FS, error) {
	if t, done := s.trees[root]; done {
		return t.tree, t.err
	}
	t := s.look(root)
	s.trees[root] = t
	return t.tree, t.err
}

func (s *sight) look(root storage.ID) *seenTree {
	if sub, ok := s.now.Node(root).(*storage.Subvolume); ok {
		return s.lookSubvolume(sub)
	}
	fsys, ok := s.now.Node(root).(*storage.FileSystem)
	if !ok {
		return &seenTree{err: &system.LookError{Root: root, Cause: errors.New("it is no file system")}}
	}
	s.w.tell(Looking{root})
	if t := s.mountedTree(fsys); t != nil {
		return t
	}
	return s.lookDevice(fsys)
}

// lookSubvolume sees a subvolume as a part of the tree of its file system.
func (s *sight) lookSubvolume(sub *storage.Subvolume) *seenTree {
	top, err := s.Tree(sub.On[0])
	if top == nil || sub.Path == "" {
		return &seenTree{tree: top, err: err}
	}
	part, subErr := fs.Sub(top, sub.Path)
	if subErr != nil {
		return &seenTree{err: &system.LookError{Root: sub.ID, Cause: subErr}}
	}
	return &seenTree{tree: part, err: err}
}

// mountedTree sees a file system that is mounted already where it is mounted.
func (s *sight) mountedTree(fsys *storage.FileSystem) *seenTree {
	for _, m := range s.now.Mounts {
		if m.Source != fsys.ID && !slices.ContainsFunc(s.now.Upper(fsys.ID), func(n storage.Node) bool { return n.Base().ID == m.Source }) {
			continue
		}
		if strings.Trim(m.Root, "/") != "" {
			continue
		}
		tree, err := s.w.Machine.Tree(m.Point)
		if err != nil {
			return &seenTree{err: &system.LookError{Root: fsys.ID, Cause: err}}
		}
		return &seenTree{tree: tree, owner: tree}
	}
	return nil
}

// lookDevice is the table of DESIGN 4.1: read-only on a device that is set
// read-only; if it is dirty, through a stand-in; without stand-ins, without its
// journal, and then what is not found is unknown.
func (s *sight) lookDevice(fsys *storage.FileSystem) *seenTree {
	fail := func(err error) *seenTree {
		return &seenTree{err: &system.LookError{Root: fsys.ID, Cause: err}}
	}
	if fsys.Is(storage.MemberMissing) && fsys.Type == "btrfs" {
		return fail(errors.New("devices of it are missing"))
	}
	if err := s.shield(fsys, func(c storage.Node) { c.Base().ReadOnly = true }); err != nil {
		return fail(err)
	}
	tree, err := s.w.Machine.Look(s.ctx, s.request(fsys))
	if err == nil {
		return &seenTree{tree: tree, owner: tree}
	}
	if !errors.Is(err, machine.ErrDirty) {
		return fail(err)
	}
	s.dirty[fsys.ID] = true
	fsys.Mark(storage.Dirty)
	if s.overlays() {
		if err := s.shield(fsys, system.AddOverlay); err != nil {
			return fail(err)
		}
		if tree, err = s.w.Machine.Look(s.ctx, s.request(fsys)); err == nil {
			return &seenTree{tree: tree, owner: tree}
		}
	}
	return s.lookStale(fsys, err)
}

// lookStale looks without the journal.
func (s *sight) lookStale(fsys *storage.FileSystem, why error) *seenTree {
	r := s.request(fsys)
	r.Options = append(r.Options, withoutReplay(fsys.Type)...)
	tree, err := s.w.Machine.Look(s.ctx, r)
	if err != nil {
		return &seenTree{err: &system.LookError{Root: fsys.ID, Cause: err}}
	}
	return &seenTree{tree: tree, owner: tree, err: &system.LookError{Root: fsys.ID, Stale: true, Cause: why}}
}

// withoutReplay gives the options that keep a file system from replaying its
// journal (ext4(5), xfs(5), btrfs(5)).
func withoutReplay(fsType string) []string {
	switch fsType {
	case "ext3", "ext4":
		return []string{"noload"}
	case "xfs":
		return []string{"norecovery", "nouuid"}
	case "btrfs":
		return []string{"rescue=nologreplay"}
	}
	return nil
}

// shield changes the devices under a file system so that nothing written to it
// reaches a disk. Devices that are shielded already are left as they are.
func (s *sight) shield(fsys *storage.FileSystem, how func(storage.Node)) error {
	want := s.now.Clone()
	for _, c := range want.Lower(fsys.ID) {
		if !shielded(want, c, false) || s.dirty[fsys.ID] && !shielded(want, c, true) {
			how(c)
		}
	}
	s.looking = true
	defer func() { s.looking = false }()
	p, failed, err := s.act(s.ctx, want)
	if err != nil {
		return err
	}
	return firstError(p, failed)
}

// shielded: writes cannot reach a disk, since the device is read-only or, with
// writable, end in memory.
func shielded(g *storage.Graph, c storage.Node, writable bool) bool {
	if !writable && c.Base().ReadOnly {
		return true
	}
	if c.Base().Overlay != nil {
		return true
	}
	return !c.Base().ReadOnly && slices.ContainsFunc(g.Below(c.Base().ID), func(n storage.Node) bool { return n.Base().Overlay != nil })
}

// request asks to mount the file system read-only; of a btrfs, its top level.
func (s *sight) request(fsys *storage.FileSystem) machine.MountRequest {
	r := machine.MountRequest{Device: s.now.DevicePath(fsys.ID), Type: system.KernelType(fsys.Type), ReadOnly: true}
	switch fsys.Type {
	case "btrfs":
		r.Options = append(plan.MemberOptions(s.now, fsys.ID), "subvolid=5")
	case "xfs":
		r.Options = []string{"nouuid"} // a snapshot has the UUID of its origin (xfs(5))
	}
	return r
}
