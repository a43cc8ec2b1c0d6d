package system

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"salvor/internal/storage"
)

// Trees gives the tree of a file system or subvolume to look at. It fails with
// *LookError when it cannot be seen, or not as it would be after its journal is
// replayed.
type Trees interface {
	Tree(root storage.ID) (fs.FS, error)
}

// LookError is a root that could not be seen. With a tree beside it (Stale) the
// tree is what is on the disk without the changes that wait in the journal: what
// is not found in it may still be there.
type LookError struct {
	Root  storage.ID
	Stale bool
	Cause error
}

func (e *LookError) Error() string {
	if e.Stale {
		return fmt.Sprintf("%s is dirty and was seen without its journal: %v", e.Root, e.Cause)
	}
	return fmt.Sprintf("cannot look at %s: %v", e.Root, e.Cause)
}

func (e *LookError) Unwrap() error { return e.Cause }

// Class says what a root holds.
type Class string

// The classes.
const (
	Installed Class = "system"
	Live      Class = "live" // the image of a live medium
	Windows   Class = "windows"
	BSD       Class = "bsd"
	Boot      Class = "boot"    // kernels or an EFI system partition
	Data      Class = "data"    // files, but no system
	Empty     Class = "empty"   // nothing at all
	Locked    Class = "locked"  // encrypted, and the key is not known
	Unknown   Class = "unknown" // could not be seen, or only without its journal
)

// Finding is what one root holds.
type Finding struct {
	Root   storage.ID `json:"root"`
	Class  Class      `json:"class"`
	System *System    `json:"system,omitempty"`
	Cause  string     `json:"cause,omitempty"`
}

// Find looks at every file system, every subvolume and every locked container of
// g. The findings come in the order of the graph; the systems among them are
// numbered, snapshots of a system after it.
func Find(g *storage.Graph, trees Trees) []Finding {
	f := &finder{g: g, ix: newIndex(g), trees: trees, needsUsr: map[storage.ID]fs.FS{}}
	for n := range g.Nodes() {
		switch n := n.(type) {
		case *storage.FileSystem:
			if n.Type != "btrfs" || len(f.ix.subvolumes[n.ID]) == 0 {
				f.look(n.ID)
			}
		case *storage.Subvolume:
			f.look(n.ID)
		case *storage.Crypt:
			if n.Open == nil {
				f.add(Finding{Root: n.ID, Class: Locked, Cause: "locked: a key is needed (" + n.Format + ")"})
			}
		case *storage.Opaque:
			f.add(Finding{Root: n.ID, Class: Unknown, Cause: storage.Printable(n.Format) + " is recognised, but salvor cannot look into it"})
		default:
			f.closed(n)
		}
	}
	f.withUsr()
	f.tellSnapshots()
	f.number()
	return f.out
}

type finder struct {
	g        *storage.Graph
	ix       *index
	trees    Trees
	out      []Finding
	needsUsr map[storage.ID]fs.FS // the trees of roots without their /usr
}

func (f *finder) add(x Finding) { f.out = append(f.out, x) }

// closed reports what stays closed although no key is missing.
func (f *finder) closed(n storage.Node) {
	c := n.Base()
	if !storage.CanOpen(n) || storage.OpeningOf(n) != nil || storage.IsPart(n) {
		return
	}
	if c.Is(storage.Incomplete) || c.Is(storage.MemberMissing) {
		f.add(Finding{Root: c.ID, Class: Unknown, Cause: "cannot be opened: " + because(c)})
		return
	}
	f.add(Finding{Root: c.ID, Class: Unknown, Cause: "is closed, so what lies in it is not known"})
}

func because(c *storage.Common) string {
	if len(c.Notes) > 0 {
		return storage.Printable(strings.Join(c.Notes, "; "))
	}
	return "too little of it is there"
}

// look finds out what lies on one root.
func (f *finder) look(root storage.ID) {
	tree, err := f.trees.Tree(root)
	if tree == nil {
		f.add(Finding{Root: root, Class: Unknown, Cause: causeOf(err)})
		return
	}
	x := f.see(root, tree)
	var stale *LookError
	if errors.As(err, &stale) {
		x.stale(stale)
	}
	f.add(x)
}

// see classifies the tree of a root.
func (f *finder) see(root storage.ID, tree fs.FS) Finding {
	s, err := Inspect(tree, nil)
	if errors.Is(err, ErrNeedsUsr) {
		f.needsUsr[root] = tree
		s = inspect(tree, nil)
	}
	switch {
	case s == nil:
		return Finding{Root: root, Class: classify(tree)}
	case imageTypes[fsType(f.g, root)]:
		return Finding{Root: root, Class: Live, Cause: "the image of a live system (" + s.Name + "), not an installed one"}
	}
	s.Root = root
	if m := f.g.MountAt("/"); m != nil && m.Source == root {
		s.Running = true
	}
	return Finding{Root: root, Class: Installed, System: s}
}

// stale takes back what a look without the journal cannot know: that something
// is not there.
func (x *Finding) stale(e *LookError) {
	switch {
	case x.System != nil:
		x.System.Notes = append(x.System.Notes, storage.Printable(e.Error()))
	case x.Class != Windows && x.Class != Live:
		x.Class, x.Cause = Unknown, storage.Printable(e.Error())
	}
}

func causeOf(err error) string {
	var le *LookError
	if errors.As(err, &le) && le.Cause != nil {
		err = le.Cause
	}
	if err == nil {
		return "nothing could be seen"
	}
	return storage.Printable(err.Error())
}

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
		whole.Root, whole.Usr, whole.Running = x.Root, id, x.System.Running
		for _, note := range x.System.Notes { // of a stale look
			if !slices.Contains(whole.Notes, note) {
				whole.Notes = append(whole.Notes, note)
			}
		}
		x.System = whole
	}
}

// usrOf finds the separate /usr of a system.
func (f *finder) usrOf(s *System) (storage.ID, fs.FS, error) {
	e := s.entryAt("/usr")
	if e == nil {
		return "", nil, errors.New("its fstab does not name it")
	}
	id, err := newResolver(f.ix, s).Source(*e)
	if err != nil {
		return "", nil, err
	}
	usr, err := f.trees.Tree(id)
	if usr == nil {
		return "", nil, fmt.Errorf("%s cannot be seen: %s", Describe(f.g, id), causeOf(err))
	}
	return id, usr, nil
}

// number counts the systems; snapshots get their numbers after all systems.
func (f *finder) number() {
	n := 0
	for _, snapshots := range []bool{false, true} {
		for i := range f.out {
			if s := f.out[i].System; s != nil && (s.SnapshotOf != "") == snapshots {
				n++
				s.Number = n
			}
		}
	}
}

// Systems gives the systems among the findings in the order of their numbers.
func Systems(findings []Finding) []*System {
	var out []*System
	for _, f := range findings {
		if f.System != nil {
			out = append(out, f.System)
		}
	}
	slices.SortFunc(out, func(a, b *System) int { return a.Number - b.Number })
	return out
}
