package ondisk

import (
	"bytes"
	"fmt"
	"hash/crc32"
)

// Btrfs is one device of a btrfs file system.
type Btrfs struct {
	ID                  // UUID is the file system's, the same on all its devices
	MetadataUUID string // that of its trees; differs after "btrfstune -m"
	DevUUID      string
	DevID        uint64
	NumDevices   uint64
	Size         uint64 // of the file system: the sum of its devices
	DevSize      uint64 // what of this device belongs to it
	Generation   uint64
	// LogRoot tells that a log tree waits to be replayed: fsync was called
	// and the file system was not unmounted after it.
	LogRoot bool
	// ChecksumType is "crc32c", "xxhash64", "sha256" or "blake2b".
	ChecksumType string
	Seeding      bool // a seed device: read-only, others lie on it
	BtrfsMade
}

// Format implements Signature.
func (*Btrfs) Format() string { return "btrfs" }

const (
	btrfsOffset       = 64 << 10
	btrfsSuperSize    = 4096
	btrfsMagic        = "_BHRfS_M"
	btrfsMetadataUUID = 1 << 10 // incompat flag
	btrfsFlagSeeding  = 1 << 32
	btrfsSysArray     = 0x32b
	btrfsSysArraySize = 2048
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// btrfsChecksums are the names by the number in the superblock.
var btrfsChecksums = []string{"crc32c", "xxhash64", "sha256", "blake2b"}

func btrfsChecksum(kind uint16) string {
	if int(kind) < len(btrfsChecksums) {
		return btrfsChecksums[kind]
	}
	return fmt.Sprintf("unknown (%d)", kind)
}

// btrfsCRC tells whether a superblock or tree node, whose first 32 bytes are
// its checksum, is whole. Only crc32c is checked.
func btrfsCRC(kind uint16, b []byte) bool {
	return kind != 0 || crc32.Checksum(b[32:], castagnoli) == le.Uint32(b)
}

func findBtrfs(d *device) (Signature, error) {
	b := d.at(btrfsOffset, btrfsSuperSize)
	if b == nil || string(b[0x40:0x48]) != btrfsMagic {
		return nil, nil
	}
	kind := le.Uint16(b[0xc4:])
	s := parseBtrfs(b)
	if !btrfsCRC(kind, b) {
		return s, damaged("btrfs: the superblock's checksum is wrong", btrfsOffset)
	}
	return s, nil
}

func parseBtrfs(b []byte) *Btrfs {
	s := &Btrfs{
		ID:           ID{UUID: uuidString(b[0x20:0x30]), Label: label(b[0x12b:0x22b])},
		DevID:        le.Uint64(b[0xc9:]),
		DevSize:      le.Uint64(b[0xd1:]),
		DevUUID:      uuidString(b[0x10b:0x11b]),
		NumDevices:   le.Uint64(b[0x88:]),
		Size:         le.Uint64(b[0x70:]),
		Generation:   le.Uint64(b[0x48:]),
		LogRoot:      le.Uint64(b[0x60:]) != 0,
		Seeding:      le.Uint64(b[0x38:])&btrfsFlagSeeding != 0,
		ChecksumType: btrfsChecksum(le.Uint16(b[0xc4:])),
		BtrfsMade: BtrfsMade{
			SectorSize: le.Uint32(b[0x90:]), NodeSize: le.Uint32(b[0x94:]), BytesUsed: le.Uint64(b[0x78:]),
			Features: btrfsFeatures(le.Uint64(b[0xbc:]), le.Uint64(b[0xb4:])),
		},
	}
	s.MetadataUUID = s.UUID
	if le.Uint64(b[0xbc:])&btrfsMetadataUUID != 0 && !bytes.Equal(b[0x23b:0x24b], make([]byte, 16)) {
		s.MetadataUUID = uuidString(b[0x23b:0x24b])
	}
	return s
}
