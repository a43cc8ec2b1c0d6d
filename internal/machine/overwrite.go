package machine

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// Overwriter is a Machine that can give a whole disk another content. It is for boot media
// alone, so it is not part of Machine: all else that changes disks is done by the
// distribution's programs. A recording and a directory do not have it.
type Overwriter interface {
	// Overwrite opens a block device for writing, for this process alone: it fails with
	// ErrBusy while the device, or a partition on it, is mounted or held by anything else.
	// Until Close nothing else can take hold of it either.
	Overwrite(device string) (Overwriting, error)
}

// Overwriting is a device that gets another content.
type Overwriting interface {
	io.WriterAt
	// ReadAt reads what is on the device, not what is in memory of it.
	io.ReaderAt
	// Flush waits until all that was written is on the device.
	Flush() error
	// Reread has the kernel read the partition table anew.
	Reread() error
	io.Closer
}

type overwriting struct {
	fd   int
	name string
}

// Overwrite opens a device exclusively (open(2), O_EXCL on a block device).
func (l *Live) Overwrite(device string) (Overwriting, error) {
	fd, err := ignoringEINTR(func() (int, error) {
		return unix.Open(device, unix.O_RDWR|unix.O_EXCL|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	})
	switch {
	case errors.Is(err, unix.EBUSY):
		return nil, wrap("open", device, ErrBusy)
	case errors.Is(err, unix.EROFS):
		return nil, wrap("open", device, ErrReadOnly)
	case err != nil:
		return nil, wrap("open", device, err)
	}
	if err := mustBeWritable(fd); err != nil {
		return nil, errors.Join(wrap("open", device, err), unix.Close(fd))
	}
	return &overwriting{fd, device}, nil
}

// mustBeWritable: it is a block device, and not one that is set read-only, which some drivers
// tell only when something is written.
func mustBeWritable(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFBLK {
		return errors.New("it is no block device")
	}
	flag, err := unix.IoctlGetUint32(fd, unix.BLKROGET)
	if err == nil && flag != 0 {
		err = ErrReadOnly
	}
	return err
}

// WriteAt writes all of p.
func (o *overwriting) WriteAt(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		n, err := ignoringEINTR(func() (int, error) { return unix.Pwrite(o.fd, p[done:], off+int64(done)) })
		if err == nil && n == 0 {
			err = io.ErrShortWrite
		}
		if err != nil {
			return done, wrap("write to", o.name, fmt.Errorf("at byte %d: %w", off+int64(done), err))
		}
		done += n
	}
	return done, nil
}

// ReadAt reads past the page cache, which still has what was written; see readFresh.
func (o *overwriting) ReadAt(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		n, err := readFresh(o.fd, readRequest{buf: p[done:], off: off + int64(done)})
		if err == nil && n == 0 {
			return done, io.EOF
		}
		if err != nil {
			return done, wrap("read", o.name, fmt.Errorf("at byte %d: %w", off+int64(done), err))
		}
		done += n
	}
	return done, nil
}

// Flush writes out what is in memory, and drops it there (ioctl_list(2), BLKFLSBUF).
func (o *overwriting) Flush() error {
	err := unix.Fsync(o.fd)
	if err == nil {
		err = unix.IoctlSetInt(o.fd, unix.BLKFLSBUF, 0)
	}
	return wrap("write to", o.name, err)
}

// Reread asks for it. A device that cannot have partitions says EINVAL, which is no fault of
// what was written.
func (o *overwriting) Reread() error {
	err := unix.IoctlSetInt(o.fd, unix.BLKRRPART, 0)
	if errors.Is(err, unix.EINVAL) {
		return nil
	}
	return wrap("read the partition table of", o.name, err)
}

// Close lets others have the device.
func (o *overwriting) Close() error { return wrap("close", o.name, unix.Close(o.fd)) }
