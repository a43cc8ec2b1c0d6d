package apply

import "salvor/internal/machine"

// Env is what of a machine decides how an operation is asked for.
type Env struct {
	Udev      bool // a udev daemon makes the device nodes and has to be waited for
	Bcache    bool // the kernel has bcache loaded
	Multipath bool // the kernel has dm-multipath loaded
	NBD       bool // the kernel has network block devices
}

// EnvOf looks at the machine.
func EnvOf(m machine.Machine) Env {
	there := func(name string) bool {
		_, err := m.Stat(name)
		return err == nil
	}
	return Env{
		// Where systemd-udevd listens (systemd, src/udev/udev-ctrl.c); libudev's
		// own test for a running daemon.
		Udev:      there("/run/udev/control"),
		Bcache:    there("/sys/fs/bcache/register"),
		Multipath: there("/sys/module/dm_multipath"),
		NBD:       there("/sys/block/nbd0"),
	}
}
