package workflow

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"salvor/internal/machine"
	"salvor/internal/plan"
	"salvor/internal/storage"
	"salvor/internal/system"
)

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
	owner, _ := part.(machine.Tree)
	return &seenTree{tree: part, owner: owner, err: err}
}

// mountedTree sees a file system that is mounted already where it is mounted and
// not hidden by another one.
func (s *sight) mountedTree(fsys *storage.FileSystem) *seenTree {
	for i := range s.now.Mounts {
		m := &s.now.Mounts[i]
		if m.Source != fsys.ID && !slices.ContainsFunc(s.now.Upper(fsys.ID), func(n storage.Node) bool { return n.Base().ID == m.Source }) {
			continue
		}
		if strings.Trim(m.Root, "/") != "" || s.now.MountAt(m.Point) != m {
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
	if inUse(s.now, fsys) {
		return s.lookBeside(fsys)
	}
	if err := s.shield(fsys, func(c storage.Node) { c.Base().ReadOnly = true }); err != nil {
		return fail(err)
	}
	tree, err := s.w.Machine.Look(s.ctx, s.request(fsys))
	if err == nil {
		return &seenTree{tree: tree, owner: tree}
	}
	if !errors.Is(err, machine.ErrDirty) {
		return fail(incomplete(fsys, err))
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

// incomplete says first what is wrong with a file system that lacks devices: the
// kernel only says that it does not work.
func incomplete(fsys *storage.FileSystem, err error) error {
	if !fsys.Is(storage.MemberMissing) {
		return err
	}
	return fmt.Errorf("devices of it are missing, and it cannot be seen without them: %w", err)
}

// lookBeside looks at a file system that is in use. A btrfs of which a subvolume is
// mounted shows its top level to whoever asks, without a write of its own (btrfs(5)).
// Others are not touched.
func (s *sight) lookBeside(fsys *storage.FileSystem) *seenTree {
	if fsys.Type != "btrfs" || len(s.now.MountsOf(fsys.ID)) == 0 {
		return &seenTree{err: &system.LookError{Root: fsys.ID, Cause: errors.New("it is in use, and cannot be looked at beside that")}}
	}
	tree, err := s.w.Machine.Look(s.ctx, s.request(fsys))
	if err != nil {
		return &seenTree{err: &system.LookError{Root: fsys.ID, Cause: err}}
	}
	return &seenTree{tree: tree, owner: tree}
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
// journal (ext4(5), xfs(5), btrfs(5), Documentation/filesystems/f2fs.rst).
func withoutReplay(fsType string) []string {
	switch fsType {
	case "ext3", "ext4":
		return []string{"noload"}
	case "xfs":
		return []string{"norecovery", "nouuid"}
	case "btrfs":
		return []string{"rescue=nologreplay"}
	case "f2fs":
		return []string{"norecovery"}
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
	defer s.forLook()()
	o, err := s.act(s.ctx, want)
	if err != nil {
		s.lost = errors.Join(s.lost, err)
		return err
	}
	return o.err()
}

// shielded: writes cannot reach a disk, since the device is read-only or, with
// writable, end in memory.
func shielded(g *storage.Graph, c storage.Node, writable bool) bool {
	return !writable && c.Base().ReadOnly || g.EndsInMemory(c)
}

// request asks to mount the file system read-only; of a btrfs, its top level.
func (s *sight) request(fsys *storage.FileSystem) machine.MountRequest {
	r := machine.MountRequest{Device: s.now.DevicePath(fsys.ID), Type: system.KernelType(fsys.Type), ReadOnly: true}
	switch fsys.Type {
	case "btrfs":
		r.Options = append(plan.MemberOptions(s.now, fsys.ID), "subvolid=5")
		if fsys.Is(storage.MemberMissing) {
			r.Options = append(r.Options, "degraded")
		}
	case "xfs":
		r.Options = []string{"nouuid"} // a snapshot has the UUID of its origin (xfs(5))
	}
	return r
}
