package machine

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"golang.org/x/sys/unix"
)

// maxRead bounds what one request asks the kernel for, and so the memory that a
// device that hangs keeps.
const maxRead = 1 << 20

// block reads a device through one goroutine of its own. A read of a dying disk
// can stay in the kernel for ever (state D, no signal ends it); then only that
// goroutine stays with it.
type block struct {
	ctx      context.Context
	name     string
	size     int64
	sector   int
	locked   bool // by the disk itself, see opal.go
	requests chan readRequest
	closed   chan struct{} // closed by Close
	close    func()
	gone     chan struct{} // closed when the descriptor is
}

type readRequest struct {
	buf  []byte // belongs to the request: it may be written to after ctx ended
	off  int64
	done chan readAnswer
}

type readAnswer struct {
	n   int
	err error
}

// OpenBlock opens a device or an image file for reading.
func (l *Live) OpenBlock(ctx context.Context, name string) (Block, error) {
	b := &block{ctx: ctx, name: name, requests: make(chan readRequest), closed: make(chan struct{}), gone: make(chan struct{})}
	b.close = sync.OnceFunc(func() { close(b.closed) })
	opened := make(chan error, 1)
	go b.serve(opened)
	select {
	case err := <-opened:
		if err != nil {
			return nil, wrap("open", name, err)
		}
		return b, nil
	case <-ctx.Done():
		b.close()
		return nil, wrap("open", name, ctx.Err())
	}
}

// serve opens the device and reads it until it is closed or ctx ends.
func (b *block) serve(opened chan<- error) {
	defer close(b.gone)
	fd, size, sector, err := openBlock(b.name)
	if err != nil {
		opened <- err
		return
	}
	defer unix.Close(fd)
	b.size, b.sector, b.locked = size, sector, isOpalLocked(fd)
	opened <- nil
	for {
		select {
		case r := <-b.requests:
			n, err := readFresh(fd, r)
			r.done <- readAnswer{max(n, 0), err}
		case <-b.closed:
			return
		case <-b.ctx.Done():
			return
		}
	}
}

// readFresh reads what is on the device now. MD, XFS and others write past the
// page cache of a block device, which may still hold what an earlier look read;
// clean pages are dropped first (posix_fadvise(2), POSIX_FADV_DONTNEED), which
// needs no alignment as O_DIRECT does. That it fails costs only freshness.
func readFresh(fd int, r readRequest) (int, error) {
	_ = unix.Fadvise(fd, r.off, int64(len(r.buf)), unix.FADV_DONTNEED)
	return ignoringEINTR(func() (int, error) { return unix.Pread(fd, r.buf, r.off) })
}

// openBlock opens without waiting for a medium (O_NONBLOCK, for a drive without
// a disc) and finds the sizes out.
func openBlock(name string) (fd int, size int64, sector int, err error) {
	fd, err = ignoringEINTR(func() (int, error) {
		return unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	})
	if err != nil {
		return -1, 0, 0, err
	}
	if size, sector, err = blockSizes(fd); err != nil {
		unix.Close(fd)
		return -1, 0, 0, err
	}
	return fd, size, sector, nil
}

func blockSizes(fd int) (size int64, sector int, err error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return 0, 0, err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return st.Size, 512, nil
	case unix.S_IFBLK:
	default:
		return 0, 0, fmt.Errorf("it is neither a block device nor an image file")
	}
	// A block device's end is its size: the same number as by BLKGETSIZE64,
	// without a 64-bit ioctl (blkdev_llseek in the kernel's block/fops.c).
	size, err = unix.Seek(fd, 0, io.SeekEnd)
	if err != nil {
		return 0, 0, err
	}
	bytes, err := unix.IoctlGetUint32(fd, unix.BLKSSZGET)
	return size, int(bytes), err
}

func (b *block) Size() int64     { return b.size }
func (b *block) SectorSize() int { return b.sector }

// Close lets the device go: afterwards it can be stopped or removed. For a read
// that hangs it waits only as long as ctx.
func (b *block) Close() error {
	b.close()
	select {
	case <-b.gone:
	case <-b.ctx.Done():
	}
	return nil
}

// ReadAt reads as io.ReaderAt asks.
func (b *block) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("cannot read %s at %d: %w", b.name, off, fs.ErrInvalid)
	}
	done := 0
	for done < len(p) {
		n, err := b.readSome(p[done:], off+int64(done))
		done += n
		switch {
		case err != nil:
			return done, fmt.Errorf("cannot read %s at byte %d: %w", b.name, off+int64(done), err)
		case n == 0:
			return done, io.EOF
		}
	}
	return done, nil
}

func (b *block) readSome(p []byte, off int64) (int, error) {
	r := readRequest{buf: make([]byte, min(len(p), maxRead)), off: off, done: make(chan readAnswer, 1)}
	select {
	case b.requests <- r:
	case <-b.closed:
		return 0, fs.ErrClosed
	case <-b.ctx.Done():
		return 0, b.ctx.Err()
	}
	select {
	case a := <-r.done:
		return copy(p, r.buf[:a.n]), a.err
	case <-b.ctx.Done():
		return 0, b.ctx.Err()
	}
}

// SetReadOnly sets or clears the read-only flag of a block device.
func (l *Live) SetReadOnly(device string, on bool) (was bool, err error) {
	fd, err := unix.Open(device, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return false, wrap("open", device, err)
	}
	defer unix.Close(fd)
	was, err = setReadOnly(fd, on)
	if err != nil {
		return was, fmt.Errorf("cannot set the read-only flag of %s to %t: %w", device, on, err)
	}
	return was, nil
}

func setReadOnly(fd int, on bool) (was bool, err error) {
	flag, err := unix.IoctlGetUint32(fd, unix.BLKROGET)
	if err != nil {
		return false, err
	}
	want := 0
	if on {
		want = 1
	}
	return flag != 0, unix.IoctlSetPointerInt(fd, unix.BLKROSET, want)
}

// isReadOnly reports the kernel's read-only flag; a device that does not tell is
// taken for a writable one.
func isReadOnly(device string) bool {
	fd, err := unix.Open(device, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	flag, err := unix.IoctlGetUint32(fd, unix.BLKROGET)
	return err == nil && flag != 0
}
