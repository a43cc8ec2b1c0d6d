package system

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// declareLab: sda1 a root, sda2 nothing, sda3 a LUKS, sda4 a file system.
func declareLab(t *testing.T) (*storage.Graph, func(string) *System) {
	l := newLab(t)
	table := l.table("gpt", l.disk("sda"))
	root := l.fs("ext4", "root", l.part(table, 1))
	l.part(table, 2)
	l.crypt("own", "", l.part(table, 3))
	l.fs("ext4", "left", l.part(table, 4))
	return l.graph(), func(crypttab string) *System { return sysOn(root, "", crypttab) }
}

func detached(e fstab.CryptEntry) (*storage.Crypt, error) {
	where, _, _ := e.Header()
	if where == "/bad" {
		return nil, errors.New("it is gone")
	}
	return &storage.Crypt{Format: "luks2", UUID: "apart", Tokens: []string{"0:systemd-tpm2"}, Terms: &storage.Terms{Header: "/run/h", HeaderFile: where}}, nil
}

func TestDeclarations(t *testing.T) {
	for crypttab, want := range map[string]string{
		"c PARTUUID=sda-2 none plain\n":                                       "crypt:plain-on-part:sda-2 on part:sda-2",
		"c PARTUUID=sda-2 none tcrypt-hidden,veracrypt-pim=3\n":               "crypt:tcrypt-on-part:sda-2 on part:sda-2",
		"c PARTUUID=sda-2 none luks,header=/h\n":                              "luks:apart on part:sda-2",
		"c PARTUUID=sda-4 none luks,header=/h\n":                              "luks:apart on part:sda-4",
		"c PARTUUID=sda-2 none luks,header=/bad\n":                            "note: crypttab, c: its header cannot be had: it is gone",
		"c PARTUUID=sda-3 none plain\n":                                       "note: crypttab, c: it says plain, but the device holds LUKS2 on sda3",
		"c PARTUUID=sda-3 none luks\n":                                        "",
		"c PARTUUID=sda-3 none luks,key-slot=2\n":                             "luks:own on part:sda-3, slot 2",
		"c UUID=own none key-slot=0\n":                                        "luks:own on part:sda-3, slot 0",
		"c PARTUUID=sda-2 none luks\n":                                        "",
		"c PARTUUID=gone none plain\n":                                        "",
		"c PARTUUID=sda-2 /dev/urandom plain,swap\n":                          "",
		"c UUID=left none plain\n":                                            "",
		"c PARTUUID=sda-2 none plain\nd PARTUUID=sda-2 none plain,offset=8\n": "crypt:plain-on-part:sda-2 on part:sda-2",
		"c PARTUUID=sda-2 none plain\nc PARTUUID=sda-2 none tcrypt\n":         "crypt:plain-on-part:sda-2 on part:sda-2",
	} {
		g, sys := declareLab(t)
		all, notes := Declarations(g, sys(crypttab), detached)
		var got []string
		for _, d := range all {
			on, _, _ := strings.Cut(d.On, "@")
			text := fmt.Sprintf("%s on %s", d.Crypt.Identity, on)
			if d.Crypt.Terms != nil && d.Crypt.Terms.KeySlot != nil {
				text += fmt.Sprintf(", slot %d", *d.Crypt.Terms.KeySlot)
			}
			got = append(got, text)
		}
		for _, n := range notes {
			got = append(got, "note: "+n)
		}
		if diff := cmp.Diff(want, strings.Join(got, "; ")); diff != "" {
			t.Errorf("%q: %s", crypttab, diff)
		}
	}
}

// TestDeclare: a container has one ID, whether only a crypttab tells of it or a probe
// sees it open; and what the probe does not know of it is told again.
func TestDeclare(t *testing.T) {
	g, sys := declareLab(t)
	s := sys("c PARTUUID=sda-2 none luks,header=/h\n")
	all, _ := Declarations(g, s, detached)
	before := must(Declare(g, all))(t)
	closed, _ := before.Node("luks:apart").(*storage.Crypt)
	if closed == nil || !closed.Is(storage.Locked) || closed.Terms.HeaderFile != "/h" {
		t.Fatalf("it is not declared: %+v", closed)
	}
	if g.Node("luks:apart") != nil {
		t.Error("the graph that was given was changed")
	}
	if c, err := NewResolver(before, s).container(s.Crypttab.Entries[0]); err != nil || c.ID != "luks:apart" {
		t.Errorf("the line leads to %v, %v", c, err)
	}
	lineage := before.Lineage("luks:apart")

	var nodes []storage.Node
	for n := range g.Nodes() {
		nodes = append(nodes, n)
	}
	seen := &storage.Crypt{Common: storage.Common{ID: "luks:apart", Identity: "luks:apart", On: []storage.ID{"part:sda-2"}}, Format: "luks2", UUID: "apart"}
	seen.Open = &storage.Opening{Name: "c"}
	probed, err := storage.NewGraph(append(nodes, seen), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	after := must(Declare(probed, all))(t)
	open := after.Node("luks:apart").(*storage.Crypt)
	if open.Open == nil || open.Terms == nil || open.Tokens == nil || after.Lineage("luks:apart") != lineage {
		t.Errorf("it is %+v, lineage %s", open, after.Lineage("luks:apart"))
	}
}

func must(g *storage.Graph, err error) func(*testing.T) *storage.Graph {
	return func(t *testing.T) *storage.Graph {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
}

// TestOpenedWithoutAWrite: what writes even when it is opened read-only is opened
// above stand-ins, or not at all.
func TestOpenedWithoutAWrite(t *testing.T) {
	for _, overlays := range []bool{true, false} {
		l := newLab(t)
		c := l.crypt("u", "", l.disk("sda"))
		c.OpenWrites = "dm-integrity writes to its journal"
		g := l.graph()
		want := Opened(g, Way{ReadOnly: true, Overlays: overlays, Unlock: map[storage.ID]string{"luks:u": "x"}})
		open := storage.OpeningOf(want.Node("luks:u")) != nil
		if shielded := want.EndsInMemory(want.Node("luks:u")); open != overlays || shielded != overlays {
			t.Errorf("with stand-ins %v: open %v, shielded %v", overlays, open, shielded)
		}
	}
}
