package bootentry

import (
	"bytes"
	"io/fs"
	"path/filepath"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"
)

// fuzzFile tries one file of a system with the bytes that are given.
func fuzzFile(f *testing.F, file string, around fstest.MapFS) {
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range cases {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, in := range archive.Files {
			if filepath.Base(in.Name) == filepath.Base(file) || filepath.Ext(in.Name) == ".conf" && filepath.Ext(file) == ".conf" {
				f.Add(in.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tree := fstest.MapFS{file: {Data: data, Mode: 0o644}}
		for name, in := range around {
			tree[name] = in
		}
		checkBoot(t, tree, Read(tree, UsualPoints()))
	})
}

// checkBoot: whatever was read, it names files that are there, and its counts are
// bounded.
func checkBoot(t *testing.T, tree fs.FS, b *Boot) {
	if len(b.Problems) > maxProblems || len(b.Entries) > maxEntries {
		t.Errorf("%d problems, %d entries", len(b.Problems), len(b.Entries))
	}
	for _, e := range b.Entries {
		for _, f := range append(e.Initrds, e.Kernel, e.DeviceTree, e.Hypervisor, e.Program) {
			if f.Path == "" {
				continue
			}
			if info, err := fs.Stat(tree, f.Path); err != nil || !info.Mode().IsRegular() {
				t.Errorf("%q of %q is no file: %v", f.Path, e.Title, err)
			}
		}
		if e.Loader == "" || e.File == "" {
			t.Errorf("an entry without loader or file: %+v", e)
		}
	}
}

var fuzzAround = fstest.MapFS{
	"boot/vmlinuz":              {},
	"boot/grub/grubenv":         {Data: []byte("a=b\nkernelopts=x y\n")},
	"boot/loader/entries/a.txt": {},
	"boot/loader/entries/b.conf": {
		Data: []byte("title b\nlinux /vmlinuz\noptions $kernelopts ${a}\n"),
	},
}

func FuzzGRUB(f *testing.F)       { fuzzFile(f, "boot/grub/grub.cfg", fuzzAround) }
func FuzzBLS(f *testing.F)        { fuzzFile(f, "boot/loader/entries/a+1-2.conf", fuzzAround) }
func FuzzLoaderConf(f *testing.F) { fuzzFile(f, "boot/loader/loader.conf", fuzzAround) }
func FuzzSyslinux(f *testing.F)   { fuzzFile(f, "boot/syslinux/syslinux.cfg", fuzzAround) }
func FuzzZipl(f *testing.F)       { fuzzFile(f, "etc/zipl.conf", fuzzAround) }
func FuzzFirmware(f *testing.F)   { fuzzFile(f, "boot/config.txt", fstest.MapFS{"boot/cmdline.txt": {}}) }
func FuzzDefaults(f *testing.F)   { fuzzFile(f, "etc/default/grub", nil) }

func FuzzGrubenv(f *testing.F) {
	f.Add([]byte("# GRUB Environment Block\na=b\\\nc\\\\\n####"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, s := range parseGrubenv(data) {
			if s.name == "" || len(s.name)+len(s.text) > len(data) {
				t.Errorf("%q", s)
			}
		}
	})
}

func FuzzUKI(f *testing.F) {
	f.Add(efiProgram([]peSection{{".osrel", "ID=a"}, {".cmdline", "root=x"}, {".linux", ""}, {".initrd", ""}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if u, err := ReadUKI(bytes.NewReader(data)); err == nil && len(u.Cmdline) > maxSection {
			t.Error("more was read than is bounded")
		}
	})
}

func FuzzInitramfs(f *testing.F) {
	archive := packed(f, mainArchive...)
	for format := range compressors {
		f.Add(append(compressed(f, format, archive), make([]byte, 8)...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1 << 20
		i, err := OpenInitramfs(bytes.NewReader(data), limit)
		if err == nil && len(i.Archives) == 0 {
			t.Error("nothing was read, and it is no error")
		}
		for _, name := range i.Names() {
			i.Has(name)
		}
	})
}

func FuzzVersions(f *testing.F) {
	f.Add("6.1.0-18", "6.1.0~rc1", "6.1^a")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		ab, ba := sign(CompareVersions(a, b)), sign(CompareVersions(b, a))
		if ab != -ba || CompareVersions(a, a) != 0 {
			t.Errorf("%q and %q: %d and %d", a, b, ab, ba)
		}
		if ab <= 0 && CompareVersions(b, c) <= 0 && CompareVersions(a, c) > 0 {
			t.Errorf("%q, %q, %q go round", a, b, c)
		}
	})
}
