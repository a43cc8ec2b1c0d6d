package layout

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"salvor/internal/document"
	"salvor/internal/storage"
)

// Validate says everything that makes no sense in a layout that a person may have
// edited: IDs that are not there or there twice, circles, partitions that overlap or leave
// their device, volumes larger than their group. The errors have the lines of src, which
// may be nil.
func (l *Layout) Validate(src *document.Source) error {
	v := &validator{l: l, src: src, at: map[storage.ID]string{}, size: map[storage.ID]Size{}, on: map[storage.ID][]storage.ID{}}
	if l.Version < 1 || l.Version > Version {
		v.wrong("version", "cannot use a layout of version %d: this program knows version %d", l.Version, Version)
	}
	v.collect()
	v.edges()
	v.circles()
	v.tables()
	v.groups()
	v.others()
	return v.problems.Err()
}

type validator struct {
	l        *Layout
	src      *document.Source
	problems document.Problems
	at       map[storage.ID]string // where a node stands
	size     map[storage.ID]Size
	on       map[storage.ID][]storage.ID
}

func (v *validator) wrong(path, format string, args ...any) {
	p := &document.Problem{Path: path, Text: fmt.Sprintf(format, args...)}
	if v.src != nil {
		p = v.src.Problem(path, format, args...)
	}
	v.problems.Add(p)
}

func (v *validator) collect() {
	v.l.Storage.nodes(func(path string, id storage.ID, n *Node) {
		other, twice := v.at[id]
		switch {
		case id == "":
			v.wrong(path, "cannot use a node without an id")
			return
		case twice:
			v.wrong(path+".id", "cannot use the id %q twice: %s has it too", id, v.where(other))
			return
		}
		v.at[id] = path
		if n != nil {
			v.size[id] = n.Size
		}
	})
}

// where names another place by its line.
func (v *validator) where(path string) string {
	if v.src != nil {
		if line, ok := v.src.Line(path); ok {
			return fmt.Sprintf("line %d", line)
		}
	}
	return path
}

// refer notes that what stands at path, under the ID from, lies on others, and says which
// of them are not there.
func (v *validator) refer(from storage.ID, path string, to ...storage.ID) {
	for i, id := range to {
		here := path
		if len(to) > 1 || strings.HasSuffix(path, "lies_on") && v.isList(path) {
			here = document.Index(path, i)
		}
		if v.exists(here, id) && from != "" {
			v.on[from] = append(v.on[from], id)
		}
	}
}

func (v *validator) isList(path string) bool {
	if v.src == nil {
		return false
	}
	_, ok := v.src.Line(document.Index(path, 0))
	return ok
}

// exists says that the ID at path is not there; an empty one is not looked for.
func (v *validator) exists(path string, id storage.ID) bool {
	if id == "" {
		return false
	}
	if _, ok := v.at[id]; !ok {
		v.wrong(path, "cannot find %q%s", id, v.near(id))
		return false
	}
	return true
}

func (v *validator) near(id storage.ID) string {
	var all []string
	for other := range v.at {
		all = append(all, string(other))
	}
	slices.Sort(all)
	if n := document.Nearest(string(id), all); n != "" {
		return fmt.Sprintf(": did you mean %q?", n)
	}
	return ": no node has this id"
}

func (v *validator) edges() {
	s := &v.l.Storage
	for i, n := range s.Multipaths {
		v.refer(n.ID, at("storage.multipaths", i)+".lies_on", n.LiesOn...)
	}
	for i, n := range s.Arrays {
		for j, m := range n.Members {
			v.refer(n.ID, at(at("storage.arrays", i)+".members", j)+".lies_on", m.LiesOn)
		}
	}
	for i, n := range s.Crypts {
		v.refer(n.ID, at("storage.encrypted", i)+".lies_on", n.LiesOn)
		if n.Terms != nil {
			v.exists(at("storage.encrypted", i)+".terms.header_on", n.Terms.HeaderOn)
		}
	}
	for i, n := range s.CacheSets {
		v.refer(n.ID, at("storage.bcache_sets", i)+".lies_on", n.LiesOn...)
	}
	for i, n := range s.Bcaches {
		v.refer(n.ID, at("storage.bcaches", i)+".lies_on", n.LiesOn)
		v.refer(n.ID, at("storage.bcaches", i)+".set", n.Set)
	}
	for i, n := range s.PVs {
		v.refer(n.ID, at("storage.physical_volumes", i)+".lies_on", n.LiesOn)
	}
	for i, n := range s.FileSystems {
		v.refer(n.ID, at("storage.file_systems", i)+".lies_on", n.LiesOn...)
	}
	for i, n := range s.Swaps {
		v.refer(n.ID, at("storage.swap", i)+".lies_on", n.LiesOn)
	}
	for i, n := range s.Others {
		v.refer(n.ID, at("storage.others", i)+".lies_on", n.LiesOn...)
	}
	v.groupEdges()
	s.nodes(func(path string, id storage.ID, n *Node) {
		if n == nil || n.Table == nil {
			return
		}
		v.on[n.Table.ID] = append(v.on[n.Table.ID], id)
		for _, p := range n.Table.Partitions {
			v.on[p.ID] = append(v.on[p.ID], n.Table.ID)
		}
	})
}

func (v *validator) groupEdges() {
	for i, g := range v.l.Storage.Groups {
		path := at("storage.volume_groups", i)
		v.refer(g.ID, path+".lies_on", g.LiesOn...)
		for j, n := range g.Volumes {
			p := at(path+".volumes", j)
			v.refer(n.ID, p+".lies_on", n.LiesOn...)
			v.exists(p+".pool", n.Pool)
			v.exists(p+".origin", n.Origin)
			v.segments(g, n, p)
		}
	}
}

// circles says which nodes lie on each other in a circle.
func (v *validator) circles() {
	state := map[storage.ID]int{} // 1: on the way, 2: done
	var visit func(id storage.ID) bool
	visit = func(id storage.ID) bool {
		if state[id] != 0 {
			return state[id] == 1
		}
		state[id] = 1
		for _, low := range v.on[id] {
			if visit(low) {
				v.wrong(v.at[id]+".lies_on", "cannot use a circle: %s lies on %s, which lies on it", id, low)
			}
		}
		state[id] = 2
		return false
	}
	v.l.Storage.nodes(func(_ string, id storage.ID, _ *Node) { visit(id) })
}

func (v *validator) tables() {
	v.l.Storage.nodes(func(path string, _ storage.ID, n *Node) {
		if n != nil && n.Table != nil {
			v.table(path+".table", n)
		}
	})
}

func (v *validator) table(path string, device *Node) {
	t := device.Table
	if t.Format == "" {
		v.wrong(path, "cannot use a partition table without a format: gpt or dos")
	}
	numbers := map[int]int{}
	for i := range t.Partitions {
		p, here := &t.Partitions[i], at(path+".partitions", i)
		if other, twice := numbers[p.Number]; twice {
			v.wrong(here+".number", "cannot use the number %d twice: %s has it too", p.Number, v.where(at(path+".partitions", other)))
		}
		numbers[p.Number] = i
		if _, bad := attributeMask(p.Attributes); bad != "" {
			v.wrong(here+".attributes", "cannot set the attribute %q: there are %s", bad, attributeWords())
		}
		if device.Size != 0 && (p.Start > device.Size || p.Size > device.Size-p.Start) {
			v.wrong(here, "partition %d cannot end beyond its device, which has %s", p.Number, device.Size)
		}
	}
	v.overlaps(path, t)
}

// overlaps compares neighbours. An extended partition holds the logical ones.
func (v *validator) overlaps(path string, t *Table) {
	for _, logical := range []bool{false, true} {
		var order []int
		for i, p := range t.Partitions {
			if p.Logical == logical && p.Size > 0 {
				order = append(order, i)
			}
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(t.Partitions[a].Start, t.Partitions[b].Start) })
		for k := 1; k < len(order); k++ {
			a, b := &t.Partitions[order[k-1]], &t.Partitions[order[k]]
			if b.Start-a.Start < a.Size {
				v.wrong(at(path+".partitions", order[k]), "partitions %d and %d overlap: the one begins at %s before the other one ends", b.Number, a.Number, b.Start)
			}
		}
	}
}

// segments says what is wrong with the places of a volume, and which volumes of the
// group it names are not there.
func (v *validator) segments(g Group, n Volume, path string) {
	isThere := func(p, name string) {
		if name != "" && !slices.ContainsFunc(g.Volumes, func(o Volume) bool { return o.Name == name }) {
			v.wrong(p, "cannot find the volume %q in the group %s", name, g.Name)
		}
	}
	for i, s := range n.Segments {
		p := at(path+".segments", i)
		for j, a := range s.Areas {
			v.exists(at(p+".areas", j)+".pv", a.PV)
			isThere(at(p+".areas", j)+".volume", a.LV)
		}
		for j, a := range s.Meta {
			v.exists(at(p+".metadata_areas", j)+".pv", a.PV)
			isThere(at(p+".metadata_areas", j)+".volume", a.LV)
		}
		for _, ref := range []struct{ key, name string }{{"pool", s.Pool}, {"data", s.Data}, {"metadata", s.Metadata}, {"origin", s.Origin}, {"cow", s.Cow}} {
			isThere(p+"."+ref.key, ref.name)
		}
	}
}

// groups compares what volumes take with what there is: the extents of their places, or
// where those are not known, their sizes.
func (v *validator) groups() {
	extents := map[storage.ID]uint64{}
	for _, p := range v.l.Storage.PVs {
		extents[p.ID] = p.Extents
	}
	for i, g := range v.l.Storage.Groups {
		path := at("storage.volume_groups", i)
		names := map[string]bool{}
		var have, want uint64
		known := len(g.LiesOn) > 0
		for _, id := range g.LiesOn {
			known = known && extents[id] > 0
			have += extents[id]
		}
		for j, n := range g.Volumes {
			if names[n.Name] {
				v.wrong(at(path+".volumes", j)+".name", "cannot use the name %q twice in a group", n.Name)
			}
			names[n.Name] = true
			want += extentsOf(n)
		}
		if known && want > have {
			v.wrong(path, "the volumes of %s cannot take %d extents: it has %d", g.Name, want, have)
		}
	}
}

// extentsOf are the extents that a volume takes from physical volumes itself.
func extentsOf(n Volume) uint64 {
	var out uint64
	for _, s := range n.Segments {
		places := uint64(0)
		for _, a := range s.Areas {
			if a.PV != "" {
				places++
			}
		}
		if strings.HasPrefix(s.Type, "striped") && places > 1 { // its extents lie in turn on each
			places = 1
		}
		out += places * s.Extents
	}
	return out
}

// others looks at what names nodes outside of the storage.
func (v *validator) others() {
	for i, m := range v.l.Mounts {
		p := at("mounts", i)
		v.exists(p+".source", m.Source)
		if !strings.HasPrefix(m.Point, "/") {
			v.wrong(p+".point", "cannot use %q as a mount point: it has to begin with /", m.Point)
		}
	}
	for i, u := range v.l.Uncovered {
		v.exists(at("uncovered", i)+".id", u.ID)
		if u.State != NotCovered && u.State != Excluded {
			v.wrong(at("uncovered", i)+".state", "cannot use the state %q: it is %s or %s", u.State, NotCovered, Excluded)
		}
	}
	for i, u := range v.l.Usage {
		v.exists(at("usage", i)+".id", u.ID)
		if size, ok := v.size[u.ID]; ok && size != 0 && u.Used > size {
			v.wrong(at("usage", i)+".used", "cannot be: %s are used of %s", u.Used, size)
		}
	}
	for i, h := range v.l.Headers {
		v.exists(at("luks_headers", i)+".id", h.ID)
	}
}
