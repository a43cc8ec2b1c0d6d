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
	// Device tells what is held: its name may have come to mean another one before it was opened.
	Device() (Held, error)
	// WriteAt waits until the device has taken all of p, so that whoever tells how far it is
	// tells no lie, and an error comes with its place.
	io.WriterAt
	// ReadAt reads what is on the device, not what is in memory of it.
	io.ReaderAt
	// Flush waits until all that was written is on the device, and not in a cache of its own.
	Flush() error
	// Reread has the kernel read the partition table anew. It fails with ErrBusy while
	// anything has a partition open, also where that does not keep others from it.
	Reread() error
	io.Closer
}

// Held is a block device that is open.
type Held struct {
	Major, Minor uint32
	Size         uint64 // bytes
}

type overwriting struct {
	fd   int
	name string
	// direct is the same device, opened for reading past the page cache, and window is where
	// that puts what it reads; -1 and nil until it is needed.
	direct int
	window []byte
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
	return &overwriting{fd: fd, name: device, direct: -1}, nil
}

// Device asks the descriptor, as the name may be another's by now.
func (o *overwriting) Device() (Held, error) {
	var st unix.Stat_t
	if err := unix.Fstat(o.fd, &st); err != nil {
		return Held{}, wrap("look at", o.name, err)
	}
	size, _, err := blockSizes(o.fd)
	return Held{unix.Major(st.Rdev), unix.Minor(st.Rdev), uint64(size)}, wrap("look at", o.name, err)
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

// written has sync_file_range(2) wait until what is in the page cache has reached the device.
const written = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER

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
	_, err := ignoringEINTR(func() (int, error) { return 0, unix.SyncFileRange(o.fd, off, int64(len(p)), written) })
	if err != nil {
		return 0, wrap("write to", o.name, fmt.Errorf("in the %d bytes from %d on: %w", len(p), off, err))
	}
	return done, nil
}

// aligned is what reading past the page cache wants places and lengths to be multiples of: the
// logical block size of the device (open(2), O_DIRECT), which no disk has larger.
const aligned = 4096

// ReadAt reads past the page cache, which still has what was written.
func (o *overwriting) ReadAt(p []byte, off int64) (int, error) {
	if err := o.openDirect(); err != nil {
		return 0, wrap("read", o.name, err)
	}
	done := 0
	for done < len(p) {
		at := off + int64(done)
		skip := int(at % aligned)
		want := min((skip+len(p)-done+aligned-1)/aligned*aligned, len(o.window))
		n, err := ignoringEINTR(func() (int, error) { return unix.Pread(o.direct, o.window[:want], at-int64(skip)) })
		if err != nil {
			return done, wrap("read", o.name, fmt.Errorf("at byte %d: %w", at, err))
		}
		if n <= skip {
			return done, io.EOF
		}
		done += copy(p[done:], o.window[skip:n])
	}
	return done, nil
}

// openDirect opens the device once more, by the descriptor that holds it and not by its name.
func (o *overwriting) openDirect() error {
	if o.direct >= 0 {
		return nil
	}
	fd, err := ignoringEINTR(func() (int, error) {
		return unix.Open(fmt.Sprintf("/proc/self/fd/%d", o.fd), unix.O_RDONLY|unix.O_DIRECT|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	})
	if err != nil {
		return err
	}
	o.window, err = unix.Mmap(-1, 0, maxRead, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE) // begins with a page
	if err != nil {
		return errors.Join(err, unix.Close(fd))
	}
	o.direct = fd
	return nil
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
	return wrap("read the partition table of", o.name, busy(err))
}

// Close lets others have the device.
func (o *overwriting) Close() error {
	var err error
	if o.direct >= 0 {
		err = errors.Join(unix.Munmap(o.window), unix.Close(o.direct))
	}
	return wrap("close", o.name, errors.Join(err, unix.Close(o.fd)))
}
