package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"salvor/internal/storage"
	"salvor/internal/system"
	"salvor/internal/workflow"
)

type mountReportJSON struct {
	*workflow.MountReport
	Devices map[storage.ID]deviceJSON `json:"devices"`
	Exit    int                       `json:"exit"`
}

func mountJSON(r *workflow.MountReport) mountReportJSON {
	ids := []storage.ID{r.System.Root}
	for _, l := range r.Lines {
		ids = append(append(ids, l.Source), l.Candidates...)
	}
	for _, v := range r.Volumes {
		ids = append(ids, v.ID)
	}
	if r.Volumes == nil {
		r.Volumes = []system.Volume{} // a list, even without members
	}
	out := mountReportJSON{MountReport: r, Devices: namesOf(r.Graph, ids)}
	if hasGaps(r) {
		out.Exit = exitGaps
	}
	return out
}

// mountTable shows what was, or would be, mounted: every line of the fstab, and
// every volume.
func (a *app) mountTable(r *workflow.MountReport) {
	v := &mountView{screen: a.out, r: r}
	v.head()
	v.plan()
	v.lines()
	v.volumes()
	v.checks()
	v.rest()
	if r.Done {
		a.whatNext(r)
	}
}

// whatNext says how to go on; programs do not need it.
func (a *app) whatNext(r *workflow.MountReport) {
	if a.opt.quiet || !slices.ContainsFunc(r.Lines, func(l system.Line) bool { return l.State == system.Mounted || l.State == system.Already }) {
		return
	}
	a.err.line("")
	a.err.line("next: salvor chroot    a shell inside it")
	a.err.line("      salvor umount    takes everything down again")
}

type mountView struct {
	*screen
	r *workflow.MountReport
}

func (v *mountView) head() {
	what, cannot := "would be mounted at", "cannot be mounted"
	if v.r.Done {
		what, cannot = "is mounted at", "could not be mounted"
	}
	gaps := 0
	for _, l := range v.r.Lines {
		if isGap(v.r, l) {
			gaps++
		}
	}
	v.line("%s %s %s", v.paint(bold, v.safe(titleOf(v.r.System))), what, v.safe(v.r.Target))
	switch {
	case gaps == 1:
		v.line("%s", v.paint(red, "One line below "+cannot+"."))
	case gaps > 1:
		v.line("%s", v.paint(red, fmt.Sprintf("%d lines below %s.", gaps, cannot)))
	}
}

func hasGaps(r *workflow.MountReport) bool {
	return slices.ContainsFunc(r.Lines, func(l system.Line) bool { return isGap(r, l) }) || slices.ContainsFunc(r.Checks, workflow.Checked.Gap)
}

// isGap: a planned line is one only when the work is over.
func isGap(r *workflow.MountReport, l system.Line) bool {
	return l.Gap() && (r.Done || l.State != system.Planned)
}

func (v *mountView) plan() {
	if v.r.Done {
		return
	}
	v.line("")
	if v.r.Plan.Empty() {
		v.line("Nothing has to be done.")
	}
	v.screen.plan(v.r.Plan)
}

// lines writes the fstab's lines, and in one line those that salvor adds.
func (v *mountView) lines() {
	var rows [][]string
	var added []string
	states := map[string]system.Line{}
	for _, run := range runs(v.r.Lines) {
		l := run[0]
		if l.Number == 0 && l.From == "" && l.File != "/" && !isGap(v.r, l) {
			added = append(added, l.File)
			continue
		}
		for _, l := range run[:min(len(run), manyAlike)] {
			row := v.row(l)
			states[row[0]+row[2]] = l
			rows = append(rows, row)
		}
		if more := run[min(len(run), manyAlike):]; len(more) > 0 {
			rows = append(rows, []string{"", "", "", "", fmt.Sprintf("and %d more lines like that, %d to %d (--json lists them)", len(more), more[0].Number, more[len(more)-1].Number)})
		}
	}
	v.line("")
	v.table(append([][]string{{"line", "state", "mount point", "device", ""}}, rows...), 2, stateColumn, func(row []string) style {
		if row[0] == "line" {
			return faint
		}
		return v.styleOf(states[row[0]+row[2]])
	})
	if len(added) > 0 {
		v.note(2, plain, "and for programs inside: "+strings.Join(added, " "))
	}
}

// stateColumn is where the second column of the table begins.
const stateColumn = 8

// manyAlike is how many lines that end alike, one after the other, are listed;
// a damaged fstab can have thousands.
const manyAlike = 10

// runs groups lines that follow each other and end alike.
func runs(lines []system.Line) [][]system.Line {
	var out [][]system.Line
	for i, l := range lines {
		last := len(out) - 1
		if i > 0 && l.Number > 0 && l.State == lines[i-1].State && l.Cause == lines[i-1].Cause && l.Cause != "" {
			out[last] = append(out[last], l)
			continue
		}
		out = append(out, []system.Line{l})
	}
	return out
}

func (v *mountView) row(l system.Line) []string {
	number := ""
	if l.Number > 0 {
		number = strconv.Itoa(l.Number)
	}
	return []string{pad("", 4-len(number)) + number, v.stateWord(l), v.safe(l.File), v.safe(v.deviceOf(l)), v.safe(v.causeText(l))}
}

func (v *mountView) stateWord(l system.Line) string {
	if isGap(v.r, l) {
		return strings.ToUpper(string(l.State))
	}
	return string(l.State)
}

func (v *mountView) styleOf(l system.Line) style {
	switch {
	case isGap(v.r, l):
		return red
	case l.State == system.Skipped:
		return faint
	default:
		return plain
	}
}

// deviceOf names what is mounted: the device if it is known, else the words of
// the fstab.
func (v *mountView) deviceOf(l system.Line) string {
	n := v.r.Graph.Node(v.sourceOf(l))
	if n == nil || l.State == system.Failed || l.State == system.Refused {
		return l.Spec
	}
	typ := ""
	for _, x := range append(v.r.Graph.Below(n.Base().ID), n) {
		if fs, ok := x.(*storage.FileSystem); ok {
			typ = " (" + fs.Type + ")"
		}
	}
	return carrier(v.r.Graph, n.Base().ID) + typ
}

// sourceOf is what the line mounts, by the ID that it has after the work: one with
// a twin has another ID when the twin is closed.
func (v *mountView) sourceOf(l system.Line) storage.ID {
	if m := v.r.Graph.MountAt(l.Point); v.r.Done && m != nil {
		return m.Source
	}
	return l.Source
}

// causeText is why the line ends as it does, and what else is to be known of it.
func (v *mountView) causeText(l system.Line) string {
	text := l.Text
	if l.Cause != "" && !strings.HasPrefix(text, string(l.Cause)) && l.State != system.Skipped {
		text = string(l.Cause) + ": " + text
	}
	if l.NoFail && isGap(v.r, l) {
		text += " (nofail: the booting system goes on without it)"
	}
	if l.From != "" {
		text = strings.TrimSuffix("from "+l.From+": "+text, ": ")
	}
	for _, n := range l.Notes {
		text = strings.TrimPrefix(text+"; "+n, "; ")
	}
	return text
}

func (v *mountView) volumes() {
	var rows [][]string
	for _, vol := range v.r.Volumes {
		rows = append(rows, v.volumeRow(vol))
	}
	if len(rows) == 0 {
		return
	}
	v.line("")
	v.table(append([][]string{{"volume", "state", "what", ""}}, rows...), 2, 4, func(row []string) style {
		switch row[1] {
		case "volume":
			return faint
		case string(system.VolumeOpen), "state":
			return plain
		default:
			return red
		}
	})
}

func (v *mountView) volumeRow(vol system.Volume) []string {
	what, state := "", string(vol.State)
	if v.r.Graph.Node(vol.ID) != nil {
		what = describe(v.r.Graph, vol.ID) + " on " + carrier(v.r.Graph, vol.ID)
	}
	if vol.State != system.VolumeOpen {
		state = strings.ToUpper(state)
	}
	name := cmp.Or(vol.Name, v.r.Graph.ShortName(vol.ID))
	text := vol.Text
	if vol.From != "" {
		text = strings.TrimSuffix("from "+vol.From+": "+text, ": ")
	}
	return []string{v.safe(name), state, v.safe(what), v.safe(text)}
}

// rest writes the risks of a plan and the notes.
func (v *mountView) rest() {
	if !v.r.Done && len(v.r.Risks) > 0 {
		v.line("")
		v.line("Before it is mounted read-write, this has to be accepted:")
		for _, r := range v.r.Risks {
			v.note(2, yellow, string(r.Health)+": "+r.Text)
		}
	}
	for _, n := range v.r.Notes {
		v.note(2, yellow, "note: "+n)
	}
}
