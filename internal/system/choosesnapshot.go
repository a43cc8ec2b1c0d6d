package system

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"salvor/internal/storage"
)

// LastSnapshot is the word for the youngest one.
const LastSnapshot = "last"

// SnapshotsOf gives the snapshots and the older deployments of a system, the
// oldest first.
func SnapshotsOf(systems []*System, s *System) []*System {
	var out []*System
	for _, o := range systems {
		if o != s && o.memberOf() != "" && slices.Contains(s.heads(), o.memberOf()) {
			out = append(out, o)
		}
	}
	slices.SortStableFunc(out, compareAge)
	return out
}

// ChooseSnapshot picks the snapshot of s that which means: LastSnapshot, the number
// or the name that the tool gave it, the path of its subvolume or its name, or a
// deployment by its place in the boot order or its checksum. It fails with
// ErrNoSystem or *ChoiceError.
func ChooseSnapshot(g *storage.Graph, systems []*System, s *System, which string) (*System, error) {
	all := SnapshotsOf(systems, s)
	if len(all) == 0 {
		return nil, fmt.Errorf("%w that is a snapshot of %s", ErrNoSystem, s.Name)
	}
	if which == LastSnapshot {
		return all[len(all)-1], nil
	}
	for _, is := range snapshotMatchers(g, which) {
		fit := slices.DeleteFunc(slices.Clone(all), func(o *System) bool { return !is(o) })
		switch len(fit) {
		case 0:
		case 1:
			return fit[0], nil
		default:
			return nil, &ChoiceError{which, fit}
		}
	}
	return nil, fmt.Errorf("%w: %d snapshots of %s are there, and none answers to %q", ErrNoSystem, len(all), s.Name, which)
}

// snapshotMatchers are tried in turn.
func snapshotMatchers(g *storage.Graph, which string) []func(*System) bool {
	return []func(*System) bool{
		func(s *System) bool {
			n := s.Snapshot
			return n != nil && (n.Number > 0 && strconv.Itoa(n.Number) == which || n.Name != "" && n.Name == which) ||
				s.Deployment != nil && s.SnapshotOf == "" && strconv.Itoa(s.Deployment.Index) == which
		},
		func(s *System) bool {
			sub, ok := g.Node(s.Root).(*storage.Subvolume)
			return ok && sub.Path == strings.Trim(which, "/") || string(s.Place()) == which || string(s.Root) == which
		},
		func(s *System) bool { return s.Deployment.named(which) },
		func(s *System) bool {
			sub, ok := g.Node(s.Root).(*storage.Subvolume)
			return ok && strings.HasSuffix("/"+sub.Path, "/"+strings.Trim(which, "/"))
		},
		func(s *System) bool { // a volume
			for _, low := range g.Lower(s.Root) {
				if lv, ok := low.(*storage.LV); ok && (lv.Name == which || lv.VG+"/"+lv.Name == which || lv.HasName(which)) {
					return true
				}
			}
			return false
		},
	}
}

// shortestChecksum is how much of a checksum has to be typed.
const shortestChecksum = 6

// named: a deployment by its checksum, or enough of it, with or without the serial.
func (d *Deployment) named(name string) bool {
	return d != nil && len(name) >= shortestChecksum && strings.HasPrefix(d.Checksum+"."+strconv.Itoa(d.Serial), name)
}

// Original: s is neither a snapshot nor an older deployment of another system.
func (s *System) Original() bool { return s.memberOf() == "" }

// memberOf is a key of what s is a snapshot or an older deployment of, "" for an
// original; heads are the keys that others have of s.
func (s *System) memberOf() string {
	switch {
	case s.SnapshotOf != "":
		return string(s.SnapshotOf)
	case s.Deployment != nil && s.Deployment.Older:
		return string(s.Root) + " " + s.Deployment.OS
	}
	return ""
}

func (s *System) heads() []string {
	out := []string{string(s.Root)}
	if s.Deployment != nil && !s.Deployment.Older {
		out = append(out, string(s.Root)+" "+s.Deployment.OS)
	}
	return out
}

// compareAge puts the older one first. One without a date counts as old.
func compareAge(a, b *System) int {
	if a.Deployment != nil && b.Deployment != nil && a.SnapshotOf == b.SnapshotOf {
		return cmp.Compare(b.Deployment.Index, a.Deployment.Index)
	}
	sa, sb := cmp.Or(a.Snapshot, &Snapshot{}), cmp.Or(b.Snapshot, &Snapshot{})
	return cmp.Or(sa.Date.Compare(sb.Date), cmp.Compare(sa.Number, sb.Number), cmp.Compare(sa.Name, sb.Name))
}
