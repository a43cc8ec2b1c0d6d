package machine

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// OutputDir is a directory that is filled file by file. It has its name when all of it is
// on the disk; until then what was there under the name stays there. Like Output, it is for
// what somebody asked for by name.
type OutputDir struct {
	lock *os.File
	name string
	perm fs.FileMode
}

// CreateOutputDir begins a directory, which is empty. It lies beside its place, as
// NAME.part; what a run that was killed has left there is taken away. It fails with ErrLocked
// when another process is at it: whoever holds the file NAME.part.lock.
func CreateOutputDir(name string, perm fs.FileMode) (*OutputDir, error) {
	name = filepath.Clean(name)
	lock, err := openPart(name + ".part.lock")
	if err != nil {
		return nil, wrap("write", name, bare(err))
	}
	o := &OutputDir{lock, name, perm}
	err = os.RemoveAll(o.Path())
	if err == nil {
		err = os.Mkdir(o.Path(), 0o700) // its owner alone may read it before it is whole
	}
	if err != nil {
		return nil, errors.Join(wrap("write", name, bare(err)), o.unlock())
	}
	return o, nil
}

// Path is where it is filled.
func (o *OutputDir) Path() string { return o.name + ".part" }

// Commit gives the directory its name. One that is there under it already is taken away, with
// all that is in it.
func (o *OutputDir) Commit() error {
	err := o.sync()
	if err == nil {
		err = os.Chmod(o.Path(), o.perm)
	}
	if err == nil {
		err = replaceDir(o.Path(), o.name)
	}
	if err == nil {
		err = syncDir(filepath.Dir(o.name))
	}
	return errors.Join(wrap("write", o.name, bare(err)), o.Abort())
}

// Abort takes away what was written, or what was there before.
func (o *OutputDir) Abort() error {
	return errors.Join(os.RemoveAll(o.Path()), o.unlock())
}

func (o *OutputDir) unlock() error {
	return errors.Join(os.Remove(o.lock.Name()), o.lock.Close())
}

// sync puts all that is in the directory on the disk: a rename says nothing of that (fsync(2)).
func (o *OutputDir) sync() error {
	return filepath.WalkDir(o.Path(), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		return syncDir(name)
	})
}

// replaceDir gives a directory its name. Of one that has it already it takes the place in one
// step (renameat2(2), RENAME_EXCHANGE), and what was there is then under the other name.
func replaceDir(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_EXCHANGE)
	switch {
	case errors.Is(err, unix.ENOENT): // there was none
		return os.Rename(from, to)
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS): // NFS and others do not know it
		return replaceDirSlowly(from, to)
	}
	return err
}

// replaceDirSlowly takes two steps. If the machine ends between them, what was there is
// NAME.old, which is taken away only by who made it.
func replaceDirSlowly(from, to string) error {
	old := to + ".old"
	if err := os.Rename(to, old); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return os.Rename(from, to)
		}
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return errors.Join(err, os.Rename(old, to))
	}
	return os.RemoveAll(old)
}
