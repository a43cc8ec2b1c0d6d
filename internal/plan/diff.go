package plan

import (
	"fmt"
	"maps"
	"slices"

	"salvor/internal/storage"
)

// Diff gives the plan that leads from have to want. Both have the same nodes;
// want differs in what is open, what is frozen, what has a stand-in and what is
// mounted. An error says that want is not a possible state of a machine, which
// is a bug in whoever made it.
func Diff(have, want *storage.Graph) (*Plan, error) {
	d := &differ{have: newView(have), want: newView(want), down: map[item]bool{}, up: map[item]bool{}, rename: map[item]bool{}}
	if err := d.checkWant(); err != nil {
		return nil, err
	}
	d.compare()
	d.spread()
	return d.plan()
}

// differ holds the two views and what has to happen to each item. An item that
// is in both down and up is taken down and set up anew.
type differ struct {
	have, want *view
	down, up   map[item]bool
	rename     map[item]bool
}

// checkWant refuses a want in which something is up that rests on something
// closed, or that lies on nodes which have does not have, or that would seem
// shielded by a stand-in and is not.
func (d *differ) checkWant() error {
	for _, it := range slices.SortedFunc(maps.Keys(d.want.up), compareItems) {
		if it.aspect != mounted && d.have.graph.Node(storage.ID(it.subject)) == nil {
			return fmt.Errorf("internal error: the wanted graph has %s, which is not there", it.subject)
		}
		if it.aspect == overlay && carriesPartitions(d.want.graph, storage.ID(it.subject)) {
			return fmt.Errorf("internal error: the wanted graph has a stand-in for %s, but partitions lie on it, which the kernel would not see through it", it.subject)
		}
		for _, need := range d.want.needsOf(it) {
			if need.aspect == opening && d.want.isShut(need) {
				return fmt.Errorf("internal error: the wanted graph has the %s, but not the %s under it", it, need)
			}
		}
	}
	return nil
}

func carriesPartitions(g *storage.Graph, id storage.ID) bool {
	return slices.ContainsFunc(g.Upper(id), func(n storage.Node) bool {
		return n.Kind() == storage.KindTable || n.Kind() == storage.KindPartition
	})
}

// isShut reports whether it is the opening of a node that has to be opened and
// is not.
func (v *view) isShut(it item) bool {
	n := v.graph.Node(storage.ID(it.subject))
	_, up := v.up[it]
	return n != nil && storage.CanOpen(n) && !up && !storage.IsPart(n)
}

func (d *differ) compare() {
	for it, is := range d.have.up {
		should, wanted := d.want.up[it]
		switch {
		case !wanted:
			d.down[it] = true
		case is == should:
		case d.canRename(it, is, should):
			d.rename[it] = true
		default:
			d.down[it], d.up[it] = true, true
		}
	}
	for it := range d.want.up {
		if _, is := d.have.up[it]; !is {
			d.up[it] = true
		}
	}
}

// canRename: an open container gets another name without being closed, unless
// the name is in use now.
func (d *differ) canRename(it item, is, should state) bool {
	if it.aspect != opening || is.readOnly != should.readOnly {
		return false
	}
	for other, s := range d.have.up {
		if other != it && s.name == should.name && s.source == "" && s.name != "" {
			return false
		}
	}
	return true
}

// spread takes down and sets up anew what rests on an item that goes down or
// that comes up under it, until nothing more follows. A read-only flag moves
// nothing: it is only set before, and cleared after, what else changes above it.
func (d *differ) spread() {
	todo := append(slices.Collect(maps.Keys(d.down)), slices.Collect(maps.Keys(d.up))...)
	for len(todo) > 0 {
		it := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if it.aspect == frozen {
			continue // the kernel takes the flag under what stands, and it goes on as it did
		}
		users := slices.Concat(d.have.users[it], d.want.users[it])
		for _, user := range users {
			if _, is := d.have.up[user]; !is || d.down[user] {
				continue
			}
			if !d.down[it] && !d.newlyUnder(it, user) || d.keepsFile(it, user) {
				continue
			}
			d.down[user] = true
			delete(d.rename, user)
			if _, wanted := d.want.up[user]; wanted {
				d.up[user] = true
			}
			todo = append(todo, user)
		}
	}
}

// keepsFile: user is an image that is to stay attached although the mount that its
// file lies in is to go. It is somebody else's, and whether the mount can go then is
// for the kernel to say.
func (d *differ) keepsFile(it, user item) bool {
	n := d.have.graph.Node(storage.ID(user.subject))
	return it.aspect == mounted && n != nil && n.Kind() == storage.KindImage && !d.down[user] && !slices.Contains(d.want.needs[user], it)
}

// newlyUnder: user stands now without it and is wanted on top of it.
func (d *differ) newlyUnder(it, user item) bool {
	return slices.Contains(d.want.users[it], user) && d.up[it]
}

// plan makes the steps: what goes down, users first; then renames; then what
// comes up, needs first.
func (d *differ) plan() (*Plan, error) {
	p := &Plan{have: d.have.graph}
	numbers := stepNumbers{down: map[item]int{}, up: map[item]int{}, rename: map[item]int{}, freed: map[item][]int{}}
	for _, it := range d.sorted(d.down, d.have, true) {
		ops, err := d.closings(it)
		if err != nil {
			return nil, err
		}
		numbers.down[it] = p.addRow(ops, numbers.pick(numbers.down, d.have.users[it]))
		for _, need := range d.have.couldNeed(it) {
			numbers.freed[need] = append(numbers.freed[need], numbers.down[it])
		}
	}
	for _, it := range slices.SortedFunc(maps.Keys(d.rename), compareItems) {
		// Who is closed on it is closed by its old name: LVM is told its devices.
		numbers.rename[it] = p.add(d.renaming(it), numbers.pick(numbers.down, d.have.users[it]))
	}
	for _, it := range d.sorted(d.up, d.want, false) {
		ops, err := d.openings(it)
		if err != nil {
			return nil, err
		}
		numbers.up[it] = p.addRow(ops, d.before(it, numbers))
	}
	return p, nil
}

// before gives the steps that have to come before it is set up: its needs, its
// own end, the end of what stood where it is to be slipped in below or of what
// would be slipped out from below it, the renaming of what it lies on, and the end
// of a map of its name.
func (d *differ) before(it item, numbers stepNumbers) []int {
	needs := d.want.needs[it]
	after := slices.Concat(numbers.pick(numbers.up, needs), numbers.pick(numbers.rename, needs), numbers.pick(numbers.down, append(d.want.couldNeed(it), it)), numbers.freed[it])
	name := d.want.up[it].name
	for other, s := range d.have.up {
		if name == "" || s.name != name {
			continue
		}
		after = append(after, numbers.pick(numbers.down, []item{other})...)
		after = append(after, numbers.pick(numbers.rename, []item{other})...)
	}
	slices.Sort(after)
	return slices.Compact(after)
}

// stepNumbers remembers which step does what to an item.
type stepNumbers struct {
	down, up, rename map[item]int
	freed            map[item][]int // the ends of those that would rest on the item, were it there
}

func (stepNumbers) pick(from map[item]int, items []item) []int {
	var out []int
	for _, it := range items {
		if n, ok := from[it]; ok {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// sorted gives the items so that needs come before users (or, with usersFirst,
// the reverse); among free ones in the stable order of items.
func (d *differ) sorted(set map[item]bool, v *view, usersFirst bool) []item {
	before := v.needs
	if usersFirst {
		before = v.users
	}
	var out []item
	done := map[item]bool{}
	var visit func(it item)
	visit = func(it item) {
		if done[it] || !set[it] {
			return
		}
		done[it] = true
		for _, b := range slices.SortedFunc(slices.Values(before[it]), compareItems) {
			visit(b)
		}
		out = append(out, it)
	}
	for _, it := range slices.SortedFunc(maps.Keys(set), compareItems) {
		visit(it)
	}
	return out
}
