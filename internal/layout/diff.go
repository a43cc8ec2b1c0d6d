package layout

import (
	"cmp"
	"slices"

	"salvor/internal/storage"
)

// Difference is what is different between two layouts: of one machine on two days, or
// of a machine before and after it was recovered.
type Difference struct {
	// Changes are in the order of the sections, and of the file within them.
	Changes []Change `json:"changes"`
	// Ignored says how many changes are in sections that were not asked for.
	Ignored []Ignored `json:"ignored,omitempty"`
	// Names tells what people call the nodes whose IDs stand in changes.
	Names map[storage.ID]string `json:"names,omitempty"`
}

// Ignored is a section that was not asked for.
type Ignored struct {
	Section string `json:"section"`
	Changes int    `json:"changes"`
}

// Change is one thing that is different.
type Change struct {
	Section  string     `json:"section"`
	Kind     string     `json:"kind"`         // of the thing: disk, partition, … as in a graph; mount, file, tool …
	ID       storage.ID `json:"id,omitempty"` // of the thing, if it is a node: in the second layout if it is there
	What     string     `json:"what"`         // what people call the thing; the words may be improved
	How      How        `json:"change"`
	Field    string     `json:"field,omitempty"`  // where in the thing, in the words of the file: ext.inodes, members[part:…].role
	Before   any        `json:"before,omitempty"` // as the file has it; nil for what the file leaves out
	After    any        `json:"after,omitempty"`
	Lines    []string   `json:"lines,omitempty"` // of a file: what is different, as a unified diff
	Severity Severity   `json:"severity"`
	Bytes    bool       `json:"-"` // Before and After are numbers of bytes
}

// How says in which way a thing is different.
type How string

// The ways. Another thing in the same place (a file system made anew on its partition, a
// disk in the place of a broken one) is a change of what is there, and not one thing gone
// and another one new.
const (
	Added    How = "added"    // only the second layout has it
	Removed  How = "removed"  // only the first one has it
	Changed  How = "changed"  // a field of it
	Replaced How = "replaced" // another thing is in its place: Before and After are IDs
)

// Severity says what a change makes stale.
type Severity string

// The severities.
const (
	ForRecovery Severity = "recovery" // what a recovery would make is not what is there: a new save is needed, and a new rescue image
	ForRescue   Severity = "rescue"   // the rescue image may lack something: a new one is needed
	ForNothing  Severity = "usage"    // neither: it only tells how the machine is used
)

// section is a part of a layout that can be left out of a comparison.
type section struct {
	name     string
	field    string // of Layout
	kind     string // of the things in it
	severity Severity
}

// snapshots is the section of the snapshots that nobody mounts: tools make and delete
// them every hour, and a recovery does without them.
const snapshots = "snapshots"

var sections = []section{
	{"storage", "Storage", "", ForRecovery},
	{"mounts", "Mounts", "mount", ForRecovery},
	{"files", "Files", "file", ForRecovery},
	{"boot", "Boot", "boot", ForRecovery},
	{"network", "Network", "network", ForRescue},
	{"machine", "Machine", "machine", ForRescue},
	{"tools", "Tools", "tool", ForRescue},
	{"uncovered", "Uncovered", "uncovered", ForRecovery},
	{"headers", "Headers", "header", ForRecovery},
	{snapshots, "", "", ForNothing},
	{"usage", "Usage", "usage", ForNothing},
}

// Sections are the names that ignore takes, in the order in which changes are told.
func Sections() []string {
	var out []string
	for _, s := range sections {
		out = append(out, s.name)
	}
	return out
}

func sectionAt(name string) int {
	return slices.IndexFunc(sections, func(s section) bool { return s.name == name })
}

// Diff tells what is different in b, leaving out the sections that are to be ignored.
// Other names from the kernel, another order and all that the table of hints lists are
// no difference.
func Diff(a, b *Layout, ignore []string) *Difference {
	was, is := newSide(a), newSide(b)
	d := &differ{was: was, is: is}
	d.matchNodes()
	d.nodes()
	for _, s := range sections {
		switch s.field {
		case "", "Storage":
		default:
			d.section(s)
		}
	}
	slices.SortStableFunc(d.changes, func(x, y Change) int {
		return cmp.Compare(sectionAt(x.Section), sectionAt(y.Section))
	})
	return d.difference(ignore)
}

// difference leaves out what is to be ignored, and counts it.
func (d *differ) difference(ignore []string) *Difference {
	out := &Difference{Changes: []Change{}}
	for _, c := range d.changes {
		if !slices.Contains(ignore, c.Section) {
			out.Changes = append(out.Changes, c)
			continue
		}
		if n := len(out.Ignored); n == 0 || out.Ignored[n-1].Section != c.Section {
			out.Ignored = append(out.Ignored, Ignored{Section: c.Section})
		}
		out.Ignored[len(out.Ignored)-1].Changes++
	}
	out.Names = d.names(out.Changes)
	return out
}

// Empty reports whether nothing is different in what was asked for.
func (d *Difference) Empty() bool { return len(d.Changes) == 0 }

// Count gives how many changes are of a severity.
func (d *Difference) Count(s Severity) int {
	n := 0
	for _, c := range d.Changes {
		if c.Severity == s {
			n++
		}
	}
	return n
}
