// Package bootentry reads what the boot loaders of an installed system would
// start.
//
// An Entry is one thing that a loader can start: a kernel with its initrds and
// its command line, or another EFI program. A Boot is all entries of a system,
// in the order of each loader's menu. A File is a path as a configuration names
// it, and the file in the system that is meant by it. A Jump is a configuration
// that hands over to another one. A Cmdline is a command line that the next
// entry to be written will get. A Problem is what could not be read. A UKI is a
// kernel, its initrd and its command line in one EFI program; an Initramfs is
// what is known of an initrd after reading it, a Member one file in it.
//
// Read understands GRUB 2, the entries of the Boot Loader Specification (UAPI.1)
// as systemd-boot, GRUB and zipl read them, unified kernel images, syslinux with
// its relatives, zipl.conf and the firmware of the Raspberry Pi. What only the
// running loader knows, such as a variable that its firmware sets, is listed
// with the entry as Unknown; it is never guessed.
//
// The files are a stranger's: sizes, depths and counts are bounded, and a file
// that cannot be read is a Problem, never the end of reading. Texts are given as
// they stand on the disk, control characters included: whoever shows them has to
// make them printable.
//
// The package writes nothing, executes nothing of what it reads, does not know
// devices, and does not judge: whether root= exists or an initrd will do is for
// others to say. It imports nothing of ours.
package bootentry
