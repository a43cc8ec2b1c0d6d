package workflow

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"salvor/internal/apply"
	"salvor/internal/machine"
	"salvor/internal/plan"
	"salvor/internal/session"
	"salvor/internal/storage"
	"salvor/internal/system"
	"salvor/internal/tool"
)

// Checked is a file system that was, or (without a verdict) is to be, checked before
// it is mounted.
type Checked struct {
	ID      storage.ID   `json:"id"`
	File    string       `json:"file"` // the first mount point of it in the system
	Device  string       `json:"device"`
	Command string       `json:"command,omitempty"`
	Verdict tool.Verdict `json:"verdict,omitempty"`
	Text    string       `json:"text,omitempty"`   // why there is no verdict of a checker
	Said    []string     `json:"said,omitempty"`   // what the checker wrote, line by line
	Repair  string       `json:"repair,omitempty"` // of what is damaged: the whole check, for a person
	// Err is why the checker could not be run.
	Err error `json:"-"`
}

// Gap: it was to be checked and could not be.
func (c Checked) Gap() bool { return c.Verdict == tool.Undone }

// DamagedError is a file system with errors that its checker does not correct by
// itself.
type DamagedError struct {
	Checked
	Text string // the file system so that a person recognises it
	// Open tells that what the file system lies on was left open, so that it can be
	// repaired.
	Open bool
}

func (e *DamagedError) Error() string {
	said := ""
	if n := len(e.Said); n > 0 {
		said = ": " + strings.Join(e.Said[max(0, n-2):], " ")
	}
	return fmt.Sprintf("%s has errors that %q does not correct%s", e.Text, e.Command, said)
}

// Unwrap gives the meaning of it.
func (e *DamagedError) Unwrap() error { return tool.ErrDamaged }

// runChecked carries a plan out like run, and checks the file systems when all that
// they lie on is open and before the first of them is mounted.
func (s *sight) runChecked(ctx context.Context, m *system.Mounting, p *plan.Plan, readOnly bool) (outcome, []Checked, error) {
	opens, mounts := splitAtMounts(p)
	o := outcome{plan: p, steps: map[int]apply.StepResult{}}
	err := s.performPart(ctx, o, opens)
	var checks []Checked
	if err == nil {
		checks, err = s.checkAll(ctx, m, o, mounts, readOnly)
	}
	if err == nil {
		err = s.performPart(ctx, o, o.bar(mounts))
	}
	if len(o.steps) == 0 && len(checks) == 0 {
		return o, checks, err
	}
	for _, st := range o.bar(p).Steps {
		o.steps[st.Number] = apply.StepResult{Step: st, State: apply.Skipped, Err: err}
	}
	s.stale = true
	return o, checks, errors.Join(err, s.refresh(context.WithoutCancel(ctx)))
}

// performPart carries out some steps of the outcome's plan.
func (s *sight) performPart(ctx context.Context, o outcome, part *plan.Plan) error {
	done, err := s.perform(ctx, part, len(o.plan.Steps))
	maps.Copy(o.steps, done.steps)
	return err
}

// splitAtMounts takes a plan apart: what can be done before anything is mounted, and
// the rest. The steps keep their numbers.
func splitAtMounts(p *plan.Plan) (opens, mounts *plan.Plan) {
	opens, mounts = &plan.Plan{}, &plan.Plan{}
	late := map[int]bool{}
	for _, st := range p.Steps {
		_, late[st.Number] = st.Op.(plan.Mount)
		if late[st.Number] || slices.ContainsFunc(st.After, func(n int) bool { return late[n] }) {
			late[st.Number] = true
			mounts.Steps = append(mounts.Steps, st)
			continue
		}
		opens.Steps = append(opens.Steps, st)
	}
	return opens, mounts
}

// bar gives the steps that can be done, and ends those that come after a failed one.
func (o outcome) bar(p *plan.Plan) *plan.Plan {
	out := &plan.Plan{}
	for _, st := range p.Steps {
		if _, ended := o.steps[st.Number]; ended {
			continue
		}
		if end, barred := o.barred(st); barred {
			o.steps[st.Number] = end
			continue
		}
		out.Steps = append(out.Steps, st)
	}
	return out
}

// barred: a step that this one comes after has failed, or was skipped because of
// another one.
func (o outcome) barred(st plan.Step) (apply.StepResult, bool) {
	for _, n := range st.After {
		switch end := o.steps[n]; end.State {
		case apply.Failed:
			return apply.StepResult{Step: st, State: apply.Skipped, Err: end.Err, Cause: n}, true
		case apply.Skipped:
			return apply.StepResult{Step: st, State: apply.Skipped, Err: end.Err, Cause: end.Cause}, true
		}
	}
	return apply.StepResult{}, false
}

// checkAll checks what the mounts need. A damaged file system fails its mounts; a
// damaged root ends the work.
func (s *sight) checkAll(ctx context.Context, m *system.Mounting, o outcome, mounts *plan.Plan, readOnly bool) ([]Checked, error) {
	checks := []Checked{}
	reachable := outcome{plan: o.plan, steps: maps.Clone(o.steps)}.bar(mounts)
	for _, c := range checksFor(s.now, m, reachable, readOnly) {
		done, err := s.check(ctx, c, readOnly)
		if err != nil {
			return checks, err
		}
		checks = append(checks, done)
		if done.Verdict != tool.Damaged {
			continue
		}
		damaged := &DamagedError{Checked: done, Text: system.Describe(s.now, c.ID)}
		if readOnly {
			noteDamage(m, s.now, c.ID, damaged)
			continue
		}
		o.failMounts(s.now, mounts, c.ID, damaged)
		if c.root {
			return checks, damaged
		}
	}
	return checks, nil
}

// failMounts ends the mounts of a file system before they are begun.
func (o outcome) failMounts(now *storage.Graph, mounts *plan.Plan, id storage.ID, why error) {
	for _, st := range mounts.Steps {
		op, is := st.Op.(plan.Mount)
		if fsys := fileSystemOf(now, op.Mount); is && fsys != nil && fsys.ID == id {
			o.steps[st.Number] = apply.StepResult{Step: st, State: apply.Failed, Err: why}
		}
	}
}

// noteDamage tells of it at the lines that are mounted all the same.
func noteDamage(m *system.Mounting, now *storage.Graph, id storage.ID, damaged *DamagedError) {
	for i := range m.Lines {
		l := &m.Lines[i]
		if fsys := fileSystemOf(now, storage.Mount{Source: l.Source}); fsys != nil && fsys.ID == id && l.State == system.Planned {
			l.Notes = append(l.Notes, storage.Printable(damaged.Error()))
		}
	}
}

// check runs one checker. It is told before and after, and written down, since a
// checker that was cut short leaves a file system that needs it again.
func (s *sight) check(ctx context.Context, c toCheck, readOnly bool) (Checked, error) {
	text := system.Describe(s.now, c.ID)
	if c.Verdict != "" {
		s.w.tell(CheckEnds{c.Checked, text})
		return c.Checked, nil
	}
	s.w.tell(CheckBegins{c.Checked, text})
	subject := s.now.Lineage(c.ID)
	if err := s.journal.Add(session.Record{Kind: session.Check, Command: c.Command, Subject: subject}); err != nil {
		return c.Checked, err
	}
	c.run(ctx, s.w.Machine, readOnly)
	s.w.tell(CheckEnds{c.Checked, text})
	result := session.Record{Kind: session.Checked, Command: c.Command, Subject: subject, Result: string(c.Verdict)}
	if c.Err != nil {
		result.Error = c.Err.Error()
	}
	return c.Checked, errors.Join(s.journal.Add(result), ctx.Err())
}

// run runs the checker to its end. The end of ctx ends it gently: e2fsck(8) finishes
// the change that it is at.
func (c *toCheck) run(ctx context.Context, m machine.Machine, readOnly bool) {
	out, err := m.Run(ctx, c.cmd)
	status := 0
	if exit, ran := errors.AsType[*machine.ExitError](err); ran {
		status, out, err = exit.Status, exit.Result, nil
	}
	c.Said = linesOf(string(out.Stdout) + string(out.Stderr))
	if err != nil {
		c.Verdict, c.Err, c.Text = tool.Undone, err, storage.Printable(err.Error())
		return
	}
	c.Verdict = tool.ReadCheck(tool.Check{Type: c.fsys.Type, Device: c.Device, ReadOnly: readOnly}, status)
	switch c.Verdict {
	case tool.Undone:
		c.Text = fmt.Sprintf("it ended with status %d", status)
	case tool.Damaged:
		if repair, ok := tool.RepairFileSystem(c.fsys.Type, c.Device); ok {
			c.Repair = repair.String()
		}
	}
}

// maxSaid is how many lines of a checker are kept: one that finds a disk full of
// errors writes thousands, and the last ones say how it ended.
const maxSaid = 200

// linesOf gives what a checker wrote, fit for a terminal, without empty lines.
func linesOf(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		// A progress bar comes back to the start of its line.
		line = line[strings.LastIndexByte(strings.TrimRight(line, "\r\n"), '\r')+1:]
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, storage.Printable(line))
		}
	}
	return out[max(0, len(out)-maxSaid):]
}
