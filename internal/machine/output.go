package machine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Output is a large file that is written piece by piece. It has its name when all of it is
// on the disk; until then what was there under the name stays there. It is for files that
// somebody asked for by name, so it is not part of Machine.
type Output struct {
	file *os.File
	name string
	perm fs.FileMode
}

// CreateOutput begins a file. It lies beside its place, as NAME.part; one that was left
// there by a run that was killed is used again. It fails with ErrLocked when another
// process is at it.
func CreateOutput(name string, perm fs.FileMode) (*Output, error) {
	f, err := openPart(name + ".part")
	if err != nil {
		return nil, wrap("write", name, bare(err))
	}
	return &Output{f, name, perm}, nil
}

func openPart(name string) (*os.File, error) {
	// Its owner alone may read it before it is whole.
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockPart(f, name); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := f.Truncate(0); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// lockPart locks the file, and makes sure that it is still the one under the name: the process
// that held the lock before may have given it another.
func lockPart(f *os.File, name string) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return ErrLocked
	}
	if err != nil {
		return err
	}
	ours, err := f.Stat()
	if err != nil {
		return err
	}
	there, err := os.Lstat(name)
	if err != nil || !os.SameFile(ours, there) {
		return ErrLocked
	}
	return nil
}

// Write adds to the end.
func (o *Output) Write(p []byte) (int, error) {
	n, err := o.file.Write(p)
	return n, wrap("write", o.name, bare(err))
}

// Commit gives the file its name.
func (o *Output) Commit() error {
	err := errors.Join(o.file.Chmod(o.perm), o.file.Sync())
	if err == nil {
		err = os.Rename(o.file.Name(), o.name)
	}
	if err != nil {
		return errors.Join(wrap("write", o.name, bare(err)), o.Abort())
	}
	return wrap("write", o.name, errors.Join(o.file.Close(), syncDir(filepath.Dir(o.name))))
}

// Abort takes away what was written.
func (o *Output) Abort() error {
	return errors.Join(os.Remove(o.file.Name()), o.file.Close())
}

// Scratch is a file without a name: it is gone when it is closed, or when the process ends.
type Scratch struct{ *os.File }

// CreateScratch makes one in a directory, which says on what disk it lies.
func CreateScratch(dir string) (Scratch, error) {
	f, err := os.CreateTemp(dir, ".salvor-*") // not O_TMPFILE, which vfat, nfs and others do not know
	if err != nil {
		return Scratch{}, wrap("write in", dir, bare(err))
	}
	if err := os.Remove(f.Name()); err != nil {
		return Scratch{}, errors.Join(wrap("write in", dir, bare(err)), f.Close())
	}
	return Scratch{f}, nil
}

// Path is by what name other programs may write it, as long as it is open (proc(5), /proc/PID/fd).
func (s Scratch) Path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), s.Fd()) }

// Section gives all of it for reading.
func (s Scratch) Section() (*io.SectionReader, error) {
	size, err := s.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("cannot read what was written: %w", err)
	}
	return io.NewSectionReader(s, 0, size), nil
}

// FreeSpace tells how many bytes fit into the file system of a directory (statfs(2)). One that
// tells nothing of itself, as ramfs, has no limit but the memory.
func FreeSpace(dir string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, wrap("tell how full it is at", dir, err)
	}
	if st.Blocks == 0 {
		return math.MaxUint64, nil
	}
	available := st.Bavail
	if os.Geteuid() == 0 {
		available = st.Bfree
	}
	return available * uint64(st.Bsize), nil
}

// ImageFile is an image that somebody named: a file or a device, or a directory with files.
type ImageFile struct {
	io.ReaderAt       // nil for a directory
	Size        int64 // bytes
	Dir         fs.FS // nil for a file
	io.Closer
}

// OpenImage opens an image for reading.
func OpenImage(name string) (*ImageFile, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0) // a FIFO must not block
	if err != nil {
		return nil, wrap("open", name, bare(err))
	}
	info, err := f.Stat()
	switch {
	case err == nil && info.IsDir():
		root, err := os.OpenRoot(name)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, wrap("open", name, bare(err))
		}
		return &ImageFile{Dir: root.FS(), Closer: root}, nil
	case err == nil && !info.Mode().IsRegular() && info.Mode()&fs.ModeType != fs.ModeDevice:
		err = errors.New("it is neither a file nor a disk")
	}
	var size int64
	if err == nil {
		size, err = f.Seek(0, io.SeekEnd) // the size of a disk, too
	}
	if err != nil {
		return nil, errors.Join(wrap("open", name, bare(err)), f.Close())
	}
	return &ImageFile{ReaderAt: f, Size: size, Closer: f}, nil
}
