package fstab

import (
	"math/bits"
	"strconv"
	"strings"
)

// IsOverlay tells whether the line merges directories (overlayfs). The type was
// called overlayfs before Linux 3.18.
func (e Entry) IsOverlay() bool {
	return e.Type == "overlay" || e.Type == "overlayfs"
}

// Overlay returns the directories that an overlay merges: the lower ones from
// the top down, the upper one and its work directory, which are "" in a
// read-only overlay. In the options a colon or comma within a path stands after
// a backslash, and data-only layers follow a double colon (kernel,
// Documentation/filesystems/overlayfs.rst).
func (e Entry) Overlay() (lower []string, upper, work string) {
	for _, opt := range e.Options {
		switch opt.Name {
		case "lowerdir":
			lower = nil
			for _, dir := range splitEscaped(opt.Value, ':') {
				if dir != "" {
					lower = append(lower, unescapeAny(dir))
				}
			}
		case "lowerdir+", "datadir+": // Linux 6.8: one layer each
			lower = append(lower, unescapeAny(opt.Value))
		case "upperdir":
			upper = unescapeAny(opt.Value)
		case "workdir":
			work = unescapeAny(opt.Value)
		}
	}
	return lower, upper, work
}

// splitEscaped splits at a separator that no backslash stands before.
func splitEscaped(s string, separator byte) []string {
	var parts []string
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case separator:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

// unescapeAny takes off every backslash that stands before another character.
func unescapeAny(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// IsLoop tells whether what is mounted is an image in a regular file, or part of
// a device, behind a loop device: the options say so, or the spec is a file and
// the type that of a file system (mount(8), "Loop-device support").
func (e Entry) IsLoop() bool {
	if e.IsBind() || e.IsSwap() || e.IsOverlay() || strings.HasPrefix(e.Type, "fuse") {
		return false
	}
	for _, name := range []string{"loop", "offset", "sizelimit"} {
		if e.Options.Has(name) {
			return true
		}
	}
	return e.Spec.Kind == File && !directoryTypes[e.Type]
}

// directoryTypes are types whose spec is a directory, or a name that looks so.
var directoryTypes = setOf("none autofs ecryptfs 9p virtiofs vboxsf aufs unionfs mhddfs mergerfs bindfs")

// Loop returns where in the image the file system lies: offset= and sizelimit=
// in bytes, size 0 for the rest of it. It is not ok if they cannot be read.
func (e Entry) Loop() (offset, size uint64, ok bool) {
	ok = true
	for name, n := range map[string]*uint64{"offset": &offset, "sizelimit": &size} {
		if v, given := e.Options.Get(name); given {
			var good bool
			*n, good = sizeOf(v)
			ok = ok && good
		}
	}
	return offset, size, ok
}

// sizeOf reads a size as util-linux does (lib/strutils.c, strtosize): K and KiB
// are 1024, KB is 1000, and so on to E.
func sizeOf(s string) (uint64, bool) {
	if n, ok := number(s); ok {
		return n, true
	}
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	n, err := strconv.ParseUint(s[:digits], 10, 64)
	unit := strings.ToUpper(s[digits:])
	if err != nil || unit == "" {
		return 0, false
	}
	power := strings.IndexByte("KMGTPE", unit[0]) + 1
	base := uint64(1024)
	switch unit[1:] {
	case "", "IB":
	case "B":
		base = 1000
	default:
		return 0, false
	}
	for range power {
		high, low := bits.Mul64(n, base)
		if high != 0 {
			return 0, false
		}
		n = low
	}
	return n, power > 0
}

// IsSwapFile tells whether the line swaps to a file instead of a device.
func (e Entry) IsSwapFile() bool {
	return e.IsSwap() && e.Spec.Kind == File
}

// SwapPriority returns pri=, as swapon(8) reads it.
func (e Entry) SwapPriority() (priority int, ok bool) {
	v, given := e.Options.Get("pri")
	n, err := strconv.ParseInt(v, 10, 16)
	return int(n), given && err == nil
}

// Automount tells whether the booting system mounts the line only when someone
// goes there: x-systemd.automount, or as it was before systemd 213.
func (o Options) Automount() bool {
	return o.Has("x-systemd.automount") || o.Has("comment=systemd.automount")
}

// InitrdMount tells whether the initramfs mounts the line too, as it does / and
// /usr (systemd.mount(5)).
func (o Options) InitrdMount() bool {
	return o.Has("x-initrd.mount")
}

// NetDev tells whether the device needs the network, as one on iSCSI.
func (o Options) NetDev() bool {
	return o.Has("_netdev")
}

// MountedFor returns the paths that have to be mounted before the line is:
// x-systemd.requires-mounts-for= and x-systemd.wants-mounts-for=.
func (o Options) MountedFor() []string {
	var paths []string
	for _, opt := range o {
		if opt.Name == "x-systemd.requires-mounts-for" || opt.Name == "x-systemd.wants-mounts-for" {
			paths = append(paths, unescapeAny(opt.Value))
		}
	}
	return paths
}

// PulledIn returns the units that have the line mounted in place of the target
// for all file systems: x-systemd.wanted-by= and x-systemd.required-by=
// (systemd ≥ 243).
func (o Options) PulledIn() []string {
	return append(o.All("x-systemd.wanted-by"), o.All("x-systemd.required-by")...)
}
