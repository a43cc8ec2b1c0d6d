package ondisk

import "fmt"

const (
	mbrEntries = 446
	mbrID      = 440
	// maxLogical is where the kernel stops as well (block/partitions/msdos.c
	// gives up after 100 empty links; a disk has 256 minors at most).
	maxLogical = 256
	// aixMagic marks a disk of AIX, which leaves the rest of the sector as it was.
	aixMagic = "\xc9\xc2\xd4\xc1"
)

// mbrEntry is one of the four slots of an MBR or of a link of the chain of
// logical partitions.
type mbrEntry struct {
	flag, kind  byte
	start, size uint32 // sectors
}

func (e mbrEntry) extended() bool {
	return e.kind == 0x05 || e.kind == 0x0f || e.kind == 0x85
}

// mbrSlots returns the four slots of a sector with an MBR's signature.
func mbrSlots(b []byte) (slots [4]mbrEntry, ok bool) {
	if b == nil || b[510] != 0x55 || b[511] != 0xaa {
		return slots, false
	}
	for i := range slots {
		e := b[mbrEntries+16*i:]
		slots[i] = mbrEntry{flag: e[0], kind: e[4], start: le.Uint32(e[8:]), size: le.Uint32(e[12:])}
	}
	return slots, true
}

// protective tells whether the MBR announces a GPT.
func protective(d *device) bool {
	slots, ok := mbrSlots(d.at(0, 512))
	for _, s := range slots {
		if ok && s.kind == mbrTypeGPT {
			return true
		}
	}
	return false
}

// hybrid tells whether the MBR has other partitions beside the one that announces a
// GPT.
func hybrid(d *device) bool {
	slots, ok := mbrSlots(d.at(0, 512))
	others := 0
	for _, s := range slots {
		if s.kind != mbrTypeGPT && s.kind != 0 && s.size != 0 {
			others++
		}
	}
	return ok && others > 0 && protective(d)
}

// bootCode tells whether a BIOS would find a program in the sector.
func bootCode(b []byte) bool {
	return b != nil && !allZero(b[:mbrID]) && b[510] == 0x55 && b[511] == 0xaa
}

// readMBR reads an MBR with its logical partitions, unless the sector is a
// file system's boot sector or mere boot code.
func readMBR(d *device, found []Signature) *Table {
	b := d.at(0, 512)
	slots, ok := mbrSlots(b)
	if !ok || string(b[:4]) == aixMagic || bootSector(found) {
		return nil
	}
	used := 0
	for _, s := range slots {
		switch {
		case s.flag != 0 && s.flag != 0x80:
			return nil // the kernel does not take it for a table either
		case s.kind == mbrTypeGPT:
			// The GPT could not be used, or readGPT had returned it. The
			// entry covers the whole disk and would hide the damage.
			d.notef("the MBR at offset 0 announces a GPT, but no usable GPT is there")
			return nil
		case s.size != 0:
			used++
		}
	}
	// A boot loader in front of a signature leaves an MBR without partitions.
	if used == 0 && len(found) > 0 {
		return nil
	}
	t := &Table{Format: "dos", Sector: d.sector, BootCode: bootCode(b)}
	id := le.Uint32(b[mbrID:])
	if id != 0 {
		t.ID = fmt.Sprintf("%08x", id)
	}
	t.addPrimary(slots, d.size)
	t.addLogical(d, slots)
	t.noteOverlaps()
	return t
}

// bootSector tells of the file systems that have a BIOS parameter block and
// the signature of an MBR in their first sector.
func bootSector(found []Signature) bool {
	for _, s := range found {
		switch s.(type) {
		case *FAT, *NTFS, *ExFAT, *BitLocker:
			return true
		}
	}
	return false
}

func (t *Table) entry(number int, s mbrEntry, base uint64) Entry {
	e := Entry{
		Number: number, Type: fmt.Sprintf("0x%02x", s.kind), Active: s.flag == 0x80,
		Start: (base + uint64(s.start)) * uint64(t.Sector), Size: uint64(s.size) * uint64(t.Sector),
	}
	if t.ID != "" {
		e.UUID = fmt.Sprintf("%s-%02x", t.ID, number)
	}
	return e
}

func (t *Table) addPrimary(slots [4]mbrEntry, disk int64) {
	for i, s := range slots {
		if s.size == 0 {
			continue
		}
		e := t.entry(i+1, s, 0)
		e.Extended = s.extended()
		if e.Start+e.Size > uint64(disk) {
			t.notef("partition %d ends behind the end of the disk", e.Number)
		}
		t.Entries = append(t.Entries, e)
	}
}

// addLogical follows the chain of each extended partition. Logical ones are
// numbered from 5 across all chains, as the kernel does.
func (t *Table) addLogical(d *device, slots [4]mbrEntry) {
	next := 5
	for _, s := range slots {
		if s.size != 0 && s.extended() {
			next = t.followChain(d, uint64(s.start), uint64(s.size), next)
		}
	}
}

// followChain walks the links of one extended partition. A link that was seen
// before, or that cannot be read, ends the walk.
func (t *Table) followChain(d *device, base, size uint64, number int) int {
	seen := map[uint64]bool{}
	for link := base; number < 5+maxLogical; {
		if seen[link] {
			t.notef("the chain of logical partitions runs in a circle at sector %d", link)
			return number
		}
		seen[link] = true
		slots, ok := mbrSlots(d.at64(link*uint64(t.Sector), 512))
		if !ok {
			t.notef("the chain of logical partitions is broken at sector %d", link)
			return number
		}
		var next uint32
		if next, number = t.addLink(slots, link, base, base+size, number); next == 0 {
			return number
		}
		link = base + uint64(next)
	}
	t.notef("there are more than %d logical partitions", maxLogical)
	return number
}

// addLink adds the logical partitions of one link, one as a rule, and returns
// where the next link is. Partitions are relative to the link, the next link
// to the start of the extended partition.
func (t *Table) addLink(slots [4]mbrEntry, link, start, end uint64, number int) (next uint32, _ int) {
	for i, s := range slots {
		if s.size == 0 {
			continue
		}
		if s.extended() {
			if next == 0 {
				next = s.start
			}
			continue
		}
		first := link + uint64(s.start)
		inside := first >= start && first+uint64(s.size) <= end
		// Slots 3 and 4 hold rubbish on some disks (block/partitions/msdos.c).
		if i >= 2 && !inside {
			continue
		}
		if !inside {
			t.notef("logical partition %d does not lie in its extended partition", number)
		}
		e := t.entry(number, s, link)
		e.Logical = true
		t.Entries = append(t.Entries, e)
		number++
	}
	return next, number
}
