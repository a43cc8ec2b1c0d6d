package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"
)

// Mount mounts at r.Point inside r.Root. Every mount is private (a shared parent,
// as systemd makes of "/", would hand it on to other namespaces, which then keep
// the device busy).
func (l *Live) Mount(ctx context.Context, r MountRequest) error {
	if err := r.check(); err != nil {
		return err
	}
	if r.Point == "" {
		return fmt.Errorf("internal error: a mount of %s without a mount point", r.source())
	}
	if err := l.mount(ctx, r); err != nil {
		return r.failed("mount", err)
	}
	return nil
}

func (l *Live) mount(ctx context.Context, r MountRequest) error {
	point, err := openPoint(r)
	if err != nil {
		return err
	}
	defer unix.Close(point)
	if r.Virtual != "" && helped[r.Type] {
		if err := l.mountHelped(ctx, r, point); err != nil {
			return err
		}
		return makePrivate(r)
	}
	tree, err := l.detached(ctx, r, 0)
	if err != nil {
		return err
	}
	defer unix.Close(tree)
	if err := sameKind(tree, point); err != nil {
		return err
	}
	err = unix.MoveMount(tree, "", point, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
	if err != nil {
		return fmt.Errorf("move_mount: %w", err)
	}
	// Again, as attaching below a shared mount has made it shared
	// (mount_namespaces(7), "Propagation type transitions").
	return setAttributes(tree, &unix.MountAttr{Propagation: unix.MS_PRIVATE}, r.Recursive)
}

// Look mounts detached, never in a directory.
func (l *Live) Look(ctx context.Context, r MountRequest) (Tree, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	const harmless = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC | unix.MOUNT_ATTR_NOATIME
	fd, err := l.detached(ctx, r, harmless)
	if err != nil {
		r.Point = ""
		return nil, r.failed("look at", err)
	}
	return &dirTree{root: fd}, nil
}

// Unmount unmounts the topmost mount at point. Directories on the way may be
// symbolic links: callers take points as /proc/self/mountinfo spells them.
func (l *Live) Unmount(point string) error {
	err := unix.Unmount(point, unix.UMOUNT_NOFOLLOW)
	if err == nil {
		return nil
	}
	kind := err
	switch {
	case errors.Is(err, unix.EBUSY):
		kind = ErrBusy
	case errors.Is(err, unix.EINVAL):
		kind = ErrNotMounted
	case errors.Is(err, unix.ENOENT):
		kind = ErrNoPoint
	case errors.Is(err, unix.EPERM):
		kind = ErrPermission
	}
	return &MountError{Act: "unmount", Point: point, Kind: kind}
}

// check finds what no caller may ask for.
func (r MountRequest) check() error {
	sources := 0
	for _, s := range []string{r.Device, r.Bind, r.Virtual} {
		if s != "" {
			sources++
		}
	}
	switch {
	case sources != 1:
		return fmt.Errorf("internal error: a mount at %q of %d sources: device %q, bind %q, virtual %q",
			r.Point, sources, r.Device, r.Bind, r.Virtual)
	case r.Bind == "" && (r.Type == "" || r.Type == "auto"):
		return fmt.Errorf("internal error: a mount of %s whose type of file system is %q: it has to be known before", r.source(), r.Type)
	case r.Recursive && r.Bind == "":
		return fmt.Errorf("internal error: a recursive mount of %s, which is no bind", r.source())
	case r.Subtree != "" && (r.Device == "" || !fs.ValidPath(r.Subtree)):
		return fmt.Errorf("internal error: a mount of %s that is to show its %q", r.source(), r.Subtree)
	}
	return nil
}

// readOnly reports what comes of ReadOnly and of "ro" and "rw" among the options.
func (r MountRequest) readOnly() bool {
	return splitOptions(r.Options, r.ReadOnly).set&unix.MOUNT_ATTR_RDONLY != 0
}

func (r MountRequest) source() string { return r.Device + r.Bind + r.Virtual }

// underRoot reports whether a path lies in the target. Links on the way to it
// are the target's then, and must not lead out.
func (r MountRequest) underRoot(name string) (inside string, ok bool) {
	root := strings.TrimRight(r.Root, "/")
	if root == "" {
		return "", false
	}
	inside, ok = strings.CutPrefix(name, root)
	return inside, ok && (inside == "" || inside[0] == '/')
}

// openPoint opens the mount point inside the root.
func openPoint(r MountRequest) (int, error) {
	dir := r.Root
	if dir == "" {
		dir = "/"
	}
	root, err := openRoot(dir)
	if err != nil {
		return -1, pointError(err)
	}
	defer unix.Close(root)
	fd, err := openPath(root, r.Point, follow)
	return fd, pointError(err)
}

func pointError(err error) error {
	switch {
	case errors.Is(err, unix.ENOENT):
		return ErrNoPoint
	case errors.Is(err, unix.ENOTDIR):
		return ErrPointNotDir
	case errors.Is(err, unix.EACCES):
		return ErrPermission
	}
	return err
}

// sameKind refuses a directory on a file, which move_mount(2) calls EINVAL.
func sameKind(tree, point int) error {
	var of, at unix.Stat_t
	if err := errors.Join(unix.Fstat(tree, &of), unix.Fstat(point, &at)); err != nil {
		return err
	}
	ofDir, atDir := fileMode(of.Mode).IsDir(), fileMode(at.Mode).IsDir()
	switch {
	case ofDir && !atDir:
		return ErrPointNotDir
	case !ofDir && atDir:
		return errors.New("a file cannot be bound on a directory")
	}
	return nil
}
