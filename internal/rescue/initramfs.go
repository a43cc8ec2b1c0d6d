package rescue

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"strings"

	"github.com/klauspost/compress/zstd"

	"salvor/internal/bootentry"
)

// Compression is how an initramfs is compressed.
type Compression string

// The compressions: those that the kernel unpacks (lib/decompress.c) and that Go can write.
const (
	Zstd         Compression = "zstd" // since Linux 5.9, with CONFIG_RD_ZSTD
	Gzip         Compression = "gzip"
	Uncompressed Compression = "none"
)

// WriteInitramfs writes what the kernel unpacks: the archives of the manifest, compressed. A
// manifest that lacks something is refused, and so is one that holds a secret: a is asked.
// The same input gives the same bytes, on any number of processors.
func WriteInitramfs(w io.Writer, fsys fs.FS, m *Manifest, a *Auditor, with Compression) error {
	if err := m.Err(); err != nil {
		return err
	}
	found, err := m.Audit(fsys, a)
	if err != nil {
		return err
	}
	if err := Secrets(found); err != nil {
		return err
	}
	out := &counter{w: w}
	if err := pack(out, m.parts(), func(w io.Writer, part []Entry) error {
		z, err := compressor(w, with)
		if err != nil {
			return err
		}
		return errors.Join(WriteCPIO(z, fsys, part), z.Close())
	}); err != nil {
		return err
	}
	// Where another archive is put behind this one, the kernel looks for it at a multiple of
	// four (init/initramfs.c, unpack_to_rootfs); zeros between them are passed over.
	_, err = out.Write(make([]byte, -out.n&3))
	return err
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// compressor: zstd with one goroutine, since how it cuts its input into blocks depends on
// their number, and with a window far below the 128 MiB that the kernel accepts
// (lib/decompress_unzstd.c): the kernel has to have the window in memory besides the archive.
// The next level takes three times as long for an image that is four per cent smaller.
func compressor(w io.Writer, with Compression) (io.WriteCloser, error) {
	switch with {
	case Zstd:
		return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(8<<20))
	case Gzip:
		return gzip.NewWriter(w), nil
	case Uncompressed:
		return unclosed{w}, nil
	}
	return nil, fmt.Errorf("internal error: %q is no compression", with)
}

type unclosed struct{ io.Writer }

// Close does nothing.
func (unclosed) Close() error { return nil }

// ReadInitramfs gives the files of an initramfs, whoever made it, with their contents,
// which can be read until the next file is asked for. An error ends it.
func ReadInitramfs(r io.Reader) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		err := bootentry.WalkInitramfs(r, 0, func(m bootentry.Member, content io.Reader) error {
			if !yield(Member{Entry: entryOf(m), Content: content}, nil) {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(Member{}, err)
		}
	}
}

// errEnough: whoever reads wants no more.
var errEnough = errors.New("no more is wanted")

// Member is a file of an image with its content.
type Member struct {
	Entry
	Content io.Reader
}

// entryOf is a file of an archive as an entry. What it is for is not known any more.
func entryOf(m bootentry.Member) Entry {
	e := Entry{Path: path.Join("/", strings.TrimPrefix(m.Name, "/")), Mode: permissions(m.Mode)}
	switch m.Mode.Type() {
	case fs.ModeDir:
		e.Kind = Dir
	case fs.ModeSymlink:
		e.Kind, e.Target = Link, m.Link
	case 0:
		e.Kind, e.Size, e.Source = File, m.Size, e.Path
	default:
		e.Kind = Device
	}
	return e
}
