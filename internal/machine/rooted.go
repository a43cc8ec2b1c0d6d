package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ErrOnlyFiles is what a Rooted answers to all but questions about files.
var ErrOnlyFiles = errors.New("a directory stands in for the machine, and only its files can be read")

// Rooted is a directory that stands in for the machine (--root DIR): paths are
// resolved inside it, and no symbolic link leads out. It has no devices, runs no
// program and changes nothing.
type Rooted struct {
	dir  string
	root int
}

var _ Machine = (*Rooted)(nil)

// NewRooted opens the directory. It has to be closed.
func NewRooted(dir string) (*Rooted, error) {
	root, err := openRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Rooted{dir: dir, root: root}, nil
}

// Close lets the directory go; the Rooted must not be used afterwards.
func (r *Rooted) Close() error { return unix.Close(r.root) }

// ReadFile reads a regular file in the directory.
func (r *Rooted) ReadFile(name string) ([]byte, error) {
	data, err := readFileAt(r.root, name)
	return data, wrap("read", r.shown(name), err)
}

// ReadDir gives the sorted names in a directory.
func (r *Rooted) ReadDir(name string) ([]string, error) {
	names, err := readNamesAt(r.root, name)
	return names, wrap("read the directory", r.shown(name), err)
}

// Readlink reads a symbolic link.
func (r *Rooted) Readlink(name string) (string, error) {
	to, err := readlinkAt(r.root, name)
	return to, wrap("read the link", r.shown(name), err)
}

// Stat follows links.
func (r *Rooted) Stat(name string) (Info, error) { return r.stat(name, follow) }

// Lstat does not follow the last one.
func (r *Rooted) Lstat(name string) (Info, error) { return r.stat(name, nofollow) }

func (r *Rooted) stat(name string, links int) (Info, error) {
	e, err := statAt(r.root, name, links)
	if err != nil {
		return Info{}, wrap("stat", r.shown(name), err)
	}
	return e.info, nil
}

// shown names a file so that the user sees which one of two systems it is of.
func (r *Rooted) shown(name string) string { return name + " in " + r.dir }

// Tree looks at a directory in the directory. Links in it are resolved inside
// the tree, as everywhere.
func (r *Rooted) Tree(root string) (Tree, error) {
	fd, err := openat2(r.root, root, &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return nil, wrap("open the directory", r.shown(root), err)
	}
	return &dirTree{root: fd}, nil
}

func (r *Rooted) refuse(format string, a ...any) error {
	return fmt.Errorf("cannot %s: %w", fmt.Sprintf(format, a...), ErrOnlyFiles)
}

// Lookup finds no program: what lies in the directory is not for this machine.
func (r *Rooted) Lookup(program string) (string, error) {
	return "", &MissingProgram{Program: program}
}

// Run refuses.
func (r *Rooted) Run(_ context.Context, c Cmd) (Result, error) {
	return Result{}, r.refuse("run %s", c)
}

// Attach refuses.
func (r *Rooted) Attach(_ context.Context, c Cmd) (int, error) {
	return -1, r.refuse("run %s", c)
}

// OpenBlock refuses.
func (r *Rooted) OpenBlock(_ context.Context, name string) (Block, error) {
	return nil, r.refuse("open %s", name)
}

// SetReadOnly refuses.
func (r *Rooted) SetReadOnly(device string, _ bool) (bool, error) {
	return false, r.refuse("set the read-only flag of %s", device)
}

// AttachLoop refuses.
func (r *Rooted) AttachLoop(uint64) (string, error) {
	return "", r.refuse("make a loop device")
}

// DetachLoop refuses.
func (r *Rooted) DetachLoop(device string) error { return r.refuse("detach %s", device) }

// Mount refuses.
func (r *Rooted) Mount(_ context.Context, q MountRequest) error {
	return r.refuse("mount %s", q.source())
}

// Unmount refuses.
func (r *Rooted) Unmount(point string) error { return r.refuse("unmount %s", point) }

// Look refuses.
func (r *Rooted) Look(_ context.Context, q MountRequest) (Tree, error) {
	return nil, r.refuse("look at %s", q.source())
}

// WriteFile refuses.
func (r *Rooted) WriteFile(name string, _ []byte, _ fs.FileMode) error {
	return r.refuse("write %s", name)
}

// AppendFile refuses.
func (r *Rooted) AppendFile(name string, _ []byte, _ fs.FileMode) error {
	return r.refuse("append to %s", name)
}

// MkdirAll refuses.
func (r *Rooted) MkdirAll(name string, _ fs.FileMode) error {
	return r.refuse("make the directory %s", name)
}

// Remove refuses.
func (r *Rooted) Remove(name string) error { return r.refuse("remove %s", name) }

// WriteSysfs refuses.
func (r *Rooted) WriteSysfs(name, _ string) error { return r.refuse("write to %s", name) }

// Lock refuses.
func (r *Rooted) Lock(name string) (func(), error) { return nil, r.refuse("lock %s", name) }

// Euid is the effective user.
func (r *Rooted) Euid() int { return os.Geteuid() }

// Now is the time.
func (r *Rooted) Now() time.Time { return time.Now() }
