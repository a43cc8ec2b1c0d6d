package system

import (
	"io/fs"
	"path"
	"strings"
	"testing/fstest"
)

// rootFS is a tree whose absolute links start at its own top, as those of a
// machine.Tree do.
type rootFS struct{ fstest.MapFS }

func (r rootFS) real(name string, last bool) (string, error) {
	dir, end := "/"+name, ""
	if !last {
		dir, end = path.Split(dir)
	}
	at, err := follow(dir, func(p string) (string, error) {
		info, err := r.MapFS.Lstat(p[1:])
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			return "", err
		}
		return r.MapFS.ReadLink(p[1:])
	})
	if err != nil {
		return "", &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if at = path.Join(at, end); at == "/" {
		return ".", nil
	}
	return at[1:], nil
}

func inRoot[T any](r rootFS, name string, last bool, do func(string) (T, error)) (out T, err error) {
	at, err := r.real(name, last)
	if err != nil {
		return out, err
	}
	return do(at)
}

func (r rootFS) Open(name string) (fs.File, error) { return inRoot(r, name, true, r.MapFS.Open) }
func (r rootFS) Stat(name string) (fs.FileInfo, error) {
	return inRoot(r, name, true, r.MapFS.Stat)
}
func (r rootFS) ReadDir(name string) ([]fs.DirEntry, error) {
	return inRoot(r, name, true, r.MapFS.ReadDir)
}
func (r rootFS) ReadFile(name string) ([]byte, error) {
	return inRoot(r, name, true, r.MapFS.ReadFile)
}
func (r rootFS) Lstat(name string) (fs.FileInfo, error) {
	return inRoot(r, name, false, r.MapFS.Lstat)
}
func (r rootFS) ReadLink(name string) (string, error) {
	return inRoot(r, name, false, r.MapFS.ReadLink)
}
func (r rootFS) Glob(pattern string) ([]string, error) {
	return fs.Glob(struct{ fs.ReadDirFS }{r}, pattern)
}

func (r rootFS) Sub(dir string) (fs.FS, error) {
	out := fstest.MapFS{}
	for name, f := range r.MapFS {
		if below, ok := strings.CutPrefix(name, dir+"/"); ok {
			out[below] = f
		}
	}
	return rootFS{out}, nil
}

// under puts a tree into a directory of another one.
func under(t fstest.MapFS, dir string, sub fstest.MapFS) {
	for name, f := range sub {
		t[path.Join(dir, name)] = f
	}
}
