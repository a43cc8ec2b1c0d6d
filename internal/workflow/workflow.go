// Package workflow holds the orders of work, one file each: see, systems, mount,
// umount, chroot, status, save, diff. An order is the rounds of probe, open, find, choose,
// plan, apply and verify.
//
// A Work is what an order needs: a machine, eyes (Probe), somebody to Ask and
// somebody to Tell. An Asker answers questions; an Event tells what happens. A
// console, a terminal UI, a JSON client and a test drive the same code through
// these two. A sight is what is seen while everything that opens without harm is
// held open read-only; it is taken down again at its end.
//
// The package prints nothing, prompts nobody and parses no command lines.
package workflow

import (
	"context"
	"errors"
	"fmt"

	"salvor/internal/machine"
	"salvor/internal/plan"
	"salvor/internal/secret"
	"salvor/internal/session"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// Work is what the orders of work need.
type Work struct {
	Machine machine.Machine
	Probe   func(context.Context) (*storage.Graph, error)
	Ask     Asker
	Tell    func(Event)
}

// Asker answers the questions of an order. Every method may say ErrNoAnswer when
// nobody can be asked.
type Asker interface {
	// Passphrase asks for the passphrase of a volume; nil skips the volume.
	Passphrase(ctx context.Context, q Question) (*secret.Secret, error)
	// Choose picks one of several systems.
	Choose(ctx context.Context, among []*system.System) (*system.System, error)
	// Accept reports whether the risks are accepted.
	Accept(ctx context.Context, risks []system.Risk) (bool, error)
}

// Question asks for a passphrase.
type Question struct {
	ID      storage.ID
	Name    string // in the system's crypttab, if that is known
	Text    string // the volume so that a person recognises it
	Attempt int    // from 1; a later one means that the last answer was wrong
	PIN     bool   // not a passphrase is asked for, but the PIN of a token
}

// ErrNoAnswer: a question came up and nobody can be asked.
var ErrNoAnswer = errors.New("there is nobody to ask")

// Event tells what happens. The types below are the set.
type Event interface{ event() }

// StepBegins and StepEnds frame an operation. Look tells operations that only
// serve a look and are taken back.
type (
	StepBegins struct {
		Step plan.Step
		Of   int
		Look bool
	}
	StepEnds struct {
		Step plan.Step
		Err  error
		Look bool
	}
	// Looking: a root is being looked at.
	Looking struct{ Root storage.ID }
	// Unlocking: a key is being tried on a volume, which takes its time.
	Unlocking struct {
		ID   storage.ID
		Text string
		From string // where the key comes from
	}
	// Unlocked and WrongKey say how that ended.
	Unlocked struct {
		ID   storage.ID
		Text string
	}
	WrongKey struct {
		ID   storage.ID
		Text string
		From string
	}
	// CheckBegins and CheckEnds frame the check of a file system; one that there is
	// nothing to be run for only ends.
	CheckBegins struct {
		Checked
		Text string
	}
	CheckEnds struct {
		Checked
		Text string
	}
	// Note is something to know.
	Note struct{ Text string }
)

func (StepBegins) event()  {}
func (StepEnds) event()    {}
func (Looking) event()     {}
func (Unlocking) event()   {}
func (Unlocked) event()    {}
func (WrongKey) event()    {}
func (CheckBegins) event() {}
func (CheckEnds) event()   {}
func (Note) event()        {}

func (w *Work) tell(e Event) {
	if w.Tell != nil {
		w.Tell(e)
	}
}

// RefusedError is an order that may not be carried out; salvor has changed
// nothing.
type RefusedError struct {
	Text string
	Err  error
}

func (e *RefusedError) Error() string { return e.Text }
func (e *RefusedError) Unwrap() error { return e.Err }

// LockedError: the work needs volumes for which there is no key.
type LockedError struct {
	IDs  []storage.ID
	Text string
}

func (e *LockedError) Error() string { return e.Text }

// needRoot refuses early what only root can do.
func (w *Work) needRoot(what string) error {
	if w.Machine.Euid() != 0 {
		return fmt.Errorf("cannot %s: %w", what, machine.ErrPermission)
	}
	return nil
}

// begin takes the session's lock, reads the journal and asks the interlock.
func (w *Work) begin(ctx context.Context, command string) (*sight, session.Verdict, error) {
	if err := w.needRoot(command); err != nil {
		return nil, "", err
	}
	unlock, err := session.Lock(w.Machine)
	if errors.Is(err, session.ErrAnother) {
		return nil, "", &RefusedError{"cannot " + command + ": " + err.Error(), err}
	}
	if err != nil {
		return nil, "", err
	}
	s := newSight(ctx, w)
	s.unlock = unlock
	verdict, err := s.start(ctx, command)
	if err != nil {
		s.end()
		return nil, verdict, err
	}
	return s, verdict, nil
}

func (s *sight) start(ctx context.Context, command string) (session.Verdict, error) {
	journal, err := session.Load(s.w.Machine)
	if err != nil {
		return "", err
	}
	s.journal = journal
	if err := s.refresh(ctx); err != nil {
		return "", err
	}
	condition, err := journal.Condition(s.now)
	if err != nil {
		return "", err
	}
	if condition == session.Free && len(journal.Records()) > 0 {
		if err := s.endSession(); err != nil {
			return "", err
		}
		if err := s.refresh(ctx); err != nil {
			return "", err
		}
	}
	verdict, err := session.Interlock(command, condition)
	if err != nil {
		return verdict, err
	}
	if s.before, err = s.worthKeeping(verdict, condition); err != nil {
		return verdict, err
	}
	if verdict == session.TidyUp || verdict == session.Resume {
		if err := s.takeDown(ctx); err != nil {
			return verdict, fmt.Errorf("cannot close what an earlier command has left open: %w", err)
		}
	}
	s.before, err = journal.Holdings()
	return verdict, err
}

// worthKeeping gives of what salvor holds that from which the command can go on.
// What a look that was cut short has left open is of no use: it would have to be
// opened for writing, and its key is not known any more.
func (s *sight) worthKeeping(v session.Verdict, c session.Condition) (*session.Holdings, error) {
	h, err := s.journal.Holdings()
	if err != nil || v == session.TidyUp || c == session.Interrupted && !s.rootStands() {
		return session.NewHoldings(), err
	}
	if v != session.Resume || s.journal.Sealed() {
		return h, nil
	}
	clear(h.Frozen)
	clear(h.Overlays)
	for n := range s.now.Nodes() {
		if o := storage.OpeningOf(n); o != nil && (o.ReadOnly || s.now.EndsInMemory(n)) {
			delete(h.Opened, s.now.Lineage(n.Base().ID))
		}
	}
	return h, nil
}

// rootStands: the system's root is mounted. Everything was open then. Before that
// there is nothing to go on from, and half a stack would be in the way of looking
// at the other half.
func (s *sight) rootStands() bool {
	target, _, _, ok := s.journal.Mounting()
	return ok && s.now.MountAt(target) != nil
}
