package machine

import (
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Live is the system that this process runs on.
//
// It needs Linux 5.12 (mount_setattr(2), and openat2(2) and fsopen(2) before it)
// and /proc. An older kernel gets an error that says so, and no fallback to
// mount(2), which follows symbolic links of the target out of the target.
type Live struct {
	loops sync.Map // path of a loop device → its open descriptor
}

var _ Machine = (*Live)(nil)

// NewLive gives the live system. It needs no closing: what it holds (the loop
// devices that are not detached) the kernel lets go with the process.
func NewLive() *Live { return &Live{} }

// programDirs are searched in this order, so that what an administrator built
// under /usr/local wins, as in the PATH of every distribution. The inherited
// PATH is not used: a rescue shell's is often broken, and root must not run what
// another user's directory offers.
var programDirs = []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}

var programPath = strings.Join(programDirs, ":")

// Lookup finds a program of the live system.
func (l *Live) Lookup(program string) (string, error) {
	return lookup(unix.AT_FDCWD, program)
}

// lookup finds a program below the directory root: a base name in programDirs,
// or a path that is taken as it is. Symbolic links are resolved inside root, as
// they will be after chroot(2). With AT_FDCWD the root is the process's own,
// where openat2(2) needs no RESOLVE_IN_ROOT.
func lookup(root int, program string) (string, error) {
	candidates := []string{program}
	if !path.IsAbs(program) {
		candidates = candidates[:0]
		for _, dir := range programDirs {
			candidates = append(candidates, path.Join(dir, program))
		}
	}
	if program != "" && (path.IsAbs(program) || !strings.Contains(program, "/")) {
		for _, name := range candidates {
			if isProgram(root, name) {
				return name, nil
			}
		}
	}
	return "", &MissingProgram{Program: program}
}

func isProgram(root int, name string) bool {
	fd, err := openPath(root, name, follow)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return false
	}
	return st.Mode&unix.S_IFMT == unix.S_IFREG && st.Mode&0o111 != 0
}

// Euid is the effective user.
func (l *Live) Euid() int { return os.Geteuid() }

// Now is the time, with Go's monotonic reading.
func (l *Live) Now() time.Time { return time.Now() }
