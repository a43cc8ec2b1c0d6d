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
// that will be mounted, as the booting system would, and never out of the
// target. It gives the path without links. It fails when the end is not a
// directory.
func (m *mounter) inside(p string) (string, error) {
	rest := strings.Split(strings.Trim(path.Clean("/"+p), "/"), "/")
	cur := "/"
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		if name == "" || name == "." {
			continue
		}
		next := path.Join(cur, name) // at the top ".." stays there
		link, err := m.linkAt(next)
		if err != nil {
			return "", fmt.Errorf("%s in the system: %w", next, err)
		}
		if link == "" {
			cur = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("%s leads through more than %d symbolic links", p, maxLinks)
		}
		if strings.HasPrefix(link, "/") {
			cur = "/"
		}
		rest = append(strings.Split(strings.Trim(link, "/"), "/"), rest...)
	}
	return cur, nil
}

// linkAt gives where the symbolic link p leads, or "" for a directory. What is
// mounted at p hides a link of the same name.
func (m *mounter) linkAt(p string) (string, error) {
	if _, mounted := m.byPoint[p]; mounted || p == "/" {
		return "", nil
	}
	owner, rest := m.owner(p)
	if owner == nil || owner.Source == "" {
		return "", nil // a memory file system: what is in it is not known before it is mounted
	}
	tree, _ := m.req.Trees.Tree(owner.Source)
	if tree == nil {
		return "", nil // was not seen: the mount itself will tell
	}
	if rest = m.below(owner, rest); rest == "" {
		return "", nil
	}
	info, err := fs.Lstat(tree, rest)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", errors.New("the directory does not exist")
	case err != nil:
		return "", bare(err)
	case info.Mode()&fs.ModeSymlink != 0:
		return fs.ReadLink(tree, rest)
	case info.IsDir():
		return "", nil
	default:
		return "", fmt.Errorf("is a %s, not a directory", modeOr(info.Mode()))
	}
}

func modeOr(mode fs.FileMode) string {
	if mode.IsRegular() {
		return "file"
	}
	return modeWord(mode)
}

// below gives the path inside the owner's tree. The tree of a root is that of its
// natural top; a bound tree starts further down.
func (m *mounter) below(owner *storage.Mount, rest string) string {
	if owner.Bind == "" {
		return rest
	}
	natural := "/"
	if sub, ok := m.seen.Node(owner.Source).(*storage.Subvolume); ok {
		natural = "/" + sub.Path
	}
	return strings.Trim(path.Join(strings.TrimPrefix(owner.Root, natural), rest), "/")
}
