package live

import (
	"os"
	"path"
	"slices"

	"golang.org/x/sys/unix"
)

// Ending is how the rescue system ends.
type Ending string

// The endings.
const (
	PowerOff Ending = "poweroff"
	Reboot   Ending = "reboot"
	Halt     Ending = "halt"
)

// ending is a row of the table "How it ends" in docs/rescue.md. The signals are those of
// busybox's init (init/init.c), so that its programs work too; SIGINT is Ctrl-Alt-Del, as
// the kernel tells PID 1 (reboot(2), RB_DISABLE_CAD), and SIGPWR a power supply that fails.
type ending struct {
	Ending
	signal unix.Signal // by which the program of this name asks for it
	also   []unix.Signal
	kernel int // as reboot(2) knows it
}

var endings = []ending{
	{PowerOff, unix.SIGUSR2, []unix.Signal{unix.SIGPWR}, unix.LINUX_REBOOT_CMD_POWER_OFF},
	{Reboot, unix.SIGTERM, []unix.Signal{unix.SIGINT}, unix.LINUX_REBOOT_CMD_RESTART},
	{Halt, unix.SIGUSR1, nil, unix.LINUX_REBOOT_CMD_HALT},
}

func endingOf(e Ending) (ending, bool) {
	at := slices.IndexFunc(endings, func(row ending) bool { return row.Ending == e })
	if at < 0 {
		return ending{}, false
	}
	return endings[at], true
}

// endingBySignal gives what a signal to PID 1 asks for.
func endingBySignal(sig os.Signal) (ending, bool) {
	at := slices.IndexFunc(endings, func(row ending) bool {
		return sig == row.signal || slices.ContainsFunc(row.also, func(s unix.Signal) bool { return sig == s })
	})
	if at < 0 {
		return ending{}, false
	}
	return endings[at], true
}

// Commands are the names under which the program asks PID 1 for an ending: links to it in the
// image.
func Commands() []string {
	var out []string
	for _, row := range endings {
		out = append(out, string(row.Ending))
	}
	return out
}

// askFor runs one of the commands. With -f the kernel is asked at once, and nothing is
// closed.
func askFor(row ending, args []string, k kernel) error {
	if slices.Contains(args, "-f") || slices.Contains(args, "--force") {
		return k.end(row)
	}
	return k.signal(1, row.signal)
}

// isCommand tells the command by the name of the program.
func isCommand(argv0 string) (ending, bool) { return endingOf(Ending(path.Base(argv0))) }
