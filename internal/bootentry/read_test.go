package bootentry

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write the lists of entries in the case files anew")

// TestCases: each file of testdata is the tree of a system, with the list of what
// its loaders would boot as the file "golden". In the tree, "a -> b" is a symbolic
// link, a file of no content is a kernel or whatever else is only looked for, and a
// .efi file that begins with a section's name becomes a program with the sections
// that its lines name. "fs" tells where file systems are mounted: UUID, directory.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 10 {
		t.Fatalf("there are %d cases (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runCase(t, file) })
	}
}

func runCase(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	at := UsualPoints()
	tree, want := readCase(archive, &at)
	got := show(Read(tree, at))
	if *update {
		for i := range archive.Files {
			if archive.Files[i].Name == "golden" {
				archive.Files[i].Data = []byte(got)
			}
		}
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the list differs (-want +got):\n%s", diff)
	}
}

func readCase(archive *txtar.Archive, at *Points) (tree fstest.MapFS, golden string) {
	tree = fstest.MapFS{}
	for _, f := range archive.Files {
		name, target, isLink := strings.Cut(f.Name, " -> ")
		switch {
		case name == "golden":
			golden = string(f.Data)
		case name == "fs":
			at.FS = map[string][]string{}
			for line := range strings.Lines(string(f.Data)) {
				words := strings.Fields(line)
				at.FS[words[0]] = append(at.FS[words[0]], words[1])
			}
		case isLink:
			tree[name] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
		case strings.HasSuffix(name, ".efi") && len(f.Data) > 0 && f.Data[0] == '.':
			tree[name] = &fstest.MapFile{Data: efiProgram(sectionsOf(string(f.Data))), Mode: 0o644}
		default:
			tree[name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
		}
	}
	return tree, golden
}

// show writes what was read for people.
func show(b *Boot) string {
	var s strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&s, format+"\n", args...) }
	for _, e := range b.Entries {
		showEntry(line, e)
	}
	for _, m := range b.Menus {
		line("menu %s %s default=%q timeout=%q%s", m.Loader, m.File, m.Default, m.Timeout, list(" unknown ", m.Unknown))
	}
	for _, j := range b.Jumps {
		line("jump %s:%d to %s%s", j.File, j.Line, showFile(j.To), on(j.FSUUID, j.FSLabel))
	}
	for _, c := range b.Configured {
		line("configured %s:%d %s%q%s", c.File, c.Line, suffixed(c.Name, "="), c.Options, list(" unknown ", c.Unknown))
	}
	for _, v := range b.Vendors {
		line("vendor %s: %s", v.Dir, strings.Join(v.Programs, " "))
	}
	for _, f := range b.Fallbacks {
		line("fallback %s %s", f.Arch, f.Path)
	}
	for _, p := range b.Problems {
		line("problem %s:%d: %s", p.File, p.Line, p.Text)
	}
	return s.String()
}

func showEntry(line func(string, ...any), e Entry) {
	mark := ""
	if e.Default {
		mark = " DEFAULT"
	}
	if e.UKI {
		mark += " UKI"
	}
	line("%s %q id=%q %s:%d%s", e.Loader, strings.Join(append(e.Submenu, e.Title), " > "), e.ID, e.File, e.Line, mark)
	for _, p := range []struct {
		name string
		file File
	}{{"hypervisor", e.Hypervisor}, {"program", e.Program}, {"kernel", e.Kernel}, {"devicetree", e.DeviceTree}} {
		if p.file.Given() {
			line("  %s %s", p.name, showFile(p.file))
		}
	}
	for _, f := range e.Initrds {
		line("  initrd %s", showFile(f))
	}
	if e.Options != "" {
		line("  options %s", e.Options)
	}
	if text := on(e.FSUUID, e.FSLabel); text != "" {
		line(" %s", text)
	}
	if e.Version+e.MachineID+e.Arch != "" {
		line("  version=%q machine=%q arch=%q", e.Version, e.MachineID, e.Arch)
	}
	if e.TriesLeft >= 0 {
		line("  tries left %d, done %d", e.TriesLeft, e.TriesDone)
	}
	for _, u := range e.Unknown {
		line("  unknown %s", u)
	}
}

func showFile(f File) string {
	switch {
	case f.Path == "":
		return f.Text + " = NOTHING"
	case f.Subvolume != "":
		return fmt.Sprintf("%s = %s in subvolume %s", f.Text, f.Path, f.Subvolume)
	}
	return f.Text + " = " + f.Path
}

func on(uuid, label string) string {
	switch {
	case uuid != "":
		return " on UUID " + uuid
	case label != "":
		return " on label " + label
	}
	return ""
}

func list(before string, words []string) string {
	if len(words) == 0 {
		return ""
	}
	return before + strings.Join(words, ", ")
}

func suffixed(s, suffix string) string {
	if s == "" {
		return ""
	}
	return s + suffix
}
