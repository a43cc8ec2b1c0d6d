package workflow

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/check"
	"salvor/internal/layout"
	"salvor/internal/machine"
	"salvor/internal/machine/machinetest"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// savedText is the layout of a lab's machine, as it is written; the root is mounted
// at /, and the files are those of its tree.
func (l *lab) savedText(t testing.TB, root storage.Node, files fstest.MapFS) string {
	t.Helper()
	g, err := l.Build([]storage.Mount{{Point: "/", Source: root.Base().Identity, Type: "ext4"}}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	facts := layout.Facts{Names: map[storage.ID]string{}}
	for _, name := range []string{"etc/fstab", "etc/crypttab"} {
		if f := files[name]; f != nil {
			facts.Files = append(facts.Files, layout.File{Path: "/" + name, Text: string(f.Data)})
		}
	}
	made, _ := layout.FromGraph(g, facts)
	text, err := layout.Write(made)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// treeOfRoot gives the tree of the system on a machine with one, to be changed.
func (l *lab) treeOfRoot(id storage.ID) fstest.MapFS { return l.trees[id].(fstest.MapFS) }

func (l *lab) node(id storage.ID) storage.Node {
	i := slices.IndexFunc(l.Nodes(), func(n storage.Node) bool { return n.Base().Identity == id })
	return l.Nodes()[i]
}

// keep puts a layout into the system.
func keep(tree fstest.MapFS, text string) {
	tree[ownLayout] = &fstest.MapFile{Data: []byte(text), Mode: 0o600}
}

const rubbish = "\x93\x00\x1f\x02\x81\x8d\x00\x7f"

// TestDamagedCrypttab: machine c, whose fstab names maps that only crypttab knows,
// is mounted completely with the layout that was saved of it, by its own key files.
func TestDamagedCrypttab(t *testing.T) {
	for name, c := range map[string]struct {
		saved, given bool
		lines        string
	}{
		"without":                  {lines: "/ mounted; /boot mounted; /home failed missing; /data failed missing; /attic failed missing"},
		"saved in it":              {saved: true, lines: golden["c"].lines},
		"given":                    {given: true, lines: golden["c"].lines},
		"both, the one is damaged": {saved: true, given: true, lines: golden["c"].lines},
	} {
		t.Run(name, func(t *testing.T) {
			l := machineC()
			tree := l.treeOfRoot("fs:c-root")
			text := l.savedText(t, l.node("fs:c-root"), tree)
			tree["etc/crypttab"] = &fstest.MapFile{Data: []byte(rubbish), Mode: 0o600}
			order := MountOrder{}
			if c.saved {
				keep(tree, text)
			}
			if c.given {
				var err error
				if order.Layout, err = ReadLayout("given.yaml", []byte(text)); err != nil {
					t.Fatal(err)
				}
			}
			if c.saved && c.given {
				keep(tree, rubbish)
			}
			b := l.bench(t)
			before := b.state()
			b.ask.answer(golden["c"].ask, passphrase)
			r := b.mount(order)
			if diff := cmp.Diff(c.lines, lines(r)); diff != "" {
				t.Errorf("%s\nnotes: %q", diff, b.notes)
			}
			stands := strings.Contains(b.state(), ` as /dev/mapper/cr\x20blank`+"\n")
			if stands != (c.saved || c.given) {
				t.Errorf("the maps are:\n%s", b.state())
			}
			for _, v := range r.Volumes {
				if from := v.From == system.FromSaved; v.State == system.VolumeOpen && strings.HasPrefix(v.Name, "cr_") && !from {
					t.Errorf("%s does not say where its name comes from: %+v", v.Name, v)
				}
			}
			b.umount()
			b.clean(before)
		})
	}
}

// TestDamagedTables: machine b has lost its fstab too, and its group another name.
func TestDamagedTables(t *testing.T) {
	for _, saved := range []bool{false, true} {
		l := machineB()
		tree := l.treeOfRoot("fs:b-root")
		text := l.savedText(t, l.node("fs:b-root"), tree)
		for _, n := range l.Nodes() {
			switch n := n.(type) {
			case *storage.VG:
				n.Name = "renamed"
			case *storage.LV:
				n.VG, n.Names = "renamed", nil
				n.AddName(storage.LVPath("renamed", n.Name), storage.FromMetadata)
			case *storage.PV:
				n.VG = "renamed"
			}
		}
		tree["etc/crypttab"] = &fstest.MapFile{Data: []byte(rubbish)}
		tree["etc/fstab"] = &fstest.MapFile{Data: tree["etc/fstab"].Data[:strings.Index(string(tree["etc/fstab"].Data), "xfs   defaults")]}
		want := "/ mounted; /boot mounted; /boot/efi mounted; /home failed missing"
		if saved {
			keep(tree, text)
			want = golden["b"].lines
		}
		b := l.bench(t)
		before := b.state()
		b.ask.answer(golden["b"].ask, passphrase)
		r := b.mount(MountOrder{})
		if diff := cmp.Diff(want, lines(r)); diff != "" {
			t.Errorf("saved %v: %s\nnotes: %q", saved, diff, b.notes)
		}
		if named := strings.Contains(b.state(), "open luks:b-crypt as /dev/mapper/vault_primary\n"); named != saved {
			t.Errorf("saved %v: it stands so:\n%s", saved, b.state())
		}
		b.umount()
		b.clean(before)
	}
}

// TestSavedLayoutsThatAreNoHelp: nothing that a layout says stops a mount, or leads
// it elsewhere.
func TestSavedLayoutsThatAreNoHelp(t *testing.T) {
	other := newLab()
	foreign := other.fs("ext4", "x-root", "", other.disk("vdz", 1)[0])
	for name, c := range map[string]struct {
		change func(text string) *fstest.MapFile
		state  system.SavedState
		note   string
	}{
		"rubbish":     {func(string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(rubbish)} }, system.SavedUnreadable, "cannot be used: "},
		"empty":       {func(string) *fstest.MapFile { return &fstest.MapFile{} }, system.SavedUnreadable, "cannot be used: "},
		"a directory": {func(string) *fstest.MapFile { return &fstest.MapFile{Mode: 0o755 | 1<<31} }, system.SavedUnreadable, "it is no regular file"},
		"a FIFO":      {func(string) *fstest.MapFile { return &fstest.MapFile{Mode: 0o600 | 1<<25} }, system.SavedUnreadable, "it is no regular file"},
		"too large":   {func(string) *fstest.MapFile { return &fstest.MapFile{Data: make([]byte, maxOwnLayout+1)} }, system.SavedUnreadable, "at most"},
		"of a later version": {func(text string) *fstest.MapFile {
			return &fstest.MapFile{Data: []byte(strings.Replace(text, "version: 1", "version: 9", 1))}
		}, system.SavedUnreadable, "cannot be used: "},
		"an unknown key": {func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text + "\nevil: 1\n")} }, system.SavedUnreadable, "cannot be used: "},
		"of another machine": {func(string) *fstest.MapFile {
			return &fstest.MapFile{Data: []byte(other.savedText(t, foreign, nil))}
		}, system.SavedForeign, "is of another machine"},
	} {
		t.Run(name, func(t *testing.T) {
			l := machineA()
			tree := l.treeOfRoot("fs:a-root")
			tree[ownLayout] = c.change(l.savedText(t, l.node("fs:a-root"), tree))
			b := l.bench(t)
			before := b.state()
			r := b.mount(MountOrder{})
			if diff := cmp.Diff(golden["a"].lines, lines(r)); diff != "" {
				t.Error(diff)
			}
			if r.System.SavedLayout != c.state || !slices.ContainsFunc(b.notes, func(n string) bool { return strings.Contains(n, c.note) }) {
				t.Errorf("it is %q, and the notes are %q", r.System.SavedLayout, b.notes)
			}
			b.umount()
			b.clean(before)
		})
	}
}

// TestHostileLayout: paths that lead anywhere, names that steer the terminal, and
// lines for the live system end as they would from an fstab of the system.
func TestHostileLayout(t *testing.T) {
	l := machineA()
	tree := l.treeOfRoot("fs:a-root")
	evil := fstest.MapFS{
		"etc/fstab":    {Data: []byte("UUID=a-root / ext4\n/etc/shadow /home/../../../etc none bind\nUUID=a-home /../../escape\x1b[2J ext4 x-systemd.makefs\nLABEL=home /etc ext4\n")},
		"etc/crypttab": {Data: []byte("../../evil UUID=a-home /dev/urandom swap\n\x1b[2J UUID=a-home /etc/shadow luks\n")},
	}
	keep(tree, l.savedText(t, l.node("fs:a-root"), evil))
	tree["etc/fstab"], tree["etc/crypttab"] = &fstest.MapFile{}, &fstest.MapFile{}
	b := l.bench(t)
	before := b.state()
	r := b.mount(MountOrder{})
	for _, line := range r.Lines {
		if line.Point != "" && !storage.PathContains("/mnt/local", line.Point) {
			t.Errorf("%s leads to %s", line.File, line.Point)
		}
		if text := line.Text + strings.Join(line.Notes, ""); strings.ContainsRune(text, '\x1b') {
			t.Errorf("%q steers the terminal", text)
		}
	}
	for _, note := range b.notes {
		if strings.ContainsRune(note, '\x1b') {
			t.Errorf("%q steers the terminal", note)
		}
	}
	b.umount()
	b.clean(before)
}

// TestSavedLayoutOfTwins: the layout knows one /home, and here are two.
func TestSavedLayoutOfTwins(t *testing.T) {
	l := machineA()
	tree := l.treeOfRoot("fs:a-root")
	l.node("fs:a-home").(*storage.FileSystem).Label = "old"
	keep(tree, l.savedText(t, l.node("fs:a-root"), tree))
	l.node("fs:a-home").(*storage.FileSystem).Label = ""
	tree["etc/fstab"] = &fstest.MapFile{Data: []byte("UUID=a-root / ext4\nLABEL=old /home ext4\n")}
	l.fs("ext4", "a-home", "", l.disk("sdb", 1)[0])
	b := l.bench(t)
	r := b.mount(MountOrder{})
	if diff := cmp.Diff("/ mounted; /home failed ambiguous", lines(r)); diff != "" {
		t.Errorf("%s\nnotes: %q", diff, b.notes)
	}
}

func TestReadLayout(t *testing.T) {
	if _, err := ReadLayout("given.yaml", []byte("version: [")); err == nil || !strings.Contains(err.Error(), "given.yaml") {
		t.Errorf("it gives %v", err)
	}
	l := machineD()
	text := l.savedText(t, l.node("subvol:d-arch/@"), nil)
	given, err := ReadLayout("given.yaml", []byte(text))
	if err != nil || given.saved.Root != "fs:d-arch" || given.saved.Own {
		t.Errorf("it gives %+v, %v", given, err)
	}
}

// TestSystemsShowTheirLayout: each system has its own; a given one is of one of them.
func TestSystemsShowTheirLayout(t *testing.T) {
	l := machineD()
	keep(l.treeOfRoot("fs:d-debian"), l.savedText(t, l.node("fs:d-debian"), l.treeOfRoot("fs:d-debian")))
	given, err := ReadLayout("given.yaml", []byte(l.savedText(t, l.node("subvol:d-arch/@"), nil)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		given *SavedLayout
		want  string
	}{{nil, "Debian D usable, Arch D "}, {given, "Debian D usable, Arch D usable"}} {
		b := l.bench(t)
		r, err := b.w.Systems(t.Context(), SystemsOrder{Layout: c.given})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range system.Systems(r.Findings) {
			if s.Original() {
				got = append(got, fmt.Sprintf("%s %s", s.Name, s.SavedLayout))
			}
		}
		slices.Sort(got)
		slices.Reverse(got)
		if diff := cmp.Diff(c.want, strings.Join(got, ", ")); diff != "" {
			t.Error(diff)
		}
	}
}

func TestCheckWithLayout(t *testing.T) {
	l := machineC()
	tree := l.treeOfRoot("fs:c-root")
	keep(tree, l.savedText(t, l.node("fs:c-root"), tree))
	tree["etc/crypttab"] = &fstest.MapFile{Data: []byte(rubbish)}
	b := l.bench(t)
	before := b.state()
	b.ask.answer(golden["c"].ask, passphrase)
	r, err := b.w.Check(t.Context(), CheckOrder{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(r.Systems[0].Findings, func(f check.Finding) bool { return f.Code == check.TableDamaged && f.Where == "/etc/crypttab" }) {
		t.Errorf("the findings are %+v", r.Systems[0].Findings)
	}
	b.clean(before)
}

// TestChrootWithLayout: a system that stands with gaps is not entered as it is, since
// the layout may fill them.
func TestChrootWithLayout(t *testing.T) {
	l := machineC()
	tree := l.treeOfRoot("fs:c-root")
	text := l.savedText(t, l.node("fs:c-root"), tree)
	tree["etc/crypttab"] = &fstest.MapFile{Data: []byte(rubbish)}
	b := l.bench(t, machinetest.OnAttach(func(machine.Cmd) (int, error) { return 0, nil }))
	b.ask.answer(golden["c"].ask, passphrase)
	b.mount(MountOrder{})
	b.again()
	b.ask.answer([]storage.ID{"luks:c-attic", "luks:c-system"}, passphrase)
	given, err := ReadLayout("given.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.w.Chroot(t.Context(), ChrootOrder{Mount: MountOrder{Layout: given}, Command: []string{"true"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Mount == nil || r.Mount.Gaps() {
		t.Errorf("the mount is %+v", r.Mount)
	}
}

// FuzzNamesIn: whatever a layout says, what is taken from it is names of nodes that
// it has, and nothing of twins.
func FuzzNamesIn(f *testing.F) {
	for _, m := range golden {
		l := m.lab()
		for id, tree := range l.trees {
			if tree, ok := tree.(fstest.MapFS); ok && tree["etc/fstab"] != nil && !strings.Contains(string(id), "@") {
				f.Add([]byte(l.savedText(f, l.node(id), tree)))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		saved, err := parseSaved("fuzz", data)
		if err != nil {
			return
		}
		for id, paths := range saved.Names {
			if !saved.Nodes[id] {
				t.Errorf("%q answers to %q, and is no node", id, paths)
			}
		}
	})
}
