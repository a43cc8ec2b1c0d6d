package medium

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"
)

// reader gives bytes as parts have them.
func reader(b []byte) *io.SectionReader { return blob(b) }

// noise is content that looks like nothing and differs by seed.
func noise(seed byte, size int) []byte {
	b := make([]byte, size)
	x := uint32(seed) + 1
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

// fakeISOLINUX is what a medium asks of ISOLINUX: its signature, and boot code of 432 bytes.
func fakeISOLINUX() *Syslinux {
	program := noise(1, 5000)
	copy(program[64:], []byte{0xfb, 0xc0, 0x78, 0x70})
	return &Syslinux{
		Program: LoaderFile{"/usr/lib/ISOLINUX/isolinux.bin", program},
		MBR:     LoaderFile{"/usr/lib/ISOLINUX/isohdpfx.bin", noise(2, 432)},
		Modules: []LoaderFile{{"/usr/lib/syslinux/menu.c32", noise(3, 700)}},
	}
}

func fakeParts() Parts {
	return Parts{
		Kernel: reader(noise(4, 100_000)), Initramfs: reader(noise(5, 300_001)),
		CommandLine: "salvor.x=1 rd.a=(b);c", Release: "6.1.0-test", Title: "salvor rescue of 'host'",
		Loaders: Loaders{
			Arch: X64, ISOLINUX: fakeISOLINUX(),
			Shim: LoaderFile{"/usr/lib/shim/shimx64.efi.signed", noise(6, 4000)},
			GRUB: LoaderFile{"/usr/lib/grub/gcdx64.efi.signed", append(noise(7, 9000), "\x00/EFI/debian\x00"...)},
		},
	}
}

// imageOf gives the bytes of an image.
func imageOf(t testing.TB, f Format, p Parts) []byte {
	t.Helper()
	image, err := Image(f, p)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(image)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func same(t testing.TB, what string, got *io.SectionReader, want []byte) {
	t.Helper()
	if got == nil {
		t.Fatalf("%s is not there", what)
	}
	b, err := io.ReadAll(io.NewSectionReader(got, 0, got.Size()))
	if err != nil || !bytes.Equal(b, want) {
		t.Errorf("%s has %d bytes (%v), want %d, or others", what, len(b), err, len(want))
	}
}

func TestImagesAreReadBack(t *testing.T) {
	for _, f := range []Format{ISO, USB} {
		t.Run(string(f), func(t *testing.T) {
			p := fakeParts()
			b := imageOf(t, f, p)
			c, err := Open(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				t.Fatal(err)
			}
			if c.Format != f || c.CommandLine != p.entries()[0].options {
				t.Errorf("it is %s with %q", c.Format, c.CommandLine)
			}
			same(t, "the kernel", c.Kernel, noise(4, 100_000))
			same(t, "the initramfs", c.Initramfs, noise(5, 300_001))
			for _, path := range []string{"EFI/BOOT/BOOTX64.EFI", "EFI/debian/grub.cfg", "EFI/BOOT/grub.cfg", "boot/grub/grub.cfg", "isolinux/menu.c32"} {
				if c.Find(path) == nil {
					t.Errorf("there is no %s", path)
				}
			}
		})
	}
}

func TestSamePartsMakeSameBytes(t *testing.T) {
	for _, f := range []Format{ISO, USB} {
		first := imageOf(t, f, fakeParts())
		if !bytes.Equal(first, imageOf(t, f, fakeParts())) {
			t.Errorf("two %s images of the same parts differ", f)
		}
		other := fakeParts()
		other.Initramfs = reader(noise(9, 300_001))
		if bytes.Equal(first[:espStart], imageOf(t, f, other)[:espStart]) {
			t.Errorf("the %s images of two initramfs have the same identity", f)
		}
	}
}

// TestNothingIsStoredTwice: an image is not much larger than what is in it.
func TestNothingIsStoredTwice(t *testing.T) {
	p := fakeParts()
	p.Initramfs = reader(noise(5, 60<<20))
	image, err := Image(ISO, p)
	if err != nil {
		t.Fatal(err)
	}
	if limit := int64(60<<20) + espStart + 2<<20; image.Size() > limit {
		t.Errorf("the image has %d bytes, more than %d", image.Size(), limit)
	}
}

func TestPartsThatAreRefused(t *testing.T) {
	cases := map[string]func(*Parts){
		"no kernel":           func(p *Parts) { p.Kernel = nil },
		"an empty initramfs":  func(p *Parts) { p.Initramfs = reader(nil) },
		"a quote":             func(p *Parts) { p.CommandLine = `a="b c"` },
		"a variable of iPXE":  func(p *Parts) { p.CommandLine = "a=${b}" },
		"a second line":       func(p *Parts) { p.CommandLine = "a\nmenu title b" },
		"a long command line": func(p *Parts) { p.CommandLine = string(bytes.Repeat([]byte("x"), 2048)) },
		"no loader":           func(p *Parts) { p.Loaders = Loaders{Arch: X64} },
		"another boot code":   func(p *Parts) { p.Loaders.ISOLINUX.MBR.Data = noise(1, 512) },
		"an ISOLINUX for CDs": func(p *Parts) { p.Loaders.ISOLINUX.Program.Data = noise(1, 5000) },
		"a GRUB core of nothing": func(p *Parts) {
			p.Loaders.ISOLINUX = nil
			p.Loaders.GRUBPC = &GRUBPC{Core: LoaderFile{"core", noise(1, 100)}}
		},
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			p := fakeParts()
			spoil(&p)
			if _, err := Image(ISO, p); err == nil {
				t.Error("it was taken")
			}
		})
	}
}

func TestSourceThatShrinks(t *testing.T) {
	name := filepath.Join(t.TempDir(), "initrd")
	if err := os.WriteFile(name, noise(1, 10_000), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := fakeParts()
	p.Initramfs = io.NewSectionReader(f, 0, 10_000)
	image, err := Image(ISO, p)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, 5_000); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, image); err == nil {
		t.Error("an image with a half initramfs was written without an error")
	}
}

// TestAnyFilesAreReadBack: whatever their names and sizes, files come back out of FAT.
func TestAnyFilesAreReadBack(t *testing.T) {
	name := rapid.StringMatching(`[A-Za-z0-9_-]{1,12}(\.[a-zA-Z0-9]{1,5})?`)
	rapid.Check(t, func(t *rapid.T) {
		var files tree
		for i := range rapid.IntRange(0, 20).Draw(t, "files") {
			path := name.Draw(t, "name")
			if rapid.Bool().Draw(t, "in a directory") {
				path = "d" + name.Draw(t, "directory") + "/" + path
			}
			files.put(path, noise(byte(i), rapid.IntRange(0, 10_000).Draw(t, "size")))
		}
		v, err := newFAT(files, "x", 1, 0)
		if err != nil {
			return // two files of one name
		}
		got, err := readFAT(v.pieces(0).section(v.size()))
		if err != nil || len(got) != len(files) {
			t.Fatalf("%d files of %d came back: %v", len(got), len(files), err)
		}
		for _, f := range files {
			found := false
			for _, g := range got {
				if found = strings.EqualFold(g.Path, f.path); found { // FAT knows no case: d and D are one directory
					want, _ := io.ReadAll(io.NewSectionReader(f.content, 0, f.content.Size()))
					have, err := io.ReadAll(g.Open())
					if err != nil || !bytes.Equal(have, want) {
						t.Fatalf("%s came back with %d bytes of %d: %v", f.path, len(have), len(want), err)
					}
					break
				}
			}
			if !found {
				t.Fatalf("%s did not come back", f.path)
			}
		}
	})
}

func TestOpenKnowsAnInitramfs(t *testing.T) {
	for _, magic := range archives {
		b := append([]byte(magic), noise(1, 5000)...)
		c, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil || c.Format != Initramfs || c.Initramfs.Size() != int64(len(b)) {
			t.Errorf("%q: %v %v", magic, c, err)
		}
	}
}

func TestOpenRefusesTheRest(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing": nil, "noise": noise(1, 10_000), "a program": []byte("MZ and no more"),
		"an empty disk": append(make([]byte, 510), 0x55, 0xaa),
	} {
		if c, err := Open(bytes.NewReader(b), int64(len(b))); err == nil {
			t.Errorf("%s was taken for %v", name, c)
		}
	}
}

func TestDirectoryForTheNetwork(t *testing.T) {
	dir, p := t.TempDir(), fakeParts()
	p.Loaders.PXELINUX = &Syslinux{Program: LoaderFile{"/usr/lib/PXELINUX/pxelinux.0", noise(1, 100)}}
	if err := WritePXE(dir, p); err != nil {
		t.Fatal(err)
	}
	if foreign, err := ForeignInPXE(os.DirFS(dir)); foreign != "" || err != nil {
		t.Errorf("%q is foreign, %v", foreign, err)
	}
	c, err := OpenDir(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Format != PXE || c.CommandLine != p.entries()[0].options {
		t.Errorf("it is %s with %q", c.Format, c.CommandLine)
	}
	same(t, "the kernel", c.Kernel, noise(4, 100_000))
	same(t, "the initramfs", c.Initramfs, noise(5, 300_001))
	if _, err := OpenDir(fstest.MapFS{}); err == nil {
		t.Error("an empty directory was taken")
	}
}

// TestForeignInPXE: a directory is replaced only if all in it is an image's.
func TestForeignInPXE(t *testing.T) {
	for want, paths := range map[string][]string{
		"":                   {"salvor.id", "boot.ipxe", "vmlinuz", "initrd.img", "menu.c32", "grubx64.efi", "grub/grub.cfg", "pxelinux.cfg/default"},
		"boot.ipxe":          {"boot.ipxe", "initrd.img", "vmlinuz"},
		"README":             {"README"},
		"pxelinux.cfg/01-aa": {"salvor.id", "boot.ipxe", "vmlinuz", "pxelinux.cfg/01-aa"},
		"debian":             {"salvor.id", "boot.ipxe", "debian/vmlinuz"},
		"vmlinuz.old":        {"salvor.id", "boot.ipxe", "vmlinuz", "vmlinuz.old"},
		"pxelinux.cfg/x.c32": {"salvor.id", "boot.ipxe", "pxelinux.cfg/x.c32"},
	} {
		if got, err := ForeignInPXE(treeOf(paths...)); got != want || err != nil {
			t.Errorf("%v: %q, %v; want %q", paths, got, err, want)
		}
	}
	if got, err := ForeignInPXE(treeOf("salvor.id", "vmlinuz -> /boot/vmlinuz")); got != "vmlinuz" || err != nil {
		t.Errorf("a link: %q, %v", got, err)
	}
	if got, err := ForeignInPXE(fstest.MapFS{}); got != "" || err != nil {
		t.Errorf("an empty directory: %q, %v", got, err)
	}
}

// TestRunOut: whoever reads ahead of the last file of a CD is still on it. The image is so large that its FAT
// file system has no room left over.
func TestRunOut(t *testing.T) {
	p, last := fakeParts(), noise(5, 64<<20)
	p.Initramfs = reader(last)
	b := imageOf(t, ISO, p)
	at := bytes.LastIndex(b, last[len(last)-4096:])
	if left := len(b) - (at + 4096); at < 0 || left < runOut {
		t.Errorf("%d bytes follow the last file, want %d", left, runOut)
	}
}
