package live

import (
	"context"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// process is one that runs, as /proc shows it. Threads of the kernel are none.
type process struct {
	pid   int
	name  string // what it was started as
	opens []string
}

// readProcesses gives all processes but PID 1 and this one.
func readProcesses(h files, self int) []process {
	names, _ := h.ReadDir("/proc")
	var out []process
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == 1 || pid == self {
			continue
		}
		dir := path.Join("/proc", name)
		line, err := h.ReadFile(path.Join(dir, "cmdline"))
		if err != nil || len(line) == 0 {
			continue
		}
		argv0, _, _ := strings.Cut(string(line), "\x00")
		p := process{pid: pid, name: argv0}
		descriptors, _ := h.ReadDir(path.Join(dir, "fd")) // it may have ended
		for _, fd := range descriptors {
			if target, err := h.Readlink(path.Join(dir, "fd", fd)); err == nil {
				p.opens = append(p.opens, target)
			}
		}
		out = append(out, p)
	}
	return out
}

// bears reports whether storage rests on a process, so that it has to outlive what is
// unmounted and closed: file systems by FUSE, disk images by qemu-nbd, whoever speaks with
// device-mapper, and those that say so by the @ in their name (systemd.io/ROOT_STORAGE_DAEMONS).
// Without udevd, device-mapper's tools would wait for it.
func (p process) bears() bool {
	if strings.HasPrefix(p.name, "@") || slices.Contains([]string{"udevd", "systemd-udevd"}, path.Base(p.name)) {
		return true
	}
	return slices.ContainsFunc(p.opens, func(file string) bool {
		return file == "/dev/fuse" || file == "/dev/mapper/control" || strings.HasPrefix(file, "/dev/nbd")
	})
}

// How long processes may take to end after they were asked to, and after they were killed.
const (
	askedLimit  = 5 * time.Second
	killedLimit = 2 * time.Second
	lookAgain   = 50 * time.Millisecond
)

// endProcesses ends all but those that storage rests on, and gives those that are left. A
// shell does not end by SIGTERM, but by SIGHUP; one that is stopped has to go on for that.
func endProcesses(ctx context.Context, h host, self int) (left []process) {
	for _, round := range []struct {
		signals []unix.Signal
		limit   time.Duration
	}{
		{[]unix.Signal{unix.SIGHUP, unix.SIGTERM, unix.SIGCONT}, askedLimit},
		{[]unix.Signal{unix.SIGKILL}, killedLimit},
	} {
		for _, p := range mortals(h, self) {
			for _, sig := range round.signals {
				h.Signal(p.pid, sig) // it may have ended by the first
			}
		}
		if left = awaitEnd(ctx, h, self, round.limit); len(left) == 0 {
			return nil
		}
	}
	return left
}

func mortals(h files, self int) []process {
	return slices.DeleteFunc(readProcesses(h, self), process.bears)
}

// awaitEnd waits until all have ended. They are no children of this process, so there is
// nothing that could be waited for.
func awaitEnd(ctx context.Context, h files, self int, limit time.Duration) []process {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		left := mortals(h, self)
		if len(left) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return left
		case <-time.After(lookAgain):
		}
	}
}
