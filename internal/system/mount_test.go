package system

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/plan"
	"salvor/internal/storage"
)

var update = flag.Bool("update", false, "write the golden files anew")

// mountCase is a system on a machine and how it is to be mounted.
type mountCase struct {
	seen, base *storage.Graph
	sys        *System
	req        Request
}

// ask makes a case of a lab: base stands as seen, with everything closed.
func (l *lab) ask(sys *System, mounts ...storage.Mount) mountCase {
	seen := l.graph(mounts...)
	return mountCase{seen, closed(seen), sys, Request{Target: "/mnt/local", Trees: l.trees}}
}

func (c mountCase) readOnly(overlays bool) mountCase {
	c.req.ReadOnly, c.req.Overlays = true, overlays
	return c
}

// TestMount compares what mounting means with the files in testdata/mount.
func TestMount(t *testing.T) {
	for name, build := range mountCases {
		t.Run(name, func(t *testing.T) {
			c := build(newLab(t))
			m := Mount(c.seen, c.base, c.sys, c.req)
			golden(t, name, describeMounting(t, c, m))
			checkMounting(t, c, m)
		})
	}
}

// TestMountTenThousandLines: every one of them is told.
func TestMountTenThousandLines(t *testing.T) {
	c := thousand(t)
	for _, c := range []mountCase{c, c.readOnly(true)} {
		checkMounting(t, c, Mount(c.seen, c.base, c.sys, c.req))
	}
}

// TestMountWithoutAnything: a system that is known by its root alone.
func TestMountWithoutAnything(t *testing.T) {
	l := newLab(t)
	l.fs("ext4", "root", l.disk("sda"))
	g := l.graph()
	m := Mount(g, g, &System{Root: "fs:root"}, Request{Target: "/mnt/local/"})
	if l := m.Lines[0]; l.State != Planned || l.Point != "/mnt/local" {
		t.Errorf("the root is %+v", l)
	}
	m = Mount(g, g, &System{Root: "fs:gone"}, Request{Target: "/mnt/local"})
	if l := m.Lines[0]; l.State != Failed || l.Cause != IsMissing {
		t.Errorf("a root that is not there is %+v", l)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "mount", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

func describeMounting(t *testing.T, c mountCase, m *Mounting) string {
	var b strings.Builder
	for _, l := range m.Lines {
		fmt.Fprintf(&b, "%d %s at %s: %s", l.Number, l.Spec, l.File, l.State)
		if l.Cause != "" {
			fmt.Fprintf(&b, " (%s)", l.Cause)
		}
		if l.Text != "" {
			fmt.Fprintf(&b, ": %s", l.Text)
		}
		if l.State == Planned || l.State == Already {
			fmt.Fprintf(&b, " %s", strings.TrimSpace(l.Point+" "+string(l.Source)))
		}
		b.WriteByte('\n')
		for _, n := range l.Notes {
			fmt.Fprintf(&b, "    %s\n", n)
		}
	}
	b.WriteString("\nvolumes:\n")
	for _, v := range m.Volumes {
		fmt.Fprintf(&b, "  %d %s %s: %s %s\n", v.Line, v.Name, v.ID, v.State, v.Text)
	}
	for _, r := range m.Risks {
		fmt.Fprintf(&b, "risk: %s %s\n", r.Health, r.Text)
	}
	for _, n := range m.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	fmt.Fprintf(&b, "\nplan:\n%s\nmounts:\n", mustPlan(t, c.base, m.Want).Text())
	for _, mnt := range m.Want.Mounts[len(c.base.Mounts):] {
		fmt.Fprintf(&b, "  %s %s [%s]%s\n", mnt.Point, mnt.Type, strings.Join(mnt.Options, ","), flags(mnt))
	}
	return b.String()
}

func flags(m storage.Mount) string {
	var out string
	if m.ReadOnly {
		out += " ro"
	}
	if m.Overlay {
		out += " overlay"
	}
	if m.Root != "" && m.Root != "/" {
		out += " root=" + m.Root
	}
	return out
}

type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func mustPlan(t fataler, have, want *storage.Graph) *plan.Plan {
	t.Helper()
	p, err := plan.Diff(have, want)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.CheckMountOnly(); err != nil {
		t.Fatal(err)
	}
	return p
}

// checkMounting holds for every mounting, whatever the machine.
func checkMounting(t fataler, c mountCase, m *Mounting) {
	t.Helper()
	p := mustPlan(t, c.base, m.Want)
	for _, op := range p.Ops() {
		switch op := op.(type) {
		case plan.Unmount:
			t.Fatalf("something that is mounted is unmounted: %s", op.Text())
		case plan.Lock, plan.StopArray, plan.StopMultipath, plan.StopBcache, plan.Thaw, plan.RemoveOverlay:
			t.Fatalf("something that is there is taken down: %s", op.Text())
		case plan.Mount:
			if !storage.PathContains(c.req.Target, op.Mount.Point) {
				t.Fatalf("outside of the target: %s", op.Text())
			}
		}
	}
	if !plan.Equal(plan.Simulate(c.base, p.Ops()), m.Want) {
		t.Fatalf("the plan does not lead to what is wanted:\n%s", p.Text())
	}
	checkLines(t, c, m)
	if c.req.ReadOnly {
		checkSealed(t, c, m)
	}
}

// checkLines: every line of the fstab is told once, and what is planned, and
// nothing else, is wanted.
func checkLines(t fataler, c mountCase, m *Mounting) {
	told := map[int]int{}
	points := map[string]bool{}
	for _, l := range m.Lines {
		told[l.Number]++
		if l.State == Planned {
			points[l.Point] = true
		}
		if (l.Cause == "") != (l.State == Planned || l.State == Already) {
			t.Fatalf("line %d ends as %s because of %q", l.Number, l.State, l.Cause)
		}
	}
	for _, e := range c.sys.Fstab.Entries {
		if told[e.Line] != 1 {
			t.Fatalf("line %d is told %d times", e.Line, told[e.Line])
		}
	}
	for _, mnt := range m.Want.Mounts[len(c.base.Mounts):] {
		if !points[mnt.Point] {
			t.Fatalf("a mount at %s, but no line says so", mnt.Point)
		}
		delete(points, mnt.Point)
	}
	if len(points) > 0 {
		t.Fatalf("lines without a mount: %v", points)
	}
}

// checkSealed: nothing that is newly mounted or opened can write to a disk.
func checkSealed(t fataler, c mountCase, m *Mounting) {
	g := m.Want
	for _, mnt := range g.Mounts[len(c.base.Mounts):] {
		top := topOf(g, mnt.Source)
		if mnt.Source == "" || len(c.base.MountsOf(top)) > 0 {
			continue
		}
		if !mnt.ReadOnly {
			t.Fatalf("%s is mounted read-write", mnt.Point)
		}
		for _, carrier := range g.Lower(top) {
			if !carrier.Base().ReadOnly && !reachesNoDisk(g, carrier.Base().ID) {
				t.Fatalf("%s rests on %s, which can be written to", mnt.Point, carrier.Base().ID)
			}
		}
	}
	for n := range g.Nodes() {
		before, now := storage.OpeningOf(c.base.Node(n.Base().ID)), storage.OpeningOf(n)
		if before == nil && now != nil && !now.ReadOnly && n.Kind() != storage.KindMultipath && !reachesNoDisk(g, n.Base().ID) {
			t.Fatalf("%s is opened for writing", n.Base().ID)
		}
	}
}

// reachesNoDisk walks down and stops at stand-ins: a disk must not be reached.
func reachesNoDisk(g *storage.Graph, id storage.ID) bool {
	n := g.Node(id)
	switch {
	case n.Base().Overlay != nil:
		return true
	case n.Kind() == storage.KindDisk:
		return false
	}
	return !slices.ContainsFunc(g.Lower(id), func(low storage.Node) bool { return !reachesNoDisk(g, low.Base().ID) })
}
