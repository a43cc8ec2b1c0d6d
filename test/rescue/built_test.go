package rescue

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"salvor/internal/drill"
	"salvor/test/lab"
)

// TestBuilt: an image that salvor rescue build makes of the files of a machine comes up, whatever it is started
// by, and salvor rescue test says so. Most of it is for "make soak": a start takes a minute or two.
func TestBuilt(t *testing.T) {
	needLab(t)
	b := newBuilder(t, "build.sh")
	for _, c := range []struct {
		name, tree, format string
		build, test        []string
		firmware           []drill.Firmware
		soak               bool
	}{
		{"a CD", "machine", "iso", nil, nil, []drill.Firmware{drill.BIOS}, false},
		{"a stick with Secure Boot", "machine", "iso", []string{"--minimal"}, []string{"--stick"}, []drill.Firmware{drill.SecureBoot}, false},
		{"a CD with UEFI", "machine", "iso", nil, nil, []drill.Firmware{drill.UEFI, drill.SecureBoot}, true},
		{"a stick", "machine", "iso", nil, []string{"--stick"}, []drill.Firmware{drill.BIOS, drill.UEFI}, true},
		{"a USB image", "machine", "usb", nil, nil, []drill.Firmware{drill.BIOS, drill.SecureBoot}, true},
		{"a unified kernel image", "machine", "uki", nil, nil, []drill.Firmware{drill.UEFI}, true},
		{"a directory for the network", "machine", "pxe", nil, nil, []drill.Firmware{drill.BIOS, drill.UEFI}, true},
		{"little memory", "machine", "iso", []string{"--minimal"}, []string{"--memory", "256"}, []drill.Firmware{drill.BIOS}, true},
		{"loaders of the machine it is made on", "bare", "iso", nil, nil, []drill.Firmware{drill.BIOS, drill.SecureBoot}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.soak {
				needSoak(t)
			}
			b.starts(t, b.image(t, c.tree, c.format, c.build...), c.firmware, c.test...)
		})
	}
	t.Run("GRUB by a BIOS", func(t *testing.T) {
		needSoak(t)
		b.starts(t, b.imageInChroot(t, "grub"), []drill.Firmware{drill.BIOS})
	})
}

// TestOtherArchitecture: so does an image for arm64 that this machine makes and could not start itself.
func TestOtherArchitecture(t *testing.T) {
	needLab(t)
	b := newBuilder(t, "arm64.sh")
	program := t.TempDir()
	if err := lab.Build(program, "GOARCH=arm64"); err != nil {
		t.Fatal(err)
	}
	b.options = []string{"--program", filepath.Join(program, "bin/salvor")}
	t.Run("a CD", func(t *testing.T) {
		b.starts(t, b.image(t, "machine", "iso"), []drill.Firmware{drill.SecureBoot})
	})
	for _, format := range []string{"iso", "usb", "uki", "pxe"} {
		t.Run(format, func(t *testing.T) {
			needSoak(t)
			b.starts(t, b.image(t, "machine", format), []drill.Firmware{drill.UEFI})
		})
	}
}

func needSoak(t *testing.T) {
	t.Helper()
	if os.Getenv("SALVOR_SOAK") == "" {
		t.Skip("is for \"make soak\": set SALVOR_SOAK=1 and SALVOR_LAB=1")
	}
}

// builder makes images of the trees that a script has made.
type builder struct {
	trees, salvor, dir string
	options            []string // for all images
}

func newBuilder(t *testing.T, script string) *builder {
	t.Helper()
	trees, err := trees(script)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := lab.Build(dir); err != nil {
		t.Fatal(err)
	}
	return &builder{trees: trees, salvor: filepath.Join(dir, "bin/salvor"), dir: dir}
}

// image makes an image, unless it is there.
func (b *builder) image(t *testing.T, tree, format string, more ...string) string {
	t.Helper()
	name := filepath.Join(b.dir, strings.Join(append([]string{tree, format}, more...), ""))
	if _, err := os.Stat(name); err == nil {
		return name
	}
	args := append([]string{"rescue", "build", "--root", filepath.Join(b.trees, tree), "--format", format, "--output", name}, more...)
	b.run(t, append(args, b.options...)...)
	b.run(t, "rescue", "audit", "-q", name)
	return name
}

// inChroot runs salvor in a tree ($1), with the directory of images ($2) at /mnt. What it mounts is gone with it.
const inChroot = `set -e
mount --bind "$2" "$1/mnt"
for dir in proc dev; do mount --rbind /$dir "$1/$dir"; done
exec chroot "$1" /mnt/bin/salvor rescue build --root / --output "/mnt/$3"`

// imageInChroot makes an image on the machine that it is of: there are no boot loaders but its own, and GRUB's core
// image is made by its own program.
func (b *builder) imageInChroot(t *testing.T, tree string) string {
	t.Helper()
	const name = "chroot.iso"
	out, err := exec.Command("unshare", "--mount", "bash", "-c", inChroot, "bash", filepath.Join(b.trees, tree), b.dir, name).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(b.dir, name)
}

func (b *builder) run(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.Command(b.salvor, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("salvor %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// starts has an image started with these firmwares, and with no others.
func (b *builder) starts(t *testing.T, image string, firmware []drill.Firmware, more ...string) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "console")
	args := append([]string{"rescue", "test", image, "--json", "--log", log}, more...)
	for _, f := range firmware {
		args = append(args, "--firmware", string(f))
	}
	cmd := exec.Command(b.salvor, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		console, _ := os.ReadFile(log)
		t.Fatalf("%v: %s\n%s\n%s", err, out, stderr.String(), console)
	}
	var r drill.Report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	var passed []drill.Firmware
	for _, trial := range r.Trials {
		if trial.State == drill.Passed {
			passed = append(passed, trial.Firmware)
		}
		t.Logf("%s: kernel after %.1f s, ready after %.1f s, %d of %d MiB in use", trial.Firmware, trial.Kernel, trial.Ready, trial.MemoryUsed>>20, trial.MemoryTotal>>20)
	}
	if !slices.Equal(passed, firmware) {
		t.Errorf("it starts with %v, want %v", passed, firmware)
	}
}
