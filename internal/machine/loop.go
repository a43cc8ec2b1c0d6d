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
// device. The kernel ends the device at its last close (LO_FLAGS_AUTOCLEAR,
// loop(4)); until DetachLoop the process keeps it open. So a stand-in on it
// outlives the process, and a process that is killed before it has put one on it
// leaves nothing behind.
func (l *Live) AttachLoop(size uint64) (string, error) {
	device, fd, err := attachLoop(size)
	if err != nil {
		return "", fmt.Errorf("cannot make a loop device of %d bytes: %w", size, err)
	}
	l.loops.Store(device, fd)
	return device, nil
}

func attachLoop(size uint64) (device string, fd int, err error) {
	if size > math.MaxInt64 {
		return "", -1, unix.EFBIG
	}
	file, err := unix.MemfdCreate("salvor", unix.MFD_CLOEXEC)
	if err != nil {
		return "", -1, err
	}
	defer unix.Close(file) // the loop device holds its own reference
	if err := unix.Ftruncate(file, int64(size)); err != nil {
		return "", -1, err
	}
	control, err := unix.Open("/dev/loop-control", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", -1, fmt.Errorf("open /dev/loop-control: %w", err)
	}
	defer unix.Close(control)
	return takeLoop(control, file)
}

// takeLoop configures a free device. Between LOOP_CTL_GET_FREE and LOOP_CONFIGURE
// another process may take it; that one gets EBUSY and asks again (loop(4)).
func takeLoop(control, file int) (device string, fd int, err error) {
	const tries = 32
	for range tries {
		var number int
		if number, err = unix.IoctlRetInt(control, unix.LOOP_CTL_GET_FREE); err != nil {
			return "", -1, err
		}
		device = "/dev/loop" + strconv.Itoa(number)
		if fd, err = configureLoop(device, memoryLoop(file)); err == nil {
			return device, fd, nil
		}
		if !errors.Is(err, unix.EBUSY) {
			break
		}
	}
	return "", -1, err
}

// memoryLoop is how a loop device over a file in memory is set up.
func memoryLoop(file int) *unix.LoopConfig {
	config := &unix.LoopConfig{Fd: uint32(file)}
	config.Info.Flags = unix.LO_FLAGS_AUTOCLEAR
	copy(config.Info.File_name[:len(config.Info.File_name)-1], "salvor (memory)")
	return config
}

// configureLoop gives the device open.
func configureLoop(device string, config *unix.LoopConfig) (fd int, err error) {
	fd, err = unix.Open(device, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.EACCES) {
		// What the last user of this number set by BLKROSET outlives LOOP_CLR_FD
		// (seen on Linux 6.18), and a read-only device does not open for writing.
		err = clearReadOnly(device)
		if err == nil {
			fd, err = unix.Open(device, unix.O_RDWR|unix.O_CLOEXEC, 0)
		}
	}
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", device, err)
	}
	if err := unix.IoctlLoopConfigure(fd, config); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("configure %s: %w", device, err)
	}
	if _, err = setReadOnly(fd, false); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
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
	if kept, ok := l.loops.LoadAndDelete(device); ok {
		defer unix.Close(kept.(int))
	}
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
