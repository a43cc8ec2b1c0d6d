package machine

import (
	"fmt"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// subtree takes a copy of the detached mount fd that shows the directory dir of
// its file system, and nothing above it. It is detached, too.
//
// Kernels before 6.15 clone only what is attached in the caller's namespace
// (fs/namespace.c, may_copy_tree). So fd is attached in a namespace of a thread
// that ends at once: nobody else ever sees it there, and a crash leaves nothing.
func subtree(fd int, dir string) (int, error) {
	out := -1
	err := onOwnThread(func() (err error) {
		if err := ownNamespace(); err != nil {
			return err
		}
		if err := unix.MoveMount(fd, "", unix.AT_FDCWD, "/", unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
			return fmt.Errorf("move_mount: %w", err)
		}
		// The end of the thread would do it as well, some time later.
		defer unix.Unmount("/proc/self/fd/"+strconv.Itoa(fd), unix.MNT_DETACH)
		out, err = cloneBelow(fd, dir)
		return err
	})
	return out, err
}

// cloneBelow clones what is seen at dir below an attached mount. No symbolic link
// is followed: whoever names the directory has resolved it.
func cloneBelow(fd int, dir string) (int, error) {
	at, err := openat2(fd, dir, &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV,
	})
	if err != nil {
		return -1, fmt.Errorf("open %s in it: %w", dir, err)
	}
	defer unix.Close(at)
	out, err := unix.OpenTree(at, "", unix.OPEN_TREE_CLONE|unix.O_CLOEXEC|unix.AT_EMPTY_PATH)
	if err != nil {
		return -1, tooOld("open_tree", err)
	}
	return out, nil
}

// ownNamespace gives the thread mounts of its own, which it hands on to nobody.
func ownNamespace() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make the mounts of a namespace private: %w", err)
	}
	return nil
}

// onOwnThread runs f on a thread that ends with it, so that what f changes of the
// thread stays with nobody. The first thread is not taken: it cannot end, and
// /proc/self shows its namespace.
func onOwnThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			err := onOwnThread(f)
			runtime.UnlockOSThread()
			done <- err
			return
		}
		done <- f() // and the thread ends, as it is never unlocked
	}()
	return <-done
}
