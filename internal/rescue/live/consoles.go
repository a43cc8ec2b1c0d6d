package live

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"salvor/internal/machine"
)

// screens are the terminals of a screen and a keyboard. They have sessions wherever the
// kernel has them, so that a screen shows something even if the command line speaks of a
// serial line alone.
var screens = []string{"tty1", "tty2"}

// consoles are the terminals that get a session: those that the kernel writes to, those
// that its command line names, and the screens; of these the ones that work.
func consoles(h host, p Parameters) []string {
	active, _ := h.ReadFile("/sys/class/tty/console/active") // no console at all, then
	var out []string
	for _, name := range slices.Concat(screens, strings.Fields(string(active)), p.Consoles) {
		// tty0 is whichever screen is in front, and "console=null" and "console=" are none.
		if name == "tty0" || name == "tty" || name == "null" || name == "" || strings.Contains(name, "..") {
			continue
		}
		if !slices.Contains(out, name) && h.Writable(name) {
			out = append(out, name)
		}
	}
	return out
}

// voice tells all consoles.
type voice struct {
	h     host
	names []string
}

// say writes a line to every console at the same time: one that hangs holds up none.
func (v voice) say(format string, args ...any) {
	text := "\r" + strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\r\n") + "\r\n"
	var all sync.WaitGroup
	for _, name := range v.names {
		all.Go(func() { v.h.Say(name, text) }) // a console that cannot be written to has nobody who reads it
	}
	all.Wait()
}

// shells are tried in this order.
var shells = []string{"bash", "sh"}

// shellOn is a shell for root on a terminal, started as by a login. The rescue system asks
// for no password: whoever is at the console of a machine can start anything on it.
func shellOn(h runner, terminal string) (machine.Service, error) {
	for _, shell := range shells {
		file, err := h.Lookup(shell)
		if err != nil {
			continue
		}
		return machine.Service{
			Program: file, Name: "-" + shell,
			Env:      []string{"HOME=/root", "USER=root", "LOGNAME=root", "SHELL=" + file, "TERM=" + termOf(terminal), "LANG=C.UTF-8"},
			Dir:      "/root",
			Terminal: path.Join("/dev", terminal),
		}, nil
	}
	return machine.Service{}, errors.New("there is no shell here: neither " + strings.Join(shells, " nor "))
}

// termOf is the kind of a terminal. At the other end of a serial line there is most often a
// program that knows the VT102's words, and those of xterm, which are more, are its own.
func termOf(terminal string) string {
	number, isTTY := strings.CutPrefix(terminal, "tty")
	if isTTY && number != "" && strings.Trim(number, "0123456789") == "" || terminal == "console" {
		return "linux"
	}
	return "vt102"
}
