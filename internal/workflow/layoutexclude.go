package workflow

import (
	"fmt"
	"slices"

	"salvor/internal/config"
	"salvor/internal/layout"
	"salvor/internal/storage"
)

// exclusions turns the patterns of the configuration into what they match here. One that
// matches nothing is told: it may be a slip of the pen, and what it was meant for is in
// the layout then.
func exclusions(c *config.Loaded, g *storage.Graph) (out []layout.Exclusion, notes []string) {
	for i, e := range c.Exclude {
		from := c.Origin(fmt.Sprintf("exclude[%d]", i)).String()
		found := matches(e, g)
		if len(found) == 0 {
			notes = append(notes, fmt.Sprintf("%s excludes nothing: nothing here matches", from))
		}
		for _, x := range found {
			x.Why, x.From = e.Why, from
			out = append(out, x)
		}
	}
	if len(c.Layout.OnlyVolumeGroups) == 0 {
		return out, notes
	}
	for vg := range storage.All[*storage.VG](g) {
		if !slices.ContainsFunc(c.Layout.OnlyVolumeGroups, func(p config.Pattern) bool { return p.Match(vg.Name) }) {
			out = append(out, layout.Exclusion{ID: vg.ID, Why: "layout.only_volume_groups does not name it", From: c.Origin("layout.only_volume_groups[0]").String()})
		}
	}
	return out, notes
}

// matches gives what one entry of the configuration matches.
func matches(e config.Exclude, g *storage.Graph) []layout.Exclusion {
	var out []layout.Exclusion
	if e.Mount != "" {
		seen := map[string]bool{}
		for _, m := range g.Mounts {
			if !seen[m.Point] && e.Mount.Match(m.Point) {
				seen[m.Point] = true
				out = append(out, layout.Exclusion{Mount: m.Point})
			}
		}
		return out
	}
	for n := range g.Nodes() {
		c := n.Base()
		named := e.ID != "" && (e.ID.Match(string(c.ID)) || e.ID.Match(string(c.Identity)))
		if named || e.Device != "" && answersTo(n, e.Device) {
			out = append(out, layout.Exclusion{ID: c.ID})
		}
	}
	return out
}

// answersTo: any name of a device or of a volume group matches.
func answersTo(n storage.Node, p config.Pattern) bool {
	if vg, ok := n.(*storage.VG); ok && p.Match(vg.Name) {
		return true
	}
	return slices.ContainsFunc(n.Base().Names, func(name storage.Name) bool { return p.Match(name.Path) })
}
