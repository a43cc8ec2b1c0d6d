package system

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"salvor/internal/fstab"
	"salvor/internal/storage"
	"salvor/test/doctable"
)

func TestSavedRowsAreTheTable(t *testing.T) {
	var code [][]string
	for _, r := range savedRows {
		code = append(code, []string{string(r.state), r.told, string(r.fstab), string(r.crypttab)})
	}
	if diff := cmp.Diff(doctable.Rows(t, "What a saved layout fills in"), code); diff != "" {
		t.Error(diff)
	}
}

// TestSavedNamesAreTheTable: every form in the first column is known as one of its
// row, and those in the last row are not known.
func TestSavedNamesAreTheTable(t *testing.T) {
	examples := map[string][]string{
		"/dev/mapper/NAME`, `ID=dm-name-NAME`, `by-id/dm-name-NAME":  {"/dev/mapper/NAME", "ID=dm-name-NAME", "/dev/disk/by-id/dm-name-NAME"},
		"ID=`, `/dev/disk/by-id/`, any other":                        {"ID=wwn-0x1", "/dev/disk/by-id/wwn-0x1"},
		"/dev/disk/by-path/":                                         {"/dev/disk/by-path/pci-1"},
		"LABEL=`, `by-label/":                                        {"LABEL=a", "/dev/disk/by-label/a"},
		"PARTLABEL=`, `by-partlabel/":                                {"PARTLABEL=a", "/dev/disk/by-partlabel/a"},
		"any other path below `/dev":                                 {"/dev/vg/lv", "/dev/vg//lv"},
		"UUID=`, `PARTUUID=` and what else is in the table of forms": {"UUID=a", "PARTUUID=a", "/dev/disk/by-diskseq/1", "nas:/x", "/file", "tmpfs", ""},
	}
	rows := doctable.Rows(t, "Names that a saved layout knows")
	if len(rows) != len(examples) {
		t.Errorf("%d rows, and examples of %d", len(rows), len(examples))
	}
	seen := map[savedName]string{}
	for i, row := range rows {
		specs := examples[row[0]]
		if len(specs) == 0 {
			t.Errorf("no example of %q", row[0])
		}
		for _, text := range specs {
			name := nameOf(fstab.ParseSpec(text))
			if (name == savedName{}) != (i == len(rows)-1) || name != nameOf(fstab.ParseSpec(specs[0])) {
				t.Errorf("%s is known as %v", text, name)
			}
			if other, taken := seen[name]; taken && other != row[0] {
				t.Errorf("%s is of two rows: %q and %q", text, other, row[0])
			}
			seen[name] = row[0]
		}
	}
}

func TestJudge(t *testing.T) {
	const saved = "# ours\nhome UUID=1 none luks\ndata UUID=2 none luks\n"
	for name, c := range map[string]struct {
		own  string
		read FileState
		want FileState
		keep string
	}{
		"as saved":                       {own: saved, want: FileSound, keep: saved},
		"not there":                      {read: FileMissing, want: FileMissing},
		"a FIFO":                         {read: FileUnread, want: FileUnread},
		"nothing in it":                  {own: "", want: FileEmpty},
		"comments":                       {own: "# none\n\n", want: FileEmpty, keep: "# none\n\n"},
		"NULs":                           {own: "\x00\x00\x00", want: FileDamaged, keep: "\x00\x00\x00"},
		"a line, then rubbish":           {own: "home UUID=1 none luks\n\x03\x9c\x81", want: FileDamaged, keep: "home UUID=1 none luks\n\x03\x9c\x81"},
		"DOS line ends":                  {own: "home UUID=1\r\n", want: FileSound, keep: "home UUID=1\r\n"},
		"another encoding":               {own: "h\xf6me UUID=1 none luks\n", want: FileSound, keep: "h\xf6me UUID=1 none luks\n"},
		"cut off in a line":              {own: "# ours\nhome UUID=1 none luks\nda", want: FileCutOff, keep: "# ours\nhome UUID=1 none luks\n"},
		"cut off in the first":           {own: "# our", want: FileCutOff},
		"cut off after a line: a choice": {own: "# ours\nhome UUID=1 none luks\n", want: FileSound, keep: "# ours\nhome UUID=1 none luks\n"},
		"only the last end is missing":   {own: strings.TrimSuffix(saved, "\n"), want: FileSound, keep: strings.TrimSuffix(saved, "\n")},
		"another last line without end":  {own: "more UUID=3", want: FileSound, keep: "more UUID=3"},
	} {
		keep, state := judge([]byte(c.own), []byte(saved), c.read, len(fstab.ParseCrypttab([]byte(c.own)).Entries))
		if diff := cmp.Diff([]string{string(c.want), c.keep}, []string{string(state), string(keep)}); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// savedLab is a root on a partition; /home on a volume in a container; /data and
// /spare on another disk.
type savedLab struct {
	*lab
	root, data, spare *storage.FileSystem
	home              *storage.FileSystem
	vg                *storage.VG
	crypt             *storage.Crypt
}

func newSavedLab(t testing.TB) *savedLab {
	l := &savedLab{lab: newLab(t)}
	a, b := l.table("gpt", l.disk("sda")), l.table("gpt", l.disk("sdb"))
	l.root = l.fs("ext4", "root", l.part(a, 1))
	l.crypt = l.lab.crypt("vault", "luks-vault", l.part(a, 2))
	l.vg = l.lab.vg("new", l.crypt)
	l.home = l.fs("xfs", "home", l.lv(l.vg, "home", "linear", true))
	l.data = l.fs("ext4", "data", l.part(b, 1))
	l.spare = l.fs("ext4", "spare", l.part(b, 2))
	l.put(l.root, rootTree("", "", "home/", "data/", "boot/"))
	return l
}

// saved is what a layout of the machine knows, when its group was called "old" and
// its second disk was elsewhere.
func (l *savedLab) saved(fstabText, crypttab string) *Saved {
	v := &Saved{Own: true, Root: "fs:root", Nodes: map[storage.ID]bool{}, Names: map[storage.ID][]string{
		"lv:new/home": {"/dev/old/home", "/dev/mapper/old-home"},
		"luks:vault":  {"/dev/mapper/cr_home"},
		"part:sdb-1":  {"/dev/sdx1", "/dev/disk/by-path/pci-0000:00:1f.2-ata-1-part1", "/dev/disk/by-id/ata-Old_Name-part1"},
		"fs:data":     {`/dev/disk/by-label/my\x20data`},
	}}
	for _, n := range l.Nodes() {
		v.Nodes[n.Base().Identity] = true
	}
	if fstabText != "" {
		v.Fstab = []byte(fstabText)
	}
	if crypttab != "" {
		v.Crypttab = []byte(crypttab)
	}
	return v
}

// ends is what becomes of lines and volumes, and what of it the layout gave.
func ends(m *Mounting) string {
	var out []string
	for _, l := range m.Lines {
		if l.Number == 0 && l.File != "/" && l.From == "" {
			continue
		}
		out = append(out, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s %s", l.File, l.State, l.Cause, l.From, l.NamedBy)), " "))
	}
	for _, v := range m.Volumes {
		out = append(out, strings.TrimSpace(fmt.Sprintf("volume %s %s %s", v.Name, v.State, v.From)))
	}
	return strings.Join(out, "; ")
}

func (l *savedLab) mount(fstabText, crypttab string, saved *Saved) *Mounting {
	l.t.Helper()
	g := l.graph()
	s := sysOn(l.root, fstabText, crypttab)
	if crypttab == "" {
		s.CrypttabState = FileMissing
	}
	if saved != nil {
		Restore(g, s, saved, l.trees)
	}
	return Mount(g, g, s, Request{Target: "/t", Trees: l.trees})
}

const soundFstab = "UUID=root / ext4 defaults 0 1\n"

func TestRestore(t *testing.T) {
	for name, c := range map[string]struct {
		fstab, crypttab           string
		savedFstab, savedCrypttab string
		change                    func(*savedLab, *Saved)
		without, with             string
	}{
		"a name in fstab, no crypttab": {
			fstab: soundFstab + "/dev/mapper/cr_home /home auto\n", savedCrypttab: "cr_home UUID=vault none luks\n",
			without: "/ planned; /home failed missing",
			with:    "/ planned; /home failed wrong type saved layout; volume cr_home open saved layout",
		},
		"the group has another name now": {
			fstab:   soundFstab + "/dev/old/home /home xfs\n",
			without: "/ planned; /home failed missing",
			with:    "/ planned; /home planned saved layout; volume luks-vault open",
		},
		"the same in device-mapper's spelling": {
			fstab:   soundFstab + "/dev/mapper/old-home /home xfs\n",
			without: "/ planned; /home failed missing",
			with:    "/ planned; /home planned saved layout; volume luks-vault open",
		},
		"crypttab is rubbish, and nothing uses its names": {
			fstab: soundFstab + "/dev/new/home /home xfs\n", crypttab: "\x93\x01\x02\n", savedCrypttab: "cr_home UUID=vault none luks\n",
			without: "/ planned; /home planned; volume luks-vault open",
			with:    "/ planned; /home planned; volume cr_home open saved layout",
		},
		"crypttab is rubbish that can be read": {
			fstab: soundFstab, crypttab: "cr_home UUID=va\x01lt none luks\n", savedCrypttab: "cr_home UUID=vault none luks\n",
			without: "/ planned; volume cr_home missing",
			with:    "/ planned; volume cr_home open saved layout",
		},
		"a sound crypttab without the line, and nothing uses the name": {
			fstab: soundFstab, crypttab: "# none\nx UUID=gone none luks\n", savedCrypttab: "cr_home UUID=vault none luks\n",
			without: "/ planned; volume x missing", with: "/ planned; volume x missing",
		},
		"a sound crypttab with a line that leads nowhere wins": {
			fstab: soundFstab + "/dev/mapper/cr_home /home auto\n", crypttab: "cr_home UUID=gone none luks\n", savedCrypttab: "cr_home UUID=vault none luks\n",
			without: "/ planned; /home failed missing; volume cr_home missing", with: "/ planned; /home failed missing; volume cr_home missing",
		},
		"crypttab has no line, only the layout knows the map": {
			fstab:   soundFstab + "/dev/mapper/cr_home /home auto\n",
			without: "/ planned; /home failed missing",
			with:    "/ planned; /home failed wrong type saved layout; volume cr_home open saved layout",
		},
		"a saved line that leads nowhere says so": {
			fstab: soundFstab + "/dev/mapper/other /data auto\n", savedCrypttab: "other UUID=gone none luks\n",
			without: "/ planned; /data failed missing", with: "/ planned; /data failed missing",
		},
		"fstab is missing": {
			savedFstab: soundFstab + "UUID=data /data ext4\nUUID=gone none swap\n",
			without:    "/ planned",
			with:       "/ planned saved layout; /data planned saved layout; none skipped swap saved layout",
		},
		"fstab is cut off": {
			fstab: soundFstab + "UUID=data /da", savedFstab: soundFstab + "UUID=data /data ext4 noatime\n",
			without: "/ planned; /da failed no mount point", with: "/ planned; /data planned saved layout",
		},
		"fstab is damaged": {
			fstab: soundFstab + "UUID=spare /data ext4\n\x00\x00\x00\n", savedFstab: soundFstab + "UUID=data /data ext4\nUUID=home /home xfs\n",
			without: "/ planned; /data planned; ? failed garbage",
			with:    "/ planned; /data planned; ? failed garbage; /home planned saved layout; volume luks-vault open",
		},
		"fstab is sound: a line that it lacks was taken out": {
			fstab: soundFstab, savedFstab: soundFstab + "UUID=data /data ext4\n", without: "/ planned", with: "/ planned",
		},
		"the disk hangs on another controller": {
			fstab:   soundFstab + "/dev/disk/by-path/pci-0000:00:1f.2-ata-1-part1 /data ext4\n",
			without: "/ planned; /data failed missing", with: "/ planned; /data planned saved layout",
		},
		"its links had another name": {
			fstab:   soundFstab + "/dev/disk/by-id/ata-Old_Name-part1 /data ext4\n",
			without: "/ planned; /data failed missing", with: "/ planned; /data planned saved layout",
		},
		"it has another label now": {
			fstab:   soundFstab + `LABEL=my\040data /data ext4` + "\n",
			without: "/ planned; /data failed missing", with: "/ planned; /data planned saved layout",
		},
		"a kernel's name that could be any of two": {
			fstab:   soundFstab + "/dev/sdx1 /data ext4\n",
			without: "/ planned; /data failed ambiguous", with: "/ planned; /data planned saved layout",
		},
		"a kernel's name of something that does not fit": {
			fstab:   soundFstab + "/dev/sdx1 /data xfs\n",
			without: "/ planned; /data failed missing", with: "/ planned; /data failed missing",
		},
		"a kernel's name on a disk that the fstab names otherwise": {
			fstab: "/dev/sda1 / ext4\n/dev/sda3 /data ext4\n",
			change: func(_ *savedLab, v *Saved) {
				v.Names["part:sdb-1"] = append(v.Names["part:sdb-1"], "/dev/sda3")
			},
			without: "/ planned; /data failed missing", with: "/ planned; /data failed missing",
		},
		"twins stay ambiguous": {
			fstab: soundFstab + "/dev/old/data /data ext4\n",
			change: func(l *savedLab, v *Saved) {
				l.fs("ext4", "data", l.part(l.table("gpt", l.disk("sdc")), 1))
				v.Names["fs:data"] = []string{"/dev/old/data"}
			},
			without: "/ planned; /data failed missing", with: "/ planned; /data failed ambiguous",
		},
		"twins of which the layout knows one stay ambiguous": {
			fstab:   soundFstab + "UUID=data /data ext4\n",
			change:  func(l *savedLab, _ *Saved) { l.fs("ext4", "data", l.part(l.table("gpt", l.disk("sdc")), 1)) },
			without: "/ planned; /data failed ambiguous", with: "/ planned; /data failed ambiguous",
		},
		"what is no name is none": {
			fstab: soundFstab + "UUID=gone /data ext4\n",
			change: func(_ *savedLab, v *Saved) {
				v.Names["fs:data"] = []string{"UUID=gone", "", "nas:/x", "/etc/fstab", "/dev/disk/by-uuid/gone"}
			},
			without: "/ planned; /data failed missing", with: "/ planned; /data failed missing",
		},
		"one name of two nodes says nothing": {
			fstab: soundFstab + "/dev/old/data /data ext4\n",
			change: func(_ *savedLab, v *Saved) {
				v.Names["fs:spare"], v.Names["fs:data"] = []string{"/dev/old/data"}, []string{"/dev/old/data"}
			},
			without: "/ planned; /data failed missing", with: "/ planned; /data failed missing",
		},
		"a layout of another machine": {
			savedFstab: soundFstab + "UUID=data /data ext4\n",
			change:     func(_ *savedLab, v *Saved) { v.Nodes = map[storage.ID]bool{"fs:data": true} },
			without:    "/ planned", with: "/ planned",
		},
		"a layout of a system beside this one": {
			savedFstab: soundFstab + "UUID=data /data ext4\n",
			change:     func(_ *savedLab, v *Saved) { v.Own, v.Root = false, "fs:spare" },
			without:    "/ planned", with: "/ planned",
		},
		"a layout that was given": {
			savedFstab: soundFstab + "UUID=data /data ext4\n",
			change:     func(_ *savedLab, v *Saved) { v.Own = false },
			without:    "/ planned", with: "/ planned saved layout; /data planned saved layout",
		},
		"a volume that would be made anew": {
			fstab: soundFstab + "/dev/mapper/cr_home /home auto\n", savedCrypttab: "cr_home UUID=vault /dev/urandom swap\n",
			without: "/ planned; /home failed missing",
			with:    "/ planned; /home refused destructive; volume luks-vault refused saved layout",
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newSavedLab(t)
			v := l.saved(c.savedFstab, c.savedCrypttab)
			if c.change != nil {
				c.change(l, v)
			}
			if diff := cmp.Diff(c.without, ends(l.mount(c.fstab, c.crypttab, nil))); diff != "" {
				t.Errorf("without a layout: %s", diff)
			}
			if diff := cmp.Diff(c.with, ends(l.mount(c.fstab, c.crypttab, v))); diff != "" {
				t.Errorf("with one: %s", diff)
			}
		})
	}
}

// TestRestoredNames: the map gets its name, the device the one that it was found by,
// and whose line led nowhere is said.
func TestRestoredNames(t *testing.T) {
	l := newSavedLab(t)
	m := l.mount(soundFstab+"/dev/old/home /home xfs\n/dev/mapper/other /data auto\n", "", l.saved("", "cr_home UUID=vault none luks\nother UUID=gone none luks\n"))
	if c := m.Want.Node("luks:vault").(*storage.Crypt); c.Open.Name != "cr_home" {
		t.Errorf("the map is called %s", c.Open.Name)
	}
	if !slices.Contains(m.Want.Node("lv:new/home").Base().Names, storage.Name{Path: "/dev/old/home", Origin: storage.FromLayout}) {
		t.Errorf("the volume answers to %v", m.Want.Node("lv:new/home").Base().Names)
	}
	var texts []string
	for _, line := range m.Lines {
		if line.Number > 1 {
			texts = append(texts, line.Text+strings.Join(line.Notes, "; "))
		}
	}
	want := []string{
		"the name /dev/old/home is known from the saved layout alone",
		"/dev/mapper/other: crypttab line 2 in the saved layout: nothing on this machine answers to UUID=gone",
	}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Error(diff)
	}
}

// TestRestoreShowsTheBootPartition: with the saved fstab /boot is seen, and its
// entries count before the layout.
func TestRestoreShowsTheBootPartition(t *testing.T) {
	l := newSavedLab(t)
	boot := tree("loader/entries/", "vmlinuz")
	boot["loader/entries/a.conf"] = file("title A\nlinux /vmlinuz\noptions root=UUID=root cryptdevice=UUID=vault:own_name\n")
	l.put(l.data, boot)
	root := rootTree("", "", "boot/", "home/")
	root["etc/fstab"], root["etc/crypttab"] = file("\x00\x00"), file("\x00")
	l.put(l.root, root)
	g := l.graph()
	s := Systems(Find(g, l.trees))[0]
	Restore(g, s, l.saved(soundFstab+"UUID=data /boot ext4\n", "cr_home UUID=vault none luks\n"), l.trees)
	if s.SavedLayout != SavedUsable || s.Saved.FstabState != FileDamaged || s.Saved.CrypttabState != FileDamaged {
		t.Errorf("it is %s, the files are %s and %s", s.SavedLayout, s.Saved.FstabState, s.Saved.CrypttabState)
	}
	if len(s.Boot.Entries) != 1 || len(s.Cmdlines) != 1 {
		t.Errorf("the entries are %v", s.Boot.Entries)
	}
	if name := NewResolver(g, s).MapName("luks:vault"); name != "own_name" {
		t.Errorf("the container is called %q", name)
	}
}

func TestFileStates(t *testing.T) {
	for name, c := range map[string]struct {
		change func(fstest.MapFS)
		want   FileState
	}{
		"there":             {func(fstest.MapFS) {}, ""},
		"missing":           {func(m fstest.MapFS) { delete(m, "etc/crypttab") }, FileMissing},
		"a directory":       {func(m fstest.MapFS) { m["etc/crypttab"] = tree("x/")["x"] }, FileUnread},
		"a link to nothing": {func(m fstest.MapFS) { m["etc/crypttab"] = tree("x -> ../../y")["x"] }, FileMissing},
	} {
		tree := rootTree(soundFstab, "a UUID=1 none\n")
		c.change(tree)
		s, err := Inspect(tree, nil)
		if err != nil || s.CrypttabState != c.want || s.FstabState != "" {
			t.Errorf("%s: %q, %v", name, s.CrypttabState, err)
		}
	}
}

// TestSavedOnlyAdds: whatever a layout says, a line that resolves without it
// resolves to the same with it.
func TestSavedOnlyAdds(t *testing.T) {
	specs := []string{
		"UUID=root", "UUID=data", "UUID=gone", "LABEL=x", "/dev/sda1", "/dev/sdb1", "/dev/sdc2", "/dev/mapper/cr_home", "/dev/mapper/cr_x",
		"/dev/mapper/new-home", "/dev/new/home", "/dev/old/home", "/dev/disk/by-id/x", "/dev/disk/by-path/x", "PARTLABEL=x", "/dev/mapper/luks-vault",
	}
	rapid.Check(t, func(rt *rapid.T) {
		l := newSavedLab(t)
		if rapid.Bool().Draw(rt, "twin") {
			l.fs("ext4", "data", l.part(l.table("gpt", l.disk("sdc")), 1))
		}
		ids := []storage.ID{}
		for _, n := range l.Nodes() {
			ids = append(ids, n.Base().Identity)
		}
		v := l.saved("", "")
		v.Own = rapid.Bool().Draw(rt, "own")
		for range rapid.IntRange(0, 6).Draw(rt, "names") {
			id := rapid.SampledFrom(ids).Draw(rt, "id")
			spec := rapid.SampledFrom(specs).Draw(rt, "name")
			v.Names[id] = append(v.Names[id], strings.Replace(strings.Replace(spec, "PARTLABEL=", "/dev/disk/by-partlabel/", 1), "LABEL=", "/dev/disk/by-label/", 1))
		}
		crypttab := func(name string) string {
			text := ""
			for range rapid.IntRange(0, 3).Draw(rt, name) {
				text += rapid.SampledFrom([]string{"cr_home", "cr_x", "luks-vault", "new-home"}).Draw(rt, "map") + " " + rapid.SampledFrom(specs).Draw(rt, "source") + " none luks\n"
			}
			return text + rapid.SampledFrom([]string{"", "\x00\n", "cr_home UU"}).Draw(rt, "end")
		}
		fstabText := soundFstab
		for i, spec := range specs {
			fstabText += fmt.Sprintf("%s /m%d auto\n", spec, i)
		}
		own := crypttab("own")
		v.Fstab, v.Crypttab = []byte(fstabText), []byte(crypttab("saved"))
		g := l.graph()
		plain, restored := sysOn(l.root, fstabText, own), sysOn(l.root, fstabText, own)
		Restore(g, restored, v, l.trees)
		// Where a line of the own crypttab was cut off, what it said does not count.
		if restored.Saved != nil && restored.Saved.CrypttabState == FileCutOff {
			plain.Crypttab = restored.Crypttab
		}
		before, after := NewResolver(g, plain), NewResolver(g, restored)
		for _, e := range plain.Fstab.Entries {
			was, err := before.Source(e)
			is, _ := after.Source(e)
			if err == nil && was != is {
				rt.Fatalf("%s meant %s, and means %s with the layout", e.Spec, was, is)
			}
		}
		Mount(g, g, restored, Request{Target: "/t", Trees: l.trees})
	})
}
