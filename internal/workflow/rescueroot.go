package workflow

import (
	"context"
	"fmt"
	"io/fs"
	"sync"

	"salvor/internal/system"
)

// OtherArchError: this salvor cannot be the init of an image, as the machine that the image is for
// is of another kind.
type OtherArchError struct{ Arch, Own string } // as uname -m names them

func (e *OtherArchError) Error() string {
	return fmt.Sprintf("cannot make a rescue image of this directory: its programs are for %s, and this salvor, which would be the init of the image, is for %s", e.Arch, e.Own)
}

// runsElsewhere refuses a root whose kernel could not start this program. On the machine that runs it does run.
func runsElsewhere(o RescueOrder, tree fs.FS) error {
	arch, own := system.Arch(tree), system.ArchOf(o.Program)
	if !o.Elsewhere || arch == "" || own == "" || arch == own {
		return nil
	}
	return &OtherArchError{arch, own}
}

// rootFiles is the tree that an image is made of, as it is when it is first looked at: what
// is where is asked for again and again, and most of it is not there at all. Nothing more is read of it when
// the work is to end, since who plans an image does not ask for that. Contents are not kept.
type rootFiles struct {
	ctx  context.Context
	tree fs.FS

	mu    sync.Mutex
	infos map[string]answered[fs.FileInfo]
	links map[string]answered[string]
	dirs  map[string]answered[[]fs.DirEntry]
}

// answered is an answer that was given.
type answered[T any] struct {
	value T
	err   error
}

var (
	_ fs.ReadLinkFS = (*rootFiles)(nil)
	_ fs.ReadDirFS  = (*rootFiles)(nil)
)

func newRootFiles(ctx context.Context, tree fs.FS) *rootFiles {
	return &rootFiles{
		ctx: ctx, tree: tree, infos: map[string]answered[fs.FileInfo]{}, links: map[string]answered[string]{}, dirs: map[string]answered[[]fs.DirEntry]{},
	}
}

// ask gives the answer of before, or asks. The end of the work is no answer to keep.
func ask[T any](r *rootFiles, known map[string]answered[T], name string, question func(fs.FS, string) (T, error)) (T, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a, ok := known[name]; ok {
		return a.value, a.err
	}
	if err := r.ctx.Err(); err != nil {
		var none T
		return none, err
	}
	value, err := question(r.tree, name)
	known[name] = answered[T]{value, err}
	return value, err
}

// Open opens a file for reading.
func (r *rootFiles) Open(name string) (fs.File, error) {
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	return r.tree.Open(name)
}

// Lstat implements fs.ReadLinkFS.
func (r *rootFiles) Lstat(name string) (fs.FileInfo, error) { return ask(r, r.infos, name, fs.Lstat) }

// ReadLink implements fs.ReadLinkFS.
func (r *rootFiles) ReadLink(name string) (string, error) { return ask(r, r.links, name, fs.ReadLink) }

// ReadDir implements fs.ReadDirFS.
func (r *rootFiles) ReadDir(name string) ([]fs.DirEntry, error) {
	return ask(r, r.dirs, name, fs.ReadDir)
}
