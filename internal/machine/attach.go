package machine

import (
	"context"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// Attach runs a program on this process's terminal, in the root directory of c.
func (l *Live) Attach(ctx context.Context, c Cmd) (status int, err error) {
	file, err := lookupInside(c)
	if err != nil {
		return -1, err
	}
	if err := ctx.Err(); err != nil {
		return -1, wrap("run", c.Program, err)
	}
	cmd := exec.Command(file, c.Args...)
	cmd.Args[0] = c.Program
	cmd.Dir = "/"
	cmd.Env = attachedEnv()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if c.Stdin != nil {
		cmd.Stdin = c.Stdin.Reader()
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: c.Root}
	status, err = attach(ctx, cmd)
	return status, wrap("run", c.String(), err)
}

// attach runs the command with the terminal handed to it, if there is one. It
// ends it by SIGHUP, as an interactive shell ignores SIGTERM (bash(1), SIGNALS).
func attach(ctx context.Context, cmd *exec.Cmd) (status int, err error) {
	tty, ours := openTerminal()
	if !ours {
		if err := cmd.Start(); err != nil {
			return -1, err
		}
		return await(ctx, cmd, 1, unix.SIGHUP)
	}
	defer tty.giveBack()
	if err := tty.startInForeground(cmd); err != nil {
		return -1, err
	}
	defer tty.followStops(cmd.Process.Pid)()
	return await(ctx, cmd, -1, unix.SIGHUP)
}

// lookupInside finds the program in the root that it will run in.
func lookupInside(c Cmd) (string, error) {
	if c.Root == "" {
		return lookup(unix.AT_FDCWD, c.Program)
	}
	root, err := openRoot(c.Root)
	if err != nil {
		return "", err
	}
	defer unix.Close(root)
	return lookup(root, c.Program)
}

// attachedEnv is an environment for an administrator in a foreign root. Nothing
// of the live medium's leaks in but the kind of terminal. LANG is the weakest of
// the locale variables, so a profile of the target still decides; C.UTF-8 needs
// no locale data (a glibc or musl that does not know it falls back to C). LC_ALL
// would override the profile and is left out.
func attachedEnv() []string {
	env := []string{"PATH=" + programPath, "HOME=/root", "LANG=C.UTF-8"}
	if term := os.Getenv("TERM"); term != "" {
		env = append(env, "TERM="+term)
	}
	return env
}
