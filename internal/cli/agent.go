package cli

import (
	"context"
	"errors"
	"fmt"

	"salvor/internal/machine"
	"salvor/internal/secret"
	"salvor/internal/storage"
	"salvor/internal/tool"
	"salvor/internal/workflow"
)

// askDir is where systemd's password agents watch for questions
// (https://systemd.io/PASSWORD_AGENTS/).
const askDir = "/run/systemd/ask-password"

// hasAgents reports whether a question can be put to password agents.
func (p *prompter) hasAgents() bool {
	m := p.app.env.Machine
	if m == nil {
		return false
	}
	_, err := m.Stat(askDir)
	if err == nil {
		_, err = m.Lookup("systemd-ask-password")
	}
	return err == nil
}

// askAgents puts the question to systemd's password agents, and waits for whichever
// answers.
func (p *prompter) askAgents(ctx context.Context, q workflow.Question) (*secret.Secret, error) {
	if !p.hasAgents() {
		return nil, fmt.Errorf("%w: there is no password agent of systemd", workflow.ErrNoAnswer)
	}
	p.app.reporter.clear()
	text := fmt.Sprintf("%s — %s (empty: skip it)", titleOfQuestion(q), wordFor(q))
	r, err := p.app.env.Machine.Run(ctx, tool.AskPassword(string(q.ID), storage.Printable(text)))
	if said, ok := errors.AsType[*machine.ExitError](err); ok {
		return nil, fmt.Errorf("%w: %v", workflow.ErrNoAnswer, said)
	}
	if err != nil {
		return nil, err
	}
	all := secret.New(r.Stdout)
	defer all.Wipe()
	if answer := all.Line(); answer.Len() > 0 {
		return answer, nil
	}
	return nil, nil
}

// titleOfQuestion names the volume that a question is about.
func titleOfQuestion(q workflow.Question) string {
	if q.Name != "" {
		return q.Name + ": " + q.Text
	}
	return q.Text
}

// wordFor is what is asked for.
func wordFor(q workflow.Question) string {
	word := "Passphrase"
	if q.PIN {
		word = "PIN of its token"
	}
	if q.Attempt > 1 {
		word = "That was wrong. " + word
	}
	return word
}
