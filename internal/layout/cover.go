package layout

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"salvor/internal/storage"
)

// The states of what a recovery would not bring back.
const (
	NotCovered = "uncovered" // salvor cannot make it again: a gap
	Excluded   = "excluded"  // it was told to leave it out, or there is nothing to bring back
)

// The reasons that are in no table: what lies on something that is not made again is not
// made again either, and what is excluded by the configuration.
const (
	reasonBelow    = "below"
	reasonExcluded = "excluded"
)

// gap is why a node is not covered.
type gap struct {
	Uncovered
	takes bool // what lies on it cannot be made again either
}

// coverRow is a row of the table that says what is not made again.
type coverRow struct {
	reason string
	when   string
	state  string
	takes  bool
	fits   func(c *capture, n storage.Node) bool
	why    string
}

// coverRows are the table; the first row that fits counts.
var coverRows = []coverRow{
	{"missing", "it is known by its name alone", NotCovered, true, hasHealth(storage.Missing), "it is not there, so what it was is not known"},
	{"unreadable", "reading it failed", NotCovered, false, hasHealth(storage.Unreadable), "it could not be read, so what it holds is not known"},
	{"opal", "a disk that has locked itself, or a container that leaves encryption to its disk", NotCovered, true, isOpal, "the disk encrypts itself, and salvor cannot set that up"},
	{"snapshot", "content of a snapshot of LVM, but for a thin one that is mounted", Excluded, true, (*capture).isOnSnapshot, "it is what its origin was at some time; a snapshot that is made again shows the origin as it is then"},
	{"table format", "a partition table that is neither GPT nor MBR", NotCovered, true, isOtherTable, "salvor writes GPT and MBR partition tables only"},
	{"hybrid table", "a GPT whose protective MBR holds partitions", NotCovered, false, isHybrid, "the GPT is made again, and the partitions in its MBR are not"},
	{"twin", "several have its identity, and they are no disks", NotCovered, true, (*capture).isTwin, "there is another one with the same identity, and two that nothing can tell apart are not made"},
	{"firmware raid", "an array of the firmware (IMSM, DDF) and its members", NotCovered, true, isFirmwareRAID, "the array belongs to the firmware or the controller, and has to be set up there"},
	{"incomplete", "too little of it is there to open it", NotCovered, true, hasHealth(storage.Incomplete), "a part of it is missing, so how it was made is not known in full"},
	{"member missing", "a device that belongs to it is not there", NotCovered, false, hasHealth(storage.MemberMissing), "a device that belongs to it is not there; it would be made without that"},
	{"no maker", "a container that cryptsetup opens and cannot make: BitLocker, TrueCrypt, VeraCrypt, FileVault", NotCovered, true, isForeignCrypt, "no program here makes such a container"},
	{"detached header", "a container whose header lies elsewhere, and that header", NotCovered, true, isDetached, "the header lies apart from the data, and has to be kept and brought back by hand"},
	{"reencryption", "a container that is being encrypted anew", NotCovered, true, isReencrypting, "it is being encrypted anew: save again when that is done"},
	{"locked", "a container that is not open", NotCovered, false, (*capture).isLocked, "it was not open, so what it holds is not known"},
	{"volume type", "a volume of a type that the table below does not have", NotCovered, true, (*capture).isOtherVolume, "salvor makes no volumes of this type"},
	{"closed", "an array, volume, map or cached device that is not open and whose content is not known", NotCovered, false, (*capture).isShut, "it was not open, so what it holds is not known"},
	{"external journal", "a file system with its journal on another device, and that journal", NotCovered, true, hasOuterJournal, "the journal lies on another device, and salvor makes file systems with their journal inside only"},
	{"real-time device", "an XFS with a real-time device", NotCovered, true, isRealTime, "a part of the file system lies on a real-time device, which salvor does not make"},
	{"zoned", "a file system on zones (zonefs, btrfs)", NotCovered, true, isZoned, "salvor makes no file systems on zoned disks"},
	{"file system type", "a file system of a type that the table below does not have", NotCovered, true, isOtherFileSystem, "salvor makes no file systems of this type"},
	{"zfs", "a part of a ZFS pool", NotCovered, true, hasFormat("zfs_member"), "salvor makes no ZFS pools: zpool and zfs do"},
	{"stratis", "a part of a Stratis pool", NotCovered, true, hasFormat("stratis"), "salvor makes no Stratis pools: stratis does"},
	{"vdo", "a VDO device", NotCovered, true, hasFormat("vdo"), "salvor makes no VDO devices"},
	{"drbd", "a DRBD device", NotCovered, true, hasFormat("drbd", "drbdmanage_control_volume", "drbdproxy_datalog"), "salvor makes no DRBD devices: they come back from the other side"},
	{"ceph", "a device of Ceph", NotCovered, true, hasFormat("ceph_bluestore"), "salvor makes no devices of Ceph: they come back from the cluster"},
	{"unknown content", "any other content that is recognised and not taken apart", NotCovered, true, isOpaque, "salvor does not know how to make it"},
	{"unknown map", "a device-mapper device of unknown purpose", NotCovered, true, isUnknownMap, "what made this device is not known"},
	{"ambiguous", "a device or content with several signatures", NotCovered, false, hasHealth(storage.Ambiguous), "it has several signatures, so what it is is not certain"},
	{"odd", "a node that lies where such a thing never does", NotCovered, true, (*capture).isOdd, "what it lies on is not what such a thing lies on"},
}

// cover finds what a recovery would not bring back.
func (c *capture) cover() {
	for n := range c.kept {
		if g := c.gapOf(n); g != nil {
			g.ID, g.What = n.Base().ID, c.words(n)
			c.gaps[g.ID] = g
		}
	}
	for _, m := range c.live {
		c.coverMount(m)
	}
	c.tellExclusions()
}

func (c *capture) gapOf(n storage.Node) *gap {
	if e := c.exclusionOf(n); e != nil {
		return &gap{Uncovered{State: Excluded, Reason: reasonExcluded, Why: e.sentence()}, true}
	}
	if low := c.takenBy(n); low != nil {
		return &gap{Uncovered{State: low.State, Reason: reasonBelow, Why: fmt.Sprintf("it lies on %s: %s", low.What, strings.TrimPrefix(low.Why, "it lies on "))}, true}
	}
	for _, row := range coverRows {
		if row.fits(c, n) {
			return &gap{Uncovered{State: row.state, Reason: row.reason, Why: row.why}, row.takes}
		}
	}
	return nil
}

// takenBy gives the one below n that takes it with it; what is excluded comes first.
func (c *capture) takenBy(n storage.Node) *gap {
	on := n.Base().On
	if v, ok := n.(*storage.LV); ok {
		on = append(slices.Clone(on), v.Group, v.Pool, v.Origin)
	}
	var found *gap
	for _, id := range on {
		if g := c.gaps[id]; g != nil && g.takes && (found == nil || g.State == Excluded && found.State != Excluded) {
			found = g
		}
	}
	return found
}

// words say what n is and where.
func (c *capture) words(n storage.Node) string {
	id := n.Base().ID
	out := string(n.Kind())
	switch n := n.(type) {
	case *storage.FileSystem:
		out = n.Type
	case *storage.Opaque:
		out = n.Format
	case *storage.Crypt:
		out = n.Format
	case *storage.Disk, *storage.Partition, *storage.MD, *storage.LV, *storage.VG, *storage.Multipath:
		out = wordOf(n) + " " + c.g.ShortName(id)
		return storage.Printable(out)
	case *storage.Subvolume:
		out = fmt.Sprintf("subvolume %q", n.Path)
	default:
		out = wordOf(n)
	}
	if on := n.Base().On; len(on) > 0 {
		out += " on " + c.g.ShortName(on[0])
	}
	if mounts := c.mountsOf()[id]; len(mounts) > 0 {
		out += ", mounted at " + mounts[0].Point
	}
	return storage.Printable(out)
}

// kindWords are kinds as people say them, where the word is not the kind itself.
var kindWords = map[storage.Kind]string{
	storage.KindTable: "partition table", storage.KindMD: "array", storage.KindPV: "physical volume", storage.KindVG: "volume group",
	storage.KindLV: "volume", storage.KindBcacheSet: "cache set", storage.KindMultipath: "multipath map",
}

func wordOf(n storage.Node) string { return cmp.Or(kindWords[n.Kind()], string(n.Kind())) }

// entries are all that is not covered, in the order of the layout.
func (c *capture) entries() []Uncovered {
	out := slices.Clone(c.loose)
	for _, g := range c.gaps {
		out = append(out, g.Uncovered)
	}
	return out
}

// Gaps are what salvor cannot make again; what it was told to leave out is not among it.
func (l *Layout) Gaps() []Uncovered {
	var out []Uncovered
	for _, u := range l.Uncovered {
		if u.State == NotCovered {
			out = append(out, u)
		}
	}
	return out
}
