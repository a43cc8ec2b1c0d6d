package medium

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// Contents are what was found in a medium. They are read when they are asked for, so that
// the image has to stay open.
type Contents struct {
	Format            Format
	Kernel, Initramfs *io.SectionReader // of a bare initramfs, there is no kernel
	CommandLine       string            // of the first entry of the menu
	Files             []File            // all files, sections of a UKI

	opened []io.Closer
}

// File is a file of a medium.
type File struct {
	Path string
	Size int64

	content *io.SectionReader
}

// Open gives the content of the file.
func (f File) Open() *io.SectionReader { return io.NewSectionReader(f.content, 0, f.Size) }

// Close closes the files that OpenDir has opened.
func (c *Contents) Close() error {
	var err error
	for _, f := range c.opened {
		err = errors.Join(err, f.Close())
	}
	c.opened = nil
	return err
}

// Open recognises an image by its bytes and finds the parts in it. Of an ISO or USB image
// the FAT file system is read, which has all files: that of a stick may have been written
// to since it was made.
func Open(r io.ReaderAt, size int64) (*Contents, error) {
	image := io.NewSectionReader(r, 0, size)
	head := make([]byte, 4096)
	n, err := image.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("cannot read the image: %w", err)
	}
	var c *Contents
	switch head = head[:n]; {
	case isInitramfs(head):
		return &Contents{Format: Initramfs, Initramfs: image}, nil
	case bytes.HasPrefix(head, []byte("MZ")):
		c, err = openUKI(image)
	default:
		c, err = openDisk(image)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the image: %w", err)
	}
	return c, nil
}

// archives are what an initramfs begins with: a cpio archive (kernel:
// Documentation/driver-api/early-userspace/buffer-format.rst) as it is, or compressed in
// one of the ways that the kernel unpacks (lib/decompress.c).
var archives = []string{
	"070701", "070702", "\x28\xb5\x2f\xfd", "\x1f\x8b", "\xfd7zXZ\x00", "\x02\x21\x4c\x18", "BZh", "\x5d\x00\x00", "\x89LZO",
}

func isInitramfs(head []byte) bool {
	for _, magic := range archives {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return false
}

// openDisk reads an ISO or USB image.
func openDisk(image *io.SectionReader) (*Contents, error) {
	format, at, err := findESP(image)
	if err != nil {
		return nil, err
	}
	c := &Contents{Format: format}
	if c.Files, err = readFAT(io.NewSectionReader(image, at.at, at.size)); err != nil {
		return nil, fmt.Errorf("its EFI system partition: %w", err)
	}
	if c.Find(kernelPath) == nil {
		return c.fromUKI()
	}
	for _, config := range []string{"boot/grub/grub.cfg", "isolinux/isolinux.cfg", "loader/entries/rescue.conf"} {
		if c.Find(config) != nil {
			return c, c.complete(kernelPath, initrdPath, config)
		}
	}
	return c, c.complete(kernelPath, initrdPath, "")
}

// fromUKI: a medium without a kernel of its own may have one in the program that UEFI starts.
func (c *Contents) fromUKI() (*Contents, error) {
	for _, arch := range []Arch{X64, AA64} {
		program := c.Find(arch.EFIProgram())
		if program == nil {
			continue
		}
		inner, err := openUKI(program)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", arch.EFIProgram(), err)
		}
		c.Kernel, c.Initramfs, c.CommandLine = inner.Kernel, inner.Initramfs, inner.CommandLine
		return c, nil
	}
	return nil, errors.New("it has no kernel where salvor puts one")
}

// complete finds the parts among the files.
func (c *Contents) complete(kernel, initrd, config string) error {
	c.Kernel, c.Initramfs = c.Find(kernel), c.Find(initrd)
	if c.Kernel == nil || c.Initramfs == nil {
		return errors.Join(fmt.Errorf("it has no kernel and initramfs where salvor puts them: %s, %s", kernel, initrd), c.Close())
	}
	menu := c.Find(config)
	if menu == nil {
		return nil
	}
	text, err := readText(menu)
	if err != nil {
		return errors.Join(err, c.Close())
	}
	c.CommandLine = firstCommandLine(text)
	return nil
}

// Find gives the content of a file, in whatever case its name is; nil if it is not there.
func (c *Contents) Find(p string) *io.SectionReader {
	for _, f := range c.Files {
		if strings.EqualFold(f.Path, p) {
			return f.Open()
		}
	}
	return nil
}

// addOpen takes an open file of a directory.
func (c *Contents) addOpen(p string, f fs.File) error {
	c.opened = append(c.opened, f)
	info, err := f.Stat()
	if err != nil {
		return err
	}
	r, ok := f.(io.ReaderAt)
	if !ok {
		return &fs.PathError{Op: "read", Path: p, Err: errors.New("it cannot be read from any place")}
	}
	c.Files = append(c.Files, File{Path: p, Size: info.Size(), content: io.NewSectionReader(r, 0, info.Size())})
	return nil
}

// longestText is more than any configuration of a loader has.
const longestText = 1 << 20

// readText reads a small file, up to the zero that a text in a UKI ends with.
func readText(r *io.SectionReader) (string, error) {
	if r.Size() > longestText {
		return "", errors.New("a configuration of a boot loader has more than 1 MiB")
	}
	b := make([]byte, r.Size())
	if _, err := io.ReadFull(r, b); err != nil {
		return "", fmt.Errorf("a configuration of a boot loader is cut off: %w", err)
	}
	text, _, _ := strings.Cut(string(b), "\x00")
	return text, nil
}

// firstCommandLine gives the command line of the first entry in a menu of GRUB ("linux
// KERNEL OPTIONS"), Syslinux ("append OPTIONS") or systemd-boot ("options OPTIONS").
func firstCommandLine(menu string) string {
	for line := range strings.Lines(menu) {
		words := strings.Fields(line)
		switch {
		case len(words) > 1 && (words[0] == "append" || words[0] == "options"):
			return strings.Join(words[1:], " ")
		case len(words) > 2 && words[0] == "linux":
			return strings.ReplaceAll(strings.Join(words[2:], " "), "'", "")
		}
	}
	return ""
}
