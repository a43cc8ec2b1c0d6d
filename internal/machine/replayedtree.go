package machine

import (
	"errors"
	"io"
	"io/fs"
	"sync"
)

func (r *Replay) tree(question string) (Tree, error) {
	a, all, err := r.recording.asked.ask(question)
	if err != nil {
		return nil, err
	}
	t := &replayedTree{}
	for _, b := range append([]*answer{a}, all...) {
		if b.Tree != nil {
			t.asked = append(t.asked, b.Tree)
		}
	}
	return t, nil
}

// replayedTree answers from the look whose turn it is, and then from the others
// at the same thing (see readAny for why).
type replayedTree struct {
	asked  []*ledger
	mu     sync.Mutex
	closed bool
}

var (
	_ fs.ReadFileFS = (*replayedTree)(nil)
	_ fs.ReadDirFS  = (*replayedTree)(nil)
	_ fs.StatFS     = (*replayedTree)(nil)
	_ fs.ReadLinkFS = (*replayedTree)(nil)
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
		return nil, nil, &fs.PathError{Op: verb, Path: name, Err: fs.ErrClosed}
	}
	err = &fs.PathError{Op: verb, Path: name, Err: ErrNotRecorded}
	for _, l := range t.asked {
		a, all, e := l.ask(question(verb, name))
		if a != nil {
			return a, all, e
		}
	}
	return nil, nil, err
}

func (t *replayedTree) ReadFile(name string) ([]byte, error) {
	a, _, err := t.ask("read", name)
	return append([]byte{}, a.or().Data...), err
}

func (t *replayedTree) ReadDir(name string) ([]fs.DirEntry, error) {
	a, _, err := t.ask("list", name)
	return dirEntries(a.or().Entries), err
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
	return string(a.or().Text), err
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
