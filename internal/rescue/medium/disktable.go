package medium

import (
	"encoding/binary"
	"hash/crc32"
	"unicode/utf16"
)

// gptSectors is what a GPT takes at either end: its header and 128 entries of 128 bytes
// (UEFI 2.10, 5.3). In front of it, at the start of the disk, lies the protective MBR.
const (
	gptEntries    = 128
	gptEntrySize  = 128
	gptTableSize  = gptEntries * gptEntrySize
	gptSectors    = 1 + gptTableSize/sector
	gptHeaderSize = 92
)

// typeESP is the GUID of an EFI system partition, C12A7328-F81F-11D2-BA4B-00A0C93EC93B, as
// it lies in a table (UEFI 2.10, table 5.7).
var typeESP = [16]byte{0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b}

// Types of MBR partitions.
const (
	mbrESP        = 0xef
	mbrProtective = 0xee
)

// mbr is the first sector: boot code, which may be nil, and one partition, in sectors.
// Some BIOSes start no stick without an active partition; the UEFI specification wants a
// protective one that is not active (2.10, 5.2.3).
func mbr(code []byte, signature uint32, kind byte, start, sectors int64) []byte {
	b := make([]byte, sector)
	copy(b[:440], code)
	binary.LittleEndian.PutUint32(b[440:], signature)
	e := b[446:462]
	if kind != mbrProtective {
		e[0] = 0x80
	}
	copy(e[1:], []byte{0xfe, 0xff, 0xff, kind, 0xfe, 0xff, 0xff}) // no cylinders and heads
	binary.LittleEndian.PutUint32(e[8:], uint32(start))
	binary.LittleEndian.PutUint32(e[12:], uint32(min(sectors, 1<<32-1)))
	b[510], b[511] = 0x55, 0xaa
	return b
}

// gpt gives both copies of a GPT with one partition, for a disk of so many sectors.
func gpt(id identity, start, sectors, disk int64) mosaic {
	le := binary.LittleEndian
	table := make([]byte, gptTableSize)
	copy(table, typeESP[:])
	part := id.guid("partition")
	copy(table[16:], part[:])
	le.PutUint64(table[32:], uint64(start))
	le.PutUint64(table[40:], uint64(start+sectors-1))
	for i, unit := range utf16.Encode([]rune("salvor rescue")) {
		le.PutUint16(table[56+2*i:], unit)
	}
	header := func(own, other, tableAt int64) []byte {
		b := make([]byte, gptHeaderSize)
		copy(b, "EFI PART\x00\x00\x01\x00")
		le.PutUint32(b[12:], gptHeaderSize)
		le.PutUint64(b[24:], uint64(own))
		le.PutUint64(b[32:], uint64(other))
		le.PutUint64(b[40:], 1+gptSectors)
		le.PutUint64(b[48:], uint64(disk-gptSectors-1))
		guid := id.guid("disk")
		copy(b[56:], guid[:])
		le.PutUint64(b[72:], uint64(tableAt))
		le.PutUint32(b[80:], gptEntries)
		le.PutUint32(b[84:], gptEntrySize)
		le.PutUint32(b[88:], crc32.ChecksumIEEE(table))
		le.PutUint32(b[16:], crc32.ChecksumIEEE(b))
		return b
	}
	last := disk - 1
	return mosaic{
		{sector, blob(header(1, last, 2))}, {2 * sector, blob(table)},
		{(disk - gptSectors) * sector, blob(table)}, {last * sector, blob(header(last, 1, disk-gptSectors))},
	}
}
