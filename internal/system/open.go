package system

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"salvor/internal/storage"
)

// Way is how far opening may go.
type Way struct {
	// ReadOnly: nothing may reach a disk. What cannot be opened read-only is
	// reached through copy-on-write stand-ins of the devices below it.
	ReadOnly bool
	// Overlays says whether the machine can make stand-ins (device-mapper).
	Overlays bool
	// Unlock names the containers to open, with their map names.
	Unlock map[storage.ID]string
	// Attach names free devices ("loop64") for images.
	Attach map[storage.ID]string
	// Only restricts opening to these nodes and what they rest on; nil means all
	// that opens without a key.
	Only []storage.ID
	// Leave names nodes that are not to be opened: they failed before.
	Leave map[storage.ID]bool
}

// Opened gives the graph in which everything is open that can be opened the way
// it is asked for. What is open already stays as it is.
func Opened(have *storage.Graph, way Way) *storage.Graph {
	o := &opener{have: have, g: have.Clone(), way: way, taken: map[string]storage.ID{}, origins: map[storage.ID]bool{}}
	for n := range have.Nodes() {
		o.learn(n)
	}
	only := o.only(have)
	for n := range have.Nodes() { // lower nodes come first
		id := n.Base().ID
		if (way.Only == nil || only[id]) && !way.Leave[id] {
			o.open(o.g.Node(id))
		}
	}
	return o.g
}

type opener struct {
	have, g *storage.Graph
	way     Way
	taken   map[string]storage.ID // device names in use, and by what
	origins map[storage.ID]bool   // volumes that have a snapshot
}

// learn notes what names are in use, and whose snapshots there are.
func (o *opener) learn(n storage.Node) {
	for _, name := range n.Base().Names {
		if name.Origin != storage.FromMetadata {
			o.taken[name.Path] = n.Base().ID
		}
	}
	if as := storage.OpeningOf(n); as != nil && as.Name != "" {
		o.taken["/dev/"+as.Name] = n.Base().ID
	}
	if lv, ok := n.(*storage.LV); ok && lv.Origin != "" && lv.Pool == "" {
		o.origins[lv.Origin] = true
	}
}

// only gives the nodes that way.Only allows.
func (o *opener) only(have *storage.Graph) map[storage.ID]bool {
	out := map[storage.ID]bool{}
	for _, id := range o.way.Only {
		if out[id] {
			continue
		}
		out[id] = true
		for _, low := range have.Below(id) {
			out[low.Base().ID] = true
		}
	}
	return out
}

// open opens n if that is possible; it reports nothing, the next probe tells.
func (o *opener) open(n storage.Node) {
	if !storage.CanOpen(n) || storage.OpeningOf(n) != nil || storage.IsPart(n) || n.Base().Is(storage.Incomplete) || !o.ready(n, n) {
		return
	}
	defer o.followDevices(n)()
	switch n := n.(type) {
	case *storage.Image:
		o.openImage(n)
	case *storage.MD:
		n.Open = &storage.Opening{Name: o.freeName(n, "md", mdWish(n)), ReadOnly: o.way.ReadOnly}
	case *storage.LV:
		o.openLV(n)
	case *storage.Crypt:
		o.openCrypt(n)
	case *storage.Multipath:
		n.Open = &storage.Opening{} // a map of wires changes nothing by itself
	case *storage.Bcache:
		if o.standIns(o.devicesUnder(n)) {
			n.Open = &storage.Opening{Name: o.freeName(n, "bcache", 0)}
		}
	}
	if as := storage.OpeningOf(n); as != nil {
		o.g.SetReadOnly(n, as.ReadOnly)
	}
}

// followDevices: what lies on a write-protected device is opened without a write,
// as in a read-only request, until the function that it gives is called.
func (o *opener) followDevices(n storage.Node) (done func()) {
	before := o.way.ReadOnly
	if slices.ContainsFunc(o.devicesUnder(n), func(d storage.Node) bool { return d.Base().ReadOnly }) {
		o.way.ReadOnly = true
	}
	return func() { o.way.ReadOnly = before }
}

// openCrypt opens a container that there is a key for. Most change nothing when
// they are opened read-only; the others are opened through stand-ins.
func (o *opener) openCrypt(n *storage.Crypt) {
	name, ok := o.way.Unlock[n.ID]
	switch {
	case !ok:
	case !o.way.ReadOnly || n.OpenWrites == "":
		n.Open = &storage.Opening{Name: name, ReadOnly: o.way.ReadOnly}
	case o.standIns(o.devicesUnder(n)):
		n.Open = &storage.Opening{Name: name} // writes end in memory
	}
}

// ready: all that n is made of is open. What is below something open does not
// matter; a missing device matters only where n cannot do without it.
func (o *opener) ready(n, at storage.Node) bool {
	for _, low := range o.g.Lower(at.Base().ID) {
		if storage.CanOpen(low) && !storage.IsPart(low) {
			if storage.OpeningOf(low) == nil {
				return false
			}
			continue
		}
		if low.Base().Is(storage.Missing) && !n.Base().Is(storage.Degraded) || !o.ready(n, low) {
			return false
		}
	}
	return true
}

// openLV opens a volume read-only by its table where its layout allows that,
// else through stand-ins: activating a thin pool, a cache, a mirror or a
// snapshot writes to its metadata (lvmthin(7), lvmcache(7), lvmraid(7)).
func (o *opener) openLV(lv *storage.LV) {
	vg := o.g.Node(lv.Group)
	if vg == nil {
		return
	}
	if !o.way.ReadOnly || o.opensReadOnly(lv) {
		lv.Open = &storage.Opening{ReadOnly: o.way.ReadOnly}
		return
	}
	// LVM writes its metadata to all PVs of the group, not only to those of the volume.
	if o.standIns(o.devicesUnder(vg)) {
		lv.Open = &storage.Opening{} // writes end in memory
	}
}

// opensReadOnly: activating the origin of a snapshot would activate the snapshot.
func (o *opener) opensReadOnly(lv *storage.LV) bool {
	if lv.Origin != "" || lv.Pool != "" || o.origins[lv.ID] {
		return false
	}
	return lv.Layout == "linear" || lv.Layout == "striped"
}

// mdWish is the number that an array's name asks for ("host:0" → 0), else the one
// that it has or had, or -1.
func mdWish(md *storage.MD) int {
	for _, text := range []string{arrayName(md), strings.TrimPrefix(kernelNameOf(md), "/dev/md")} {
		number, err := strconv.Atoi(text)
		if err == nil && strconv.Itoa(number) == text && number >= 0 && number < 1<<20 { // MINORBITS
			return number
		}
	}
	return -1
}

func kernelNameOf(n storage.Node) string {
	for _, name := range n.Base().Names {
		if name.Origin == storage.FromKernel {
			return name.Path
		}
	}
	return ""
}

// freeName gives n a kernel name with a number that nothing else uses: the wished
// one, else the next free one. Arrays count down from 127 as mdadm does, so that
// the low numbers stay free for those that ask for them.
func (o *opener) freeName(n storage.Node, prefix string, wish int) string {
	at, step := wish, 1
	if prefix == "md" {
		step = -1
		if wish < 0 || !o.take(n, prefix, wish) {
			at = 127
		}
	}
	for ; !o.take(n, prefix, at); at += step {
		if at == 0 && step < 0 {
			at, step = 127, 1
		}
	}
	return fmt.Sprint(prefix, at)
}

// take takes a name unless something else has it.
func (o *opener) take(n storage.Node, prefix string, number int) bool {
	path := fmt.Sprint("/dev/", prefix, number)
	if by, taken := o.taken[path]; taken && by != n.Base().ID {
		return false
	}
	o.taken[path] = n.Base().ID
	return true
}

// devicesUnder gives the block devices that n is made of: those that its PVs or
// its cache set lie on stand for these.
func (o *opener) devicesUnder(n storage.Node) []storage.Node {
	var out []storage.Node
	for _, low := range o.g.Lower(n.Base().ID) {
		switch low.(type) {
		case *storage.PV, *storage.BcacheSet:
			out = append(out, o.g.Lower(low.Base().ID)...)
		default:
			out = append(out, low)
		}
	}
	return out
}
