package ondisk

// What a chunk holds, and the profiles with more than two copies (kernel:
// include/uapi/linux/btrfs_tree.h, BTRFS_BLOCK_GROUP_*).
const (
	btrfsRAID1   = 1 << 4
	btrfsRAID1C3 = 1 << 9
	btrfsRAID1C4 = 1 << 10
)

// btrfsHolds are the kinds of chunks, the most important first.
var btrfsHolds = []struct {
	bit  uint64
	name string
}{{1 << 1, "system"}, {1 << 2, "metadata"}, {1 << 0, "data"}}

// tolerates is how many devices of the chunk may be missing. Of a RAID 10 the
// kernel counts one, wherever it is (fs/btrfs/volumes.c, btrfs_raid_array).
func (c *btrfsChunk) tolerates() int {
	switch {
	case c.profile&btrfsRAID1C4 != 0:
		return 3
	case c.profile&(btrfsRAID1C3|btrfsRAID6) != 0:
		return 2
	case c.profile&(btrfsRAID1|btrfsRAID10|btrfsRAID5) != 0:
		return 1
	}
	return 0
}

// lost lists the kinds of chunks of which one misses more devices than it
// tolerates. The kernel mounts such a file system only for reading
// (btrfs_check_rw_degradable).
func (r *btrfsReader) lost() []string {
	gone := uint64(0)
	for i := range r.chunks {
		c, missing := &r.chunks[i], 0
		for _, s := range c.stripes {
			if r.devs[s.dev] == nil {
				missing++
			}
		}
		if missing > c.tolerates() {
			gone |= c.profile
		}
	}
	var out []string
	for _, h := range btrfsHolds {
		if gone&h.bit != 0 {
			out = append(out, h.name)
		}
	}
	return out
}
