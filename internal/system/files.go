package system

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"

	"salvor/internal/storage"
)

// Files gives the files of a system as they stand when it is mounted by its own
// fstab, without mounting it: a path is followed through its file systems and its
// symbolic links, and never leads out of it. Lines with noauto count as well: a
// /boot that is mounted by hand holds the kernels all the same.
//
// What lies on a file system that cannot be seen fails with *GapError. What is
// mounted now plays no part.
func Files(g *storage.Graph, s *System, trees Trees) fs.FS {
	return newFiles(newIndex(g), withoutMounts(g), s, trees)
}

// newFiles is Files for those who look at many systems of one graph: bareGraph is
// that graph with nothing mounted.
func newFiles(ix *index, bareGraph *storage.Graph, s *System, trees Trees) *files {
	m := newMounter(ix, bareGraph, s, Request{Target: "/", ReadOnly: true, Trees: trees})
	m.readRoot()
	m.read()
	for _, l := range m.lines {
		if l.State == Skipped && l.Cause == NoAuto {
			l.State, l.Cause, l.Text = Planned, "", ""
			m.resolve(l, "")
		}
	}
	m.place()
	return &files{m: m, links: map[string]linked{}}
}

// withoutMounts gives a graph in which nothing is mounted.
func withoutMounts(g *storage.Graph) *storage.Graph {
	base := g.Clone()
	base.Mounts = nil
	return base
}

// GapError is a path of a system's that lies on a file system that cannot be seen.
type GapError struct {
	Point string // where the file system belongs, in the system
	Text  string // why it cannot be seen
}

func (e *GapError) Error() string {
	return fmt.Sprintf("%s cannot be seen: %s", storage.Printable(e.Point), e.Text)
}

// files is the tree that Files gives.
type files struct {
	m     *mounter
	mu    sync.Mutex
	links map[string]linked // by the paths that were followed before
}

// linked is where a path leads if it is a link, or why that cannot be told.
type linked struct {
	to  string
	err error
}

var (
	_ fs.ReadFileFS = (*files)(nil)
	_ fs.ReadDirFS  = (*files)(nil)
	_ fs.StatFS     = (*files)(nil)
	_ fs.ReadLinkFS = (*files)(nil)
)

// Open opens a file or directory.
func (f *files) Open(name string) (fs.File, error) {
	return inTree(f, "open", name, true, func(t fs.FS, p string) (fs.File, error) { return t.Open(p) })
}

// ReadFile reads a file whole.
func (f *files) ReadFile(name string) ([]byte, error) {
	return inTree(f, "read", name, true, fs.ReadFile)
}

// ReadDir lists a directory.
func (f *files) ReadDir(name string) ([]fs.DirEntry, error) {
	return inTree(f, "readdir", name, true, fs.ReadDir)
}

// Stat follows links, Lstat does not follow the last one.
func (f *files) Stat(name string) (fs.FileInfo, error) {
	return inTree(f, "stat", name, true, fs.Stat)
}

// Lstat does not follow the last link.
func (f *files) Lstat(name string) (fs.FileInfo, error) {
	return inTree(f, "lstat", name, false, fs.Lstat)
}

// ReadLink gives the text of a symbolic link.
func (f *files) ReadLink(name string) (string, error) {
	return inTree(f, "readlink", name, false, fs.ReadLink)
}

// inTree does something in the tree that a path lies in. With last, the last name
// is followed if it is a link.
func inTree[T any](f *files, op, name string, last bool, do func(fs.FS, string) (T, error)) (out T, err error) {
	if !fs.ValidPath(name) {
		return out, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	tree, rest, err := f.find("/"+name, last)
	if err == nil {
		out, err = do(tree, rest)
	}
	if err != nil {
		err = &fs.PathError{Op: op, Path: name, Err: bare(err)}
	}
	return out, err
}

// find gives the tree in which a path of the system's ends, and the path in it.
func (f *files) find(p string, last bool) (fs.FS, string, error) {
	dir, end := p, ""
	if !last {
		dir, end = path.Split(p)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	at, err := follow(dir, f.linkAt)
	if err != nil {
		return nil, "", err
	}
	return f.treeAt(path.Join(at, end))
}

// linkAt gives where the symbolic link p leads, or "" for anything else.
func (f *files) linkAt(p string) (string, error) {
	if f.m.at[p] != nil {
		return "", nil
	}
	known, done := f.links[p]
	if !done {
		known.to, known.err = f.readLink(p)
		f.links[p] = known
	}
	return known.to, known.err
}

func (f *files) readLink(p string) (string, error) {
	tree, rest, err := f.treeAt(p)
	if err != nil {
		return "", err
	}
	info, err := fs.Lstat(tree, rest)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return "", err
	}
	return fs.ReadLink(tree, rest)
}

// treeAt gives the tree that a path without links lies in, and the path in it.
func (f *files) treeAt(p string) (fs.FS, string, error) {
	if gap := f.gapAt(p); gap != nil {
		return nil, "", &GapError{gap.File, gap.Text}
	}
	owner, rest := f.m.owner(p)
	switch {
	case owner == nil:
		root := f.m.root()
		return nil, "", &GapError{root.File, root.Text}
	case owner.Source == "":
		return nil, "", fmt.Errorf("%w: it lies in memory, or outside the system", fs.ErrNotExist)
	}
	tree, err := f.m.req.Trees.Tree(owner.Source)
	if tree == nil {
		return nil, "", &GapError{owner.Point, causeOf(err)}
	}
	rest = f.m.below(owner, rest)
	if rest == "" {
		rest = "."
	}
	if stale, ok := errors.AsType[*LookError](err); ok && stale.Stale {
		if _, err := fs.Lstat(tree, rest); errors.Is(err, fs.ErrNotExist) {
			return nil, "", &GapError{owner.Point, causeOf(stale)}
		}
	}
	return tree, rest, nil
}

// gapAt gives the line that is missed at p or above it. Where there is no mount
// point, nothing is hidden: what is not there is not there.
func (f *files) gapAt(p string) *Line {
	for _, dir := range append(dirsAbove(p), path.Clean(p)) {
		if gap := f.m.gaps[dir]; gap != nil && gap.Cause != NoPoint {
			return gap
		}
	}
	return nil
}
