package storage

import (
	"fmt"
	"strings"
)

// DOT draws the graph in Graphviz's language: the disks at the bottom and what
// lies on them above, so that it reads like the stack it is. Equal graphs give
// equal bytes.
func (g *Graph) DOT() string {
	var b strings.Builder
	b.WriteString("digraph storage {\n\trankdir=BT;\n")
	b.WriteString("\tnode [fontname=\"sans-serif\", fontsize=10, style=filled, fillcolor=white, shape=box];\n")
	b.WriteString("\tedge [color=gray40];\n")
	mounts := map[ID][]Mount{}
	for _, m := range g.Mounts {
		mounts[m.Source] = append(mounts[m.Source], m)
	}
	twins := g.twinIndex()
	for n := range g.Nodes() {
		trouble := g.TroubleOf(n)
		if w := twins.words(g, n); w != "" {
			trouble = append(trouble, w)
		}
		label := g.dotLabel(n, trouble, mounts[n.Base().ID])
		fmt.Fprintf(&b, "\t%s [label=%s, shape=%s, fillcolor=%s%s];\n", dotQuote(string(n.Base().ID)), label,
			dotShape(n.Kind()), dotColor(n, len(trouble) > 0, len(mounts[n.Base().ID]) > 0), dotStyle(n))
	}
	for n := range g.Nodes() {
		for _, low := range n.Base().On {
			fmt.Fprintf(&b, "\t%s -> %s;\n", dotQuote(string(low)), dotQuote(string(n.Base().ID)))
		}
	}
	b.WriteString("}\n")
	return b.String()
}

func (g *Graph) dotLabel(n Node, trouble []string, mounts []Mount) string {
	lines := []string{g.ShortName(n.Base().ID), g.Describe(n)}
	if strings.HasPrefix(lines[1], lines[0]) { // "ext4" and `ext4 "root"`
		lines = lines[1:]
	}
	if size := n.Base().Size; size > 0 {
		lines[0] += "  " + HumanSize(size)
	}
	if state := append(trouble, g.StateOf(n)...); len(state) > 0 {
		lines = append(lines, strings.Join(state, ", "))
	}
	for _, m := range mounts {
		lines = append(lines, "on "+describeMount(n, m))
	}
	for i, l := range lines {
		lines[i] = dotEscape(l)
	}
	return `"` + strings.Join(lines, `\n`) + `"`
}

func dotShape(k Kind) string {
	switch k {
	case KindImage:
		return "tab"
	case KindDisk:
		return "cylinder"
	case KindTable, KindPartition:
		return "box"
	case KindMD, KindMultipath, KindBcache, KindBcacheSet:
		return "box3d"
	case KindPV, KindVG, KindLV:
		return "component"
	case KindCrypt:
		return "octagon"
	case KindFileSystem, KindSubvolume:
		return "folder"
	case KindSwap:
		return "note"
	default:
		return "plain"
	}
}

// dotColor: trouble is seen first, then what is in use, then what is closed.
func dotColor(n Node, trouble, isMounted bool) string {
	switch {
	case n.Base().Is(Locked):
		return "lightsalmon"
	case trouble:
		return "gold"
	case isMounted:
		return "palegreen"
	case CanOpen(n) && OpeningOf(n) == nil:
		return "gray90"
	default:
		return "white"
	}
}

func dotStyle(n Node) string {
	if n.Base().Is(Missing) {
		return `, style="filled,dashed"`
	}
	return ""
}

func dotQuote(s string) string { return `"` + dotEscape(Printable(s)) + `"` }

// dotEscape makes text safe inside a quoted string. Backslashes are doubled:
// in labels they begin escapes such as \N (graphviz.org/docs/attr-types/escString).
func dotEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)
}
