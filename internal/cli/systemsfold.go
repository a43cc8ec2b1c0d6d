package cli

import (
	"fmt"
	"path"

	"salvor/internal/storage"
	"salvor/internal/system"
)

// fold counts what there may be hundreds of: snapshots of data, and the layers of
// containers. A few of one kind are listed one by one.
type fold struct {
	g      *storage.Graph
	order  []folded
	counts map[folded]int
}

// folded is what is counted together.
type folded struct {
	at, what string
	class    system.Class
}

func newFold(g *storage.Graph, findings []system.Finding) *fold {
	c := &fold{g: g, counts: map[folded]int{}}
	for _, f := range findings {
		key, ok := c.key(f)
		if ok && c.counts[key] == 0 {
			c.order = append(c.order, key)
		}
		if ok {
			c.counts[key]++
		}
	}
	return c
}

// takes reports whether a finding is one of too many to be listed.
func (c *fold) takes(f system.Finding) bool {
	key, ok := c.key(f)
	return ok && c.counts[key] > fewSnapshots
}

func (c *fold) key(f system.Finding) (folded, bool) {
	switch {
	case f.System != nil:
		return folded{}, false
	case f.Class == system.Container:
		return folded{c.dirAbove(f.Root, 1), "roots or layers of containers", f.Class}, true
	case f.Snapshot != nil && f.SnapshotOf != "":
		return folded{carrier(c.g, f.SnapshotOf), "snapshots of it", f.Class}, true
	case f.Snapshot != nil:
		return folded{c.dirAbove(f.Root, 2), "snapshots", f.Class}, true
	}
	return folded{}, false
}

// dirAbove names the directory so many levels above a subvolume.
func (c *fold) dirAbove(root storage.ID, levels int) string {
	sub, ok := c.g.Node(root).(*storage.Subvolume)
	if !ok {
		return carrier(c.g, root)
	}
	dir := "/" + sub.Path
	for range levels {
		dir = path.Dir(dir)
	}
	return carrier(c.g, sub.On[0]) + "[" + dir + "]"
}

// rows gives where, the class and how many, in the order of coming.
func (c *fold) rows() [][3]string {
	var out [][3]string
	for _, key := range c.order {
		if n := c.counts[key]; n > fewSnapshots {
			out = append(out, [3]string{key.at, string(key.class), fmt.Sprintf("%d %s (--all lists them)", n, key.what)})
		}
	}
	return out
}
