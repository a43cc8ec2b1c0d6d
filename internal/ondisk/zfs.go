package ondisk

import (
	"encoding/binary"
	"fmt"
)

// ZFS is a device of a ZFS pool.
type ZFS struct {
	ID       // UUID is the pool's GUID in decimal, Label its name
	PoolName string
	PoolGUID uint64
	GUID     uint64 // the device's
	State    uint64 // of the pool when last written: 0 active, 1 exported, 2 destroyed
	Hostname string // of the system that imported it last
}

// Format implements Signature.
func (*ZFS) Format() string { return "zfs_member" }

// Each of the four labels has 256 KiB: at 16 KiB a list of properties, in its
// second half a ring of uberblocks (OpenZFS: include/sys/vdev_impl.h).
const (
	zfsLabelSize  = 256 << 10
	zfsProperties = 16 << 10
	zfsListSize   = 16 << 10 // of the list, what is looked at
	zfsRing       = 128 << 10
	zfsUberblock  = 0x00bab10c
	// zfsWanted is how many uberblocks libblkid wants to see.
	zfsWanted = 4
)

// findZFS looks at the list in the first label and the ring in the last one,
// both of which are in memory; only where one of them is there, at the rest.
func findZFS(d *device) (Signature, error) {
	last := d.size&^(zfsLabelSize-1) - zfsLabelSize
	first := zfsList(d, 0)
	if first == nil && zfsUberblocks(d, last) < zfsWanted {
		return nil, nil
	}
	labels := []int64{0, zfsLabelSize, last - zfsLabelSize, last}
	n := 0
	for _, at := range labels {
		if n += zfsUberblocks(d, at); n >= zfsWanted {
			break
		}
	}
	if n < zfsWanted {
		return nil, nil
	}
	if first != nil {
		return first, nil
	}
	for _, at := range labels[1:] {
		if z := zfsList(d, at); z != nil {
			return z, nil
		}
	}
	return &ZFS{}, damaged("zfs: no label names the pool", 0)
}

func zfsUberblocks(d *device, label int64) (n int) {
	b := d.at(label+zfsRing, zfsLabelSize-zfsRing)
	for ; len(b) >= 1024; b = b[1024:] {
		if le.Uint64(b) == zfsUberblock || be.Uint64(b) == zfsUberblock {
			n++
		}
	}
	return n
}

// zfsList reads the properties of a label, an nvlist in XDR: big-endian, all
// in multiples of four bytes (OpenZFS: module/nvpair/nvpair.c).
func zfsList(d *device, label int64) *ZFS {
	b := d.at(label+zfsProperties, zfsListSize)
	// Encoding 1 is XDR; 4 bytes of header, version and flags follow.
	if b == nil || b[0] != 1 {
		return nil
	}
	z := &ZFS{}
	for b = b[12:]; len(b) >= 12; {
		size, nameLen := be.Uint32(b), be.Uint32(b[8:])
		if size < 12 || uint64(size) > uint64(len(b)) || nameLen > size-12 {
			break
		}
		pair := b[12:size]
		name, value := string(pair[:nameLen]), pair[min(int(nameLen+3)&^3, len(pair)):]
		z.set(name, value)
		b = b[size:]
	}
	if z.PoolName == "" || z.PoolGUID == 0 {
		return nil
	}
	z.ID = ID{UUID: fmt.Sprint(z.PoolGUID), Label: z.PoolName}
	return z
}

// set takes one property: its type, the number of its elements, its value.
func (z *ZFS) set(name string, value []byte) {
	const (
		typeUint64 = 8
		typeString = 9
	)
	if len(value) < 16 {
		return
	}
	switch kind := binary.BigEndian.Uint32(value); kind {
	case typeUint64:
		n := be.Uint64(value[8:])
		switch name {
		case "pool_guid":
			z.PoolGUID = n
		case "guid":
			z.GUID = n
		case "state":
			z.State = n
		}
	case typeString:
		n := min(uint64(be.Uint32(value[8:])), uint64(len(value)-12))
		s := cstring(value[12 : 12+n])
		switch name {
		case "name":
			z.PoolName = s
		case "hostname":
			z.Hostname = s
		}
	}
}
