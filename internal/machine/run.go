package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"salvor/internal/secret"
)

const (
	// maxOutput is the most that a program may write to one of its outputs. The
	// largest report that salvor asks for, of LVM on a host with thousands of
	// volumes, is some MiB.
	maxOutput = 64 << 20
	// maxSecret is how long a key may be that a program writes.
	maxSecret = 64 << 10
	// grace is the time between SIGTERM and SIGKILL. It is long because what is
	// ended may be writing metadata.
	grace = 10 * time.Second
	// hangs is how long a killed program may take to go. One that is still there
	// sits in the kernel, in state D, and no signal reaches it.
	hangs = 5 * time.Second
)

// Run runs a program to its end. It runs in a session of its own: it has no
// terminal to ask on behind salvor's back, and can be ended with its children.
func (l *Live) Run(ctx context.Context, c Cmd) (Result, error) {
	if c.Root != "" {
		return Result{}, fmt.Errorf("internal error: Run is asked to run %s in the root %s, which only Attach does", c.Program, c.Root)
	}
	file, err := l.Lookup(c.Program)
	if err != nil {
		return Result{}, err
	}
	if err := ctx.Err(); err != nil {
		return Result{}, wrap("run", c.Program, err)
	}
	out, errs := capture{max: maxOutput}, capture{max: maxOutput}
	if c.Secret { // growing would leave copies behind
		out = capture{data: make([]byte, 0, maxSecret), max: maxSecret}
	}
	cmd := exec.Command(file, c.Args...)
	cmd.Args[0] = c.Program
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + programPath, "LC_ALL=C"}
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	// A daemon that the program left behind may hold the outputs open for ever.
	cmd.WaitDelay = hangs
	if c.Stdin != nil {
		cmd.Stdin = c.Stdin.Reader()
	}
	handed, err := handKeys(cmd, c.Keys)
	if err != nil {
		return Result{}, wrap("run", c.Program, err)
	}
	defer handed()
	if err := cmd.Start(); err != nil {
		return Result{}, wrap("run", c.Program, err)
	}
	status, err := await(ctx, cmd, -1, unix.SIGTERM)
	if c.Secret && (err != nil || status != 0) {
		out.drop()
	}
	switch {
	case err != nil:
		// The outputs are not touched: a program that hangs still owns them.
		return Result{}, wrap("run", c.String(), err)
	case out.over || errs.over:
		return Result{}, wrap("run", c.String(), errTooMuch)
	case status != 0:
		return Result{}, &ExitError{Cmd: c, Status: status, Result: Result{out.data, errs.data}}
	}
	return Result{out.data, errs.data}, nil
}

// await waits for a started program and gives its exit status. When ctx ends it
// asks the program by sig to end, later kills it, and when not even that helps
// leaves it behind: the caller is not to hang with it. A sign of -1 signals the
// process group that the program leads, 1 the program alone.
func await(ctx context.Context, cmd *exec.Cmd, sign int, sig unix.Signal) (status int, err error) {
	whom := sign * cmd.Process.Pid
	waited := make(chan error, 1)
	go func() { waited <- cmd.Wait() }()
	select {
	case err := <-waited:
		return exitStatus(cmd.ProcessState, err)
	case <-ctx.Done():
	}
	for _, step := range []struct {
		sig   unix.Signal
		after time.Duration
	}{{sig, grace}, {unix.SIGKILL, hangs}} {
		unix.Kill(whom, step.sig)
		select {
		case <-waited:
			if sign < 0 {
				unix.Kill(whom, unix.SIGKILL) // children that outlived it
			}
			return -1, ctx.Err()
		case <-time.After(step.after):
		}
	}
	return -1, fmt.Errorf("%w, and it hangs in the kernel and cannot be ended", ctx.Err())
}

// exitStatus is the status as a shell tells it. That the outputs were still held
// open by someone (exec.ErrWaitDelay) does not matter: the program has ended.
func exitStatus(state *os.ProcessState, err error) (int, error) {
	_, said := errors.AsType[*exec.ExitError](err)
	if err != nil && !said && !errors.Is(err, exec.ErrWaitDelay) {
		return -1, err
	}
	ws := state.Sys().(syscall.WaitStatus)
	if ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return ws.ExitStatus(), nil
}

var errTooMuch = fmt.Errorf("it wrote more than %d MiB", maxOutput>>20)

// handKeys gives the program a pipe for each key, in which the key waits to be
// read: all of it fits, so nobody has to wait for the program. What handKeys gives
// has to be called when the program has ended.
func handKeys(cmd *exec.Cmd, keys []*secret.Secret) (end func(), err error) {
	end = func() {
		for _, f := range cmd.ExtraFiles {
			f.Close()
		}
	}
	for _, k := range keys {
		r, w, err := os.Pipe()
		if err != nil {
			end()
			return nil, err
		}
		cmd.ExtraFiles = append(cmd.ExtraFiles, r)
		if _, err := unix.FcntlInt(w.Fd(), unix.F_SETPIPE_SZ, max(k.Len(), 1)); err == nil {
			_, err = k.WriteTo(w)
		}
		if err = errors.Join(err, w.Close()); err != nil {
			end()
			return nil, fmt.Errorf("a key cannot be handed over: %w", err)
		}
	}
	return end, nil
}

// capture keeps what a program writes. Too much is an error and not cut off: half
// of a report, read as a whole one, says that devices are not there.
type capture struct {
	data []byte
	max  int
	over bool
}

// drop wipes what was kept.
func (c *capture) drop() {
	clear(c.data)
	c.data = nil
}

func (c *capture) Write(p []byte) (int, error) {
	if len(c.data)+len(p) > c.max {
		c.over = true
		return 0, errTooMuch
	}
	c.data = append(c.data, p...)
	return len(p), nil
}
