// Package medium makes boot media out of a kernel, an initramfs and the files of boot
// loaders, and reads them back.
//
// Its nouns: the Parts are what a medium is made of. The Loaders are the boot loaders that a
// distribution's tree has. A format is one of the forms of a medium: an ISO image, which is
// a CD and a USB stick in one; a USB image, the same with a GPT; a unified kernel image
// (UKI), which UEFI firmware starts by itself; a directory for booting over the network. The
// Contents are what was found in a medium.
//
// An ISO or USB image has one FAT file system, the EFI system partition, which holds every
// file once. The ISO 9660 tree in front of it has the same files, by pointing to the same
// bytes: so a BIOS loader finds them by ISO 9660 and UEFI firmware by FAT, and nothing is
// stored twice. Images are put together while they are read: only directories and tables
// are held in memory. The same parts make the same bytes, at any time and on any machine.
//
// The package runs no program and looks for no device; what the initramfs does is not its
// affair. It signs nothing: Secure Boot works by the signatures that the distribution has
// put on its loaders and its kernel.
package medium
