package bootentry

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// Initramfs is what is known of an initrd after reading it through.
type Initramfs struct {
	Archives []string          // what it is made of: "cpio", "gzip", "zstd"…, in their order
	Kernels  []string          // versions for which it has modules
	Modules  map[string]string // name, with underscores, to path
	Builtin  map[string]bool   // names of what the kernel has built in, where the initrd tells it
	Files    map[string]string // small configuration files, by path
	Tool     Tool
	Marks    []string // the files by which the tool was told
	Note     string   // why configuration files are missing, else ""

	names map[string]string                  // every path, to where it leads if it is a link
	size  int64                              // bytes in names
	texts int64                              // bytes in Files
	visit func(cpioEntry, *cpioReader) error // if it is there, gets all members, and nothing is kept
}

const (
	// DefaultLimit is how much an initrd may unpack to: one with all modules and
	// firmware of a distribution has about 600 MB.
	DefaultLimit = 4 << 30
	// maxNames and maxNameBytes bound what is kept of the list of files.
	maxNames     = 1 << 20
	maxNameBytes = 64 << 20
	// maxConfig and maxConfigs bound what is kept of contents.
	maxConfig  = 512 << 10
	maxConfigs = 16 << 20
	// maxParts is how many archives may follow each other; a few do.
	maxParts = 1000
	// readAhead has to hold what a format needs to see at once: the header of a
	// block of xz, at most 1 KiB.
	readAhead = 64 << 10
)

// ErrTooLarge: the initrd unpacks to more than the limit.
var ErrTooLarge = errors.New("it unpacks to more than it may")

// OpenInitramfs reads an initrd as the kernel does (init/initramfs.c): one cpio
// archive after the other, each compressed or not, with zeros between them. It
// unpacks at most limit bytes, DefaultLimit if limit is 0. With an error it gives
// what was read before it: then a file that is not found may yet be there.
func OpenInitramfs(f io.Reader, limit int64) (*Initramfs, error) {
	if limit == 0 {
		limit = DefaultLimit
	}
	i := &Initramfs{
		Modules: map[string]string{}, Builtin: map[string]bool{},
		Files: map[string]string{}, names: map[string]string{},
	}
	meter := &meter{left: limit}
	err := i.segments(f, meter)
	i.finish()
	if err != nil {
		return i, fmt.Errorf("cannot read the initrd: %w", err)
	}
	return i, nil
}

// segments reads archives until the input ends. One that takes nothing from the
// input is the cut-off beginning of one: some decompressors call that an end.
func (i *Initramfs) segments(f io.Reader, m *meter) error {
	from := &counter{in: f}
	in := bufio.NewReaderSize(from, readAhead)
	for len(i.Archives) < maxParts {
		err := skipZeros(in)
		switch {
		case err == io.EOF && len(i.Archives) == 0:
			return errors.New("it is empty")
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		before := from.n - int64(in.Buffered())
		if err := i.segment(in, m); err != nil {
			return err
		}
		if from.n-int64(in.Buffered()) == before {
			return io.ErrUnexpectedEOF
		}
	}
	return fmt.Errorf("it has more than %d parts", maxParts)
}

// counter counts what is read.
type counter struct {
	in io.Reader
	n  int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	return n, err
}

func (i *Initramfs) segment(in *bufio.Reader, m *meter) error {
	if head, _ := in.Peek(len(cpioMagic)); string(head) == cpioMagic || string(head) == cpioMagicCR {
		i.Archives = append(i.Archives, "cpio")
		return i.archive(in, m)
	}
	f := formatOf(in)
	if f == nil {
		head, _ := in.Peek(8)
		return fmt.Errorf("part %d is neither a cpio archive nor compressed in a known way: it begins with % x", len(i.Archives)+1, head)
	}
	i.Archives = append(i.Archives, f.name)
	z, err := f.open(in)
	if err != nil {
		return fmt.Errorf("part %d is compressed with %s: %w", len(i.Archives), f.name, err)
	}
	if err := i.unpacked(bufio.NewReaderSize(z, readAhead), m); err != nil {
		return fmt.Errorf("part %d, compressed with %s: %w", len(i.Archives), f.name, err)
	}
	return nil
}

// unpacked reads the archives in one compressed part, to its end, so that its
// checksum is looked at too.
func (i *Initramfs) unpacked(in *bufio.Reader, m *meter) error {
	for {
		if err := skipZeros(in); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := i.archive(in, m); err != nil {
			return err
		}
	}
}

// skipZeros passes what fills up between archives.
func skipZeros(in *bufio.Reader) error {
	for {
		c, err := in.ReadByte()
		if err != nil {
			return err
		}
		if c != 0 {
			return in.UnreadByte()
		}
	}
}

// meter counts what is unpacked.
type meter struct{ left int64 }

func (m *meter) take(n int64) error {
	if m.left -= n; m.left < 0 {
		return ErrTooLarge
	}
	return nil
}

func (i *Initramfs) archive(in *bufio.Reader, m *meter) error {
	c := &cpioReader{in: in}
	for {
		e, err := c.next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = m.take(e.size + cpioHeader)
		}
		if err == nil {
			err = i.take(e, c)
		}
		if err != nil {
			return err
		}
	}
}

func (i *Initramfs) take(e cpioEntry, c *cpioReader) error {
	if i.visit != nil {
		return i.visit(e, c)
	}
	return i.add(e, c)
}

// add keeps what is of interest of a file. A later one of the same name takes the
// place of an earlier one.
func (i *Initramfs) add(e cpioEntry, c *cpioReader) error {
	if i.size += int64(len(e.name) + len(e.link)); i.size > maxNameBytes || len(i.names) >= maxNames {
		return fmt.Errorf("it has too many files: more than %d, or %d bytes of names", maxNames, maxNameBytes)
	}
	i.names[e.name] = e.link
	if !e.isRegular() {
		return nil
	}
	if name, ok := moduleName(e.name); ok {
		i.Modules[name] = e.name
	}
	if !isConfig(e.name) {
		return nil
	}
	if e.size > maxConfig || i.texts+e.size > maxConfigs {
		i.Note = fmt.Sprintf("%s is not kept: it has %d bytes", e.name, e.size)
		return nil
	}
	text, err := c.text(maxConfig)
	if err != nil {
		return err
	}
	i.texts += e.size - int64(len(i.Files[e.name]))
	i.Files[e.name] = text
	return nil
}

// finish draws from the list of files what can be told only at the end.
func (i *Initramfs) finish() {
	for name, text := range i.Files {
		if path.Base(name) == "modules.builtin" {
			for line := range strings.Lines(text) {
				if module, ok := moduleName(strings.TrimSpace(line)); ok {
					i.Builtin[module] = true
				}
			}
			delete(i.Files, name)
		}
	}
	for name := range i.names {
		if version, ok := kernelOf(name); ok && !slices.Contains(i.Kernels, version) {
			i.Kernels = append(i.Kernels, version)
		}
	}
	slices.SortFunc(i.Kernels, CompareVersions)
	i.Tool, i.Marks = toolOf(i)
}
