package bootentry

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

// TestHostileScripts: a script that would run for ever, or fill the memory, ends
// with a problem and keeps what came before it.
func TestHostileScripts(t *testing.T) {
	const good = "menuentry good { linux /vmlinuz root=/dev/sda1 }\n"
	words := strings.Repeat(" w", 300)
	for name, tt := range map[string]struct{ script, want string }{
		"deep blocks":       {strings.Repeat("{", 100000), "nested too deep"},
		"deep conditions":   {strings.Repeat("if a; then ", 100000), "nested too deep"},
		"deep menus":        {strings.Repeat("submenu x { ", 50), "menus lie too deep"},
		"a function calls":  {"function f { f; f; }\nf", "called too deep"},
		"includes itself":   {"source $prefix/grub.cfg", "called too deep"},
		"nested loops":      {strings.Repeat("for i in"+words+"; do ", 4) + "x; " + strings.Repeat("done; ", 4), "does too much"},
		"a variable grows":  {"set a=1234567890\n" + strings.Repeat("set a=$a$a$a$a$a$a$a$a\n", 3000), "does too much"},
		"unknown variables": {strings.Repeat("set a=1\nif $x; then set b=$a; fi\n", 100), ""},
	} {
		t.Run(name, func(t *testing.T) {
			tree := fstest.MapFS{"boot/grub/grub.cfg": {Data: []byte(good + tt.script)}, "boot/vmlinuz": {}}
			b := Read(tree, UsualPoints())
			if len(b.Entries) == 0 || b.Entries[0].Kernel.Path != "boot/vmlinuz" {
				t.Errorf("the good entry is lost: %+v", b.Entries)
			}
			text := fmt.Sprint(b.Problems)
			if tt.want == "" && len(b.Problems) > 0 || !strings.Contains(text, tt.want) {
				t.Errorf("problems are %.300s, not %q", text, tt.want)
			}
		})
	}
}

// brokenFS fails to open some files, as a damaged file system does.
type brokenFS struct {
	fstest.MapFS
	broken string
}

var errIO = errors.New("input/output error")

func (b brokenFS) Open(name string) (fs.File, error) {
	if strings.HasPrefix(name, b.broken) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errIO}
	}
	return b.MapFS.Open(name)
}

func (b brokenFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if strings.HasPrefix(name, b.broken) {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errIO}
	}
	return b.MapFS.ReadDir(name)
}

// TestUnreadable: what cannot be read is a problem, and the rest is read.
func TestUnreadable(t *testing.T) {
	files := fstest.MapFS{
		"boot/grub/grub.cfg":          {Data: []byte("menuentry g { linux /vmlinuz }\n")},
		"boot/extlinux/extlinux.conf": {Data: []byte("label e\nlinux /vmlinuz\n")},
		"boot/loader/entries/a.conf":  {Data: []byte("linux /vmlinuz\n")},
		"boot/EFI/Linux/u.efi":        {Data: efiProgram([]peSection{{".linux", ""}})},
		"boot/vmlinuz":                {},
		"etc/zipl.conf":               {Mode: fs.ModeNamedPipe},
		"etc/kernel/cmdline":          {Mode: fs.ModeDir},
	}
	for broken, lost := range map[string]string{
		"boot/grub/grub.cfg": GRUB, "boot/extlinux/extlinux.conf": Extlinux, "boot/loader/entries": "", "boot/EFI/Linux/u.efi": "",
	} {
		b := Read(brokenFS{files, broken}, UsualPoints())
		found := false
		for _, p := range b.Problems {
			found = found || strings.HasPrefix(p.File, broken) && strings.Contains(p.Text, "input/output error")
		}
		if !found {
			t.Errorf("%s: problems are %v", broken, b.Problems)
		}
		if len(b.Entries) != 3 {
			t.Errorf("%s: %d entries are left", broken, len(b.Entries))
		}
		for _, e := range b.Entries {
			if e.Loader == lost {
				t.Errorf("%s: there is an entry of %s", broken, lost)
			}
		}
	}
}
