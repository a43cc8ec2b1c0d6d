package drill

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/rescue/medium"
)

func section(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

func writeImage(t *testing.T, name string, f medium.Format, p medium.Parts) {
	t.Helper()
	image, err := medium.Image(f, p)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(image)
	if err != nil {
		t.Fatal(err)
	}
	write(t, name, data)
}

// made writes a medium of each format, with boot loaders that are there and do not run.
func made(t *testing.T) map[medium.Format]string {
	t.Helper()
	file := func(name string) medium.LoaderFile {
		return medium.LoaderFile{Source: "/usr/" + name, Data: []byte(name)}
	}
	p := medium.Parts{
		Kernel: section(kernelOf("")), Initramfs: section([]byte("070701")), CommandLine: "quiet",
		Loaders: medium.Loaders{Arch: medium.X64, GRUB: file("grubx64.efi")},
	}
	dir := t.TempDir()
	out := map[medium.Format]string{medium.ISO: filepath.Join(dir, "iso"), medium.USB: filepath.Join(dir, "usb, 1"), medium.PXE: filepath.Join(dir, "pxe")}
	for _, f := range []medium.Format{medium.ISO, medium.USB} {
		writeImage(t, out[f], f, p)
	}
	if err := os.Mkdir(out[medium.PXE], 0o755); err != nil {
		t.Fatal(err)
	}
	if err := medium.WritePXE(out[medium.PXE], p); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestMedia: how QEMU is given an image, and what the image is not made for.
func TestMedia(t *testing.T) {
	const unsigned, none = "its boot loader for UEFI is not signed", "the image has no boot loader for a BIOS"
	images := made(t)
	for name, c := range map[string]struct {
		format medium.Format
		stick  bool
		want   []string
		lacks  [3]string
	}{
		"CD":      {medium.ISO, false, []string{"if=none,id=medium,format=raw,media=cdrom,readonly=on,file=", "ide-cd,drive=medium,bootindex=1"}, [3]string{none, "", unsigned}},
		"stick":   {medium.ISO, true, []string{"if=none,id=medium,format=raw,snapshot=on,file=", "usb-storage,drive=medium,bootindex=1"}, [3]string{none, "", unsigned}},
		"USB":     {medium.USB, false, []string{"if=none,id=medium,format=raw,snapshot=on,file=", ",, 1", "usb-storage,drive=medium,bootindex=1"}, [3]string{none, "", unsigned}},
		"network": {medium.PXE, false, []string{"-kernel", "-initrd", "-append", "console=ttyS0"}, [3]string{"", "", "the kernel is started directly, past Secure Boot"}},
	} {
		t.Run(name, func(t *testing.T) {
			i, err := openImage(images[c.format], "")
			if err != nil {
				t.Fatal(err)
			}
			defer i.close()
			q, err := findQEMU(fakeMachine{}, i.arch, UsualMemory)
			if err != nil {
				t.Fatal(err)
			}
			args, err := q.media(i, c.stick, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			line := strings.Join(args, " ")
			for _, want := range c.want {
				if !strings.Contains(line, want) {
					t.Errorf("%q is not in %s", want, line)
				}
			}
			var lacks [3]string
			for n, f := range Firmwares {
				lacks[n] = i.lacks(f)
			}
			if diff := cmp.Diff(c.lacks, lacks); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestUKI: UEFI finds it under the name that it starts.
func TestUKI(t *testing.T) {
	dir := t.TempDir()
	i := &image{name: "/images/rescue.efi", arch: medium.X64, contents: &medium.Contents{Format: medium.UKI}}
	args, err := (&qemu{}).media(i, false, dir)
	if err != nil {
		t.Fatal(err)
	}
	if target, err := os.Readlink(dir + "/esp/EFI/BOOT/BOOTX64.EFI"); target != i.name || err != nil {
		t.Errorf("%q, %v", target, err)
	}
	if !slices.Contains(args, "if=none,id=medium,format=raw,snapshot=on,file=fat:"+dir+"/esp") {
		t.Error(args)
	}
	if why := i.lacks(BIOS); why != "a unified kernel image is started by UEFI alone" {
		t.Error(why)
	}
}

// TestNothingOfTheHost: whatever is tried, no VM can write to a file that is not its own, or
// reach a network unasked.
func TestNothingOfTheHost(t *testing.T) {
	images := made(t)
	for format, name := range images {
		before := read(t, name)
		i, err := openImage(name, "")
		if err != nil {
			t.Fatal(err)
		}
		q := &qemu{archRow: archs[0]}
		args, err := q.media(i, true, t.TempDir())
		i.close()
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range append(append(q.ground(), args...), network(false)...) {
			if strings.HasPrefix(a, "if=") && !strings.Contains(a, "snapshot=on") && !strings.Contains(a, "readonly=on") {
				t.Errorf("%s: the machine can write by %s", format, a)
			}
			if strings.Contains(a, "netdev") {
				t.Errorf("%s: the machine has a network: %s", format, a)
			}
		}
		if diff := cmp.Diff(before, read(t, name)); diff != "" {
			t.Errorf("%s was changed: %s", name, diff)
		}
	}
}

// read gives a file, or the names in a directory.
func read(t *testing.T, name string) string {
	t.Helper()
	if entries, err := os.ReadDir(name); err == nil {
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return strings.Join(names, " ")
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
