package ondisk

// recogniser finds one format. find returns nil for what is not there, an
// error for what carries the magic and is damaged, and both for what can
// still be used.
type recogniser struct {
	format string
	usage  Usage
	find   func(*device) (Signature, error)
	min    int64 // size of the device
	// tolerant formats live side by side with others by design.
	tolerant bool
	// far formats need reads beyond the windows, and are looked for only
	// when nothing else was found.
	far bool
}

// recognisers is the order in which libblkid asks (libblkid/src/superblocks/
// superblocks.c), with what it does not know yet at the end. Where two would
// claim one device, the order decides which is named first.
var recognisers = []recogniser{
	{format: "linux_raid_member", usage: RAID, find: findMD},
	{format: "ddf_raid_member", usage: RAID, find: findDDF, min: 0x30000},
	{format: "isw_raid_member", usage: RAID, find: findISW, min: 0x10000},
	{format: "lsi_mega_raid_member", usage: RAID, find: findLSI, min: 0x10000},
	{format: "via_raid_member", usage: RAID, find: findVIA, min: 0x10000},
	{format: "silicon_medley_raid_member", usage: RAID, find: findSilicon, min: 0x10000},
	{format: "nvidia_raid_member", usage: RAID, find: findNVIDIA, min: 0x10000},
	{format: "promise_fasttrack_raid_member", usage: RAID, find: findPromise, min: 0x40000},
	{format: "promise_fasttrack_raid_member", usage: RAID, find: findPromiseFar, min: 0x40000, far: true},
	{format: "hpt45x_raid_member", usage: RAID, find: findHPT45x, min: 0x10000},
	{format: "hpt37x_raid_member", usage: RAID, find: findHPT37x},
	{format: "adaptec_raid_member", usage: RAID, find: findAdaptec, min: 0x10000},
	{format: "jmicron_raid_member", usage: RAID, find: findJMicron, min: 0x10000},

	{format: "bcache", usage: Other, find: findBcache, min: 8 << 10},
	{format: "ceph_bluestore", usage: Other, find: plain("ceph_bluestore")},
	{format: "drbd", usage: RAID, find: findDRBD},
	{format: "drbdmanage_control_volume", usage: Other, find: findDRBDManage},
	{format: "drbdproxy_datalog", usage: FileSystem, find: plain("drbdproxy_datalog"), min: 16 << 10},
	{format: "LVM2_member", usage: RAID, find: findLVM},
	{format: "LVM1_member", usage: RAID, find: findLVM1},
	{format: "DM_snapshot_cow", usage: Other, find: plain("DM_snapshot_cow")},
	{format: "DM_verity_hash", usage: Crypto, find: findVerity},
	{format: "DM_integrity", usage: Crypto, find: findIntegrity},
	{format: "crypto_LUKS", usage: Crypto, find: findLUKS},
	{format: "crypto_LUKS", usage: Crypto, find: findLUKSSecondary, far: true},
	{format: "VMFS_volume_member", usage: RAID, find: findVMFSVolume, far: true},
	{format: "ubi", usage: RAID, find: findUBI},
	{format: "vdo", usage: Other, find: plain("vdo")},
	{format: "stratis", usage: RAID, find: findStratis, min: 8 << 10},
	{format: "BitLocker", usage: Crypto, find: findBitLocker},

	{format: "vfat", usage: FileSystem, find: findFAT},
	{format: "swsuspend", usage: Other, find: findHibernated, min: 40 << 10},
	{format: "swap", usage: Other, find: findSwap, min: 40 << 10},
	{format: "xfs", usage: FileSystem, find: findXFS},
	{format: "xfs_external_log", usage: Other, find: findXFSLog, min: 10 << 20},
	{format: "exfs", usage: FileSystem, find: plain("exfs")},
	{format: "ext4", usage: FileSystem, find: findExt},
	{format: "reiserfs", usage: FileSystem, find: findReiserFS, min: 128 << 10},
	{format: "reiser4", usage: FileSystem, find: plain("reiser4"), min: 128 << 10},
	{format: "jfs", usage: FileSystem, find: findJFS, min: 16 << 20},
	{format: "udf", usage: FileSystem, find: findUDF, tolerant: true},
	{format: "iso9660", usage: FileSystem, find: findISO9660, tolerant: true},
	{format: "zfs_member", usage: FileSystem, find: findZFS, min: 64 << 20},
	{format: "hfsplus", usage: FileSystem, find: findHFSPlus},
	{format: "hfs", usage: FileSystem, find: findHFS, tolerant: true},
	{format: "ufs", usage: FileSystem, find: findUFS},
	{format: "ufs", usage: FileSystem, find: findUFSFar, far: true},
	{format: "hpfs", usage: FileSystem, find: findHPFS},
	{format: "sysv", usage: FileSystem, find: findSysV},
	{format: "xenix", usage: FileSystem, find: plain("xenix")},
	{format: "ntfs", usage: FileSystem, find: findNTFS},
	{format: "ReFS", usage: FileSystem, find: plain("ReFS")},
	{format: "cramfs", usage: FileSystem, find: plain("cramfs")},
	{format: "romfs", usage: FileSystem, find: plain("romfs")},
	{format: "minix", usage: FileSystem, find: findMinix},
	{format: "gfs2", usage: FileSystem, find: findGFS, min: 32 << 20},
	{format: "ocfs", usage: FileSystem, find: findOCFS, min: 14000 << 10},
	{format: "ocfs2", usage: FileSystem, find: findOCFS2, min: 14000 << 10},
	{format: "oracleasm", usage: FileSystem, find: plain("oracleasm")},
	{format: "vxfs", usage: FileSystem, find: plain("vxfs")},
	{format: "squashfs", usage: FileSystem, find: findSquashfs},
	{format: "nss", usage: FileSystem, find: plain("nss")},
	{format: "btrfs", usage: FileSystem, find: findBtrfs, min: 1 << 20},
	{format: "ubifs", usage: FileSystem, find: plain("ubifs")},
	{format: "bfs", usage: FileSystem, find: plain("bfs")},
	{format: "VMFS", usage: FileSystem, find: findVMFS, far: true},
	{format: "befs", usage: FileSystem, find: findBeFS, min: 1440 << 10},
	{format: "nilfs2", usage: FileSystem, find: findNilfs2, min: 1 << 20},
	{format: "exfat", usage: FileSystem, find: findExFAT},
	{format: "f2fs", usage: FileSystem, find: findF2FS},
	{format: "mpool", usage: FileSystem, find: findMpool},
	{format: "apfs", usage: FileSystem, find: findAPFS},
	{format: "zonefs", usage: FileSystem, find: plain("zonefs")},
	{format: "erofs", usage: FileSystem, find: plain("erofs")},
	{format: "bcachefs", usage: FileSystem, find: findBcachefs, min: 8 << 10},
}
