package ondisk

import (
	"errors"
	"fmt"
	"sort"
)

// xfsLog is the log of an XFS file system, a ring of 512-byte blocks. The
// first word of a block is the number of the round in which it was written,
// its cycle, so the newest block can be searched for
// (kernel: fs/xfs/xfs_log_recover.c, xlog_find_head).
type xfsLog struct {
	d      *device
	off    int64
	blocks int64
}

const (
	xfsRecordMagic  = 0xfeedbabe
	xfsUnmountTrans = 0x20 // XLOG_UNMOUNT_TRANS
	// xfsMaxRecord is XLOG_MAX_RECORD_BSIZE in blocks, with its headers: the
	// newest record begins at most so far before the head.
	xfsMaxRecord = (256<<10 + 8*512) / 512
	xfsCycleSize = 32 << 10 // XLOG_HEADER_CYCLE_SIZE
)

// xfsRecord is the header of a log record (fs/xfs/libxfs/xfs_log_format.h,
// struct xlog_rec_header).
type xfsRecord struct {
	magic, version, length, ops, format, size uint32
}

func parseXFSRecord(b []byte) xfsRecord {
	return xfsRecord{
		magic: be.Uint32(b), version: be.Uint32(b[8:]), length: be.Uint32(b[12:]),
		ops: be.Uint32(b[40:]), format: be.Uint32(b[300:]), size: be.Uint32(b[320:]),
	}
}

func (h xfsRecord) valid() bool {
	return h.magic == xfsRecordMagic && (h.version == 1 || h.version == 2) &&
		h.length > 0 && h.length <= 1<<31-1 && h.format >= 1 && h.format <= 3
}

// headers is how many blocks of headers come before the record's data.
func (h xfsRecord) headers() int64 {
	if h.version == 2 && h.size > xfsCycleSize {
		return (int64(h.size) + xfsCycleSize - 1) / xfsCycleSize
	}
	return 1
}

// dirty tells whether the newest record is anything but the one that an
// unmount writes.
func (l xfsLog) dirty() (bool, error) {
	if l.off < 0 || l.blocks < 2 || l.off+l.blocks*512 > l.d.size {
		return false, damaged("xfs: the log lies outside of the file system", 0)
	}
	head, err := l.head()
	if err != nil {
		return false, fmt.Errorf("cannot judge the log at offset %d: %w", l.off, err)
	}
	at, rec, err := l.lastRecord(head)
	if err != nil {
		return false, fmt.Errorf("cannot judge the log at offset %d: %w", l.off, err)
	}
	data := rec.headers()
	end := (at + data + (int64(rec.length)+511)/512) % l.blocks
	if rec.ops != 1 || end != head {
		return true, nil
	}
	op := l.block(at + data)
	if op == nil {
		return false, fmt.Errorf("cannot judge the log at offset %d: a block is unreadable", l.off)
	}
	return op[9]&xfsUnmountTrans == 0, nil // struct xlog_op_header, oh_flags
}

// block returns a block of the ring.
func (l xfsLog) block(n int64) []byte {
	n = ((n % l.blocks) + l.blocks) % l.blocks
	return l.d.at(l.off+n*512, 512)
}

var errLogUnreadable = errors.New("a block is unreadable")

func (l xfsLog) cycle(n int64) (uint32, error) {
	b := l.block(n)
	if b == nil {
		return 0, errLogUnreadable
	}
	if c := be.Uint32(b); c != xfsRecordMagic {
		return c, nil
	}
	return be.Uint32(b[4:]), nil
}

// head is the block that the next record will be written to: the first whose
// cycle differs from that of block 0.
func (l xfsLog) head() (int64, error) {
	first, err := l.cycle(0)
	if err != nil {
		return 0, err
	}
	n := sort.Search(int(l.blocks), func(i int) bool {
		c, cerr := l.cycle(int64(i))
		if cerr != nil {
			err = cerr
		}
		return c != first
	})
	return int64(n) % l.blocks, err
}

// lastRecord finds the record that ends before the head.
func (l xfsLog) lastRecord(head int64) (int64, xfsRecord, error) {
	for back := int64(1); back <= min(xfsMaxRecord, l.blocks); back++ {
		b := l.block(head - back)
		if b == nil {
			return 0, xfsRecord{}, errLogUnreadable
		}
		if h := parseXFSRecord(b); h.valid() {
			return (head - back + l.blocks) % l.blocks, h, nil
		}
	}
	return 0, xfsRecord{}, errors.New("there is no record before its head")
}
