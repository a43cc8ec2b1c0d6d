package machine

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
)

// tree records a tree and what is asked of it.
func (r *Recorder) tree(question string, t Tree, err error) (Tree, error) {
	if err != nil {
		r.answered(question, answer{Error: record(err)})
		return nil, err
	}
	asked := newLedgerBeside(r.asked.Mutex)
	r.answered(question, answer{Tree: asked})
	return &recordedTree{t, r, asked}, nil
}

// recordedTree writes down what is asked of a tree. Whatever is done meanwhile, a
// tree stays as it was opened: it knows no moments.
type recordedTree struct {
	inner    Tree
	recorder *Recorder
	asked    *ledger
}

var (
	_ fs.ReadFileFS = (*recordedTree)(nil)
	_ fs.ReadDirFS  = (*recordedTree)(nil)
	_ fs.StatFS     = (*recordedTree)(nil)
	_ fs.ReadLinkFS = (*recordedTree)(nil)
	_ fs.SubFS      = (*recordedTree)(nil)
)

func (t *recordedTree) answered(question string, a answer) { t.asked.add(question, 0, a) }

// Sub records the tree below a directory, in which links start anew.
func (t *recordedTree) Sub(dir string) (fs.FS, error) {
	sub, err := fs.Sub(t.inner, dir)
	if err != nil {
		t.answered(question("sub", dir), answer{Error: record(err)})
		return nil, err
	}
	inner, ok := sub.(Tree)
	if !ok {
		inner = openTree{sub}
	}
	asked := newLedgerBeside(t.asked.Mutex)
	t.answered(question("sub", dir), answer{Tree: asked})
	return &recordedTree{inner, t.recorder, asked}, nil
}

// openTree is a tree that needs no closing.
type openTree struct{ fs.FS }

func (openTree) Close() error { return nil }

func (t *recordedTree) Close() error { return t.inner.Close() }

func (t *recordedTree) ReadFile(name string) ([]byte, error) {
	data, err := fs.ReadFile(t.inner, name)
	if len(data) > maxBinary && bytes.IndexByte(data[:maxBinary], 0) >= 0 {
		return data, err
	}
	t.answered(question("read", name), answer{Data: t.recorder.scrubbed(data), Error: record(err)})
	return data, err
}

func (t *recordedTree) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := fs.ReadDir(t.inner, name)
	t.answered(question("list", name), answer{Entries: recordEntries(list), Error: record(err)})
	return list, err
}

func (t *recordedTree) Stat(name string) (fs.FileInfo, error) {
	info, err := fs.Stat(t.inner, name)
	t.answered(question("stat", name), answer{Entry: recordEntry(info, err), Error: record(err)})
	return info, err
}

func (t *recordedTree) Lstat(name string) (fs.FileInfo, error) {
	info, err := fs.Lstat(t.inner, name)
	t.answered(question("lstat", name), answer{Entry: recordEntry(info, err), Error: record(err)})
	return info, err
}

func (t *recordedTree) ReadLink(name string) (string, error) {
	to, err := fs.ReadLink(t.inner, name)
	t.answered(question("readlink", name), answer{Text: rawText(to), Error: record(err)})
	return to, err
}

// Open records a file as it is read, and a directory at once.
func (t *recordedTree) Open(name string) (fs.File, error) {
	f, a, err := t.open(name)
	if err != nil {
		a = answer{Error: record(err)}
	}
	t.answered(question("open", name), a)
	return f, err
}

func (t *recordedTree) open(name string) (fs.File, answer, error) {
	f, err := t.inner.Open(name)
	if err != nil {
		return nil, answer{}, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, answer{}, err
	}
	a := answer{Entry: recordEntry(info, nil)}
	if !info.IsDir() {
		a.Content = &extents{Size: info.Size()}
		return &recordedFile{File: f, recorder: t.recorder, content: a.Content}, a, nil
	}
	defer f.Close()
	dir, ok := f.(fs.ReadDirFile)
	if !ok {
		return nil, answer{}, &fs.PathError{Op: "readdir", Path: name, Err: errors.ErrUnsupported}
	}
	list, err := dir.ReadDir(-1)
	if err != nil {
		return nil, answer{}, err
	}
	a.Entries = recordEntries(list)
	return &listedDir{info, list}, a, nil
}

func recordEntry(info fs.FileInfo, err error) *recordedEntry {
	if err != nil {
		return nil
	}
	known, ok := info.Sys().(Info)
	if !ok {
		known = Info{Mode: info.Mode(), Size: info.Size()}
	}
	return &recordedEntry{rawText(info.Name()), known, info.ModTime().UTC()}
}

func recordEntries(list []fs.DirEntry) []recordedEntry {
	var entries []recordedEntry
	for _, e := range list {
		if info, err := e.Info(); err == nil {
			entries = append(entries, *recordEntry(info, nil))
		}
	}
	return entries
}

// listedDir is an open directory whose list is known.
type listedDir struct {
	info fs.FileInfo
	rest []fs.DirEntry
}

func (d *listedDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *listedDir) Close() error               { return nil }
func (d *listedDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.Name(), Err: errors.New("is a directory")}
}
func (d *listedDir) ReadDir(n int) ([]fs.DirEntry, error) { return takeEntries(&d.rest, n) }

// maxBinary is how much of a file that is no text is kept: the headers of programs
// and kernels are, an initramfs is not.
const maxBinary = 128 << 10

// full: no more of a file is kept. What is not there is not in the recording, and
// the replay says so.
func (x *extents) full() bool {
	n := x.known()
	return n > maxFile || n > maxBinary && bytes.IndexByte(x.Pieces[0].Data, 0) >= 0
}

// recordedFile is an open file. It can do what the inner one can.
type recordedFile struct {
	fs.File
	recorder *Recorder
	content  *extents
	pos      int64
}

func (f *recordedFile) keep(at int64, p []byte, n int, err error) {
	f.recorder.asked.Lock()
	full := f.content.full()
	f.recorder.asked.Unlock()
	if !full {
		f.recorder.read(f.content, at, p, n, err)
	}
}

func (f *recordedFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	f.keep(f.pos, p, n, err)
	f.pos += int64(n)
	return n, err
}

func (f *recordedFile) ReadAt(p []byte, off int64) (int, error) {
	r, ok := f.File.(io.ReaderAt)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	n, err := r.ReadAt(p, off)
	if off >= 0 {
		f.keep(off, p, n, err)
	}
	return n, err
}

func (f *recordedFile) Seek(off int64, whence int) (int64, error) {
	s, ok := f.File.(io.Seeker)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	pos, err := s.Seek(off, whence)
	if err == nil {
		f.pos = pos
	}
	return pos, err
}
