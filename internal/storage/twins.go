package storage

import (
	"fmt"
	"slices"
	"strings"
)

// twinIndex holds the nodes of each identity that more than one node has.
type twinIndex map[ID][]Node

func (g *Graph) twinIndex() twinIndex {
	out := twinIndex{}
	for n := range g.Nodes() {
		out[n.Base().Identity] = append(out[n.Base().Identity], n)
	}
	for identity, nodes := range out {
		if len(nodes) < 2 {
			delete(out, identity)
		}
	}
	return out
}

// words says whose twin n is. The wires of one multipath map are twins by
// nature, and nothing to worry about.
func (t twinIndex) words(g *Graph, n Node) string {
	id := n.Base().ID
	if slices.ContainsFunc(g.Upper(id), func(up Node) bool { return up.Kind() == KindMultipath }) {
		return ""
	}
	var others []string
	for _, twin := range t[n.Base().Identity] {
		if tid := twin.Base().ID; tid != id {
			others = appendNew(others, g.carrierName(twin))
		}
	}
	slices.SortFunc(others, compareNames)
	if n := len(others); n > 3 {
		others = append(others[:2], fmt.Sprintf("%d more", n-2))
	}
	if len(others) == 0 {
		return ""
	}
	return "twin of " + strings.Join(others, ", ")
}

// carrierName is the name of the device that n is, or lies on.
func (g *Graph) carrierName(n Node) string {
	switch n.(type) {
	case *Table, *FileSystem, *Swap, *Opaque, *PV, *Crypt:
		for _, low := range g.Lower(n.Base().ID) {
			return g.carrierName(low)
		}
	}
	return g.ShortName(n.Base().ID)
}
