package cli

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"salvor/internal/plan"
	"salvor/internal/storage"
	"salvor/internal/workflow"
)

// reporter turns events into lines on standard error. On a terminal it keeps a
// last line that tells what is going on and for how long.
type reporter struct {
	screen         *screen
	quiet, verbose bool
	mounts         bool // the order mounts: closing what the look opened is not worth a line

	mu    sync.Mutex
	doing string
	since time.Time
	stop  chan struct{}
	shown bool // the last line is on the screen
	lines bool // something stays on the screen
}

// tell shows one event.
func (r *reporter) tell(e workflow.Event) {
	switch e := e.(type) {
	case workflow.StepBegins:
		r.stepBegins(e)
	case workflow.StepEnds:
		r.stepEnds(e)
	case workflow.Rehearsing:
		r.begin("recording: " + e.Part + " …")
	case workflow.Making:
		r.begin(e.Text)
	case workflow.Copying:
		r.begin(copyingText(e))
	case workflow.CheckBegins:
		r.begin(fmt.Sprintf("checking %s (%s) …", e.Text, e.Command))
	case workflow.CheckEnds:
		r.checkEnds(e)
	case workflow.Looking:
		r.begin("looking for installed systems …")
	case workflow.Unlocking:
		r.unlocking(e)
	case workflow.Unlocked:
		r.permanent(green, "", e.Text+" is unlocked")
	case workflow.WrongKey:
		r.permanent(yellow, "", e.Text+" does not open with "+keyWord(e.From))
	case workflow.Note:
		r.permanent(plain, "note: ", e.Text)
	}
}

func (r *reporter) stepBegins(e workflow.StepBegins) {
	_, unlock := e.Step.Op.(plan.Unlock)
	switch {
	case !e.Look || r.verbose:
		r.begin(fmt.Sprintf("[%d/%d] %s …", e.Step.Number, e.Of, e.Step.Op.Text()))
	case !unlock: // that one was told by its own event
		r.begin("looking …")
	}
}

func (r *reporter) stepEnds(e workflow.StepEnds) {
	switch {
	case e.Err != nil && !e.Look:
		r.permanent(red, "", failureText(e))
	case r.verbose, !e.Look && !r.dull(e.Step.Op):
		r.permanent(faint, "", e.Step.Op.Text())
	}
	for _, h := range poolHint(e.Err) {
		r.permanent(yellow, "hint: ", h)
	}
}

// dull tells the operations that only serve the look before the work.
func (r *reporter) dull(op plan.Op) bool {
	switch op.(type) {
	case plan.Freeze, plan.Thaw, plan.AddOverlay, plan.RemoveOverlay:
		return true
	case plan.DetachImage, plan.StopArray, plan.DeactivateLV, plan.Lock, plan.StopMultipath, plan.StopBcache:
		return r.mounts
	}
	return false
}

// failureText says once what could not be done.
func failureText(e workflow.StepEnds) string {
	if text := e.Err.Error(); strings.HasPrefix(text, "cannot ") {
		return text
	}
	return fmt.Sprintf("cannot %s: %v", e.Step.Op.Text(), e.Err)
}

// unlocking is told at once, since a good key derivation takes seconds.
func (r *reporter) unlocking(e workflow.Unlocking) {
	text := "unlocking " + e.Text
	if e.From != "" {
		text += " with " + keyWord(e.From)
	}
	if !r.screen.terminal {
		r.permanent(plain, "", text+" …")
		return
	}
	r.begin(text + " …")
}

func keyWord(from string) string {
	if from == "" {
		return "this passphrase"
	}
	return from
}

// permanent writes a line that stays.
func (r *reporter) permanent(st style, lead, text string) {
	r.clear()
	if r.quiet {
		return
	}
	for i, l := range wrap(r.screen.safe(text), r.screen.width-2-len(lead)) {
		if i > 0 {
			lead = strings.Repeat(" ", len(lead))
		}
		r.screen.line("  %s%s", lead, r.screen.paint(st, l))
	}
	r.lines = true
}

// done sets what was told off from what comes now.
func (r *reporter) done() {
	r.clear()
	if r.lines {
		r.screen.line("")
	}
	r.lines = false
}

// begin shows what is going on, until something else is told.
func (r *reporter) begin(doing string) {
	r.clear()
	if r.quiet || !r.screen.terminal {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doing, r.since, r.stop = doing, time.Now(), make(chan struct{})
	r.show()
	go r.tick(r.stop)
}

// tick refreshes the time that the present act takes.
func (r *reporter) tick(stop chan struct{}) {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		select {
		case <-stop:
			return
		case <-every.C:
			r.mu.Lock()
			if r.stop == stop {
				r.show()
			}
			r.mu.Unlock()
		}
	}
}

// show writes the last line; a line that does not fit would scroll.
func (r *reporter) show() {
	text := r.screen.safe(r.doing)
	if s := int(time.Since(r.since).Seconds()); s > 0 {
		text += fmt.Sprintf(" %d s", s)
	}
	fmt.Fprintf(r.screen, "\r\x1b[K  %s", r.screen.paint(faint, cut(text, r.screen.width-3)))
	r.shown = true
}

// clear takes the last line away.
func (r *reporter) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stop != nil {
		close(r.stop)
		r.stop = nil
	}
	if r.shown {
		fmt.Fprint(r.screen, "\r\x1b[K")
		r.shown = false
	}
}

// cut shortens text to a width.
func cut(text string, room int) string {
	for storage.TextWidth(text) > room {
		runes := []rune(text)
		text = string(runes[:len(runes)-1])
	}
	return text
}
