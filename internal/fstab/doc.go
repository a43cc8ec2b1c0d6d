// Package fstab reads and writes fstab(5) and crypttab(5) as text, and reads what
// else tells a booting system what to mount and to open: the kernel's command
// line and the units of systemd.
//
// An Entry is one line of an fstab that mounts or swaps, a CryptEntry one line
// of a crypttab that opens a volume. A Spec is the first column of the one and
// the second of the other: what is to be mounted or opened, in whatever form
// it was written. Options are the fourth column. A Problem is what a person
// should know of a line: that it cannot be read, that the programs which read
// it disagree, that it hides an earlier line.
//
// A Cmdline is a kernel command line, a Unit a mount or swap unit with
// its drop-ins. Both give what they say as Entry and CryptEntry, on line 0, so
// that a device is found in the same way whoever names it. Which boot entry is
// taken, and which units are enabled, is for others to know.
//
// Reading never fails, but for a unit that systemd refuses. A line becomes an
// Entry, or a Problem, or both, or is a comment. Where the readers of fstab
// disagree, the one that boots the machine wins: systemd, which reads fstab
// through glibc's getmntent(3). The other that matters is libmount, the reader of
// mount(8). What the two make of odd lines was measured with glibc 2.36, systemd
// 252 and libmount 2.38.1; the tests hold the results.
//
// Writing is lossless. What is not changed stays byte for byte: comments,
// order, spacing, line ends, even lines that cannot be read.
//
// The package knows no devices: it tells what a Spec says, not what it means
// on a machine. It opens no files and imports nothing of ours.
package fstab
