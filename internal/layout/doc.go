// Package layout is what it takes to make a machine again, as data and as a file that people
// read and edit.
//
// A Layout is a machine on one day: which it is, how it starts, what lies on what, what was
// mounted where, and the files of the system that this depends on. It is made of a graph and
// of Facts, which a graph does not hold; its nodes have the IDs that they have in the graph,
// and name each other by them. What stands under device and links is a hint, for nothing
// goes by the names that a kernel gives.
//
// What is covered is what a recovery makes again. What is not is listed, each node once, as
// Uncovered: a gap, where salvor cannot make it, or excluded, where it was told not to, or
// where there is nothing to bring back. What is not part of the machine at all (a loop
// device, a stick that is plugged in) is left out. All these choices are tables in
// docs/tables.md.
//
// The digest of a layout binds images and backups to it. It is the same as long as the
// machine is, whatever its disks are called and however full they are; a file whose digest
// does not fit was edited, which is told and allowed. A layout that was read can be
// compared with another one (Diff), and turned into a graph again.
//
// The package is pure: it looks at no machine, opens no file and makes nothing. No
// secret is in a layout; those in the files of the system are taken out on the way in.
package layout
