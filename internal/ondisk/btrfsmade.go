package ondisk

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
)

// BtrfsMade is how a btrfs was made, as each of its superblocks says (kernel:
// include/uapi/linux/btrfs.h; mkfs.btrfs(8)).
type BtrfsMade struct {
	SectorSize, NodeSize uint32
	Features             []string // by mkfs.btrfs's names
	BytesUsed            uint64   // of data and metadata, each counted once however often it is stored
}

// Used is how many bytes files take. A log tree holds what is not counted yet.
func (s *Btrfs) Used() (used uint64, known bool) {
	return s.BytesUsed, !s.LogRoot && s.BytesUsed <= s.Size
}

// btrfsIncompat and btrfsCompatRO are features by their bits. An empty name is of one
// that follows from others, or from use, and that mkfs.btrfs does not let choose.
var (
	btrfsIncompat = map[int]string{
		0: "", 1: "", 2: "mixed-bg", 3: "", 4: "", 5: "", 6: "extref", 7: "raid56", 8: "skinny-metadata", 9: "no-holes",
		10: "", 11: "raid1c34", 12: "zoned", 13: "extent-tree-v2", 14: "raid-stripe-tree", 16: "squota",
	}
	btrfsCompatRO = map[int]string{0: "free-space-tree", 1: "", 2: "", 3: "block-group-tree"}
)

func btrfsFeatures(incompat, compatRO uint64) (names []string) {
	for _, word := range []struct {
		bits  uint64
		names map[int]string
		other string
	}{{incompat, btrfsIncompat, "incompat"}, {compatRO, btrfsCompatRO, "compat-ro"}} {
		for ; word.bits != 0; word.bits &= word.bits - 1 {
			bit := bits.TrailingZeros64(word.bits)
			name, known := word.names[bit]
			if !known {
				name = fmt.Sprintf("%s-bit-%d", word.other, bit)
			}
			if name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

// BtrfsDevice is a device as the tree of chunks knows it.
type BtrfsDevice struct {
	Number uint64
	UUID   string
	Size   uint64 // bytes that belong to the file system
}

const (
	btrfsDevItems    = 1 // the object that has all devices
	btrfsDevItem     = 216
	btrfsDevItemSize = 98
	btrfsQuotaTree   = 8
)

// parseBtrfsDevice reads a device item (struct btrfs_dev_item).
func parseBtrfsDevice(number uint64, b []byte) (dev BtrfsDevice, ok bool) {
	if len(b) < btrfsDevItemSize {
		return dev, false
	}
	return BtrfsDevice{Number: number, Size: le.Uint64(b[8:]), UUID: uuidString(b[66:82])}, true
}

// btrfsProfiles are the bits that say how a chunk is stored; none is "single".
var btrfsProfiles = []struct {
	bit  uint64
	name string
}{
	{btrfsRAID0, "raid0"}, {btrfsRAID1, "raid1"}, {1 << 5, "dup"}, {btrfsRAID10, "raid10"}, {btrfsRAID5, "raid5"},
	{btrfsRAID6, "raid6"}, {btrfsRAID1C3, "raid1c3"}, {btrfsRAID1C4, "raid1c4"},
}

func btrfsProfile(kind uint64) string {
	for _, p := range btrfsProfiles {
		if kind&p.bit != 0 {
			return p.name
		}
	}
	return "single"
}

// profiles gives the profile of each kind of chunks. Where a balance was cut short
// there are several; that of most bytes counts.
func (r *btrfsReader) profiles() map[string]string {
	sizes := map[string]map[string]uint64{}
	for i := range r.chunks {
		c := &r.chunks[i]
		for _, h := range btrfsHolds {
			if c.profile&h.bit == 0 {
				continue
			}
			if sizes[h.name] == nil {
				sizes[h.name] = map[string]uint64{}
			}
			sizes[h.name][btrfsProfile(c.profile)] += c.length
		}
	}
	best := map[string]string{}
	for kind, of := range sizes {
		for name, size := range of {
			if old := best[kind]; old == "" || cmp.Or(cmp.Compare(size, of[old]), cmp.Compare(old, name)) > 0 {
				best[kind] = name
			}
		}
	}
	return best
}

func (r *btrfsReader) addDevice(k btrfsKey, data []byte) {
	dev, ok := parseBtrfsDevice(k.offset, data)
	if ok && k.object == btrfsDevItems && len(r.listed) < btrfsMaxChunks {
		r.listed = append(r.listed, dev)
	}
}

// devices lists the devices by their number.
func (r *btrfsReader) devices() []BtrfsDevice {
	slices.SortStableFunc(r.listed, func(a, b BtrfsDevice) int { return cmp.Compare(a.Number, b.Number) })
	return r.listed
}
