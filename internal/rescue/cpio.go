package rescue

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strings"
)

// File types as in stat(2).
const (
	typeDir    = 0o040000
	typeFile   = 0o100000
	typeLink   = 0o120000
	typeDevice = 0o020000 // a character device
)

// WriteCPIO writes entries of a manifest, out of the root that it was made from, as an
// archive that the kernel unpacks (Documentation/driver-api/early-userspace/buffer-format.rst,
// "newc"). The same input gives the same bytes: there are no times in it, the inode numbers are
// counted, and everything belongs to root. Directories come before what lies in them.
func WriteCPIO(w io.Writer, fsys fs.FS, entries []Entry) error {
	out := &cpioWriter{w: bufio.NewWriterSize(w, 256<<10), root: root{fsys}}
	for _, e := range entries {
		if err := out.entry(e); err != nil {
			return fmt.Errorf("cannot put %s into the archive: %w", e.Path, err)
		}
	}
	if err := out.end(); err != nil {
		return fmt.Errorf("cannot write the archive: %w", err)
	}
	return nil
}

// cpioWriter writes one archive.
type cpioWriter struct {
	w       *bufio.Writer
	root    root
	written int64
	inode   uint32
}

// Write counts, since all is aligned to the beginning.
func (c *cpioWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.written += int64(n)
	return n, err
}

func (c *cpioWriter) entry(e Entry) error {
	permissions := unixMode(e.Mode)
	switch e.Kind {
	case Dir:
		return c.header(e, typeDir|permissions, 0)
	case Device:
		return c.header(e, typeDevice|permissions, 0)
	case Link:
		return c.text(e, typeLink|0o777, e.Target)
	case File:
		if e.Source == "" {
			return c.text(e, typeFile|permissions, string(e.content))
		}
		return c.file(e, typeFile|permissions)
	}
	return fmt.Errorf("internal error: an entry of the kind %q", e.Kind)
}

func (c *cpioWriter) text(e Entry, mode uint32, text string) error {
	if err := c.header(e, mode, int64(len(text))); err != nil {
		return err
	}
	if _, err := io.WriteString(c, text); err != nil {
		return err
	}
	return c.pad()
}

// file copies a file of the root. One that has another size than when the manifest was made
// cannot be written any more: its header says the size.
func (c *cpioWriter) file(e Entry, mode uint32) error {
	f, err := c.root.open(e.Source)
	if err != nil {
		return err
	}
	defer f.Close()
	if f.size != e.Size {
		return fmt.Errorf("it has changed: it had %d bytes and has %d", e.Size, f.size)
	}
	if err := c.header(e, mode, e.Size); err != nil {
		return err
	}
	n, err := io.Copy(c, io.NewSectionReader(f, 0, f.size))
	if err == nil && n != e.Size {
		err = fmt.Errorf("it has changed: it had %d bytes and has %d", e.Size, n)
	}
	if err != nil {
		return err
	}
	return c.pad()
}

// header writes the fields of a member, its name without the leading slash, and
// what fills up.
func (c *cpioWriter) header(e Entry, mode uint32, size int64) error {
	if size > math.MaxUint32 {
		return fmt.Errorf("it has %d bytes, and the archive can hold no file of more than 4 GiB", size)
	}
	c.inode++
	name := strings.TrimPrefix(e.Path, "/")
	links := 1
	if e.Kind == Dir {
		links = 2
	}
	return c.fields(c.inode, mode, links, uint32(size), e.Major, e.Minor, name)
}

// fields: magic, ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor,
// rdevmajor, rdevminor, namesize, check.
func (c *cpioWriter) fields(inode, mode uint32, links int, size, major, minor uint32, name string) error {
	if _, err := fmt.Fprintf(c, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00",
		inode, mode, 0, 0, links, 0, size, 0, 0, major, minor, len(name)+1, 0, name); err != nil {
		return err
	}
	return c.pad()
}

// pad fills up to a multiple of four.
func (c *cpioWriter) pad() error {
	_, err := c.Write(make([]byte, -c.written&3))
	return err
}

// end writes the trailer, and fills up to the block that cpio(1) writes, as the
// kernel's own tool does (usr/gen_init_cpio.c).
func (c *cpioWriter) end() error {
	if err := c.fields(0, 0, 1, 0, 0, 0, "TRAILER!!!"); err != nil {
		return err
	}
	if _, err := c.Write(make([]byte, -c.written&511)); err != nil {
		return err
	}
	return c.w.Flush()
}

// unixMode are the bits that chmod(2) knows.
func unixMode(m fs.FileMode) uint32 {
	out := uint32(m.Perm())
	if m&fs.ModeSetuid != 0 {
		out |= 0o4000
	}
	if m&fs.ModeSetgid != 0 {
		out |= 0o2000
	}
	if m&fs.ModeSticky != 0 {
		out |= 0o1000
	}
	return out
}
