package workflow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"

	"salvor/internal/machine"
	"salvor/internal/rescue"
	"salvor/internal/rescue/medium"
	"salvor/internal/storage"
)

// endings are those of the files that images are kept in. A directory has one, too, as an image of
// each format may be kept beside the others.
var endings = map[medium.Format]string{medium.ISO: ".iso", medium.USB: ".img", medium.UKI: ".efi", medium.PXE: ".pxe", medium.Initramfs: ".initramfs"}

// RescueFile is where an image of a format goes if nobody says where.
func RescueFile(f medium.Format) string { return "/var/lib/salvor/rescue" + endings[f] }

// NoSpaceError: the disk is too full for the image.
type NoSpaceError struct {
	Dir         string
	Need, Space uint64 // bytes
}

func (e *NoSpaceError) Error() string {
	return fmt.Sprintf("cannot write the image to %s: it needs %s, and %s are free", e.Dir, storage.HumanSize(e.Need), storage.HumanSize(e.Space))
}

// shrinks is how many times smaller an initramfs is at most than what is in it.
const shrinks = 6

// write makes the image. Until all of it is on the disk, nothing is under its name.
func (b *imaging) write() error {
	if err := b.checkCommandLine(); err != nil {
		return err
	}
	dir := filepath.Dir(b.o.File)
	if b.o.MakeDir {
		if err := b.w.Machine.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("cannot write the image: %w", err)
		}
	}
	if err := needSpace(dir, uint64(b.report.Manifest.Size())/shrinks); err != nil {
		return err
	}
	if err := b.mayReplace(); err != nil { // said before the work, and asked once more after it
		return err
	}
	if b.o.Format == medium.Initramfs {
		return b.writeFile(func(w io.Writer) error { return b.writeInitramfs(w) })
	}
	kernel, done, err := section(b.files, b.report.Kernel.Image)
	if err != nil {
		return fmt.Errorf("cannot read the kernel %s: %w", b.report.Kernel.Image, err)
	}
	defer done()
	loaders, missing, err := b.loaders(kernel)
	if err != nil {
		return err
	}
	// What is known before the work is said before it.
	if err := b.judge(b.parts(kernel, nil, loaders), missing); err != nil {
		return err
	}
	scratch, err := machine.CreateScratch(dir)
	if err != nil {
		return err
	}
	defer scratch.Close()
	if err := b.writeInitramfs(scratch); err != nil {
		return err
	}
	initramfs, err := scratch.Section()
	if err != nil {
		return err
	}
	b.report.Initramfs = initramfs.Size()
	return b.writeMedium(b.parts(kernel, initramfs, loaders))
}

// writeInitramfs writes the archive, compressed as well as the kernel can unpack it.
func (b *imaging) writeInitramfs(w io.Writer) error {
	b.w.tell(Making{"packing the image …"})
	out := &counting{ctx: b.ctx, w: w}
	err := rescue.WriteInitramfs(out, b.files, b.report.Manifest, b.audit, b.report.Kernel.Compression)
	b.report.Initramfs = out.n
	return err
}

func (b *imaging) writeMedium(p medium.Parts) error {
	dir := filepath.Dir(b.o.File)
	if b.o.Format == medium.PXE {
		if err := needSpace(dir, uint64(p.Kernel.Size()+p.Initramfs.Size())); err != nil {
			return err
		}
		return b.writeDirectory(p)
	}
	image, err := medium.Image(b.o.Format, p)
	if err != nil {
		return err
	}
	if err := needSpace(dir, uint64(image.Size())); err != nil {
		return err
	}
	return b.writeFile(func(w io.Writer) error {
		_, err := io.CopyBuffer(struct{ io.Writer }{w}, image, make([]byte, 1<<20))
		return err
	})
}

// writeFile writes the file of the image, for its owner: the names and addresses of the machine are in it.
func (b *imaging) writeFile(write func(io.Writer) error) error {
	out, err := machine.CreateOutput(b.o.File, 0o600)
	if err != nil {
		return err
	}
	counted := &counting{ctx: b.ctx, w: out}
	if err := write(counted); err != nil {
		return errors.Join(err, out.Abort())
	}
	b.w.tell(Making{"waiting until the image is on the disk …"})
	b.report.Size, b.report.Written = counted.n, true
	return out.Commit()
}

// writeDirectory writes the directory for booting over the network.
func (b *imaging) writeDirectory(p medium.Parts) error {
	b.w.tell(Making{"writing the directory …"})
	out, err := machine.CreateOutputDir(b.o.File, 0o755)
	if err != nil {
		return err
	}
	if err := errors.Join(medium.WritePXE(out.Path(), p), b.ctx.Err(), b.mayReplace()); err != nil {
		return errors.Join(err, out.Abort())
	}
	b.report.Size, b.report.Written = p.Kernel.Size()+p.Initramfs.Size(), true
	return out.Commit()
}

// mayReplace refuses to put a new directory in the place of one with files of others.
func (b *imaging) mayReplace() error {
	if b.o.Format != medium.PXE {
		return nil
	}
	there, err := machine.OpenImage(b.o.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case there.Dir == nil:
		return errors.Join(&OverwriteError{b.o.File, errors.New("it is no directory")}, there.Close())
	}
	foreign, err := medium.ForeignInPXE(there.Dir)
	if err = errors.Join(err, there.Close()); err != nil {
		return fmt.Errorf("cannot look at the directory %s: %w", b.o.File, err)
	}
	if foreign != "" {
		return &OverwriteError{b.o.File, fmt.Errorf("it has a file that is not of a rescue image: %s", foreign)}
	}
	return nil
}

// counting counts what is written, and ends it with the work.
type counting struct {
	ctx context.Context
	w   io.Writer
	n   int64
}

func (c *counting) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// needSpace refuses what would not fit.
func needSpace(dir string, need uint64) error {
	free, err := machine.FreeSpace(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot write the image: the directory %s is not there: %w", dir, fs.ErrNotExist)
	}
	if err != nil {
		return err
	}
	if free < need {
		return &NoSpaceError{path.Clean(dir), need, free}
	}
	return nil
}
