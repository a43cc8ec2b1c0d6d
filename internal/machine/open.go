package machine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// maxFile is the most that is read of one file. Nothing that salvor reads whole
// is near it (a full fstab is kilobytes), and a sparse file of a damaged system
// must not eat the memory of a rescue medium.
const maxFile = 16 << 20

// What the last component of a name does when it is a symbolic link.
const (
	follow   = 0
	nofollow = unix.O_NOFOLLOW
)

// openPath opens a name without opening the file (open(2), O_PATH), so that it
// touches no device and waits for no FIFO. With a directory as root, every
// symbolic link is resolved inside it and ".." stops at it.
func openPath(root int, name string, links int) (int, error) {
	how := unix.OpenHow{Flags: uint64(unix.O_PATH | unix.O_CLOEXEC | links)}
	if root != unix.AT_FDCWD {
		how.Resolve = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS
	}
	return openat2(root, name, &how)
}

// openat2 tries again when a concurrent rename made ".." uncertain, which
// openat2(2) reports as EAGAIN and asks the caller to repeat.
func openat2(root int, name string, how *unix.OpenHow) (int, error) {
	const tries = 32
	for try := 0; ; try++ {
		fd, err := unix.Openat2(root, name, how)
		switch {
		case err == nil:
			return fd, nil
		case errors.Is(err, unix.ENOSYS):
			return -1, fmt.Errorf("openat2: %w: salvor needs Linux 5.12 or newer", err)
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN) && try < tries:
		default:
			return -1, err
		}
	}
}

// openRoot opens a directory that names are resolved in.
func openRoot(dir string) (int, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("cannot open the directory %s: %w", dir, err)
	}
	return fd, nil
}

// reopen opens for reading the very file that an O_PATH descriptor stands for.
// Going through /proc cannot be raced, as a second look-up by name could.
func reopen(fd, flags int) (int, error) {
	flags |= unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NOCTTY | unix.O_NONBLOCK
	return ignoringEINTR(func() (int, error) {
		return unix.Open("/proc/self/fd/"+strconv.Itoa(fd), flags, 0)
	})
}

// openFile opens a regular file or a directory for reading and nothing else: the
// kind is known before the file is opened, because opening a tape rewinds it and
// opening a FIFO waits.
func openFile(root int, name string) (int, *unix.Stat_t, error) {
	at, err := openPath(root, name, follow)
	if err != nil {
		return -1, nil, err
	}
	defer unix.Close(at)
	var st unix.Stat_t
	if err := unix.Fstat(at, &st); err != nil {
		return -1, nil, err
	}
	switch mode := fileMode(st.Mode); {
	case mode.IsRegular():
		fd, err := reopen(at, 0)
		return fd, &st, err
	case mode.IsDir():
		fd, err := reopen(at, unix.O_DIRECTORY)
		return fd, &st, err
	default:
		return -1, nil, fmt.Errorf("%w: it is a %s", errKind, kindName(mode))
	}
}

var errKind = errors.New("neither a regular file nor a directory")

func kindName(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeNamedPipe != 0:
		return "FIFO"
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeCharDevice != 0:
		return "character device"
	case mode&fs.ModeDevice != 0:
		return "block device"
	}
	return "file of an unknown kind"
}

// readFileAt reads a file whole. Reading is by read(2) and not by os.File, whose
// poller would wait where O_NONBLOCK answers EAGAIN (/proc/kmsg).
func readFileAt(root int, name string) ([]byte, error) {
	fd, st, err := openFile(root, name)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	if st.Size > maxFile {
		return nil, tooLarge(st.Size)
	}
	data, err := io.ReadAll(io.LimitReader(rawReader(fd), maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, errors.New("it is larger than 16 MiB")
	}
	return data, nil
}

func tooLarge(size int64) error {
	return fmt.Errorf("it has %d bytes, and more than 16 MiB are not read", size)
}

type rawReader int

func (r rawReader) Read(p []byte) (int, error) {
	n, err := ignoringEINTR(func() (int, error) { return unix.Read(int(r), p) })
	switch {
	case err != nil:
		return 0, err
	case n == 0 && len(p) > 0:
		return 0, io.EOF
	}
	return n, nil
}

// readNamesAt gives the sorted names in a directory.
func readNamesAt(root int, name string) ([]string, error) {
	fd, st, err := openFile(root, name)
	if err != nil {
		return nil, err
	}
	dir := os.NewFile(uintptr(fd), name)
	defer dir.Close()
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return nil, unix.ENOTDIR
	}
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	return names, nil
}

func readlinkAt(root int, name string) (string, error) {
	fd, err := openPath(root, name, nofollow)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	buf := make([]byte, unix.PathMax)
	// An O_PATH descriptor of a link is read with an empty name (readlink(2));
	// for anything else the answer is ENOENT, which would read as "not there".
	n, err := unix.Readlinkat(fd, "", buf)
	if errors.Is(err, unix.ENOENT) {
		return "", unix.EINVAL
	}
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

func statAt(root int, name string, links int) (*entry, error) {
	fd, err := openPath(root, name, links)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	return newEntry(path.Clean(name), &st), nil
}

func ignoringEINTR(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
