package probe

import (
	"strings"

	"salvor/internal/ondisk"
	"salvor/internal/storage"
)

// device is one block device of the kernel, with what was read of it.
type device struct {
	name     string // in sysfs: "sda1", "dm-3", "cciss!c0d0"
	path     string // "/dev/sda1"
	sysPath  string // "/sys/devices/pci0000:00/…/block/sda"
	dev      storage.Dev
	size     uint64
	readOnly bool

	number int    // of a partition, else 0
	start  uint64 // of a partition, in bytes
	hw     hardware
	dm     mapping
	md     array
	bcache string // state of a running bcache
	udev   udevRecord

	wholeName  string
	slaveNames []string
	// The links between devices; stand-ins are seen through.
	whole      *device
	partitions []*device
	slaves     []*device
	holders    []*device

	role      role
	standsFor *device // of a stand-in, and of a layer that is no node of its own
	standIn   *device // the stand-in of this device
	mounted   string  // type of the file system that is mounted from it
	replayed  bool    // it is mounted through its stand-in: what was replayed is in memory only
	swapping  bool
	// opalLocked: the disk has locked itself.
	opalLocked bool

	content *ondisk.Content
	failure string           // why it could not be read
	table   *ondisk.Table    // of the content, what counts
	sig     ondisk.Signature // of the content, what counts
}

// mapping is what sysfs tells of a device-mapper device.
type mapping struct {
	name, uuid string
	suspended  bool
}

// role is what a device is to the graph.
type role int

const (
	roleDisk          role = iota
	rolePartition          // made by the kernel
	roleMapPartition       // made by kpartx
	roleMultipath          // a multipath map
	roleWire               // a disk under a multipath map
	roleWirePartition      // a partition of a wire: the same as that of the map
	roleArray              // an MD array
	roleVolume             // a logical volume
	roleLayer              // a part of a device-mapper stack that is not to be looked at
	roleCrypt              // an open encrypted container
	roleBcache             // a running bcache
	roleMap                // any other device-mapper device
	roleStandIn            // salvor's own copy-on-write overlay
	roleMemory             // the memory under a stand-in
)

// standInPrefix begins the device-mapper UUID of salvor's own overlays.
const standInPrefix = "SALVOR-COW-"

// roleOf is the role as far as it follows from the device alone. Device-mapper
// tables are not in sysfs; the UUIDs that the tools give tell as much
// (libdevmapper.h: "subsystem prefix").
func roleOf(d *device) role {
	switch uuid := d.dm.uuid; {
	case d.number > 0:
		return rolePartition
	case d.md.state != "":
		return roleArray
	case d.bcache != "":
		return roleBcache
	case d.dm.name == "":
		return roleDisk
	case strings.HasPrefix(uuid, standInPrefix):
		return roleStandIn
	case strings.HasPrefix(uuid, "mpath-"):
		return roleMultipath
	case mapPartition(uuid) > 0:
		return roleMapPartition
	case strings.HasPrefix(uuid, "LVM-"):
		return roleVolume
	case isCryptLayer(uuid):
		return roleLayer
	case cryptFormat(uuid) != "":
		return roleCrypt
	default:
		return roleMap
	}
}

// resolve gives the device that d stands for: itself, unless it is a stand-in
// or a layer.
func (d *device) resolve() *device {
	for d.standsFor != nil {
		d = d.standsFor
	}
	return d
}

// readable tells whether the content of the device is looked at. What belongs to
// something larger and has no meaning of its own is not, and a suspended mapping
// would keep a reader waiting for ever.
func (d *device) readable() bool {
	switch d.role {
	case roleWire, roleWirePartition, roleLayer, roleStandIn, roleMemory:
		return false
	case roleVolume:
		if isHiddenVolume(d) {
			return false
		}
	}
	return d.size > 0 && !d.dm.suspended
}

// heldBy tells whether a device of the role lies on d now.
func (d *device) heldBy(r role) bool {
	for _, h := range d.holders {
		if h.role == r {
			return true
		}
	}
	return false
}

// claimed tells whether something that owns all of d lies on it now.
func (d *device) claimed() bool {
	return d.heldBy(roleArray) || d.heldBy(roleVolume) || d.heldBy(roleCrypt) || d.heldBy(roleBcache)
}

// inUse tells whether the kernel uses the content of d now.
func (d *device) inUse() bool { return d.mounted != "" || d.swapping || len(d.holders) > 0 }
