package drill

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cavaliergopher/cpio"

	"salvor/internal/machine"
	"salvor/internal/rescue/medium"
)

// These tests start virtual machines from media that package medium makes of this machine's own
// boot loaders, with the lab's kernel and an initramfs that says one line on the serial line:
// so many kinds of media, and of loaders, can be tried. What salvor rescue build makes is
// started in test/rescue. Some of them wait for "make soak".

// testInit tells what it was started by.
const testInit = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs dev /dev
exec >/dev/ttyS0 2>&1
fw=bios
[ -d /sys/firmware/efi ] && fw=uefi
/bin/busybox dmesg | /bin/busybox grep -q "Secure boot enabled" && fw=secure-boot
echo "test-medium: $fw: $(/bin/busybox cat /proc/cmdline)"
/bin/busybox poweroff -f
`

// initSaid is the line of the init, up to its end.
var initSaid = regexp.MustCompile(`test-medium: (\S+): ([^\r\n]*)[\r\n]`)

// bootLimit is far more than a start takes: it ends tests that hang.
const bootLimit = 3 * time.Minute

func needSoak(t *testing.T) {
	t.Helper()
	if os.Getenv("SALVOR_SOAK") == "" {
		t.Skip("is for \"make soak\": set SALVOR_SOAK=1 and SALVOR_LAB=1")
	}
}

func TestBoot(t *testing.T) {
	p := labParts(t)
	for _, c := range []struct {
		name     string
		firmware Firmware
		format   medium.Format
		stick    bool
		soak     bool // is for "make soak"
	}{
		{"BIOS CD", BIOS, medium.ISO, false, false},
		{"BIOS stick", BIOS, medium.ISO, true, true},
		{"BIOS GPT", BIOS, medium.USB, true, true},
		{"UEFI CD", UEFI, medium.ISO, false, true},
		{"UEFI stick", UEFI, medium.ISO, true, true},
		{"Secure Boot GPT", SecureBoot, medium.USB, true, false},
		{"UKI", UEFI, medium.UKI, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.soak {
				needSoak(t)
			}
			wantStart(t, c.format, p, c.firmware, c.stick)
		})
	}
}

// TestBootNetwork starts over the network, by what a directory of the format PXE has for it.
func TestBootNetwork(t *testing.T) {
	needSoak(t)
	dir := t.TempDir()
	if err := medium.WritePXE(dir, labParts(t)); err != nil {
		t.Fatal(err)
	}
	image := open(t, dir)
	for _, c := range []struct {
		name, file string
		rom        string // the card's own program: iPXE if none is named; UEFI has a driver without one
		firmware   Firmware
	}{
		{"iPXE", "boot.ipxe", "", BIOS},
		{"PXELINUX", "pxelinux.0", "", BIOS},
		{"Secure Boot", "shimx64.efi", ",romfile=", SecureBoot},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantLine(t, c.firmware, image.contents.CommandLine, func(*qemu, string) ([]string, error) {
				return []string{"-netdev", "user,id=n,tftp=" + dir + ",bootfile=" + c.file, "-device", "virtio-net-pci,netdev=n,bootindex=1" + c.rom}, nil
			})
		})
	}
}

// TestBootOtherLoaders starts what distributions have that lack the first choice.
func TestBootOtherLoaders(t *testing.T) {
	needSoak(t)
	p := labParts(t)
	l := p.Loaders
	l.GRUBPC.Core = medium.LoaderFile{Source: "core.img", Data: grubCore(t)}
	for name, c := range map[string]struct {
		loaders  medium.Loaders
		firmware Firmware
	}{
		"systemd-boot":                     {medium.Loaders{Arch: medium.X64, SystemdBoot: l.SystemdBoot}, UEFI},
		"UKI in the image":                 {medium.Loaders{Arch: medium.X64, Stub: l.Stub, ISOLINUX: l.ISOLINUX}, UEFI},
		"ISOLINUX with the UKI's sections": {medium.Loaders{Arch: medium.X64, Stub: l.Stub, ISOLINUX: l.ISOLINUX}, BIOS},
		"GRUB for the BIOS":                {medium.Loaders{Arch: medium.X64, GRUBPC: l.GRUBPC}, BIOS},
	} {
		t.Run(name, func(t *testing.T) {
			p.Loaders = c.loaders
			wantStart(t, medium.ISO, p, c.firmware, true)
		})
	}
}

// grubCore makes a core image as the comment of medium.GRUBPC says.
func grubCore(t *testing.T) []byte {
	t.Helper()
	name := filepath.Join(t.TempDir(), "core.img")
	args := append([]string{"-O", "i386-pc", "-d", "/usr/lib/grub/i386-pc", "-p", "/boot/grub", "-o", name}, medium.GRUBModules...)
	if out, err := exec.Command("grub-mkimage", args...).CombinedOutput(); err != nil {
		t.Fatalf("grub-mkimage: %v\n%s", err, out)
	}
	core, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return core
}

// labParts are the lab's kernel, a small initramfs, and the loaders of this machine.
func labParts(t *testing.T) medium.Parts {
	t.Helper()
	if os.Getenv("SALVOR_LAB") == "" {
		t.Skip("starts virtual machines: set SALVOR_LAB=1")
	}
	lab, err := exec.Command("../../test/lab/build.sh").Output()
	if err != nil {
		t.Fatal(err)
	}
	kernel, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(lab)), "vmlinuz"))
	if err != nil {
		t.Fatal(err)
	}
	loaders := medium.FindLoaders(os.DirFS("/"), medium.X64)
	if missing := loaders.Missing(); len(missing) > 0 {
		t.Fatalf("scripts/setup.sh has not been run: %v", missing)
	}
	return medium.Parts{Kernel: section(kernel), Initramfs: section(testInitramfs(t)), CommandLine: "quiet salvor.test=1", Loaders: loaders}
}

func testInitramfs(t *testing.T) []byte {
	t.Helper()
	busybox, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := cpio.NewWriter(&b)
	add := func(name string, mode cpio.FileMode, content []byte) {
		if err := w.WriteHeader(&cpio.Header{Name: name, Mode: mode, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"bin", "dev", "proc", "sys"} {
		add(dir, cpio.TypeDir|0o755, nil)
	}
	add("bin/busybox", cpio.TypeReg|0o755, busybox)
	add("init", cpio.TypeReg|0o755, []byte(testInit))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(t *testing.T, name string) *image {
	t.Helper()
	i, err := openImage(name, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.close)
	return i
}

// wantStart makes an image and starts it as a trial does.
func wantStart(t *testing.T, format medium.Format, p medium.Parts, f Firmware, stick bool) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "image")
	writeImage(t, name, format, p)
	i := open(t, name)
	wantLine(t, f, i.contents.CommandLine, func(q *qemu, dir string) ([]string, error) { return q.media(i, stick, dir) })
}

// wantLine runs a machine until the initramfs has spoken. When a menu is up, it takes the default entry rather than
// wait for its timeout, and so shows that menus take input there.
func wantLine(t *testing.T, f Firmware, line string, media func(q *qemu, dir string) ([]string, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bootLimit)
	defer cancel()
	v := startWith(ctx, t, f, media)
	defer v.end()
	m, err := v.console.expect(ctx, initSaid, menuIsUp)
	if err == nil && m.pattern == menuIsUp {
		if err = v.console.typed(""); err == nil {
			m, err = v.console.expect(ctx, initSaid)
		}
	}
	if err != nil {
		text := strings.ReplaceAll(v.console.text(), "\x1b", "~")
		t.Fatalf("it did not start: %v; its serial line:\n%s", err, text[max(0, len(text)-3000):])
	}
	if got := Firmware(m.parts[1]); got != f || !strings.Contains(m.parts[2], line) {
		t.Errorf("it was started by %s with %q, want %s with %q", got, m.parts[2], f, line)
	}
}

func startWith(ctx context.Context, t *testing.T, f Firmware, media func(q *qemu, dir string) ([]string, error)) *vm {
	t.Helper()
	dir := shortDir(t)
	q, err := findQEMU(machine.NewLive(), medium.X64, UsualMemory)
	if err != nil {
		t.Fatal(err)
	}
	row, _ := rowOf(f, medium.X64)
	flash, ok := row.installed(q.m)
	if !ok {
		t.Fatalf("the firmware %s is not installed", f)
	}
	args := row.arguments(flash)
	more, err := media(q, dir)
	if err != nil {
		t.Fatal(err)
	}
	v, err := start(ctx, q, dir, slices.Concat(args, more)...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
