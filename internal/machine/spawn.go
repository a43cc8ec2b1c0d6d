package machine

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// Service is a program that goes on while salvor does other things: a daemon, or a
// shell on a console. It is for the init of the rescue system alone, so it is not
// part of Machine: what is done to a machine's storage is run to its end.
type Service struct {
	Program string // found by Lookup
	Name    string // what it is told that it is called (argv[0]), if not Program
	Args    []string
	Env     []string // besides PATH
	Dir     string   // "" is "/"
	// Terminal is a device that becomes its controlling terminal and its standard
	// input and outputs. Without one it reads nothing and writes to the file Output;
	// "" is nowhere.
	Terminal string
	Output   string
}

// Child is a service that was started.
type Child struct{ cmd *exec.Cmd }

// Spawn starts a service in a session of its own, where it is the leader of a process
// group. Whoever reaps all children by itself (PID 1) does not call Wait.
func (l *Live) Spawn(s Service) (*Child, error) {
	file, err := l.Lookup(s.Program)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(file, s.Args...)
	cmd.Args[0] = s.Program
	if s.Name != "" {
		cmd.Args[0] = s.Name
	}
	cmd.Dir = "/"
	if s.Dir != "" {
		cmd.Dir = s.Dir
	}
	cmd.Env = append([]string{"PATH=" + programPath}, s.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: s.Terminal != ""}
	out, err := s.open()
	if err != nil {
		return nil, wrap("start", s.Program, err)
	}
	if out != nil {
		defer out.Close()
		cmd.Stdout, cmd.Stderr = out, out
		if s.Terminal != "" {
			cmd.Stdin = out
		}
	}
	if err := cmd.Start(); err != nil {
		return nil, wrap("start", s.Program, err)
	}
	return &Child{cmd}, nil
}

// open opens what the service writes to. A serial line is opened without waiting for a
// carrier (O_NONBLOCK, open(2), tty_ioctl(4)), which a console's cable may not have.
func (s Service) open() (*os.File, error) {
	switch {
	case s.Terminal == "" && s.Output == "":
		return nil, nil
	case s.Terminal == "":
		return os.OpenFile(s.Output, os.O_WRONLY|os.O_CREATE|os.O_APPEND|unix.O_NOCTTY, 0o600)
	}
	fd, err := unix.Open(s.Terminal, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, false); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), s.Terminal), nil
}

// Pid is its process ID.
func (c *Child) Pid() int { return c.cmd.Process.Pid }

// Wait waits for its end and gives its exit status: 128+n when signal n ended it.
func (c *Child) Wait() (status int, err error) {
	err = c.cmd.Wait()
	return exitStatus(c.cmd.ProcessState, err)
}
