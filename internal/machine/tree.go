package machine

import (
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// dirTree is a Tree below an open directory. The mutex keeps Close from pulling
// the descriptor away under a reader: its number may be another file's by then.
type dirTree struct {
	mu   sync.RWMutex
	root int // -1 once closed
}

var (
	_ Tree          = (*dirTree)(nil)
	_ fs.ReadFileFS = (*dirTree)(nil)
	_ fs.ReadDirFS  = (*dirTree)(nil)
	_ fs.StatFS     = (*dirTree)(nil)
	_ fs.ReadLinkFS = (*dirTree)(nil)
	_ fs.SubFS      = (*dirTree)(nil)
)

// Tree looks at a directory of the live system and at what is mounted below it.
func (l *Live) Tree(root string) (Tree, error) {
	fd, err := openRoot(root)
	if err != nil {
		return nil, err
	}
	return &dirTree{root: fd}, nil
}

// Close lets the tree go. A detached mount is gone with it, once the files that
// were opened in it are closed too. Closing twice, or a nil tree, is no error.
func (t *dirTree) Close() error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	fd := t.root
	t.root = -1
	if fd < 0 {
		return nil
	}
	return unix.Close(fd)
}

// use runs f on the root directory unless the name is not one of io/fs or the
// tree is closed.
func (t *dirTree) use(op, name string, f func(root int) error) error {
	if !fs.ValidPath(name) {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.root < 0 {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrClosed}
	}
	if err := f(t.root); err != nil {
		return &fs.PathError{Op: op, Path: name, Err: err}
	}
	return nil
}

// Open opens a regular file or a directory.
func (t *dirTree) Open(name string) (file fs.File, err error) {
	err = t.use("open", name, func(root int) error {
		fd, st, err := openFile(root, name)
		if err != nil {
			return err
		}
		// The file cannot block any more; without O_NONBLOCK os.File keeps it
		// out of its poller.
		if err := unix.SetNonblock(fd, false); err != nil {
			unix.Close(fd)
			return err
		}
		f := &treeFile{file: os.NewFile(uintptr(fd), name), entry: newEntry(name, st)}
		file = f
		if f.entry.IsDir() {
			file = &treeDir{treeFile: f}
		}
		return nil
	})
	return file, err
}

// ReadFile reads a file whole.
func (t *dirTree) ReadFile(name string) (data []byte, err error) {
	err = t.use("read", name, func(root int) (err error) {
		data, err = readFileAt(root, name)
		return err
	})
	return data, err
}

// ReadDir lists a directory, sorted by name. A name that is gone before it was
// looked at is left out.
func (t *dirTree) ReadDir(name string) (list []fs.DirEntry, err error) {
	err = t.use("readdir", name, func(root int) error {
		names, err := readNamesAt(root, name)
		for _, n := range names {
			e, err := statAt(root, path.Join(name, n), nofollow)
			if err == nil {
				list = append(list, e)
			}
		}
		return err
	})
	return list, err
}

// Stat follows links, inside the tree.
func (t *dirTree) Stat(name string) (fs.FileInfo, error) { return t.stat("stat", name, follow) }

// Lstat does not follow the last one.
func (t *dirTree) Lstat(name string) (fs.FileInfo, error) { return t.stat("lstat", name, nofollow) }

func (t *dirTree) stat(op, name string, links int) (info fs.FileInfo, err error) {
	err = t.use(op, name, func(root int) error {
		e, err := statAt(root, name, links)
		if err == nil {
			info = e
		}
		return err
	})
	return info, err
}

// ReadLink reads a symbolic link.
func (t *dirTree) ReadLink(name string) (to string, err error) {
	err = t.use("readlink", name, func(root int) (err error) {
		to, err = readlinkAt(root, name)
		return err
	})
	return to, err
}

// Sub gives the tree below a directory as a Tree of its own: an absolute link in
// it starts at that directory. It has to be closed too.
func (t *dirTree) Sub(dir string) (sub fs.FS, err error) {
	err = t.use("sub", dir, func(root int) error {
		fd, err := openPath(root, dir, nofollow)
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			unix.Close(fd)
			return err
		}
		if !fileMode(st.Mode).IsDir() {
			unix.Close(fd)
			return unix.ENOTDIR
		}
		sub = &dirTree{root: fd}
		return nil
	})
	return sub, err
}

// treeFile is an open file of a tree. os.File is kept inside: its Chmod and Chown
// work on a file that is open for reading only, and its Stat may go by path,
// which would be a path of the live system.
type treeFile struct {
	file  *os.File
	entry *entry
}

func (f *treeFile) Stat() (fs.FileInfo, error)                { return f.entry, nil }
func (f *treeFile) Read(p []byte) (int, error)                { return f.file.Read(p) }
func (f *treeFile) ReadAt(p []byte, off int64) (int, error)   { return f.file.ReadAt(p, off) }
func (f *treeFile) Seek(off int64, whence int) (int64, error) { return f.file.Seek(off, whence) }
func (f *treeFile) Close() error                              { return f.file.Close() }

// treeDir is an open directory. It looks up its entries by descriptor, where
// os.File's ReadDir goes by path for what getdents(2) did not tell.
type treeDir struct {
	*treeFile
	rest []fs.DirEntry
	read bool
}

// ReadDir lists as fs.ReadDirFile asks.
func (d *treeDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if !d.read {
		if err := d.list(); err != nil {
			return nil, err
		}
	}
	return takeEntries(&d.rest, n)
}

func (d *treeDir) list() error {
	names, err := d.file.Readdirnames(-1)
	if err != nil {
		return err
	}
	d.read = true
	slices.Sort(names)
	for _, name := range names {
		var st unix.Stat_t
		if unix.Fstatat(int(d.file.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil {
			d.rest = append(d.rest, newEntry(name, &st))
		}
	}
	return nil
}

// takeEntries takes the next n entries as fs.ReadDirFile defines it: all that is
// left when n <= 0, and io.EOF at the end only when n > 0.
func takeEntries(rest *[]fs.DirEntry, n int) ([]fs.DirEntry, error) {
	if n > 0 && len(*rest) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(*rest) {
		n = len(*rest)
	}
	list := (*rest)[:n:n]
	*rest = (*rest)[n:]
	return list, nil
}
