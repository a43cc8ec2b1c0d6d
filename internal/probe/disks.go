package probe

import (
	"fmt"
	"strings"

	"salvor/internal/storage"
)

// addDisks makes the nodes of whole devices that the kernel offers by itself,
// and of device-mapper devices that are nothing that salvor knows.
func (a *assembly) addDisks() (lay func()) {
	var maps []*device
	for _, d := range a.inv.devices {
		switch {
		case d.role == roleMap:
			maps = append(maps, d)
			a.addMap(d)
		case d.role == roleWire, d.role == roleDisk && !d.idleMemory():
			a.addDisk(d)
		}
	}
	return func() {
		for _, d := range maps {
			a.layOnSlaves(d)
		}
	}
}

// idleMemory tells compressed memory that is not in use for anything.
func (d *device) idleMemory() bool {
	empty := d.content == nil || (len(d.content.Signatures) == 0 && d.content.Table == nil)
	return strings.HasPrefix(d.name, "zram") && empty && !d.inUse()
}

func (a *assembly) addDisk(d *device) {
	n := &storage.Disk{
		Model: d.hw.model, Serial: d.hw.serial, WWN: d.hw.wwn, Transport: d.hw.transport,
		SectorSize: d.hw.sector, PhysicalSector: d.hw.physical, Rotational: d.hw.rotational, Removable: d.hw.removable, BackingFile: d.hw.backing.path,
	}
	n.Identity = d.identity()
	a.is(a.Add(n), d)
	a.addImage(n, d)
	if d.opalLocked {
		n.Mark(storage.Locked)
		addNote(n, "the disk has locked itself (OPAL): what it holds cannot be read before it is unlocked, by its firmware, sedutil-cli or cryptsetup")
	}
	if m := mmcHardwarePartition.FindStringSubmatch(d.name); m != nil {
		addNotef(n, "the %s area of an eMMC, which belongs to the firmware", m[1])
	}
}

// addMap keeps a mapping of unknown purpose (a live medium's overlay, verity,
// somebody's dmsetup) as a disk that lies on its slaves, so that nothing that is
// mounted from it is lost.
func (a *assembly) addMap(d *device) {
	n := &storage.Disk{Transport: "dm", SectorSize: int(sector)}
	n.Identity = storage.ID("disk:dm-" + d.dm.name)
	kind := "no uuid"
	if d.dm.uuid != "" {
		n.Identity = storage.ID("disk:dm-" + d.dm.uuid)
		kind = fmt.Sprintf("uuid %s", d.dm.uuid)
	}
	a.is(a.Add(n), d)
	addNotef(n, "a device-mapper device of unknown purpose (%s)", kind)
}

// addMultipaths makes the nodes of multipath maps.
func (a *assembly) addMultipaths() (lay func()) {
	var maps []*device
	for _, d := range a.inv.devices {
		if d.role != roleMultipath {
			continue
		}
		n := &storage.Multipath{WWID: strings.TrimPrefix(d.dm.uuid, "mpath-")}
		n.Identity = storage.ID("mpath:" + n.WWID)
		n.Open = opening(d)
		a.is(a.Add(n), d)
		maps = append(maps, d)
	}
	return func() {
		for _, d := range maps {
			a.layOnSlaves(d)
		}
	}
}
