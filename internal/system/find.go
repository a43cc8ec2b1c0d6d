package system

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"salvor/internal/fstab"
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
	f := &finder{g: g, trees: trees}
	for n := range g.Nodes() {
		switch n := n.(type) {
		case *storage.FileSystem:
			if n.Type != "btrfs" || !hasSubvolumes(g, n.ID) {
				f.look(n.ID)
			}
		case *storage.Subvolume:
			f.look(n.ID)
		case *storage.Crypt:
			if n.Open == nil {
				f.add(Finding{Root: n.ID, Class: Locked, Cause: "locked: a key is needed (" + n.Format + ")"})
			}
		case *storage.Opaque:
			f.add(Finding{Root: n.ID, Class: Unknown, Cause: n.Format + " is recognised, but salvor cannot look into it"})
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
	trees    Trees
	out      []Finding
	needsUsr []storage.ID
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
		return strings.Join(c.Notes, "; ")
	}
	return "too little of it is there"
}

func hasSubvolumes(g *storage.Graph, id storage.ID) bool {
	return slices.ContainsFunc(g.Upper(id), func(n storage.Node) bool { return n.Kind() == storage.KindSubvolume })
}

// look finds out what lies on one root.
func (f *finder) look(root storage.ID) {
	tree, err := f.trees.Tree(root)
	var stale *LookError
	if tree == nil {
		f.add(Finding{Root: root, Class: Unknown, Cause: causeOf(err)})
		return
	}
	errors.As(err, &stale)
	s, err := Inspect(tree, nil)
	if errors.Is(err, ErrNeedsUsr) {
		f.needsUsr = append(f.needsUsr, root)
		f.add(Finding{Root: root, Class: Unknown, Cause: err.Error()})
		return
	}
	if s != nil {
		s.Root = root
		if stale != nil {
			s.Notes = append(s.Notes, stale.Error())
		}
		f.add(Finding{Root: root, Class: Installed, System: s})
		return
	}
	x := Finding{Root: root, Class: classify(tree)}
	if stale != nil && x.Class != Windows {
		x.Class, x.Cause = Unknown, stale.Error()
	}
	f.add(x)
}

func causeOf(err error) string {
	var le *LookError
	if errors.As(err, &le) && le.Cause != nil {
		return le.Cause.Error()
	}
	if err == nil {
		return "nothing could be seen"
	}
	return err.Error()
}

// classify tells apart what is no Linux system.
func classify(tree fs.FS) Class {
	list, err := fs.ReadDir(tree, ".")
	if err != nil {
		return Unknown
	}
	names := map[string]bool{}
	for _, e := range list {
		names[strings.ToLower(e.Name())] = true
	}
	delete(names, "lost+found")
	switch {
	case len(names) == 0:
		return Empty
	case names["windows"] && (names["users"] || names["program files"] || isDirFold(tree, "windows", "system32")):
		return Windows
	case names["etc"] && exists(tree, "etc/rc.subr") && exists(tree, "etc/rc.d"):
		return BSD
	case names["efi"] || names["grub"] || names["grub2"] || names["loader"] || hasPrefix(names, "vmlinuz-") || hasPrefix(names, "vmlinux-"):
		return Boot
	default:
		return Data
	}
}

func hasPrefix(names map[string]bool, prefix string) bool {
	for n := range names {
		if strings.HasPrefix(n, prefix) {
			return true
		}
	}
	return false
}

// isDirFold finds sub in the directory dir without regard to case, as Windows does.
func isDirFold(tree fs.FS, dir, sub string) bool {
	top, _ := fs.ReadDir(tree, ".")
	for _, e := range top {
		if !strings.EqualFold(e.Name(), dir) {
			continue
		}
		inner, _ := fs.ReadDir(tree, e.Name())
		for _, i := range inner {
			if strings.EqualFold(i.Name(), sub) {
				return true
			}
		}
	}
	return false
}

// withUsr looks again at the roots whose os-release lies on a separate /usr,
// which their own fstab names.
func (f *finder) withUsr() {
	for i := range f.out {
		x := &f.out[i]
		if !slices.Contains(f.needsUsr, x.Root) {
			continue
		}
		tree, _ := f.trees.Tree(x.Root)
		s, err := f.joined(tree)
		if err != nil {
			x.Cause = "its /usr is a file system of its own, and " + err.Error()
			continue
		}
		s.Root = x.Root
		*x = Finding{Root: x.Root, Class: Installed, System: s}
	}
}

func (f *finder) joined(tree fs.FS) (*System, error) {
	data, err := readSmall(tree, "etc/fstab")
	if err != nil {
		return nil, fmt.Errorf("cannot read /etc/fstab: %w", err)
	}
	crypttab, _ := readSmall(tree, "etc/crypttab")
	half := &System{Fstab: fstab.ParseFstab(data), Crypttab: fstab.ParseCrypttab(crypttab)}
	for _, e := range half.Fstab.Entries {
		if e.File != "/usr" {
			continue
		}
		id, err := NewResolver(f.g, half).Source(e)
		if err != nil {
			return nil, err
		}
		usr, err := f.trees.Tree(id)
		if usr == nil {
			return nil, err
		}
		s, err := Inspect(tree, usr)
		if s != nil {
			s.Usr = id
		}
		return s, err
	}
	return nil, errors.New("its fstab does not name it")
}

// tellSnapshots marks the systems that are snapshots of another one: btrfs
// snapshots, and what lies on a snapshot volume.
func (f *finder) tellSnapshots() {
	for i := range f.out {
		if s := f.out[i].System; s != nil {
			s.SnapshotOf = f.originOf(s)
		}
	}
}

func (f *finder) originOf(s *System) storage.ID {
	if sub, ok := f.g.Node(s.Root).(*storage.Subvolume); ok {
		return f.subvolOrigin(s, sub)
	}
	for _, n := range f.g.Below(s.Root) {
		lv, ok := n.(*storage.LV)
		if !ok || lv.Origin == "" {
			continue
		}
		for _, x := range f.out {
			if x.System != nil && x.Root != s.Root && slices.Contains(f.g.Below(x.Root), f.g.Node(lv.Origin)) && !isSnapshotVolume(f.g, x.Root) {
				return x.Root
			}
		}
	}
	return ""
}

// isSnapshotVolume: the root lies on a snapshot LV.
func isSnapshotVolume(g *storage.Graph, root storage.ID) bool {
	return slices.ContainsFunc(g.Below(root), func(n storage.Node) bool {
		lv, ok := n.(*storage.LV)
		return ok && lv.Origin != ""
	})
}

// subvolOrigin finds the system of which sub is a snapshot: the one that its own
// fstab names as root. Else the parent that btrfs remembers counts.
func (f *finder) subvolOrigin(s *System, sub *storage.Subvolume) storage.ID {
	for _, e := range s.Fstab.Entries {
		p, id, ok := e.Options.Subvolume()
		if e.File != "/" || !ok || p == sub.Path || id == sub.SubvolID && id != 0 {
			continue
		}
		if x := f.systemAt(sub, func(o *storage.Subvolume) bool { return o.Path == p || id != 0 && o.SubvolID == id }); x != "" {
			return x
		}
	}
	if sub.ParentUUID == "" {
		return ""
	}
	return f.systemAt(sub, func(o *storage.Subvolume) bool { return o.UUID == sub.ParentUUID })
}

// systemAt gives the system on another subvolume of the same file system.
func (f *finder) systemAt(sub *storage.Subvolume, is func(*storage.Subvolume) bool) storage.ID {
	for _, x := range f.out {
		o, ok := f.g.Node(x.Root).(*storage.Subvolume)
		if ok && x.System != nil && o.ID != sub.ID && slices.Equal(o.On, sub.On) && is(o) {
			return o.ID
		}
	}
	return ""
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

// ErrNoSystem: nothing that fits was found.
var ErrNoSystem = errors.New("no installed system was found")

// ChoiceError: several systems fit and none may be guessed.
type ChoiceError struct {
	Wanted string
	Among  []*System
}

func (e *ChoiceError) Error() string {
	if e.Wanted == "" {
		return fmt.Sprintf("cannot choose: %d systems were found", len(e.Among))
	}
	return fmt.Sprintf("cannot choose: %d systems answer to %q", len(e.Among), e.Wanted)
}

// Choose picks the system that name means: its number, the ID or a name of its
// root, its hostname, its distribution, or a part of its full name. Without a
// name the only one that is no snapshot is taken. It fails with ErrNoSystem or
// *ChoiceError.
func Choose(g *storage.Graph, systems []*System, name string) (*System, error) {
	for _, is := range matchers(g, name) {
		var fit []*System
		for _, s := range systems {
			if is(s) {
				fit = append(fit, s)
			}
		}
		if own := slices.DeleteFunc(slices.Clone(fit), func(s *System) bool { return s.SnapshotOf != "" }); len(fit) > 1 && len(own) > 0 {
			fit = own
		}
		switch len(fit) {
		case 0:
		case 1:
			return fit[0], nil
		default:
			return nil, &ChoiceError{name, fit}
		}
	}
	if name == "" {
		return nil, ErrNoSystem
	}
	return nil, fmt.Errorf("%w that answers to %q", ErrNoSystem, name)
}

// matchers are tried in turn, the exact ones first.
func matchers(g *storage.Graph, name string) []func(*System) bool {
	if name == "" {
		return []func(*System) bool{func(s *System) bool { return s.SnapshotOf == "" }}
	}
	return []func(*System) bool{
		func(s *System) bool { return fmt.Sprint(s.Number) == name || string(s.Root) == name },
		func(s *System) bool { return answersTo(g, s.Root, name) },
		func(s *System) bool { return s.Hostname == name || s.Distro == name },
		func(s *System) bool { return strings.Contains(strings.ToLower(s.Name), strings.ToLower(name)) },
	}
}

// answersTo: name is a name of the root's device, or of its file system.
func answersTo(g *storage.Graph, root storage.ID, name string) bool {
	r := NewResolver(g, nil)
	id, err := r.Node(fstab.ParseSpec(name))
	if err != nil {
		return false
	}
	if root == id {
		return true
	}
	sub, ok := g.Node(root).(*storage.Subvolume)
	return ok && slices.Contains(sub.On, id)
}
