package ondisk

import "slices"

// XFSMade is how an XFS was made (kernel: fs/xfs/libxfs/xfs_format.h, struct xfs_dsb;
// mkfs.xfs(8)).
type XFSMade struct {
	SectorSize, InodeSize, InodePercent uint32
	Blocks, FreeBlocks                  uint64
	Groups, GroupBlocks                 uint32
	DirBlockSize                        uint32
	StripeUnit, StripeWidth             uint32 // blocks
	LogBlocks, LogVersion               uint32
	LogSector                           uint32 // bytes; 0 if it is that of the data
	LogUnit                             uint32 // bytes; 0 for none
	LogExternal                         bool
	RTBlocks                            uint64
	RTExtent                            uint32   // blocks; 0 without a real-time device
	Features                            []string // by the names of mkfs.xfs and xfs_info, sorted
	MetaUUID                            string
}

// Bits of the version, which is 4 or 5 in its lowest ones.
const (
	xfsAttr      = 0x0010
	xfsQuota     = 0x0040
	xfsStripes   = 0x0100
	xfsLogV2     = 0x0400
	xfsOldCI     = 0x4000
	xfsMore      = 0x8000
	xfsMetaUUID  = 1 << 2 // of the features that bar a mount
	xfsLazyCount = 1 << 1 // of the second word of features
)

// xfsFeature is a bit in one of the words of a superblock.
type xfsFeature struct {
	word int // its offset
	bit  uint32
	name string
}

// xfsFeatures4 are of all versions, xfsFeatures5 of the one with checksums
// (XFS_SB_VERSION2_*, XFS_SB_FEAT_*).
var (
	xfsFeatures4 = []xfsFeature{
		{200, xfsLazyCount, "lazy-count"}, {200, 1 << 3, "attr"}, {200, 1 << 4, "parent"},
		{200, 1 << 7, "projid32bit"}, {200, 1 << 9, "ftype"},
	}
	xfsFeatures5 = []xfsFeature{
		{212, 1, "finobt"}, {212, 1 << 1, "rmapbt"}, {212, 1 << 2, "reflink"}, {212, 1 << 3, "inobtcount"},
		{216, 1, "ftype"}, {216, 1 << 1, "sparse"}, {216, 1 << 3, "bigtime"}, {216, 1 << 5, "nrext64"},
		{216, 1 << 6, "exchange"}, {216, 1 << 7, "parent"}, {216, 1 << 8, "metadir"}, {216, 1 << 9, "zoned"},
	}
)

// parseXFSMade reads a superblock whose geometry is sane.
func parseXFSMade(b []byte) XFSMade {
	block, version := be.Uint32(b[4:]), be.Uint16(b[100:])
	m := XFSMade{
		SectorSize: uint32(be.Uint16(b[102:])), InodeSize: uint32(be.Uint16(b[104:])), InodePercent: uint32(b[127]),
		Blocks: be.Uint64(b[8:]), FreeBlocks: be.Uint64(b[144:]), Groups: be.Uint32(b[88:]), GroupBlocks: be.Uint32(b[84:]),
		DirBlockSize: block << min(b[192], 8), LogBlocks: be.Uint32(b[96:]), LogVersion: 1,
		LogExternal: be.Uint64(b[48:]) == 0, RTBlocks: be.Uint64(b[16:]), Features: xfsFeatureNames(b, version),
	}
	if version&xfsStripes != 0 {
		m.StripeUnit, m.StripeWidth = be.Uint32(b[184:]), be.Uint32(b[188:])
	}
	if version&xfsLogV2 != 0 {
		m.LogVersion = 2
		if unit := be.Uint32(b[196:]); unit > 1 {
			m.LogUnit = unit
		}
	}
	if sector := uint32(be.Uint16(b[194:])); sector != m.SectorSize {
		m.LogSector = sector
	}
	if m.RTBlocks > 0 {
		m.RTExtent = be.Uint32(b[80:])
	}
	m.MetaUUID = uuidString(b[32:48])
	if version&0xf == 5 && be.Uint32(b[216:])&xfsMetaUUID != 0 {
		m.MetaUUID = uuidString(b[248:264])
	}
	return m
}

// xfsFeatureNames lists what is on. In version 5 some are always on, whatever their
// old bits say (xfs_sb_version_to_features).
func xfsFeatureNames(b []byte, version uint16) []string {
	names := map[string]bool{"ascii-ci": version&xfsOldCI != 0}
	if version&0xf == 5 {
		for _, always := range []string{"crc", "attr", "projid32bit", "lazy-count"} {
			names[always] = true
		}
		for _, f := range xfsFeatures5 {
			names[f.name] = names[f.name] || be.Uint32(b[f.word:])&f.bit != 0
		}
	} else if version&xfsMore != 0 {
		for _, f := range xfsFeatures4 {
			names[f.name] = be.Uint32(b[f.word:])&f.bit != 0
		}
	}
	var on []string
	for name, is := range names {
		if is {
			on = append(on, name)
		}
	}
	slices.Sort(on)
	return on
}

// Used is how many bytes files take, as statfs(2) counts them. While the log is dirty
// the counters are behind.
func (x *XFS) Used() (used uint64, known bool) {
	if x.LogDirty || x.LogUnknown || x.FreeBlocks > x.Blocks {
		return 0, false
	}
	taken := x.Blocks - x.FreeBlocks
	return (taken - min(uint64(x.LogBlocks), taken)) * uint64(x.BlockSize), true
}
