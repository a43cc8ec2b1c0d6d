package layout

import (
	"cmp"
	"slices"
	"strconv"

	"salvor/internal/document"
	"salvor/internal/storage"
)

// sort puts all lists that are sets in their order. Boot entries, members of lists of
// options and segments of volumes have an order that means something, and keep it.
func (l *Layout) sort() {
	l.Storage.sort()
	slices.SortStableFunc(l.Mounts, func(a, b Mount) int { return cmp.Compare(a.Point, b.Point) })
	slices.SortStableFunc(l.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	slices.SortStableFunc(l.Tools, func(a, b Tool) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortStableFunc(l.Headers, func(a, b Header) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortStableFunc(l.Usage, func(a, b Usage) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortStableFunc(l.Uncovered, func(a, b Uncovered) int { // what is uncovered before what is excluded
		return cmp.Or(cmp.Compare(b.State, a.State), cmp.Compare(a.ID, b.ID), cmp.Compare(a.What, b.What))
	})
}

func (s *Storage) sort() {
	sortNodes(s.Disks, func(n *Disk) *Node { return &n.Node })
	sortNodes(s.Multipaths, func(n *Multipath) *Node { return &n.Node })
	sortNodes(s.Arrays, func(n *Array) *Node { return &n.Node })
	sortNodes(s.Crypts, func(n *Crypt) *Node { return &n.Node })
	sortNodes(s.CacheSets, func(n *CacheSet) *Node { return &n.Node })
	sortNodes(s.Bcaches, func(n *Bcache) *Node { return &n.Node })
	sortNodes(s.PVs, func(n *PV) *Node { return &n.Node })
	sortNodes(s.FileSystems, func(n *FileSystem) *Node { return &n.Node })
	sortNodes(s.Swaps, func(n *Swap) *Node { return &n.Node })
	sortNodes(s.Others, func(n *Other) *Node { return &n.Node })
	slices.SortStableFunc(s.Groups, func(a, b Group) int { return cmp.Compare(a.ID, b.ID) })
	for i := range s.Disks {
		slices.Sort(s.Disks[i].Links)
	}
	for i := range s.Arrays {
		slices.SortStableFunc(s.Arrays[i].Members, byRole)
	}
	for i := range s.Groups {
		g := &s.Groups[i]
		slices.Sort(g.LiesOn)
		slices.SortStableFunc(g.Volumes, func(a, b Volume) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
		for j := range g.Volumes {
			slices.Sort(g.Volumes[j].LiesOn)
			g.Volumes[j].Table.sort()
		}
	}
	for i := range s.FileSystems {
		slices.SortStableFunc(s.FileSystems[i].Subvolumes, func(a, b Subvolume) int {
			return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.ID, b.ID))
		})
	}
	s.sortEdges()
}

// sortEdges sorts what nodes lie on, where its order says nothing.
func (s *Storage) sortEdges() {
	for i := range s.Multipaths {
		slices.Sort(s.Multipaths[i].LiesOn)
	}
	for i := range s.CacheSets {
		slices.Sort(s.CacheSets[i].LiesOn)
	}
	for i := range s.FileSystems {
		slices.Sort(s.FileSystems[i].LiesOn)
	}
	for i := range s.Others {
		slices.Sort(s.Others[i].LiesOn)
	}
}

func sortNodes[T any](list []T, node func(*T) *Node) {
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(node(&a).ID, node(&b).ID) })
	for i := range list {
		node(&list[i]).Table.sort()
	}
}

func (t *Table) sort() {
	if t == nil {
		return
	}
	slices.SortStableFunc(t.Partitions, func(a, b Partition) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.ID, b.ID))
	})
	for i := range t.Partitions {
		t.Partitions[i].Table.sort()
	}
}

// byRole puts numbers before words.
func byRole(a, b Member) int {
	number := func(m Member) int {
		n, err := strconv.Atoi(m.Role)
		if err != nil {
			return 1 << 30
		}
		return n
	}
	return cmp.Or(cmp.Compare(number(a), number(b)), cmp.Compare(a.Role, b.Role), cmp.Compare(a.LiesOn, b.LiesOn))
}

// nodes gives every node of the storage with its place in the file. Of a group and a
// table, which have no Node of their own, the IDs are given.
func (s *Storage) nodes(yield func(path string, id storage.ID, n *Node)) {
	w := walker{yield}
	each(w, "storage.disks", s.Disks, func(n *Disk) *Node { return &n.Node })
	each(w, "storage.multipaths", s.Multipaths, func(n *Multipath) *Node { return &n.Node })
	each(w, "storage.arrays", s.Arrays, func(n *Array) *Node { return &n.Node })
	each(w, "storage.encrypted", s.Crypts, func(n *Crypt) *Node { return &n.Node })
	each(w, "storage.bcache_sets", s.CacheSets, func(n *CacheSet) *Node { return &n.Node })
	each(w, "storage.bcaches", s.Bcaches, func(n *Bcache) *Node { return &n.Node })
	each(w, "storage.physical_volumes", s.PVs, func(n *PV) *Node { return &n.Node })
	for i := range s.Groups {
		g, p := &s.Groups[i], at("storage.volume_groups", i)
		yield(p, g.ID, nil)
		each(w, p+".volumes", g.Volumes, func(n *Volume) *Node { return &n.Node })
	}
	each(w, "storage.file_systems", s.FileSystems, func(n *FileSystem) *Node { return &n.Node })
	for i := range s.FileSystems {
		for j, v := range s.FileSystems[i].Subvolumes {
			yield(at(at("storage.file_systems", i)+".subvolumes", j), v.ID, nil)
		}
	}
	each(w, "storage.swap", s.Swaps, func(n *Swap) *Node { return &n.Node })
	each(w, "storage.others", s.Others, func(n *Other) *Node { return &n.Node })
}

// walker goes through the nodes and the tables on them.
type walker struct {
	yield func(path string, id storage.ID, n *Node)
}

func each[T any](w walker, path string, list []T, node func(*T) *Node) {
	for i := range list {
		w.node(at(path, i), node(&list[i]))
	}
}

func (w walker) node(path string, n *Node) {
	w.yield(path, n.ID, n)
	if n.Table != nil {
		w.yield(path+".table", n.Table.ID, nil)
		each(w, path+".table.partitions", n.Table.Partitions, func(p *Partition) *Node { return &p.Node })
	}
}

// at is the path of an element of a list.
func at(path string, i int) string { return document.Index(path, i) }
