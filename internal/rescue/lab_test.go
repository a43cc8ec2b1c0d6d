package rescue

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// selftest runs in the image in place of its init. What it says is read below.
const selftest = `#!/bin/bash
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs run /run
try() { "$@" >/tmp/out 2>&1 && echo "ok $*" || { echo "FAILED $*"; cat /tmp/out; }; }
for daemon in /usr/lib/systemd/systemd-udevd /lib/systemd/systemd-udevd; do
	[ -x $daemon ] && { try $daemon --daemon; break; }
done
try udevadm trigger --action=add --subsystem-match=pci --subsystem-match=virtio --subsystem-match=block
try udevadm settle --timeout=60
try cryptsetup --version; try lvm version; try mdadm --version; try mkfs.xfs -V; try mkfs.btrfs --version; try udevadm --version
multipath -h >/tmp/out 2>&1; grep -q 'Usage\|wwids' /tmp/out && echo "ok multipath" || echo "FAILED multipath"
command -v ssh >/dev/null && try ssh -V
try modprobe -a xfs btrfs dm_crypt dm_thin_pool raid456 f2fs nls_utf8 loop bcache overlay
try test "$(id -un)" = root
truncate -s 20M /tmp/luks
try mke2fs -q -F /tmp/luks
printf secret >/tmp/key
try cryptsetup -q luksFormat --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file /tmp/key /tmp/luks
try cryptsetup open --key-file /tmp/key /tmp/luks test
try udevadm settle --timeout=60
try test -b /dev/mapper/test
try test -e /dev/disk/by-id/dm-name-test
for p in /usr/lib/*/cryptsetup/*.so /usr/lib/*/ossl-modules/*.so /lib/multipath/*.so /usr/bin/* /usr/sbin/*; do
	/lib64/ld-linux-x86-64.so.2 --list "$p" 2>/dev/null | grep -q 'not found' && echo "FAILED: $p lacks a library"
done
echo "memory: $(grep MemAvailable /proc/meminfo)"
echo selftest ends
echo o >/proc/sysrq-trigger
sleep 60
`

// TestImageInLab: an image of the lab's live medium starts, and nothing in it lacks anything.
func TestImageInLab(t *testing.T) {
	if os.Getenv("SALVOR_LAB") == "" {
		t.Skip("SALVOR_LAB is not set: no virtual machines")
	}
	tree := filepath.Join(t.TempDir(), "tree")
	if out, err := exec.Command("../../test/lab/tree.sh", tree).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	fsys := os.DirFS(tree)
	found, err := FindKernel(fsys, "", "")
	if err != nil {
		t.Fatal(err)
	}
	spec := Default(Facts{Kernel: found, Uses: []string{"lv", "crypt", "md", "multipath", "bcache", "ext4", "xfs", "btrfs", "vfat"}}, Choice{})
	spec.Made = []Made{{Path: "/selftest", Mode: 0o755, Content: []byte(selftest), Why: "the test"}}
	began := time.Now()
	m, err := Plan(fsys, spec)
	if err != nil {
		t.Fatal(err)
	}
	initrd := filepath.Join(t.TempDir(), "initrd")
	f, err := os.Create(initrd)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteInitramfs(f, fsys, m, NewAuditor(nil, nil), found.Compression); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(initrd)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("made in %v: %d files, %d MiB, %d MiB compressed", time.Since(began), len(m.Entries), m.Size()>>20, info.Size()>>20)
	out := boot(t, filepath.Join(tree, found.Image), initrd)
	if !strings.Contains(out, "selftest ends") || strings.Contains(out, "FAILED") || strings.Count(out, "ok ") < 18 {
		t.Errorf("in the image:\n%s", out)
	}
	t.Log(regexp.MustCompile(`memory: .*`).FindString(out))
}

// boot starts the kernel with the initramfs in an emulated machine, and gives what it said
// on its console.
func boot(t *testing.T, kernel, initrd string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-m", "512", "-smp", "2", "-nographic", "-no-reboot", "-net", "none",
		"-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0 quiet panic=-1 rdinit=/selftest")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Errorf("qemu: %v", err)
	}
	return out.String()
}

// BenchmarkPlanOfLab plans the image of the lab's live medium, modules and all.
func BenchmarkPlanOfLab(b *testing.B) {
	tree := os.Getenv("SALVOR_RESCUE_TREE")
	if tree == "" {
		b.Skip("SALVOR_RESCUE_TREE names no root with a kernel")
	}
	fsys := os.DirFS(tree)
	kernel, err := FindKernel(fsys, "", "")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		m, err := Plan(fsys, Default(Facts{Kernel: kernel}, Choice{}))
		if err != nil || len(m.Entries) < 100 {
			b.Fatal(err)
		}
	}
}
