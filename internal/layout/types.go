package layout

import "salvor/internal/storage"

// Version is the version of the form of the file. Keys are only ever added to a
// version; a number above the one known is refused.
const Version = 1

// Layout is what it takes to make a machine again. Its sections are in the order of
// the file.
type Layout struct {
	Version int    `json:"version" doc:"the version of this form: 1"`
	Digest  string `json:"digest,omitempty" doc:"sha256 of what follows, but for usage and for names that the kernel gives anew at every start; it binds images and backups to this layout"`

	Machine Machine `json:"machine" doc:"which machine it is, and what it is made of"`
	Boot    Boot    `json:"boot,omitzero" doc:"how it starts"`
	Storage Storage `json:"storage" doc:"what lies on what, from the metal upwards"`
	Mounts  []Mount `json:"mounts,omitempty" doc:"what was mounted where, upper directory first"`
	Files   []File  `json:"files,omitempty" doc:"files of the system that storage depends on, as they are"`
	Network Network `json:"network,omitzero" doc:"how it is reached, as far as a rescue needs it"`
	Tools   []Tool  `json:"tools,omitempty" doc:"versions of the programs that make all this again"`

	Uncovered []Uncovered `json:"uncovered,omitempty" doc:"what salvor cannot make again, or was told to leave out, and why"`
	Headers   []Header    `json:"luks_headers,omitempty" doc:"backups of LUKS headers, encrypted (salvor save --luks-headers)"`
	Usage     []Usage     `json:"usage,omitempty" doc:"how full each file system was"`
}

// Storage holds the nodes, a list for each kind. Lists are in the order of IDs, and
// partitions and volumes in that of their numbers and names.
type Storage struct {
	Disks       []Disk       `json:"disks,omitempty" doc:"whole devices"`
	Multipaths  []Multipath  `json:"multipaths,omitempty" doc:"disks that are reached over several wires"`
	Arrays      []Array      `json:"arrays,omitempty" doc:"software RAID (mdadm)"`
	Crypts      []Crypt      `json:"encrypted,omitempty" doc:"encrypted containers (cryptsetup)"`
	CacheSets   []CacheSet   `json:"bcache_sets,omitempty" doc:"sets of devices that cache others (bcache)"`
	Bcaches     []Bcache     `json:"bcaches,omitempty" doc:"devices that are cached (bcache)"`
	PVs         []PV         `json:"physical_volumes,omitempty" doc:"physical volumes (LVM)"`
	Groups      []Group      `json:"volume_groups,omitempty" doc:"volume groups and the volumes in them (LVM)"`
	FileSystems []FileSystem `json:"file_systems,omitempty" doc:"file systems"`
	Swaps       []Swap       `json:"swap,omitempty" doc:"swap areas on devices"`
	Others      []Other      `json:"others,omitempty" doc:"what is recognised but not taken apart"`
}

// Node is what all of them have.
type Node struct {
	ID       storage.ID `json:"id" doc:"what it is; others name it by this"`
	Identity storage.ID `json:"identity,omitempty" doc:"what it is, where there are several of it (a disk and its copy): the ID tells them apart"`
	Device   string     `json:"device,omitempty" doc:"its path when this was saved; only a hint"`
	Size     Size       `json:"size,omitempty" doc:"exact, such as 96MiB or 1234B"`
	Table    *Table     `json:"table,omitempty" doc:"the partition table on it"`
}

// Disk is a whole device.
type Disk struct {
	Node
	Model          string   `json:"model,omitempty" doc:"what its maker calls it"`
	Serial         string   `json:"serial,omitempty" doc:"its serial number"`
	WWN            string   `json:"wwn,omitempty" doc:"its world wide name"`
	Transport      string   `json:"transport,omitempty" doc:"scsi, ata, nvme, virtio, usb, mmc …"`
	SectorSize     int      `json:"sector_size,omitempty" doc:"bytes of a logical sector"`
	PhysicalSector int      `json:"physical_sector,omitempty" doc:"bytes of a physical sector"`
	Rotational     bool     `json:"rotational,omitempty" doc:"it spins"`
	Removable      bool     `json:"removable,omitempty" doc:"its medium can be taken out"`
	Links          []string `json:"links,omitempty" doc:"its names below /dev/disk/by-id and by-path"`
}

// Table is a partition table with its partitions.
type Table struct {
	ID       storage.ID `json:"id" doc:"what it is"`
	Identity storage.ID `json:"identity,omitempty" doc:"what it is, where there are several of it"`
	Format   string     `json:"format" doc:"gpt or dos"`
	UUID     string     `json:"uuid,omitempty" doc:"the disk's GUID, or the 8 hex digits of an MBR's signature"`
	storage.TableMade
	Partitions []Partition `json:"partitions,omitempty" doc:"by number"`
}

// Partition is an entry of a table. Its Table is one that lies inside it.
type Partition struct {
	Number int `json:"number" doc:"as the kernel counts"`
	Node
	Start      Size     `json:"start" doc:"from the start of the device that carries the table"`
	Type       string   `json:"type,omitempty" doc:"type GUID of a GPT, or 0x83 and the like of an MBR"`
	UUID       string   `json:"uuid,omitempty" doc:"PARTUUID"`
	Label      string   `json:"label,omitempty" doc:"PARTLABEL"`
	Attributes []string `json:"attributes,omitempty" doc:"bits of a GPT entry that are set: required, no-block-io, legacy-boot, 48 … 63"`
	Active     bool     `json:"active,omitempty" doc:"the boot flag of an MBR entry"`
	Extended   bool     `json:"extended,omitempty" doc:"it holds logical partitions"`
	Logical    bool     `json:"logical,omitempty" doc:"it lies in an extended partition"`
}

// Multipath is a LUN that several disks lead to.
type Multipath struct {
	Node
	WWID   string       `json:"wwid" doc:"what the LUN calls itself; its wires need not be there"`
	Alias  string       `json:"alias,omitempty" doc:"the name of its map"`
	LiesOn []storage.ID `json:"lies_on" doc:"the disks that are its wires"`
}

// Array is a software RAID array.
type Array struct {
	Node
	Name     string   `json:"name,omitempty" doc:"host:name, as its superblock says"`
	UUID     string   `json:"uuid" doc:"as mdadm prints it"`
	Level    string   `json:"level" doc:"raid0, raid1, raid5 … linear, container"`
	Metadata string   `json:"metadata" doc:"the format of its superblock: 0.90, 1.0, 1.1, 1.2, imsm, ddf"`
	Devices  int      `json:"raid_devices" doc:"how many members work in it when it is whole"`
	Members  []Member `json:"members" doc:"its devices by their role"`
	storage.MDMade
}

// Member is a device of an array.
type Member struct {
	LiesOn      storage.ID `json:"lies_on" doc:"the ID of the device"`
	Role        string     `json:"role" doc:"its number from 0, or spare, faulty, journal"`
	WriteMostly bool       `json:"write_mostly,omitempty" doc:"it is read only when there is no other"`
	Failfast    bool       `json:"failfast,omitempty" doc:"its errors are not waited for"`
}

// Crypt is an encrypted container.
type Crypt struct {
	Node
	LiesOn storage.ID          `json:"lies_on" doc:"the ID of the device"`
	Name   string              `json:"name,omitempty" doc:"of its map: what crypttab calls it"`
	Format string              `json:"format" doc:"luks1, luks2, plain, bitlk or tcrypt"`
	UUID   string              `json:"uuid,omitempty" doc:"of its header"`
	Label  string              `json:"label,omitempty" doc:"of its header"`
	Cipher string              `json:"cipher,omitempty" doc:"in the notation of dm-crypt, aes-xts-plain64"`
	Terms  *storage.Terms      `json:"terms,omitempty" doc:"what a crypttab says of it and no header on its device does"`
	Header *storage.LUKSHeader `json:"header,omitempty" doc:"how its header was made; nothing of the keys"`
}

// CacheSet is a set of cache devices.
type CacheSet struct {
	Node
	LiesOn []storage.ID `json:"lies_on" doc:"the IDs of its devices"`
	UUID   string       `json:"uuid" doc:"of the set"`
	storage.BcacheMade
}

// Bcache is a cached device.
type Bcache struct {
	Node
	LiesOn storage.ID `json:"lies_on" doc:"the ID of its backing device"`
	Set    storage.ID `json:"set,omitempty" doc:"the ID of the set that caches it"`
	UUID   string     `json:"uuid" doc:"of the backing device"`
	Label  string     `json:"label,omitempty" doc:"of the backing device"`
	storage.BcacheMade
}

// PV is a physical volume.
type PV struct {
	Node
	LiesOn storage.ID `json:"lies_on,omitempty" doc:"the ID of the device; none, if it is missing"`
	UUID   string     `json:"uuid" doc:"of the physical volume"`
	Group  string     `json:"volume_group,omitempty" doc:"the name of its group; none for one that belongs to none"`
	storage.PVMade
}

// Group is a volume group.
type Group struct {
	ID       storage.ID   `json:"id" doc:"what it is"`
	Identity storage.ID   `json:"identity,omitempty" doc:"what it is, where there are several of it"`
	Name     string       `json:"name" doc:"of the group"`
	UUID     string       `json:"uuid" doc:"of the group"`
	LiesOn   []storage.ID `json:"lies_on" doc:"the IDs of its physical volumes"`
	Extent   Size         `json:"extent" doc:"the unit of its volumes' sizes"`
	storage.VGMade
	Volumes []Volume `json:"volumes,omitempty" doc:"its volumes by name"`
}

// Volume is a logical volume.
type Volume struct {
	Name string `json:"name" doc:"of the volume"`
	Node
	UUID     string       `json:"uuid" doc:"of the volume"`
	Layout   string       `json:"layout" doc:"linear, striped, raid1 … thin, thin-pool, cache, snapshot"`
	Pool     storage.ID   `json:"pool,omitempty" doc:"the ID of its pool"`
	Origin   storage.ID   `json:"origin,omitempty" doc:"the ID of the volume that it is a snapshot of"`
	Internal bool         `json:"internal,omitempty" doc:"a hidden part of another volume"`
	LiesOn   []storage.ID `json:"lies_on,omitempty" doc:"the IDs of what it takes its extents from"`
	storage.LVMade
}

// FileSystem is a file system with its subvolumes.
type FileSystem struct {
	Node
	LiesOn     []storage.ID   `json:"lies_on" doc:"the IDs of its devices"`
	Type       string         `json:"type" doc:"as the kernel calls it"`
	UUID       string         `json:"uuid,omitempty" doc:"of the file system"`
	Label      string         `json:"label,omitempty" doc:"of the file system"`
	Devices    int            `json:"devices,omitempty" doc:"how many devices it should have, if more than one"`
	Ext        *storage.Ext   `json:"ext,omitempty" doc:"how an ext2, ext3 or ext4 was made"`
	XFS        *storage.XFS   `json:"xfs,omitempty" doc:"how an XFS was made"`
	Btrfs      *storage.Btrfs `json:"btrfs,omitempty" doc:"how a btrfs was made"`
	FAT        *storage.FAT   `json:"fat,omitempty" doc:"how a FAT or exFAT was made"`
	Plain      *storage.Plain `json:"made,omitempty" doc:"how another one was made"`
	Default    uint64         `json:"default_subvolume,omitempty" doc:"the number of the subvolume that is mounted when none is named"`
	Subvolumes []Subvolume    `json:"subvolumes,omitempty" doc:"by path"`
}

// Subvolume is a subvolume or snapshot of a btrfs.
type Subvolume struct {
	Path       string     `json:"path" doc:"from the top level, without a leading slash"`
	ID         storage.ID `json:"id" doc:"what it is"`
	Identity   storage.ID `json:"identity,omitempty" doc:"what it is, where there are several of it"`
	Number     uint64     `json:"number" doc:"its number now; it gets another one when it is made again"`
	UUID       string     `json:"uuid,omitempty" doc:"of the subvolume"`
	SnapshotOf string     `json:"snapshot_of,omitempty" doc:"the UUID of the subvolume that it is a snapshot of"`
	ReadOnly   bool       `json:"read_only,omitempty" doc:"its read-only property is set"`
	NoCOW      bool       `json:"nocow,omitempty" doc:"new files in it are not copied on write (chattr +C)"`
}

// Swap is a swap area.
type Swap struct {
	Node
	LiesOn storage.ID `json:"lies_on" doc:"the ID of its device"`
	UUID   string     `json:"uuid,omitempty" doc:"of the area"`
	Label  string     `json:"label,omitempty" doc:"of the area"`
	Active bool       `json:"active,omitempty" doc:"it was in use"`
	storage.SwapMade
}

// Other is content that is recognised but not taken apart.
type Other struct {
	Node
	LiesOn []storage.ID `json:"lies_on" doc:"the IDs of its devices"`
	Format string       `json:"format" doc:"as blkid calls it"`
	UUID   string       `json:"uuid,omitempty" doc:"of the content"`
	Label  string       `json:"label,omitempty" doc:"of the content"`
}

// Mount is what was mounted at a directory.
type Mount struct {
	Point   string     `json:"point" doc:"the directory"`
	Source  storage.ID `json:"source,omitempty" doc:"the ID of the file system or subvolume"`
	What    string     `json:"what,omitempty" doc:"what is mounted, where it is not storage of this machine: server:/path, tmpfs"`
	Type    string     `json:"type" doc:"type of file system"`
	Root    string     `json:"root,omitempty" doc:"the directory of the file system that is seen, if not its top"`
	Options []string   `json:"options,omitempty" doc:"as the kernel shows them"`
}

// File is a small text file of the system. It holds no secret: a line that had one
// says so.
type File struct {
	Path string `json:"path" doc:"where it is"`
	Text string `json:"text" doc:"what it says"`
}

// Uncovered is something that a recovery would not bring back.
type Uncovered struct {
	ID     storage.ID `json:"id,omitempty" doc:"what it is, if it is a node"`
	What   string     `json:"what" doc:"it in words: a mount point, a device"`
	State  string     `json:"state" doc:"uncovered: salvor cannot make it again; excluded: it was told to leave it out"`
	Reason string     `json:"reason" doc:"one word that does not change (docs/tables.md)"`
	Why    string     `json:"why" doc:"the cause as a sentence"`
}

// Header is the backup of a LUKS header, encrypted to the recipients that were named.
type Header struct {
	ID         storage.ID `json:"id" doc:"the container"`
	Recipients []string   `json:"recipients" doc:"who can decrypt it (age)"`
	SHA256     string     `json:"sha256" doc:"of the header as it was read: tells whether this is a backup of today's"`
	Age        string     `json:"age" doc:"what cryptsetup luksHeaderRestore takes, packed by gzip, encrypted and armoured by age"`
}

// Usage is how full a file system was.
type Usage struct {
	ID    storage.ID `json:"id" doc:"the file system"`
	Used  Size       `json:"used" doc:"what is used of it"`
	Files uint64     `json:"files,omitempty" doc:"how many files, directories and the like it has"`
}
