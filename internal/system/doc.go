// Package system knows what an installed system is: how one is recognised, what
// its fstab and crypttab mean on a device graph, and what "mounted completely"
// therefore is.
//
// A System is an installed operating system on a root, which is a file system or
// a btrfs subvolume. A Finding is what was seen on one root, be it a system or
// not. A Trees gives the file tree of a root to look at. A Resolver tells which
// node a Spec means. A Way is how far opening may go. A Line is an fstab line with
// the state it is in, a Volume an encrypted container with its state, a Risk what
// has to be accepted before a mount writes. A Saved is what a layout that was saved of
// a system knows of names, for where its own files are damaged. A Mounting is all of these for one
// system, and a Target the directory under which it is mounted.
//
// Opened and Mount make wanted graphs; what has to be done to get there is plan's
// business. How hard cases are decided is written in docs/tables.md. The package
// is pure: it looks at trees that it is given, and touches no machine.
package system
