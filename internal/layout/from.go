package layout

import (
	"cmp"
	"slices"

	"salvor/internal/storage"
)

// Facts is what a layout holds beside the graph, and what the graph does not tell.
type Facts struct {
	Host
	Files   []File // as they are: FromGraph takes the secrets out of them
	Usage   []Usage
	Headers []Header
	// Names are those that a crypttab has for the maps of containers.
	Names map[storage.ID]string
	// Target is the directory that the system is mounted at, if it is not the one that
	// runs: only what is mounted there counts, by its place in the system.
	Target  string
	Exclude []Exclusion
}

// FromGraph makes the layout of the machine that g shows, with its digest, and says
// in sentences what a person should know of it that is not in the layout.
func FromGraph(g *storage.Graph, in Facts) (*Layout, []string) {
	c := newCapture(g, in)
	c.cover()
	l := copied(&Layout{
		Version: Version, Machine: in.Machine, Boot: in.Boot, Network: in.Network, Tools: in.Tools,
		Files: in.Files, Uncovered: c.entries(),
		Headers: keptOf(c, in.Headers, func(h Header) storage.ID { return h.ID }),
		Usage:   keptOf(c, in.Usage, func(u Usage) storage.ID { return u.ID }),
	}, validText)
	l.Storage, l.Mounts = copied(c.storage(), escapeBytes), copied(c.mounts, escapeBytes)
	l.hideSecrets()
	l.sort()
	l.Digest = Digest(l)
	return l, c.notes
}

// capture is a graph on its way to become a layout.
type capture struct {
	g      *storage.Graph
	in     Facts
	live   []storage.Mount       // the mounts of the system, by their place in it
	left   map[storage.ID]string // what is not part of the machine: the reason
	gaps   map[storage.ID]*gap
	loose  []Uncovered // mounts without a node
	mounts []Mount
	notes  []string

	inGroup  map[storage.ID][]*storage.LV   // see volumes
	bySource map[storage.ID][]storage.Mount // see mountsOf
	isNamed  map[storage.ID]bool            // see named
	used     map[int]bool                   // exclusions that meant something
}

func newCapture(g *storage.Graph, in Facts) *capture {
	c := &capture{g: g, in: in, left: map[storage.ID]string{}, gaps: map[storage.ID]*gap{}}
	c.live = systemMounts(g, in.Target)
	c.leaveOut()
	return c
}

// kept yields the nodes that are part of the machine, lower ones first.
func (c *capture) kept(yield func(storage.Node) bool) {
	for n := range c.g.Nodes() {
		if c.left[n.Base().ID] == "" && !yield(n) {
			return
		}
	}
}

// keptOf are the entries of a list that are of nodes of the machine.
func keptOf[T any](c *capture, list []T, id func(T) storage.ID) []T {
	return slices.DeleteFunc(slices.Clone(list), func(e T) bool { return c.g.Node(id(e)) == nil || c.left[id(e)] != "" })
}

// mapName is the name of the map of a container: the one in crypttab comes before
// the one that it has here, which may be of whoever opened it.
func (c *capture) mapName(n *storage.Crypt) string {
	opened := ""
	if n.Open != nil {
		opened = n.Open.Name
	}
	return cmp.Or(c.in.Names[n.ID], nameFrom(n, storage.FromCrypttab), opened)
}
