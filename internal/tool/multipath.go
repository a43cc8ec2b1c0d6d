package tool

import "salvor/internal/machine"

// CreateMultipath asks for the map of the LUN whose wire the device is. -i: the
// live system's list of known WWIDs does not have it (multipath(8); find_multipaths
// is "strict" by default, multipath.conf(5)).
func CreateMultipath(device string) machine.Cmd {
	return machine.Cmd{Program: "multipath", Args: []string{"-i", device}}
}

// RemoveMultipath asks for a map to be removed; any path of it will do.
func RemoveMultipath(device string) machine.Cmd {
	return machine.Cmd{Program: "multipath", Args: []string{"-f", device}}
}

// multipathSays: multipath-tools 0.9.4.
var multipathSays = []rule{
	{1, "map in use", ErrBusy},                                 // libmultipath/devmapper.c, _dm_flush_map
	{1, "is not a valid argument", ErrNoDevice},                // multipath/main.c
	{1, "must be run as root", ErrPermission},                  // multipath/main.c
	{1, "need to be root", ErrPermission},                      // multipath/main.c, older
	{1, "device mapper prerequisites not met", ErrUnsupported}, // multipath/main.c
	{1, "DM multipath kernel driver not loaded", ErrUnsupported},
}
