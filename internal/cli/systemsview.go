package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"salvor/internal/storage"
	"salvor/internal/system"
	"salvor/internal/workflow"
)

// fewSnapshots is how many snapshots of one system are listed without --all.
const fewSnapshots = 3

type systemsJSON struct {
	*workflow.SystemsReport
	Devices map[storage.ID]deviceJSON `json:"devices"`
	Exit    int                       `json:"exit"`
}

// deviceJSON is what people call a node, and where it is now.
type deviceJSON struct {
	Name string `json:"name"`
	Path string `json:"path,omitempty"`
}

func namesOf(g *storage.Graph, ids []storage.ID) map[storage.ID]deviceJSON {
	out := map[storage.ID]deviceJSON{}
	for _, id := range ids {
		if id != "" && g.Node(id) != nil {
			out[id] = deviceJSON{carrier(g, id), g.DevicePath(id)}
		}
	}
	return out
}

func rootsOf(r *workflow.SystemsReport) []storage.ID {
	var out []storage.ID
	for _, f := range r.Findings {
		out = append(out, f.Root)
	}
	return out
}

// titleOf names a system on one line.
func titleOf(s *system.System) string {
	parts := []string{s.Name}
	if s.Arch != "" {
		parts = append(parts, "("+s.Arch+")")
	}
	if s.Hostname != "" {
		parts = append(parts, "host "+s.Hostname)
	}
	return strings.Join(parts, " ")
}

// showSystems writes the list for people.
func (a *app) showSystems(r *workflow.SystemsReport, all bool) {
	v := &systemsView{screen: a.out, r: r, all: all}
	systems := system.Systems(r.Findings)
	shown := map[*system.System]bool{}
	for _, s := range systems {
		if s.Original() && s.Snapshot == nil {
			own := system.SnapshotsOf(systems, s)
			v.system(s)
			v.snapshots(own)
			shown[s] = true
			for _, o := range own {
				shown[o] = true
			}
		}
	}
	// Snapshots whose origin is gone, or is a snapshot itself.
	v.strays(slices.DeleteFunc(slices.Clone(systems), func(s *system.System) bool { return shown[s] }))
	if len(systems) == 0 {
		a.out.line("No installed system was found.")
		a.out.line("")
	}
	v.others()
}

type systemsView struct {
	*screen
	r   *workflow.SystemsReport
	all bool
}

func (v *systemsView) system(s *system.System) {
	head := fmt.Sprintf("%2d  %s", s.Number, v.paint(bold, v.safe(s.Name)))
	if s.Arch != "" {
		head += "  " + v.safe(s.Arch)
	}
	if s.Hostname != "" {
		head += "  host " + v.safe(s.Hostname)
	}
	v.line("%s", head)
	v.field("root", plain, whereIs(v.r.Graph, s.Root))
	if d := s.Deployment; d != nil {
		v.field("ostree", plain, "its root is the directory /"+s.Dir+deploymentWords(d))
	}
	if t := s.Snapshot; t != nil {
		v.field("snapshot", plain, snapshotWords(t))
	}
	if len(s.Kernels) > 0 {
		v.field("kernels", plain, strings.Join(s.Kernels, ", "))
	}
	if s.SavedLayout != "" {
		v.field("layout", layoutStyles[s.SavedLayout], string(s.SavedLayout))
	}
	v.mountable(s)
	for _, n := range s.Notes {
		v.field("note", yellow, n)
	}
	v.line("")
}

// layoutStyles: a layout that cannot be used is no harm, but to be known of.
var layoutStyles = map[system.SavedState]style{system.SavedUsable: plain, system.SavedForeign: yellow, system.SavedUnreadable: yellow}

// field writes a word and what it stands for, wrapped.
func (v *systemsView) field(word string, st style, text string) {
	const indent = 14
	for i, l := range wrap(v.safe(text), v.width-indent) {
		if i > 0 {
			word = ""
		}
		v.line("    %s%s", pad(word+" ", indent-4), v.paint(st, l))
	}
}

// mountable says whether the system could be mounted now.
func (v *systemsView) mountable(s *system.System) {
	var locked, gaps []string
	for _, vol := range v.r.Volumes[s.Place()] {
		if vol.State == system.VolumeLocked {
			locked = append(locked, cmp.Or(vol.Name, v.r.Graph.ShortName(vol.ID)))
		}
	}
	for _, l := range v.r.Gaps[s.Place()] {
		if l.Cause != system.IsLocked {
			gaps = append(gaps, fmt.Sprintf("%s (%s)", pointOf(l), l.Cause))
		}
	}
	if len(locked) > 0 {
		v.field("locked", yellow, strings.Join(locked, ", ")+": a key is needed")
	}
	switch n := len(gaps); {
	case n > 0:
		v.field("mount", red, fmt.Sprintf("all but %d: %s", n, enumerate(gaps)))
	case len(locked) == 0:
		v.field("mount", green, "can be mounted completely")
	}
	for _, r := range v.r.Risks[s.Place()] {
		v.field(string(r.Health), yellow, r.Text)
	}
}

// pointOf names a line by its mount point, or by its number when it has none.
func pointOf(l system.Line) string {
	if strings.HasPrefix(l.File, "/") {
		return l.File
	}
	return fmt.Sprintf("line %d", l.Number)
}

// enumerate lists a few and counts the rest.
func enumerate(all []string) string {
	const few = 6
	if len(all) <= few {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:few], ", "), len(all)-few)
}

// snapshots lists the snapshots of a system, the oldest first, or counts them if
// they are many.
func (v *systemsView) snapshots(own []*system.System) {
	n := len(own)
	if n == 0 {
		return
	}
	if n > fewSnapshots+1 && !v.all {
		v.line("    %s", v.paint(faint, fmt.Sprintf("%d snapshots (--all lists them), the youngest of them, each after its number in this list:", n)))
		own = own[n-1:]
	}
	for _, s := range own {
		v.line("    %2d  %s", s.Number, v.paint(faint, v.safe(memberWords(v.r.Graph, s))))
	}
	v.line("")
}

// strays lists snapshots that stand under no system, of many only a few.
func (v *systemsView) strays(list []*system.System) {
	for i, s := range list {
		if i == fewSnapshots && len(list) > fewSnapshots+1 && !v.all {
			v.line("    %s", v.paint(faint, fmt.Sprintf("and %d more snapshots whose system is not there (--all)", len(list)-i)))
			v.line("")
			return
		}
		v.system(s)
	}
}

// others lists what is no system.
func (v *systemsView) others() {
	rows, many := [][]string{}, newFold(v.r.Graph, v.r.Findings)
	for _, f := range v.r.Findings {
		if f.System != nil || !v.all && many.takes(f) {
			continue
		}
		cause := f.Cause
		if f.Class == system.Locked {
			cause = "" // the word says it
		}
		rows = append(rows, []string{v.safe(carrier(v.r.Graph, f.Root)), string(f.Class), v.safe(describe(v.r.Graph, f.Root)), v.safe(cause)})
	}
	for _, row := range many.rows() {
		if !v.all {
			rows = append(rows, []string{v.safe(row[0]), row[1], "", v.safe(row[2])})
		}
	}
	if len(rows) == 0 {
		return
	}
	v.line("Also found:")
	v.table(rows, 2, 6, func(row []string) style {
		switch system.Class(row[1]) {
		case system.Locked, system.Unknown:
			return yellow
		default:
			return plain
		}
	})
}

// carrier is the device that the root lies on, as people call it.
func carrier(g *storage.Graph, root storage.ID) string {
	n := g.Node(root)
	if n == nil {
		return string(root)
	}
	switch n := n.(type) {
	case *storage.Subvolume:
		return carrier(g, n.On[0]) + "[/" + n.Path + "]"
	case *storage.FileSystem, *storage.Swap, *storage.Opaque, *storage.Crypt:
		var names []string
		for _, low := range g.Lower(root) {
			names = append(names, g.ShortName(low.Base().ID))
		}
		if len(names) > 0 {
			return strings.Join(names, "+")
		}
	}
	return g.ShortName(root)
}

// describe is what the root is, with its size.
func describe(g *storage.Graph, root storage.ID) string {
	n := g.Node(root)
	if n == nil {
		return ""
	}
	text := g.Describe(n)
	if sub, ok := n.(*storage.Subvolume); ok {
		if fsys, ok := g.Node(sub.On[0]).(*storage.FileSystem); ok {
			text = fsys.Type + " " + text
		}
	}
	if size := n.Base().Size; size > 0 {
		text += ", " + storage.HumanSize(size)
	}
	return text
}

// whereIs names a root so that a person finds it: what it is, on which device and
// on which disks.
func whereIs(g *storage.Graph, root storage.ID) string {
	text := carrier(g, root) + ", " + describe(g, root)
	var disks []string
	for _, d := range g.Disks(root) {
		name := g.ShortName(d.ID)
		if model := strings.TrimSpace(d.Model + " " + d.Serial); model != "" {
			name += " (" + model + ")"
		}
		disks = append(disks, name)
	}
	if len(disks) > 0 {
		text += ", on " + enumerate(disks)
	}
	return text
}
