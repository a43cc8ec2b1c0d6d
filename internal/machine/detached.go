package machine

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// detached makes a mount that is in no directory, as a descriptor: closing that
// is the end of it. Mounting a damaged or dying device may take the kernel very
// long; when ctx ends before, the mount that still comes is dropped at once.
func (l *Live) detached(ctx context.Context, r MountRequest, attrs uint64) (int, error) {
	if err := ctx.Err(); err != nil {
		return -1, err
	}
	type answer struct {
		fd  int
		err error
	}
	made := make(chan answer)
	go func() {
		fd, err := l.makeDetached(ctx, r, attrs)
		select {
		case made <- answer{fd, err}:
		case <-ctx.Done():
			if err == nil {
				unix.Close(fd)
			}
		}
	}()
	select {
	case a := <-made:
		return a.fd, a.err
	case <-ctx.Done():
		return -1, ctx.Err()
	}
}

func (l *Live) makeDetached(ctx context.Context, r MountRequest, attrs uint64) (fd int, err error) {
	options := splitOptions(r.Options, r.ReadOnly)
	options.change(attrs, 0)
	if r.Bind != "" {
		fd, err = cloneTree(r, options)
	} else {
		fd, err = l.newMount(ctx, r, options)
	}
	if err != nil {
		return -1, err
	}
	attr := unix.MountAttr{Attr_set: options.set, Attr_clr: options.clear, Propagation: unix.MS_PRIVATE}
	if err := setAttributes(fd, &attr, r.Recursive); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func setAttributes(fd int, attr *unix.MountAttr, recursive bool) error {
	flags := uint(unix.AT_EMPTY_PATH)
	if recursive {
		flags |= unix.AT_RECURSIVE
	}
	if err := unix.MountSetattr(fd, "", flags, attr); err != nil {
		return tooOld("mount_setattr", err)
	}
	return nil
}

func tooOld(call string, err error) error {
	if errors.Is(err, unix.ENOSYS) {
		return fmt.Errorf("%s: %w: salvor needs Linux 5.12 or newer", call, err)
	}
	return fmt.Errorf("%s: %w", call, err)
}

// cloneTree takes a copy of a mounted tree (open_tree(2)).
func cloneTree(r MountRequest, options split) (int, error) {
	if foreign := options.foreign(); len(foreign) > 0 {
		return -1, fmt.Errorf("%w: a bind mount takes no option %q", ErrBadContent, foreign)
	}
	from, err := openBind(r)
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", r.Bind, err)
	}
	defer unix.Close(from)
	flags := uint(unix.OPEN_TREE_CLONE | unix.O_CLOEXEC | unix.AT_EMPTY_PATH)
	if r.Recursive {
		flags |= unix.AT_RECURSIVE
	}
	fd, err := unix.OpenTree(from, "", flags)
	if err != nil {
		return -1, tooOld("open_tree", err)
	}
	return fd, nil
}

// openBind opens the source of a bind: inside the root if it is a part of it.
func openBind(r MountRequest) (int, error) {
	inside, ok := r.underRoot(r.Bind)
	if !ok {
		return openPath(unix.AT_FDCWD, r.Bind, follow)
	}
	root, err := openRoot(r.Root)
	if err != nil {
		return -1, err
	}
	defer unix.Close(root)
	return openPath(root, "/"+inside, follow)
}

// newMount makes a file system known to the kernel and mounts it detached.
func (l *Live) newMount(ctx context.Context, r MountRequest, options split) (int, error) {
	if r.Device != "" {
		if err := checkDevice(r.Device); err != nil {
			return -1, err
		}
	}
	fc, err := l.openContext(ctx, r.Type)
	if err != nil {
		return -1, err
	}
	defer unix.Close(fc)
	if err := configure(fc, r, options); err != nil {
		return -1, &contextError{err, messages(fc)}
	}
	fd, err := unix.Fsmount(fc, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return -1, &contextError{fmt.Errorf("fsmount: %w", err), messages(fc)}
	}
	if r.Subtree == "" {
		return fd, nil
	}
	defer unix.Close(fd)
	return subtree(fd, r.Subtree)
}

func checkDevice(device string) error {
	st, err := statAt(unix.AT_FDCWD, device, follow)
	switch {
	case errors.Is(err, unix.ENOENT):
		return ErrNoSuchDevice
	case err != nil:
		return err
	case !isBlock(st.info.Mode):
		return fmt.Errorf("%s is not a block device", device)
	}
	return nil
}

// openContext begins a mount of this type. The kernel loads its module by itself
// through /sbin/modprobe; a live medium that has the program elsewhere needs it
// to be asked for.
func (l *Live) openContext(ctx context.Context, vfstype string) (int, error) {
	fc, err := unix.Fsopen(vfstype, unix.FSOPEN_CLOEXEC)
	if errors.Is(err, unix.ENODEV) {
		if _, modprobe := l.Run(ctx, Cmd{Program: "modprobe", Args: []string{"--", "fs-" + vfstype}}); modprobe == nil {
			fc, err = unix.Fsopen(vfstype, unix.FSOPEN_CLOEXEC)
		}
	}
	switch {
	case err == nil:
		return fc, nil
	case errors.Is(err, unix.ENODEV):
		return -1, fmt.Errorf("%w: %s", ErrUnknownType, vfstype)
	}
	return -1, tooOld("fsopen", err)
}

// configure gives the file system its source and options and creates it.
func configure(fc int, r MountRequest, options split) error {
	if err := unix.FsconfigSetString(fc, "source", r.source()); err != nil {
		return fmt.Errorf("source: %w", err)
	}
	for _, o := range options.fs {
		key, value, hasValue := keyValue(o)
		var err error
		if hasValue {
			err = unix.FsconfigSetString(fc, key, value)
		} else {
			err = unix.FsconfigSetFlag(fc, key)
		}
		if err != nil {
			return fmt.Errorf("option %s: %w", o, err)
		}
	}
	return unix.FsconfigCreate(fc)
}

// messages reads what the kernel says about the attempt in words: one message a
// read, ENODATA at the end, each with its class before it ("e " an error, "w " a
// warning, "i " information; Documentation/filesystems/mount_api.rst).
func messages(fc int) []string {
	var list []string
	buf := make([]byte, 8192)
	for {
		n, err := ignoringEINTR(func() (int, error) { return unix.Read(fc, buf) })
		if err != nil || n == 0 {
			return list
		}
		list = append(list, message(string(buf[:n])))
	}
}
