package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"salvor/internal/secret"
	"salvor/internal/system"
	"salvor/internal/workflow"
)

// prompter answers the questions of an order: by what was said on the command
// line, else on the terminal, unless nobody is to be asked.
type prompter struct {
	app    *app
	never  bool     // --no-prompt, or another reason to ask nobody
	skip   []string // volumes for which "skip" was said
	always []string // volumes for which "prompt" was said
	agents []string // volumes for which "ask-password" was said
}

// Passphrase asks for the passphrase of a volume without showing it: on the
// terminal, or where there is none, at systemd's password agents.
func (p *prompter) Passphrase(ctx context.Context, q workflow.Question) (*secret.Secret, error) {
	switch {
	case p.says(p.skip, q):
		return nil, nil
	case p.says(p.agents, q):
		return p.askAgents(ctx, q)
	case p.never && !p.says(p.always, q):
		return nil, workflow.ErrNoAnswer
	}
	tty, screen, err := p.turnTo()
	if errors.Is(err, workflow.ErrNoAnswer) && p.hasAgents() {
		return p.askAgents(ctx, q)
	}
	if err != nil {
		return nil, err
	}
	defer tty.Close()
	screen.rawLines(2, titleOfQuestion(q))
	answer, err := p.ask(ctx, tty, "  "+screen.paint(bold, wordFor(q))+" (empty: skip it): ", false)
	if err != nil {
		return nil, err
	}
	if len(answer) == 0 {
		return nil, nil
	}
	return secret.New(answer), nil
}

// says reports whether one of the words means the volume of the question.
func (p *prompter) says(words []string, q workflow.Question) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		return w == "*" || w == string(q.ID) || w == q.Name || strings.HasSuffix(string(q.ID), ":"+w)
	})
}

// turnTo opens the terminal, which the caller closes, and a screen on it.
func (p *prompter) turnTo() (*os.File, *screen, error) {
	tty, err := p.open()
	if err != nil {
		return nil, nil, err
	}
	s, err := p.screen(tty)
	if err != nil {
		tty.Close()
		return nil, nil, err
	}
	return tty, s, nil
}

// Choose asks for the number of a system.
func (p *prompter) Choose(ctx context.Context, among []*system.System) (*system.System, error) {
	if p.never {
		return nil, workflow.ErrNoAnswer
	}
	tty, screen, err := p.turnTo()
	if err != nil {
		return nil, err
	}
	defer tty.Close()
	screen.rawLines(0, "Several systems are installed here:")
	for _, s := range among {
		screen.rawLines(2, fmt.Sprintf("%2d  %s", s.Number, titleOf(s)))
	}
	for {
		answer, err := p.ask(ctx, tty, "Which one (number; empty: none)? ", true)
		if err != nil || len(answer) == 0 {
			return nil, err
		}
		n, _ := strconv.Atoi(strings.TrimSpace(string(answer)))
		if i := slices.IndexFunc(among, func(s *system.System) bool { return s.Number == n }); i >= 0 {
			return among[i], nil
		}
	}
}

// Accept asks for the words of the risks, so that nobody accepts by habit.
func (p *prompter) Accept(ctx context.Context, risks []system.Risk) (bool, error) {
	if p.never {
		return false, workflow.ErrNoAnswer
	}
	tty, screen, err := p.turnTo()
	if err != nil {
		return false, err
	}
	defer tty.Close()
	screen.rawLines(0, "Before anything is written:")
	var words []string
	for _, r := range risks {
		screen.rawLines(2, r.Text)
		if w := string(r.Health); !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	want := strings.Join(words, " ")
	answer, err := p.ask(ctx, tty, fmt.Sprintf("To mount it all the same, type %q (empty: do not): ", want), true)
	if err != nil {
		return false, err
	}
	return strings.Join(strings.Fields(string(answer)), " ") == want, nil
}

// ask asks one line. Ctrl-C ends the whole order and not only the question.
func (p *prompter) ask(ctx context.Context, tty *os.File, prompt string, echo bool) ([]byte, error) {
	answer, err := question(ctx, tty, prompt, echo)
	if errors.Is(err, errInterrupted) {
		p.app.interrupt()
	}
	return answer, err
}

func (p *prompter) open() (*os.File, error) {
	p.app.reporter.clear()
	if p.app.env.Terminal == nil {
		return nil, workflow.ErrNoAnswer
	}
	return p.app.env.Terminal()
}

func (p *prompter) screen(tty *os.File) (*screen, error) {
	colour := p.app.opt.colour
	return newScreen(tty, colour, p.app.getenv)
}

// rawLines writes text on the terminal, above a question.
func (s *screen) rawLines(indent int, text string) {
	for _, l := range wrap(s.safe(text), s.width-indent) {
		fmt.Fprintf(s, "%s%s\r\n", strings.Repeat(" ", indent), l)
	}
}
