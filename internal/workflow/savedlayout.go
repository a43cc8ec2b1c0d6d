package workflow

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"salvor/internal/machine"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// A saved layout is one more source of names: what it knows of a system counts where
// the system's own files say nothing (docs/tables.md, "A saved layout as a source of
// names"). What counts is for package system to decide; here layouts are read, and
// turned into what it understands.

// SavedLayout is a layout that somebody has named.
type SavedLayout struct {
	name  string
	saved *system.Saved
}

// ReadLayout reads a layout. What is wrong with it is an error: who names one wants
// it to be used.
func ReadLayout(name string, data []byte) (*SavedLayout, error) {
	saved, err := parseSaved(name, data)
	if err != nil {
		return nil, err
	}
	return &SavedLayout{name, saved}, nil
}

// ownLayout is where salvor save leaves the layout in a system.
const ownLayout = "var/lib/salvor/layout.yaml"

// maxOwnLayout bounds a layout that a system has: it comes from a disk of anyone's.
// That of a machine with 1 000 LUNs has 2 MiB.
const maxOwnLayout = 16 << 20

// layouts gives systems what was saved of them. The zero value is ready to use.
type layouts struct {
	given *SavedLayout
	tell  func(string) // nil to say nothing
	read  map[[sha256.Size]byte]*system.Saved
}

// restore fills in what is missing in the files of a system. It never fails: nobody
// needs a saved layout.
func (l *layouts) restore(g *storage.Graph, sys *system.System, trees system.Trees) {
	if l.given != nil {
		system.Restore(g, sys, l.given.saved, trees)
		if sys.SavedLayout == system.SavedUsable {
			return
		}
		l.note("the layout %s is not of %s, and is not used for it", l.given.name, sys.Name)
	}
	saved, err := l.own(system.Files(g, sys, trees))
	switch {
	case err != nil:
		sys.SavedLayout = system.SavedUnreadable
		l.note("the saved layout of %s (/%s) cannot be used: %v, ignoring", sys.Name, ownLayout, err)
	case saved != nil:
		system.Restore(g, sys, saved, trees)
		if sys.SavedLayout == system.SavedForeign {
			l.note("the saved layout of %s (/%s) is of another machine, ignoring", sys.Name, ownLayout)
		}
	}
}

func (l *layouts) note(format string, args ...any) {
	if l.tell != nil {
		l.tell(storage.Printable(fmt.Sprintf(format, args...)))
	}
}

// own reads the layout in the files of a system; nil if there is none to be seen.
func (l *layouts) own(files fs.FS) (*system.Saved, error) {
	data, err := readOwnLayout(files)
	if _, gap := errors.AsType[*system.GapError](err); gap || errors.Is(err, fs.ErrNotExist) || errors.Is(err, machine.ErrNotRecorded) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	if saved, known := l.read[sum]; known {
		return saved, nil
	}
	saved, err := parseSaved("layout.yaml", data)
	if err != nil {
		return nil, err
	}
	saved.Own = true
	if l.read == nil {
		l.read = map[[sha256.Size]byte]*system.Saved{}
	}
	l.read[sum] = saved
	return saved, nil
}

// readOwnLayout reads a regular file of bounded size. What it is is known before it
// is opened: a FIFO would wait.
func readOwnLayout(files fs.FS) ([]byte, error) {
	info, err := fs.Stat(files, ownLayout)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is no regular file")
	case info.Size() > maxOwnLayout:
		return nil, fmt.Errorf("it has %d bytes; at most %d are read", info.Size(), maxOwnLayout)
	}
	f, err := files.Open(ownLayout)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxOwnLayout))
}

// rootIn gives what a layout, the given one or that in the tree of a root, says was
// mounted at /, if it is here.
func (l *layouts) rootIn(g *storage.Graph, tree fs.FS) storage.ID {
	saved, _ := l.own(tree)
	if l.given != nil {
		saved = l.given.saved
	}
	if saved == nil {
		return ""
	}
	n := g.Node(saved.Root)
	if n == nil {
		return ""
	}
	return n.Base().ID
}
