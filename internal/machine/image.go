package machine

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Image is a file, or a part of it, that is attached to a loop device.
type Image struct {
	Path      string // absolute, without symbolic links
	Device    string // "/dev/loop64": made if it is not there, and not in use
	Offset    uint64 // bytes
	SizeLimit uint64 // bytes; 0 for all of the file
	ReadOnly  bool
}

// AttachImage attaches the file to the loop device and has the kernel read the
// partition table in it. Unlike the device of AttachLoop this one outlives the
// process, as there is no LO_FLAGS_AUTOCLEAR.
func (l *Live) AttachImage(i Image) error {
	if err := attachImage(i); err != nil {
		return fmt.Errorf("cannot attach %s to %s: %w", i.Path, i.Device, err)
	}
	return nil
}

func attachImage(i Image) error {
	number, err := strconv.ParseUint(strings.TrimPrefix(i.Device, "/dev/loop"), 10, 20)
	if err != nil || !strings.HasPrefix(i.Device, "/dev/loop") {
		return errors.New("internal error: it is no loop device")
	}
	file, err := openImage(i)
	if err != nil {
		return err
	}
	defer unix.Close(file) // the loop device holds its own reference
	if err := addLoop(int(number)); err != nil {
		return err
	}
	config := unix.LoopConfig{Fd: uint32(file)}
	config.Info.Flags = unix.LO_FLAGS_PARTSCAN
	if i.ReadOnly {
		config.Info.Flags |= unix.LO_FLAGS_READ_ONLY
	}
	config.Info.Offset, config.Info.Sizelimit = i.Offset, i.SizeLimit
	copy(config.Info.File_name[:len(config.Info.File_name)-1], i.Path)
	fd, err := configureLoop(i.Device, &config)
	if err != nil {
		return busy(err)
	}
	return unix.Close(fd)
}

// openImage opens the file so that reading it for a look does not even change the
// time of its last access (open(2), O_NOATIME), and refuses one that others use.
func openImage(i Image) (int, error) {
	flags := unix.O_RDWR
	if i.ReadOnly {
		flags = unix.O_RDONLY | unix.O_NOATIME
	}
	fd, err := ignoringEINTR(func() (int, error) {
		return unix.Open(i.Path, flags|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	})
	if err != nil {
		return -1, err
	}
	if err := checkImage(fd, i.ReadOnly); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// checkImage looks for the locks by which QEMU marks an image that a virtual machine
// uses: open file description locks on single bytes from 100 on for what it does,
// from 200 on for what it lets nobody else do (qemu, block/file-posix.c,
// RAW_LOCK_PERM_BASE). To read, it is enough that nobody may write (bit 1).
func checkImage(fd int, readOnly bool) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return fmt.Errorf("it is no regular file, but a %s", kindName(fileMode(st.Mode)))
	}
	const perms, shared, write = 100, 200, 1
	ranges := [][2]int64{{perms + write, 1}}
	if !readOnly {
		ranges = [][2]int64{{perms, shared}}
	}
	for _, r := range ranges {
		lock := unix.Flock_t{Type: unix.F_WRLCK, Start: r[0], Len: r[1]}
		if err := unix.FcntlFlock(uintptr(fd), unix.F_OFD_GETLK, &lock); err != nil {
			return err
		}
		if lock.Type != unix.F_UNLCK {
			return fmt.Errorf("%w: a lock on it shows that a virtual machine uses it", ErrBusy)
		}
	}
	return nil
}

// addLoop makes the loop device of a number, if it is not there (loop(4)).
func addLoop(number int) error {
	control, err := unix.Open("/dev/loop-control", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open /dev/loop-control: %w", err)
	}
	defer unix.Close(control)
	err = unix.IoctlSetInt(control, unix.LOOP_CTL_ADD, number)
	if errors.Is(err, unix.EEXIST) {
		return nil
	}
	return err
}

func busy(err error) error {
	if errors.Is(err, unix.EBUSY) {
		return ErrBusy
	}
	return err
}

func imageQuestion(i Image) string {
	text, err := json.Marshal(i)
	if err != nil {
		panic("internal error: an image does not marshal: " + err.Error())
	}
	return "attach-image " + string(text)
}

// AttachImage records.
func (r *Recorder) AttachImage(i Image) error {
	return r.act(imageQuestion(i), r.inner.AttachImage(i))
}

// AttachImage replays that it was done.
func (r *Replay) AttachImage(i Image) error { return r.act(imageQuestion(i)) }

// AttachImage refuses.
func (r *Rooted) AttachImage(i Image) error { return r.refuse("attach %s", i.Path) }
