package medium

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Parts are what a medium is made of.
type Parts struct {
	Kernel    *io.SectionReader
	Initramfs *io.SectionReader
	// CommandLine is what the kernel gets besides its consoles: printable ASCII without
	// those signs that some loader does not pass on as they are.
	CommandLine string
	Release     string // of the kernel, told to UEFI by a UKI
	OSRelease   []byte // os-release(5) of the rescue system, in a UKI
	Title       string // over the menu, such as "salvor rescue of HOST"
	Label       string // of the volume, "SALVOR" if none
	Loaders     Loaders
}

// Format is a form of a medium.
type Format string

// The formats. Those of Write are ISO, USB and UKI.
const (
	ISO       Format = "iso"       // a CD, or the same bytes on a USB stick
	USB       Format = "usb"       // the same with a GPT, for disks and USB sticks
	UKI       Format = "uki"       // a program for UEFI
	PXE       Format = "pxe"       // a directory for a TFTP or HTTP server
	Initramfs Format = "initramfs" // the initramfs alone
)

// Image gives a medium as it would be written; the parts have to stay open while it is read.
func Image(f Format, p Parts) (*io.SectionReader, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	switch f {
	case ISO, USB:
		return hybrid(f, p)
	case UKI:
		u, err := makeUKI(p)
		if err != nil {
			return nil, err
		}
		return u.image, nil
	}
	return nil, fmt.Errorf("internal error: %q is no format of an image file", f)
}

// longestCommandLine is what the kernel takes, without the zero at its end
// (COMMAND_LINE_SIZE in arch/x86/include/asm/setup.h and arch/arm64/include/uapi/asm/setup.h).
const longestCommandLine = 2047

// notPassedOn are signs that mean something to GRUB, to Syslinux, to iPXE or to the kernel.
const notPassedOn = `'"\$&|`

func (p Parts) check() error {
	switch {
	case p.Kernel == nil || p.Kernel.Size() == 0:
		return errors.New("cannot make a boot medium: there is no kernel")
	case p.Initramfs == nil || p.Initramfs.Size() == 0:
		return errors.New("cannot make a boot medium: there is no initramfs")
	}
	for _, r := range p.CommandLine {
		if r < ' ' || r > '~' || strings.ContainsRune(notPassedOn, r) {
			return fmt.Errorf("cannot make a boot medium: the command line %q has %q, which not every boot loader passes on", p.CommandLine, r)
		}
	}
	for _, e := range p.entries() {
		if len(e.options) > longestCommandLine {
			return fmt.Errorf("cannot make a boot medium: the command line has %d bytes, the kernel takes %d", len(e.options), longestCommandLine)
		}
	}
	return nil
}

// identity is a digest of all that goes into a medium. Every number that has to be unique
// is made from it, since a random one would make each medium another one.
type identity [sha256.Size]byte

// identityVersion changes when the same parts make another medium.
const identityVersion = "salvor medium 1"

func (p Parts) identity() (identity, error) {
	h := sha256.New()
	field := func(name string, r *io.SectionReader) error {
		fmt.Fprintf(h, "%s %d\n", name, r.Size())
		_, err := io.Copy(h, io.NewSectionReader(r, 0, r.Size()))
		return err
	}
	texts := identityVersion + "\x00" + p.CommandLine + "\x00" + p.Release + "\x00" + p.Title + "\x00" + p.Label
	err := errors.Join(
		field("texts", blob([]byte(texts))), field("os-release", blob(p.OSRelease)),
		field("kernel", p.Kernel), field("initramfs", p.Initramfs),
	)
	for _, f := range p.Loaders.files() {
		err = errors.Join(err, field(f.Source, blob(f.Data)))
	}
	if err != nil {
		return identity{}, fmt.Errorf("cannot read the parts of the boot medium: %w", err)
	}
	return identity(h.Sum(nil)), nil
}

// number gives 32 bits of the identity that belong to a use.
func (id identity) number(use string) uint32 {
	sum := sha256.Sum256(append(id[:], use...))
	return binary.LittleEndian.Uint32(sum[:])
}

// guid gives a GUID for a use, as it lies in a GPT. It is one of version 8, "custom"
// (RFC 9562, 5.8).
func (id identity) guid(use string) [16]byte {
	sum := sha256.Sum256(append(id[:], use...))
	g := [16]byte(sum[:16])
	g[7] = g[7]&0x0f | 0x80 // the third group is little-endian, its first digit in the second byte
	g[8] = g[8]&0x3f | 0x80
	return g
}

// mark is the file by which a loader finds this medium among all disks.
func (id identity) mark() string { return fmt.Sprintf("salvor/%08x.id", id.number("mark")) }

func (p Parts) label() string { return cmp.Or(p.Label, "SALVOR") }
