package storage

// What follows says how a node was made: the parameters that its tool was given, or
// chose, as its superblock or header has them. They are what it takes to make it
// again. A graph shares them with its clones, so they are never changed once they are
// in a graph. Sizes are bytes unless a field says otherwise.

// Ext is how an ext2, ext3 or ext4 file system was made (mke2fs(8), tune2fs(8);
// kernel: fs/ext4/ext4.h, struct ext4_super_block).
type Ext struct {
	BlockSize      uint32   `json:"block_size" doc:"bytes of a block (mke2fs -b)"`
	ClusterSize    uint32   `json:"cluster_size,omitempty" doc:"bytes of a cluster, where bigalloc is on (mke2fs -C)"`
	Blocks         uint64   `json:"blocks" doc:"how many blocks it has"`
	GroupBlocks    uint32   `json:"blocks_per_group,omitempty" doc:"blocks of a group (mke2fs -g)"`
	InodeSize      uint32   `json:"inode_size" doc:"bytes of an inode (mke2fs -I)"`
	Inodes         uint32   `json:"inodes" doc:"how many inodes it has (mke2fs -N)"`
	Reserved       uint64   `json:"reserved_blocks,omitempty" doc:"blocks that are kept for the superuser (tune2fs -r)"`
	ReservedUID    uint32   `json:"reserved_uid,omitempty" doc:"who else may use them (tune2fs -u)"`
	ReservedGID    uint32   `json:"reserved_gid,omitempty" doc:"which group else may use them (tune2fs -g)"`
	Features       []string `json:"features,omitempty" doc:"features by mke2fs's names, in the order of dumpe2fs, without needs_recovery and orphan_present (mke2fs -O)"`
	MountDefaults  []string `json:"default_mount_options,omitempty" doc:"mount options that the superblock turns on (tune2fs -o)"`
	MountOptions   string   `json:"mount_options,omitempty" doc:"mount options that the superblock holds as text (tune2fs -E mount_opts=)"`
	MaxMounts      int32    `json:"max_mounts,omitempty" doc:"mounts between two checks; -1 for no limit (tune2fs -c)"`
	CheckInterval  uint32   `json:"check_interval,omitempty" doc:"seconds between two checks (tune2fs -i)"`
	Errors         string   `json:"errors,omitempty" doc:"what the kernel does when it finds damage: continue, remount-ro or panic (tune2fs -e)"`
	JournalSize    uint64   `json:"journal_size,omitempty" doc:"bytes of the journal inside, with the part for fast commits (mke2fs -J size=)"`
	JournalUUID    string   `json:"journal_uuid,omitempty" doc:"the journal on another device (mke2fs -J device=)"`
	HashAlgorithm  string   `json:"hash_algorithm,omitempty" doc:"hash of directories: legacy, half_md4, tea or siphash (tune2fs -E hash_alg=)"`
	HashSeed       string   `json:"hash_seed,omitempty" doc:"seed of that hash, a UUID (mke2fs -E hash_seed=)"`
	Stride         uint32   `json:"stride,omitempty" doc:"blocks of one chunk of the RAID below (mke2fs -E stride=)"`
	StripeWidth    uint32   `json:"stripe_width,omitempty" doc:"blocks of a whole stripe of the RAID below (mke2fs -E stripe_width=)"`
	FlexGroups     uint32   `json:"flex_groups,omitempty" doc:"block groups that are packed together (mke2fs -G)"`
	ReservedGDT    uint32   `json:"reserved_gdt_blocks,omitempty" doc:"blocks kept for growing (mke2fs -E resize=)"`
	MultiMount     uint32   `json:"mmp_interval,omitempty" doc:"seconds between two signs of life, where mmp is on (mke2fs -E mmp_update_interval=)"`
	Revision       uint32   `json:"revision" doc:"0 for the format without features, 1 otherwise (mke2fs -r)"`
	Encoding       string   `json:"encoding,omitempty" doc:"of names, where casefold is on (mke2fs -E encoding=)"`
	EncodingStrict bool     `json:"encoding_strict,omitempty" doc:"names that break the encoding are refused (mke2fs -E encoding_flags=strict)"`
	Quotas         []string `json:"quotas,omitempty" doc:"kept quotas: usrquota, grpquota, prjquota (mke2fs -E quotatype=)"`
}

// XFS is how an XFS file system was made (mkfs.xfs(8), xfs_info(8); kernel:
// fs/xfs/libxfs/xfs_format.h, struct xfs_dsb).
type XFS struct {
	BlockSize    uint32   `json:"block_size" doc:"bytes of a block (mkfs.xfs -b size=)"`
	SectorSize   uint32   `json:"sector_size" doc:"bytes of a sector (mkfs.xfs -s size=)"`
	Blocks       uint64   `json:"blocks" doc:"how many blocks its data section has"`
	InodeSize    uint32   `json:"inode_size" doc:"bytes of an inode (mkfs.xfs -i size=)"`
	InodePercent uint32   `json:"inode_percent" doc:"how much of it inodes may take, in percent (mkfs.xfs -i maxpct=)"`
	Groups       uint32   `json:"allocation_groups" doc:"how many allocation groups it has (mkfs.xfs -d agcount=)"`
	GroupBlocks  uint32   `json:"allocation_group_blocks" doc:"blocks of one of them (mkfs.xfs -d agsize=)"`
	DirBlockSize uint32   `json:"directory_block_size" doc:"bytes of a block of a directory (mkfs.xfs -n size=)"`
	StripeUnit   uint32   `json:"stripe_unit,omitempty" doc:"blocks of one chunk of the RAID below (mkfs.xfs -d su=)"`
	StripeWidth  uint32   `json:"stripe_width,omitempty" doc:"blocks of a whole stripe of the RAID below (mkfs.xfs -d sw=)"`
	LogBlocks    uint32   `json:"log_blocks" doc:"blocks of the log (mkfs.xfs -l size=)"`
	LogVersion   uint32   `json:"log_version" doc:"1 or 2 (mkfs.xfs -l version=)"`
	LogSector    uint32   `json:"log_sector_size,omitempty" doc:"bytes of a sector of the log, if it differs (mkfs.xfs -l sectsize=)"`
	LogUnit      uint32   `json:"log_stripe_unit,omitempty" doc:"bytes that the log is written in (mkfs.xfs -l su=)"`
	LogExternal  bool     `json:"log_external,omitempty" doc:"the log is on another device (mkfs.xfs -l logdev=)"`
	RTBlocks     uint64   `json:"realtime_blocks,omitempty" doc:"blocks of the real-time device (mkfs.xfs -r rtdev=)"`
	RTExtent     uint32   `json:"realtime_extent,omitempty" doc:"blocks of an extent of it (mkfs.xfs -r extsize=)"`
	Features     []string `json:"features" doc:"features by mkfs.xfs's names that are on: crc, finobt, sparse, rmapbt, reflink, bigtime, inobtcount, nrext64, ftype, lazy-count, attr, projid32bit, ascii-ci …, sorted (mkfs.xfs -m, -i, -n, -l)"`
	MetaUUID     string   `json:"meta_uuid,omitempty" doc:"the UUID in its metadata, where xfs_admin -U has changed the other"`
}

// Btrfs is how a btrfs file system was made (mkfs.btrfs(8); kernel:
// include/uapi/linux/btrfs_tree.h).
type Btrfs struct {
	SectorSize   uint32        `json:"sector_size" doc:"bytes of a block of data (mkfs.btrfs -s)"`
	NodeSize     uint32        `json:"node_size" doc:"bytes of a node of its trees (mkfs.btrfs -n)"`
	Checksum     string        `json:"checksum" doc:"crc32c, xxhash64, sha256 or blake2b (mkfs.btrfs --checksum)"`
	Data         string        `json:"data,omitempty" doc:"profile of data: single, dup, raid1 … (mkfs.btrfs -d)"`
	Metadata     string        `json:"metadata,omitempty" doc:"profile of metadata (mkfs.btrfs -m)"`
	System       string        `json:"system,omitempty" doc:"profile of the chunk tree"`
	Features     []string      `json:"features" doc:"features by mkfs.btrfs's names that are on: mixed-bg, extref, raid56, skinny-metadata, no-holes, zoned, raid1c34, free-space-tree, quota, squota, block-group-tree …; bits that have no name here as incompat-bit-N and compat-ro-bit-N (mkfs.btrfs -O)"`
	MetadataUUID string        `json:"metadata_uuid,omitempty" doc:"the UUID of its trees, where btrfstune -m has changed the other"`
	Devices      []BtrfsDevice `json:"devices" doc:"its devices by their number"`
}

// BtrfsDevice is one device of a btrfs.
type BtrfsDevice struct {
	Number uint64 `json:"number" doc:"its number in the file system"`
	On     ID     `json:"device,omitempty" doc:"the ID of what it is; none, if it is missing"`
	UUID   string `json:"uuid,omitempty" doc:"of this device within the file system"`
	Size   uint64 `json:"size,omitempty" doc:"bytes of it that belong to the file system"`
}

// FAT is how a FAT or exFAT file system was made (mkfs.fat(8), mkfs.exfat(8)).
type FAT struct {
	Width       int    `json:"width,omitempty" doc:"12, 16 or 32; none for exFAT (mkfs.fat -F)"`
	SectorSize  int    `json:"sector_size" doc:"bytes of a sector (mkfs.fat -S)"`
	ClusterSize int    `json:"cluster_size" doc:"bytes of a cluster (mkfs.fat -s, in sectors)"`
	Tables      int    `json:"tables,omitempty" doc:"how many file allocation tables it has (mkfs.fat -f)"`
	Reserved    int    `json:"reserved_sectors,omitempty" doc:"sectors before the first table (mkfs.fat -R)"`
	RootEntries int    `json:"root_entries,omitempty" doc:"entries of the root directory, but for FAT32 (mkfs.fat -r)"`
	Hidden      uint32 `json:"hidden_sectors,omitempty" doc:"sectors before the partition, which boot code counts in (mkfs.fat -h)"`
	Media       int    `json:"media,omitempty" doc:"the media byte (mkfs.fat -M)"`
}

// Plain is how a file system was made that has little to choose: NTFS, F2FS …
type Plain struct {
	BlockSize  uint32 `json:"block_size,omitempty" doc:"bytes of a block or cluster"`
	SectorSize uint32 `json:"sector_size,omitempty" doc:"bytes of a sector"`
}

// LUKSHeader is how a LUKS container was made (cryptsetup-luksFormat(8); the LUKS2
// On-Disk Format Specification). It holds nothing of the keys.
type LUKSHeader struct {
	KeyBits      int         `json:"key_bits,omitempty" doc:"bits of the volume key (cryptsetup --key-size)"`
	Hash         string      `json:"hash,omitempty" doc:"of the digest of the volume key, and of the splitter (cryptsetup --hash)"`
	SectorSize   uint32      `json:"sector_size,omitempty" doc:"bytes of a sector of encryption (cryptsetup --sector-size)"`
	DataOffset   uint64      `json:"data_offset" doc:"bytes from the start of the device to the data; 0 for a detached header (cryptsetup --offset, in sectors)"`
	DataSize     uint64      `json:"data_size,omitempty" doc:"bytes of the data, where they do not reach to the end of the device"`
	MetadataSize uint64      `json:"metadata_size,omitempty" doc:"bytes of one copy of the header with its JSON (cryptsetup --luks2-metadata-size)"`
	KeyslotsSize uint64      `json:"keyslots_size,omitempty" doc:"bytes of all key slots (cryptsetup --luks2-keyslots-size)"`
	Subsystem    string      `json:"subsystem,omitempty" doc:"the owner's mark (cryptsetup --subsystem)"`
	Integrity    string      `json:"integrity,omitempty" doc:"the algorithm that authenticates its data (cryptsetup --integrity)"`
	Flags        []string    `json:"flags,omitempty" doc:"that the header asks for when it is opened: allow-discards, no-read-workqueue … (cryptsetup --persistent)"`
	Requirements []string    `json:"requirements,omitempty" doc:"features that an opener must know"`
	Opal         string      `json:"opal,omitempty" doc:"the disk encrypts by itself: alone (hw-opal) or under dm-crypt (hw-opal-crypt)"`
	Slots        []LUKSSlot  `json:"slots,omitempty" doc:"its key slots that are in use"`
	Tokens       []LUKSToken `json:"tokens,omitempty" doc:"how slots can be opened without typing"`
}

// LUKSSlot describes a key slot without what is in it.
type LUKSSlot struct {
	Slot       int    `json:"slot" doc:"its number"`
	KDF        string `json:"kdf,omitempty" doc:"pbkdf2, argon2i or argon2id (cryptsetup --pbkdf)"`
	Hash       string `json:"hash,omitempty" doc:"hash of pbkdf2"`
	Iterations uint64 `json:"iterations,omitempty" doc:"of pbkdf2, or passes of argon2 (cryptsetup --pbkdf-force-iterations)"`
	Memory     uint64 `json:"memory_kib,omitempty" doc:"KiB that argon2 takes (cryptsetup --pbkdf-memory)"`
	Threads    int    `json:"threads,omitempty" doc:"that argon2 takes (cryptsetup --pbkdf-parallel)"`
	Cipher     string `json:"cipher,omitempty" doc:"cipher of the slot, if it differs from that of the data (cryptsetup --keyslot-cipher)"`
	KeyBits    int    `json:"key_bits,omitempty" doc:"bits of the key of that cipher (cryptsetup --keyslot-key-size)"`
	Priority   string `json:"priority,omitempty" doc:"ignore or prefer, if it is not normal (cryptsetup config --priority)"`
	Reencrypt  bool   `json:"reencrypt,omitempty" doc:"it holds no key but the state of a reencryption"`
	Unbound    bool   `json:"unbound,omitempty" doc:"its key is not that of the volume"`
}

// LUKSToken describes a token without what opens the slot.
type LUKSToken struct {
	Token   int      `json:"token" doc:"its number"`
	Type    string   `json:"type" doc:"systemd-tpm2, systemd-fido2, systemd-pkcs11, systemd-recovery, clevis, luks2-keyring …"`
	Slots   []int    `json:"slots,omitempty" doc:"the key slots that it opens"`
	Details []string `json:"details,omitempty" doc:"what has to be given again to make it: PCRs and their bank, whether a PIN is asked, the pins of clevis"`
}

// MDMade is how an array was made beside its level and number of devices (mdadm(8)).
type MDMade struct {
	Layout      string `json:"layout,omitempty" doc:"left-symmetric …, or near=2, far=2, offset=2 for raid10 (mdadm --layout)"`
	Chunk       uint64 `json:"chunk,omitempty" doc:"bytes of a chunk (mdadm --chunk, in KiB)"`
	MemberSize  uint64 `json:"member_size,omitempty" doc:"bytes of each member that are used (mdadm --size, in KiB)"`
	DataOffset  uint64 `json:"data_offset,omitempty" doc:"bytes of a member before its data, if all have the same (mdadm --data-offset)"`
	Bitmap      string `json:"bitmap,omitempty" doc:"internal, clustered, lockless, or none where there could be one (mdadm --bitmap)"`
	BitmapChunk uint64 `json:"bitmap_chunk,omitempty" doc:"bytes that a bit of it stands for (mdadm --bitmap-chunk)"`
	Consistency string `json:"consistency,omitempty" doc:"journal or ppl, if it is neither bitmap nor resync (mdadm --consistency-policy)"`
	Container   string `json:"container,omitempty" doc:"the format of the container that it is a part of: imsm or ddf"`
}

// LVSegment is a run of extents of a logical volume that is mapped in one way, in the
// words of LVM's metadata (lvm2: lib/format_text, vgcfgbackup(8)).
type LVSegment struct {
	Type           string   `json:"type" doc:"linear, striped, mirror, raid1, raid5_ls, thin, thin-pool, cache, snapshot … (lvcreate --type)"`
	Extents        uint64   `json:"extents" doc:"how many extents it has"`
	Areas          []LVArea `json:"areas,omitempty" doc:"what it lies on, in order: physical volumes, or hidden volumes of the group"`
	Meta           []LVArea `json:"metadata_areas,omitempty" doc:"the hidden volumes that hold the metadata of its areas"`
	Log            string   `json:"log,omitempty" doc:"the hidden volume that holds the log of a mirror (lvcreate --mirrorlog)"`
	StripeSize     uint64   `json:"stripe_size,omitempty" doc:"bytes of a stripe (lvcreate --stripesize)"`
	RegionSize     uint64   `json:"region_size,omitempty" doc:"bytes of a region of a mirror or RAID (lvcreate --regionsize)"`
	ChunkSize      uint64   `json:"chunk_size,omitempty" doc:"bytes of a chunk of a pool, a snapshot or a cache (lvcreate --chunksize)"`
	Pool           string   `json:"pool,omitempty" doc:"the pool of a thin, cached or VDO volume; of a cache it can be a single volume"`
	Data           string   `json:"data,omitempty" doc:"the hidden volume that holds the data of a pool"`
	Metadata       string   `json:"metadata,omitempty" doc:"the hidden volume that holds the metadata of a pool"`
	Origin         string   `json:"origin,omitempty" doc:"what it is a snapshot of, or caches"`
	Cow            string   `json:"cow,omitempty" doc:"the volume that holds what a snapshot keeps"`
	CacheMode      string   `json:"cache_mode,omitempty" doc:"writethrough, writeback or passthrough (lvcreate --cachemode)"`
	CachePolicy    string   `json:"cache_policy,omitempty" doc:"smq, mq or cleaner (lvcreate --cachepolicy)"`
	MetadataFormat uint64   `json:"metadata_format,omitempty" doc:"the version of the metadata of a cache (lvcreate --cachemetadataformat)"`
	Settings       []string `json:"settings,omitempty" doc:"what is set of a cache's policy or a writecache, name=value (lvcreate --cachesettings)"`
	Discards       string   `json:"discards,omitempty" doc:"ignore, nopassdown or passdown, of a thin pool (lvcreate --discards)"`
	ZeroBlocks     bool     `json:"zero,omitempty" doc:"a thin pool zeroes new blocks (lvcreate --zero)"`
	DeviceID       uint64   `json:"device_id,omitempty" doc:"the number of a thin volume in its pool"`
}

// LVArea is a place on a physical volume or on another volume of the group.
type LVArea struct {
	PV     ID     `json:"pv,omitempty" doc:"the ID of the physical volume, or"`
	LV     string `json:"volume,omitempty" doc:"the name of the volume of the group"`
	Extent uint64 `json:"extent" doc:"the first extent there"`
}

// PVMade is how a physical volume was made (pvcreate(8)).
type PVMade struct {
	DataOffset     uint64   `json:"data_offset" doc:"bytes before the first extent (pvcreate --dataalignment)"`
	Extents        uint64   `json:"extents,omitempty" doc:"how many extents it has"`
	MetadataAreas  int      `json:"metadata_copies" doc:"how many copies of the group's metadata it holds: 0, 1 or 2 (pvcreate --pvmetadatacopies)"`
	MetadataSize   uint64   `json:"metadata_size,omitempty" doc:"bytes of one of them (pvcreate --metadatasize)"`
	BootloaderArea uint64   `json:"bootloader_area,omitempty" doc:"bytes kept for a boot loader (pvcreate --bootloaderareasize)"`
	Ignored        bool     `json:"metadata_ignored,omitempty" doc:"its metadata areas are not used (pvchange --metadataignore)"`
	Unallocatable  bool     `json:"unallocatable,omitempty" doc:"no new extents are taken from it (pvchange --allocatable n)"`
	Tags           []string `json:"tags,omitempty" doc:"its tags (pvchange --addtag)"`
}

// VGMade is how a volume group was made (vgcreate(8)).
type VGMade struct {
	MaxLV          uint64   `json:"max_lv,omitempty" doc:"how many volumes it may have (vgcreate --maxlogicalvolumes)"`
	MaxPV          uint64   `json:"max_pv,omitempty" doc:"how many physical volumes it may have (vgcreate --maxphysicalvolumes)"`
	MetadataCopies uint64   `json:"metadata_copies,omitempty" doc:"how many copies of its metadata are kept; none for all (vgcreate --vgmetadatacopies)"`
	Allocation     string   `json:"allocation,omitempty" doc:"contiguous, cling or anywhere, if it is not normal (vgcreate --alloc)"`
	Clustered      bool     `json:"clustered,omitempty" doc:"it is of the old clustered kind"`
	LockType       string   `json:"lock_type,omitempty" doc:"sanlock or dlm (vgcreate --locktype)"`
	SystemID       string   `json:"system_id,omitempty" doc:"the host that owns it (vgcreate --systemid)"`
	Profile        string   `json:"profile,omitempty" doc:"its metadata profile (vgcreate --metadataprofile)"`
	Tags           []string `json:"tags,omitempty" doc:"its tags (vgcreate --addtag)"`
	NoAutoActivate bool     `json:"no_autoactivation,omitempty" doc:"it is not activated when the machine starts (vgcreate --setautoactivation n)"`
	NotResizeable  bool     `json:"not_resizeable,omitempty" doc:"physical volumes cannot be added (vgchange --resizeable n)"`
	Exported       bool     `json:"exported,omitempty" doc:"it is marked as moved away (vgexport)"`
}

// LVMade is how a logical volume was made (lvcreate(8)).
type LVMade struct {
	Segments       []LVSegment `json:"segments" doc:"how it is mapped, extent after extent; that of a snapshot ends with a segment of this type, which has no places"`
	ReadOnly       bool        `json:"read_only,omitempty" doc:"it cannot be written (lvcreate --permission r)"`
	Allocation     string      `json:"allocation,omitempty" doc:"contiguous, cling or anywhere, if it is not inherited (lvcreate --alloc)"`
	Profile        string      `json:"profile,omitempty" doc:"its metadata profile (lvcreate --metadataprofile)"`
	Tags           []string    `json:"tags,omitempty" doc:"its tags (lvcreate --addtag)"`
	NoAutoActivate bool        `json:"no_autoactivation,omitempty" doc:"it is not activated when the machine starts (lvcreate --setautoactivation n)"`
	SkipActivation bool        `json:"skip_activation,omitempty" doc:"it is activated only when asked twice (lvcreate --setactivationskip y)"`
	Minor          *int        `json:"minor,omitempty" doc:"its persistent minor number (lvcreate --minor)"`
	ReadAhead      *int        `json:"read_ahead,omitempty" doc:"sectors read ahead, if they are set; 0 for none (lvcreate --readahead)"`
}

// TableMade is how a partition table was made (sgdisk(8), sfdisk(8)).
type TableMade struct {
	Entries     int    `json:"entries,omitempty" doc:"how many partitions a GPT has room for"`
	FirstUsable uint64 `json:"first_usable,omitempty" doc:"bytes from the start of the device to the first one that partitions may use"`
	LastUsable  uint64 `json:"last_usable,omitempty" doc:"bytes from the start of the device to the end of the last sector that partitions may use"`
	Hybrid      bool   `json:"hybrid,omitempty" doc:"its protective MBR holds partitions of its own"`
	BootCode    bool   `json:"boot_code,omitempty" doc:"there is a program in the first sector, which a BIOS starts"`
}

// BcacheMade is how a bcache device was made (make-bcache(8)).
type BcacheMade struct {
	DataOffset  uint64 `json:"data_offset,omitempty" doc:"bytes of the backing device before its data (make-bcache --data-offset)"`
	BlockSize   uint64 `json:"block_size,omitempty" doc:"bytes of a block (make-bcache --block)"`
	Mode        string `json:"mode,omitempty" doc:"writethrough, writeback, writearound or none"`
	BucketSize  uint64 `json:"bucket_size,omitempty" doc:"bytes of a bucket of a cache (make-bcache --bucket)"`
	Discard     bool   `json:"discard,omitempty" doc:"freed buckets of a cache are discarded (make-bcache --discard)"`
	Replacement string `json:"replacement,omitempty" doc:"lru, fifo or random: what a cache drops first (make-bcache --cache_replacement_policy)"`
}

// SwapMade is how a swap area was made (mkswap(8)).
type SwapMade struct {
	PageSize uint32 `json:"page_size" doc:"bytes of a page (mkswap --pagesize)"`
	Version  int    `json:"version,omitempty" doc:"0 or 1"`
}
