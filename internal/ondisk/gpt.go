package ondisk

import (
	"fmt"
	"hash/crc32"
	"slices"
)

const (
	gptMagic      = "EFI PART"
	gptHeaderSize = 92
	// gptMaxArray bounds the entry array, which has 16 KiB as a rule. The
	// kernel (block/partitions/efi.c) gives up where an allocation would fail.
	gptMaxArray = maxRead
	mbrTypeGPT  = 0xee
)

// gptHeader is a GPT header whose checksum and fields were found right
// (UEFI 2.10, 5.3.2).
type gptHeader struct {
	self, alternate         uint64
	firstUsable, lastUsable uint64
	guid                    string
	entriesAt               uint64
	count, entrySize        uint32
	entriesCRC              uint32
}

// readGPT reads the GPT at the start of the disk, or else the one at its end.
// A disk that was copied to one of another sector size keeps a table that
// counts in the old size, so all sizes are tried.
func readGPT(d *device) *Table {
	sizes := []int{d.sector, 512, 4096}
	for i, sector := range sizes {
		if slices.Contains(sizes[:i], sector) {
			continue
		}
		if t := readGPTSector(d, int64(sector)); t != nil {
			return t
		}
	}
	return nil
}

func readGPTSector(d *device, sector int64) *Table {
	t, err := readGPTCopy(d, sector, 1)
	if err == nil && t != nil {
		return checkBackup(d, t, sector)
	}
	last := d.size/sector - 1
	backup, backupErr := readGPTCopy(d, sector, last)
	if backup == nil {
		for _, e := range []error{err, backupErr} {
			if e != nil {
				d.notef("%v", e)
			}
		}
		return nil
	}
	// A backup alone, where the kernel would not look for it, is what is left
	// of a table from before the disk was given another one.
	if !protective(d) && err == nil {
		d.notef("a backup GPT lies at offset %d, but the start of the disk has neither a GPT nor a protective MBR", last*sector)
		return nil
	}
	if err == nil {
		err = fmt.Errorf("cannot find the GPT header at offset %d", sector)
	}
	backup.Backup = true
	backup.notef("read from the backup GPT: %v", err)
	return backup
}

// readGPTCopy reads the table whose header is in the sector lba. No header is
// no error.
func readGPTCopy(d *device, sector, lba int64) (*Table, error) {
	h, err := readGPTHeader(d, sector, lba)
	if h == nil {
		return nil, err
	}
	t := &Table{
		Format: "gpt", ID: h.guid, Sector: int(sector), Protected: protective(d),
		FirstUsable: h.firstUsable, LastUsable: h.lastUsable, Room: int(h.count),
		Hybrid: hybrid(d), BootCode: bootCode(d.at(0, 512)),
	}
	if !t.Protected {
		t.notef("there is no protective MBR: the kernel does not use this GPT")
	}
	array := d.at64(h.entriesAt*uint64(sector), int(h.count)*int(h.entrySize))
	if array == nil {
		return nil, fmt.Errorf("cannot read the GPT entries at offset %d", h.entriesAt*uint64(sector))
	}
	if crc32.ChecksumIEEE(array) != h.entriesCRC {
		return nil, fmt.Errorf("cannot use the GPT entries at offset %d: their checksum is wrong", h.entriesAt*uint64(sector))
	}
	t.readEntries(array, int(h.entrySize), d.size)
	return t, nil
}

func readGPTHeader(d *device, sector, lba int64) (*gptHeader, error) {
	off := lba * sector
	b := d.at(off, int(sector))
	if b == nil || string(b[:8]) != gptMagic {
		return nil, nil
	}
	bad := func(what string) error {
		return fmt.Errorf("cannot use the GPT header at offset %d: %s", off, what)
	}
	size := le.Uint32(b[12:])
	if size < gptHeaderSize || int64(size) > sector {
		return nil, bad("its size is out of bounds")
	}
	if headerCRC(b[:size]) != le.Uint32(b[16:]) {
		return nil, bad("its checksum is wrong")
	}
	h := &gptHeader{
		self: le.Uint64(b[24:]), alternate: le.Uint64(b[32:]),
		firstUsable: le.Uint64(b[40:]), lastUsable: le.Uint64(b[48:]),
		guid: guidString(b[56:72]), entriesAt: le.Uint64(b[72:]),
		count: le.Uint32(b[80:]), entrySize: le.Uint32(b[84:]), entriesCRC: le.Uint32(b[88:]),
	}
	switch {
	case h.self != uint64(lba):
		return nil, bad(fmt.Sprintf("it says that it lies in sector %d", h.self))
	case h.entrySize < 128 || !powerOfTwo(h.entrySize):
		return nil, bad("its entry size is out of bounds")
	case h.count == 0 || uint64(h.count)*uint64(h.entrySize) > gptMaxArray:
		return nil, bad("its number of entries is out of bounds")
	case h.entriesAt > uint64(d.size)/uint64(sector):
		return nil, bad("its entries lie outside of the disk")
	}
	return h, nil
}

// headerCRC is computed with the checksum's own field zero.
func headerCRC(header []byte) uint32 {
	crc := crc32.ChecksumIEEE(header[:16])
	crc = crc32.Update(crc, crc32.IEEETable, make([]byte, 4))
	return crc32.Update(crc, crc32.IEEETable, header[20:])
}

// checkBackup notes what is wrong with the second copy of a good table.
func checkBackup(d *device, t *Table, sector int64) *Table {
	primary, _ := readGPTHeader(d, sector, 1)
	last := uint64(d.size/sector - 1)
	if primary.alternate > last {
		t.notef("the backup GPT would lie in sector %d, behind the end of the disk", primary.alternate)
		return t
	}
	if primary.alternate != last {
		t.notef("the backup GPT lies in sector %d, not in the last sector %d", primary.alternate, last)
	}
	backup, err := readGPTHeader(d, sector, int64(primary.alternate))
	switch {
	case err != nil:
		t.notef("the backup GPT is damaged: %v", err)
	case backup == nil:
		t.notef("the backup GPT is missing")
	case backup.guid != primary.guid || backup.entriesCRC != primary.entriesCRC:
		t.notef("the backup GPT differs from the one at the start of the disk")
	}
	return t
}

// readEntries reads the used entries of an entry array (UEFI 2.10, 5.3.3).
func (t *Table) readEntries(array []byte, size int, disk int64) {
	sector := uint64(t.Sector)
	for n := 1; len(array) >= size; n, array = n+1, array[size:] {
		b := array[:size]
		if allZero(b[:16]) {
			continue
		}
		first, last := le.Uint64(b[32:]), le.Uint64(b[40:])
		if last < first || last >= uint64(disk)/sector {
			t.notef("partition %d (sectors %d to %d) does not lie on the disk", n, first, last)
			continue
		}
		name, valid := utf16String(b[56:128], le)
		if !valid {
			t.notef("the name of partition %d is not valid UTF-16", n)
		}
		t.Entries = append(t.Entries, Entry{
			Number: n, Start: first * sector, Size: (last - first + 1) * sector,
			Type: guidString(b[:16]), UUID: guidString(b[16:32]),
			Name: name, Attrs: le.Uint64(b[48:]),
		})
	}
	t.noteOverlaps()
}

// noteOverlaps notes partitions that share sectors; extended ones hold others.
func (t *Table) noteOverlaps() {
	byStart := slices.DeleteFunc(slices.Clone(t.Entries), func(e Entry) bool { return e.Extended })
	slices.SortStableFunc(byStart, func(a, b Entry) int {
		if a.Start < b.Start {
			return -1
		}
		if a.Start > b.Start {
			return 1
		}
		return a.Number - b.Number
	})
	for i := 1; i < len(byStart); i++ {
		a, b := byStart[i-1], byStart[i]
		if a.Start+a.Size > b.Start {
			t.notef("partitions %d and %d overlap", a.Number, b.Number)
		}
	}
}
