package tool

import (
	"fmt"
	"strconv"
	"strings"

	"salvor/internal/machine"
)

// OverlayUUID is the device-mapper UUID of the overlay of that name. A map with
// another UUID is not ours, whatever it is called.
func OverlayUUID(name string) string { return "SALVOR-COW-" + name }

// Overlay is a copy-on-write stand-in of a device.
type Overlay struct {
	Name    string
	Origin  string // path of the device that is stood in for
	Store   string // path of the device that takes the writes
	Sectors uint64 // size of the origin, in units of 512 bytes
}

// Table is the map's table for the kernel (Documentation/admin-guide/device-mapper/
// snapshot.rst). N: the store needs not outlive the map. 8 sectors: 4 KiB chunks,
// the page size, as a small write copies a whole chunk.
//
// The snapshot target opens its origin for reading only (drivers/md/dm-snap.c,
// snapshot_ctr), so an origin whose read-only flag is set can have an overlay; seen
// on Linux 6.1, where the origin's bytes stayed as they were after a mount that
// wrote. A store that is full makes the overlay invalid for good: every read of it
// gives EIO then.
//
// The paths may be those of mangled names: their backslashes arrive (tried with
// dmsetup 1.02.185).
func (o Overlay) Table() string {
	return fmt.Sprintf("0 %d snapshot %s %s N 8", o.Sectors, o.Origin, o.Store)
}

// CreateOverlay asks for the overlay. udev: a udev daemon runs on this machine.
func CreateOverlay(o Overlay, udev bool) machine.Cmd {
	return dmsetup(udev, "create", "--uuid", OverlayUUID(o.Name), "--table", o.Table(), "--", o.Name)
}

// RemoveOverlay asks for an overlay to be removed, by its UUID. --retry, since
// udev's rules open a map for a moment after every change.
func RemoveOverlay(name string, udev bool) machine.Cmd {
	return dmsetup(udev, "remove", "--retry", "--uuid", OverlayUUID(name))
}

// OverlayTable asks for the table of an overlay.
func OverlayTable(name string) machine.Cmd {
	return dmsetup(true, "table", "--uuid", OverlayUUID(name))
}

// ParseOverlayTable reads the device numbers of origin and store ("8:16").
func ParseOverlayTable(out []byte) (origin, store string, err error) {
	f := strings.Fields(string(out))
	if len(f) != 7 || f[2] != "snapshot" || !isDev(f[3]) || !isDev(f[4]) {
		return "", "", fmt.Errorf("cannot read the table of an overlay: %q is no line of a snapshot", out)
	}
	return f[3], f[4], nil
}

func isDev(s string) bool {
	major, minor, ok := strings.Cut(s, ":")
	return ok && isNumber(major) && isNumber(minor)
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil
}

// RenameMap asks for a map to get another name; whoever has it open notices
// nothing. Both names are as people write them.
func RenameMap(from, to string, udev bool) machine.Cmd {
	return dmsetup(udev, "rename", "--", from, to)
}

// dmsetup makes the command. Without a udev daemon, dmsetup has to make the nodes
// below /dev/mapper itself and must not wait for anybody.
func dmsetup(udev bool, command string, args ...string) machine.Cmd {
	all := []string{command}
	if !udev {
		all = append(all, "--noudevrules", "--noudevsync")
	}
	return machine.Cmd{Program: "dmsetup", Args: append(all, args...)}
}

// dmsetupSays: dmsetup ends with 1 for everything, and prints strerror(3) of what
// the ioctl gave: "device-mapper: %s ioctl on %s %s failed: %s" (lvm2 2.03.16,
// libdm/ioctl/libdm-iface.c). The kernel gives EBUSY for a name or UUID that
// exists (drivers/md/dm-ioctl.c, dm_hash_insert) and EINVAL for an unknown target.
var dmsetupSays = []rule{
	{1, "Failure to communicate with kernel device-mapper driver", ErrUnsupported},
	{1, "create ioctl on", ErrExists},
	{1, "failed: Device or resource busy", ErrBusy},
	{1, "failed: No such device", ErrNoDevice}, // ENODEV of a table's device; "… or address" is ENXIO of the map
	{1, "No such file or directory", ErrNoDevice},
	{1, "reload ioctl on", ErrUnsupported},
	{1, "Permission denied", ErrPermission},
}
