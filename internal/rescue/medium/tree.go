package medium

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// file is a file of a medium; its path has no stroke in front.
type file struct {
	path    string
	content *io.SectionReader
}

// tree is the files of a medium, in the order in which they lie on it.
type tree []file

func (t *tree) put(p string, data []byte) { t.putReader(p, blob(data)) }

func (t *tree) putReader(p string, r *io.SectionReader) {
	*t = append(*t, file{p, r})
}

// node is a directory or file in the hierarchy that the paths of a tree make.
type node struct {
	name     string
	parent   *node
	children []*node // sorted by name, regardless of case
	file     int     // index in the tree, or -1 for a directory
}

func (n *node) isDir() bool { return n.file < 0 }

// hierarchy makes the directories of a tree. Neither FAT nor ISO 9660 knows the case of
// letters, so no two names may differ in that alone.
func (t tree) hierarchy() (*node, error) {
	top := &node{file: -1}
	top.parent = top
	for i, f := range t {
		dir := top
		parts := strings.Split(f.path, "/")
		for _, name := range parts[:len(parts)-1] {
			dir = dir.subdirectory(name)
		}
		if at, taken := dir.find(path.Base(f.path)); taken || !dir.isDir() {
			return nil, fmt.Errorf("internal error: the medium has two files %s", f.path)
		} else {
			dir.insert(at, &node{name: path.Base(f.path), parent: dir, file: i})
		}
	}
	return top, nil
}

func (n *node) find(name string) (int, bool) {
	return slices.BinarySearchFunc(n.children, name, func(c *node, name string) int {
		return strings.Compare(strings.ToUpper(c.name), strings.ToUpper(name))
	})
}

func (n *node) insert(at int, child *node) { n.children = slices.Insert(n.children, at, child) }

func (n *node) subdirectory(name string) *node {
	at, found := n.find(name)
	if !found {
		n.insert(at, &node{name: name, parent: n, file: -1})
	}
	return n.children[at]
}

// directories lists n and all directories below it, level by level.
func (n *node) directories() []*node {
	all := []*node{n}
	for i := 0; i < len(all); i++ {
		for _, c := range all[i].children {
			if c.isDir() {
				all = append(all, c)
			}
		}
	}
	return all
}
