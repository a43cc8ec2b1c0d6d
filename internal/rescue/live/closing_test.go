package live

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// TestCloseAll: a system is mounted on a volume on an array, a shell is in it, and FUSE and udev
// are at work.
func TestCloseAll(t *testing.T) { synctest.Test(t, testCloseAll) }

func testCloseAll(t *testing.T) {
	f := newFake()
	f.process(1, "/init")
	f.process(50, "/lib/systemd/systemd-udevd")
	f.process(51, "-bash")
	f.process(52, "ntfs-3g", "/dev/fuse")
	f.process(53, "@mdmon")
	f.process(54, "stubborn")
	f.deaf[54] = true
	f.tree["/proc/60/cmdline"] = "" // a thread of the kernel
	f.tree["/proc/swaps"] = "Filename Type Size Used Priority\n"
	f.tree[journal] = "{}"
	f.mounts = []string{"/", "/proc", "/run", "/mnt/usb", "/mnt/local", "/mnt/local/home"}
	for name, text := range map[string]string{
		"dm-0/dm/name": "vg-root", "dm-0/size": "1", "md0/md/array_state": "clean", "md0/holders/dm-0": "", "sda/size": "9", "sda/holders/md0": "",
		"loop0/loop/backing_file": "/x", "loop1/size": "0", "md9/md/array_state": "clear",
	} {
		f.tree["/sys/class/block/"+name] = text
	}
	f.programs["salvor"] = nil
	f.programs["dmsetup"] = func(args []string) error { f.remove("/sys/class/block/dm-0"); return nil }
	f.programs["mdadm"] = func(args []string) error {
		if _, open := f.tree["/sys/class/block/md0/holders/dm-0"]; open {
			return errors.New("it is in use")
		}
		f.remove("/sys/class/block/md0")
		return nil
	}
	var said []string
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	if err := closeAll(context.Background(), f, say); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"salvor: closing"}, said); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"salvor umount", "dmsetup remove vg-root", "mdadm --stop /dev/md0"}, f.ran); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"/", "/proc", "/run"}, f.mounts); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"/dev/loop0"}, f.detached); diff != "" {
		t.Error(diff)
	}
	var left []string
	for _, p := range readProcesses(f, 0) {
		left = append(left, p.name)
	}
	if diff := cmp.Diff([]string{"/lib/systemd/systemd-udevd", "ntfs-3g", "@mdmon"}, left); diff != "" {
		t.Error(diff)
	}
}

// TestStuck: what cannot be closed is told, and made safe as far as it can be.
func TestStuck(t *testing.T) {
	f := newFake()
	f.mounts = []string{"/", "/mnt/local", "/mnt/local/home"}
	f.busy["/mnt/local/home"] = true
	f.tree["/proc/swaps"] = "Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n"
	f.tree["/sys/class/block/dm-0/dm/name"] = "cr_home"
	f.programs["swapoff"] = nil
	f.programs["dmsetup"] = func([]string) error { return errors.New("device or resource busy") }
	var said []string
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	closeAll(context.Background(), f, say)
	want := []string{"salvor: closing", "salvor: /mnt/local/home is in use and stays mounted, read-only",
		"salvor: /mnt/local is in use and stays mounted, read-only", "salvor: dm-0 stays open: device or resource busy"}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
	if ran := strings.Join(f.ran, "\n"); !strings.Contains(ran, "swapoff -a") || strings.Contains(ran, "umount") {
		t.Errorf("ran: %s", ran)
	}
}
