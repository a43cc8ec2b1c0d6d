package tool

import "salvor/internal/machine"

// LoadModule asks for a kernel module.
func LoadModule(name string) machine.Cmd {
	return machine.Cmd{Program: "modprobe", Args: []string{name}}
}

// Settle waits until udev has handled what has happened, at most half a minute
// (udevadm(8)). It is of use only where a udev daemon runs.
func Settle() machine.Cmd {
	return machine.Cmd{Program: "udevadm", Args: []string{"settle", "--timeout=30"}}
}

// ReloadRules makes udev read its rules anew (udevadm(8)). It is of use only where
// a udev daemon runs.
func ReloadRules() machine.Cmd {
	return machine.Cmd{Program: "udevadm", Args: []string{"control", "--reload"}}
}

// modprobeSays: kmod 30, tools/modprobe.c.
var modprobeSays = []rule{
	{1, "not found in directory", ErrUnsupported},
	{1, "Operation not permitted", ErrPermission},
}
