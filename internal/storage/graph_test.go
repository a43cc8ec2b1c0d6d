package storage

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func ids[T Node](nodes []T) []ID {
	var out []ID
	for _, n := range nodes {
		out = append(out, n.Base().ID)
	}
	return out
}

func fsNode(id ID, on ...ID) *FileSystem {
	return &FileSystem{Common: Common{ID: id, Identity: id, On: on}}
}

func TestNewGraphRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		nodes []Node
		want  string
	}{
		"no ID":         {[]Node{fsNode("")}, "is empty or there twice"},
		"an ID twice":   {[]Node{fsNode("a"), fsNode("a")}, "is empty or there twice"},
		"a dangling On": {[]Node{fsNode("a", "b")}, "a lies on b, which is not there"},
		"itself":        {[]Node{fsNode("a", "a")}, "1 nodes lie on each other in a circle"},
		"a circle":      {[]Node{fsNode("x"), fsNode("a", "b"), fsNode("b", "c"), fsNode("c", "a", "x")}, "3 nodes lie on each other in a circle"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := NewGraph(c.nodes, nil, nil); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want %q", err, c.want)
			}
		})
	}
}

func TestBelowAboveDisks(t *testing.T) {
	g := machines["luks-lvm-md"](&lab{t: t})
	root := ID("fs:0a0a0a0a-0000-4000-8000-000000000003")
	for _, c := range []struct {
		name      string
		got, want []ID
	}{
		{"below the root file system", ids(g.Below(root)), []ID{"disk:sda", "disk:sdb", "table:disk:sda", "table:disk:sdb",
			"part:disk:sda-1", "part:disk:sdb-1", "md:11111111-2222", "luks:deadbeef-0000-4000-8000-000000000002", "pv:system-0", "lv:system-root"}},
		{"below a disk", ids(g.Below("disk:sda")), nil},
		{"above the container", ids(g.Above("luks:deadbeef-0000-4000-8000-000000000002")), []ID{"pv:system-0", "lv:system-home", "lv:system-old-root", "lv:system-root",
			"lv:system-root_rmeta_0", "vg:system", "fs:0a0a0a0a-0000-4000-8000-000000000003", "fs:0b0b0b0b-0000-4000-8000-000000000004"}},
		{"above nothing", ids(g.Above("no such node")), nil},
		{"disks of the root", ids(g.Disks(root)), []ID{"disk:sda", "disk:sdb"}},
		{"disks of a disk", ids(g.Disks("disk:sdb")), []ID{"disk:sdb"}},
		{"upper of the PV", ids(g.Upper("pv:system-0")), []ID{"lv:system-home", "lv:system-old-root", "lv:system-root", "lv:system-root_rmeta_0", "vg:system"}},
		{"lower of the array", ids(g.Lower("md:11111111-2222")), []ID{"part:disk:sda-1", "part:disk:sdb-1"}},
		{"by name", ids(g.ByName("/dev/mapper/cr_system")), []ID{"luks:deadbeef-0000-4000-8000-000000000002"}},
		{"by no name", ids(g.ByName("/dev/mapper/nothing")), nil},
		{"all volume groups", ids(slices.Collect(All[*VG](g))), []ID{"vg:system"}},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

// TestNodesOrder: lower nodes come first, whatever order they were given in.
func TestNodesOrder(t *testing.T) {
	g := machines["luks-lvm-md"](&lab{t: t})
	want := ids(slices.Collect(g.Nodes()))
	rapid.Check(t, func(t *rapid.T) {
		shuffled, err := NewGraph(rapid.Permutation(slices.Collect(g.Nodes())).Draw(t, "nodes"), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, ids(slices.Collect(shuffled.Nodes()))); diff != "" {
			t.Fatal(diff)
		}
	})
	place := map[ID]int{}
	for i, id := range want {
		place[id] = i
		for _, low := range g.Lower(id) {
			if at, there := place[low.Base().ID]; !there || at > i {
				t.Errorf("%s comes before %s, which it lies on", id, low.Base().ID)
			}
		}
	}
}

func TestTwins(t *testing.T) {
	g := machines["twins"](&lab{t: t})
	want := []ID{"part:same-01@table:same@disk:sda", "part:same-01@table:same@disk:sdaa", "part:same-01@table:same@disk:sdb"}
	for _, id := range want {
		if diff := cmp.Diff(want, ids(g.Twins(id))); diff != "" {
			t.Errorf("twins of %s:\n%s", id, diff)
		}
	}
	for _, id := range []ID{"disk:sda", "no such node"} {
		if got := g.Twins(id); got != nil {
			t.Errorf("%s has the twins %v", id, ids(got))
		}
	}
}

func TestMounts(t *testing.T) {
	g := machines["simple"](&lab{t: t})
	root := g.MountAt("/mnt/local").Source
	g.Mounts = append(g.Mounts, Mount{Point: "/mnt/local/srv", Type: "tmpfs"}, Mount{Point: "/mnt/localhost", Type: "tmpfs"})
	for point, want := range map[string]string{
		"/mnt/local": "ext4", "/mnt/local/": "ext4", "/mnt/local/boot/../proc": "proc", "/mnt/local/srv": "tmpfs", "/mnt": "", "/": "",
	} {
		got := ""
		if m := g.MountAt(point); m != nil {
			got = m.Type
		}
		if got != want {
			t.Errorf("at %s is %q, want %q", point, got, want)
		}
	}
	points := func(mounts []Mount) (out []string) {
		for _, m := range mounts {
			out = append(out, m.Point)
		}
		return out
	}
	if diff := cmp.Diff([]string{"/mnt/local", "/mnt/local/boot/efi", "/mnt/local/proc", "/mnt/local/srv", "/mnt/local/srv"}, points(g.MountsUnder("/mnt/local"))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"/mnt/local", "/mnt/local/srv"}, points(g.MountsOf(root))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"/mnt/local", "/mnt/local/srv", "/mnt/local/boot/efi"}, points(g.MountsOf("disk:vda"))); diff != "" {
		t.Error(diff)
	}
}

func TestPathContains(t *testing.T) {
	for _, c := range []struct {
		dir, p string
		want   bool
	}{
		{"/", "/a", true}, {"/", "/", true}, {"/a", "/a", true}, {"/a", "/a/b", true}, {"/a/", "/a/b", true}, {"/a", "/a//b/../c", true},
		{"/a", "/ab", false}, {"/a/b", "/a", false}, {"/a", "/a/../b", false}, {"/a", "/", false},
	} {
		if got := PathContains(c.dir, c.p); got != c.want {
			t.Errorf("PathContains(%q, %q) = %v", c.dir, c.p, got)
		}
	}
}

// TestCloneSharesNothing changes everything in a clone and looks at the original.
func TestCloneSharesNothing(t *testing.T) {
	for name, build := range machines {
		g := build(&lab{t: t})
		before := mustJSON(t, g)
		c := g.Clone()
		if diff := cmp.Diff(before, mustJSON(t, c)); diff != "" {
			t.Errorf("%s: the clone differs:\n%s", name, diff)
		}
		for n := range c.Nodes() {
			scribble(n)
		}
		for i := range c.Mounts {
			c.Mounts[i].Point = "/scribbled"
		}
		for i := range c.Notes {
			c.Notes[i] = "scribbled"
		}
		if diff := cmp.Diff(before, mustJSON(t, g)); diff != "" {
			t.Errorf("%s: the clone shares something with the original:\n%s", name, diff)
		}
	}
}

func scribble(n Node) {
	c := n.Base()
	c.Size++
	c.Mark("scribbled")
	for i := range c.Names {
		c.Names[i].Path = "/scribbled"
	}
	for i := range c.Health {
		c.Health[i] = "scribbled"
	}
	for i := range c.Notes {
		c.Notes[i] = "scribbled"
	}
	for i := range c.On {
		c.On[i] = "scribbled"
	}
	if c.Overlay != nil {
		c.Overlay.Name = "scribbled"
	}
	if o := OpeningOf(n); o != nil {
		o.Name = "scribbled"
	}
	switch n := n.(type) {
	case *Crypt:
		for i := range n.Tokens {
			n.Tokens[i] = "scribbled"
		}
	case *MD:
		for i := range n.Members {
			n.Members[i].Role = "scribbled"
		}
	}
}

func TestSetOpening(t *testing.T) {
	for kind := range everyKind() {
		n := newNode(kind)
		as := &Opening{Name: "x", ReadOnly: true}
		if got := SetOpening(n, as); got != CanOpen(n) {
			t.Errorf("%s: SetOpening says %v, CanOpen %v", kind, got, CanOpen(n))
		}
		as.Name = "changed afterwards"
		if o := OpeningOf(n); CanOpen(n) && (o == nil || o.Name != "x") {
			t.Errorf("%s: the opening is %+v", kind, o)
		}
		SetOpening(n, nil)
		if OpeningOf(n) != nil {
			t.Errorf("%s stays open", kind)
		}
	}
}
