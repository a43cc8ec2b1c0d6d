package ondisk

import "hash/crc32"

// Fields of an F2FS superblock, and of a checkpoint (kernel:
// include/linux/f2fs_fs.h, struct f2fs_super_block and f2fs_checkpoint).
const (
	f2fsLogBlock      = 16
	f2fsLogSegment    = 20 // blocks in a segment
	f2fsCheckpointAt  = 76 // block of the first checkpoint
	f2fsPackFlags     = 132
	f2fsPackBlocks    = 136
	f2fsPackSumOffset = 164

	f2fsUmountFlag = 1 << 0 // CP_UMOUNT_FLAG: it was written by an unmount
	f2fsErrorFlag  = 1 << 3 // CP_ERROR_FLAG
	f2fsFsckFlag   = 1 << 4 // CP_FSCK_FLAG: it wants to be checked
	f2fsSeed       = 0xf2f52010
)

// f2fsDirty tells whether the newest checkpoint is anything but the one that an
// unmount writes. What was synced after it lies in the log, and is taken in by the
// next mount (Documentation/filesystems/f2fs.rst, "roll-forward recovery").
func f2fsDirty(d *device, super []byte) bool {
	block, segment := le.Uint32(super[f2fsLogBlock:]), le.Uint32(super[f2fsLogSegment:])
	if block < 9 || block > 16 || segment > 20 {
		return false
	}
	first := int64(le.Uint32(super[f2fsCheckpointAt:])) << block
	var newest []byte
	for _, off := range []int64{first, first + 1<<(block+segment)} {
		b := f2fsCheckpoint(d, off, block)
		if b != nil && (newest == nil || le.Uint64(b) > le.Uint64(newest)) {
			newest = b
		}
	}
	if newest == nil {
		d.notef("f2fs: no checkpoint is whole")
		return false
	}
	flags := le.Uint32(newest[f2fsPackFlags:])
	return flags&f2fsUmountFlag == 0 || flags&(f2fsErrorFlag|f2fsFsckFlag) != 0
}

// f2fsCheckpoint reads the head of a pack of blocks that is whole: its last block
// is a copy of the first (fs/f2fs/checkpoint.c, validate_checkpoint).
func f2fsCheckpoint(d *device, off int64, block uint32) []byte {
	size := 1 << block
	b := d.at(off, size)
	if b == nil {
		return nil
	}
	sum, blocks := int(le.Uint32(b[f2fsPackSumOffset:])), int64(le.Uint32(b[f2fsPackBlocks:]))
	if sum < f2fsPackSumOffset || sum > size-4 || blocks < 2 || f2fsSum(b[:sum]) != le.Uint32(b[sum:]) {
		return nil
	}
	last := d.at(off+(blocks-1)<<block, size)
	if last == nil || le.Uint64(last) != le.Uint64(b) {
		return nil
	}
	return b
}

// f2fsSum is CRC-32 with a seed and without inversions.
func f2fsSum(b []byte) uint32 { return ^crc32.Update(^uint32(f2fsSeed), crc32.IEEETable, b) }
