package plan

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"salvor/internal/storage"
)

// TestDiffLeadsToWant: whatever is there and whatever is wanted, the plan leads
// from one to the other, also when it was stopped after any of its steps, and
// back again.
func TestDiffLeadsToWant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bare := drawNodes(t)
		have, want := drawState(t, bare, "have"), drawState(t, bare, "want")
		p := mustDiff(t, have, want)
		if got := Simulate(have, p.Ops()); !Equal(got, want) {
			t.Fatalf("the plan does not lead to the wanted state:\n%s", p.Text())
		}
		stop := rapid.IntRange(0, len(p.Steps)).Draw(t, "stop")
		middle := Simulate(have, p.Ops()[:stop])
		for name, goal := range map[string]*storage.Graph{"on": want, "back": have} {
			q := mustDiff(t, middle, goal)
			if got := Simulate(middle, q.Ops()); !Equal(got, goal) {
				t.Fatalf("stopped after %d of\n%sthe way %s is wrong:\n%s", stop, p.Text(), name, q.Text())
			}
		}
	})
}

// TestEveryStepIsPossible: no operation is asked for before what it needs is
// there, nor takes away what is in use; and After is honest: it is enough to
// keep the dependencies, the order of the list is not needed.
func TestEveryStepIsPossible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bare := drawNodes(t)
		have, want := drawState(t, bare, "have"), drawState(t, bare, "want")
		p := mustDiff(t, have, want)
		now := have
		for _, s := range drawOrder(t, p) {
			if problem := impossible(now, s.Op); problem != "" {
				t.Fatalf("step %d (%s): %s, in\n%s", s.Number, s.Op.Text(), problem, p.Text())
			}
			now = Simulate(now, []Op{s.Op})
		}
		if !Equal(now, want) {
			t.Fatalf("another order that keeps the dependencies leads elsewhere:\n%s", p.Text())
		}
	})
}

func TestDiffOfEqualsIsEmpty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawState(t, drawNodes(t), "state")
		if p := mustDiff(t, g, g.Clone()); !p.Empty() {
			t.Fatalf("nothing is to be done, but the plan is:\n%s", p.Text())
		}
	})
}

func mustDiff(t *rapid.T, have, want *storage.Graph) *Plan {
	p, err := Diff(have, want)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.CheckFresh(have); err != nil {
		t.Fatal(err)
	}
	return p
}

// drawOrder gives the steps in some order that After allows.
func drawOrder(t *rapid.T, p *Plan) []Step {
	done := map[int]bool{}
	var out []Step
	for len(out) < len(p.Steps) {
		var ready []Step
		for _, s := range p.Steps {
			free := !done[s.Number]
			for _, a := range s.After {
				free = free && done[a]
			}
			if free {
				ready = append(ready, s)
			}
		}
		s := rapid.SampledFrom(ready).Draw(t, "next")
		done[s.Number] = true
		out = append(out, s)
	}
	return out
}

// impossible says why a machine that stands like g would refuse op.
func impossible(g *storage.Graph, op Op) string {
	v := newView(g)
	_, up := v.up[op.item()]
	after := Simulate(g, []Op{op})
	w := newView(after)
	if _, rename := op.(RenameMap); !rename {
		if _, willBe := w.up[op.item()]; willBe == up {
			return "it changes nothing"
		}
	}
	names := map[string]item{}
	flag := op.item().aspect == frozen // may change under what stands
	for it, s := range w.up {
		if other, taken := names[s.name]; taken && s.name != "" {
			return fmt.Sprintf("two maps are called %s: %v and %v", s.name, it, other)
		}
		names[s.name] = it
		for _, need := range w.needsOf(it) {
			if need.aspect == opening && w.isShut(need) {
				return fmt.Sprintf("%v would stand without the %v", it, need)
			}
		}
	}
	if up && !flag {
		return inUse(v, op)
	}
	for _, user := range w.users[op.item()] {
		if _, was := v.up[user]; was && !flag {
			return fmt.Sprintf("%v is there already and does not rest on it", user)
		}
	}
	return ""
}

func inUse(v *view, op Op) string {
	if _, rename := op.(RenameMap); rename || len(v.users[op.item()]) == 0 {
		return ""
	}
	return fmt.Sprintf("it is in use by %v", v.users[op.item()])
}

// drawNodes makes a stack of disks, arrays, containers, volumes and file systems
// in any nesting.
func drawNodes(t *rapid.T) []storage.Node {
	b := &storage.Builder{}
	var blocks []storage.Node
	within := []storage.ID{""}
	for i := range rapid.IntRange(1, 2).Draw(t, "disks") {
		d := &storage.Disk{}
		d.Identity = storage.ID(fmt.Sprintf("disk:%d", i))
		d.AddName(fmt.Sprintf("/dev/sd%c", 'a'+i), storage.FromKernel)
		blocks = append(blocks, b.Add(d))
	}
	for i := range rapid.IntRange(1, 9).Draw(t, "nodes") {
		on := rapid.SampledFrom(blocks).Draw(t, "on")
		switch kind := rapid.SampledFrom([]string{"crypt", "md", "lvm", "fs", "part", "image"}).Draw(t, "kind"); kind {
		case "crypt":
			blocks = append(blocks, b.Add(&storage.Crypt{Common: named("luks", i), Format: "luks2"}, on))
		case "md":
			blocks = append(blocks, b.Add(&storage.MD{Common: named("md", i)}, on, rapid.SampledFrom(blocks).Draw(t, "and")))
		case "part":
			blocks = append(blocks, b.Add(&storage.Partition{Common: named("part", i), Number: i + 1}, on))
		case "fs":
			b.Add(&storage.FileSystem{Common: named("fs", i), Type: "ext4"}, on)
			if on.Kind() == storage.KindDisk && len(b.Lower(on)) == 0 { // it needs nothing that has to be open
				within = append(within, named("fs", i).Identity)
			}
		case "image":
			blocks = append(blocks, drawImage(t, b, i, within))
		case "lvm":
			pv := b.Add(&storage.PV{Common: named("pv", i)}, on)
			b.Add(&storage.VG{Common: named("vg", i), UUID: fmt.Sprint(i), Name: fmt.Sprintf("vg%d", i)}, pv)
			blocks = append(blocks, b.Add(&storage.LV{Common: named("lv", i), VG: fmt.Sprintf("vg%d", i), Name: "lv", Group: named("vg", i).Identity}, pv))
		}
	}
	if _, err := b.Build(nil, nil, nil); err != nil {
		t.Fatal(err)
	}
	return b.Nodes()
}

// drawImage makes an image, which may lie in a file system, with its device.
// drawMounts mounts that file system where the file is, if the image is open.
func drawImage(t *rapid.T, b *storage.Builder, i int, within []storage.ID) storage.Node {
	image := &storage.Image{Common: named("image", i), Path: fmt.Sprintf("/images/%d/file", i), Format: storage.ImageRaw, Within: rapid.SampledFrom(within).Draw(t, "within")}
	d := &storage.Disk{Common: named("disk:loop", i)}
	d.AddName(fmt.Sprintf("/dev/loop%d", i), storage.FromKernel)
	return b.Add(d, b.Add(image))
}

func named(kind string, i int) storage.Common {
	return storage.Common{Identity: storage.ID(fmt.Sprintf("%s:%d", kind, i))}
}

// drawState opens, freezes, overlays and mounts at random, but only what a
// machine could have so.
func drawState(t *rapid.T, nodes []storage.Node, label string) *storage.Graph {
	g, err := storage.NewGraph(nodes, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	g = g.Clone()
	coin := func(what string, id storage.ID) bool { return rapid.Bool().Draw(t, fmt.Sprint(label, what, id)) }
	names := []string{"one", "two", "three", "four"}
	for n := range g.Nodes() {
		id := n.Base().ID
		if !usable(g, id) {
			continue
		}
		switch {
		case storage.CanOpen(n) && !coin("open", id):
			continue
		case storage.CanOpen(n):
			as := &storage.Opening{ReadOnly: coin("ro", id)}
			if n.Kind() == storage.KindMD {
				as.Name = strings.Replace(string(id), ":", "", 1)
			}
			if n.Kind() == storage.KindImage {
				as.Name = strings.Replace(string(id), "image:", "loop", 1)
			}
			if n.Kind() == storage.KindCrypt && len(names) > 0 {
				at := rapid.IntRange(0, len(names)-1).Draw(t, "name")
				as.Name = names[at]
				names = append(names[:at:at], names[at+1:]...)
			}
			if n.Kind() == storage.KindCrypt && as.Name == "" {
				continue
			}
			storage.SetOpening(n, as)
			g.SetReadOnly(n, as.ReadOnly)
		}
		switch n.(type) {
		case *storage.Disk, *storage.Partition, *storage.MD, *storage.Crypt, *storage.LV:
			// A disk with partitions is not frozen by salvor; one that is read-only
			// shows its flag on them.
			if onReadOnly := (&view{graph: g}).onReadOnly(n); n.Kind() == storage.KindPartition && onReadOnly || !carriesPartitions(g, id) && coin("freeze", id) {
				n.Base().ReadOnly = true
			}
			if !carriesPartitions(g, id) && coin("overlay", id) {
				n.Base().Overlay = &storage.Opening{Name: "cow-" + string(id)}
			}
		}
	}
	drawMounts(t, g, label)
	return g
}

// usable: all that has to be open under the node is open.
func usable(g *storage.Graph, id storage.ID) bool {
	for _, low := range g.Below(id) {
		if storage.CanOpen(low) && storage.OpeningOf(low) == nil {
			return false
		}
	}
	return true
}

func drawMounts(t *rapid.T, g *storage.Graph, label string) {
	var sources []storage.ID
	for fs := range storage.All[*storage.FileSystem](g) {
		if usable(g, fs.ID) {
			sources = append(sources, fs.ID)
		}
	}
	for i := range storage.All[*storage.Image](g) {
		if i.Within != "" && (i.Open != nil || rapid.Bool().Draw(t, "image's mount")) {
			g.Mounts = append(g.Mounts, storage.Mount{Point: path.Dir(i.Path), Source: i.Within, Type: "ext4"})
		}
	}
	for _, point := range []string{"/t", "/t/a", "/t/a/b", "/t/c", "/x"} {
		switch rapid.SampledFrom([]string{"none", "fs", "proc", "bind"}).Draw(t, label+point) {
		case "fs":
			if len(sources) > 0 {
				src := rapid.SampledFrom(sources).Draw(t, "source")
				g.Mounts = append(g.Mounts, storage.Mount{Point: point, Source: src, Type: "ext4", ReadOnly: rapid.Bool().Draw(t, "mro")})
			}
		case "proc":
			g.Mounts = append(g.Mounts, storage.Mount{Point: point, Type: "proc"})
		case "bind":
			g.Mounts = append(g.Mounts, storage.Mount{Point: point, Type: "bind", Bind: "/dev"})
		}
	}
}
