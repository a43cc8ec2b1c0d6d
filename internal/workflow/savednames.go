package workflow

import (
	"fmt"

	"salvor/internal/fstab"
	"salvor/internal/layout"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// parseSaved reads a layout for what it knows of names.
func parseSaved(name string, data []byte) (*system.Saved, error) {
	l, _, err := layout.Read(name, data)
	if err != nil {
		return nil, err
	}
	saved, err := namesIn(l)
	if err != nil {
		return nil, fmt.Errorf("cannot use %s: %w", name, err)
	}
	return saved, nil
}

// namesIn takes from a layout what it knows of names.
func namesIn(l *layout.Layout) (*system.Saved, error) {
	g, err := l.Graph()
	if err != nil {
		return nil, err
	}
	out := &system.Saved{Nodes: map[storage.ID]bool{}, Names: map[storage.ID][]string{}}
	for n := range g.Nodes() {
		c := n.Base()
		out.Nodes[c.Identity] = true
		if c.ID == c.Identity { // of twins nobody knows now which was meant
			out.Names[c.ID] = append(namesOf(g, n), labelsOf(n)...)
		}
	}
	if root := g.MountAt("/"); root != nil {
		out.Root = rootIdentity(g, root.Source)
	}
	for _, f := range l.Files {
		switch f.Path {
		case "/etc/fstab":
			out.Fstab = []byte(f.Text)
		case "/etc/crypttab":
			out.Crypttab = []byte(f.Text)
		}
	}
	return out, nil
}

// rootIdentity gives the identity of a file system, of a subvolume that of what it
// is a part of.
func rootIdentity(g *storage.Graph, id storage.ID) storage.ID {
	n := g.Node(id)
	if sub, ok := n.(*storage.Subvolume); ok && len(sub.On) > 0 {
		n = g.Node(sub.On[0])
	}
	if n == nil {
		return ""
	}
	return n.Base().Identity
}

// namesOf gives the paths that a node answered to.
func namesOf(g *storage.Graph, n storage.Node) []string {
	var out []string
	for _, name := range n.Base().Names {
		out = append(out, name.Path)
	}
	switch n := n.(type) {
	case *storage.LV:
		out = append(out, storage.DMPath(fstab.LVMName(n.VG, n.Name)), "/dev/"+n.VG+"/"+n.Name)
	case *storage.Partition:
		out = append(out, partLinks(g, n)...)
	}
	return out
}

// partLinks are the links that udev makes for a partition beside those of its disk
// (systemd, rules.d/60-persistent-storage.rules).
func partLinks(g *storage.Graph, p *storage.Partition) []string {
	var out []string
	for _, table := range g.Lower(p.ID) {
		for _, disk := range g.Lower(table.Base().ID) {
			for _, name := range disk.Base().Names {
				if name.Origin == storage.FromUdev {
					out = append(out, fmt.Sprintf("%s-part%d", name.Path, p.Number))
				}
			}
		}
	}
	return out
}

func labelsOf(n storage.Node) []string {
	dir, label := "/dev/disk/by-label/", ""
	switch n := n.(type) {
	case *storage.FileSystem:
		label = n.Label
	case *storage.Swap:
		label = n.Label
	case *storage.Crypt:
		label = n.Label
	case *storage.Partition:
		dir, label = "/dev/disk/by-partlabel/", n.Label
	}
	if label == "" {
		return nil
	}
	return []string{dir + fstab.EncodeUdev(label)}
}
