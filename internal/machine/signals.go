package machine

import (
	"os"

	"golang.org/x/sys/unix"
)

// StopSignals ask a program to end: Ctrl-C, kill(1), and a terminal that is gone.
func StopSignals() []os.Signal {
	return []os.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP}
}
