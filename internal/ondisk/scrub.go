package ondisk

import "hash/crc32"

// Scrub takes out of bytes that were read of a device in one piece, in place, what
// they hold besides the facts that this package reads and nobody else must see: the
// contents of small files, which lie in btrfs' leaves, and the key slots of LUKS,
// against which passphrases could be tried. What is left reads as before.
func Scrub(b []byte) {
	scrubBtrfsLeaf(b)
	for at := 0; at+luks1Size <= len(b); at += defaultSector {
		scrubLUKS(b[at:])
	}
}

// scrubLUKS clears the key slots behind a header: from the end of the second header
// on in LUKS2, in LUKS1 from where the first slot can begin, up to the data.
func scrubLUKS(b []byte) {
	magic := string(b[:6])
	if magic != luksMagic && magic != luksMagic2 {
		return
	}
	from, to := uint64(0), uint64(len(b))
	switch be.Uint16(b[6:]) {
	case 1:
		from = luks2Binary // LUKS_ALIGN_KEYSLOTS, cryptsetup's lib/luks1/luks.h
		to = min(to, max(from, uint64(be.Uint32(b[104:]))*defaultSector))
	case 2:
		if from = be.Uint64(b[8:]); magic == luksMagic && from < to/2 {
			from *= 2 // the second header comes next
		}
		to = min(to, 16<<20) // where the data begin, unless cryptsetup was told otherwise
	default:
		return
	}
	if from < to {
		clear(b[from:to])
	}
}

const (
	btrfsXattrItem  = 24
	btrfsExtentData = 108
)

// scrubBtrfsLeaf clears the items of a leaf that hold data of files. Its checksum is
// made anew where this package checks it.
func scrubBtrfsLeaf(b []byte) {
	const least, most = 4096, 64 << 10
	if len(b) < least || len(b) > most || len(b)&(len(b)-1) != 0 || b[btrfsNodeLevel] != 0 {
		return
	}
	body := b[btrfsNodeHeader:]
	n := int(le.Uint32(b[btrfsNodeItems:]))
	if n == 0 || n > len(body)/btrfsItemSize {
		return
	}
	whole := crc32.Checksum(b[32:], castagnoli) == le.Uint32(b)
	for i := range n {
		at := body[i*btrfsItemSize:]
		off, size := uint64(le.Uint32(at[btrfsKeySize:])), uint64(le.Uint32(at[btrfsKeySize+4:]))
		if off < uint64(n*btrfsItemSize) || off+size > uint64(len(body)) {
			return // no leaf after all
		}
		if kind := at[8]; kind == btrfsExtentData || kind == btrfsXattrItem {
			clear(body[off : off+size])
		}
	}
	if whole {
		le.PutUint32(b, crc32.Checksum(b[32:], castagnoli))
	}
}
