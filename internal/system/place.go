package system

import (
	"path"
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// place puts every line that is still to be mounted at its point. A line comes
// after those above it, since its point is looked up in what is mounted there,
// and a bound tree after what it is bound from.
func (m *mounter) place() {
	if m.root().State == Planned {
		m.mount(m.root(), "/")
	}
	p := &placer{m: m, wanted: map[string][]*Line{}, natural: map[*Line]string{}, visits: map[*Line]visit{}}
	for _, l := range m.lines[1:] {
		if l.Cause == Garbage || l.entry.IsSwap() {
			continue
		}
		at := m.natural(l.File)
		switch p.natural[l] = at; {
		case l.State == Planned:
			p.wanted[at] = append(p.wanted[at], l)
		case l.Gap():
			m.gaps[at] = l
		}
	}
	for _, l := range m.lines[1:] {
		if l.State == Planned {
			p.visit(l)
		}
	}
}

// placer orders the lines by what they need.
type placer struct {
	m       *mounter
	wanted  map[string][]*Line // by natural
	natural map[*Line]string   // where the booting system, which knows only its root yet, takes the point to be
	visits  map[*Line]visit
}

type visit int

const (
	begun visit = iota + 1
	ended
)

// visit places what the line needs, then the line. Two trees that are bound from
// each other go round in a circle: the line that closes it fails.
func (p *placer) visit(l *Line) {
	if p.visits[l] != 0 {
		return
	}
	p.visits[l] = begun
	defer func() { p.visits[l] = ended }()
	for _, dir := range p.wishes(l) {
		for _, up := range p.wanted[dir] {
			p.visit(up)
		}
	}
	for _, dir := range p.needs(l) {
		for _, up := range p.wanted[dir] {
			if up != l && p.visits[up] == begun {
				p.m.miss(l, p.natural[l], Parent, "it needs %s, which needs it", up.File)
				return
			}
			p.visit(up)
		}
	}
	p.m.placeLine(l, p.natural[l])
}

// needs gives the directories that have to be there before l is placed, upper
// ones first.
func (p *placer) needs(l *Line) []string {
	out := dirsAbove(p.natural[l])
	for _, from := range treesOf(l.entry) {
		from = p.m.natural(from)
		out = append(append(out, dirsAbove(from)...), from)
	}
	return out
}

// treesOf gives the directories of the system that a line shows elsewhere.
func treesOf(e fstab.Entry) []string {
	switch {
	case e.IsBind():
		return []string{e.Spec.Value}
	case e.IsOverlay():
		return layersOf(e).all()
	}
	return nil
}

// wishes gives the directories that are to be there before l if that is possible
// (systemd.mount(5), "x-systemd.requires-mounts-for").
func (p *placer) wishes(l *Line) []string {
	var out []string
	for _, list := range l.entry.Options.All("x-systemd.requires-mounts-for") {
		for _, dir := range strings.Fields(list) {
			at := p.m.natural(dir)
			out = append(append(out, dirsAbove(at)...), at)
		}
	}
	return out
}

// dirsAbove gives the directories above p but for the root, upper ones first.
func dirsAbove(p string) []string {
	var out []string
	for dir := path.Dir(p); dir != "/" && dir != "."; dir = path.Dir(dir) {
		out = append(out, dir)
	}
	slices.Reverse(out)
	return out
}

func (m *mounter) placeLine(l *Line, natural string) {
	if m.endInKernel(l, natural) || m.endBelowGap(l, natural) {
		return
	}
	inside, err := m.inside(l.File)
	if err != nil {
		m.miss(l, natural, NoPoint, "%v", err)
		return
	}
	if m.endInKernel(l, inside) || m.endBelowGap(l, inside) {
		return
	}
	if other := m.at[inside]; other != nil {
		l.end(Skipped, IsDuplicate, "%s leads to the same directory as %s", l.File, other.line.File)
		return
	}
	m.mount(l, inside)
}

// miss fails a line, and with it what lies below.
func (m *mounter) miss(l *Line, inside string, c Cause, format string, args ...any) {
	l.end(Failed, c, format, args...)
	m.gaps[inside] = l
}

// endInKernel skips a line whose point lies, by symbolic links, where the running
// system is shown.
func (m *mounter) endInKernel(l *Line, inside string) bool {
	if !isKernelPath(inside) {
		return false
	}
	l.end(Skipped, IsKernel, "%s leads to %s, where the running system is shown", l.File, inside)
	return true
}

// endBelowGap fails a line that lies below one that cannot be mounted.
func (m *mounter) endBelowGap(l *Line, inside string) bool {
	gap := m.gapAbove(inside)
	if gap == nil {
		return false
	}
	m.miss(l, inside, Parent, "it lies below %s, which cannot be mounted", gap.File)
	return true
}

func (m *mounter) gapAbove(inside string) *Line {
	if m.root().Gap() && m.at["/"] == nil {
		return m.root()
	}
	for _, dir := range dirsAbove(inside) {
		if gap := m.gaps[dir]; gap != nil {
			return gap
		}
	}
	return nil
}

// mount adds the mount of a line whose point inside the target is known.
func (m *mounter) mount(l *Line, inside string) {
	l.Point = path.Join(m.req.Target, inside)
	mnt := storage.Mount{Point: l.Point, Under: m.req.Target, Source: l.Source, Root: "/", Options: mountOptions(l.entry.Options)}
	mnt.ReadOnly = m.req.ReadOnly || readOnly(l.entry.Options)
	if inside == "/" {
		mnt.Under = ""
	}
	switch {
	case inside == "/":
		m.device(l, &mnt)
	case l.entry.IsBind():
		if !m.bind(l, inside, &mnt) {
			return
		}
	case isMemory(l.entry):
		mnt.Type, mnt.Root, mnt.ReadOnly = l.entry.Type, "", readOnly(l.entry.Options)
	case l.entry.IsOverlay():
		if !m.overlay(l, inside, &mnt) {
			return
		}
	case isNetwork(l.entry):
		m.network(l, &mnt)
	default:
		m.device(l, &mnt)
	}
	m.add(l, inside, mnt)
}

// add takes the mount up unless something else stands in its way. What is there
// already as it should be stays as it is.
func (m *mounter) add(l *Line, inside string, mnt storage.Mount) {
	now := m.standing.at(mnt.Point)
	switch {
	case now != nil && isSame(*now, mnt):
		l.State = Already
		if now.ReadOnly != mnt.ReadOnly && mnt.Source != "" {
			l.note("it is mounted read-%s there, which is left so", readWord(now.ReadOnly))
		}
	case now != nil:
		m.miss(l, inside, IsBusy, "something else is mounted at %s", mnt.Point)
		return
	case m.standing.below(mnt.Point) != "":
		m.miss(l, inside, IsBusy, "it would hide what is mounted at %s", m.standing.below(mnt.Point))
		return
	}
	p := &placed{l, mnt}
	m.at[inside], m.order = p, append(m.order, p)
}

func isSame(now, want storage.Mount) bool {
	if now.Source != want.Source || strings.Trim(now.Root, "/") != strings.Trim(want.Root, "/") {
		return false
	}
	// A bound tree without a node is seen with the type of its file system.
	return want.Source != "" || want.Bind != "" || now.Type == want.Type || want.Remote != "" && now.Remote == want.Remote
}

func readWord(readOnly bool) string {
	if readOnly {
		return "only"
	}
	return "write"
}

// standing is what is mounted now.
type standing struct {
	points map[string]*storage.Mount
	above  map[string]string // directory → a point below it
}

func newStanding(g *storage.Graph) standing {
	s := standing{map[string]*storage.Mount{}, map[string]string{}}
	for i := range g.Mounts { // the last one at a point is the one that is seen
		mnt := &g.Mounts[i]
		s.points[mnt.Point] = mnt
		for _, dir := range dirsAbove(mnt.Point) {
			s.above[dir] = mnt.Point
		}
	}
	return s
}

func (s standing) at(point string) *storage.Mount { return s.points[point] }
func (s standing) below(point string) string      { return s.above[point] }
