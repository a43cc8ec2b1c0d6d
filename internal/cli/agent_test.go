package cli

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/machine"
	"salvor/internal/secret"
	"salvor/internal/workflow"
)

// withAgents is a machine on which systemd's password agents are, or are not. What
// else is asked of it panics.
type withAgents struct {
	machine.Machine
	there  bool
	answer string
	err    error
	asked  []string
}

func (m *withAgents) Stat(name string) (machine.Info, error) {
	if m.there && name == askDir {
		return machine.Info{Mode: fs.ModeDir}, nil
	}
	return machine.Info{}, fs.ErrNotExist
}

func (m *withAgents) Lookup(program string) (string, error) { return "/usr/bin/" + program, nil }

func (m *withAgents) Run(_ context.Context, c machine.Cmd) (machine.Result, error) {
	if !c.Secret {
		return machine.Result{}, errors.New("the output is not marked as a secret")
	}
	m.asked = append(m.asked, c.String())
	return machine.Result{Stdout: []byte(m.answer)}, m.err
}

func noTerminal() (*os.File, error) { return nil, workflow.ErrNoAnswer }

func TestAgentsAreAskedWithoutATerminal(t *testing.T) {
	cancelled := &machine.ExitError{Status: 1}
	for name, tt := range map[string]struct {
		m        withAgents
		p        prompter
		question workflow.Question
		asked    string
		answer   string
		err      error
	}{
		"a passphrase": {m: withAgents{there: true, answer: "open sesame\n"}, question: workflow.Question{ID: "luks:u", Name: "cr", Text: "LUKS2 on sda1", Attempt: 1},
			asked: "--id=salvor:luks:u -- 'cr: LUKS2 on sda1 — Passphrase (empty: skip it)'", answer: "open sesame"},
		"a PIN, again": {m: withAgents{there: true, answer: "1234"}, question: workflow.Question{ID: "luks:u", Text: "LUKS2", Attempt: 2, PIN: true},
			asked: "-- 'LUKS2 — That was wrong. PIN of its token (empty: skip it)'", answer: "1234"},
		"skipped":     {m: withAgents{there: true, answer: "\n"}, asked: "--id=salvor:"},
		"cancelled":   {m: withAgents{there: true, err: cancelled}, asked: "--id=salvor:", err: workflow.ErrNoAnswer},
		"no agents":   {m: withAgents{}, err: workflow.ErrNoAnswer},
		"--no-prompt": {m: withAgents{there: true}, p: prompter{never: true}, err: workflow.ErrNoAnswer},
		"asked for by name": {m: withAgents{there: true, answer: "x"}, p: prompter{never: true, agents: []string{"cr"}}, question: workflow.Question{Name: "cr"},
			asked: "--id=salvor:", answer: "x"},
	} {
		t.Run(name, func(t *testing.T) {
			a := &app{env: Env{Machine: &tt.m, Terminal: noTerminal, Stderr: &bytes.Buffer{}, Stdout: &bytes.Buffer{}}, opt: globals{colour: "never"}}
			if err := a.setUp(); err != nil {
				t.Fatal(err)
			}
			tt.p.app = a
			key, err := tt.p.Passphrase(t.Context(), tt.question)
			if !errors.Is(err, tt.err) {
				t.Fatalf("it gives %v", err)
			}
			if all := strings.Join(tt.m.asked, "; "); !strings.Contains(all, tt.asked) || (tt.asked == "") != (all == "") {
				t.Errorf("asked: %s", all)
			}
			if (key == nil) != (tt.answer == "") || key != nil && !key.Equal(secret.New([]byte(tt.answer))) {
				t.Error("another answer came back")
			}
		})
	}
}

type withRoot struct{ machine.Machine }

func (withRoot) Euid() int { return 0 }

// TestMemoryIsGuarded: before the first key is read, and a failure is one note.
func TestMemoryIsGuarded(t *testing.T) {
	var told bytes.Buffer
	calls := 0
	guard := func() error { calls++; return errors.New("cannot keep the keys from being swapped: why not") }
	a := &app{env: Env{Machine: withRoot{}, Guard: guard, Stdin: strings.NewReader("line\nrest"), Stderr: &told, Stdout: &bytes.Buffer{}}, opt: globals{colour: "never"}}
	if err := a.setUp(); err != nil {
		t.Fatal(err)
	}
	k := keyOptions{keys: []string{"*=-", "cr=ask-password"}}
	given, p, err := k.read(a)
	if err != nil || len(given) != 1 || !given[0].Key.Equal(secret.New([]byte("line"))) || calls != 1 {
		t.Errorf("it gives %v, %d calls, %v", given, calls, err)
	}
	if diff := cmp.Diff([]string{"cr"}, p.agents); diff != "" {
		t.Error(diff)
	}
	if strings.Count(told.String(), "why not") != 1 {
		t.Errorf("told: %s", told.String())
	}
}
