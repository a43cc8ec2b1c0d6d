package rescue

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// small is a root with a kernel and little else.
func small() fstest.MapFS {
	return fstest.MapFS{
		"boot/vmlinuz-6.1":                file("kernel", 0o644),
		"lib":                             symlink("usr/lib"),
		"usr/lib/modules/6.1/modules.dep": file("kernel/fs/ext4/ext4.ko:\n", 0o644),
		"usr/lib/modules/6.1/kernel/fs/ext4/ext4.ko": file("\x7fEL", 0o644),
		"usr/lib/modules/6.1/modules.dep.bin":        file("bin", 0o644),
		"usr/bin/sh":                                 file("#!/bin/x\n", 0o755),
		"bin":                                        symlink("usr/bin"),
		"usr/bin/x":                                  file("x", fs.ModeSetuid|0o755),
		"etc/big":                                    file(strings.Repeat("0123456789abcdef", 1<<16), 0o600),
		"etc/dir/a":                                  file("a", 0o644),
		"etc/dir/b.old":                              file("b", 0o644),
	}
}

func smallSpec() Spec {
	return Spec{
		Kernel: "6.1", Image: "/boot/vmlinuz-6.1", Required: []string{"ext4"}, Programs: []string{"sh"}, Files: []string{"/etc/big", "/etc/dir"},
		Exclude: []string{"/etc/*.old"}, Made: []Made{{Path: "/init", Mode: 0o755, Content: []byte("salvor"), Why: "it"}, {Path: "/usr/bin/salvor", Target: "/init", Why: "it"}},
	}
}

func planSmall(t testing.TB) *Manifest {
	t.Helper()
	m, err := Plan(small(), smallSpec())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestInitramfsIsReadBack: in each compression, what was written comes out.
func TestInitramfsIsReadBack(t *testing.T) {
	m := planSmall(t)
	for _, with := range []Compression{Zstd, Gzip, Uncompressed} {
		var out bytes.Buffer
		if err := WriteInitramfs(&out, small(), m, NewAuditor(nil, nil), with); err != nil {
			t.Fatal(err)
		}
		if out.Len()%4 != 0 {
			t.Errorf("%s: it has %d bytes: nothing can be put behind it", with, out.Len())
		}
		var want, got []string
		for _, e := range m.Entries {
			want = append(want, fmt.Sprint(e.Kind, " ", e.Path, " ", e.Mode, " ", e.Size, " ", e.Target))
		}
		for f, err := range ReadInitramfs(bytes.NewReader(out.Bytes())) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(f.Kind, " ", f.Path, " ", f.Mode, " ", f.Size, " ", f.Target))
			content, err := io.ReadAll(f.Content)
			if err != nil {
				t.Fatal(err)
			}
			if f.Path == "/etc/big" && string(content) != string(small()["etc/big"].Data) {
				t.Errorf("%s: %s has another content", with, f.Path)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", with, diff)
		}
	}
}

// large is a root of which an image has several archives.
func large() fstest.MapFS {
	fsys := small()
	for i := range 3 {
		fsys[fmt.Sprintf("etc/dir/large%d", i)] = file(strings.Repeat(fmt.Sprint(i, " bottles of beer\n"), partSize/30), 0o644)
	}
	return fsys
}

// TestSameBytes: the same root gives the same image, however many processors there are and
// whenever it is.
func TestSameBytes(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	m, err := Plan(large(), smallSpec())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(m.parts()); n != 3 {
		t.Errorf("there are %d archives", n)
	}
	var first []byte
	for _, processors := range []int{1, 2, 8} {
		runtime.GOMAXPROCS(processors)
		var out bytes.Buffer
		if err := WriteInitramfs(&out, large(), m, NewAuditor(nil, nil), Zstd); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = out.Bytes()
		}
		if !bytes.Equal(first, out.Bytes()) {
			t.Errorf("with %d processors other bytes come out", processors)
		}
	}
	var got []string
	for f, err := range ReadInitramfs(bytes.NewReader(first)) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, f.Path)
	}
	var want []string
	for _, e := range m.Entries {
		want = append(want, e.Path)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read back: %s", diff)
	}
}

// TestPackEnds: if an archive cannot be made or written, the others are given up.
func TestPackEnds(t *testing.T) {
	parts := make([][]Entry, 9)
	broken := errors.New("broken")
	made := func(w io.Writer, part []Entry) error {
		_, err := w.Write([]byte("x"))
		return err
	}
	if err := pack(io.Discard, parts, func(w io.Writer, part []Entry) error { return broken }); err != broken {
		t.Errorf("an archive that fails: %v", err)
	}
	if err := pack(writerFunc(func([]byte) (int, error) { return 0, broken }), parts, made); err != broken {
		t.Errorf("a file that fails: %v", err)
	}
	var out bytes.Buffer
	if err := pack(&out, parts, made); err != nil || out.Len() != len(parts) {
		t.Errorf("%q, %v", out.String(), err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestCPIOUnpacks: cpio(1) makes of the archive what is in the manifest.
func TestCPIOUnpacks(t *testing.T) {
	if _, err := exec.LookPath("cpio"); err != nil {
		t.Skip("cpio is not installed")
	}
	var out bytes.Buffer
	if err := WriteCPIO(&out, small(), planSmall(t).Entries); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.Command("cpio", "-id", "--quiet", "--no-absolute-filenames", "etc/*", "usr/*", "init", "lib")
	cmd.Dir, cmd.Stdin = dir, &out
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	for p, want := range map[string]string{"init": "salvor", "lib/modules/6.1/modules.dep.bin": "bin", "etc/dir/a": "a"} {
		if got, err := os.ReadFile(filepath.Join(dir, p)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", p, got, err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "usr/bin/x"))
	if err != nil || info.Mode()&fs.ModeSetuid == 0 && os.Getuid() == 0 {
		t.Errorf("usr/bin/x: %v, %v", info, err)
	}
	if target, err := os.Readlink(filepath.Join(dir, "usr/bin/salvor")); target != "/init" {
		t.Errorf("usr/bin/salvor leads to %q: %v", target, err)
	}
}

// TestRefused: what lacks something, holds a secret, has changed or is too large is not written.
func TestRefused(t *testing.T) {
	write := func(m *Manifest, fsys fs.FS) error {
		return WriteInitramfs(io.Discard, fsys, m, NewAuditor([]string{"/etc/secret"}, nil), Uncompressed)
	}
	lacking := smallSpec()
	lacking.Programs = append(lacking.Programs, "mdadm", "own-tool")
	lacking.Files = append(lacking.Files, "/etc/none")
	m, err := Plan(small(), lacking)
	if err != nil {
		t.Fatal(err)
	}
	want := "the image would lack what it needs:\n  /etc/none, for the rescue system: file does not exist\n" +
		"  mdadm, for the rescue system: file does not exist (package mdadm)\n  own-tool, for the rescue system: file does not exist"
	if err := write(m, small()); !errors.Is(err, ErrMissing) || err.Error() != want {
		t.Error(err)
	}
	secret, spec := small(), smallSpec()
	secret["etc/secret"] = file("x", 0o600)
	spec.Files = append(spec.Files, "/etc/secret")
	if m, err = Plan(secret, spec); err != nil {
		t.Fatal(err)
	}
	if err := write(m, secret); !errors.Is(err, ErrSecret) {
		t.Error(err)
	}
	changed := small()
	changed["etc/dir/a"] = file("longer", 0o644)
	if err := write(planSmall(t), changed); err == nil || !strings.Contains(err.Error(), "/etc/dir/a into the archive: it has changed: it had 1 bytes and has 6") {
		t.Error(err)
	}
	large := &cpioWriter{}
	if err := large.header(Entry{Path: "/x", Kind: File}, typeFile, 1<<32); err == nil {
		t.Error("a file of 4 GiB is written")
	}
}

// FuzzReadInitramfs: an image of anybody's ends in an error or in its end.
func FuzzReadInitramfs(f *testing.F) {
	var out bytes.Buffer
	m := planSmall(f)
	if err := WriteCPIO(&out, small(), m.Entries); err != nil {
		f.Fatal(err)
	}
	f.Add(out.Bytes()[:4096])
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		_, _ = NewAuditor(nil, nil).Audit(ReadInitramfs(bytes.NewReader(data)))
	})
}
