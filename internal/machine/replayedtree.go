package machine

import (
	"errors"
	"io"
	"io/fs"
	"sync"
)

// tree gives the tree that was seen.
func (r *Replay) tree(verb, about string) (Tree, error) {
	a, all, err := r.ask(verb, about)
	if err != nil {
		return nil, err
	}
	return newReplayedTree(a, all, func(q, name string, err error) { r.miss(verb+" "+about+": "+q, name, err) }), nil
}

// newReplayedTree gives the trees of the answers as one. What it has no answer to
// goes to miss.
func newReplayedTree(a *answer, all []*answer, miss func(verb, name string, err error)) *replayedTree {
	t := &replayedTree{miss: miss}
	for _, b := range append([]*answer{a}, all...) {
		if b.Tree != nil {
			t.asked = append(t.asked, b.Tree)
		}
	}
	return t
}

// replayedTree answers from the look whose turn it is, and then from the others
// at the same thing (see readAny for why).
type replayedTree struct {
	asked  []*ledger
	miss   func(verb, name string, err error)
	mu     sync.Mutex
	closed bool
}

var (
	_ fs.ReadFileFS = (*replayedTree)(nil)
	_ fs.ReadDirFS  = (*replayedTree)(nil)
	_ fs.StatFS     = (*replayedTree)(nil)
	_ fs.ReadLinkFS = (*replayedTree)(nil)
	_ fs.SubFS      = (*replayedTree)(nil)
)

func (t *replayedTree) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	return nil
}

func (t *replayedTree) ask(verb, name string) (a *answer, all []*answer, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return &answer{}, nil, &fs.PathError{Op: verb, Path: name, Err: fs.ErrClosed}
	}
	err = &fs.PathError{Op: verb, Path: name, Err: ErrNotRecorded}
	for _, l := range t.asked {
		a, all, e := l.ask(verb, name, 0)
		if a != nil || errors.Is(e, fs.ErrNotExist) {
			return a.or(), all, e
		}
	}
	t.miss(verb, name, err)
	return &answer{}, nil, err
}

// Sub gives the tree below a directory.
func (t *replayedTree) Sub(dir string) (fs.FS, error) {
	a, all, err := t.ask("sub", dir)
	if err != nil {
		return nil, err
	}
	return newReplayedTree(a, all, t.miss), nil
}

func (t *replayedTree) ReadFile(name string) ([]byte, error) {
	a, _, err := t.ask("read", name)
	return append([]byte{}, a.Data...), err
}

func (t *replayedTree) ReadDir(name string) ([]fs.DirEntry, error) {
	a, _, err := t.ask("list", name)
	return dirEntries(a.Entries), err
}

func (t *replayedTree) Stat(name string) (fs.FileInfo, error)  { return t.info("stat", name) }
func (t *replayedTree) Lstat(name string) (fs.FileInfo, error) { return t.info("lstat", name) }

func (t *replayedTree) info(verb, name string) (fs.FileInfo, error) {
	a, _, err := t.ask(verb, name)
	if err != nil {
		return nil, err
	}
	return a.Entry.entry(), nil
}

func (t *replayedTree) ReadLink(name string) (string, error) {
	a, _, err := t.ask("readlink", name)
	return string(a.Text), err
}

func (t *replayedTree) Open(name string) (fs.File, error) {
	a, all, err := t.ask("open", name)
	if err != nil {
		return nil, err
	}
	info := a.Entry.entry()
	if info.IsDir() {
		return &listedDir{info, dirEntries(a.Entries)}, nil
	}
	return &replayedFile{info: info, content: contents(a, all)}, nil
}

func (e *recordedEntry) entry() *entry {
	if e == nil {
		return &entry{}
	}
	return &entry{string(e.Name), e.Info, e.Time}
}

func dirEntries(list []recordedEntry) []fs.DirEntry {
	var entries []fs.DirEntry
	for _, e := range list {
		entries = append(entries, e.entry())
	}
	return entries
}

// replayedFile is an open file of which the parts that were read are known.
type replayedFile struct {
	info    *entry
	content []*extents
	pos     int64
}

func (f *replayedFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *replayedFile) Close() error               { return nil }

func (f *replayedFile) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.pos)
	f.pos += int64(n)
	if n > 0 && (errors.Is(err, io.EOF) || errors.Is(err, ErrNotRecorded)) {
		err = nil // a short read; the next one, if any, gets the error
	}
	return n, err
}

func (f *replayedFile) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, &fs.PathError{Op: "read", Path: f.info.name, Err: fs.ErrInvalid}
	}
	n, err := readAny(f.content, p, off)
	if errors.Is(err, ErrNotRecorded) {
		err = &fs.PathError{Op: "read", Path: f.info.name, Err: err}
	}
	return n, err
}

func (f *replayedFile) Seek(off int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		off += f.pos
	case io.SeekEnd:
		off += f.content[0].Size
	}
	if off < 0 {
		return 0, &fs.PathError{Op: "seek", Path: f.info.name, Err: fs.ErrInvalid}
	}
	f.pos = off
	return off, nil
}
