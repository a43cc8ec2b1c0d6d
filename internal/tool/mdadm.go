package tool

import "salvor/internal/machine"

// Array is an MD array that is to be assembled.
type Array struct {
	Device   string // /dev/mdN that it is to get
	UUID     string // in any of mdadm's notations
	Members  []string
	ReadOnly bool
	Degraded bool
}

// AssembleArray asks for the array, from these members and no others.
//
// --config=none: the live system's mdadm.conf may ignore arrays or rename them,
// and it is not about this machine. --run starts an array although members are
// missing; without it mdadm starts only what is as complete as the superblocks
// say it was last (Assemble.c, start_array). --force is never given: it rewrites
// event counters, so that a member with old data may count as good. When there are
// too few members mdadm lets go of those it took, so nothing has to be stopped.
//
// Measured with mdadm 4.2 on Linux 6.1: with --readonly no byte of the members
// changes, also when one is missing; and it works on members whose read-only flag
// is set.
func AssembleArray(a Array) machine.Cmd {
	args := []string{"--assemble", a.Device, "--config=none", "--uuid=" + a.UUID}
	if a.ReadOnly {
		args = append(args, "--readonly")
	}
	if a.Degraded {
		args = append(args, "--run")
	}
	return machine.Cmd{Program: "mdadm", Args: append(args, a.Members...)}
}

// StopArray asks for an array to be stopped.
func StopArray(device string) machine.Cmd {
	return machine.Cmd{Program: "mdadm", Args: []string{"--stop", device}}
}

// mdadmSays: mdadm 4.2. Its statuses differ between modes and say little.
var mdadmSays = []rule{
	{0, "not enough to start the array", ErrIncomplete},         // Assemble.c, start_array
	{0, "Not enough devices to start the array", ErrIncomplete}, // sysfs.c or Assemble.c, with --run
	{0, "(use --run to insist)", ErrIncomplete},                 // Assemble.c, start_array
	{0, "is already in use", ErrExists},                         // Assemble.c: another array has the number
	{0, "is busy - skipping", ErrBusy},                          // Assemble.c, select_devices
	{0, "Cannot get exclusive access to", ErrBusy},              // Manage.c, Manage_stop
	{0, "failed to stop array", ErrBusy},                        // Manage.c, Manage_stop
	{0, "error opening", ErrNoDevice},                           // mdadm.c: --stop of a node that is not there
	{0, "does not appear to be an md device", ErrNoDevice},      // util.c
	{0, "cannot open device", ErrNoDevice},                      // Assemble.c, select_devices
	{0, "no recogniseable superblock", ErrBadContent},           // Assemble.c, select_devices
	{0, "has wrong uuid", ErrBadContent},                        // Assemble.c, ident_matches
	{0, "no devices found for", ErrNoDevice},                    // Assemble.c
	{0, "failed to RUN_ARRAY", ErrDamaged},                      // Assemble.c; the kernel's log has the reason
	{0, "must be super-user to perform this", ErrPermission},    // mdadm.c
	{0, "Device or resource busy", ErrBusy},                     // strerror(3) behind "Cannot open"
}
