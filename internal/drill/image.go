package drill

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"salvor/internal/rescue/medium"
)

// image is what is to be started.
type image struct {
	name     string // absolute
	contents *medium.Contents
	kernel   *io.SectionReader
	arch     medium.Arch
	files    []io.Closer
}

// openImage reads an image, or a directory for booting over the network. An initramfs alone has
// no kernel, so one has to be named.
func openImage(name, kernel string) (_ *image, err error) {
	i := &image{}
	defer func() {
		if err != nil {
			i.close()
		}
	}()
	if i.name, err = filepath.Abs(name); err != nil {
		return nil, err
	}
	if err := i.read(); err != nil {
		return nil, fmt.Errorf("cannot try %s: %w", name, cause(err))
	}
	if i.kernel = i.contents.Kernel; kernel != "" {
		if i.contents.Format != medium.Initramfs {
			return nil, fmt.Errorf("cannot try %s with the kernel %s: %w", name, kernel, ErrOwnKernel)
		}
		if i.kernel, err = i.open(kernel); err != nil {
			return nil, fmt.Errorf("cannot try %s with the kernel %s: %w", name, kernel, cause(err))
		}
	}
	if i.kernel == nil {
		return nil, fmt.Errorf("cannot try %s: %w", name, ErrNoKernel)
	}
	if i.arch, err = medium.KernelArch(i.kernel); err != nil {
		return nil, fmt.Errorf("cannot try %s: %w", cmp.Or(kernel, name), err)
	}
	return i, nil
}

// The errors that callers tell apart.
var (
	ErrNoKernel  = errors.New("it is an initramfs, which has no kernel")
	ErrOwnKernel = errors.New("it has a kernel of its own")
)

// cause is an error without the name of the file, which has been told.
func cause(err error) error {
	if in, ok := errors.AsType[*fs.PathError](err); ok {
		return in.Err
	}
	return err
}

func (i *image) read() error {
	info, err := os.Stat(i.name)
	if err != nil {
		return err
	}
	if info.IsDir() {
		root, err := os.OpenRoot(i.name)
		if err != nil {
			return err
		}
		i.files = append(i.files, root)
		i.contents, err = medium.OpenDir(root.FS())
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is no file")
	}
	r, err := i.open(i.name)
	if err != nil {
		return err
	}
	i.contents, err = medium.Open(r, r.Size())
	return err
}

func (i *image) open(name string) (*io.SectionReader, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	i.files = append(i.files, f)
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return io.NewSectionReader(f, 0, info.Size()), nil
}

// close closes the files; they were only read.
func (i *image) close() {
	if i.contents != nil {
		i.contents.Close()
	}
	for _, f := range i.files {
		f.Close()
	}
}

// direct tells that the kernel is started by QEMU itself, as there is nothing in between.
func (i *image) direct() bool {
	return i.contents.Format == medium.Initramfs || i.contents.Format == medium.PXE
}

// lacks says why a firmware cannot start the image, "" if it can.
func (i *image) lacks(f Firmware) string {
	_, exists := rowOf(f, i.arch)
	switch {
	case !exists:
		return "machines of this architecture have no BIOS"
	case i.direct() && f == SecureBoot:
		return "the kernel is started directly, past Secure Boot"
	case i.direct():
		return ""
	case f == BIOS && i.contents.Format == medium.UKI:
		return "a unified kernel image is started by UEFI alone"
	case f == BIOS && !slices.ContainsFunc(medium.BIOSPrograms, func(name string) bool { return i.contents.Find(name) != nil }):
		return "the image has no boot loader for a BIOS"
	case f == BIOS:
		return ""
	}
	program := i.efiProgram()
	switch {
	case program == nil:
		return "the image has no boot loader for UEFI"
	case f == SecureBoot && !medium.Signed(program):
		return "its boot loader for UEFI is not signed"
	}
	return ""
}

func (i *image) efiProgram() io.ReaderAt {
	if i.contents.Format == medium.UKI {
		f, err := i.open(i.name)
		if err != nil {
			return nil
		}
		return f
	}
	if f := i.contents.Find(i.arch.EFIProgram()); f != nil {
		return f
	}
	return nil
}

// save writes a part of the image to a file, for QEMU to read.
func save(part *io.SectionReader, name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, io.NewSectionReader(part, 0, part.Size()))
	return errors.Join(err, f.Close())
}
