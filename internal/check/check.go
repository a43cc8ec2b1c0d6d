package check

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"

	"salvor/internal/bootentry"
	"salvor/internal/fstab"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// Subject is a system as it was looked at.
type Subject struct {
	Graph    *storage.Graph   // with everything open that can be seen
	System   *system.System   //
	Files    fs.FS            // as system.Files gives them
	Mounting *system.Mounting // what mounting it at "/", as it would do itself, means
	Boot     *bootentry.Boot
	// Initramfs holds what was read of the initrds, by their path in the system;
	// one that could not be read is not among them.
	Initramfs map[string]*bootentry.Initramfs
	// Space gives how large a file system is and what is free of it, in bytes.
	Space func(storage.ID) (size, free uint64, ok bool)
}

// Severity says what comes of a finding.
type Severity string

// The severities.
const (
	// Broken: it will not boot, or not mount what it should.
	Broken Severity = "broken"
	// Doubtful: it works by luck, or will fail some day.
	Doubtful Severity = "doubtful"
	// Notice: it works; a person should know.
	Notice Severity = "notice"
)

// Finding is one thing that is wrong. Its texts are fit for a terminal.
type Finding struct {
	Code     Code         `json:"code"`
	Severity Severity     `json:"severity"`
	Where    string       `json:"where"`           // a file and its line, a boot entry, a device
	Text     string       `json:"text"`            // what is wrong
	Cause    string       `json:"cause,omitempty"` // why
	Remedy   string       `json:"remedy"`          // what to do
	IDs      []storage.ID `json:"ids,omitempty"`   // the nodes that it is about
}

// Check lists what is wrong, the worst first.
func Check(s Subject) []Finding {
	c := &checker{Subject: s, names: system.NewResolver(s.Graph, s.System)}
	c.tables()
	c.saved()
	c.lines()
	c.volumes()
	c.bootEntries()
	c.initramfs()
	c.health()
	c.space()
	slices.SortStableFunc(c.out, func(a, b Finding) int {
		return cmp.Compare(rank[a.Severity], rank[b.Severity])
	})
	return c.out
}

var rank = map[Severity]int{Broken: 0, Doubtful: 1, Notice: 2}

type checker struct {
	Subject
	names *system.Resolver
	out   []Finding
}

// find adds a finding with the severity of its code.
func (c *checker) find(code Code, where, text, cause, remedy string, ids ...storage.ID) *Finding {
	ids = slices.DeleteFunc(ids, func(id storage.ID) bool { return id == "" })
	f := Finding{Code: code, Severity: codes[code].severity, Where: where, Text: text, Cause: cause, Remedy: remedy, IDs: ids}
	for _, s := range []*string{&f.Where, &f.Text, &f.Cause, &f.Remedy} {
		*s = storage.Printable(*s)
	}
	c.out = append(c.out, f)
	return &c.out[len(c.out)-1]
}

// describe names a node so that a person recognises it.
func (c *checker) describe(id storage.ID) string { return system.Describe(c.Graph, id) }

// lineWhere says where a line stands.
func lineWhere(l system.Line) string {
	if l.From != "" {
		return l.From
	}
	return fmt.Sprintf("/etc/fstab line %d", l.Number)
}

// entries gives the lines of the fstab by their numbers.
func entriesByLine(t *fstab.Fstab) map[int]fstab.Entry {
	out := map[int]fstab.Entry{}
	if t != nil {
		for _, e := range t.Entries {
			out[e.Line] = e
		}
	}
	return out
}
