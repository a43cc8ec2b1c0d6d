package cli

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"salvor/internal/storage"
)

// The drawing is made here and not by Graphviz: its Go library compiles a
// WebAssembly program whenever a program that it is linked into starts, and keeps
// the machine code under a fixed name in /tmp, from where root would run it
// (goccy/go-graphviz 0.2.10, internal/wasm/bind.go, getCompilationCache). A stack
// of storage is nearly a tree, which needs no Graphviz; probe --dot is for those
// who have it.

// Measures of the drawing in pixels. Widths of text are estimated, since the font
// is the viewer's.
const (
	svgLine, svgGlyph    = 15, 6.6
	svgPad, svgGap       = 8, 8
	svgBetween, svgFrame = 48, 16
)

// svgBox is a node in the drawing.
type svgBox struct {
	node          storage.Node
	lines         []string
	kids          []*svgBox // what is drawn beside it, because it lies on it first
	column        int
	width, height float64
	block         float64 // height that it takes together with its kids
	x, y          float64
}

// svgDrawing places boxes in columns: the disks at the left, and what lies on them
// to the right of it.
type svgDrawing struct {
	g      *storage.Graph
	boxes  map[storage.ID]*svgBox
	widths []float64 // of the columns
	height float64
}

// drawSVG draws the graph.
func drawSVG(g *storage.Graph) []byte { return layOut(g).write() }

// layOut gives every node its place.
func layOut(g *storage.Graph) *svgDrawing {
	d := &svgDrawing{g: g, boxes: map[storage.ID]*svgBox{}}
	var roots []*svgBox
	for n := range g.Nodes() {
		d.boxes[n.Base().ID] = d.box(n)
	}
	for n := range g.Nodes() {
		b := d.boxes[n.Base().ID]
		if home := d.home(n); home != nil {
			home.kids = append(home.kids, b)
		} else {
			roots = append(roots, b)
		}
	}
	d.place(roots)
	return d
}

// home is the box that the node is drawn beside: the thin pool or the volume group
// of a volume, else the first that it lies on.
func (d *svgDrawing) home(n storage.Node) *svgBox {
	homes := n.Base().On[:min(1, len(n.Base().On))]
	if lv, ok := n.(*storage.LV); ok {
		homes = append([]storage.ID{lv.Pool, lv.Group}, homes...)
	}
	for _, id := range homes {
		if b := d.boxes[id]; b != nil {
			return b
		}
	}
	return nil
}

func (d *svgDrawing) box(n storage.Node) *svgBox {
	b := &svgBox{node: n, lines: svgText(d.g, n)}
	for _, l := range b.lines {
		b.width = max(b.width, float64(storage.TextWidth(l))*svgGlyph+2*svgPad)
	}
	b.height = float64(len(b.lines)*svgLine + svgPad)
	return b
}

func svgText(g *storage.Graph, n storage.Node) []string {
	name, what := g.ShortName(n.Base().ID), g.Describe(n)
	if strings.HasPrefix(what, name) { // "ext4" and `ext4 "root"`
		name, what = what, ""
	}
	if size := n.Base().Size; size > 0 {
		name += "  " + storage.HumanSize(size)
	}
	lines := []string{name, what, strings.Join(append(g.TroubleOf(n), g.StateOf(n)...), ", ")}
	for _, m := range g.Mounts {
		if m.Source == n.Base().ID {
			lines = append(lines, "on "+storage.Printable(m.Point))
		}
	}
	return slices.DeleteFunc(lines, func(l string) bool { return l == "" })
}

// place gives every box its place.
func (d *svgDrawing) place(roots []*svgBox) {
	for _, b := range roots {
		d.measure(b, 0)
	}
	y := float64(svgFrame)
	for _, b := range roots {
		d.put(b, y)
		y += b.block + svgGap
	}
	d.height = y - svgGap + svgFrame
	for _, b := range d.boxes {
		b.x = d.left(b.column)
	}
}

// measure finds the column of b and how much room b and its kids need.
func (d *svgDrawing) measure(b *svgBox, column int) {
	b.column = column
	if column == len(d.widths) {
		d.widths = append(d.widths, 0)
	}
	d.widths[column] = max(d.widths[column], b.width)
	slices.SortStableFunc(b.kids, func(x, y *svgBox) int { return cmp.Compare(partNumber(x.node), partNumber(y.node)) })
	for i, kid := range b.kids {
		d.measure(kid, column+1)
		if i > 0 {
			b.block += svgGap
		}
		b.block += kid.block
	}
	b.block = max(b.block, b.height)
}

func partNumber(n storage.Node) int {
	if p, ok := n.(*storage.Partition); ok {
		return p.Number
	}
	return 0
}

// put places b in the middle of its block that begins at y, and its kids beside it.
func (d *svgDrawing) put(b *svgBox, y float64) {
	b.y = y + (b.block-b.height)/2
	kids := -float64(svgGap)
	for _, kid := range b.kids {
		kids += kid.block + svgGap
	}
	y += max(0, (b.block-kids)/2)
	for _, kid := range b.kids {
		d.put(kid, y)
		y += kid.block + svgGap
	}
}

// left is where a column begins.
func (d *svgDrawing) left(column int) float64 {
	x := float64(svgFrame)
	for _, w := range d.widths[:column] {
		x += w + svgBetween
	}
	return x
}

func (d *svgDrawing) write() []byte {
	var b strings.Builder
	width := d.left(len(d.widths)) - svgBetween + svgFrame
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" font-family="sans-serif" font-size="11">`+"\n", max(width, 1), max(d.height, 1))
	for n := range d.g.Nodes() {
		up := d.boxes[n.Base().ID]
		if home := d.home(n); home != nil {
			b.WriteString(svgEdge(home, up))
		}
		if n.Kind() == storage.KindLV {
			continue // that it lies on all PVs of its group goes without saying
		}
		for _, low := range n.Base().On {
			if d.boxes[low] != d.home(n) {
				b.WriteString(svgEdge(d.boxes[low], up))
			}
		}
	}
	for n := range d.g.Nodes() {
		b.WriteString(d.boxes[n.Base().ID].svg(d.g))
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

// svgEdge is a line from what is below to what lies on it.
func svgEdge(low, up *svgBox) string {
	x1, y1, x2, y2 := low.x+low.width, low.y+low.height/2, up.x, up.y+up.height/2
	mid := (x1 + x2) / 2
	return fmt.Sprintf(`<path d="M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f" fill="none" stroke="#888"/>`+"\n", x1, y1, mid, y1, mid, y2, x2, y2)
}

func (b *svgBox) svg(g *storage.Graph) string {
	var out strings.Builder
	dash := ""
	if b.node.Base().Is(storage.Missing) {
		dash = ` stroke-dasharray="4 3"`
	}
	fmt.Fprintf(&out, `<g><title>%s</title><rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="3" fill="%s" stroke="#444"%s/>`,
		svgEscape(string(b.node.Base().ID)), b.x, b.y, b.width, b.height, svgColour(g, b.node), dash)
	for i, l := range b.lines {
		weight := ""
		if i == 0 {
			weight = ` font-weight="bold"`
		}
		fmt.Fprintf(&out, `<text x="%.1f" y="%.1f"%s>%s</text>`, b.x+svgPad, b.y+float64((i+1)*svgLine), weight, svgEscape(l))
	}
	out.WriteString("</g>\n")
	return out.String()
}

// svgColour: trouble is seen first, then what is in use, then what is closed.
func svgColour(g *storage.Graph, n storage.Node) string {
	mounted := slices.ContainsFunc(g.Mounts, func(m storage.Mount) bool { return m.Source == n.Base().ID })
	switch {
	case n.Base().Is(storage.Locked):
		return "#ffb59b"
	case len(g.TroubleOf(n)) > 0:
		return "#ffe08a"
	case mounted:
		return "#b9f2b4"
	case storage.CanOpen(n) && storage.OpeningOf(n) == nil:
		return "#e6e6e6"
	default:
		return "white"
	}
}

func svgEscape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(storage.Printable(text))) // a Builder does not fail
	return b.String()
}
