package machine

import (
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// WriteSysfs writes to an attribute. It is one write(2), because the kernel takes
// each write as a request of its own; and it neither creates nor truncates, so
// that a wrong name is an error and not a file.
func (l *Live) WriteSysfs(name, value string) error {
	if !strings.HasPrefix(path.Clean(name), "/sys/") {
		return fmt.Errorf("internal error: %s is not below /sys", name)
	}
	return wrap("write to", name, writeSysfs(name, value))
}

func writeSysfs(name, value string) error {
	fd, err := unix.Open(name, unix.O_WRONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(value))
	return err
}
