package machine

import (
	"os"
	"os/exec"
	"os/signal"

	"golang.org/x/sys/unix"
)

// terminal is the controlling terminal while another program has it. The program
// gets a process group of its own in the terminal's foreground, as a shell would
// do it: the interrupt key then reaches the program and not salvor, whose own
// handler would give up the whole command for a ^C typed to a ping.
type terminal struct {
	fd       int
	settings *unix.Termios
}

// openTerminal reports whether standard input is the terminal that this process
// is in the foreground of. If not (a pipe, a job in the background, a console
// without job control), signals are nobody's business here.
func openTerminal() (*terminal, bool) {
	fd := int(os.Stdin.Fd())
	group, err := unix.IoctlGetUint32(fd, unix.TIOCGPGRP)
	if err != nil || int(group) != unix.Getpgrp() {
		return nil, false
	}
	settings, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	return &terminal{fd, settings}, err == nil
}

// startInForeground starts a program as the one that the terminal's keys reach.
// The child makes itself that, and would be stopped by SIGTTOU for asking from the
// background. It therefore starts with SIGTTOU ignored, and keeps it so: only
// "stty tostop" would show the difference.
func (t *terminal) startInForeground(cmd *exec.Cmd) (err error) {
	cmd.SysProcAttr.Foreground, cmd.SysProcAttr.Ctty = true, t.fd
	quietly(unix.SIGTTOU, func() { err = cmd.Start() })
	return err
}

// giveBack takes the terminal back as it was, also when the program died and
// left it in raw mode.
func (t *terminal) giveBack() {
	t.foreground(unix.Getpgrp())
	quietly(unix.SIGTTOU, func() { unix.IoctlSetTermios(t.fd, unix.TCSETSW, t.settings) })
}

// foreground says which process group the terminal's keys reach. Whoever asks
// from the background gets SIGTTOU for it, unless that is ignored (tcsetpgrp(3)).
func (t *terminal) foreground(group int) {
	quietly(unix.SIGTTOU, func() { unix.IoctlSetPointerInt(t.fd, unix.TIOCSPGRP, group) })
}

func quietly(sig unix.Signal, f func()) {
	signal.Ignore(sig)
	defer signal.Reset(sig)
	f()
}

// followStops makes the suspend key work: when the program stops, salvor takes
// the terminal back and stops too, and when the shell continues salvor, the
// program gets the terminal and goes on. Where there is no shell to go back to,
// the kernel does not stop salvor (an orphaned process group, setpgid(2)), and
// the program goes on at once. It ends with the function that it gives.
func (t *terminal) followStops(pid int) (end func()) {
	children := make(chan os.Signal, 1)
	done := make(chan struct{})
	signal.Notify(children, unix.SIGCHLD)
	select {
	case children <- unix.SIGCHLD: // it may have stopped before anybody listened
	default:
	}
	go func() {
		defer close(done)
		for range children {
			if stopped(pid) {
				t.foreground(unix.Getpgrp())
				unix.Kill(0, unix.SIGTSTP)
				t.foreground(pid)
				unix.Kill(-pid, unix.SIGCONT)
			}
		}
	}()
	return func() {
		signal.Stop(children)
		close(children)
		<-done
	}
}

// stopped reports, once, that the child was stopped by a signal.
func stopped(pid int) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, pid, &info, unix.WSTOPPED|unix.WNOHANG, nil)
	return err == nil && info.Signo == int32(unix.SIGCHLD)
}
