package live

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// kernelMount is a file system of the kernel's own.
type kernelMount struct {
	kind, point string
	source      string
	flags       uintptr
	options     string
	// need is a path that shows that there is such a thing here; "" is everywhere.
	need string
	// alone: what is mounted there already, of whatever kind, stays the only one. Of a
	// tmpfs each mount is a new one, which would hide the first.
	alone bool
}

const quiet = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// devices is the kernel's own file system of devices: those that it made before any udev ran
// are there.
var devices = kernelMount{kind: "devtmpfs", point: "/dev", source: "dev", flags: unix.MS_NOSUID, options: "mode=0755", alone: true}

// kernelMounts are mounted in this order. There are no control groups: neither udev nor the
// storage tools use them.
var kernelMounts = []kernelMount{
	devices,
	{kind: "proc", point: "/proc", source: "proc", flags: quiet, alone: true},
	{kind: "sysfs", point: "/sys", source: "sysfs", flags: quiet, alone: true},
	{kind: "tmpfs", point: "/run", source: "run", flags: unix.MS_NOSUID | unix.MS_NODEV, options: "mode=0755", alone: true},
	{kind: "devpts", point: "/dev/pts", source: "devpts", flags: unix.MS_NOSUID | unix.MS_NOEXEC, options: "mode=0620,gid=5,ptmxmode=0666", alone: true},
	{kind: "tmpfs", point: "/dev/shm", source: "shm", flags: unix.MS_NOSUID | unix.MS_NODEV, options: "mode=1777", alone: true},
	{kind: "tmpfs", point: "/tmp", source: "tmp", flags: unix.MS_NOSUID | unix.MS_NODEV, options: "mode=1777", alone: true},
	{kind: "efivarfs", point: "/sys/firmware/efi/efivars", source: "efivarfs", flags: quiet, need: "/sys/firmware/efi/efivars", alone: true},
}

// deviceLinks are names in /dev that programs take for granted and the kernel does not
// make (udev makes them too, where it runs).
var deviceLinks = [][2]string{
	{"/proc/self/fd", "/dev/fd"},
	{"fd/0", "/dev/stdin"},
	{"fd/1", "/dev/stdout"},
	{"fd/2", "/dev/stderr"},
	{"/proc/self/mounts", "/etc/mtab"},
}

// locks is where programs keep theirs, below /run or by way of /var/lock (FHS 3.0, 3.15 and 5.9).
// qemu-nbd, for one, does not make it.
const locks = "/run/lock"

// mountKernel mounts what the kernel shows of itself. What cannot be mounted is noted: a
// shell without it is better than none.
func mountKernel(h host) (notes []string) {
	for _, m := range kernelMounts {
		if m.need != "" {
			if _, err := h.Lstat(m.need); err != nil {
				continue
			}
		} else if err := h.MkdirAll(m.point, 0o755); err != nil {
			notes = append(notes, err.Error())
		}
		if err := h.Mount(m); err != nil {
			notes = append(notes, fmt.Sprintf("cannot mount %s at %s: %v", m.kind, m.point, err))
		}
	}
	if err := h.MkdirAll(locks, 0o755); err != nil {
		notes = append(notes, err.Error())
	}
	for _, l := range deviceLinks {
		if err := h.Symlink(l[0], l[1]); err != nil {
			notes = append(notes, fmt.Sprintf("cannot make the link %s: %v", l[1], err))
		}
	}
	return notes
}
