package system

import (
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// savedUse is what a resolver has taken from a saved layout.
type savedUse struct {
	*Restored
	lost  map[string]*CryptError   // map name → line of the saved crypttab that leads nowhere
	named map[storage.ID]bool      // containers that have their name from it
	told  map[savedName]storage.ID // names that led to a node by it alone
	maps  map[string]bool          // names of maps that it gave, as device-mapper has them
}

// readSaved lets containers answer to the names that a saved layout gives them, as
// far as nothing else uses these names: the lines of its crypttab first, then, of
// the maps that the system uses, what was open under the name.
func (r *Resolver) readSaved(s *Restored) {
	r.saved = &savedUse{Restored: s, lost: map[string]*CryptError{}, named: map[storage.ID]bool{}, told: map[savedName]storage.ID{}, maps: map[string]bool{}}
	for _, e := range s.crypt {
		c, err := r.container(e)
		if err != nil {
			if was := r.savedMap(e.Name); was != nil {
				c, err = was, nil
			}
		}
		switch {
		case r.isTaken(e.Name, c):
		case err != nil:
			r.saved.lost[dmName(e.Name)] = &CryptError{Entry: e, Err: err, From: FromSaved}
		default:
			r.giveSaved(c.ID, e)
		}
	}
	for _, name := range s.sortedMaps() {
		if c := r.savedMap(name); c != nil && !r.isTaken(name, c) {
			r.giveSaved(c.ID, fstab.CryptEntry{Name: name, Source: fstab.Spec{Kind: fstab.UUID, Value: c.UUID}})
		}
	}
}

// savedMap gives the container that was open under a name, or nil.
func (r *Resolver) savedMap(name string) *storage.Crypt {
	if is := r.wasCalled(savedName{fstab.Mapper, fstab.DecodeDM(name)}); len(is) == 1 {
		c, _ := is[0].(*storage.Crypt)
		return c
	}
	return nil
}

// isTaken: the name means something else: what a line of the system's own says, a
// logical volume, a map that is open. A line in rubbish that leads nowhere means
// nothing.
func (r *Resolver) isTaken(name string, by *storage.Crypt) bool {
	if _, given := r.names[dmName(name)]; given {
		return true
	}
	if r.gone[dmName(name)] != nil {
		return r.saved.CrypttabState != FileDamaged || by == nil
	}
	found, err := r.mapper(fstab.DecodeDM(name))
	return err != nil || len(found) > 0 && (by == nil || !slices.Contains(found, storage.Node(by)))
}

// giveSaved lets a container answer to a name that a saved layout gives.
func (r *Resolver) giveSaved(id storage.ID, e fstab.CryptEntry) {
	for _, name := range e.MapNames() {
		delete(r.gone, name)
	}
	r.lost = slices.DeleteFunc(r.lost, func(l *CryptError) bool { return dmName(l.Entry.Name) == dmName(e.Name) })
	if _, own := r.entry[id]; !own {
		r.saved.named[id] = true
	}
	r.saved.maps[dmName(e.Name)] = true
	r.give(id, e)
}

// wasCalled gives what is here of what had a name when the layout was saved. Twins
// are all given: which of them was meant nobody knows.
func (r *Resolver) wasCalled(name savedName) []storage.Node {
	if r.saved == nil {
		return nil
	}
	return r.ix.identity[r.saved.names[name]]
}

// bySaved asks the saved layout about a spec that does not lead to one node:
// nothing answers to it, or several do, of which the layout may know the right one.
func (r *Resolver) bySaved(spec fstab.Spec, found []storage.Node, fits func(storage.Node) bool) []storage.Node {
	name := nameOf(spec)
	known := r.wasCalled(name)
	if k, ok := parseKernelName(spec.Value); ok && spec.Kind == fstab.DevicePath {
		if _, anchored := r.disks[k.whole]; anchored {
			return found // the system's own fstab tells which disk is meant
		}
		known = keep(known, func(n storage.Node) bool { return fits(n) && !r.isAnchored(n) })
	}
	if len(found) > 0 {
		known = keep(known, func(n storage.Node) bool { return slices.Contains(found, n) })
	}
	switch {
	case len(known) == 0, len(known) > 1 && len(found) > 0:
		return found
	case len(known) == 1:
		r.saved.told[name] = known[0].Base().ID
	}
	return known
}

// savedLost is why the line of the saved crypttab for the map that a spec names
// leads nowhere, or nil.
func (r *Resolver) savedLost(spec fstab.Spec) *CryptError {
	if name := nameOf(spec); r.saved != nil && name.kind == fstab.Mapper {
		return r.saved.lost[dmName(name.value)]
	}
	return nil
}

// BySaved reports whether a spec has led to its node only because a saved layout
// knows the name.
func (r *Resolver) BySaved(spec fstab.Spec) bool {
	if r.saved == nil {
		return false
	}
	name := nameOf(spec)
	return r.saved.told[name] != "" || name.kind == fstab.Mapper && r.saved.maps[dmName(name.value)]
}

// namedBySaved: the container has its line, or its name, from a saved layout.
func (r *Resolver) namedBySaved(id storage.ID) bool { return r.saved != nil && r.saved.named[id] }

// tellSaved says of a line that a saved layout has led to its device, and lets the
// device answer to the name.
func (m *mounter) tellSaved(l *Line) {
	if !m.names.BySaved(l.entry.Spec) {
		return
	}
	l.NamedBy = FromSaved
	l.note("the name %s is known from the %s alone", l.entry.Spec, FromSaved)
}

// nameSaved gives, in the wanted graph, what a saved layout has led to the name that
// it was found by.
func (m *mounter) nameSaved() {
	if m.names.saved == nil {
		return
	}
	for _, l := range m.lines {
		spec := l.entry.Spec
		if id := m.names.saved.told[nameOf(spec)]; id != "" && l.NamedBy != "" && strings.HasPrefix(spec.String(), "/dev/") {
			m.out.Want.Node(id).Base().AddName(spec.String(), storage.FromLayout)
		}
	}
}
