package system

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"salvor/internal/storage"
)

// withUsr looks again at the roots whose /usr is a file system of its own, which
// their fstab names. Where it cannot be had, the system is listed all the same:
// it is there and wants to be repaired.
func (f *finder) withUsr() {
	for i := range f.out {
		x := &f.out[i]
		tree, needs := f.needsUsr[x.Root]
		if !needs || x.System == nil {
			continue
		}
		id, usr, err := f.usrOf(x.System)
		if err != nil {
			x.Cause = storage.Printable(fmt.Sprintf("%v, and %v", ErrNeedsUsr, err))
			x.System.Notes = append(x.System.Notes, x.Cause)
			continue
		}
		whole := inspect(tree, usr)
		whole.Root, whole.Usr, whole.Running, whole.Snapshot = x.Root, id, x.System.Running, x.System.Snapshot
		for _, note := range x.System.Notes { // of a stale look
			if !slices.Contains(whole.Notes, note) {
				whole.Notes = append(whole.Notes, note)
			}
		}
		x.System = whole
	}
}

// usrOf finds the separate /usr of a system.
func (f *finder) usrOf(s *System) (storage.ID, fs.FS, error) { return f.treeAt(s, "/usr") }

// treeAt gives what a system's fstab mounts at a point, and the tree of it.
func (f *finder) treeAt(s *System, point string) (storage.ID, fs.FS, error) {
	e := s.entryAt(point)
	if e == nil {
		return "", nil, errors.New("its fstab does not name it")
	}
	id, err := newResolver(f.ix, s).Source(*e)
	if err != nil {
		return "", nil, err
	}
	tree, err := f.trees.Tree(id)
	if tree == nil {
		return "", nil, fmt.Errorf("%s cannot be seen: %s", Describe(f.g, id), causeOf(err))
	}
	return id, tree, nil
}
