package system

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// Request says how a system is to be mounted.
type Request struct {
	Target   string // absolute path
	ReadOnly bool   // not a byte may reach a disk
	Overlays bool   // stand-ins can be made
	EFI      bool   // the live system runs on EFI: efivarfs can be had
	Trees    Trees
}

// Mounting is a wanted graph and what it means for each line and volume.
type Mounting struct {
	System  *System        `json:"system"`
	Target  string         `json:"target"`
	Want    *storage.Graph `json:"-"`
	Lines   []Line         `json:"lines"`
	Volumes []Volume       `json:"volumes"`
	Risks   []Risk         `json:"risks,omitempty"` // to be accepted before the first write
	Notes   []string       `json:"notes,omitempty"`
}

// Risk is a condition under which mounting read-write can do harm.
type Risk struct {
	Health storage.Health `json:"health"`
	ID     storage.ID     `json:"id"`
	Text   string         `json:"text"`
}

// Mount says what it means that s is mounted. seen is the graph with everything
// visible that can be seen; base has the same nodes and stands as the machine is
// to stand but for this system: what is open in it stays as it is.
func Mount(seen, base *storage.Graph, s *System, req Request) *Mounting {
	m := &mounter{seen: seen, base: base, sys: s, req: req, names: NewResolver(seen, s), byPoint: map[string]int{}}
	m.out = &Mounting{System: s, Target: req.Target}
	m.root()
	m.read()
	m.place()
	m.virtual()
	m.build()
	m.volumes()
	m.risks()
	return m.out
}

type mounter struct {
	seen, base *storage.Graph
	sys        *System
	req        Request
	names      *Resolver
	lines      []*Line
	byPoint    map[string]int // point inside the target → index of the line that is mounted there
	mounts     []storage.Mount
	out        *Mounting
}

// root makes the line of the root itself: the root is the one that was chosen;
// the line in fstab gives its options.
func (m *mounter) root() {
	l := &Line{File: "/", Spec: string(m.sys.Root), State: Planned, Source: m.sys.Root}
	l.entry = fstab.Entry{File: "/", Type: "auto"}
	for _, e := range m.sys.Fstab.Entries {
		if e.File != "/" {
			continue
		}
		l.Number, l.Spec, l.Type, l.entry = e.Line, e.Spec.String(), e.Type, e
		m.checkRoot(l, e)
		break
	}
	if l.Number == 0 {
		l.Notes = append(l.Notes, "its fstab has no line for /")
	}
	m.lines = append(m.lines, l)
}

// checkRoot says when the system's own fstab means another root than the one it
// was found on. The one found counts: it is the one that was chosen.
func (m *mounter) checkRoot(l *Line, e fstab.Entry) {
	id, err := m.names.Source(e)
	switch {
	case err != nil:
		l.Notes = append(l.Notes, "its fstab line does not resolve: "+err.Error())
	case id != m.sys.Root:
		l.Notes = append(l.Notes, fmt.Sprintf("its fstab line means another root: %s", Describe(m.seen, id)))
	}
}

// read makes a line of every other line of the fstab and resolves it.
func (m *mounter) read() {
	for _, p := range m.sys.Fstab.Problems {
		if p.Kind == fstab.Garbage {
			m.lines = append(m.lines, &Line{Number: p.Line, Spec: "?", File: "?", State: Failed, Cause: Garbage, Text: p.Text})
		}
	}
	first := map[string]int{"/": m.lines[0].Number}
	for _, e := range m.sys.Fstab.Entries {
		if e.Line == m.lines[0].Number {
			continue
		}
		l := &Line{Number: e.Line, Spec: e.Spec.String(), File: e.File, Type: e.Type, State: Planned, NoFail: e.Options.NoFail(), entry: e}
		m.lines = append(m.lines, l)
		m.rule(l)
		if l.State != Planned {
			continue
		}
		if other, twice := first[e.File]; twice {
			l.end(Skipped, IsDuplicate, fmt.Sprintf("line %d is mounted there", other))
			continue
		}
		first[e.File] = e.Line
		m.resolve(l)
	}
}

func (m *mounter) rule(l *Line) {
	for _, r := range rulings {
		if r.is(l.entry) {
			l.end(r.state, r.cause, r.text)
			return
		}
	}
}

// resolve finds the node that the line mounts.
func (m *mounter) resolve(l *Line) {
	e := l.entry
	for _, o := range e.Options.Destructive() {
		l.Notes = append(l.Notes, fmt.Sprintf("the option %s is refused: it changes what is on the disk", o))
	}
	if e.IsBind() || isMemory(e) {
		return
	}
	id, err := m.names.Source(e)
	var re *ResolveError
	if errors.As(err, &re) {
		l.end(Failed, causeOfWhy(re.Why), re.Text)
		l.Candidates = re.IDs
		return
	}
	l.Source = id
	if t := fsType(m.seen, id); t == "" {
		m.noFileSystem(l, id)
	} else if e.Type != "auto" && e.Type != "" && !sameType(strings.TrimPrefix(e.Type, "fuse."), t) && !slices.Contains(strings.Split(e.Type, ","), t) {
		l.end(Failed, WrongType, fmt.Sprintf("fstab says %s, but %s", e.Type, Describe(m.seen, id)))
	}
}

func (m *mounter) noFileSystem(l *Line, id storage.ID) {
	if len(l.entry.Options.Destructive()) > 0 {
		l.end(Refused, Destructive, fmt.Sprintf("%s holds no file system, and the booting system would make one", Describe(m.seen, id)))
		return
	}
	l.end(Failed, WrongType, fmt.Sprintf("%s holds no file system that can be mounted", Describe(m.seen, id)))
}

// causeOfWhy is the table that turns the resolver's reasons into causes.
func causeOfWhy(w Why) Cause {
	switch w {
	case Absent:
		return IsMissing
	case NeedsKey:
		return IsLocked
	case Twofold:
		return IsAmbiguous
	case StaysShut:
		return IsClosed
	case NotABlock, Contents:
		return WrongType
	default:
		return KernelSaid
	}
}

// fsType is the type of the file system that id is or lies on, "" for none.
func fsType(g *storage.Graph, id storage.ID) string {
	switch n := g.Node(id).(type) {
	case *storage.FileSystem:
		return n.Type
	case *storage.Subvolume:
		return fsType(g, n.On[0])
	}
	return ""
}

// place puts every line that is still to be mounted at its point, upper paths
// first, because the points below are looked up in what is mounted above.
func (m *mounter) place() {
	order := slices.Clone(m.lines)
	slices.SortStableFunc(order, func(a, b *Line) int { return cmp.Compare(depth(a.File), depth(b.File)) })
	for _, l := range order {
		if l.State != Planned {
			continue
		}
		if l.File == "/" {
			m.mount(l, "/")
			continue
		}
		m.placeLine(l)
	}
}

func depth(p string) int {
	if p == "/" {
		return 0
	}
	return strings.Count(path.Clean(p), "/")
}

func (m *mounter) placeLine(l *Line) {
	inside, err := m.inside(l.File)
	if err != nil {
		l.end(Failed, NoPoint, err.Error())
		return
	}
	if failed := m.failedAbove(inside); failed != nil {
		l.end(Failed, Parent, fmt.Sprintf("it lies below %s, which cannot be mounted", failed.File))
		return
	}
	if at, taken := m.byPoint[inside]; taken {
		l.end(Skipped, IsDuplicate, fmt.Sprintf("%s leads to the same directory as %s", l.File, m.lines[at].File))
		return
	}
	m.mount(l, inside)
}

// failedAbove gives the line above p that was to be mounted and will not be.
func (m *mounter) failedAbove(p string) *Line {
	for _, l := range m.lines {
		if l.State == Failed && l.File != "/" && l.File != "?" && p != l.File && storage.PathContains(l.File, p) {
			return l
		}
	}
	return nil
}

// mount adds the mount of a line whose point inside the target is known.
func (m *mounter) mount(l *Line, inside string) {
	l.Point = path.Join(m.req.Target, inside)
	mnt := storage.Mount{Point: l.Point, Under: m.req.Target, Source: l.Source, Root: "/"}
	mnt.ReadOnly = m.req.ReadOnly || readOnly(l.entry.Options)
	mnt.Options = mountOptions(l.entry.Options)
	if inside == "/" {
		mnt.Under = ""
	}
	switch {
	case l.entry.IsBind():
		if !m.bind(l, &mnt) {
			return
		}
	case isMemory(l.entry):
		mnt.Type, mnt.Root, mnt.ReadOnly = l.entry.Type, "", readOnly(l.entry.Options)
	default:
		m.device(l, &mnt)
	}
	m.add(l, inside, mnt)
}

func (m *mounter) add(l *Line, inside string, mnt storage.Mount) {
	m.byPoint[inside] = slices.Index(m.lines, l)
	m.mounts = append(m.mounts, mnt)
	if now := m.base.MountAt(mnt.Point); now != nil && now.Source == mnt.Source && strings.Trim(now.Root, "/") == strings.Trim(mnt.Root, "/") {
		l.State = Already
	}
}

// device fills in what the resolved node says. The type is the one on the disk,
// and the subvolume the one that was found.
func (m *mounter) device(l *Line, mnt *storage.Mount) {
	mnt.Type = KernelType(fsType(m.seen, l.Source))
	if sub, ok := m.seen.Node(l.Source).(*storage.Subvolume); ok {
		mnt.Root = "/" + sub.Path
		mnt.Options = append([]string{"subvol=/" + sub.Path}, mnt.Options...)
	}
}

// KernelType is the name under which the kernel mounts a type of file system.
func KernelType(t string) string {
	switch t {
	case "ext2", "ext3":
		return "ext4" // the ext4 driver mounts all three (fs/ext4/Kconfig, EXT4_USE_FOR_EXT2)
	case "ntfs":
		return "ntfs3"
	}
	return t
}

// bind finds the tree that is bound, inside the target.
func (m *mounter) bind(l *Line, mnt *storage.Mount) bool {
	from, err := m.inside(l.entry.Spec.Value)
	if err != nil {
		l.end(Failed, IsMissing, fmt.Sprintf("cannot bind %s: %v", l.entry.Spec, err))
		return false
	}
	mnt.Type, mnt.Bind = "bind", path.Join(m.req.Target, from)
	owner, rest := m.owner(from)
	if owner == nil {
		return true
	}
	mnt.Source, mnt.Root = owner.Source, path.Join(owner.Root, rest)
	l.Source = owner.Source
	return true
}

// owner gives the planned mount that a path inside the target lies on, and the
// rest of the path in it.
func (m *mounter) owner(inside string) (*storage.Mount, string) {
	full := path.Join(m.req.Target, inside)
	var best *storage.Mount
	for i := range m.mounts {
		if p := m.mounts[i].Point; storage.PathContains(p, full) && (best == nil || len(p) > len(best.Point)) {
			best = &m.mounts[i]
		}
	}
	if best == nil {
		return nil, ""
	}
	return best, strings.TrimPrefix(strings.TrimPrefix(full, best.Point), "/")
}

func readOnly(o fstab.Options) bool {
	ro := false
	for _, x := range o {
		switch x.Name {
		case "ro":
			ro = true
		case "rw":
			ro = false
		}
	}
	return ro
}

// mountOptions gives the options for the kernel. What has been decided already
// (ro, subvolume, kind of mount) is left out; user and owner bring what mount(8)
// says they bring.
func mountOptions(o fstab.Options) []string {
	var out []string
	if o.Has("user") || o.Has("users") {
		out = append(out, "nosuid", "nodev", "noexec")
	} else if o.Has("owner") || o.Has("group") {
		out = append(out, "nosuid", "nodev")
	}
	for _, x := range o.Kernel().Without("ro", "rw", "subvol", "subvolid", "bind", "rbind", "remount") {
		switch x.Name {
		case "suid", "dev", "exec":
			out = slices.DeleteFunc(out, func(s string) bool { return s == "no"+x.Name })
		case "private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable":
		default:
			if x.HasValue {
				out = append(out, x.Name+"="+x.Value)
			} else {
				out = append(out, x.Name)
			}
		}
	}
	return out
}
