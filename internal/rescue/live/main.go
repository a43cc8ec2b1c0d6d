package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// Mark is the file that says that a system is a rescue system.
const Mark = "/etc/salvor-rescue"

// isOurs reports whether this process is the rescue system's init, one of its helpers, or
// a command to it.
func isOurs(args []string) bool {
	if len(args) == 0 {
		return false
	}
	_, command := isCommand(args[0])
	return command || path.Base(args[0]) == "init"
}

// Main is the init where the program is called so, or by the name of a command to the init;
// errors of commands go to errs. In all other cases it is what otherwise does. It gives the
// exit status.
func Main(errs io.Writer, otherwise func() int) int {
	if !isOurs(os.Args) {
		return otherwise()
	}
	k := running{newLinux()}
	if os.Getpid() == 1 {
		beChief(k)
	}
	if err := help(k, os.Args); err != nil {
		fmt.Fprintf(errs, "%s: %v\n", path.Base(os.Args[0]), err)
		return 1
	}
	return 0
}

// help does the work of a process that is not PID 1.
func help(k running, args []string) error {
	if e, ok := isCommand(args[0]); ok {
		if _, err := k.Lstat(Mark); err != nil {
			return fmt.Errorf("this is no rescue system: %w", err)
		}
		return askFor(e, args[1:], k)
	}
	if os.Getppid() != 1 || len(args) < 2 {
		return errors.New("the init of the rescue system is started by the kernel")
	}
	switch args[1] {
	case workerWord:
		return work(context.Background(), k.linux)
	case closerWord:
		return closeAll(context.Background(), k.linux, newEcho(k.linux))
	}
	return fmt.Errorf("internal error: unknown part of the init: %q", args[1])
}

// beChief does not return. What goes wrong in PID 1 itself ends in a shell, as the end of
// PID 1 is a panic of the kernel.
func beChief(k running) {
	unix.Umask(0o022)
	os.Clearenv()
	told := listen()
	// Nothing can be started without /dev/null. Should there be no devices, that is told.
	k.MkdirAll(devices.point, 0o755)
	k.Mount(devices)
	// An error here means that Ctrl-Alt-Del restarts the machine at once.
	unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF)
	for {
		survive(k, told)
	}
}

// survive lives until something panics, and then keeps a shell going.
func survive(k running, told <-chan os.Signal) {
	defer func() {
		cause := recover()
		k.say(fmt.Sprintf("\nsalvor: internal error: %v\n", cause))
		pid, err := k.shell()
		for sig := range told {
			if e, ok := endingBySignal(sig); ok {
				k.end(e)
			}
			for ended, _, ok := k.reap(); ok; ended, _, ok = k.reap() {
				if ended == pid && err == nil {
					return
				}
			}
		}
	}()
	supervise(k, told)
}
