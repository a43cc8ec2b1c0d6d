package live

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// processTable is a kernel as PID 1 sees it.
type processTable struct {
	next    int
	running map[int]string
	ended   []int
	status  map[int]int
	fails   map[string]bool // what cannot be started
	down    string          // how the system has ended
	stuck   bool            // the kernel does not end the system
	said    strings.Builder
}

func newTable() *processTable {
	return &processTable{next: 10, running: map[int]string{}, status: map[int]int{}, fails: map[string]bool{}}
}

func (p *processTable) start(args ...string) (int, error) {
	name := strings.Join(args, " ")
	if p.fails[name] {
		return 0, errors.New("cannot start " + name)
	}
	p.next++
	p.running[p.next] = name
	return p.next, nil
}

func (p *processTable) shell() (int, error) { return p.start("shell") }

func (p *processTable) reap() (int, int, bool) {
	if len(p.ended) == 0 {
		return 0, 0, false
	}
	pid := p.ended[0]
	p.ended = p.ended[1:]
	delete(p.running, pid)
	return pid, p.status[pid], true
}

func (p *processTable) signal(pid int, sig unix.Signal) error {
	if _, ok := p.running[pid]; !ok {
		return unix.ESRCH
	}
	p.end1(pid, 128+int(sig))
	return nil
}

func (p *processTable) end1(pid, status int) {
	p.ended = append(p.ended, pid)
	p.status[pid] = status
}

// ends ends the process of that name.
func (p *processTable) ends(t *testing.T, name string, status int) {
	t.Helper()
	for pid, n := range p.running {
		if n == name {
			p.end1(pid, status)
			return
		}
	}
	t.Fatalf("%s does not run; these do: %v", name, p.running)
}

func (p *processTable) end(e ending) error {
	if p.stuck {
		return errors.New("not permitted")
	}
	p.down = string(e.Ending)
	return nil
}

func (p *processTable) say(text string) { p.said.WriteString(text) }

func (p *processTable) state() string {
	var names []string
	for pid := 0; pid <= p.next; pid++ {
		if n, ok := p.running[pid]; ok {
			names = append(names, n)
		}
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s", strings.Join(names, ", "), p.down))
}

// TestChief tells what PID 1 does, event by event: a signal, or a process that ends.
func TestChief(t *testing.T) {
	const child = unix.SIGCHLD
	type event struct {
		ends   string // a process, or ""
		status int
		signal os.Signal
		state  string
	}
	for name, events := range map[string][]event{
		"Ctrl-Alt-Del":        {{"", 0, unix.SIGINT, "closer reboot"}, {"closer reboot", 0, child, "reboot"}},
		"poweroff":            {{"", 0, unix.SIGUSR2, "closer poweroff"}, {"closer poweroff", 0, child, "poweroff"}},
		"closing fails":       {{"", 0, unix.SIGUSR1, "closer halt"}, {"closer halt", 2, child, "halt"}},
		"impatience":          {{"", 0, unix.SIGINT, "closer reboot"}, {"", 0, unix.SIGINT, "closer reboot"}, {"", 0, unix.SIGUSR2, "closer reboot poweroff"}},
		"the worker crashes":  {{"worker", 2, child, "shell"}, {"shell", 0, child, "worker"}},
		"off from the shell":  {{"worker", 2, child, "shell"}, {"", 0, unix.SIGUSR2, "shell, closer poweroff"}, {"shell", 129, child, "closer poweroff"}, {"closer poweroff", 0, child, "poweroff"}},
		"a signal of nothing": {{"", 0, unix.SIGQUIT, "worker"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newTable()
			c := &chief{k: p}
			c.startWorker()
			for i, e := range events {
				if e.ends != "" {
					p.ends(t, e.ends, e.status)
				}
				c.handle(e.signal)
				c.handle(child) // whatever else has ended meanwhile
				if diff := cmp.Diff(e.state, p.state()); diff != "" {
					t.Fatalf("after event %d: %s", i+1, diff)
				}
			}
		})
	}
}

// TestOrphans: whatever ends below PID 1 is reaped, and means nothing.
func TestOrphans(t *testing.T) {
	p := newTable()
	c := &chief{k: p}
	c.startWorker()
	p.start("orphan 1")
	p.start("orphan 2")
	p.ends(t, "orphan 1", 0)
	p.ends(t, "orphan 2", 1)
	c.handle(unix.SIGCHLD)
	if got := p.state(); got != "worker" {
		t.Error(got)
	}
}

// TestNothingStarts: without any process PID 1 still says what is wrong, and can be ended.
func TestNothingStarts(t *testing.T) {
	p := newTable()
	p.fails = map[string]bool{"worker": true, "shell": true, "closer reboot": true}
	p.stuck = true
	c := &chief{k: p}
	c.startWorker()
	if said := p.said.String(); !strings.Contains(said, "cannot start worker") || !strings.Contains(said, "Ctrl-Alt-Del") {
		t.Errorf("said: %s", said)
	}
	c.handle(unix.SIGINT)
	if said := p.said.String(); !strings.Contains(said, "cannot reboot: not permitted") {
		t.Errorf("said: %s", said)
	}
	p.stuck = false
	c.handle(unix.SIGINT)
	if p.down != "reboot" {
		t.Errorf("the system goes on: %s", p.state())
	}
}

func TestCommands(t *testing.T) {
	p := newTable()
	p.running[1] = "init"
	for _, name := range Commands() {
		e, ok := isCommand("/usr/sbin/" + name)
		if !ok {
			t.Fatalf("%s is no command", name)
		}
		p.ended = nil
		if err := askFor(e, nil, p); err != nil || p.down != "" {
			t.Errorf("%s: %v, %s", name, err, p.down)
		}
		if asked, ok := endingBySignal(unix.Signal(p.status[1] - 128)); !ok || asked.Ending != e.Ending {
			t.Errorf("%s asks for %s", name, asked.Ending)
		}
		if err := askFor(e, []string{"-f"}, p); err != nil || p.down != name {
			t.Errorf("%s -f: %v, %s", name, err, p.down)
		}
		p.down = ""
	}
	if _, ok := isCommand("salvor"); ok {
		t.Error("salvor is a command to init")
	}
}
