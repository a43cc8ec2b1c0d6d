package medium

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cavaliergopher/cpio"
)

// These tests start virtual machines from media that are made of this machine's own boot
// loaders, with the lab's kernel and an initramfs that says one line on the serial line.
// Some of them wait for "make soak".

// testInit tells what it was started by.
const testInit = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs dev /dev
exec >/dev/ttyS0 2>&1
fw=bios
[ -d /sys/firmware/efi ] && fw=uefi
/bin/busybox dmesg | /bin/busybox grep -q "Secure boot enabled" && fw=secure
echo "test-medium: $fw: $(/bin/busybox cat /proc/cmdline)"
/bin/busybox poweroff -f
`

// bootLimit is far more than a start takes: it ends tests that hang.
const bootLimit = 100 * time.Second

func TestBoot(t *testing.T) {
	p := labParts(t)
	dir := t.TempDir()
	iso, usb, uki := filepath.Join(dir, "iso"), filepath.Join(dir, "usb"), filepath.Join(dir, "esp/EFI/BOOT/BOOTX64.EFI")
	toFile(t, iso, ISO, p)
	toFile(t, usb, USB, p)
	toFile(t, uki, UKI, p)
	if err := WritePXE(filepath.Join(dir, "pxe"), p); err != nil {
		t.Fatal(err)
	}
	disk := func(name string) []string {
		return []string{"-drive", "if=none,id=d,format=raw,snapshot=on,file=" + name, "-device", "qemu-xhci", "-device", "usb-storage,drive=d,bootindex=1"}
	}
	cd := []string{"-drive", "if=none,id=d,format=raw,media=cdrom,file=" + iso, "-device", "ide-cd,drive=d,bootindex=1"}
	// rom is the card's own program: iPXE if none is named; UEFI has a driver without one.
	net := func(file, rom string) []string {
		return []string{"-netdev", "user,id=n,tftp=" + dir + "/pxe,bootfile=" + file, "-device", "virtio-net-pci,netdev=n,bootindex=1" + rom}
	}
	options := p.entries()[0].options
	for _, c := range []struct {
		name     string
		firmware []string
		media    []string
		want     string
		soak     bool // is for "make soak"
	}{
		{"BIOS CD", nil, cd, "bios: ", false},
		{"BIOS stick", nil, disk(iso), "bios: ", false},
		{"BIOS GPT", nil, disk(usb), "bios: ", true},
		{"UEFI CD", ovmf(t, false), cd, "uefi: ", true},
		{"UEFI stick", ovmf(t, false), disk(iso), "uefi: ", false},
		{"Secure Boot GPT", ovmf(t, true), disk(usb), "secure: ", false},
		{"UKI", ovmf(t, false), disk("fat:" + dir + "/esp"), "uefi: ", false},
		{"iPXE", nil, net("boot.ipxe", ""), "bios: ", true},
		{"PXELINUX", nil, net("pxelinux.0", ""), "bios: ", true},
		{"Secure Boot PXE", ovmf(t, true), net("shimx64.efi", ",romfile="), "secure: ", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.soak && os.Getenv("SALVOR_SOAK") == "" {
				t.Skip("is for \"make soak\": set SALVOR_SOAK=1")
			}
			line := started(t, append(c.firmware, c.media...))
			if !strings.HasPrefix(line, c.want) || !strings.Contains(line, options) {
				t.Errorf("it started with %q, want %q with %q", line, c.want, options)
			}
		})
	}
}

// TestBootOtherLoaders starts what distributions have that lack the first choice. It
// takes as long as TestBoot once more, and is for "make soak".
func TestBootOtherLoaders(t *testing.T) {
	if os.Getenv("SALVOR_SOAK") == "" {
		t.Skip("is for \"make soak\": set SALVOR_SOAK=1 and SALVOR_LAB=1")
	}
	all := labParts(t)
	cases := map[string]struct {
		loaders func(Loaders) Loaders
		uefi    bool
	}{
		"systemd-boot":     {func(l Loaders) Loaders { return Loaders{Arch: X64, SystemdBoot: l.SystemdBoot} }, true},
		"UKI in the image": {func(l Loaders) Loaders { return Loaders{Arch: X64, Stub: l.Stub, ISOLINUX: l.ISOLINUX} }, true},
		"ISOLINUX with the UKI's sections": {func(l Loaders) Loaders {
			return Loaders{Arch: X64, Stub: l.Stub, ISOLINUX: l.ISOLINUX}
		}, false},
		"GRUB for the BIOS": {func(l Loaders) Loaders {
			l.GRUBPC.Core = LoaderFile{"core.img", grubCore(t)}
			return Loaders{Arch: X64, GRUBPC: l.GRUBPC}
		}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := all
			p.Loaders = c.loaders(all.Loaders)
			image := filepath.Join(t.TempDir(), "image")
			toFile(t, image, ISO, p)
			args := []string{"-drive", "if=none,id=d,format=raw,snapshot=on,file=" + image, "-device", "virtio-blk-pci,drive=d,bootindex=1"}
			want := "bios: "
			if c.uefi {
				args, want = append(args, ovmf(t, false)...), "uefi: "
			}
			if line := started(t, args); !strings.HasPrefix(line, want) {
				t.Errorf("it started with %q, want %q", line, want)
			}
		})
	}
}

// grubCore makes a core image as the comment of GRUBPC says.
func grubCore(t *testing.T) []byte {
	t.Helper()
	core := filepath.Join(t.TempDir(), "core.img")
	args := append([]string{"-O", "i386-pc", "-d", "/usr/lib/grub/i386-pc", "-p", "/boot/grub", "-o", core}, GRUBModules...)
	if out, err := exec.Command("grub-mkimage", args...).CombinedOutput(); err != nil {
		t.Fatalf("grub-mkimage: %v\n%s", err, out)
	}
	b, err := os.ReadFile(core)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// labParts are the lab's kernel, a small initramfs, and the loaders of this machine.
func labParts(t *testing.T) Parts {
	t.Helper()
	if os.Getenv("SALVOR_LAB") == "" {
		t.Skip("starts virtual machines: set SALVOR_LAB=1")
	}
	lab, err := exec.Command("../../../test/lab/build.sh").Output()
	if err != nil {
		t.Fatal(err)
	}
	kernel, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(lab)), "vmlinuz"))
	if err != nil {
		t.Fatal(err)
	}
	loaders, missing := FindLoaders(os.DirFS("/"), X64)
	if len(missing) > 0 {
		t.Fatalf("scripts/setup.sh has not been run: %v", missing)
	}
	return Parts{Kernel: reader(kernel), Initramfs: reader(testInitramfs(t)), CommandLine: "quiet salvor.test=1", Loaders: loaders}
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

func toFile(t *testing.T, name string, f Format, p Parts) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, imageOf(t, f, p), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ovmf are the arguments for UEFI firmware: without any keys, or with those that machines
// are sold with.
func ovmf(t *testing.T, secure bool) []string {
	code, vars := "OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"
	if secure {
		code, vars = "OVMF_CODE_4M.secboot.fd", "OVMF_VARS_4M.ms.fd"
	}
	const dir = "/usr/share/OVMF/"
	own, err := os.ReadFile(dir + vars)
	if err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(t.TempDir(), "vars")
	if err := os.WriteFile(store, own, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{
		"-drive", "if=pflash,unit=0,format=raw,readonly=on,file=" + dir + code,
		"-drive", "if=pflash,unit=1,format=raw,snapshot=on,file=" + store,
	}
	if secure {
		args = append(args, "-machine", "smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on", "-global", "ICH9-LPC.disable_s3=1")
	}
	return args
}

// started runs a machine until the initramfs has spoken, and gives what it said.
func started(t *testing.T, args []string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bootLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", append([]string{
		"-accel", "tcg,thread=multi", "-machine", "q35", "-cpu", "max,la57=off", "-m", "512", "-nodefaults", "-no-user-config",
		"-display", "none", "-no-reboot", "-serial", "stdio",
	}, args...)...)
	var console bytes.Buffer
	cmd.Stderr = &console
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cancel()
		_ = cmd.Wait() // it was killed
	}()
	if said := listen(out, keys, &console); said != "" {
		return said
	}
	t.Fatalf("it did not start; its serial line:\n%s", tail(console.String()))
	return ""
}

// listen reads the serial line until the initramfs has spoken. When a menu is up, it takes
// the default entry rather than wait for its timeout, and so shows that menus take input there.
func listen(out io.Reader, keys io.Writer, console *bytes.Buffer) string {
	chosen := false
	for buf := make([]byte, 4096); ; {
		n, err := out.Read(buf)
		console.Write(buf[:n])
		if _, rest, ok := strings.Cut(console.String(), "test-medium: "); ok {
			if said, _, whole := strings.Cut(rest, "\n"); whole {
				return said
			}
		}
		if !chosen && strings.Contains(console.String(), "Rescue, safe") {
			_, err = io.WriteString(keys, "\r")
			chosen = true
		}
		if err != nil {
			return ""
		}
	}
}

// tail is the end of what a console said, without the escapes that move its cursor.
func tail(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '\x1b' {
			return '~'
		}
		return r
	}, s)
	return s[max(0, len(s)-3000):]
}
