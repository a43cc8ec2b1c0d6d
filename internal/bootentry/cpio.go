package bootentry

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
)

// cpioEntry is a member of a cpio archive in the "newc" format, which is what the
// kernel reads (Documentation/driver-api/early-userspace/buffer-format.rst).
type cpioEntry struct {
	name string // as written, without a leading slash
	mode uint32
	size int64
	link string // where a symbolic link leads
}

const (
	cpioHeader  = 110
	cpioMagic   = "070701"
	cpioMagicCR = "070702" // with a checksum of each file
	cpioTrailer = "TRAILER!!!"
	// longestPath is PATH_MAX, and the limit of init/initramfs.c.
	longestPath = 4096
)

// File types as in stat(2).
const (
	modeType    = 0o170000
	modeLink    = 0o120000
	modeDir     = 0o040000
	modeRegular = 0o100000
)

func (e cpioEntry) isLink() bool    { return e.mode&modeType == modeLink }
func (e cpioEntry) isRegular() bool { return e.mode&modeType == modeRegular }

// cpioReader reads one archive. All is aligned to four bytes from its beginning.
type cpioReader struct {
	in   *bufio.Reader
	rest int64 // of the member's content, with its padding
	file io.LimitedReader
}

// next gives the next member, or io.EOF after the trailer. An archive that ends
// without one is cut off.
func (c *cpioReader) next() (cpioEntry, error) {
	if err := c.skip(); err != nil {
		return cpioEntry{}, err
	}
	var head [cpioHeader]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return cpioEntry{}, cutOff(err)
	}
	e, nameSize, err := parseCPIOHeader(string(head[:]))
	if err != nil {
		return e, err
	}
	name := make([]byte, nameSize+padding(cpioHeader+nameSize))
	if _, err := io.ReadFull(c.in, name); err != nil {
		return e, cutOff(err)
	}
	text, _, _ := strings.Cut(string(name[:nameSize]), "\x00")
	if text == cpioTrailer {
		return e, io.EOF
	}
	e.name = strings.Trim(cleanName(text), "/")
	c.rest = e.size + padding(e.size)
	c.file = io.LimitedReader{R: c.in, N: e.size}
	if e.isLink() {
		e.link, err = c.text(longestPath)
	}
	return e, err
}

func parseCPIOHeader(head string) (e cpioEntry, nameSize int64, err error) {
	if magic := head[:6]; magic != cpioMagic && magic != cpioMagicCR {
		return e, 0, fmt.Errorf("%q is no header of a cpio archive of the new format", magic)
	}
	var field [13]uint32
	for i := range field {
		v, err := strconv.ParseUint(head[6+8*i:14+8*i], 16, 32)
		if err != nil {
			return e, 0, errors.New("a header of the cpio archive is damaged")
		}
		field[i] = uint32(v)
	}
	e.mode, e.size, nameSize = field[1], int64(field[6]), int64(field[11])
	if nameSize < 1 || nameSize > longestPath {
		return e, 0, fmt.Errorf("a name in the cpio archive has %d bytes", nameSize)
	}
	return e, nameSize, nil
}

// text reads the member's content. More than limit bytes are an error.
func (c *cpioReader) text(limit int64) (string, error) {
	if c.file.N > limit {
		return "", fmt.Errorf("a file in the archive has %d bytes, at most %d were expected", c.file.N, limit)
	}
	data, err := io.ReadAll(&c.file)
	c.rest -= int64(len(data))
	if err == nil && c.file.N > 0 {
		err = io.ErrUnexpectedEOF
	}
	return string(data), cutOff(err)
}

// skip passes over what was not read of a member.
func (c *cpioReader) skip() error {
	for c.rest > 0 {
		n, err := c.in.Discard(int(min(c.rest, 1<<20)))
		c.rest -= int64(n)
		if err != nil {
			return cutOff(err)
		}
	}
	return nil
}

// padding is what is missing to a multiple of four.
func padding(n int64) int64 { return -n & 3 }

// cutOff: the end of the input within an archive.
func cutOff(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// cleanName takes the forms ./a, /a and a//b as one. A name with .. in it leads
// out of the archive and is kept as it is: nothing asks for it.
func cleanName(name string) string {
	if fs.ValidPath(name) {
		return name
	}
	var parts []string
	for part := range strings.SplitSeq(name, "/") {
		if part != "" && part != "." {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "/")
}
