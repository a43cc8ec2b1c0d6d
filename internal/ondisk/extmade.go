package ondisk

import (
	"fmt"
	"math/bits"
)

// ExtMade is how an ext2, ext3 or ext4 was made (kernel: fs/ext4/ext4.h, struct
// ext4_super_block; mke2fs(8)).
type ExtMade struct {
	ClusterSize                        uint32 // bytes; 0 without bigalloc
	Blocks, ReservedBlocks, FreeBlocks uint64
	Overhead                           uint64 // blocks that no file can have; 0 where it was not counted
	BlocksPerGroup                     uint32
	Inodes, InodeSize                  uint32
	ReservedUID, ReservedGID           uint32
	Features                           []string // in the order of dumpe2fs, but for those that are states
	MountDefaults                      []string // in the order of dumpe2fs
	MountOptions                       string
	MaxMounts                          int32
	CheckInterval                      uint32 // seconds
	Errors                             string
	JournalSize                        uint64 // bytes of a journal inside, with its fast commits
	HashAlgorithm, HashSeed            string
	Stride, StripeWidth                uint32 // blocks
	FlexGroups, ReservedGDT            uint32
	MultiMount                         uint32 // seconds between two signs of life, with the feature mmp
	Revision                           uint32
	Encoding                           string
	EncodingStrict                     bool
	Quotas                             []string
}

// extFeatures are the names by their bits (e2fsprogs: lib/e2p/feature.c), in the
// order in which dumpe2fs prints the three words. A bit without a name here is
// called as dumpe2fs calls it, FEATURE_C9.
var extFeatures = [3]map[int]string{
	{
		0: "dir_prealloc", 1: "imagic_inodes", 2: "has_journal", 3: "ext_attr", 4: "resize_inode", 5: "dir_index",
		6: "lazy_bg", 8: "snapshot_bitmap", 9: "sparse_super2", 10: "fast_commit", 11: "stable_inodes", 12: "orphan_file",
	},
	{
		0: "compression", 1: "filetype", 2: extStateRecover, 3: "journal_dev", 4: "meta_bg", 6: "extent", 7: "64bit", 8: "mmp",
		9: "flex_bg", 10: "ea_inode", 12: "dirdata", 13: "metadata_csum_seed", 14: "large_dir", 15: "inline_data",
		16: "encrypt", 17: "casefold",
	},
	{
		0: "sparse_super", 1: "large_file", 3: "huge_file", 4: "uninit_bg", 5: "dir_nlink", 6: "extra_isize", 8: "quota",
		9: "bigalloc", 10: "metadata_csum", 11: "replica", 12: "read-only", 13: "project", 14: "shared_blocks",
		15: "verity", 16: extStateOrphans,
	},
}

// These tell how a file system stands, not how it was made.
const (
	extStateRecover = "needs_recovery"
	extStateOrphans = "orphan_present"
)

// extMountDefaults are names by bit (lib/e2p/mntopts.c); bits 5 and 6 are one of
// extJournalModes.
var (
	extMountDefaults = map[int]string{
		0: "debug", 1: "bsdgroups", 2: "user_xattr", 3: "acl", 4: "uid16",
		8: "nobarrier", 9: "block_validity", 10: "discard", 11: "nodelalloc",
	}
	extJournalModes = [4]string{"", "journal_data", "journal_data_ordered", "journal_data_writeback"}
)

var (
	extErrors    = map[uint16]string{1: "continue", 2: "remount-ro", 3: "panic"}
	extHashes    = map[byte]string{0: "legacy", 1: "half_md4", 2: "tea", 3: "legacy", 4: "half_md4", 5: "tea", 6: "siphash"}
	extEncodings = map[uint16]string{1: "utf8-12.1"} // mke2fs names it utf8 too
)

const (
	extDirIndex   = 1 << 5 // compat
	extMMP        = 1 << 8 // incompat
	extCasefold   = 1 << 17
	extQuota      = 1 << 8 // rocompat
	extBigAlloc   = 1 << 9
	extJournalBak = 1 // s_jnl_backup_type: s_jnl_blocks is a copy of the journal's inode
)

// parseExtMade reads the superblock b of an Ext whose block size is known.
func parseExtMade(b []byte, block uint32) ExtMade {
	compat, incompat, rocompat := le.Uint32(b[0x5c:]), le.Uint32(b[0x60:]), le.Uint32(b[0x64:])
	wide := func(low, high int) uint64 {
		n := uint64(le.Uint32(b[low:]))
		if incompat&ext64Bit != 0 {
			n |= uint64(le.Uint32(b[high:])) << 32
		}
		return n
	}
	m := ExtMade{
		Blocks: wide(4, 0x150), ReservedBlocks: wide(8, 0x154), FreeBlocks: wide(0xc, 0x158),
		Overhead: uint64(le.Uint32(b[0x248:])), BlocksPerGroup: le.Uint32(b[0x20:]),
		Inodes: le.Uint32(b), InodeSize: 128, Revision: le.Uint32(b[0x4c:]),
		ReservedUID: uint32(le.Uint16(b[0x50:])), ReservedGID: uint32(le.Uint16(b[0x52:])),
		MaxMounts: int32(int16(le.Uint16(b[0x36:]))), CheckInterval: le.Uint32(b[0x44:]), Errors: extErrors[le.Uint16(b[0x3c:])],
		MountOptions: cstring(b[0x200:0x240]), MountDefaults: extDefaults(le.Uint32(b[0x100:])),
		Stride: uint32(le.Uint16(b[0x164:])), StripeWidth: le.Uint32(b[0x170:]), ReservedGDT: uint32(le.Uint16(b[0xce:])),
	}
	if m.Revision > 0 { // the first had no other inodes, and no features
		m.InodeSize = uint32(le.Uint16(b[0x58:]))
		m.Features = extFeatureNames(compat, incompat, rocompat)
	}
	if rocompat&extBigAlloc != 0 {
		m.setClusters(le.Uint32(b[0x1c:]), block)
	}
	if log := b[0x174]; log > 0 && log < 32 {
		m.FlexGroups = 1 << log
	}
	if incompat&extMMP != 0 {
		m.MultiMount = uint32(le.Uint16(b[0x166:]))
	}
	if compat&extHasJournal != 0 && le.Uint32(b[0xe0:]) != 0 && b[0xfd] == extJournalBak {
		m.JournalSize = uint64(le.Uint32(b[0x10c+15*4:]))<<32 | uint64(le.Uint32(b[0x10c+16*4:]))
	}
	m.setNames(b, compat, incompat, rocompat)
	return m
}

// setClusters reads the size of a cluster, which the overhead is counted in.
func (m *ExtMade) setClusters(log, block uint32) {
	if log > 20 || 1024<<log < block { // 1 GiB
		return
	}
	m.ClusterSize = 1024 << log
	m.Overhead *= uint64(m.ClusterSize / block)
}

// setNames reads what concerns the names of files, and who owns them.
func (m *ExtMade) setNames(b []byte, compat, incompat, rocompat uint32) {
	if m.HashSeed = uuidString(b[0xec:0xfc]); compat&extDirIndex != 0 || m.HashSeed != "" {
		m.HashAlgorithm = extHashes[b[0xfc]]
	}
	if incompat&extCasefold != 0 {
		encoding := le.Uint16(b[0x27c:])
		m.Encoding, m.EncodingStrict = extEncodings[encoding], le.Uint16(b[0x27e:])&1 != 0
		if m.Encoding == "" {
			m.Encoding = fmt.Sprintf("unknown (%d)", encoding)
		}
	}
	if rocompat&extQuota == 0 {
		return
	}
	for _, q := range []struct {
		inode int
		name  string
	}{{0x240, "usrquota"}, {0x244, "grpquota"}, {0x26c, "prjquota"}} {
		if le.Uint32(b[q.inode:]) != 0 {
			m.Quotas = append(m.Quotas, q.name)
		}
	}
}

func extFeatureNames(words ...uint32) (names []string) {
	for i, word := range words {
		for ; word != 0; word &= word - 1 {
			bit := bits.TrailingZeros32(word)
			switch name, known := extFeatures[i][bit]; {
			case name == extStateRecover || name == extStateOrphans:
			case known:
				names = append(names, name)
			default:
				names = append(names, fmt.Sprintf("FEATURE_%c%d", "CIR"[i], bit))
			}
		}
	}
	return names
}

func extDefaults(word uint32) (names []string) {
	if mode := extJournalModes[word>>5&3]; mode != "" {
		names = append(names, mode)
	}
	for ; word != 0; word &= word - 1 {
		if name := extMountDefaults[bits.TrailingZeros32(word)]; name != "" {
			names = append(names, name)
		}
	}
	return names
}

// Used is how many bytes files take, as statfs(2) counts them. It is the truth of a
// file system that was unmounted; of another one the counters are behind.
func (e *Ext) Used() (used uint64, known bool) {
	if e.JournalDevice || e.NeedsRecovery || e.Unclean || e.FreeBlocks > e.Blocks {
		return 0, false
	}
	taken := e.Blocks - e.FreeBlocks
	return (taken - min(e.Overhead, taken)) * uint64(e.BlockSize), true
}
