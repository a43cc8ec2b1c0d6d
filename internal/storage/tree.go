package storage

import (
	"cmp"
	"slices"
)

// TreeOptions say how a graph is drawn for people.
type TreeOptions struct {
	ASCII bool // ASCII branches, for a serial console
	IDs   bool // the ID of every node
	All   bool // also hidden volumes, the top level of a btrfs, and every read-only snapshot
	Width int  // columns to keep within where that is possible; 0 means 110
}

// TreeLine is one line of the tree: a node together with the content that has no
// device of its own (a table, a file system, a PV), since people think of the
// two as one thing.
type TreeLine struct {
	Prefix  string // branches before Name
	Under   string // branches before what is written below the line
	Nodes   []ID   // what the line is about, the device first; none for "37 more"
	Name    string
	Kind    Kind // of the first node
	Size    string
	What    string
	Trouble []string // what a rescuer has to know: degraded, locked, a twin, …
	State   []string // open, closed, read-only, …
	Mounts  []string // "/mnt/local/home (read-only)"
	Notes   []string
}

// branches are what the tree is drawn with.
type branches struct{ tee, corner, bar, gap, arrow, dots string }

var (
	lineBranches  = branches{"├─ ", "└─ ", "│  ", "   ", "→ ", "…"}
	asciiBranches = branches{"|- ", "`- ", "|  ", "   ", "-> ", "..."}
)

// Tree draws the graph for people: the disks, and below each what lies on it. A
// node that lies on several is drawn once, under the first of them.
func (g *Graph) Tree(opt TreeOptions) string {
	return RenderTree(g.TreeLines(opt), g.Notes, opt, nil)
}

// TreeLines gives the lines of Tree, to be rendered with colours or otherwise.
func (g *Graph) TreeLines(opt TreeOptions) []TreeLine {
	w := &treeWalk{g: g, opt: opt, branch: lineBranches, drawn: map[ID]bool{}, home: map[ID]ID{}, guests: map[ID][]Node{},
		mounts: map[ID][]Mount{}, twins: g.twinIndex()}
	if opt.ASCII {
		w.branch = asciiBranches
	}
	for _, m := range g.Mounts {
		w.mounts[m.Source] = append(w.mounts[m.Source], m)
	}
	w.house()
	for _, n := range w.roots() {
		w.draw(n, "", "")
	}
	return w.lines
}

// treeWalk draws nodes from the roots upwards.
type treeWalk struct {
	g      *Graph
	opt    TreeOptions
	branch branches
	drawn  map[ID]bool
	home   map[ID]ID     // nodes that are drawn elsewhere than on what they lie on: LVs in their VG
	guests map[ID][]Node // the reverse
	mounts map[ID][]Mount
	twins  twinIndex
	lines  []TreeLine
}

// house finds the homes: an LV is drawn in its thin pool or its volume group, a
// missing PV in its volume group. Hidden volumes are drawn nowhere.
func (w *treeWalk) house() {
	for n := range w.g.Nodes() {
		if lv, ok := n.(*LV); ok && lv.Internal && !w.opt.All {
			w.drawn[lv.ID] = true
		}
		if home, id := w.homeOf(n), n.Base().ID; w.g.nodes[home] != nil && home != id {
			w.home[id] = home
			w.guests[home] = append(w.guests[home], n)
		}
	}
}

func (w *treeWalk) homeOf(n Node) ID {
	switch n := n.(type) {
	case *LV:
		if pool, ok := w.g.nodes[n.Pool].(*LV); ok && (!pool.Internal || w.opt.All) {
			return n.Pool
		}
		return n.Group
	case *PV:
		for _, up := range w.g.Upper(n.ID) {
			if up.Kind() == KindVG && n.Is(Missing) && len(n.On) == 0 {
				return up.Base().ID
			}
		}
	}
	return ""
}

// roots gives the disks by name, then whatever lies on nothing, then all else:
// draw leaves out what was drawn by then.
func (w *treeWalk) roots() []Node {
	var disks, bare, groups, rest []Node
	for n := range w.g.Nodes() {
		switch _, guest := w.home[n.Base().ID]; {
		case n.Kind() == KindDisk:
			disks = append(disks, n)
		case len(n.Base().On) == 0 && !guest:
			bare = append(bare, n)
		case n.Kind() == KindVG: // before its missing PVs
			groups = append(groups, n)
		default:
			rest = append(rest, n)
		}
	}
	w.sort(disks)
	return slices.Concat(disks, bare, groups, rest)
}

// draw draws n and all above it; a root that is drawn already is left out.
func (w *treeWalk) draw(n Node, prefix, under string) {
	if w.drawn[n.Base().ID] {
		if prefix != "" {
			w.lines = append(w.lines, TreeLine{Prefix: prefix, Under: under + w.branch.gap, Nodes: []ID{n.Base().ID}, Kind: n.Kind(),
				Name: w.branch.arrow + w.name(n), What: "(see above)"})
		}
		return
	}
	line := w.line(n)
	kids, more := w.kids(line.Nodes)
	line.Prefix, line.Under = prefix, under+w.branch.gap
	if len(kids) > 0 || more > 0 {
		line.Under = under + w.branch.bar
	}
	w.lines = append(w.lines, line)
	for i, kid := range kids {
		if i == len(kids)-1 && more == 0 {
			w.draw(kid, under+w.branch.corner, under+w.branch.gap)
		} else {
			w.draw(kid, under+w.branch.tee, under+w.branch.bar)
		}
	}
	if more > 0 {
		w.lines = append(w.lines, TreeLine{Prefix: under + w.branch.corner, Under: under + w.branch.gap, Name: w.branch.dots,
			Kind: KindSubvolume, What: count(more, "more read-only snapshot")})
	}
}

// line makes the line of n with the content that is folded into it.
func (w *treeWalk) line(n Node) TreeLine {
	line := TreeLine{Name: w.name(n), Kind: n.Kind(), What: w.g.Describe(n)}
	if size := n.Base().Size; size > 0 {
		line.Size = HumanSize(size)
	}
	w.fill(&line, n)
	for _, low := range w.g.Lower(n.Base().ID) { // the line of its device names the file
		if i, ok := low.(*Image); ok && !w.drawn[i.ID] {
			w.drawn[i.ID] = true
			line.Nodes = append(line.Nodes, i.ID)
		}
	}
	if c := w.content(n); c != nil {
		line.What += ": " + w.g.Describe(c)
		w.fill(&line, c)
	}
	return line
}

func (w *treeWalk) fill(line *TreeLine, n Node) {
	id := n.Base().ID
	w.drawn[id] = true
	line.Nodes = append(line.Nodes, id)
	line.Trouble = appendNew(line.Trouble, w.g.TroubleOf(n)...)
	if twins := w.twins.words(w.g, n); twins != "" {
		line.Trouble = appendNew(line.Trouble, twins)
	}
	line.State = appendNew(line.State, w.g.StateOf(n)...)
	for _, m := range w.mounts[id] {
		line.Mounts = append(line.Mounts, describeMount(n, m))
	}
	for _, note := range n.Base().Notes {
		line.Notes = append(line.Notes, Printable(note))
	}
}

// name is the short name, and for a file system of several devices its label.
func (w *treeWalk) name(n Node) string {
	name := w.g.ShortName(n.Base().ID)
	if fs, ok := n.(*FileSystem); ok && fs.Label != "" {
		name += " " + quoted(fs.Label)
	}
	return name
}

// content gives what is folded into the line of n: the only thing on it, if that
// has no device of its own and lies on nothing else.
func (w *treeWalk) content(n Node) Node {
	up := w.upper(n)
	if len(up) != 1 || len(up[0].Base().On) != 1 || w.drawn[up[0].Base().ID] {
		return nil
	}
	switch up[0].(type) {
	case *Table, *FileSystem, *Swap, *Opaque, *PV:
		return up[0]
	}
	return nil
}

// upper gives what is drawn on n because it lies on it.
func (w *treeWalk) upper(n Node) []Node {
	return slices.DeleteFunc(w.g.Upper(n.Base().ID), func(up Node) bool {
		_, elsewhere := w.home[up.Base().ID]
		return elsewhere
	})
}

// kids gives what is drawn below a line, and how many snapshots are not.
func (w *treeWalk) kids(ids []ID) (kids []Node, more int) {
	for _, id := range ids {
		n := w.g.nodes[id]
		for _, up := range w.upper(n) {
			folded := slices.Contains(ids, up.Base().ID)
			missing := n.Base().Is(Missing) && w.drawn[up.Base().ID]
			if !folded && !missing && !w.dull(up) {
				kids = append(kids, up)
			}
		}
		for _, guest := range w.guests[id] {
			if lv, ok := guest.(*LV); !ok || !lv.Internal || w.opt.All {
				kids = append(kids, guest)
			}
		}
	}
	w.sort(kids)
	return w.fewSnapshots(kids)
}

// dull tells the top level of a btrfs that is not mounted and has nothing to say.
func (w *treeWalk) dull(n Node) bool {
	s, ok := n.(*Subvolume)
	if !ok || s.Path != "" || !w.isQuiet(s) || w.opt.All {
		return false
	}
	w.drawn[s.ID] = true
	return true
}

// manySnapshots is how many read-only snapshots of one file system are drawn; a
// machine with snapper or timeshift has hundreds.
const manySnapshots = 3

func (w *treeWalk) fewSnapshots(kids []Node) (few []Node, more int) {
	var quiet []ID
	for _, n := range kids {
		if s, ok := n.(*Subvolume); ok && s.Frozen && w.isQuiet(s) {
			quiet = append(quiet, s.ID)
		} else {
			few = append(few, n)
		}
	}
	if w.opt.All || len(quiet) <= manySnapshots {
		return kids, 0
	}
	for _, id := range quiet {
		w.drawn[id] = true
	}
	return few, len(quiet)
}

// isQuiet: nothing is to be said of it but that it is there.
func (w *treeWalk) isQuiet(s *Subvolume) bool {
	return len(w.mounts[s.ID])+len(w.g.upper[s.ID])+len(s.Health)+len(s.Notes) == 0
}

// sort puts nodes into the order in which people expect them.
func (w *treeWalk) sort(nodes []Node) {
	slices.SortStableFunc(nodes, func(a, b Node) int {
		pa, oka := a.(*Partition)
		pb, okb := b.(*Partition)
		if oka && okb {
			return cmp.Or(cmp.Compare(pa.Number, pb.Number), cmp.Compare(pa.ID, pb.ID))
		}
		return cmp.Or(compareNames(w.g.ShortName(a.Base().ID), w.g.ShortName(b.Base().ID)), cmp.Compare(a.Base().ID, b.Base().ID))
	})
}

func appendNew(to []string, add ...string) []string {
	for _, s := range add {
		if !slices.Contains(to, s) {
			to = append(to, s)
		}
	}
	return to
}
