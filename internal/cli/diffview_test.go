package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/document"
	"salvor/internal/layout"
)

// harbour is a machine that a layout was saved of.
func harbour(t *testing.T) *layout.Layout {
	t.Helper()
	data, err := os.ReadFile("../layout/testdata/diff/machine.yaml")
	if err != nil {
		t.Fatal(err)
	}
	l := &layout.Layout{}
	if _, err := document.Read("machine.yaml", data, l); err != nil {
		t.Fatal(err)
	}
	return l
}

var diffViews = []struct {
	name   string
	edit   func(*layout.Layout)
	ignore []string
	ascii  bool
}{
	{"nothing", func(*layout.Layout) {}, nil, false},
	{"home grew", func(l *layout.Layout) {
		l.Storage.Groups[0].Volumes[0].Size = 512 << 20
		l.Storage.Groups[0].Volumes[0].Segments[0].Extents = 128
		l.Storage.FileSystems[1].Size = 512 << 20
		l.Storage.FileSystems[1].Ext.Blocks = 131072
	}, nil, false},
	{"a disk is replaced", func(l *layout.Layout) {
		l.Storage.Disks[2].ID, l.Storage.Disks[2].Serial = "disk:N-1", "N-1"
		l.Storage.Disks[2].Size += 512
		l.Storage.Arrays[0].Members[1].LiesOn = "disk:N-1"
		l.Storage.Arrays[0].Members[1].Role = "spare"
	}, nil, false},
	{"all sections", func(l *layout.Layout) {
		s := &l.Storage
		s.Disks[1].Table.Partitions[0].Label = "a\x1b[31mb"
		s.Disks[1].Table.Partitions[0].Active = true
		s.FileSystems[1].LiesOn[0] = "part:a2"
		s.FileSystems[2].Subvolumes = s.FileSystems[2].Subvolumes[:1]
		s.FileSystems = slices.Delete(s.FileSystems, 4, 5)
		s.Swaps = append(s.Swaps, layout.Swap{Node: layout.Node{ID: "swap:n", Size: 1 << 30}, LiesOn: "part:0b0b0b0b-01"})
		s.Crypts[0].Header.Slots[0].KDF = "pbkdf2"
		s.Groups[0].Volumes[0].Segments = nil
		l.Mounts = l.Mounts[:4]
		l.Mounts[3].Options = []string{"rw", "noatime"}
		l.Files[0].Text = strings.Replace(l.Files[0].Text, "UUID=b1\t/srv\text4\tdefaults\t0\t2\n", "UUID=n\tnone\tswap\tsw\t0\t0\n", 1)
		l.Files = append(l.Files, layout.File{Path: "/etc/crypttab"})
		slices.Reverse(l.Boot.EFI.Order)
		l.Boot.Default.Kernel = "/boot/vmlinuz-6.1.0-14-amd64"
		l.Network.DNS.Servers = nil
		l.Network.Interfaces[0].PermanentMAC = "52:54:00:00:00:02"
		l.Machine.Kernel = "6.1.0-14-amd64"
		l.Tools[0].Version = "2.03.23"
		l.Uncovered = append(l.Uncovered, layout.Uncovered{ID: "fs:z", What: "/scratch", State: "excluded", Reason: "asked", Why: "it is excluded"})
		l.Usage[0].Used = 200 << 20
	}, nil, false},
	{"ignored", func(l *layout.Layout) {
		l.Usage[0].Used, l.Usage[0].Files = 1, 1
		l.Tools = l.Tools[:1]
	}, []string{"usage", "boot"}, false},
	{"only usage", func(l *layout.Layout) { l.Usage[0].Files++ }, nil, false},
	{"a serial console", func(l *layout.Layout) {
		l.Storage.FileSystems[1].Label = "häuser"
		l.Files[0].Text = strings.Replace(l.Files[0].Text, "what is", "was ist…", 1)
	}, nil, true},
}

// TestDifferenceView compares with golden files; go test -update writes them anew.
func TestDifferenceView(t *testing.T) {
	for _, c := range diffViews {
		t.Run(c.name, func(t *testing.T) {
			l := harbour(t)
			c.edit(l)
			var got strings.Builder
			renderDifference(&screen{Writer: &got, width: 80, ascii: c.ascii}, layout.Diff(harbour(t), l, c.ignore))
			file := filepath.Join("testdata", "diffview", strings.ReplaceAll(c.name, " ", "-")+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("%s (-file +now; go test -update writes it anew):\n%s", file, diff)
			}
		})
	}
}

// TestDifferenceViewColours: what is new is green, what is gone red.
func TestDifferenceViewColours(t *testing.T) {
	var got strings.Builder
	l := harbour(t)
	l.Tools[0].Name = "lvm2"
	renderDifference(&screen{Writer: &got, width: 80, colour: true}, layout.Diff(harbour(t), l, nil))
	want := "\x1b[1mtools\x1b[0m\n" +
		"  \x1b[32m+ program lvm2 is new\x1b[0m\n" +
		"  \x1b[1;31m- program lvm is gone\x1b[0m\n" +
		"\n2 changes, which need a new rescue image.\n"
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}
