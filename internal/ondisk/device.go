package ondisk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	defaultSector = 512
	// windowSize is what is read at the start of the device; the end is read
	// from a multiple of tailAlign, so that at least as much of it is read.
	// The two hold every superblock that is looked for on all devices: btrfs'
	// at 64 KiB, MD's 0.90 up to 128 KiB before the end, DDF's a little more,
	// and both copies of a GPT.
	windowSize = 128 << 10
	tailAlign  = 64 << 10
	// pageSize is the grain in which a window with a bad sector is read again.
	pageSize = 4096
	// maxBadPages bounds the time spent on a dying disk.
	maxBadPages = 4
	// maxRead bounds a single read elsewhere: a LUKS2 header area is 4 MiB at
	// most (cryptsetup, LUKS2 on-disk format 1.1, 3.1), a GPT entry array too.
	maxRead = 4 << 20
	// maxExtra bounds all that is read of one device besides the windows.
	maxExtra = 64 << 20
)

var (
	le = binary.LittleEndian
	be = binary.BigEndian
)

// device serves the bytes of one device out of two windows, its head and its
// tail, and reads the rest when it is asked for.
type device struct {
	r       io.ReaderAt
	size    int64
	sector  int
	windows []window
	extra   int64
	notes   []string
}

// window is a part of the device in memory. Bad pages are zero in it.
type window struct {
	off  int64
	data []byte
	bad  []int64 // offsets of unreadable pages
}

func (w *window) slice(off int64, n int) ([]byte, bool) {
	if off < w.off || off+int64(n) > w.off+int64(len(w.data)) {
		return nil, false
	}
	for _, b := range w.bad {
		if off < b+pageSize && off+int64(n) > b {
			return nil, true
		}
	}
	i := off - w.off
	return w.data[i : i+int64(n) : i+int64(n)], true
}

func newDevice(r io.ReaderAt, size int64, sector int) (*device, error) {
	d := &device{r: r, size: size, sector: sector}
	head, err := d.readWindow(0, min(size, windowSize))
	if err != nil {
		return nil, fmt.Errorf("cannot read the device: %w", err)
	}
	d.windows = append(d.windows, head)
	if size <= windowSize {
		return d, nil
	}
	start := max(windowSize, size&^(tailAlign-1)-windowSize-4096)
	tail, err := d.readWindow(start, size-start)
	if err != nil {
		d.notef("cannot read the end of the device: %v", err)
		return d, nil
	}
	d.windows = append(d.windows, tail)
	return d, nil
}

// readWindow reads a window in one piece, or, when that fails, page by page,
// so that one bad sector does not hide its neighbours.
func (d *device) readWindow(off, n int64) (window, error) {
	w := window{off: off, data: make([]byte, n)}
	err := readFull(d.r, w.data, off)
	if err == nil {
		return w, nil
	}
	for i := int64(0); i < n; i += pageSize {
		page := w.data[i:min(i+pageSize, n)]
		if perr := readFull(d.r, page, off+i); perr != nil {
			clear(page)
			w.bad = append(w.bad, off+i)
			d.notef("cannot read %d bytes at offset %d: %v", len(page), off+i, perr)
		}
		if len(w.bad) > maxBadPages {
			return window{}, err
		}
	}
	return w, nil
}

// at returns the n bytes at off, or nil when they are outside the device or
// cannot be read. The caller must not write to them.
func (d *device) at(off int64, n int) []byte {
	if off < 0 || n <= 0 || n > maxRead || off > d.size-int64(n) {
		return nil
	}
	for i := range d.windows {
		if b, ok := d.windows[i].slice(off, n); ok {
			return b
		}
	}
	if d.extra += int64(n); d.extra > maxExtra {
		return nil
	}
	b := make([]byte, n)
	if err := readFull(d.r, b, off); err != nil {
		d.notef("cannot read %d bytes at offset %d: %v", n, off, err)
		return nil
	}
	return b
}

// at64 is at for an offset that was read from the device.
func (d *device) at64(off uint64, n int) []byte {
	if off > uint64(d.size) {
		return nil
	}
	return d.at(int64(off), n)
}

// has tells whether the magic stands at the offset.
func (d *device) has(off int64, magic string) bool {
	b := d.at(off, len(magic))
	return b != nil && string(b) == magic
}

func (d *device) notef(format string, args ...any) {
	d.notes = append(d.notes, fmt.Sprintf(format, args...))
}

// readFull is io.ReaderAt's contract with its licence to return io.EOF beside
// all the bytes taken away.
func readFull(r io.ReaderAt, b []byte, off int64) error {
	n, err := r.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
