package machine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// ReadFile reads a regular file of the live system.
func (l *Live) ReadFile(name string) ([]byte, error) {
	data, err := readFileAt(unix.AT_FDCWD, name)
	return data, wrap("read", name, err)
}

// ReadDir gives the sorted names in a directory of the live system.
func (l *Live) ReadDir(name string) ([]string, error) {
	names, err := readNamesAt(unix.AT_FDCWD, name)
	return names, wrap("read the directory", name, err)
}

// Readlink reads a symbolic link of the live system.
func (l *Live) Readlink(name string) (string, error) {
	to, err := readlinkAt(unix.AT_FDCWD, name)
	return to, wrap("read the link", name, err)
}

// Stat follows links.
func (l *Live) Stat(name string) (Info, error) { return infoAt(unix.AT_FDCWD, name, follow) }

// Lstat does not follow the last one.
func (l *Live) Lstat(name string) (Info, error) { return infoAt(unix.AT_FDCWD, name, nofollow) }

func infoAt(root int, name string, links int) (Info, error) {
	e, err := statAt(root, name, links)
	if err != nil {
		return Info{}, wrap("stat", name, err)
	}
	return e.info, nil
}

func wrap(act, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot %s %s: %w", act, name, err)
}

// WriteFile replaces a file in one step: after a power cut there is the old
// content or the new one. The directory is synced as well, because the rename
// lives in it (fsync(2)).
func (l *Live) WriteFile(name string, data []byte, perm fs.FileMode) error {
	return wrap("write", name, writeFile(name, data, perm))
}

func writeFile(name string, data []byte, perm fs.FileMode) (err error) {
	dir := filepath.Dir(name)
	tmp, err := os.CreateTemp(dir, "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	if err = tmp.Chmod(perm); err != nil {
		return err
	}
	if _, err = tmp.Write(data); err != nil {
		return err
	}
	if err = tmp.Sync(); err != nil {
		return err
	}
	if err = os.Rename(tmp.Name(), name); err != nil {
		return err
	}
	return errors.Join(tmp.Close(), syncDir(dir))
}

// AppendFile adds to a file's end. When not all of it could be written (a full
// disk), the part is taken back, so that a journal does not end in a torn line.
func (l *Live) AppendFile(name string, data []byte, perm fs.FileMode) error {
	return wrap("append to", name, appendFile(name, data, perm))
}

func appendFile(name string, data []byte, perm fs.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, perm)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.Truncate(size))
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if size > 0 {
		return nil
	}
	return syncDir(filepath.Dir(name))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// MkdirAll makes a directory and those above it.
func (l *Live) MkdirAll(name string, perm fs.FileMode) error {
	return wrap("make the directory", name, bare(os.MkdirAll(name, perm)))
}

// Remove removes a file or an empty directory.
func (l *Live) Remove(name string) error {
	return wrap("remove", name, bare(os.Remove(name)))
}

// bare takes off what os says around an errno, as wrap says it again.
func bare(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// Lock locks by flock(2), which ends with the process however it ends. The file
// stays: removing it would let two processes lock two files of one name.
func (l *Live) Lock(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, wrap("lock", name, bare(err))
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = ErrLocked
	}
	if err != nil {
		f.Close()
		return nil, wrap("lock", name, err)
	}
	return sync.OnceFunc(func() { f.Close() }), nil
}
