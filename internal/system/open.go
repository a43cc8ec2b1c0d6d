package system

import (
	"fmt"
	"slices"
	"strings"

	"salvor/internal/storage"
)

// overlayPrefix begins the device-mapper names of salvor's stand-ins.
const overlayPrefix = "salvor-cow-"

// Way is how far opening may go.
type Way struct {
	// ReadOnly: nothing may reach a disk. What cannot be opened read-only is
	// reached through copy-on-write stand-ins of the devices below it.
	ReadOnly bool
	// Overlays says whether the machine can make stand-ins (device-mapper).
	Overlays bool
	// Unlock names the containers to open, with their map names.
	Unlock map[storage.ID]string
	// Only restricts opening to these nodes and what they rest on; nil means all
	// that opens without a key.
	Only []storage.ID
	// Leave names nodes that are not to be opened: they failed before.
	Leave map[storage.ID]bool
}

// Opened gives the graph in which everything is open that can be opened the way
// it is asked for. What is open already stays as it is.
func Opened(have *storage.Graph, way Way) *storage.Graph {
	o := &opener{g: have.Clone(), way: way, only: map[storage.ID]bool{}}
	for _, id := range way.Only {
		o.only[id] = true
		for _, low := range have.Below(id) {
			o.only[low.Base().ID] = true
		}
	}
	for n := range have.Nodes() { // lower nodes come first
		id := n.Base().ID
		if (way.Only == nil || o.only[id]) && !way.Leave[id] {
			o.open(o.g.Node(id))
		}
	}
	return o.g
}

type opener struct {
	g    *storage.Graph
	way  Way
	only map[storage.ID]bool
}

// open opens n if that is possible; it reports nothing, the next probe tells.
func (o *opener) open(n storage.Node) {
	if !storage.CanOpen(n) || storage.OpeningOf(n) != nil || storage.IsPart(n) || !o.ready(n) || n.Base().Is(storage.Incomplete) {
		return
	}
	switch n := n.(type) {
	case *storage.MD:
		n.Open = &storage.Opening{Name: o.freeName("md", mdWish(n)), ReadOnly: o.way.ReadOnly}
	case *storage.LV:
		o.openLV(n)
	case *storage.Crypt:
		if name, ok := o.way.Unlock[n.ID]; ok {
			n.Open = &storage.Opening{Name: name, ReadOnly: o.way.ReadOnly}
		}
	case *storage.Multipath:
		n.Open = &storage.Opening{}
	case *storage.Bcache:
		if o.standIns(o.g.Below(n.ID)) {
			n.Open = &storage.Opening{Name: o.freeName("bcache", 0)}
		}
	}
	if as := storage.OpeningOf(n); as != nil {
		n.Base().ReadOnly = as.ReadOnly
	}
}

// ready: all that n rests on is open.
func (o *opener) ready(n storage.Node) bool {
	for _, low := range o.g.Below(n.Base().ID) {
		if storage.CanOpen(low) && storage.OpeningOf(low) == nil && !storage.IsPart(low) {
			return false
		}
		if low.Base().Is(storage.Missing) && !n.Base().Is(storage.Degraded) {
			return false
		}
	}
	return true
}

// openLV opens a volume read-only by its table where its layout allows that,
// else through stand-ins: activating a thin pool, a cache, a mirror or a
// snapshot writes to its metadata.
func (o *opener) openLV(lv *storage.LV) {
	vg := o.g.Node(lv.Group)
	if vg == nil {
		return
	}
	if o.way.ReadOnly && !opensReadOnly(o.g, lv) {
		var carriers []storage.Node
		for _, pv := range o.g.Lower(vg.Base().ID) {
			carriers = append(carriers, o.g.Lower(pv.Base().ID)...)
		}
		if !o.standIns(carriers) {
			return
		}
		lv.Open = &storage.Opening{} // writes end in memory
		return
	}
	lv.Open = &storage.Opening{ReadOnly: o.way.ReadOnly}
}

func opensReadOnly(g *storage.Graph, lv *storage.LV) bool {
	if lv.Origin != "" || lv.Pool != "" || isOrigin(g, lv) {
		return false
	}
	return lv.Layout == "linear" || lv.Layout == "striped"
}

// isOrigin: activating the origin of a snapshot activates the snapshot too.
func isOrigin(g *storage.Graph, lv *storage.LV) bool {
	for other := range storage.All[*storage.LV](g) {
		if other.Origin == lv.ID && other.Pool == "" {
			return true
		}
	}
	return false
}

// standIns puts a stand-in before each device among nodes. It reports false when
// that cannot be done; opening for real needs none.
func (o *opener) standIns(nodes []storage.Node) bool {
	if !o.way.ReadOnly {
		return true
	}
	if !o.way.Overlays {
		return false
	}
	for _, n := range nodes {
		switch n.(type) {
		case *storage.Disk, *storage.Partition, *storage.MD, *storage.Crypt, *storage.Multipath, *storage.LV:
			if carriesDirectly(o.g, n) {
				AddOverlay(n)
			}
		}
	}
	return true
}

// carriesDirectly: something other than a partition table or another layer of
// the same stack lies on the device itself.
func carriesDirectly(g *storage.Graph, n storage.Node) bool {
	return !slices.ContainsFunc(g.Upper(n.Base().ID), func(up storage.Node) bool {
		return up.Kind() == storage.KindTable || up.Kind() == storage.KindMD || up.Kind() == storage.KindCrypt || up.Kind() == storage.KindLV
	})
}

// AddOverlay gives n a stand-in, named after what n is. A device-mapper name has
// at most 127 bytes and no slash.
func AddOverlay(n storage.Node) {
	if n.Base().Overlay != nil {
		return
	}
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_' {
			return r
		}
		return '-'
	}, string(n.Base().ID))
	if len(name) > 100 {
		name = name[:100]
	}
	n.Base().Overlay = &storage.Opening{Name: overlayPrefix + name}
}

// mdWish is the number that an array's name asks for ("host:0" → 0), or -1.
func mdWish(md *storage.MD) int {
	number := -1
	name := md.Name[strings.LastIndexByte(md.Name, ':')+1:]
	if _, err := fmt.Sscanf(name, "%d", &number); err != nil || fmt.Sprint(number) != name || number > 511 {
		return -1
	}
	return number
}

// freeName gives a kernel name with a number that nothing uses: the wished one,
// else the next free one. Arrays count down from 127 as mdadm does, so that the
// low numbers stay free for those that ask for them.
func (o *opener) freeName(prefix string, wish int) string {
	step, at := 1, wish
	if prefix == "md" && wish < 0 {
		step, at = -1, 127
	}
	for ; at >= 0; at += step {
		if name := fmt.Sprintf("%s%d", prefix, at); !o.taken(name) {
			return name
		}
	}
	return prefix + "128"
}

func (o *opener) taken(name string) bool {
	for n := range o.g.Nodes() {
		if as := storage.OpeningOf(n); as != nil && (as.Name == name || n.Base().HasName("/dev/"+name)) {
			return true
		}
	}
	return false
}
