package system

import (
	"errors"
	"path"
	"slices"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// Request says how a system is to be mounted.
type Request struct {
	Target   string // absolute path
	ReadOnly bool   // not a byte may reach a disk
	Overlays bool   // stand-ins can be made
	Network  bool   // network file systems are mounted as well
	EFI      bool   // the live system runs on EFI: efivarfs can be had
	Trees    Trees
	// Systems are all that were found: one of them may be hibernated.
	Systems []*System
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

// Mount says what it means that s is mounted. seen is the graph with everything
// visible that can be seen; base has the same nodes and stands as the machine is
// to stand but for this system: what is open in it stays as it is, and so does
// what is mounted.
func Mount(seen, base *storage.Graph, s *System, req Request) *Mounting {
	m := newMounter(newIndex(seen), base, s, req)
	m.readRoot()
	m.read()
	m.reach()
	m.place()
	m.virtual()
	m.build()
	m.volumes()
	m.risks()
	return m.out
}

// mounter makes one Mounting.
type mounter struct {
	seen, base *storage.Graph
	sys        *System
	req        Request
	names      *Resolver
	lines      []*Line
	order      []*placed          // the mounts, each after those that it needs
	at         map[string]*placed // by the point inside the target
	gaps       map[string]*Line   // by the point inside the target where the line is missed
	standing   standing
	trees      map[storage.ID]lookedAt
	mapNames   map[storage.ID]string // container → name of its map
	clashes    map[storage.ID]string // container → name that it should have and something else has
	out        *Mounting
}

// placed is a line with its mount.
type placed struct {
	line *Line
	storage.Mount
}

func newMounter(seen *index, base *storage.Graph, s *System, req Request) *mounter {
	req.Target = path.Clean(req.Target)
	return &mounter{
		seen: seen.g, base: base, sys: s, req: req, names: newResolver(seen, s),
		at: map[string]*placed{}, gaps: map[string]*Line{}, trees: map[storage.ID]lookedAt{},
		standing: newStanding(base), out: &Mounting{System: s, Target: req.Target},
	}
}

// root is the line of the root itself.
func (m *mounter) root() *Line { return m.lines[0] }

// readRoot makes the line of the root: the root is the one that was chosen; the
// line in fstab gives its options.
func (m *mounter) readRoot() {
	l := &Line{File: "/", Spec: string(m.sys.Root), State: Planned, Source: m.sys.Root}
	l.entry = fstab.Entry{File: "/", Type: "auto"}
	m.lines = append(m.lines, l)
	if m.seen.Node(m.sys.Root) == nil {
		l.Source = ""
		l.end(Failed, IsMissing, "%s is not there any more", m.sys.Root)
		return
	}
	w := m.sys.wishAt("/")
	if w == nil {
		l.note("its fstab has no line for /")
		return
	}
	e := w.Entry
	l.Number, l.From, l.Spec, l.Type, l.entry = e.Line, w.from, e.Spec.String(), e.Type, e
	l.noteDestructive()
	m.checkRoot(l)
	if is := fsType(m.seen, m.sys.Root); !fitsType(e.Type, is) {
		l.note("its fstab line is for %s, but the root is %s: the options of the line are not used", e.Type, is)
		l.entry.Options = nil
	}
}

// checkRoot says when the system's own fstab means another root than the one it
// was found on. The one found counts: it is the one that was chosen.
func (m *mounter) checkRoot(l *Line) {
	id, err := m.names.Source(l.entry)
	switch {
	case err != nil:
		l.note("its fstab line does not resolve: %v", err)
	case id != m.sys.Root:
		l.note("its fstab line means another root: %s", Describe(m.seen, id))
	default:
		m.tellSaved(l)
	}
}

// read makes a line of every other line that the booting system acts on and
// resolves it. Of two with one mount point systemd takes the first, whatever it is.
func (m *mounter) read() {
	m.readGarbage()
	m.refusedUnits()
	first := map[string]*Line{"/": m.root()}
	for w := range m.sys.wishes() {
		if w.from != m.root().From || w.Line != m.root().Number || w.File != "/" {
			m.readLine(w, first)
		}
	}
	m.deploy(first)
	for _, w := range m.gptAuto(first) {
		if !m.isUsed(w.node) {
			m.readLine(w, first)
		}
	}
}

// readGarbage makes lines of those that cannot be read.
func (m *mounter) readGarbage() {
	if m.sys.Fstab == nil {
		return
	}
	for _, p := range m.sys.Fstab.Problems {
		if p.Kind == fstab.Garbage {
			l := &Line{Number: p.Line, Spec: "?", File: "?"}
			l.end(Failed, Garbage, "%s", p.Text)
			m.lines = append(m.lines, l)
		}
	}
}

func (m *mounter) readLine(w wish, first map[string]*Line) {
	e := w.Entry
	l := &Line{Number: e.Line, From: w.from, Spec: e.Spec.String(), File: e.File, Type: e.Type, State: Planned, NoFail: e.Options.NoFail(), entry: e}
	m.lines = append(m.lines, l)
	if other := first[e.File]; other != nil && !e.IsSwap() {
		l.end(Skipped, IsDuplicate, "%s has the same mount point", other.place())
		return
	}
	first[e.File] = l
	if m.rule(l); l.State == Planned {
		m.resolve(l, w.node)
	}
}

// isUsed: a line mounts what is on the device.
func (m *mounter) isUsed(device storage.ID) bool {
	return slices.ContainsFunc(m.lines, func(l *Line) bool {
		return l.Source != "" && m.names.ix.restsOn(l.Source)[device]
	})
}

func (m *mounter) rule(l *Line) {
	for _, r := range rulings {
		if r.cause == IsNetwork && m.req.Network {
			continue
		}
		if r.is(l.entry) {
			l.end(r.state, r.cause, "%s", r.text)
			return
		}
	}
}

// reach fails the lines whose source cannot be opened the way it is asked for.
func (m *mounter) reach() {
	sources := []storage.ID{}
	for _, l := range m.lines {
		if l.State == Planned && l.Source != "" {
			sources = append(sources, l.Source)
		}
	}
	trial := Opened(m.base, m.way(sources))
	known := map[storage.ID]storage.Node{}
	for _, l := range m.lines {
		if l.State != Planned || l.Source == "" {
			continue
		}
		shut, done := known[l.Source]
		if !done {
			shut = shutBelow(trial, l.Source)
			known[l.Source] = shut
		}
		if shut != nil {
			l.end(Failed, IsClosed, "%s cannot be opened%s", Describe(m.seen, shut.Base().ID), m.howFar())
		}
	}
}

func (m *mounter) way(only []storage.ID) Way {
	return Way{ReadOnly: m.req.ReadOnly, Overlays: m.req.Overlays, Unlock: m.unlockNames(), Only: only}
}

func (m *mounter) howFar() string {
	switch {
	case !m.req.ReadOnly:
		return ""
	case m.req.Overlays:
		return " without a write to a disk"
	default:
		return " without a write to a disk: this needs device-mapper"
	}
}

// shutBelow gives a node that is closed in g and that id rests on, or nil.
func shutBelow(g *storage.Graph, id storage.ID) storage.Node {
	below := g.Below(id)
	i := slices.IndexFunc(below, func(n storage.Node) bool {
		return storage.CanOpen(n) && storage.OpeningOf(n) == nil && !storage.IsPart(n)
	})
	if i < 0 {
		return nil
	}
	return below[i]
}

// resolve finds the node that the line mounts; known is the device if it is known
// without a spec.
func (m *mounter) resolve(l *Line, known storage.ID) {
	e := l.entry
	l.noteDestructive()
	if e.IsBind() || isMemory(e) || isNetwork(e) || e.IsOverlay() {
		return
	}
	id, err := m.names.source(e, known)
	if err != nil {
		m.unresolved(l, err)
		return
	}
	l.Source = id
	m.tellSaved(l)
	switch t := fsType(m.seen, id); {
	case t == "" && len(e.Options.Destructive()) > 0:
		l.end(Refused, Destructive, "%s holds no file system, and the booting system would make one", Describe(m.seen, id))
	case t == "":
		l.end(Failed, WrongType, "%s holds no file system that can be mounted", Describe(m.seen, id))
	case !fitsType(e.Type, t):
		l.end(Failed, WrongType, "fstab says %s, but it is %s", e.Type, Describe(m.seen, id))
	}
}

// unresolved ends a line whose spec leads to no node, by the table of whyRows.
func (m *mounter) unresolved(l *Line, err error) {
	var re *ResolveError
	if !errors.As(err, &re) {
		l.end(Failed, KernelSaid, "internal error: %v", err)
		return
	}
	if re.Why == Absent && l.entry.Options.Has("_netdev") {
		l.end(Skipped, IsNetwork, "its device comes over the network, and is not there")
		return
	}
	for _, row := range whyRows {
		if row.why == re.Why {
			l.end(row.state, row.cause, "%s", re.Text)
			l.Candidates = re.IDs
			return
		}
	}
	l.end(Failed, KernelSaid, "internal error: no row for %q: %s", re.Why, re.Text)
}
