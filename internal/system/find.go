package system

import (
	"cmp"
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
	Boot      Class = "boot"      // kernels or an EFI system partition
	Container Class = "container" // the root of a container, a chroot: a system inside another
	Data      Class = "data"      // files, but no system
	Empty     Class = "empty"     // nothing at all
	Locked    Class = "locked"    // encrypted, and the key is not known
	Unknown   Class = "unknown"   // could not be seen, or only without its journal
)

// Finding is what one root holds.
type Finding struct {
	Root   storage.ID `json:"root"`
	Class  Class      `json:"class"`
	System *System    `json:"system,omitempty"`
	Cause  string     `json:"cause,omitempty"`
	// Of snapshots without a system, as those of a /home: what they are of.
	SnapshotOf storage.ID `json:"snapshot_of,omitempty"`
	Snapshot   *Snapshot  `json:"snapshot,omitempty"`
}

// Find looks at every file system, every subvolume and every locked container of
// g. The findings come in the order of the graph; the systems among them are
// numbered, snapshots of a system after it.
func Find(g *storage.Graph, trees Trees) []Finding {
	f := newFinder(g, trees)
	for n := range g.Nodes() {
		f.findOn(n)
	}
	f.withUsr()
	f.withNix()
	f.tellSnapshots()
	f.tellContainers()
	f.complete()
	f.noteSnapshots()
	f.readBoot()
	f.number()
	return f.out
}

type finder struct {
	g     *storage.Graph
	empty *storage.Graph // made by bare
	ix    *index
	trees Trees
	out   []Finding

	byPath map[subvolumePath]*storage.Subvolume
	byUUID map[string]*storage.Subvolume
	brief  map[storage.ID]bool // roots at which a glance was thrown
	lines  map[storage.ID][]resolvedLine

	needsUsr  map[storage.ID]fs.FS // the trees of roots without their /usr
	needsNix  []storage.ID         // roots of NixOS without their /nix
	nixStores map[storage.ID]bool  // what could be a /nix
}

// bare gives the graph with nothing mounted.
func (f *finder) bare() *storage.Graph {
	if f.empty == nil {
		f.empty = withoutMounts(f.g)
	}
	return f.empty
}

func newFinder(g *storage.Graph, trees Trees) *finder {
	f := &finder{
		g: g, ix: newIndex(g), trees: trees, needsUsr: map[storage.ID]fs.FS{}, nixStores: map[storage.ID]bool{},
		byPath: map[subvolumePath]*storage.Subvolume{}, byUUID: map[string]*storage.Subvolume{},
		brief: map[storage.ID]bool{}, lines: map[storage.ID][]resolvedLine{},
	}
	for s := range storage.All[*storage.Subvolume](g) {
		f.byPath[subvolumePath{s.On[0], s.Path}] = s
		f.byUUID[s.UUID] = s
	}
	return f
}

// findOn finds what lies on one node.
func (f *finder) findOn(n storage.Node) {
	switch n := n.(type) {
	case *storage.FileSystem:
		if n.Type != "btrfs" || len(f.ix.subvolumes[n.ID]) == 0 {
			f.look(n.ID)
		}
	case *storage.Subvolume:
		if f.isContainer(n) {
			return
		}
		if as, brief := f.isBrief(n); brief {
			f.glanceAt(n, as)
			return
		}
		f.look(n.ID)
	case *storage.Crypt:
		if n.Open == nil {
			f.add(Finding{Root: n.ID, Class: Locked, Cause: "locked: a key is needed (" + n.Format + ")"})
		}
	case *storage.Opaque:
		f.add(f.opaque(n))
	case *storage.Partition:
		f.foreign(n)
	default:
		f.closed(n)
	}
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
		f.add(f.unseen(root, err))
		return
	}
	var stale *LookError
	errors.As(err, &stale)
	found := []Finding{}
	if isSysroot(tree) && !imageTypes[fsType(f.g, root)] {
		found = f.deployed(root, tree)
	}
	if len(found) == 0 {
		found = append(found, f.see(root, tree))
	}
	for _, x := range found {
		if stale != nil {
			x.stale(stale)
		}
		f.add(x)
	}
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
		return f.other(root, tree)
	case imageTypes[fsType(f.g, root)]:
		return Finding{Root: root, Class: Live, Cause: "the image of a live system (" + s.Name + "), not an installed one"}
	}
	s.Root = root
	s.Running = f.isRunning(s)
	return Finding{Root: root, Class: Installed, System: s}
}

// isRunning: the system is the live one itself.
func (f *finder) isRunning(s *System) bool {
	m := f.g.MountAt("/")
	return m != nil && m.Source == s.Root && (s.Dir == "" || strings.HasSuffix(m.Root, "/"+s.Dir))
}

// other tells apart what is no system.
func (f *finder) other(root storage.ID, tree fs.FS) Finding {
	if exists(tree, "etc/NIXOS") {
		f.needsNix = append(f.needsNix, root)
	}
	f.nixStores[root] = isNixStore(tree)
	if imageTypes[fsType(f.g, root)] && isSysroot(tree) {
		return Finding{Root: root, Class: Live, Cause: "the image of a live system (ostree), not an installed one"}
	}
	x := Finding{Root: root}
	x.Class, x.Cause = classify(tree)
	return x
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

// number counts the systems; after all of them come the snapshots and the older
// deployments, by what they are of and by age.
func (f *finder) number() {
	var originals, others []*System
	for _, x := range f.out {
		switch {
		case x.System == nil:
		case x.System.Original():
			originals = append(originals, x.System)
		default:
			others = append(others, x.System)
		}
	}
	family := map[string]int{}
	for i, s := range originals {
		s.Number = i + 1
		for _, key := range s.heads() {
			family[key] = cmp.Or(family[key], s.Number)
		}
	}
	slices.SortStableFunc(others, func(a, b *System) int {
		return cmp.Or(cmp.Compare(family[a.memberOf()], family[b.memberOf()]), compareAge(a, b))
	})
	for i, s := range others {
		s.Number = len(originals) + i + 1
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
