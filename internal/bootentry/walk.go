package bootentry

import (
	"io"
	"io/fs"
)

// Member is a file of an initrd as it lies in one of the archives.
type Member struct {
	Name    string // without a leading slash; "" is the root directory itself
	Mode    fs.FileMode
	Size    int64
	Link    string // where a symbolic link leads
	Archive int    // which archive it lies in, counted from 1
}

// WalkInitramfs reads an initrd as OpenInitramfs does, and gives every member, in order,
// to visit, with its content. Visit need not read it. An error of visit's ends the walk
// and is wrapped.
func WalkInitramfs(f io.Reader, limit int64, visit func(m Member, content io.Reader) error) error {
	if limit == 0 {
		limit = DefaultLimit
	}
	i := &Initramfs{}
	i.visit = func(e cpioEntry, c *cpioReader) error {
		m := Member{Name: e.name, Mode: goMode(e.mode), Size: e.size, Link: e.link, Archive: len(i.Archives)}
		return visit(m, memberReader{c})
	}
	return i.segments(f, &meter{left: limit})
}

// goMode is a mode of stat(2) in the form of package fs.
func goMode(mode uint32) fs.FileMode {
	out := fs.FileMode(mode & 0o777)
	for _, bit := range []struct {
		is   bool
		mode fs.FileMode
	}{
		{mode&0o4000 != 0, fs.ModeSetuid}, {mode&0o2000 != 0, fs.ModeSetgid}, {mode&0o1000 != 0, fs.ModeSticky},
		{mode&modeType == modeDir, fs.ModeDir}, {mode&modeType == modeLink, fs.ModeSymlink},
		{mode&modeType == 0o020000, fs.ModeDevice | fs.ModeCharDevice}, {mode&modeType == 0o060000, fs.ModeDevice},
		{mode&modeType == 0o010000, fs.ModeNamedPipe}, {mode&modeType == 0o140000, fs.ModeSocket},
	} {
		if bit.is {
			out |= bit.mode
		}
	}
	return out
}

// memberReader gives the content of the member that the archive stands at.
type memberReader struct{ c *cpioReader }

func (m memberReader) Read(p []byte) (int, error) {
	n, err := m.c.file.Read(p)
	m.c.rest -= int64(n)
	if err == io.EOF && m.c.file.N > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
