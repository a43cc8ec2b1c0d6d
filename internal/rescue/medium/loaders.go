package medium

import (
	"bytes"
	"debug/pe"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// Arch is an architecture, by the short name that UEFI has for it (UEFI 2.10, 3.5.1.1).
type Arch string

// The architectures.
const (
	X64  Arch = "x64"
	AA64 Arch = "aa64"
)

func (a Arch) upper() string { return strings.ToUpper(string(a)) }

// EFIProgram is the program that UEFI starts from a medium (UEFI 2.10, 3.5.1.1).
func (a Arch) EFIProgram() string { return "EFI/BOOT/BOOT" + a.upper() + ".EFI" }

// KernelArch tells for which architecture a kernel is.
func KernelArch(kernel io.ReaderAt) (Arch, error) {
	head := make([]byte, 4096)
	if n, err := kernel.ReadAt(head, 0); n < len(head) {
		return "", fmt.Errorf("cannot read the kernel: %w", err)
	}
	le := binary.LittleEndian
	at := int(le.Uint32(head[peOffset:]))
	if bytes.HasPrefix(head, []byte("MZ")) && at < len(head)-6 && string(head[at:at+4]) == "PE\x00\x00" {
		switch le.Uint16(head[at+4:]) {
		case pe.IMAGE_FILE_MACHINE_AMD64:
			return X64, nil
		case pe.IMAGE_FILE_MACHINE_ARM64:
			return AA64, nil
		}
	}
	switch {
	case isPC(head):
		return X64, nil
	case string(head[56:60]) == "ARM\x64": // kernel: Documentation/arch/arm64/booting.rst
		return AA64, nil
	}
	return "", errors.New("cannot make a boot medium with this kernel: it is neither one for x86-64 nor one for 64-bit ARM")
}

// isPC: from version 2.12 of the boot protocol on, a kernel for PCs says whether it is one of 64
// bits (XLF_KERNEL_64; kernel: Documentation/arch/x86/boot.rst, xloadflags).
func isPC(head []byte) bool {
	le := binary.LittleEndian
	return string(head[0x202:0x206]) == "HdrS" && (le.Uint16(head[0x206:]) < 0x20c || le.Uint16(head[0x236:])&1 != 0)
}

// LoaderFile is a file of a boot loader; one without data is not there.
type LoaderFile struct {
	Source string // its path in the tree that it was found in
	Data   []byte
}

func (f LoaderFile) there() bool { return len(f.Data) > 0 }

func (f LoaderFile) name() string { return path.Base(f.Source) }

// Loaders are the boot loaders for an architecture, as far as there are any.
type Loaders struct {
	Arch Arch
	// Vendor is the ID of the distribution that they are of. It signs shim's GRUB and the kernel.
	Vendor string
	// ISOLINUX and GRUBPC start a medium by a BIOS; ISOLINUX is taken if both are there.
	ISOLINUX *Syslinux
	GRUBPC   *GRUBPC
	// Of these UEFI starts: shim with GRUB, or GRUB, or systemd-boot, or a UKI made with
	// the stub; the first that is there.
	Shim, MokManager, GRUB, SystemdBoot, Stub LoaderFile
	// For booting over the network.
	PXELINUX *Syslinux
	GRUBNet  LoaderFile
}

// Syslinux is a loader of the Syslinux project with the modules that it needs.
type Syslinux struct {
	Program LoaderFile
	MBR     LoaderFile // ISOLINUX alone: the code for the first sector of a disk
	Modules []LoaderFile
}

// GRUBPC is GRUB for the BIOS. Its core image is made by a program of the distribution:
//
//	grub-mkimage -O i386-pc -d Dir -p /boot/grub -o core.img GRUBModules…
//
// Without it, GRUB is not put on a medium.
type GRUBPC struct {
	Dir         string // where its modules lie
	CDBoot, MBR LoaderFile
	Core        LoaderFile
}

// GRUBModules are the modules that the core image of GRUBPC has to have.
var GRUBModules = []string{
	"biosdisk", "iso9660", "fat", "part_msdos", "part_gpt", "search", "search_fs_file",
	"normal", "configfile", "linux", "test", "echo", "serial", "terminal", "minicmd",
}

// files are all files of the loaders, for the identity of a medium.
func (l Loaders) files() []LoaderFile {
	all := []LoaderFile{l.Shim, l.MokManager, l.GRUB, l.SystemdBoot, l.Stub, l.GRUBNet}
	for _, s := range []*Syslinux{l.ISOLINUX, l.PXELINUX} {
		if s != nil {
			all = slices.Concat(all, []LoaderFile{s.Program, s.MBR}, s.Modules)
		}
	}
	if l.GRUBPC != nil {
		all = append(all, l.GRUBPC.CDBoot, l.GRUBPC.MBR, l.GRUBPC.Core)
	}
	return slices.DeleteFunc(all, func(f LoaderFile) bool { return !f.there() })
}

// uefiLoader is how UEFI starts a medium.
type uefiLoader string

const (
	uefiShim        uefiLoader = "shim and GRUB"
	uefiGRUB        uefiLoader = "GRUB"
	uefiSystemdBoot uefiLoader = "systemd-boot"
	uefiUKI         uefiLoader = "UKI"
)

// uefi is what there is, the best first: only the first may be signed by keys that every
// machine has, and only the first three have a menu.
func (l Loaders) uefi() uefiLoader {
	switch {
	case l.Shim.there() && l.GRUB.there():
		return uefiShim
	case l.GRUB.there():
		return uefiGRUB
	case l.SystemdBoot.there():
		return uefiSystemdBoot
	case l.Stub.there():
		return uefiUKI
	}
	return ""
}

// Where a medium has the program that a BIOS starts from a CD.
const (
	isolinuxPath = "isolinux/isolinux.bin"
	eltoritoPath = "boot/grub/eltorito.img"
)

// BIOSPrograms are the programs that a BIOS starts from a medium, which has one of them, or none.
var BIOSPrograms = []string{isolinuxPath, eltoritoPath}

// biosPath is the file that a BIOS starts from a CD, "" if there is none.
func (l Loaders) biosPath() string {
	switch {
	case l.ISOLINUX != nil:
		return isolinuxPath
	case l.GRUBPC != nil && l.GRUBPC.Core.there():
		return eltoritoPath
	}
	return ""
}

// Firmware is what starts a machine.
type Firmware string

// The kinds of firmware.
const (
	BIOS       Firmware = "bios"
	UEFI       Firmware = "uefi"
	SecureBoot Firmware = "secure boot" // UEFI that starts only what is signed
)

// Boots tells which firmware can start an ISO or USB image of the parts. That signatures
// are there is seen; by whom they are is the firmware's affair.
func (p Parts) Boots() []Firmware {
	var out []Firmware
	if p.Loaders.biosPath() != "" {
		out = append(out, BIOS)
	}
	if p.Loaders.uefi() != "" {
		out = append(out, UEFI)
	}
	if p.Loaders.uefi() == uefiShim && p.Kernel != nil &&
		Signed(bytes.NewReader(p.Loaders.Shim.Data)) && Signed(bytes.NewReader(p.Loaders.GRUB.Data)) && Signed(p.Kernel) {
		out = append(out, SecureBoot)
	}
	return out
}

// certificates is the directory of a PE program with its signatures.
const certificates = 4

// Signed tells whether a program for UEFI, which kernels are too, has a signature.
func Signed(program io.ReaderAt) bool {
	f, err := pe.NewFile(program)
	if err != nil {
		return false
	}
	header, ok := f.OptionalHeader.(*pe.OptionalHeader64)
	return ok && header.NumberOfRvaAndSizes > certificates && header.DataDirectory[certificates].Size > 0
}
