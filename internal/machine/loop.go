package machine

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"golang.org/x/sys/unix"
)

// AttachLoop makes a loop device over a file in memory (memfd_create(2)). Pages
// are taken as they are written. The file has no name: it lives as long as the
// device, also after this process, and DetachLoop is what ends both. The kernel
// is not asked to end the device at its last close (LO_FLAGS_AUTOCLEAR), as
// salvor and the tools it runs open and close it in turn.
func (l *Live) AttachLoop(size uint64) (string, error) {
	device, err := attachLoop(size)
	if err != nil {
		return "", fmt.Errorf("cannot make a loop device of %d bytes: %w", size, err)
	}
	return device, nil
}

func attachLoop(size uint64) (string, error) {
	if size > math.MaxInt64 {
		return "", unix.EFBIG
	}
	file, err := unix.MemfdCreate("salvor", unix.MFD_CLOEXEC)
	if err != nil {
		return "", err
	}
	defer unix.Close(file) // the loop device holds its own reference
	if err := unix.Ftruncate(file, int64(size)); err != nil {
		return "", err
	}
	control, err := unix.Open("/dev/loop-control", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", fmt.Errorf("open /dev/loop-control: %w", err)
	}
	defer unix.Close(control)
	return takeLoop(control, file)
}

// takeLoop configures a free device. Between LOOP_CTL_GET_FREE and LOOP_CONFIGURE
// another process may take it; that one gets EBUSY and asks again (loop(4)).
func takeLoop(control, file int) (string, error) {
	const tries = 32
	var err error
	for range tries {
		var number int
		if number, err = unix.IoctlRetInt(control, unix.LOOP_CTL_GET_FREE); err != nil {
			return "", err
		}
		device := "/dev/loop" + strconv.Itoa(number)
		if err = configureLoop(device, file); err == nil {
			return device, nil
		}
		if !errors.Is(err, unix.EBUSY) {
			break
		}
	}
	return "", err
}

func configureLoop(device string, file int) error {
	fd, err := unix.Open(device, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.EACCES) {
		// What the last user of this number set by BLKROSET outlives LOOP_CLR_FD
		// (seen on Linux 6.18), and a read-only device does not open for writing.
		err = clearReadOnly(device)
		if err == nil {
			fd, err = unix.Open(device, unix.O_RDWR|unix.O_CLOEXEC, 0)
		}
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", device, err)
	}
	defer unix.Close(fd)
	config := unix.LoopConfig{Fd: uint32(file)}
	copy(config.Info.File_name[:len(config.Info.File_name)-1], "salvor (memory)")
	if err := unix.IoctlLoopConfigure(fd, &config); err != nil {
		return fmt.Errorf("configure %s: %w", device, err)
	}
	_, err = setReadOnly(fd, false)
	return err
}

func clearReadOnly(device string) error {
	fd, err := unix.Open(device, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = setReadOnly(fd, false)
	return err
}

// DetachLoop ends a loop device, and takes back its read-only flag so that the
// next user of the number does not inherit it. While others have the device
// open, the kernel ends it with their last close.
func (l *Live) DetachLoop(device string) error {
	fd, err := unix.Open(device, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return wrap("detach", device, err)
	}
	defer unix.Close(fd)
	if _, err := unix.IoctlLoopGetStatus64(fd); err != nil {
		if errors.Is(err, unix.ENXIO) {
			err = ErrNoSuchDevice
		}
		return wrap("detach", device, err)
	}
	if _, err := setReadOnly(fd, false); err != nil {
		return wrap("detach", device, err)
	}
	return wrap("detach", device, unix.IoctlSetInt(fd, unix.LOOP_CLR_FD, 0))
}
