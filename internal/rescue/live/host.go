package live

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"salvor/internal/machine"
)

// files is what is read of the running system.
type files interface {
	ReadFile(name string) ([]byte, error)
	ReadDir(name string) ([]string, error)
	Readlink(name string) (string, error)
	Lstat(name string) (machine.Info, error)
}

// runner runs programs to their end.
type runner interface {
	Lookup(program string) (string, error)
	Run(ctx context.Context, c machine.Cmd) (machine.Result, error)
}

// host is the machine that is to be brought up. Its implementations are linux, and a fake
// with a state in the tests.
type host interface {
	files
	runner
	WriteFile(name string, data []byte, perm fs.FileMode) error
	MkdirAll(name string, perm fs.FileMode) error
	Unmount(point string) error
	DetachLoop(device string) error
	// MakeReadOnly mounts anew, so that nothing more is written to it.
	MakeReadOnly(point string) error
	// Put writes to a file of the kernel's (/proc, /sys) in one write(2).
	Put(name, value string) error
	// Symlink makes a symbolic link, or leaves what is there under its name.
	Symlink(target, name string) error
	// Mount mounts one of the kernel's file systems. That it is mounted there already is
	// no error.
	Mount(m kernelMount) error
	SetHostname(name string) error
	// Release is that of the running kernel.
	Release() string
	// MakeNode makes a device below /dev, unless it is there.
	MakeNode(n staticNode) error
	Spawn(s machine.Service) (child, error)
	Signal(pid int, sig unix.Signal) error
	// Writable reports whether a terminal can be opened and is there: a serial port
	// without hardware can be opened and then fails (termios(3), EIO).
	Writable(terminal string) bool
	// Say writes to a terminal, and gives up after a while: a serial line may wait for
	// ever.
	Say(terminal, text string) error
}

// child is a service that was started.
type child interface {
	Pid() int
	Wait() (status int, err error)
}

// linux is the running kernel.
type linux struct{ *machine.Live }

var _ host = linux{}

func newLinux() linux { return linux{machine.NewLive()} }

func (linux) Put(name, value string) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

func (linux) Symlink(target, name string) error {
	err := os.Symlink(target, name)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

func (linux) Mount(m kernelMount) error {
	if m.alone && mountedOn(m.point) {
		return nil
	}
	err := unix.Mount(m.source, m.point, m.kind, m.flags, m.options)
	if errors.Is(err, unix.EBUSY) {
		return nil
	}
	return err
}

// mountedOn reports whether a directory is the root of a mount (statx(2)).
func mountedOn(point string) bool {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, point, unix.AT_NO_AUTOMOUNT, 0, &st)
	return err == nil && st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
}

func (linux) SetHostname(name string) error { return unix.Sethostname([]byte(name)) }

func (linux) Release() string {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return ""
	}
	return unix.ByteSliceToString(name.Release[:])
}

func (linux) MakeNode(n staticNode) error {
	name := path.Join("/dev", n.name)
	if err := os.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	kind := uint32(unix.S_IFBLK)
	if n.char {
		kind = unix.S_IFCHR
	}
	err := unix.Mknod(name, kind|0o600, int(unix.Mkdev(n.major, n.minor)))
	if errors.Is(err, unix.EEXIST) {
		return nil
	}
	return err
}

func (l linux) Spawn(s machine.Service) (child, error) {
	c, err := l.Live.Spawn(s)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (linux) MakeReadOnly(point string) error {
	return unix.Mount("", point, "", unix.MS_REMOUNT|unix.MS_RDONLY, "")
}

func (linux) Signal(pid int, sig unix.Signal) error { return unix.Kill(pid, sig) }
