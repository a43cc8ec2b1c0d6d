// Package drill rehearses in a virtual machine what is to work in an emergency.
//
// A VM is a run of QEMU with an image of the rescue system; its Console is the serial one, on
// which the package waits for the line by which the system says that it is ready, and then types
// commands as a person would. A Firmware is what starts the machine: a BIOS, UEFI, or UEFI with
// Secure Boot and the keys that machines are sold with. A Trial is one start of the image
// with one firmware, and a Report has the trials of an image.
//
// The image is only read: what the VM writes to it is in a temporary file that has no name. The
// VM sees no disk of the host, and no network unless that is asked for. It ends with the
// context, and nothing of it is left. The package builds no images and changes none; it neither
// prints nor decides what to do about an image that does not start.
package drill
