package system

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"salvor/internal/storage"
)

// maxLinks is the kernel's limit of symbolic links in one lookup
// (path_resolution(7)).
const maxLinks = 40

// inside follows a path of the system's through the symbolic links of the trees
// that will be mounted, as the kernel does when all of it is mounted, and never
// out of the target. It gives the path without links. It fails when the end is
// not a directory.
func (m *mounter) inside(p string) (string, error) { return follow(p, m.linkAt) }

// natural follows a path in the tree of the root alone, as the booting system
// does when it orders its mounts (systemd, src/fstab-generator, CHASE_NONEXISTENT).
// What is not there is taken as it is written.
func (m *mounter) natural(p string) string {
	at, err := follow(p, func(p string) (string, error) {
		link, err := m.linkIn(m.sys.Root, m.sys.inRoot(p))
		if err != nil {
			return "", nil
		}
		return link, nil
	})
	if err != nil {
		return path.Clean("/" + p)
	}
	return at
}

// follow resolves a path; linkAt gives where the symbolic link at a path without
// links leads, or "" for a directory. At the top ".." stays there.
func follow(p string, linkAt func(string) (string, error)) (string, error) {
	rest := strings.Split(p, "/")
	cur := "/"
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		if name == "" || name == "." {
			continue
		}
		next := path.Join(cur, name)
		if name == ".." {
			cur = next
			continue
		}
		link, err := linkAt(next)
		if err != nil {
			return "", fmt.Errorf("%s in the system: %w", next, err)
		}
		if link == "" {
			cur = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("%s in the system: it leads through more than %d symbolic links", p, maxLinks)
		}
		if strings.HasPrefix(link, "/") {
			cur = "/"
		}
		rest = append(strings.Split(link, "/"), rest...)
	}
	return cur, nil
}

// linkAt gives where the symbolic link p leads, or "" for a directory. What is
// mounted at p hides a link of the same name.
func (m *mounter) linkAt(p string) (string, error) {
	if m.at[p] != nil {
		return "", nil
	}
	owner, rest := m.owner(p)
	switch {
	case owner == nil:
		return "", nil
	case owner.Source == "":
		return "", m.inMemory(owner)
	}
	return m.linkIn(owner.Source, m.below(owner, rest))
}

// inMemory: a file system in memory is empty when it is mounted, so nothing can
// be mounted below it but what the live system has there.
func (m *mounter) inMemory(owner *storage.Mount) error {
	if owner.Bind == "" && (owner.Type == "tmpfs" || owner.Type == "ramfs") {
		return errors.New("the directory does not exist: the file system above it is made in memory, and empty")
	}
	return nil
}

// linkIn gives where the symbolic link at a path of a tree leads, or "" for a
// directory, and for all that a tree cannot tell: the mount itself will tell.
func (m *mounter) linkIn(root storage.ID, p string) (string, error) {
	t := m.tree(root)
	if t.tree == nil || p == "" {
		return "", nil
	}
	info, err := fs.Lstat(t.tree, p)
	switch {
	case errors.Is(err, fs.ErrNotExist) && t.stale:
		return "", nil
	case errors.Is(err, fs.ErrNotExist):
		return "", errors.New("the directory does not exist")
	case err != nil:
		return "", bare(err)
	case info.Mode()&fs.ModeSymlink != 0:
		return fs.ReadLink(t.tree, p)
	case info.IsDir():
		return "", nil
	default:
		return "", fmt.Errorf("it is a %s, not a directory", modeWord(info.Mode()))
	}
}

// lookedAt is a tree, or the lack of one. What is not found in a stale one may
// be there all the same.
type lookedAt struct {
	tree  fs.FS
	stale bool
}

func (m *mounter) tree(root storage.ID) lookedAt {
	t, done := m.trees[root]
	if !done && m.req.Trees != nil {
		var err error
		var le *LookError
		t.tree, err = m.req.Trees.Tree(root)
		t.stale = errors.As(err, &le) && le.Stale
		m.trees[root] = t
	}
	return t
}

// owner gives the planned mount that a path inside the target lies on, and the
// rest of the path in it.
func (m *mounter) owner(inside string) (*storage.Mount, string) {
	for dir := inside; ; dir = path.Dir(dir) {
		if p := m.at[dir]; p != nil {
			return &p.Mount, strings.TrimPrefix(strings.TrimPrefix(inside, dir), "/")
		}
		if dir == "/" {
			return nil, ""
		}
	}
}

// below gives the path inside the owner's tree. The tree of a root is that of its
// natural top; a bound tree starts further down.
func (m *mounter) below(owner *storage.Mount, rest string) string {
	top := ""
	if sub, ok := m.seen.Node(owner.Source).(*storage.Subvolume); ok {
		top = sub.Path
	}
	start := strings.TrimPrefix(strings.Trim(owner.Root, "/"), top)
	return strings.Trim(path.Join("/", start, rest), "/")
}
