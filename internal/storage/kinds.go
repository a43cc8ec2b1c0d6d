package storage

import "strings"

import "fmt"

// Kind names a type of node; it is the "kind" field of the JSON form.
type Kind string

// The closed set of kinds, from the metal upwards.
const (
	KindImage      Kind = "image"
	KindDisk       Kind = "disk"
	KindTable      Kind = "table"
	KindPartition  Kind = "partition"
	KindMultipath  Kind = "multipath"
	KindMD         Kind = "md"
	KindPV         Kind = "pv"
	KindVG         Kind = "vg"
	KindLV         Kind = "lv"
	KindCrypt      Kind = "crypt"
	KindBcache     Kind = "bcache"
	KindBcacheSet  Kind = "bcacheset"
	KindFileSystem Kind = "filesystem"
	KindSubvolume  Kind = "subvolume"
	KindSwap       Kind = "swap"
	KindOpaque     Kind = "opaque"
)

// Image is a file that holds a disk. It is open while a device is attached to it:
// a loop device, or a network block device that qemu-nbd serves. That device is a
// Disk that lies on the Image, and Open.Name is its kernel name.
type Image struct {
	Common
	Openable
	Path   string `json:"path"`   // absolute, in the live system
	Format string `json:"format"` // raw or qcow2
	// Offset and SizeLimit are the part of the file that is attached, in bytes; a
	// limit of 0 means to its end.
	Offset    uint64 `json:"offset,omitempty"`
	SizeLimit uint64 `json:"size_limit,omitempty"`
	// Within is what is mounted where the file lies, if that is in the graph.
	Within ID `json:"within,omitempty"`
}

// The formats of images.
const (
	ImageRaw   = "raw"
	ImageQcow2 = "qcow2"
)

// ImageIdentity says which image a file, or a part of it, is.
func ImageIdentity(path string, offset uint64) ID {
	if offset == 0 {
		return ID("image:" + path)
	}
	return ID(fmt.Sprintf("image:%s+%d", path, offset))
}

// Disk is a whole device that the kernel offers by itself: SCSI, NVMe, virtio,
// MMC, DASD, a device that an image file is attached to.
type Disk struct {
	Common
	Model       string `json:"model,omitempty"`
	Serial      string `json:"serial,omitempty"`
	WWN         string `json:"wwn,omitempty"`
	Transport   string `json:"transport,omitempty"` // scsi, ata, nvme, virtio, usb, mmc, loop, …
	SectorSize  int    `json:"sector_size,omitempty"`
	Rotational  bool   `json:"rotational,omitempty"`
	Removable   bool   `json:"removable,omitempty"`
	BackingFile string `json:"backing_file,omitempty"` // of a loop or network block device
	// PhysicalSector is the size that the disk writes best, in bytes.
	PhysicalSector int `json:"physical_sector,omitempty"`
}

// Table is a partition table, on a disk or on anything else that can carry one.
type Table struct {
	Common
	Format string `json:"format"`           // gpt or dos
	UUID   string `json:"uuid,omitempty"`   // disk GUID, or the 8 hex digits of the MBR signature
	Backup bool   `json:"backup,omitempty"` // read from the backup GPT because the primary is damaged
	// Made is how it was made; nil where that is not known.
	Made *TableMade `json:"made,omitempty"`
}

// Partition is an entry of a Table.
type Partition struct {
	Common
	Number     int    `json:"number"`
	Start      uint64 `json:"start"`          // bytes from the start of the device that carries the table
	Type       string `json:"type"`           // GPT type GUID in lower case, or "0x83"
	UUID       string `json:"uuid,omitempty"` // PARTUUID: GPT GUID, or xxxxxxxx-NN for MBR
	Label      string `json:"label,omitempty"`
	Attributes uint64 `json:"attributes,omitempty"`
	Active     bool   `json:"active,omitempty"`
	Extended   bool   `json:"extended,omitempty"`
	Logical    bool   `json:"logical,omitempty"`
}

// Multipath is one LUN seen over several wires; it lies on the disks that are
// its wires.
type Multipath struct {
	Common
	Openable
	WWID string `json:"wwid"`
}

// MD is a software RAID array; it lies on the members that are present.
type MD struct {
	Common
	Openable
	UUID      string     `json:"uuid"`
	Name      string     `json:"name,omitempty"` // "host:name" as the superblock says
	Level     string     `json:"level"`          // raid0, raid1, raid5, …, linear, container
	Metadata  string     `json:"metadata"`       // 0.90, 1.0, 1.1, 1.2
	RaidDisks int        `json:"raid_disks"`
	Members   []MDMember `json:"members"`
	Reshaping bool       `json:"reshaping,omitempty"`
	// Held is the device of an array whose members somebody (udev's rules, mostly)
	// has collected but not started: it is not open, and its members are in use.
	Held string `json:"held,omitempty"`
	// Made is how it was made; nil where that is not known.
	Made *MDMade `json:"made,omitempty"`
}

// MDMember is one device of an array, as its own superblock sees itself.
type MDMember struct {
	ID     ID     `json:"id"`
	Role   string `json:"role"` // a slot number, "spare", "faulty" or "journal"
	Events uint64 `json:"events"`
	// WriteMostly tells a member that is read only when there is no other.
	WriteMostly bool `json:"write_mostly,omitempty"`
	Failfast    bool `json:"failfast,omitempty"`
}

// PV is a physical volume. A PV that a VG's metadata names but no device
// carries is kept with Health missing and lies on nothing.
type PV struct {
	Common
	UUID string `json:"uuid"`
	VG   string `json:"vg,omitempty"` // name of the volume group, empty for an orphan
	// Made is how it was made; nil where that is not known.
	Made *PVMade `json:"made,omitempty"`
}

// VG is a volume group; it lies on its PVs.
type VG struct {
	Common
	UUID       string `json:"uuid"`
	Name       string `json:"name"`
	ExtentSize uint64 `json:"extent_size"`
	Seqno      uint64 `json:"seqno"`
	// Made is how it was made; nil where that is not known.
	Made *VGMade `json:"made,omitempty"`
}

// LV is a logical volume. It lies on the PVs whose extents it uses, on its pool
// if it is thin, and on its origin if it is a snapshot.
type LV struct {
	Common
	Openable
	UUID     string `json:"uuid"`
	VG       string `json:"vg"`
	Name     string `json:"name"`
	Layout   string `json:"layout"` // linear, striped, raid1, …, thin, thin-pool, cache, snapshot
	Group    ID     `json:"group"`  // its VG
	Origin   ID     `json:"origin,omitempty"`
	Pool     ID     `json:"pool,omitempty"`
	Internal bool   `json:"internal,omitempty"` // a hidden sub-volume (_tdata, _rimage_0 …)
	// Made is how it was made; nil where that is not known.
	Made *LVMade `json:"made,omitempty"`
}

// Crypt is an encrypted container: LUKS, plain dm-crypt, BitLocker, VeraCrypt. It
// lies on the device that its data are on, wherever its header is.
type Crypt struct {
	Common
	Openable
	Format   string   `json:"format"` // luks1, luks2, plain, bitlk, tcrypt
	UUID     string   `json:"uuid,omitempty"`
	Label    string   `json:"label,omitempty"`
	Cipher   string   `json:"cipher,omitempty"`
	Keyslots []string `json:"keyslots,omitempty"` // "0:argon2id"
	Tokens   []string `json:"tokens,omitempty"`   // "0:systemd-tpm2"
	// ClevisSlots are the key slots whose passphrase clevis(1) can give.
	ClevisSlots []int `json:"clevis_slots,omitempty"`
	// OpenWrites is why opening it changes the disk even when it is opened
	// read-only; "" when it does not.
	OpenWrites string `json:"open_writes,omitempty"`
	// Terms is what a crypttab says of it and no header on its device does.
	Terms *Terms `json:"terms,omitempty"`
	// Header is how a LUKS container was made; nil where that is not known.
	Header *LUKSHeader `json:"header,omitempty"`
}

// IdentityOn is what the container is: by its UUID, or where it has none, by the
// device that it lies on. The name of its map says nothing, as it can be changed.
func (n *Crypt) IdentityOn(carrier Node) ID {
	switch {
	case n.UUID == "":
		return ID("crypt:" + n.Format + "-on-" + string(carrier.Base().Identity))
	case strings.HasPrefix(n.Format, "luks"):
		return ID("luks:" + n.UUID)
	default:
		return ID("crypt:" + n.Format + "-" + n.UUID)
	}
}

// Terms is what it takes to open a container beside a key.
type Terms struct {
	// Header is where the program that opens it finds the header of a container
	// that has none on its device: a copy in memory. HeaderOn is the node that the
	// header itself is on: a file system, where it is the file HeaderFile, or a
	// device, where it has HeaderSize bytes.
	Header     string `json:"header,omitempty" doc:"where the program that opened it had a copy of its header; never in a layout"`
	HeaderOn   ID     `json:"header_on,omitempty" doc:"the ID of the file system or device that the detached header is on"`
	HeaderFile string `json:"header_file,omitempty" doc:"the file on that file system that is the header"`
	HeaderSize uint64 `json:"header_size,omitempty" doc:"bytes of the header, if it is a device"`
	// KeySlot is the only one that is to be tried.
	KeySlot *int `json:"key_slot,omitempty" doc:"the only key slot that is to be tried"`

	// Of plain dm-crypt, which has no header at all.
	Cipher     string `json:"cipher,omitempty" doc:"in the notation of dm-crypt (of plain)"`
	Hash       string `json:"hash,omitempty" doc:"of a passphrase; a key file is taken as it is (of plain)"` // of a passphrase; a key file is taken as it is
	KeyBits    int    `json:"key_bits,omitempty" doc:"bits of the key (of plain)"`
	Offset     uint64 `json:"offset,omitempty" doc:"where the data begin, in sectors of 512 bytes (of plain)"` // in sectors of 512 bytes
	Skip       uint64 `json:"skip,omitempty" doc:"what is added to the number of a sector for its IV, in sectors of 512 bytes (of plain)"`
	SectorSize int    `json:"sector_size,omitempty" doc:"bytes of a sector of encryption (of plain)"`

	// Of TrueCrypt and VeraCrypt.
	Hidden   bool     `json:"hidden,omitempty" doc:"it is the hidden volume (of tcrypt)"`
	System   bool     `json:"system,omitempty" doc:"it is a system partition, whose header lies outside of it (of tcrypt)"`
	PIM      uint64   `json:"pim,omitempty" doc:"VeraCrypt's iteration multiplier (of tcrypt)"`
	KeyFiles []string `json:"key_files,omitempty" doc:"paths of key files that are mixed into the passphrase (of tcrypt)"` // of the system that opens it so; mixed into the passphrase
}

// Bcache is a cached device; it lies on its backing device and on its cache set.
type Bcache struct {
	Common
	Openable
	UUID  string `json:"uuid"`
	Label string `json:"label,omitempty"`
	State string `json:"state,omitempty"` // clean, dirty, no cache, inconsistent
	// Made is how it was made; nil where that is not known.
	Made *BcacheMade `json:"made,omitempty"`
}

// BcacheSet is the set of cache devices that Bcaches share.
type BcacheSet struct {
	Common
	UUID string `json:"uuid"`
	// Made is how its first cache device was made; nil where that is not known.
	Made *BcacheMade `json:"made,omitempty"`
}

// FileSystem lies on one device, or on several (btrfs).
type FileSystem struct {
	Common
	Type    string `json:"type"` // the kernel's name: ext4, xfs, btrfs, vfat, …
	UUID    string `json:"uuid,omitempty"`
	Label   string `json:"label,omitempty"`
	Devices int    `json:"devices,omitempty"` // how many devices it should have, if more than one
	Default uint64 `json:"default,omitempty"` // btrfs: id of the default subvolume
	// Used is how many bytes files take, as statfs(2) would count them; 0 where that
	// is not known without mounting it.
	Used uint64 `json:"used,omitempty"`
	// How it was made: at most one of these, and none where that is not known.
	Ext   *Ext   `json:"ext,omitempty"`
	XFS   *XFS   `json:"xfs,omitempty"`
	Btrfs *Btrfs `json:"btrfs,omitempty"`
	FAT   *FAT   `json:"fat,omitempty"`
	Plain *Plain `json:"plain,omitempty"`
}

// Subvolume is a btrfs subvolume; it lies on its file system.
type Subvolume struct {
	Common
	SubvolID   uint64 `json:"subvol_id"`
	Path       string `json:"path"` // from the top level, without a leading slash; "" is the top level itself
	UUID       string `json:"uuid,omitempty"`
	ParentUUID string `json:"parent_uuid,omitempty"` // set: it is a snapshot of that subvolume
	Frozen     bool   `json:"frozen,omitempty"`      // the read-only property is set
	NoCOW      bool   `json:"nocow,omitempty"`       // new files at its top are not copied on write (chattr(1), C)
}

// Swap is a swap area on a block device.
type Swap struct {
	Common
	UUID   string `json:"uuid,omitempty"`
	Label  string `json:"label,omitempty"`
	Active bool   `json:"active,omitempty"`
	// Made is how it was made; nil where that is not known.
	Made *SwapMade `json:"made,omitempty"`
}

// Opaque is content that is recognised but not taken apart: a ZFS member,
// firmware RAID, a DRBD device, an external journal.
type Opaque struct {
	Common
	Format string `json:"format"` // libblkid's TYPE name
	UUID   string `json:"uuid,omitempty"`
	Label  string `json:"label,omitempty"`
}
