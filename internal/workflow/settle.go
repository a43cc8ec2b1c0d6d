package workflow

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"salvor/internal/apply"
	"salvor/internal/machine"
	"salvor/internal/plan"
	"salvor/internal/storage"
	"salvor/internal/system"
	"salvor/internal/tool"
)

// settle gives every line the state that the machine is in: what counts is what
// the probe sees, not what the kernel answered.
func (s *sight) settle(m *system.Mounting, planned *storage.Graph, o outcome) {
	steps := o.mounts()
	for i := range m.Lines {
		l := &m.Lines[i]
		if l.State != system.Planned {
			continue
		}
		now := s.now.MountAt(l.Point)
		if now != nil && (l.Source == "" || s.now.Lineage(now.Source) == planned.Lineage(l.Source)) {
			l.State = system.Mounted
			if before := planned.MountAt(l.Point); before != nil && before.Source == l.Source {
				l.State = system.Already
			}
			continue
		}
		l.State = system.Failed
		l.Cause, l.Text = o.why(steps[l.Point])
	}
	for i := range m.Volumes {
		v := &m.Volumes[i]
		if v.State == system.VolumeOpen && !s.isOpen(v.ID) {
			v.State, v.Text = system.VolumeLocked, "it could not be opened"
		}
	}
	m.Notes = append(m.Notes, o.unlisted(m.Lines)...)
}

// mounts gives the steps that mount, by point.
func (o outcome) mounts() map[string]int {
	out := map[string]int{}
	for _, st := range o.plan.Steps {
		if op, ok := st.Op.(plan.Mount); ok {
			out[op.Mount.Point] = st.Number
		}
	}
	return out
}

// unlisted tells of failed mounts that no line stands for.
func (o outcome) unlisted(lines []system.Line) []string {
	var out []string
	for point, number := range o.mounts() {
		listed := slices.ContainsFunc(lines, func(l system.Line) bool { return l.Point == point })
		if err := o.steps[number].Err; err != nil && !listed {
			out = append(out, storage.Printable(err.Error()))
		}
	}
	slices.Sort(out)
	return out
}

// why tells why the mount of a step is not there.
func (o outcome) why(number int) (system.Cause, string) {
	end, ok := o.steps[number]
	switch {
	case !ok || end.Err == nil:
		return system.KernelSaid, "it was not mounted"
	case end.State == apply.Skipped && end.Cause == 0:
		return system.Stopped, "the work was stopped"
	case end.State == apply.Failed:
		return classify(end.Err), storage.Printable(end.Err.Error())
	}
	switch op := o.plan.Steps[end.Cause-1].Op.(type) {
	case plan.Mount:
		return system.Parent, storage.Printable(fmt.Sprintf("it lies below %s, which could not be mounted", op.Mount.Point))
	default:
		return opened(classify(end.Err)), storage.Printable(end.Err.Error())
	}
}

// opened is the cause for what rests on something that did not open: what the
// kernel or a program refused is not the mount itself.
func opened(c system.Cause) system.Cause {
	if c == system.KernelSaid {
		return system.IsClosed
	}
	return c
}

// causes are what failures of programs and of the kernel mean for a line; the
// first that fits counts.
var causes = []struct {
	err   error
	cause system.Cause
}{
	{context.Canceled, system.Stopped},
	{context.DeadlineExceeded, system.Stopped},
	{machine.ErrBusy, system.IsBusy},
	{tool.ErrBusy, system.IsBusy},
	{tool.ErrExists, system.IsBusy},
	{machine.ErrDirty, system.IsDirty},
	{tool.ErrDamaged, system.IsDamaged},
	{machine.ErrNoPoint, system.NoPoint},
	{machine.ErrPointNotDir, system.NoPoint},
	{machine.ErrUnknownType, system.WrongType},
	{machine.ErrBadContent, system.WrongType},
	{machine.ErrNoSuchDevice, system.IsMissing},
	{tool.ErrNoDevice, system.IsMissing},
	{tool.ErrWrongKey, system.IsLocked},
	{tool.ErrNoToken, system.IsLocked},
	{tool.ErrWrongPIN, system.IsLocked},
	{apply.ErrNoKey, system.IsLocked},
	{apply.ErrNoHeader, system.IsLocked},
}

// classify turns a failure into the word for it.
func classify(err error) system.Cause {
	for _, c := range causes {
		if errors.Is(err, c.err) {
			return c.cause
		}
	}
	return system.KernelSaid
}
