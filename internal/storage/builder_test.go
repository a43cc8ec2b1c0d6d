package storage

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestBuilderNames(t *testing.T) {
	for name, c := range map[string]struct {
		make func(*Builder)
		want []ID
	}{
		"alone": {func(b *Builder) {
			b.Add(&Disk{Common: Common{Identity: "disk:x"}})
		}, []ID{"disk:x"}},
		"twins on two carriers": {func(b *Builder) {
			for _, d := range []ID{"disk:a", "disk:b"} {
				b.Add(&FileSystem{Common: Common{Identity: "fs:1"}}, b.Add(&Disk{Common: Common{Identity: d}}))
			}
		}, []ID{"disk:a", "disk:b", "fs:1@disk:a", "fs:1@disk:b"}},
		"twin disks by path": {func(b *Builder) {
			for _, p := range []string{"/dev/sda", "/dev/sdb"} {
				d := &Disk{Common: Common{Identity: "disk:wwn"}}
				d.AddName(p, FromKernel)
				b.Add(d)
			}
		}, []ID{"disk:wwn@/dev/sda", "disk:wwn@/dev/sdb"}},
		"nothing tells them apart": {func(b *Builder) {
			for range 3 {
				b.Add(&Disk{Common: Common{Identity: "disk:"}})
			}
		}, []ID{"disk:#1", "disk:#2", "disk:#3"}},
		"another is called so": {func(b *Builder) {
			a := b.Add(&Disk{Common: Common{Identity: "disk:a"}})
			b.Add(&FileSystem{Common: Common{Identity: "fs:1"}}, a)
			b.Add(&FileSystem{Common: Common{Identity: "fs:1"}}, a)
			b.Add(&FileSystem{Common: Common{Identity: "fs:1@disk:a"}})
		}, []ID{"disk:a", "fs:1@disk:a", "fs:1@disk:a#1", "fs:1@disk:a#2"}},
		"not UTF-8": {func(b *Builder) {
			b.Add(&Subvolume{Common: Common{Identity: "subvol:1/m\xfcll"}})
			b.Add(&Subvolume{Common: Common{Identity: "subvol:1/m\xf6ll"}})
			b.Add(&Subvolume{Common: Common{Identity: "subvol:1/\uFFFD\xff"}})
		}, []ID{`subvol:1/m\xf6ll`, `subvol:1/m\xfcll`, "subvol:1/\uFFFD\\xff"}},
		"twins on twins": {func(b *Builder) {
			for _, p := range []string{"/dev/sda", "/dev/sdb"} {
				d := &Disk{Common: Common{Identity: "disk:wwn"}}
				d.AddName(p, FromKernel)
				b.Add(&FileSystem{Common: Common{Identity: "fs:1"}}, d) // the disk is added after
				b.Add(d)
			}
		}, []ID{"disk:wwn@/dev/sda", "disk:wwn@/dev/sdb", "fs:1@disk:wwn@/dev/sda", "fs:1@disk:wwn@/dev/sdb"}},
	} {
		t.Run(name, func(t *testing.T) {
			var b Builder
			c.make(&b)
			for _, n := range b.Nodes() {
				for _, low := range b.Lower(n) {
					b.Add(low)
				}
			}
			g, err := b.Build(nil, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := ids(slices.Collect(g.Nodes()))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBuilderAddsOnce(t *testing.T) {
	var b Builder
	d := b.Add(&Disk{Common: Common{Identity: "d"}})
	fs := b.Add(&FileSystem{Common: Common{Identity: "fs"}}, d, nil, d)
	b.Add(fs, d)
	if diff := cmp.Diff([]ID{"d"}, identities(b.Lower(fs))); diff != "" || len(b.Nodes()) != 2 {
		t.Errorf("%d nodes, %s", len(b.Nodes()), diff)
	}
}

func identities(nodes []Node) (out []ID) {
	for _, n := range nodes {
		out = append(out, n.Base().Identity)
	}
	return out
}

func TestBuilderRefuses(t *testing.T) {
	var nameless, circle Builder
	nameless.Add(&Disk{})
	a, b := &FileSystem{Common: Common{Identity: "a"}}, &FileSystem{Common: Common{Identity: "b"}}
	circle.Add(a, b)
	circle.Add(b, a)
	for want, builder := range map[string]*Builder{"has no identity": &nameless, "in a circle": &circle} {
		if _, err := builder.Build(nil, nil, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

func TestBuilderFixSeesIDs(t *testing.T) {
	var b Builder
	md := &MD{Common: Common{Identity: "md:1"}}
	var disks []Node
	for range 2 {
		disks = append(disks, b.Add(&Disk{Common: Common{Identity: "disk:same"}}))
	}
	b.Add(md, disks...)
	_, err := b.Build(nil, nil, func() {
		for _, d := range disks {
			md.Members = append(md.Members, MDMember{ID: d.Base().ID})
		}
	})
	if err != nil || md.Members[0].ID == md.Members[1].ID {
		t.Errorf("members are %+v (%v)", md.Members, err)
	}
}

// TestBuilderLosesNothing: however alike the nodes are, each gets an ID.
func TestBuilderLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b Builder
		n := rapid.IntRange(1, 12).Draw(t, "nodes")
		for range n {
			c := Common{Identity: ID(rapid.SampledFrom([]string{"a", "b", "a@b", "a#2"}).Draw(t, "identity"))}
			node := Node(&FileSystem{Common: c})
			if all := b.Nodes(); len(all) > 0 && rapid.Bool().Draw(t, "on") {
				b.Add(node, rapid.SampledFrom(all).Draw(t, "lower"))
			} else {
				b.Add(node)
			}
		}
		g, err := b.Build(nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if g.Len() != n {
			t.Fatalf("%d of %d nodes are left", g.Len(), n)
		}
	})
}
