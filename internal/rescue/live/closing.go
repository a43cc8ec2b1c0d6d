package live

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/moby/sys/mountinfo"

	"salvor/internal/machine"
	"salvor/internal/storage"
)

// closeLimit is how long all of the closing may take. A disk that hangs must not keep a
// machine from being restarted.
const closeLimit = 90 * time.Second

// journal is where salvor notes what it mounts and opens.
const journal = "/run/salvor/journal"

// newEcho gives a voice on the consoles of a system that is up.
func newEcho(h host) func(string, ...any) {
	line, _ := h.ReadFile("/proc/cmdline")
	p, _ := ParseParameters(string(line))
	return voice{h, consoles(h, p)}.say
}

// closeAll takes the system down as far as it can be: the processes, what salvor mounted, all
// else that is mounted, swap that somebody switched on, and what is open. What cannot be closed is
// told; it does not keep the system from ending.
func closeAll(ctx context.Context, h host, say func(string, ...any)) error {
	ctx, cancel := context.WithTimeout(ctx, closeLimit)
	defer cancel()
	say("salvor: closing")
	for _, p := range endProcesses(ctx, h, os.Getpid()) {
		say("salvor: process %d cannot be ended: %s", p.pid, storage.Printable(p.name))
	}
	var notes []string
	notes = append(notes, undoSalvor(ctx, h)...)
	notes = append(notes, unmountAll(h)...)
	notes = append(notes, swapOff(ctx, h)...)
	notes = append(notes, closeDevices(ctx, h)...)
	for _, n := range notes {
		say("salvor: %s", storage.Printable(n))
	}
	return nil
}

// undoSalvor has salvor take down what it mounted and opened, in its own order.
func undoSalvor(ctx context.Context, h host) (notes []string) {
	if _, err := h.Lstat(journal); err != nil {
		return nil
	}
	if _, err := h.Run(ctx, machine.Cmd{Program: "salvor", Args: []string{"umount"}}); err != nil {
		return []string{err.Error()}
	}
	return nil
}

// unmountAll unmounts all that init did not mount, the last one first, until nothing more can
// be. What stays is made read-only, so that it is whole when the power goes.
func unmountAll(h host) (notes []string) {
	for {
		points, err := foreignMounts(h)
		if err != nil {
			return []string{err.Error()}
		}
		left := slices.DeleteFunc(slices.Clone(points), func(p string) bool { return h.Unmount(p) == nil })
		if len(left) == 0 {
			return nil
		}
		if len(left) < len(points) {
			continue
		}
		for _, p := range left {
			if err := h.MakeReadOnly(p); err != nil {
				notes = append(notes, fmt.Sprintf("%s stays mounted: %v", p, err))
				continue
			}
			notes = append(notes, fmt.Sprintf("%s is in use and stays mounted, read-only", p))
		}
		return notes
	}
}

// foreignMounts are the mount points that init did not make, the last one first.
func foreignMounts(h files) ([]string, error) {
	data, err := h.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	mounts, err := mountinfo.GetMountsFromReader(bytes.NewReader(data), nil)
	if err != nil {
		return nil, fmt.Errorf("cannot read /proc/self/mountinfo: %w", err)
	}
	var points []string
	for _, m := range mounts {
		own := m.Mountpoint == "/" || slices.ContainsFunc(kernelMounts, func(k kernelMount) bool { return k.point == m.Mountpoint })
		if !own {
			points = append(points, m.Mountpoint)
		}
	}
	slices.Reverse(points)
	return points, nil
}

func swapOff(ctx context.Context, h host) (notes []string) {
	if lines := strings.Split(readWord(h, "/proc/swaps"), "\n"); len(lines) < 2 { // the first is a heading
		return nil
	}
	if _, err := h.Run(ctx, machine.Cmd{Program: "swapoff", Args: []string{"-a"}}); err != nil {
		return []string{err.Error()}
	}
	return nil
}

// closeDevices closes what is open on the disks, from above to below, in rounds until nothing
// more can be.
func closeDevices(ctx context.Context, h host) (notes []string) {
	for {
		open := openDevices(h)
		var stuck []string
		closed := false
		for _, device := range open {
			if len(device.holders) > 0 {
				continue
			}
			if err := device.close(ctx, h); err != nil {
				stuck = append(stuck, fmt.Sprintf("%s stays open: %v", device.name, err))
				continue
			}
			closed = true
		}
		if !closed {
			return stuck
		}
	}
}

// openDevice is a block device that something was opened, assembled or attached for.
type openDevice struct {
	name    string // the kernel's
	holders []string
	close   func(ctx context.Context, h host) error
}

func openDevices(h files) []openDevice {
	const dir = "/sys/class/block"
	names, _ := h.ReadDir(dir)
	var out []openDevice
	for _, name := range names {
		at := path.Join(dir, name)
		closing := closerOf(h, at, name)
		if closing == nil {
			continue
		}
		holders, _ := h.ReadDir(path.Join(at, "holders"))
		out = append(out, openDevice{name, holders, closing})
	}
	return out
}

// closerOf gives how a device is closed, nil for one that is not open. A logical volume is
// closed as any other map: that it is active stands nowhere but in the kernel, and what a
// pool has in memory it writes when it goes (drivers/md/dm-thin.c, pool_postsuspend).
func closerOf(h files, at, name string) func(context.Context, host) error {
	run := func(program string, args ...string) func(context.Context, host) error {
		return func(ctx context.Context, h host) error {
			_, err := h.Run(ctx, machine.Cmd{Program: program, Args: args})
			return err
		}
	}
	has := func(file string) bool {
		_, err := h.Lstat(path.Join(at, file))
		return err == nil
	}
	switch {
	case has("dm/name"):
		return run("dmsetup", "remove", readWord(h, path.Join(at, "dm/name")))
	case has("md/array_state") && readWord(h, path.Join(at, "md/array_state")) != "clear":
		return run("mdadm", "--stop", path.Join("/dev", name))
	case has("bcache/stop") && has("bcache/running"):
		return func(_ context.Context, h host) error { return h.Put(path.Join(at, "bcache/stop"), "1") }
	case has("loop/backing_file"):
		return func(_ context.Context, h host) error { return h.DetachLoop(path.Join("/dev", name)) }
	case strings.HasPrefix(name, "nbd") && has("pid"):
		return run("qemu-nbd", "--disconnect", path.Join("/dev", name))
	}
	return nil
}
