package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"salvor/internal/machine"
	"salvor/internal/plan"
	"salvor/internal/secret"
	"salvor/internal/storage"
)

// Options are what Run needs from its caller. All fields may be left out.
type Options struct {
	// Key gives the key of a container, or nil when there is none. KeyFile tells
	// that it is the content of a key file. Token tells that the container is to be
	// opened by a token of its header; the key is the token's PIN then, or nil. The
	// key stays the caller's, to be wiped. KeyFiles are those that a VeraCrypt
	// container wants besides, and Header is the content of a detached header.
	Key      func(storage.ID) *secret.Secret
	KeyFile  func(storage.ID) bool
	Token    func(storage.ID) bool
	KeyFiles func(storage.ID) []*secret.Secret
	Header   func(storage.ID) []byte
	// Before is called before the first act of a step. When it fails the step is
	// not done, nor any after it: a step that is not in the journal could not be
	// taken back. After is called when the step was done or has failed.
	Before func(plan.Step) error
	After  func(plan.Step, error)
	// Event tells how the work goes on, for people.
	Event func(Event)
	// Patience is how long to wait for a device node, ten seconds if zero. Grace is
	// how long an act may go on after the context was cancelled, half a minute if
	// zero: a program that is killed half way may leave devices suspended.
	Patience, Grace time.Duration
}

func (o *Options) patience() time.Duration { return orElse(o.Patience, 10*time.Second) }
func (o *Options) grace() time.Duration    { return orElse(o.Grace, 30*time.Second) }

func orElse(d, instead time.Duration) time.Duration {
	if d == 0 {
		return instead
	}
	return d
}

// State is how a step stands.
type State string

// The states of a step.
const (
	Begun   State = "begun" // of events only
	Done    State = "done"
	Failed  State = "failed"
	Skipped State = "skipped"
)

// Event tells that a step has changed its state.
type Event struct {
	Step  plan.Step
	Of    int // how many steps there are
	State State
	Err   error
}

// StepResult is how a step ended.
type StepResult struct {
	Step  plan.Step
	State State
	// Err is why it failed. Of a skipped step it is why Cause failed, or what
	// stopped the run.
	Err   error
	Cause int // of a skipped step: the number of the failed one; 0 when the run was stopped
}

// Result is how all steps ended, in the order of the plan.
type Result struct {
	Steps []StepResult
}

// FailedError is a run in which steps failed; all that does not depend on them is
// done.
type FailedError struct {
	Failed  []StepResult
	Skipped int
}

func (e *FailedError) Error() string {
	var parts []string
	for _, s := range e.Failed {
		parts = append(parts, s.Err.Error())
	}
	if e.Skipped > 0 {
		parts = append(parts, fmt.Sprintf("%d more steps depend on that and were not done", e.Skipped))
	}
	return strings.Join(parts, "; ")
}

// Unwrap lets errors.Is and errors.As look into the steps.
func (e *FailedError) Unwrap() []error {
	var out []error
	for _, s := range e.Failed {
		out = append(out, s.Err)
	}
	return out
}

// Run carries the plan out. The error is nil only when all steps are done. It is
// a *MissingError, or a bug, before the first act (the Result is empty then);
// a *FailedError when steps failed; else what stopped the run: the context's error
// or that of Options.Before.
func Run(ctx context.Context, m machine.Machine, p *plan.Plan, opt Options) (Result, error) {
	if err := p.CheckMountOnly(); err != nil {
		return Result{}, err
	}
	acts, err := lowerAll(p, EnvOf(m))
	if err != nil {
		return Result{}, err
	}
	if err := checkPrograms(m, p, acts); err != nil {
		return Result{}, err
	}
	r := &run{hand: hand{m, &opt}, ended: map[int]StepResult{}, total: len(p.Steps)}
	for i, s := range p.Steps {
		r.step(ctx, s, acts[i])
	}
	return r.result, r.err()
}

func lowerAll(p *plan.Plan, env Env) ([][]Action, error) {
	out := make([][]Action, len(p.Steps))
	for i, s := range p.Steps {
		acts, err := Lower(s.Op, env)
		if err != nil {
			return nil, fmt.Errorf("step %d: %w", s.Number, err)
		}
		out[i] = acts
	}
	return out, nil
}

// run is the state of one Run.
type run struct {
	hand
	result  Result
	ended   map[int]StepResult
	total   int
	stopped error // nothing is done any more
}

func (r *run) step(ctx context.Context, s plan.Step, acts []Action) {
	if r.stopped == nil && ctx.Err() != nil {
		r.stopped = context.Cause(ctx)
	}
	if end, skip := r.skip(s); skip {
		r.end(end)
		return
	}
	if r.opt.Before != nil {
		if err := r.opt.Before(s); err != nil {
			r.stopped = fmt.Errorf("cannot go on at step %d: %w", s.Number, err)
			r.end(StepResult{Step: s, State: Skipped, Err: r.stopped})
			return
		}
	}
	r.tell(Event{Step: s, State: Begun})
	end := StepResult{Step: s, State: Done}
	if err := r.act(ctx, acts); err != nil {
		end.State, end.Err = Failed, fmt.Errorf("cannot %s: %w", s.Op.Text(), err)
	}
	if r.opt.After != nil {
		r.opt.After(s, end.Err)
	}
	r.end(end)
}

// skip tells that the run was stopped or that a step before this one is not done.
func (r *run) skip(s plan.Step) (StepResult, bool) {
	if r.stopped != nil {
		return StepResult{Step: s, State: Skipped, Err: r.stopped}, true
	}
	for _, n := range s.After {
		switch before := r.ended[n]; before.State {
		case Failed:
			return StepResult{Step: s, State: Skipped, Err: before.Err, Cause: n}, true
		case Skipped:
			return StepResult{Step: s, State: Skipped, Err: before.Err, Cause: before.Cause}, true
		}
	}
	return StepResult{}, false
}

// act does the actions until one fails. The context's end lets the present one go
// on for the grace.
func (r *run) act(ctx context.Context, acts []Action) error {
	late, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() {
		grace := time.AfterFunc(r.opt.grace(), func() { cancel(context.Cause(ctx)) })
		context.AfterFunc(late, func() { grace.Stop() })
	})()
	for _, a := range acts {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := a.do(late, &r.hand); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) end(s StepResult) {
	r.ended[s.Step.Number] = s
	r.result.Steps = append(r.result.Steps, s)
	r.tell(Event{Step: s.Step, State: s.State, Err: s.Err})
}

func (r *run) tell(e Event) {
	if e.Of = r.total; r.opt.Event != nil {
		r.opt.Event(e)
	}
}

func (r *run) err() error {
	failed := &FailedError{}
	for _, s := range r.result.Steps {
		switch s.State {
		case Failed:
			failed.Failed = append(failed.Failed, s)
		case Skipped:
			failed.Skipped++
		}
	}
	switch {
	case len(failed.Failed) == 0:
		return r.stopped
	case r.stopped != nil:
		return errors.Join(r.stopped, failed)
	}
	return failed
}
