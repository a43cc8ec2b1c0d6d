package live

import (
	"errors"
	"os"
	"path"
	"time"

	"golang.org/x/sys/unix"
)

// sayLimit is how long a terminal may take for a message.
const sayLimit = 2 * time.Second

// openTerminal opens a terminal without making it anybody's, and without waiting for a
// carrier (open(2), O_NONBLOCK).
func openTerminal(name string) (*os.File, error) {
	return os.OpenFile(path.Join("/dev", name), os.O_WRONLY|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
}

func (linux) Writable(terminal string) bool {
	f, err := openTerminal(terminal)
	if err != nil {
		return false
	}
	defer f.Close()
	conn, err := f.SyscallConn()
	if err != nil {
		return false
	}
	var asked error
	err = conn.Control(func(fd uintptr) { _, asked = unix.IoctlGetTermios(int(fd), unix.TCGETS) })
	return err == nil && asked == nil
}

func (linux) Say(terminal, text string) error {
	f, err := openTerminal(terminal)
	if err != nil {
		return err
	}
	f.SetWriteDeadline(time.Now().Add(sayLimit)) // where it cannot be set, writing does not wait either
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
