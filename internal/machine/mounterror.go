package machine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"
)

// contextError is a refusal with what the kernel said in words.
type contextError struct {
	err    error
	kernel []string
}

func (e *contextError) Error() string { return e.err.Error() }
func (e *contextError) Unwrap() error { return e.err }

func message(line string) string {
	line = strings.TrimSpace(line)
	if len(line) > 2 && line[1] == ' ' && strings.ContainsRune("ewi", rune(line[0])) {
		return line[2:]
	}
	return line
}

// failed makes the error that callers see.
func (r MountRequest) failed(act string, err error) error {
	e := &MountError{Act: act, Source: r.source(), Point: r.Point, Kind: err}
	errno, ok := errors.AsType[unix.Errno](err)
	if !ok {
		return e
	}
	kind := accessKind(errno)
	if ce, ok := errors.AsType[*contextError](err); ok {
		kind, e.Kernel = r.contextKind(errno), ce.kernel
	}
	if kind != nil {
		e.Kind = fmt.Errorf("%w (%w)", kind, err)
	}
	return e
}

// accessKind is what an errno means wherever it comes from.
func accessKind(errno unix.Errno) error {
	switch errno {
	case unix.EBUSY:
		return ErrBusy
	case unix.EPERM, unix.EACCES:
		return ErrPermission
	}
	return nil
}

// contextKind is what an errno means that came while the file system was opened.
// Linux gives the same number for different things, so that some need another
// look at the device.
func (r MountRequest) contextKind(errno unix.Errno) error {
	if r.Device != "" && isReadOnly(r.Device) {
		if kind := r.readOnlyKind(errno); kind != nil {
			return kind
		}
	}
	switch errno {
	case unix.ENXIO, unix.ENODEV, unix.ENOMEDIUM:
		return ErrNoSuchDevice
	case unix.EINVAL, unix.EUCLEAN, unix.EBADMSG, unix.EOPNOTSUPP, unix.ENOENT:
		// ENOENT: the device is there, so it is a name among the options, as
		// "subvol=" of btrfs.
		return ErrBadContent
	}
	return accessKind(errno)
}

// readOnlyKind is what an errno means on a device that is set read-only.
func (r MountRequest) readOnlyKind(errno unix.Errno) error {
	switch {
	case errno == unix.EROFS && r.readOnly():
		// ext4 and xfs with a journal to replay (fs/ext4/super.c,
		// ext4_load_journal; fs/xfs/xfs_log_recover.c, xlog_recover).
		return ErrDirty
	case errno == unix.EIO && r.Type == "btrfs" && btrfsHasLog(r.Device):
		// "log replay required on RO media" comes as an input/output error
		// (fs/btrfs/disk-io.c, btrfs_replay_log; seen on Linux 6.18).
		return ErrDirty
	case errno == unix.EROFS, errno == unix.EACCES && !r.readOnly():
		return ErrReadOnly
	}
	return nil
}

// btrfsHasLog reports a tree log to replay: log_root in the superblock
// (struct btrfs_super_block in include/uapi/linux/btrfs_tree.h).
func btrfsHasLog(device string) bool {
	const superblock, magic, logRoot, end = 64 << 10, 0x40, 0x60, 0x68
	fd, err := unix.Open(device, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	var b [end]byte
	if n, err := unix.Pread(fd, b[:], superblock); err != nil || n < len(b) {
		return false
	}
	return string(b[magic:magic+8]) == "_BHRfS_M" && binary.LittleEndian.Uint64(b[logRoot:]) != 0
}

func isBlock(mode fs.FileMode) bool {
	return mode&fs.ModeDevice != 0 && mode&fs.ModeCharDevice == 0
}
