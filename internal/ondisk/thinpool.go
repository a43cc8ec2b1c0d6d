package ondisk

import (
	"errors"
	"hash/crc32"
)

// ThinPool is what the first block of a thin pool's metadata says of it (kernel:
// drivers/md/dm-thin-metadata.c, struct thin_disk_superblock). It lies in the
// hidden volume POOL_tmeta, which no signature leads to.
type ThinPool struct {
	// NeedsCheck tells that the kernel gave up on the metadata: the pool is
	// started read-only until thin_check, or a repair, has cleared it.
	NeedsCheck    bool
	TransactionID uint64 // has to be the one that LVM's metadata has
	// Blocks of data and of metadata, and how many of them are taken.
	DataBlocks, DataUsed, MetadataBlocks, MetadataUsed uint64
}

// ThinPoolSize is how much of the metadata has to be read.
const ThinPoolSize = 4096

const (
	thinMagic      = 27022010
	thinNeedsCheck = 1 << 0 // THIN_METADATA_NEEDS_CHECK_FLAG
	thinSumXOR     = 160774 // SUPERBLOCK_CSUM_XOR
	thinMaxVersion = 2
)

// errNoThinPool: the block is not that of a thin pool's metadata.
var errNoThinPool = errors.New("cannot read a thin pool's metadata: its superblock is not there")

// ParseThinPool reads the first block of a thin pool's metadata.
func ParseThinPool(b []byte) (*ThinPool, error) {
	if len(b) < ThinPoolSize || le.Uint64(b[32:]) != thinMagic {
		return nil, errNoThinPool
	}
	b = b[:ThinPoolSize]
	if ^crc32.Checksum(b[4:], castagnoli)^thinSumXOR != le.Uint32(b) {
		return nil, damaged("thin pool: the superblock's checksum is wrong", 0)
	}
	if v := le.Uint32(b[40:]); v == 0 || v > thinMaxVersion {
		return nil, damaged("thin pool: the version is not known", 0)
	}
	return &ThinPool{
		NeedsCheck: le.Uint32(b[4:])&thinNeedsCheck != 0, TransactionID: le.Uint64(b[48:]),
		// The roots of the space maps begin with the two counts
		// (drivers/md/persistent-data/dm-space-map-common.h, struct disk_sm_root).
		DataBlocks: le.Uint64(b[64:]), DataUsed: le.Uint64(b[72:]),
		MetadataBlocks: le.Uint64(b[192:]), MetadataUsed: le.Uint64(b[200:]),
	}, nil
}
