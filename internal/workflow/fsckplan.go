package workflow

import (
	"cmp"
	"fmt"
	"slices"

	"salvor/internal/machine"
	"salvor/internal/plan"
	"salvor/internal/storage"
	"salvor/internal/system"
	"salvor/internal/tool"
)

// toCheck is a file system and the check that it needs.
type toCheck struct {
	Checked
	fsys *storage.FileSystem
	cmd  machine.Cmd
	pass int
	root bool
}

// checksFor lists what has to be checked before the mounts of a plan: the root
// first, then by the number in fstab, where 0, not at all, comes last: it was asked
// for. What is mounted read-only is left out, unless nothing at all is written.
func checksFor(now *storage.Graph, m *system.Mounting, p *plan.Plan, readOnly bool) []toCheck {
	lines := map[string]system.Line{}
	for _, l := range m.Lines {
		lines[l.Point] = l
	}
	found := map[storage.ID]*toCheck{}
	for _, st := range p.Steps {
		op, is := st.Op.(plan.Mount)
		fsys := fileSystemOf(now, op.Mount)
		if !is || fsys == nil || op.Mount.ReadOnly && !readOnly {
			continue
		}
		l := lines[op.Mount.Point]
		c := toCheck{Checked: Checked{ID: fsys.ID, File: l.File, Device: m.Want.DevicePath(fsys.ID)}, fsys: fsys, pass: l.Pass(), root: l.File == "/"}
		if before := found[fsys.ID]; before == nil || c.order(*before) < 0 {
			c.choose(now, readOnly)
			found[fsys.ID] = &c
		}
	}
	addMounted(found, now, m)
	var out []toCheck
	for _, c := range found {
		out = append(out, *c)
	}
	slices.SortFunc(out, toCheck.order)
	return out
}

// addMounted lists what is mounted already as well, so that nobody takes it for
// checked.
func addMounted(found map[storage.ID]*toCheck, now *storage.Graph, m *system.Mounting) {
	for _, l := range m.Lines {
		fsys := fileSystemOf(now, storage.Mount{Source: l.Source})
		if fsys == nil || found[fsys.ID] != nil || l.State != system.Already && l.State != system.Planned || len(now.MountsOf(fsys.ID)) == 0 {
			continue
		}
		c := Checked{ID: fsys.ID, File: l.File, Device: now.DevicePath(fsys.ID), Verdict: tool.Skipped, Text: isMounted}
		found[fsys.ID] = &toCheck{Checked: c, fsys: fsys, pass: l.Pass(), root: l.File == "/"}
	}
}

// plannedChecks lists the checks of an order that is not carried out.
func plannedChecks(now *storage.Graph, o MountOrder, m *system.Mounting, p *plan.Plan) []Checked {
	if !o.Fsck {
		return nil
	}
	var out []Checked
	for _, c := range checksFor(now, m, p, o.ReadOnly) {
		out = append(out, c.Checked)
	}
	return out
}

func (c toCheck) order(o toCheck) int {
	rank := func(c toCheck) int {
		switch {
		case c.root:
			return 0
		case c.pass <= 0:
			return 1 << 30
		}
		return c.pass
	}
	return cmp.Or(cmp.Compare(rank(c), rank(o)), cmp.Compare(c.File, o.File))
}

// fileSystemOf gives the file system that is mounted, or nil for a mount without one
// of its own.
func fileSystemOf(g *storage.Graph, m storage.Mount) *storage.FileSystem {
	if m.Bind != "" {
		return nil
	}
	n := g.Node(m.Source)
	if sub, ok := n.(*storage.Subvolume); ok && len(sub.On) > 0 {
		n = g.Node(sub.On[0])
	}
	fsys, _ := n.(*storage.FileSystem)
	return fsys
}

const isMounted = "it is mounted already"

// choose finds the command, or says why there is none.
func (c *toCheck) choose(now *storage.Graph, readOnly bool) {
	cmd, ok := tool.CheckFileSystem(tool.Check{Type: c.fsys.Type, Device: c.Device, ReadOnly: readOnly})
	switch {
	case len(now.MountsOf(c.ID)) > 0:
		c.Verdict, c.Text = tool.Skipped, isMounted
	case c.fsys.Type == "xfs" && c.fsys.Is(storage.Dirty):
		c.Verdict, c.Text = tool.Skipped, "its log has to be replayed first, which mounting does; it can be checked after the next unmount"
	case c.fsys.Type == "ntfs":
		c.Verdict, c.Text = tool.Skipped, "only Windows can check it (chkdsk)"
	case !ok:
		c.Verdict, c.Text = tool.Skipped, fmt.Sprintf("there is no program that checks %s", storage.Printable(c.fsys.Type))
	default:
		c.cmd, c.Command = cmd, cmd.String()
	}
}
