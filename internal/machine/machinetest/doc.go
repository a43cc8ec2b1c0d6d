// Package machinetest is a machine for tests: a fake that holds state, changes
// when told to, and refuses what it does not know.
//
// A Machine is made of a full graph: everything that lies on its disks, also what
// is locked or closed, with what stands open at the start. The programs that
// package tool asks for, mounts, read-only flags, loop devices and sysfs writes
// change what stands open, stood in for, frozen and mounted. An unknown program or
// argument is an error, so a new phrase has to be taught here before it can be used.
//
// Visible is what a probe would see now: what lies above something closed is
// hidden, except what metadata tell (volumes, arrays). String is the state as text,
// for golden files. Writes tells every act that would have changed a disk, so a test
// can prove that looking never writes.
//
// The answers and error messages are those of the real programs, as far as package
// tool tells them apart. The fake has no block contents: OpenBlock gives zeros.
package machinetest
