package bootentry

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// xzStream gives the bytes of one xz stream (The .xz File Format, 2), so that
// another archive can follow, and looks at the dictionary that each block asks
// for before the decompressor allocates it: that size is a stranger's word.
type xzStream struct {
	in    *bufio.Reader
	left  int64 // of what is being given
	state func(*xzStream) error
	check int64 // size of the check after each block
	body  int64 // size of the block's compressed data, for its padding
	count int64 // bytes of the index so far
}

const (
	xzStreamHeader = 12
	xzFooter       = 12
	xzLZMA2        = 0x21
)

func (x *xzStream) Read(p []byte) (int, error) {
	if x.state == nil {
		x.state = (*xzStream).start
	}
	for x.left == 0 {
		if err := x.state(x); err != nil {
			return 0, err
		}
	}
	n, err := x.in.Read(p[:min(int64(len(p)), x.left)])
	x.left -= int64(n)
	return n, cutOff(err)
}

// peek is the one way to look ahead: an end of the input within the stream is one
// too early.
func (x *xzStream) peek(n int) ([]byte, error) {
	head, err := x.in.Peek(n)
	return head, cutOff(err)
}

func (x *xzStream) start() error {
	head, err := x.peek(xzStreamHeader)
	if err != nil {
		return err
	}
	// None, CRC32, CRC64 and SHA-256 are 0, 1, 4 and 10: sizes go by threes.
	x.check = []int64{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}[head[7]&15]
	x.left, x.state = xzStreamHeader, (*xzStream).block
	return nil
}

// block looks at a block's header, or at the index that follows the last block.
func (x *xzStream) block() error {
	head, err := x.peek(1)
	if err != nil {
		return err
	}
	if head[0] == 0 {
		return x.index()
	}
	size := 4 * (int(head[0]) + 1)
	if head, err = x.peek(size); err != nil {
		return err
	}
	if err := checkFilters(head); err != nil {
		return err
	}
	x.left, x.body, x.state = int64(size), 0, (*xzStream).chunk
	return nil
}

// checkFilters wants LZMA2 alone, with a dictionary that is not too large.
func checkFilters(head []byte) error {
	flags, rest := head[1], head[2:]
	for range int(flags>>6&1) + int(flags>>7&1) {
		_, n := xzNumber(rest)
		rest = rest[n:]
	}
	if flags&3 != 0 || len(rest) < 3 || rest[0] != xzLZMA2 || rest[1] != 1 {
		return errors.New("xz: the archive uses a filter for programs (BCJ), which cannot be read")
	}
	if bits := rest[2]; bits > 40 || bits < 40 && int64(2|bits&1)<<(bits/2+11) > largestWindow || bits == 40 {
		return fmt.Errorf("xz: the dictionary (size code %d) is larger than %d bytes", bits, largestWindow)
	}
	return nil
}

// xzNumber reads a multibyte integer and gives how many bytes it has.
func xzNumber(b []byte) (v uint64, n int) {
	for n < len(b) && n < 9 {
		v |= uint64(b[n]&0x7f) << (7 * n)
		n++
		if b[n-1]&0x80 == 0 {
			break
		}
	}
	return v, n
}

// chunk finds the length of a chunk of LZMA2, which ends with a zero byte.
func (x *xzStream) chunk() error {
	head, err := x.peek(1)
	if err != nil {
		return err
	}
	switch control := head[0]; {
	case control == 0:
		x.body++
		x.left = 1 + padding(x.body) + x.check
		x.state = (*xzStream).block
		return nil
	case control < 0x80: // not compressed
		if head, err = x.peek(3); err != nil {
			return err
		}
		x.left = 3 + int64(head[1])<<8 + int64(head[2]) + 1
	default:
		if head, err = x.peek(5); err != nil {
			return err
		}
		x.left = 5 + int64(head[3])<<8 + int64(head[4]) + 1
		if control >= 0xc0 {
			x.left++ // properties
		}
	}
	x.body += x.left
	return nil
}

// index passes the list of blocks: a zero byte, how many there are, two numbers for
// each, padding, a checksum. Then comes the footer.
func (x *xzStream) index() error {
	const header = 10
	head, _ := x.in.Peek(header)
	if len(head) < 2 {
		return io.ErrUnexpectedEOF
	}
	records, n := xzNumber(head[1:])
	if records > maxXZBlocks {
		return fmt.Errorf("xz: an index of %d blocks", records)
	}
	x.count = int64(1 + n)
	x.left = x.count
	numbers := 2 * records
	x.state = func(x *xzStream) error { return x.number(&numbers) }
	return nil
}

// maxXZBlocks is how many blocks a stream may have: xz makes them of 24 MiB, and
// of 3 MiB with the fastest setting.
const maxXZBlocks = 1 << 20

func (x *xzStream) number(left *uint64) error {
	if *left == 0 {
		x.left = padding(x.count) + 4 + xzFooter
		x.state = func(*xzStream) error { return io.EOF }
		return nil
	}
	*left--
	head, _ := x.in.Peek(9)
	if len(head) == 0 {
		return io.ErrUnexpectedEOF
	}
	_, n := xzNumber(head)
	x.left = int64(n)
	x.count += x.left
	return nil
}
