package system

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// ErrNoSystem: nothing that fits was found.
var ErrNoSystem = errors.New("no installed system was found")

// ChoiceError: several systems fit and none may be guessed.
type ChoiceError struct {
	Wanted string
	Among  []*System
}

func (e *ChoiceError) Error() string {
	if e.Wanted == "" {
		return fmt.Sprintf("cannot choose: %d systems were found", len(e.Among))
	}
	return fmt.Sprintf("cannot choose: %d systems answer to %q", len(e.Among), e.Wanted)
}

// Choose picks the system that name means: its number, the ID or a name of its
// root, its hostname, its distribution, or a part of its full name. Snapshots,
// and the live system itself, are meant only when nothing else is. It fails with
// ErrNoSystem or *ChoiceError.
func Choose(g *storage.Graph, systems []*System, name string) (*System, error) {
	for _, is := range matchers(g, name) {
		fit := slices.DeleteFunc(slices.Clone(systems), func(s *System) bool { return !is(s) })
		for _, rather := range []func(*System) bool{(*System).Original, isElsewhere} {
			if better := slices.DeleteFunc(slices.Clone(fit), func(s *System) bool { return !rather(s) }); len(better) > 0 {
				fit = better
			}
		}
		switch len(fit) {
		case 0:
		case 1:
			return fit[0], nil
		default:
			return nil, &ChoiceError{name, fit}
		}
	}
	if name == "" {
		return nil, ErrNoSystem
	}
	return nil, fmt.Errorf("%w that answers to %q", ErrNoSystem, name)
}

func isElsewhere(s *System) bool { return !s.Running }

// matchers are tried in turn, the exact ones first.
func matchers(g *storage.Graph, name string) []func(*System) bool {
	if name == "" {
		return []func(*System) bool{func(*System) bool { return true }}
	}
	named := nodesNamed(g, name)
	return []func(*System) bool{
		func(s *System) bool {
			return fmt.Sprint(s.Number) == name || string(s.Root) == name || string(s.Place()) == name || s.Lineage(g) == name
		},
		func(s *System) bool { return s.Deployment.named(name) },
		func(s *System) bool { return named[s.Root] },
		func(s *System) bool { return s.Hostname == name || s.Distro == name },
		func(s *System) bool { return strings.Contains(strings.ToLower(s.Name), strings.ToLower(name)) },
	}
}

// nodesNamed gives what lies directly on the device of that name, and the
// subvolumes in it. A name that a person types is one of the machine as it is
// now; other than in an fstab, /dev/sda2 is what is called so here.
func nodesNamed(g *storage.Graph, name string) map[storage.ID]bool {
	out := map[storage.ID]bool{}
	devices := g.ByName(name)
	if len(devices) == 0 {
		id, err := NewResolver(g, nil).Node(fstab.ParseSpec(name))
		if err == nil {
			devices = []storage.Node{g.Node(id)}
		}
		if re, ok := errors.AsType[*ResolveError](err); ok && re.Why == Twofold {
			for _, id := range re.IDs { // a choice, where there is a system on more than one
				devices = append(devices, g.Node(id))
			}
		}
	}
	for _, d := range devices {
		out[d.Base().ID] = true
		for _, up := range g.Upper(d.Base().ID) {
			out[up.Base().ID] = true
			for _, sub := range g.Upper(up.Base().ID) {
				out[sub.Base().ID] = true
			}
		}
	}
	return out
}
