package system

import (
	"debug/elf"
	"encoding/binary"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// programs are looked at for the machine type: one of them is in every system.
var programs = []string{"usr/bin/sh", "bin/sh", "sbin/init", "usr/lib/systemd/systemd", "bin/busybox"}

// Arch gives the machine type, as uname -m names it, that the programs of a whole
// system are for; "" if that is not known.
func Arch(tree fs.FS) string { return arch(tree, nil) }

// arch reads the machine type of a program that every system has.
func arch(tree, usr fs.FS) string {
	for _, name := range programs {
		if a := elfArch(tree, name); a != "" {
			return a
		}
		if rest, ok := strings.CutPrefix(name, "usr/"); ok && usr != nil {
			if a := elfArch(usr, rest); a != "" {
				return a
			}
		}
	}
	return ""
}

// elfArch reads the first 64 bytes only: the header is all that is needed, and
// the rest of a stranger's program is not to be parsed.
func elfArch(tree fs.FS, name string) string {
	info, err := fs.Stat(tree, name)
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	f, err := tree.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	head := make([]byte, elfHeader)
	if _, err := io.ReadFull(f, head); err != nil {
		return ""
	}
	return ArchOf(head)
}

// elfHeader is how many bytes an ELF header has at most.
const elfHeader = 64

// ArchOf gives the machine type that a program is for by its first bytes, "" if it is
// no ELF program.
func ArchOf(head []byte) string {
	if len(head) < elfHeader || string(head[:4]) != elf.ELFMAG {
		return ""
	}
	var order binary.ByteOrder = binary.LittleEndian
	if elf.Data(head[elf.EI_DATA]) == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	return archName(elf.Machine(order.Uint16(head[18:])), elf.Class(head[elf.EI_CLASS]), elf.Data(head[elf.EI_DATA]))
}

// archNames are the names that uname -m has.
var archNames = map[elf.Machine]string{
	elf.EM_X86_64: "x86_64", elf.EM_386: "i686", elf.EM_AARCH64: "aarch64", elf.EM_ARM: "armv7l",
	elf.EM_S390: "s390x", elf.EM_LOONGARCH: "loongarch64",
}

func archName(m elf.Machine, class elf.Class, data elf.Data) string {
	switch {
	case archNames[m] != "":
		return archNames[m]
	case m == elf.EM_PPC64 && data == elf.ELFDATA2LSB:
		return "ppc64le"
	case m == elf.EM_RISCV && class == elf.ELFCLASS64:
		return "riscv64"
	case m == elf.EM_RISCV:
		return "riscv32"
	default:
		return strings.ToLower(strings.TrimPrefix(m.String(), "EM_"))
	}
}

// kernels lists the versions that have modules or a kernel image.
func kernels(tree, usr fs.FS) []string {
	out := append(moduleDirs(tree, "lib/modules"), moduleDirs(tree, "usr/lib/modules")...)
	if usr != nil {
		out = append(out, moduleDirs(usr, "lib/modules")...)
	}
	for _, pattern := range []string{"boot/vmlinuz-*", "boot/vmlinux-*", "boot/Image-*", "boot/image-*"} {
		images, _ := fs.Glob(tree, pattern) // no /boot here: it lies elsewhere
		for _, image := range images {
			_, version, _ := strings.Cut(path.Base(image), "-")
			out = append(out, clean(version))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// moduleDirs: depmod(8) takes each directory there as a kernel version; they all
// begin with a number.
func moduleDirs(tree fs.FS, dir string) []string {
	list, _ := fs.ReadDir(tree, dir) // none is there: no kernel is
	var out []string
	for _, e := range list {
		if name := e.Name(); e.IsDir() && name[0] >= '0' && name[0] <= '9' {
			out = append(out, clean(name))
		}
	}
	return out
}
