package ondisk

import (
	"errors"
	"fmt"
	"io"
)

// Content is what was recognised on one device.
type Content struct {
	// Table is nil when there is no partition table. The boot sector of a
	// FAT, exFAT or NTFS file system looks like an MBR and is not a table.
	Table *Table
	// Signatures are in libblkid's order: the one that "blkid -p" would name
	// is the first.
	Signatures []Signature
	// Ambiguous tells that more than one signature claims the device, in the
	// cases in which "blkid -p" refuses to choose. What shines through a RAID
	// or crypto signature that comes first is listed, but does not count.
	Ambiguous bool
	Notes     []string
}

// Signature is what one superblock or header says of itself. The dynamic
// types are pointers to the structs of this package: *Ext, *XFS, *LUKS….
type Signature interface {
	// Format is the name that libblkid has for it in TYPE.
	Format() string
	// Identity is empty where the format has none.
	Identity() ID
}

// ID is how a signature is named by others: in fstab, crypttab, /dev/disk.
type ID struct {
	UUID  string // in the notation of the format's own tools
	Label string // the bytes as stored, without padding
}

// Identity returns the ID itself; types embed ID to be a Signature.
func (i ID) Identity() ID { return i }

// Usage says what kind of thing a signature stands for, in libblkid's words.
type Usage string

// The usages.
const (
	FileSystem Usage = "filesystem"
	RAID       Usage = "raid"   // a member of something larger
	Crypto     Usage = "crypto" // opens into another device
	Other      Usage = "other"  // swap, journals, caches
)

// UsageOf returns the usage of a format, "" for a name that is not known.
func UsageOf(format string) Usage {
	switch format {
	case "ext2", "ext3", "ext4dev", "gfs", "squashfs3":
		return FileSystem // found by the recogniser of a relative
	case "jbd":
		return Other
	}
	for _, r := range recognisers {
		if r.format == format {
			return r.usage
		}
	}
	return ""
}

// tiny is the size up to which libblkid takes a device for a floppy: no RAID
// member is looked for, and the first signature wins.
const tiny = 1440 * 1024

// Read recognises everything on r, a device of the given size with the given
// logical sector size (0 means 512). A structure that is unreadable or damaged
// is a Note; the error is for a device of which nothing can be read.
func Read(r io.ReaderAt, size int64, sector int) (*Content, error) {
	if size < 0 {
		return nil, fmt.Errorf("cannot read the device: its size is negative: %d", size)
	}
	if sector <= 0 {
		sector = defaultSector
	}
	d, err := newDevice(r, size, sector)
	if err != nil {
		return nil, err
	}
	c := &Content{}
	// libblkid ignores what is not larger than the stub that the kernel shows
	// for an extended partition.
	if size > 1024 {
		c.Signatures, c.Ambiguous = recognise(d)
	}
	c.Table = readTable(d, c.Signatures)
	c.Notes = d.notes
	return c, nil
}

// recognise runs the recognisers in order, those for far offsets only when
// the others have found nothing.
func recognise(d *device) (found []Signature, ambiguous bool) {
	var judge judgement
	for _, far := range []bool{false, true} {
		if far && len(found) > 0 {
			break
		}
		for _, r := range recognisers {
			if r.far != far || d.size < r.min || (r.usage == RAID && d.size <= tiny) {
				continue
			}
			sig, err := r.find(d)
			if err != nil {
				d.notef("%s: %v", r.format, err)
			}
			if sig == nil {
				continue
			}
			found = append(found, sig)
			judge.add(r)
		}
	}
	return found, judge.ambiguous() && d.size > tiny
}

// judgement counts signatures as libblkid's safe probing does: it stops at the
// first RAID or crypto signature, and two signatures are too many unless all
// that were counted tolerate company (ISO 9660 with UDF or HFS).
type judgement struct {
	count, intolerant int
	stopped           bool
}

func (j *judgement) add(r recogniser) {
	if j.stopped {
		return
	}
	j.count++
	if r.usage == RAID || r.usage == Crypto {
		j.stopped = true
		return
	}
	if !r.tolerant {
		j.intolerant++
	}
}

func (j *judgement) ambiguous() bool { return j.count > 1 && j.intolerant > 0 }

// errDamaged is wrapped by what a recogniser says of a header that carries the
// right magic but cannot be what it claims to be.
var errDamaged = errors.New("the header is damaged")

func damaged(what string, off int64) error {
	return fmt.Errorf("cannot use the header at offset %d: %s: %w", off, what, errDamaged)
}
