package machine

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// mclOnFault locks pages as they are touched (linux/mman.h, MCL_ONFAULT, since
// 4.4). Without it all that Go has reserved would be taken.
const mclOnFault = 4

// GuardMemory keeps the memory of this process, and with it every key, from being
// swapped and from being dumped with a core. It is for root, and for the whole
// process: locked pages stay so until its end, programs that it starts have none.
//
// The limit goes first: where it stays, a later reservation of Go's could fail,
// and Go would end the process.
func GuardMemory() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("cannot keep the keys out of a core dump: %w", err)
	}
	all := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &all); err != nil {
		return fmt.Errorf("cannot keep the keys from being swapped: no leave to lock memory: %w", err)
	}
	if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | mclOnFault); err != nil {
		return fmt.Errorf("cannot keep the keys from being swapped: %w", err)
	}
	return nil
}
