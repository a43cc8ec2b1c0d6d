package live

import (
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"salvor/internal/machine"
)

// kernel is what PID 1 needs of it.
type kernel interface {
	// start starts a process of this program, with these arguments.
	start(args ...string) (pid int, err error)
	// shell starts a shell on the kernel's console.
	shell() (pid int, err error)
	// reap gives a child that has ended, if there is one.
	reap() (pid, status int, ok bool)
	signal(pid int, sig unix.Signal) error
	// end ends the system at once, and returns only with an error.
	end(e ending) error
	say(text string)
}

// What the processes of this program are called, by their first argument.
const (
	workerWord = "worker"
	closerWord = "closer"
)

// impatience is how many times an ending has to be asked for until it is had at once.
const impatience = 3

// chief is PID 1: it holds which of its children is which, and decides what follows when one
// ends. Every other process that ends below it is an orphan and is reaped.
type chief struct {
	k      kernel
	worker int
	closer int
	shell  int
	ending ending // once somebody asked for one
	asked  int
}

// supervise is the life of PID 1. It does not return.
func supervise(k kernel, told <-chan os.Signal) {
	c := &chief{k: k}
	c.startWorker()
	for sig := range told {
		c.handle(sig)
	}
}

// listen has the kernel tell of every signal: Go's runtime has a handler for each, and those
// that nobody listens to would end PID 1 (SIGQUIT). It comes before the first child, so that
// none ends unheard; signals that do not fit any more get lost, and as long as there are some in
// the channel, who has ended is asked for again.
func listen() <-chan os.Signal {
	told := make(chan os.Signal, 64)
	signal.Notify(told)
	return told
}

func (c *chief) handle(sig os.Signal) {
	if e, ok := endingBySignal(sig); ok {
		c.close(e)
		return
	}
	for pid, status, ok := c.k.reap(); ok; pid, status, ok = c.k.reap() {
		c.ended(pid, status)
	}
}

func (c *chief) startWorker() {
	pid, err := c.k.start(workerWord)
	if err != nil {
		c.emergency(err.Error())
		return
	}
	c.worker = pid
}

// close begins the ending. The worker goes first, so that it starts no sessions anew.
func (c *chief) close(e ending) {
	if c.asked++; c.asked >= impatience {
		c.last(e)
		return
	}
	if c.asked > 1 {
		c.k.say(fmt.Sprintf("salvor: still closing; asked %d more time it ends without\n", impatience-c.asked))
		return
	}
	c.ending = e
	if c.worker != 0 {
		c.k.signal(c.worker, unix.SIGKILL)
	}
	pid, err := c.k.start(closerWord, string(e.Ending))
	if err != nil {
		c.k.say(fmt.Sprintf("salvor: cannot close what is open: %v\n", err))
		c.last(e)
		return
	}
	c.closer = pid
}

// ended says what follows the end of a child.
func (c *chief) ended(pid, status int) {
	switch pid {
	case c.closer:
		if status != 0 {
			c.k.say(fmt.Sprintf("salvor: closing ended with status %d\n", status))
		}
		c.last(c.ending)
	case c.worker:
		c.worker = 0
		if c.asked == 0 {
			c.emergency(fmt.Sprintf("internal error: the init's worker ended with status %d", status))
		}
	case c.shell:
		c.shell = 0
		if c.asked == 0 {
			c.startWorker()
		}
	}
}

// emergency is what is left when nothing else works: a shell, and what went wrong. When it
// ends, all is tried anew.
func (c *chief) emergency(cause string) {
	c.k.say(fmt.Sprintf("\nsalvor: %s\nsalvor: a shell follows; when it ends, the rescue system is started once more\n", cause))
	pid, err := c.k.shell()
	if err != nil {
		c.k.say(fmt.Sprintf("salvor: %v; Ctrl-Alt-Del restarts the machine\n", err))
		return
	}
	c.shell = pid
}

// last has the kernel end the system. If it does not, PID 1 has to go on: its end is a panic
// of the kernel.
func (c *chief) last(e ending) {
	if err := c.k.end(e); err != nil {
		c.k.say(fmt.Sprintf("salvor: cannot %s: %v\n", e.Ending, err))
		c.asked = 0
	}
}

// running is the running kernel.
type running struct{ linux }

func (r running) start(args ...string) (int, error) {
	s := machine.Service{Program: "/init", Args: args, Output: "/dev/console"}
	if !r.Writable("console") { // console= may name what is not there
		s.Output = ""
	}
	c, err := r.Live.Spawn(s)
	if err != nil {
		return 0, err
	}
	return c.Pid(), nil
}

func (r running) shell() (int, error) {
	s, err := shellOn(r, "console")
	if err != nil {
		return 0, err
	}
	c, err := r.Live.Spawn(s)
	if err != nil {
		return 0, err
	}
	return c.Pid(), nil
}

func (running) reap() (pid, status int, ok bool) {
	var ws unix.WaitStatus
	pid, err := unix.Wait4(-1, &ws, unix.WNOHANG, nil)
	if err != nil || pid <= 0 {
		return 0, 0, false
	}
	if ws.Signaled() {
		return pid, 128 + int(ws.Signal()), true
	}
	return pid, ws.ExitStatus(), true
}

func (running) signal(pid int, sig unix.Signal) error { return unix.Kill(pid, sig) }

func (running) end(e ending) error {
	unix.Sync()
	return unix.Reboot(e.kernel)
}

func (r running) say(text string) { r.Say("console", text) }
