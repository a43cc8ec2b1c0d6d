package ondisk

import (
	"encoding/binary"
	"fmt"
)

const (
	befsMagic      = 0x42465331 // "BFS1"
	befsInodeMagic = 0x3bbe0ad9
	befsUint64     = 0x554c4c47 // "ULLG"
	befsVolumeID   = "be:volume_id"
	befsInodeSize  = 232 // of an inode without its small attributes
)

// befs is what of a BeFS superblock leads to the root directory (Haiku:
// headers/private/fs_shell, src/add-ons/kernel/file_systems/bfs/bfs.h).
type befs struct {
	order             binary.ByteOrder
	blockShift, group uint32
	root              []byte // a block run
}

func findBeFS(d *device) (Signature, error) {
	for _, off := range []int64{0, 512} {
		b := d.at(off, 256)
		if b == nil {
			continue
		}
		for _, order := range []binary.ByteOrder{le, be} {
			if order.Uint32(b[32:]) != befsMagic || order.Uint32(b[68:]) != 0xdd121031 || order.Uint32(b[112:]) != 0x15b6830e {
				continue
			}
			f := befs{order: order, blockShift: order.Uint32(b[44:]), group: order.Uint32(b[76:]), root: b[116:124]}
			if f.blockShift < 10 || f.blockShift > 13 || f.group > 31 {
				return nil, damaged("befs: the sizes are out of bounds", off)
			}
			return &Plain{ID: ID{UUID: f.volumeID(d), Label: label(b[:32])}, Type: "befs"}, nil
		}
	}
	return nil, nil
}

// volumeID finds the identifier among the attributes that are stored in the
// root directory's inode. mkbfs writes it there.
func (f befs) volumeID(d *device) string {
	block := uint64(f.order.Uint32(f.root))<<f.group + uint64(f.order.Uint16(f.root[4:]))
	b := d.at64(block<<f.blockShift, 1<<f.blockShift)
	if b == nil || f.order.Uint32(b) != befsInodeMagic {
		return ""
	}
	for b = b[befsInodeSize:]; len(b) >= 8; {
		name, data := int(f.order.Uint16(b[4:])), int(f.order.Uint16(b[6:]))
		size := 8 + name + 3 + data + 1
		if size > len(b) || (name == 0 && data == 0) {
			return ""
		}
		if f.order.Uint32(b) == befsUint64 && string(b[8:8+name]) == befsVolumeID && data == 8 {
			return fmt.Sprintf("%016x", f.order.Uint64(b[8+name+3:]))
		}
		b = b[size:]
	}
	return ""
}
