package rescue

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// root is the tree that an image is made from. Its paths are absolute, and no link leads
// out of it.
type root struct{ fsys fs.FS }

// link is a symbolic link on the way to a file.
type link struct{ path, target string }

// maxLinks is how many links a path may lead over, as the kernel has it
// (include/linux/namei.h, MAXSYMLINKS).
const maxLinks = 40

// find follows the links in p, component by component. It gives the path without links and
// the links passed, in the order in which they were met.
func (r root) find(p string) (real string, links []link, err error) {
	todo := strings.Split(strings.Trim(path.Clean("/"+p), "/"), "/")
	real = "/"
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if name == ".." {
			real = path.Dir(real)
			continue
		}
		next := path.Join(real, name)
		info, err := fs.Lstat(r.fsys, inFS(next))
		if err != nil {
			return "", nil, err
		}
		if info.Mode().Type() != fs.ModeSymlink {
			real = next
			continue
		}
		target, err := fs.ReadLink(r.fsys, inFS(next))
		if err != nil {
			return "", nil, err
		}
		if links = append(links, link{next, target}); len(links) > maxLinks {
			return "", nil, &fs.PathError{Op: "find", Path: p, Err: errors.New("too many symbolic links")}
		}
		if path.IsAbs(target) {
			real = "/"
		}
		todo = append(components(target), todo...)
	}
	return real, links, nil
}

// Follow gives the path without links of what p leads to, in the words of package fs. A
// link that is absolute means the tree, and none leads out of it.
func Follow(fsys fs.FS, p string) (string, error) {
	real, _, err := root{fsys}.find(p)
	return inFS(real), err
}

// components are the names that a path is made of; ".." stays, since what it means depends
// on the links before it.
func components(p string) []string {
	var out []string
	for _, name := range strings.Split(p, "/") {
		if name != "" && name != "." {
			out = append(out, name)
		}
	}
	return out
}

// inFS is an absolute path in the words of package fs.
func inFS(p string) string {
	if p == "/" {
		return "."
	}
	return strings.TrimPrefix(p, "/")
}

// maxFile is the largest file that goes into an image: more would not fit into memory
// where it is needed.
const maxFile = 512 << 20

// openFile is a regular file that is open, and can be read at any place.
type openFile struct {
	fs.File
	io.ReaderAt
	size int64
}

// Close closes the file.
func (f openFile) Close() error { return f.File.Close() }

// head are the first bytes, fewer if there are no more.
func (f openFile) head(n int) []byte {
	data := make([]byte, n)
	n, _ = f.ReadAt(data, 0) // what cannot be read is not there
	return data[:n]
}

// open opens a regular file; links are followed. Of a root whose files can only be read
// from the beginning, the whole file is read.
func (r root) open(p string) (openFile, error) {
	real, _, err := r.find(p)
	if err != nil {
		return openFile{}, err
	}
	info, err := fs.Lstat(r.fsys, inFS(real))
	switch {
	case err != nil:
		return openFile{}, err
	case !info.Mode().IsRegular():
		return openFile{}, &fs.PathError{Op: "read", Path: p, Err: errors.New("it is no regular file")}
	case info.Size() > maxFile:
		return openFile{}, &fs.PathError{Op: "read", Path: p, Err: fmt.Errorf("it has more than %d MiB", maxFile>>20)}
	}
	f, err := r.fsys.Open(inFS(real))
	if err != nil {
		return openFile{}, err
	}
	if at, ok := f.(io.ReaderAt); ok {
		return openFile{f, at, info.Size()}, nil
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return openFile{}, errors.Join(err, f.Close())
	}
	return openFile{f, bytes.NewReader(data), info.Size()}, nil
}

// read reads a regular file whole; links are followed.
func (r root) read(p string) ([]byte, error) {
	f, err := r.open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.NewSectionReader(f, 0, f.size))
}

// has reports whether there is something at p, after following links.
func (r root) has(p string) bool {
	_, _, err := r.find(p)
	return err == nil
}

// names gives the sorted names in a directory, none if it is not there.
func (r root) names(dir string) []string {
	real, _, err := r.find(dir)
	if err != nil {
		return nil
	}
	entries, err := fs.ReadDir(r.fsys, inFS(real))
	if err != nil {
		return nil
	}
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = e.Name()
	}
	return out
}

// glob gives the paths that fit a pattern, sorted, links in directories followed. Each
// component is a pattern of path.Match.
func (r root) glob(pattern string) []string {
	found := []string{"/"}
	for _, part := range components(pattern) {
		var next []string
		for _, dir := range found {
			if !strings.ContainsAny(part, `*?[\`) {
				if p := path.Join(dir, part); r.has(p) {
					next = append(next, p)
				}
				continue
			}
			for _, name := range r.names(dir) {
				if ok, err := path.Match(part, name); ok && err == nil {
					next = append(next, path.Join(dir, name))
				}
			}
		}
		found = next
	}
	return found
}
