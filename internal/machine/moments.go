package machine

import (
	"fmt"
	"slices"
)

// changesNothing: the program waits, loads, tells or asks. It may be run more or less
// often than it was without being another moment; what it waited for has its answers
// in order (see ledger.next).
func changesNothing(c Cmd) bool {
	switch c.Program {
	case "udevadm", "modprobe", "clevis", "systemd-ask-password", "uname", "dpkg-query":
		return true
	case "rpm", "pacman":
		return len(c.Args) > 0 && c.Args[0] == "--query"
	case "dmsetup":
		return len(c.Args) > 0 && slices.Contains([]string{"deps", "info", "ls", "status", "table", "targets", "version"}, c.Args[0])
	case "ip":
		return slices.Contains(c.Args, "show")
	default:
		return len(c.Args) == 1 && slices.Contains([]string{"--version", "version", "-V", "--help", "-h"}, c.Args[0])
	}
}

// moments is where a replay stands in the recorded acts. Which occurrence of an act is
// meant, of several, is told by what was done before it: two commands that were recorded
// one after the other may do the same acts in another order, and see the machine in
// another state between them.
type moments struct {
	now      int
	recorded map[int]string // acts by their moment
	history  []string       // acts of this replay, in order
	done     map[int]bool   // the moments whose acts were done
}

func newMoments(l *ledger) moments {
	m := moments{recorded: map[int]string{}, done: map[int]bool{}}
	for question := range l.acts {
		for _, g := range l.answers[question] {
			m.recorded[g.At] = question
		}
	}
	return m
}

// act finds the answer to an act, and goes to the moment after it. An act that was
// passed over before is answered, and nothing becomes undone by it.
func (m *moments) act(l *ledger, question string) (*answer, error) {
	l.Lock()
	defer l.Unlock()
	list := l.answers[question]
	if len(list) == 0 {
		return nil, fmt.Errorf("cannot answer %q: %w", question, ErrNotRecorded)
	}
	best, context := 0, -1
	for i, g := range list {
		if n := m.common(g.At); n > context || n == context && m.nearer(g.At, list[best].At) {
			best, context = i, n
		}
	}
	at := list[best].At
	if at >= m.now || m.done[at] || context > 0 {
		m.now = at + 1
	}
	m.done[at] = true
	m.history = append(m.history, question)
	return &list[best].answer, nil
}

// maxContext is how many acts back two histories are compared.
const maxContext = 64

// common is how many acts before the recorded moment are those that were done last.
func (m *moments) common(at int) int {
	n := 0
	for n < min(len(m.history), maxContext) && m.recorded[at-1-n] == m.history[len(m.history)-1-n] {
		n++
	}
	return n
}

// nearer: a is what comes next sooner than b; what is past comes last, the latest
// first.
func (m *moments) nearer(a, b int) bool {
	if (a >= m.now) != (b >= m.now) {
		return a >= m.now
	}
	if a >= m.now {
		return a < b
	}
	return a > b
}
