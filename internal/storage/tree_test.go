package storage

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-file +now; go test -update writes it anew):\n%s", file, diff)
	}
}

func TestTreeGolden(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(machines)) {
		t.Run(name, func(t *testing.T) {
			g := machines[name](&lab{t: t})
			golden(t, name+".tree", g.Tree(TreeOptions{}))
		})
	}
}

func TestTreeOptions(t *testing.T) {
	for name, c := range map[string]struct {
		machine string
		opt     TreeOptions
	}{
		"ascii":  {"hostile", TreeOptions{ASCII: true}},
		"ids":    {"luks-lvm-md", TreeOptions{IDs: true}},
		"all":    {"luks-lvm-md", TreeOptions{All: true}},
		"all2":   {"btrfs", TreeOptions{All: true}},
		"narrow": {"degraded", TreeOptions{Width: 72}},
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, "option-"+name+".tree", machines[c.machine](&lab{t: t}).Tree(c.opt))
		})
	}
}

// TestTreeShowsAll: with All, every node is in the tree, once and not only as a
// reference.
func TestTreeShowsAll(t *testing.T) {
	for name, build := range machines {
		g := build(&lab{t: t})
		seen := map[ID]int{}
		for _, l := range g.TreeLines(TreeOptions{All: true}) {
			for _, id := range l.Nodes {
				if l.What != "(see above)" {
					seen[id]++
				}
			}
		}
		for n := range g.Nodes() {
			if seen[n.Base().ID] != 1 {
				t.Errorf("%s: %s is drawn %d times", name, n.Base().ID, seen[n.Base().ID])
			}
		}
	}
}

func TestTreeIsSafeForTerminals(t *testing.T) {
	for name, build := range machines {
		g := build(&lab{t: t})
		for _, opt := range []TreeOptions{{IDs: true}, {IDs: true, ASCII: true}} {
			for _, r := range g.Tree(opt) {
				if r < ' ' && r != '\n' || r == '\u202e' || opt.ASCII && r > '~' {
					t.Errorf("%s: the tree has the character %q", name, r)
				}
			}
		}
	}
}

func TestRenderTreeStyle(t *testing.T) {
	g := machines["simple"](&lab{t: t})
	plain := g.Tree(TreeOptions{})
	var parts []TreePart
	styled := RenderTree(g.TreeLines(TreeOptions{}), g.Notes, TreeOptions{}, func(p TreePart, s string) string {
		parts = append(parts, p)
		return "<" + s + ">"
	})
	if got := strings.NewReplacer("<", "", ">", "").Replace(styled); got != plain {
		t.Errorf("style changes the layout:\n%s", cmp.Diff(plain, got))
	}
	for _, p := range []TreePart{TreeBranch, TreeName, TreeSize, TreeWhat, TreeTrouble, TreeMount} {
		if !slices.Contains(parts, p) {
			t.Errorf("part %d is never styled", p)
		}
	}
}

func TestHumanSize(t *testing.T) {
	for in, want := range map[uint64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1<<20 - 1: "1.0 MiB", 1 << 20: "1.0 MiB",
		20 << 30: "20.0 GiB", 1<<40 - 1: "1.0 TiB", 3 << 50: "3.0 PiB", 1<<64 - 1: "16.0 EiB",
	} {
		if got := HumanSize(in); got != want {
			t.Errorf("HumanSize(%d) = %q, want %q", in, got, want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain text": "plain text", "é日": "é日", "\x1b[2J": `\x1b[2J`, "a\nb": `a\nb`, "\xff": `\xff`, "\u202e": `\u202e`, "\uFFFD": "\uFFFD", `it's "x"\`: `it's "x"\`,
	} {
		if got := Printable(in); got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCompareNames(t *testing.T) {
	want := []string{"loop2", "nvme0n1", "nvme0n1p2", "nvme0n1p10", "nvme10n1", "sda", "sda1", "sda10", "sdb", "sdz", "sdaa", "vda", "vdaa"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, compareNames)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
