package workflow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"salvor/internal/apply"
	"salvor/internal/plan"
	"salvor/internal/session"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// maxRounds bounds the rounds of opening; a stack of more layers is a loop.
const maxRounds = 32

// sight is a look at the machine with everything open that opens without harm.
// now is the machine as it is, base as it would be without salvor's holdings.
type sight struct {
	w         *Work
	journal   *session.Journal
	unlock    func()
	now       *storage.Graph
	base      *storage.Graph
	kept      []storage.ID
	before    *session.Holdings // what salvor held when the command began
	target    string
	skip      map[storage.ID]bool // what failed to open, or was skipped
	dirty     map[storage.ID]bool // file systems that a look found dirty
	trees     map[storage.ID]*seenTree
	found     []*system.System // by the last look
	keys      *keyring
	looking   bool
	stale     bool  // something was done since the last probe
	lost      error // what stopped an act that a look needed: it has no way to tell
	inhibited bool
	mute      bool            // nobody is to be asked for a passphrase
	ctx       context.Context // of the look; Trees has no room for one
	declared  []system.Declaration
	images    []*storage.Image // those that were named, closed; now has only what lies on them
	whole     *storage.Graph   // all that was probed
	noted     map[string]bool  // what was told once and for all
	layouts   layouts
}

func newSight(ctx context.Context, w *Work) *sight {
	s := &sight{
		w: w, ctx: ctx, keys: newKeyring(), before: session.NewHoldings(),
		skip: map[storage.ID]bool{}, dirty: map[storage.ID]bool{}, trees: map[storage.ID]*seenTree{},
		noted: map[string]bool{},
	}
	s.layouts.tell = s.noteOnce
	return s
}

// refresh probes again.
func (s *sight) refresh(ctx context.Context) error {
	now, err := s.w.Probe(ctx)
	if err != nil {
		return err
	}
	if now, err = s.narrowed(now); err != nil {
		return err
	}
	return s.adopt(now)
}

// adopt takes a graph as what is there now, with what is declared of it.
func (s *sight) adopt(now *storage.Graph) error {
	now, err := system.Declare(now, s.declared)
	if err != nil {
		return err
	}
	for id := range s.dirty {
		if n := now.Node(id); n != nil {
			n.Base().Mark(storage.Dirty)
		}
	}
	h, err := s.journal.Holdings()
	if err != nil {
		return err
	}
	if target, _, _, ok := s.journal.Mounting(); ok {
		s.target = target
	}
	h.Recognise(now)
	s.now, s.stale = now, false
	s.base, s.kept = h.Restored(now, s.target)
	return nil
}

// outcome is a plan that was carried out, and how its steps ended.
type outcome struct {
	plan  *plan.Plan
	steps map[int]apply.StepResult // empty when nothing was begun
}

// err gives why steps failed. Those that were not done because of them need no
// words of their own.
func (o outcome) err() error {
	var errs []error
	for _, st := range o.plan.Steps {
		if end := o.steps[st.Number]; end.State == apply.Failed {
			errs = append(errs, end.Err)
		}
	}
	return errors.Join(errs...)
}

// act leads the machine from what it is to want.
func (s *sight) act(ctx context.Context, want *storage.Graph) (outcome, error) {
	p, err := plan.Diff(s.now, want)
	if err != nil {
		return outcome{plan: &plan.Plan{}}, err
	}
	return s.run(ctx, p)
}

// run carries a plan out, writing each act down before it is done, and probes
// again. The error is what stopped it all; steps that failed are in the outcome.
func (s *sight) run(ctx context.Context, p *plan.Plan) (outcome, error) {
	o, err := s.perform(ctx, p, len(p.Steps))
	if len(o.steps) == 0 {
		return o, err
	}
	return o, errors.Join(err, s.refresh(context.WithoutCancel(ctx)))
}

// perform is run without the probe after it; the steps are told as some of as many.
func (s *sight) perform(ctx context.Context, p *plan.Plan, of int) (outcome, error) {
	o := outcome{plan: p, steps: map[int]apply.StepResult{}}
	if p.Empty() {
		return o, nil
	}
	if err := p.CheckMountOnly(); err != nil {
		return o, err
	}
	s.inhibit(ctx)
	r, err := apply.Run(ctx, s.w.Machine, p, apply.Options{
		Before:  func(st plan.Step) error { return s.stepBegins(of, st) },
		After:   s.stepEnds,
		Key:     s.keys.key,
		KeyFile: s.keys.isFile,
		Token:   s.keys.isToken,
		// Only VeraCrypt has the first, only a detached header the second.
		KeyFiles: s.keys.keyFiles,
		Header:   s.header,
	})
	if _, steps := err.(*apply.FailedError); steps { // alone: joined with it is what stopped the run
		err = nil
	}
	if len(r.Steps) == 0 {
		return o, err
	}
	for _, end := range r.Steps {
		o.steps[end.Step.Number] = end
	}
	s.stale = true
	return o, err
}

func (s *sight) stepBegins(of int, st plan.Step) error {
	s.w.tell(StepBegins{st, of, s.looking})
	return s.journal.Intend(s.now, st)
}

// stepEnds writes the result down. When that fails the step counts as one of which
// nobody knows how it ended, which does no harm; the next one is not begun then.
func (s *sight) stepEnds(st plan.Step, err error) {
	if lost := s.journal.Finish(st, err); lost != nil {
		s.w.tell(Note{lost.Error()})
	}
	s.w.tell(StepEnds{st, err, s.looking})
}

// forLook marks what is done until the function it gives is called as a part of a
// look.
func (s *sight) forLook() (done func()) {
	before := s.looking
	s.looking = true
	return func() { s.looking = before }
}

// takeDown closes what this command opened, also after Ctrl-C.
func (s *sight) takeDown(ctx context.Context) error {
	s.closeTrees()
	ctx = context.WithoutCancel(ctx)
	defer s.forLook()()
	if s.stale {
		if err := s.refresh(ctx); err != nil {
			return err
		}
	}
	for range maxRounds {
		want, err := s.standing()
		if err != nil {
			return err
		}
		o, err := s.act(ctx, want)
		if err != nil || o.plan.Empty() {
			return err
		}
		if err := o.err(); err != nil {
			return err
		}
	}
	return errors.New("internal error: closing does not come to an end")
}

// giveUp takes back all that this command has done.
func (s *sight) giveUp(ctx context.Context) error {
	if err := s.takeDown(ctx); err != nil {
		return fmt.Errorf("not everything that was opened could be closed again: %w", err)
	}
	if !s.free() {
		return nil
	}
	return s.endSession()
}

// free: salvor holds nothing any more.
func (s *sight) free() bool {
	h, err := s.journal.Holdings()
	return err == nil && !s.stale && len(h.Left(s.now))+len(h.Left(s.whole)) == 0
}

// endSession removes the directory that salvor made for the mount, and the
// journal.
func (s *sight) endSession() error {
	target, _, _, _ := s.journal.Mounting()
	if made := s.journal.MadeTarget(); made && target != "" {
		if err := s.w.Machine.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.w.tell(Note{fmt.Sprintf("the directory %s stays: %v", target, err)})
		}
	}
	s.target = ""
	return s.journal.Clear()
}

// standing is the graph that is to be left behind: as it is now, without what
// this command opened itself.
func (s *sight) standing() (*storage.Graph, error) {
	h, err := s.journal.Holdings()
	if err != nil {
		return nil, err
	}
	want, _ := h.Without(s.before).Restored(s.now, "")
	return want, nil
}

// end gives the session's lock back and wipes the keys.
func (s *sight) end() {
	s.closeTrees()
	s.keys.wipe()
	s.allow(context.WithoutCancel(s.ctx))
	s.unlock()
}

// overlays reports whether stand-ins can be made: the kernel has device-mapper
// with snapshots, and dmsetup is there.
func (s *sight) overlays() bool {
	_, err := s.w.Machine.Lookup("dmsetup")
	if err == nil {
		_, err = s.w.Machine.Stat("/dev/mapper/control")
	}
	return err == nil
}

func (s *sight) isOpen(id storage.ID) bool {
	n := s.now.Node(id)
	return n != nil && storage.OpeningOf(n) != nil
}

// leave has the nodes of a step left alone from now on.
func (s *sight) leave(op plan.Op) {
	if id, _ := plan.Subject(op); id != "" {
		s.skip[id] = true
	}
}

// note tells what could not be opened and leaves it alone from now on.
func (s *sight) note(o outcome) {
	for _, st := range o.plan.Steps {
		end := o.steps[st.Number]
		if end.Err == nil {
			continue
		}
		s.leave(st.Op)
		if end.State == apply.Failed {
			s.w.tell(Note{end.Err.Error()})
		}
	}
}

// without leaves alone from now on what needs programs that are not installed.
func (s *sight) without(missing *apply.MissingError) {
	for _, m := range missing.Programs {
		for _, st := range m.For {
			s.leave(st.Op)
		}
	}
	s.w.tell(Note{missing.Error()})
}
