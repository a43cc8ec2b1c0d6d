package ondisk

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Chunk profiles (kernel: include/uapi/linux/btrfs_tree.h, BTRFS_BLOCK_GROUP_*).
const (
	btrfsRAID0  = 1 << 3
	btrfsRAID10 = 1 << 6
	btrfsRAID5  = 1 << 7
	btrfsRAID6  = 1 << 8

	btrfsChunkSize    = 48 // without its stripes
	btrfsStripeSize   = 32
	btrfsMaxNode      = 64 << 10
	btrfsNodeHeader   = 101
	btrfsKeySize      = 17
	btrfsItemSize     = 25
	btrfsPointerSize  = 33
	btrfsMaxLevel     = 8
	btrfsMaxNodes     = 1 << 18
	btrfsCacheBytes   = 32 << 20
	btrfsMaxChunks    = 1 << 20
	btrfsNodeFSID     = 32
	btrfsNodeBytenr   = 48
	btrfsNodeGenerate = 80
	btrfsNodeItems    = 96
	btrfsNodeLevel    = 100
)

// btrfsChunk maps a run of logical addresses to stripes on devices.
type btrfsChunk struct {
	start, length, stripeLen, profile uint64
	sub                               int
	stripes                           []btrfsStripe
}

type btrfsStripe struct{ dev, offset uint64 }

// parseBtrfsChunk reads a chunk item that maps the address start, and returns
// how long it is.
func parseBtrfsChunk(start uint64, b []byte) (c btrfsChunk, size int, err error) {
	if len(b) < btrfsChunkSize {
		return c, 0, errors.New("a chunk item is cut off")
	}
	c = btrfsChunk{
		start: start, length: le.Uint64(b), stripeLen: le.Uint64(b[16:]), profile: le.Uint64(b[24:]),
		sub: int(le.Uint16(b[46:])),
	}
	n := int(le.Uint16(b[44:]))
	size = btrfsChunkSize + n*btrfsStripeSize
	if n == 0 || len(b) < size {
		return c, 0, errors.New("a chunk item has the wrong number of stripes")
	}
	if c.stripeLen < 4096 || !powerOfTwo(c.stripeLen) || c.length == 0 || c.start+c.length < c.start {
		return c, 0, errors.New("a chunk item has the wrong length")
	}
	for i := range n {
		s := b[btrfsChunkSize+i*btrfsStripeSize:]
		c.stripes = append(c.stripes, btrfsStripe{le.Uint64(s), le.Uint64(s[8:])})
	}
	return c, size, c.checkStripes()
}

// checkStripes makes sure that no profile divides by nothing.
func (c *btrfsChunk) checkStripes() error {
	n := len(c.stripes)
	switch {
	case c.profile&btrfsRAID10 != 0 && (c.sub < 1 || n < c.sub || n%c.sub != 0),
		c.profile&btrfsRAID5 != 0 && n < 2,
		c.profile&btrfsRAID6 != 0 && n < 3:
		return errors.New("a chunk item has the wrong number of stripes for its profile")
	}
	return nil
}

// places returns where the logical address is stored, all copies of it
// (kernel: fs/btrfs/volumes.c, btrfs_map_block). Of RAID 5 and 6 that is the
// data; nothing is computed from parity.
func (c *btrfsChunk) places(logical uint64) []btrfsStripe {
	off := logical - c.start
	number, within := off/c.stripeLen, off%c.stripeLen
	n := uint64(len(c.stripes))
	var index, copies uint64
	switch {
	case c.profile&btrfsRAID0 != 0:
		index, number, copies = number%n, number/n, 1
	case c.profile&btrfsRAID10 != 0:
		factor := n / uint64(c.sub)
		index, number, copies = number%factor*uint64(c.sub), number/factor, uint64(c.sub)
	case c.profile&(btrfsRAID5|btrfsRAID6) != 0:
		data := n - 1
		if c.profile&btrfsRAID6 != 0 {
			data = n - 2
		}
		index, number, copies = number%data, number/data, 1
		index = (number + index) % n // parity rotates
	default: // single, DUP, RAID1*: every stripe is a copy
		places := slices.Clone(c.stripes)
		for i := range places {
			places[i].offset += off
		}
		return places
	}
	places := slices.Clone(c.stripes[index : index+copies])
	for i := range places {
		places[i].offset += number*c.stripeLen + within
	}
	return places
}

// btrfsReader reads the nodes of the trees of one file system.
type btrfsReader struct {
	devs     map[uint64]io.ReaderAt
	super    []byte
	fsid     []byte // in every node
	nodeSize int
	kind     uint16       // of checksum
	chunks   []btrfsChunk // by start
	listed   []BtrfsDevice
	cache    map[uint64][]byte
	reads    int
	notes    []string
	// incomplete tells that a part of a tree could not be read.
	incomplete bool
}

func newBtrfsReader(devs map[uint64]io.ReaderAt) (*btrfsReader, error) {
	r := &btrfsReader{devs: devs, cache: map[uint64][]byte{}}
	for _, dev := range sortedDevs(devs) {
		b := make([]byte, btrfsSuperSize)
		err := readFull(devs[dev], b, btrfsOffset)
		switch {
		case err != nil:
			r.notef("cannot read the superblock of device %d: %v", dev, err)
		case string(b[0x40:0x48]) != btrfsMagic || !btrfsCRC(le.Uint16(b[0xc4:]), b):
			r.notef("cannot use the superblock of device %d at offset %d: %v", dev, btrfsOffset, errDamaged)
		case r.super != nil && !bytes.Equal(b[0x20:0x30], r.super[0x20:0x30]):
			return nil, fmt.Errorf("cannot read btrfs: device %d belongs to another file system", dev)
		case r.super == nil || le.Uint64(b[0x48:]) > le.Uint64(r.super[0x48:]):
			r.super = b
		}
	}
	if r.super == nil {
		return nil, fmt.Errorf("cannot read btrfs: no superblock is usable: %v", r.notes)
	}
	r.nodeSize = int(le.Uint32(r.super[0x94:]))
	r.kind = le.Uint16(r.super[0xc4:])
	if r.nodeSize < 4096 || r.nodeSize > btrfsMaxNode || !powerOfTwo(uint32(r.nodeSize)) {
		return nil, fmt.Errorf("cannot read btrfs: %w", damaged("the size of a node is out of bounds", btrfsOffset))
	}
	r.fsid = r.super[0x20:0x30]
	if le.Uint64(r.super[0xbc:])&btrfsMetadataUUID != 0 {
		r.fsid = r.super[0x23b:0x24b]
	}
	if r.kind != 0 {
		r.notef("the checksums (%s) of the trees are not verified", btrfsChecksum(r.kind))
	}
	return r, r.readChunks()
}

func sortedDevs(devs map[uint64]io.ReaderAt) []uint64 {
	ids := make([]uint64, 0, len(devs))
	for id := range devs {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (r *btrfsReader) notef(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// readChunks takes the system chunks out of the superblock, and with them
// reads the tree of all chunks.
func (r *btrfsReader) readChunks() error {
	size := le.Uint32(r.super[0xa0:])
	if size > btrfsSysArraySize {
		return fmt.Errorf("cannot read btrfs: %w", damaged("the system chunk array is out of bounds", btrfsOffset))
	}
	for b := r.super[btrfsSysArray : btrfsSysArray+size]; len(b) > btrfsKeySize; {
		c, n, err := parseBtrfsChunk(le.Uint64(b[9:]), b[btrfsKeySize:])
		if err != nil {
			return fmt.Errorf("cannot read btrfs: the system chunk array at offset %d: %w", btrfsOffset+btrfsSysArray, err)
		}
		r.chunks = append(r.chunks, c)
		b = b[btrfsKeySize+n:]
	}
	r.sortChunks()
	var found []btrfsChunk
	root := btrfsPointer{le.Uint64(r.super[0x58:]), le.Uint64(r.super[0xa4:]), int(r.super[0xc7])}
	err := r.walk(root, btrfsKey{}, btrfsLastKey, func(k btrfsKey, data []byte) {
		if k.kind == btrfsDevItem {
			r.addDevice(k, data)
		}
		if k.kind != btrfsChunkItem || len(found) >= btrfsMaxChunks {
			return
		}
		c, _, err := parseBtrfsChunk(k.offset, data)
		if err != nil {
			r.notef("the chunk at logical address %d: %v", k.offset, err)
			return
		}
		found = append(found, c)
	})
	if err != nil {
		return fmt.Errorf("cannot read the chunk tree of btrfs: %w", err)
	}
	// What lies in the tree comes first, so that it wins over a copy in the
	// superblock when both map an address.
	r.chunks = append(found, r.chunks...)
	r.sortChunks()
	return nil
}

func (r *btrfsReader) sortChunks() {
	slices.SortStableFunc(r.chunks, func(a, b btrfsChunk) int { return cmp.Compare(a.start, b.start) })
	r.chunks = slices.CompactFunc(r.chunks, func(a, b btrfsChunk) bool { return a.start == b.start })
}

// chunk returns the chunk that maps the address.
func (r *btrfsReader) chunk(logical uint64) *btrfsChunk {
	i, found := slices.BinarySearchFunc(r.chunks, logical, func(c btrfsChunk, a uint64) int { return cmp.Compare(c.start, a) })
	if !found {
		i--
	}
	if i < 0 || logical-r.chunks[i].start >= r.chunks[i].length {
		return nil
	}
	return &r.chunks[i]
}

// node reads and verifies the node that the pointer names, from the first
// copy that is whole.
func (r *btrfsReader) node(p btrfsPointer) ([]byte, error) {
	if b := r.cache[p.logical]; b != nil {
		return b, r.check(b, p)
	}
	if r.reads++; r.reads > btrfsMaxNodes {
		return nil, errors.New("the trees have too many nodes")
	}
	c := r.chunk(p.logical)
	if c == nil {
		return nil, fmt.Errorf("no chunk maps the logical address %d", p.logical)
	}
	var errs []error
	for _, place := range c.places(p.logical) {
		b, err := r.read(place)
		if err == nil {
			err = r.check(b, p)
		}
		if err == nil {
			r.keep(p.logical, b)
			return b, nil
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("no copy of the node at logical address %d is usable: %w", p.logical, errors.Join(errs...))
}

func (r *btrfsReader) read(place btrfsStripe) ([]byte, error) {
	dev := r.devs[place.dev]
	if dev == nil {
		return nil, fmt.Errorf("device %d is missing", place.dev)
	}
	if place.offset > 1<<62 {
		return nil, fmt.Errorf("offset %d of device %d is out of bounds", place.offset, place.dev)
	}
	b := make([]byte, r.nodeSize)
	if err := readFull(dev, b, int64(place.offset)); err != nil {
		return nil, fmt.Errorf("cannot read offset %d of device %d: %w", place.offset, place.dev, err)
	}
	return b, nil
}

// keep caches a node; the upper nodes of a tree are asked for again and again.
func (r *btrfsReader) keep(logical uint64, b []byte) {
	if len(r.cache)*r.nodeSize >= btrfsCacheBytes {
		clear(r.cache)
	}
	r.cache[logical] = b
}

// check verifies that the node is the one that the pointer means: a node that
// was written elsewhere, earlier or for another file system is not.
func (r *btrfsReader) check(b []byte, p btrfsPointer) error {
	switch {
	case le.Uint64(b[btrfsNodeBytenr:]) != p.logical:
		return errors.New("another node is in its place")
	case !bytes.Equal(b[btrfsNodeFSID:btrfsNodeFSID+16], r.fsid):
		return errors.New("it belongs to another file system")
	case le.Uint64(b[btrfsNodeGenerate:]) != p.generation:
		return fmt.Errorf("its generation is %d, not %d", le.Uint64(b[btrfsNodeGenerate:]), p.generation)
	case int(b[btrfsNodeLevel]) != p.level:
		return fmt.Errorf("its level is %d, not %d", b[btrfsNodeLevel], p.level)
	case !btrfsCRC(r.kind, b):
		return errors.New("its checksum is wrong")
	}
	return nil
}
