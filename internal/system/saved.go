package system

import (
	"maps"
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// FromSaved is the source of lines, volumes and names that a saved layout gives.
const FromSaved = "saved layout"

// Saved is what a layout that was saved of a system in better days knows of names.
// It only ever adds: what the system's own files say, and what resolves without
// it, stays as it is (docs/tables.md, "What a saved layout fills in").
type Saved struct {
	// Own: it lies in the system itself. One that was named by hand may be of any
	// machine, so more is asked of it.
	Own bool
	// Nodes are the identities of all that the machine was made of.
	Nodes map[storage.ID]bool
	// Root is the identity of the file system that was mounted at "/"; "" if the
	// layout does not tell.
	Root storage.ID
	// Names are the paths below /dev that a node answered to. What was one of twins
	// has none: nobody could tell now which of them is meant.
	Names map[storage.ID][]string
	// Fstab and Crypttab are these files as they were; nil for one that is not in it.
	Fstab, Crypttab []byte
}

// SavedState says how the saved layout of a system stands to it.
type SavedState string

// The states of saved layouts.
const (
	SavedUsable     SavedState = "usable"
	SavedForeign    SavedState = "foreign"    // of another machine
	SavedUnreadable SavedState = "unreadable" // it is there, and cannot be read
)

// Restored is what of a saved layout counts for a system.
type Restored struct {
	// The system's own files, as they were found.
	FstabState, CrypttabState FileState
	// The same files as the layout has them; nil for one that it does not have.
	Fstab    *fstab.Fstab
	Crypttab *fstab.Crypttab

	names map[savedName]storage.ID // by the name that a node had
	lines []wish                   // of Fstab, that count
	maps  map[string]bool          // names of maps that the system uses
	crypt []fstab.CryptEntry       // of Crypttab, that count
}

// savedName is a name of a device, in one of the forms of a spec.
type savedName struct {
	kind  fstab.SpecKind
	value string
}

// Restore lets a saved layout fill in what the files of s do not say. A layout of
// another machine changes nothing but s.SavedLayout.
func Restore(g *storage.Graph, s *System, saved *Saved, trees Trees) {
	if !saved.isOf(g, s) {
		s.SavedLayout = SavedForeign
		return
	}
	s.SavedLayout, s.Saved = SavedUsable, newRestored(s, saved)
	s.Saved.fill(s)
	if len(s.Saved.lines) > 0 && s.Boot != nil {
		// The lines may show a /boot that was not to be seen, and its entries name
		// volumes; what they name counts before the layout.
		s.Cmdlines = nil
		s.learnBoot(newIndex(g), withoutMounts(g), trees)
		s.Saved.fill(s)
	}
}

// isOf: the layout is of the machine that the system's root is a part of. One that
// lies in the system needs to know something of what the root lies on; any other
// one has to have had this very root, since two systems may share a disk.
func (v *Saved) isOf(g *storage.Graph, s *System) bool {
	top := g.Node(topOf(g, s.Root))
	if top == nil {
		return false
	}
	if !v.Own {
		is := top.Base().Identity
		return v.Root == is || v.Root == "" && v.Nodes[is]
	}
	return slices.ContainsFunc(append(g.Below(s.Root), g.Node(s.Root)), func(n storage.Node) bool {
		return v.Nodes[n.Base().Identity]
	})
}

func newRestored(s *System, saved *Saved) *Restored {
	r := &Restored{names: savedNames(saved.Names)}
	if len(saved.Fstab) > 0 && len(saved.Fstab) <= maxConfig {
		r.Fstab = fstab.ParseFstab(saved.Fstab)
	}
	if len(saved.Crypttab) > 0 && len(saved.Crypttab) <= maxConfig {
		r.Crypttab = fstab.ParseCrypttab(saved.Crypttab)
	}
	if s.Fstab != nil {
		whole, state := judge(s.Fstab.Bytes(), saved.Fstab, s.FstabState, len(s.Fstab.Entries))
		if r.FstabState = state; state == FileCutOff {
			s.Fstab = fstab.ParseFstab(whole)
		}
	}
	if s.Crypttab != nil {
		whole, state := judge(s.Crypttab.Bytes(), saved.Crypttab, s.CrypttabState, len(s.Crypttab.Entries))
		if r.CrypttabState = state; state == FileCutOff {
			s.Crypttab = fstab.ParseCrypttab(whole)
		}
	}
	return r
}

// savedNames turns the paths around. A path of two nodes says nothing.
func savedNames(names map[storage.ID][]string) map[savedName]storage.ID {
	out := map[savedName]storage.ID{}
	for id, paths := range names {
		for _, p := range paths {
			name := nameOf(fstab.ParseSpec(p))
			switch other, taken := out[name]; {
			case name == savedName{}:
			case taken && other != id:
				out[name] = ""
			default:
				out[name] = id
			}
		}
	}
	return out
}

// nameOf gives the name by which a saved layout knows what a spec means, by the
// table in docs/tables.md. A UUID is none: it is what the device is, not what it is
// called.
func nameOf(spec fstab.Spec) savedName {
	switch spec.Kind {
	case fstab.ID, fstab.ByID:
		if dm, ok := strings.CutPrefix(spec.Value, "dm-name-"); ok {
			return savedName{fstab.Mapper, fstab.DecodeDM(dm)}
		}
		return savedName{fstab.ByID, spec.Value}
	case fstab.ByPath, fstab.Label, fstab.PartLabel, fstab.Mapper, fstab.DevicePath:
		return savedName{spec.Kind, spec.Value}
	}
	return savedName{}
}

// fill picks the lines that count, by the table of savedRows. A line of the saved
// crypttab whose name the system's own files give is passed over by the resolver.
func (r *Restored) fill(s *System) {
	r.lines, r.crypt = nil, nil
	if r.Fstab != nil && rowOf(r.FstabState).fstab == fillRest {
		r.fillFstab(s)
	}
	r.maps = usedMaps(s)
	if r.Crypttab == nil {
		return
	}
	all := rowOf(r.CrypttabState).crypttab == fillRest
	for _, e := range r.Crypttab.Entries {
		if all || r.maps[dmName(e.Name)] {
			r.crypt = append(r.crypt, e)
		}
	}
}

// fillFstab takes the lines of the saved fstab that the system's own files have no
// line for: none with the mount point, of swap none with the device.
func (r *Restored) fillFstab(s *System) {
	points, swaps := map[string]bool{}, map[string]bool{}
	for w := range s.ownWishes() {
		points[w.File] = true
		swaps[w.Spec.String()] = true
	}
	for _, e := range r.Fstab.Entries {
		if e.IsSwap() && !swaps[e.Spec.String()] || !e.IsSwap() && !points[e.File] {
			r.lines = append(r.lines, wish{Entry: e, from: FromSaved})
		}
	}
}

// usedMaps gives the names of maps that lines of the system name, as device-mapper
// has them.
func usedMaps(s *System) map[string]bool {
	out := map[string]bool{}
	add := func(spec fstab.Spec) {
		if name := nameOf(spec); name.kind == fstab.Mapper {
			out[dmName(name.value)] = true
		}
	}
	for w := range s.wishes() {
		add(w.Spec)
	}
	for _, e := range s.ownCryptEntries() {
		add(e.Source)
		add(e.KeyDevice)
	}
	return out
}

// sortedMaps is usedMaps in an order.
func (r *Restored) sortedMaps() []string { return slices.Sorted(maps.Keys(r.maps)) }
