package medium

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// output runs a program that judges an image; the test is skipped where it is not there.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "MTOOLS_SKIP_CHECK=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

func wants(t *testing.T, out string, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		if !regexp.MustCompile(p).MatchString(out) {
			t.Errorf("nothing like %q in:\n%s", p, out)
		}
	}
}

// judged writes an image into a file.
func judged(t *testing.T, f Format, p Parts) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(name, imageOf(t, f, p), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestXorrisoReadsTheISO(t *testing.T) {
	image := judged(t, ISO, fakeParts())
	out := output(t, "xorriso", "-indev", image, "-report_el_torito", "plain", "-report_system_area", "plain")
	wants(t, out, `Volume id +: 'SALVOR'`, `El Torito boot img : +1 +BIOS +y +none`, `El Torito boot img : +2 +UEFI +y +none`,
		`boot info table|El Torito img opts : +1 +.*boot-info-table`, `MBR partition +: +1 +0x80 +0xef +2048 `, `isohybrid`)
	if regexp.MustCompile(`(?i)damaged|FAILURE|SORRY|WARNING`).MatchString(out) {
		t.Errorf("xorriso finds fault with the image:\n%s", out)
	}
	out = output(t, "xorriso", "-osirrox", "on", "-indev", image, "-extract", "/", filepath.Join(t.TempDir(), "out"))
	if strings.Contains(out, "FAILURE") {
		t.Errorf("xorriso cannot take the files out:\n%s", out)
	}
}

// TestBothFileSystemsHaveTheSameFiles takes every file out of an image twice.
func TestBothFileSystemsHaveTheSameFiles(t *testing.T) {
	p := fakeParts()
	image := judged(t, ISO, p)
	byISO, byFAT := filepath.Join(t.TempDir(), "iso"), filepath.Join(t.TempDir(), "fat")
	output(t, "xorriso", "-osirrox", "on", "-indev", image, "-extract", "/", byISO)
	if err := os.Mkdir(byFAT, 0o755); err != nil {
		t.Fatal(err)
	}
	output(t, "mcopy", "-s", "-i", image+"@@1M", "::*", byFAT)
	b, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Files {
		upper := strings.ToUpper(f.Path)
		fromISO, err := os.ReadFile(filepath.Join(byISO, upper))
		if err != nil {
			t.Error(err)
			continue
		}
		fromFAT, err := os.ReadFile(filepath.Join(byFAT, f.Path))
		if err != nil || !bytes.Equal(fromISO, fromFAT) {
			t.Errorf("%s is not the same in both: %v", f.Path, err)
		}
		same(t, f.Path, f.Open(), fromISO)
	}
	if len(c.Files) < 10 {
		t.Errorf("there are %d files", len(c.Files))
	}
}

func TestFsckFindsNoFault(t *testing.T) {
	for _, size := range []int{1000, 50 << 20, 300 << 20} {
		p := fakeParts()
		p.Initramfs = reader(make([]byte, size))
		b := imageOf(t, ISO, p)
		esp := filepath.Join(t.TempDir(), "esp")
		if err := os.WriteFile(esp, b[espStart:], 0o600); err != nil {
			t.Fatal(err)
		}
		wants(t, output(t, "fsck.fat", "-n", "-v", esp), `2 FATs, 32 bit entries`, `2048 hidden sectors`)
	}
}

func TestSgdiskReadsTheTable(t *testing.T) {
	image := judged(t, USB, fakeParts())
	wants(t, output(t, "sgdisk", "--verify", image), `No problems found`)
	wants(t, output(t, "sgdisk", "--print", image), `(?m)^ +1 +2048 +\d+ .* EF00 +salvor rescue`)
}

// TestUKIIsAProgram: others see the sections too, with the right content.
func TestUKIIsAProgram(t *testing.T) {
	loaders := FindLoaders(os.DirFS("/"), X64)
	if !loaders.Stub.there() {
		t.Skip("there is no stub of systemd on this machine")
	}
	p := fakeParts()
	p.Loaders, p.OSRelease = loaders, []byte("ID=salvor\n")
	image := judged(t, UKI, p)
	wants(t, output(t, "objdump", "-h", image), `\.osrel +0000000a `, `\.linux +000186a0 `, `\.initrd +000493e1 `)
	dump := filepath.Join(t.TempDir(), "linux")
	output(t, "objcopy", "-O", "binary", "--only-section=.linux", image, dump)
	b, err := os.ReadFile(dump)
	if err != nil || !bytes.Equal(b, noise(4, 100_000)) {
		t.Errorf("objcopy takes out %d bytes: %v", len(b), err)
	}
	if out := output(t, "sbverify", "--list", image); strings.Contains(out, "warning") {
		t.Errorf("a program that signs finds fault with it:\n%s", out)
	}
}
