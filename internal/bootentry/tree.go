package bootentry

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

const (
	// maxFile is the largest configuration file that is read. The grub.cfg of a
	// system with hundreds of snapshots has some megabytes.
	maxFile = 16 << 20
	// maxList is how many files of a directory are looked at.
	maxList = 4096
	// maxProblems and maxEntries keep a hostile file from filling the memory.
	maxProblems = 1000
	maxEntries  = 20000
	// maxLinks is how many symbolic links the kernel follows in one path
	// (path_resolution(7)).
	maxLinks = 40
)

// reader is a system being read.
type reader struct {
	tree   fs.FS
	boot   []string // where kernels lie
	esp    []string
	points []string // both, without repetitions
	fs     map[string][]string
	out    *Boot
}

// Read reads what the boot loaders of the system in tree would start. The tree is
// the whole system as it stands when it is mounted; symbolic links are the tree's
// to follow.
func Read(tree fs.FS, at Points) *Boot {
	r := &reader{tree: tree, out: &Boot{}, fs: at.FS}
	r.boot, r.esp = r.distinct(at.Boot), r.distinct(at.ESP)
	r.points = r.distinct(append(slices.Clone(r.boot), r.esp...))
	r.readEFI()
	grub := r.readGRUB()
	r.readBLS(grub)
	r.readSyslinux()
	r.readZipl()
	r.readFirmware()
	r.readConfigured()
	return r.out
}

// distinct gives the directories that exist, each once, under its real name: /efi
// may be a link to /boot/efi.
func (r *reader) distinct(dirs []string) []string {
	var out []string
	for _, dir := range dirs {
		dir = real(r.tree, dir)
		if r.isDir(dir) && !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	return out
}

// real follows the links in a path, as far as the tree tells of them.
func real(tree fs.FS, name string) string {
	done, rest := "", path.Clean(name)
	for links := 0; rest != ""; {
		var first string
		first, rest, _ = strings.Cut(rest, "/")
		next := path.Join(done, first)
		target, err := fs.ReadLink(tree, next)
		if err != nil {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return name
		}
		if !path.IsAbs(target) {
			target = path.Join("/", done, target)
		}
		done, rest = "", strings.TrimPrefix(path.Join(path.Clean(target), rest), "/")
	}
	return path.Clean(done)
}

// problem notes what could not be read.
func (r *reader) problem(file string, line int, format string, args ...any) {
	if len(r.out.Problems) < maxProblems {
		r.out.Problems = append(r.out.Problems, Problem{file, line, fmt.Sprintf(format, args...)})
	}
}

// add takes an entry in.
func (r *reader) add(e Entry) {
	if len(r.out.Entries) < maxEntries {
		r.out.Entries = append(r.out.Entries, e)
	} else if len(r.out.Entries) == maxEntries {
		r.problem(e.File, e.Line, "more than %d entries: the rest is not read", maxEntries)
	}
}

// read gives a configuration file. That it is not there is no problem.
func (r *reader) read(name string) ([]byte, bool) {
	data, err := readSmall(r.tree, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.problem(name, 0, "cannot be read: %v", err)
	}
	return data, err == nil
}

// readSmall reads a regular file. What kind of file it is is known before it is
// opened: opening a FIFO waits.
func readSmall(tree fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(tree, name)
	switch {
	case err != nil:
		return nil, bare(err)
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case info.Size() > maxFile:
		return nil, fmt.Errorf("it is too large (%d bytes; at most %d are read)", info.Size(), maxFile)
	}
	f, err := tree.Open(name)
	if err != nil {
		return nil, bare(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	return data, bare(err)
}

// bare takes the path out of an error that is told beside the path.
func bare(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// list gives the names in a directory, sorted.
func (r *reader) list(dir string) []string {
	entries, err := fs.ReadDir(r.tree, dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.problem(dir, 0, "cannot be listed: %v", bare(err))
	}
	if len(entries) > maxList {
		r.problem(dir, 0, "it has %d files: %d are looked at", len(entries), maxList)
		entries = entries[:maxList]
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	slices.Sort(names)
	return names
}

func (r *reader) isDir(name string) bool {
	info, err := fs.Stat(r.tree, name)
	return err == nil && info.IsDir()
}

func (r *reader) isFile(name string) bool {
	info, err := fs.Stat(r.tree, name)
	return err == nil && info.Mode().IsRegular()
}

// fold finds a path below dir whatever its letters' case, as FAT has it: the
// mounted file system does so itself, a tree that stands in for it may not.
func (r *reader) fold(dir, name string) string {
	if exact := path.Join(dir, name); fs.ValidPath(exact) && r.exists(exact) {
		return exact
	}
	for part := range strings.SplitSeq(path.Clean(name), "/") {
		at := path.Join(dir, part)
		if !r.exists(at) {
			if at = r.foldOne(dir, part); at == "" {
				return ""
			}
		}
		dir = at
	}
	return dir
}

// foldOne finds a name in dir. A mounted ESP, as boot/efi, is never what is meant
// by boot/EFI.
func (r *reader) foldOne(dir, name string) string {
	entries, _ := fs.ReadDir(r.tree, dir)
	for _, e := range entries {
		at := path.Join(dir, e.Name())
		if strings.EqualFold(e.Name(), name) && !slices.Contains(r.points, at) {
			return at
		}
	}
	return ""
}

func (r *reader) exists(name string) bool {
	_, err := fs.Stat(r.tree, name)
	return err == nil
}
