package layout

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"salvor/internal/storage"
)

// Exclusion is what salvor was told to leave out: one of ID, Mount and Device.
type Exclusion struct {
	ID     storage.ID // a node, by its ID or identity
	Mount  string     // a directory: what is mounted there and below
	Device string     // a pattern as of path.Match for any name of a device
	Why    string     // what the administrator says
	From   string     // where it is said: a file and a line
}

// String says what is excluded.
func (e Exclusion) String() string {
	switch {
	case e.ID != "":
		return string(e.ID)
	case e.Mount != "":
		return "mounts at " + e.Mount
	default:
		return "devices " + e.Device
	}
}

func (e Exclusion) sentence() string {
	var b strings.Builder
	b.WriteString("it is excluded")
	b.WriteString(by(e.From))
	if e.Why != "" {
		b.WriteString(": " + e.Why)
	}
	return b.String()
}

func by(from string) string {
	if from == "" {
		return ""
	}
	return " by " + from
}

// exclusionOf gives the first exclusion that a node falls under.
func (c *capture) exclusionOf(n storage.Node) *Exclusion {
	for i := range c.in.Exclude {
		if e := &c.in.Exclude[i]; c.excludes(e, n) {
			c.usedExclusion(i)
			return e
		}
	}
	return nil
}

func (c *capture) excludes(e *Exclusion, n storage.Node) bool {
	b := n.Base()
	switch {
	case e.ID != "":
		return b.ID == e.ID || b.Identity == e.ID
	case e.Mount != "":
		return c.onlyMountedIn(e.Mount, n)
	}
	return slices.ContainsFunc(b.Names, func(name storage.Name) bool {
		ok, err := path.Match(e.Device, name.Path)
		return ok && err == nil
	})
}

// onlyMountedIn: n is mounted there, and what of it is mounted is mounted nowhere else. What
// else carries a file system is not meant by a mount point.
func (c *capture) onlyMountedIn(dir string, n storage.Node) bool {
	if k := n.Kind(); k != storage.KindFileSystem && k != storage.KindSubvolume {
		return false
	}
	mounts := slices.Clone(c.mountsOf()[n.Base().ID])
	for _, up := range c.g.Above(n.Base().ID) {
		mounts = append(mounts, c.mountsOf()[up.Base().ID]...)
	}
	for _, m := range mounts {
		if !storage.PathContains(dir, m.Point) {
			return false
		}
	}
	return len(mounts) > 0
}

// excludesMount gives the first exclusion by mount point that m falls under.
func (c *capture) excludesMount(m storage.Mount) *Exclusion {
	for i := range c.in.Exclude {
		if e := &c.in.Exclude[i]; e.ID == "" && e.Mount != "" && storage.PathContains(e.Mount, m.Point) {
			c.usedExclusion(i)
			return e
		}
	}
	return nil
}

func (c *capture) usedExclusion(i int) {
	if c.used == nil {
		c.used = map[int]bool{}
	}
	c.used[i] = true
}

// tellExclusions says which exclusions meant nothing, and which took away what the
// system needs.
func (c *capture) tellExclusions() {
	used := map[string]bool{} // one line of a configuration may have become several
	for i, e := range c.in.Exclude {
		used[e.From] = used[e.From] || e.From != "" && (c.used[i] || c.meansLeft(&e))
	}
	for i, e := range c.in.Exclude {
		if !c.used[i] && !used[e.From] && !c.meansLeft(&e) {
			used[e.From] = e.From != ""
			c.notes = append(c.notes, fmt.Sprintf("the exclusion of %s%s leaves nothing out", e, by(e.From)))
		}
	}
	for _, m := range c.live {
		if gap := c.gaps[m.Source]; gap != nil && gap.State == Excluded && isNeeded(m.Point) {
			c.notes = append(c.notes, fmt.Sprintf("the system needs what is mounted at %s, and it is left out: %s", m.Point, gap.Why))
		}
	}
}

// meansLeft: what e means is no part of the machine anyway.
func (c *capture) meansLeft(e *Exclusion) bool {
	for id := range c.left {
		if n := c.g.Node(id); c.excludes(e, n) {
			return true
		}
	}
	return e.Mount != "" && slices.ContainsFunc(c.live, func(m storage.Mount) bool {
		return isKernels(c, m) && storage.PathContains(e.Mount, m.Point)
	})
}

// isNeeded tells mount points without which a system does not start.
func isNeeded(point string) bool {
	return slices.Contains([]string{"/", "/usr", "/etc", "/var", "/boot", "/boot/efi", "/efi"}, point)
}
