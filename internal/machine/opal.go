package machine

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The part of <linux/sed-opal.h> that asks a disk how its lock stands; since
// Linux 6.1, where the kernel has CONFIG_BLK_SED_OPAL. The number is that of x86 and
// ARM; the other architectures that encode it otherwise do not know it.
const (
	opalGetStatus = 0x800870ec // IOC_OPAL_GET_STATUS, _IOR('p', 236, struct opal_status)

	opalLockingEnabled = 0x04 // OPAL_FL_LOCKING_ENABLED
	opalLocked         = 0x08 // OPAL_FL_LOCKED
)

// opalStatus is struct opal_status.
type opalStatus struct{ flags, reserved uint32 }

// OpalLocked is implemented by a Block that knows whether the disk has locked
// itself (TCG Opal): reads of the locked ranges fail then.
type OpalLocked interface{ OpalLocked() bool }

// OpalLocked implements the interface of that name.
func (b *block) OpalLocked() bool { return b.locked }

// isOpalLocked asks a device. One that does not know the question, as nearly all
// do, is not locked.
func isOpalLocked(fd int) bool {
	var s opalStatus
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), opalGetStatus, uintptr(unsafe.Pointer(&s)))
	return errno == 0 && s.flags&opalLockingEnabled != 0 && s.flags&opalLocked != 0
}
