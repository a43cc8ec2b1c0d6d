package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// helped are the file systems that the kernel cannot mount by itself: a program
// resolves the name, asks for a ticket or starts a daemon first (mount(8),
// "External helpers").
var helped = map[string]bool{
	"nfs": true, "nfs4": true, "cifs": true, "smb3": true, "ceph": true, "glusterfs": true, "davfs": true,
	"fuse.sshfs": true, "sshfs": true, "fuse.glusterfs": true, "lustre": true, "ocfs2": true, "gfs2": true,
}

// mountHelped has mount(8) mount at point, which is open: the program gets the
// descriptor's path, so that no symbolic link of the target can lead it away.
func (l *Live) mountHelped(ctx context.Context, r MountRequest, point int) error {
	helper := "mount." + strings.TrimPrefix(r.Type, "fuse.")
	if _, err := l.Lookup(helper); err != nil {
		return err
	}
	at := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), point)
	args := []string{"-t", r.Type}
	options := r.Options
	if r.ReadOnly {
		options = append([]string{"ro"}, options...)
	}
	if len(options) > 0 {
		args = append(args, "-o", strings.Join(options, ","))
	}
	_, err := l.Run(ctx, Cmd{Program: "mount", Args: append(args, "--", r.Virtual, at)})
	if failed, ok := errors.AsType[*ExitError](err); ok {
		return fmt.Errorf("%s", lastLine(failed))
	}
	return err
}

// lastLine is what a program said last, which is why it failed.
func lastLine(e *ExitError) string {
	lines := strings.Split(strings.TrimSpace(string(e.Stderr)), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return last
	}
	return e.Error()
}

// makePrivate takes the mount at r.Point out of all propagation.
func makePrivate(r MountRequest) error {
	fd, err := openPoint(r)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return setAttributes(fd, &unix.MountAttr{Propagation: unix.MS_PRIVATE}, false)
}
