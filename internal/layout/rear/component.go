package rear

import "strings"

// Component is what a line of a disklayout.conf describes. Its String is the
// line as ReaR writes it.
type Component interface {
	Keyword() string
	// Name is what ReaR calls the component in disktodo.conf and in
	// EXCLUDE_COMPONENTS, or "" for lines that only add to another.
	Name() string
	// fields are the words behind the keyword. An empty one shows as two blanks,
	// or as one at the end of the line, both of which ReaR writes.
	fields() []string
}

// text is the line of a component.
func text(c Component) string {
	return strings.Join(append([]string{c.Keyword()}, c.fields()...), " ")
}

// Disk is a whole disk. What stands behind the label is of DASDs: block size,
// layout, type, cylinders.
type Disk struct {
	Device string
	Size   uint64
	Label  string // msdos, gpt, gpt_sync_mbr, dasd, loop, unknown, or ""
	More   []string
}

// Part is a partition. TypeName is primary, extended or logical on an MBR and
// the name of the partition, decoded, on a GPT.
type Part struct {
	Parent   string
	Size     uint64
	Start    uint64
	NoStart  bool // the start is "unknown"
	TypeName string
	Flags    []string // none for "none"
	Device   string
	UUID     string // the partition's GUID; "" for the six fields of ReaR up to 2.9 or for "no-partuuid"
	Seven    bool   // there is a seventh field
}

// Raid is an MD array. Devices and the two counts are in no order of ReaR's; the
// other keys are those of mdadm --create.
type Raid struct {
	Old     bool // the keyword is "raid", of ReaR before 2.7
	Device  string
	Options Options // level, raid-devices, devices, name, metadata, uuid, layout, chunk, spare-devices, size
}

// RaidDisk is size and label of an array.
type RaidDisk struct {
	Device string
	Size   uint64
	Label  string
}

// Multipath is a map of several wires.
type Multipath struct {
	Device string
	Size   uint64 // 0: not there, in old versions
	Label  string
	Slaves []string
}

// LVMDev is a physical volume. Size is in bytes or in sectors, which the line
// does not say: see pvSize.
type LVMDev struct {
	VG     string // without /dev/
	Device string
	UUID   string
	Size   uint64
}

// LVMGrp is a volume group. The header that ReaR writes above it calls Size
// bytes; it is KiB.
type LVMGrp struct {
	VG        string
	ExtentKiB uint64
	Extents   uint64
	SizeKiB   uint64
}

// LVMVol is a logical volume.
type LVMVol struct {
	VG      string
	LV      string
	Size    uint64 // bytes
	Extents uint64 // of old versions, which know no bytes
	Layout  string // linear; thin,pool; raid,raid1
	Options []string
}

// FS is a mounted file system. Attributes are those between label and mount
// options, in their order.
type FS struct {
	Device     string
	Mountpoint string
	Type       string
	UUID       string
	Label      string
	Attributes Options
	Options    string // of the mount
}

// BtrfsSubvol is a btrfsdefaultsubvol, btrfsnormalsubvol or btrfssnapshotsubvol.
type BtrfsSubvol struct {
	What       string // default, normal, snapshot
	Device     string
	Mountpoint string
	ID         uint64
	Path       string // "/" for the top level, else without a leading slash
}

// BtrfsMounted is a mounted subvolume.
type BtrfsMounted struct {
	Device     string
	Mountpoint string
	Options    string
	Path       string // "" where an old findmnt did not tell
}

// BtrfsNoCOW is a subvolume with the "no copy on write" attribute.
type BtrfsNoCOW struct{ Path string }

// Swap is a swap partition.
type Swap struct{ Device, UUID, Label string }

// Crypt is an open LUKS container. A password, which a user may have added, is
// not kept.
type Crypt struct {
	Device      string // below /dev/mapper
	Source      string
	Options     Options // type, cipher, key_size, hash, uuid, keyfile, pbkdf
	HasPassword bool
}

// OpalDisk is a self-encrypting disk.
type OpalDisk struct {
	Device      string
	Options     Options // boot
	HasPassword bool
}

// DRBD is a replicated device.
type DRBD struct{ Device, Resource, Backing string }

// SmartArray and LogicalDrive are of HP's hardware RAID.
type SmartArray struct{ Slot string }

// LogicalDrive is a volume of a SmartArray; Place is slot|array|number.
type LogicalDrive struct {
	Device, Place string
	Options       Options
}

// Dasd is a line for the disks of s390: dasd_channel, or dasdfmt of older versions.
type Dasd struct {
	What  string
	Words []string
}

// Option is a key=value of a line.
type Option struct{ Key, Value string }

// Options are the key=value of a line in their order.
type Options []Option

// Get gives the value of a key, or "".
func (o Options) Get(key string) string {
	v, _ := o.Find(key)
	return v
}

// Find gives the value of a key and whether it is there.
func (o Options) Find(key string) (string, bool) {
	for _, opt := range o {
		if opt.Key == key {
			return opt.Value, true
		}
	}
	return "", false
}

func (o Options) words() []string {
	var out []string
	for _, opt := range o {
		out = append(out, opt.Key+"="+opt.Value)
	}
	return out
}

// add appends a key unless its value is empty.
func (o *Options) add(key, value string) {
	if value != "" {
		*o = append(*o, Option{key, value})
	}
}
