package system

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	"salvor/internal/storage"
)

// Describe names nodes so that a person recognises them: what it is, how it is
// called, on which disk it lies. The text is fit for a terminal.
func Describe(g *storage.Graph, ids ...storage.ID) string {
	var out []string
	for _, id := range ids {
		out = append(out, storage.Printable(describe(g, id)))
	}
	return strings.Join(out, ", ")
}

// describeSome describes the first few and counts the rest.
func describeSome(g *storage.Graph, ids []storage.ID) string {
	const most = 6
	if len(ids) <= most {
		return Describe(g, ids...)
	}
	return fmt.Sprintf("%s and %d more", Describe(g, ids[:most-1]...), len(ids)-most+1)
}

func describe(g *storage.Graph, id storage.ID) string {
	n := g.Node(id)
	if n == nil {
		return string(id)
	}
	what, where := string(n.Kind()), ""
	switch n := n.(type) {
	case *storage.FileSystem:
		what, where = n.Type, carrierName(g, n)
	case *storage.Subvolume:
		what = fmt.Sprintf("subvolume %q", n.Path)
		for _, fs := range g.Lower(id) {
			where = carrierName(g, fs)
		}
	case *storage.Swap:
		what, where = "swap", carrierName(g, n)
	case *storage.Crypt:
		what, where = strings.ToUpper(n.Format), carrierName(g, n)
	case *storage.LV:
		what, where = "volume", n.VG+"/"+n.Name
	case *storage.VG:
		what, where = "volume group", n.Name
	case *storage.MD:
		what, where = strings.ToUpper(n.Level), cmp.Or(n.Name, n.UUID)
	default:
		where = shortName(n)
	}
	return what + " on " + cmp.Or(where, string(id))
}

// carrierName is the name of the device that n lies on.
func carrierName(g *storage.Graph, n storage.Node) string {
	for _, low := range g.Lower(n.Base().ID) {
		if lv, ok := low.(*storage.LV); ok {
			return lv.VG + "/" + lv.Name
		}
		if c, ok := low.(*storage.Crypt); ok && c.Open == nil {
			continue
		}
		if name := shortName(low); name != "" {
			return name
		}
	}
	return ""
}

func shortName(n storage.Node) string {
	p := n.Base().Path()
	if p == "" {
		return ""
	}
	return path.Base(p)
}
