package bootentry

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// format is a compression that the kernel knows (lib/decompress.c), told by the
// first bytes.
type format struct {
	name  string
	magic string
	open  func(in *bufio.Reader) (io.Reader, error)
}

// formats: each reader takes from its input no more than what belongs to it, so
// that another archive can follow.
var formats = []format{
	{"gzip", "\x1f\x8b", openGzip},
	{"xz", "\xfd7zXZ\x00", openXZ},
	{"zstd", zstdMagic, openZstd},
	{"lz4", "\x02\x21\x4c\x18", openLZ4},
	{"bzip2", "BZh", openBzip2},
	{"lzma", "\x5d\x00\x00", openLZMA},
	{"lzop", "\x89LZO\x00\r\n\x1a\n", func(*bufio.Reader) (io.Reader, error) {
		return nil, errors.New("salvor has no reader for lzop")
	}},
}

const zstdMagic = "\x28\xb5\x2f\xfd"

// largestWindow is how far back a compressed archive may refer. The kernel's
// zstd stops there too (ZSTD_WINDOWSIZE_MAX in lib/decompress_unzstd.c), xz -9
// takes half of it.
const largestWindow = 128 << 20

// formatOf tells the compression by the bytes to come, or nil.
func formatOf(in *bufio.Reader) *format {
	for i, f := range formats {
		if head, _ := in.Peek(len(f.magic)); string(head) == f.magic {
			return &formats[i]
		}
	}
	return nil
}

func openGzip(in *bufio.Reader) (io.Reader, error) {
	z, err := gzip.NewReader(in)
	if err == nil {
		z.Multistream(false)
	}
	return z, err
}

func openLZMA(in *bufio.Reader) (io.Reader, error) {
	return lzma.ReaderConfig{DictCap: largestWindow}.NewReader(in)
}

func openXZ(in *bufio.Reader) (io.Reader, error) {
	// The decompressor asks for single bytes; the stream has an end, so that no
	// more than what belongs to it is read ahead.
	return xz.ReaderConfig{SingleStream: true}.NewReader(bufio.NewReaderSize(&xzStream{in: in}, readAhead))
}

func openBzip2(in *bufio.Reader) (io.Reader, error) {
	return bzip2Stream{bzip2.NewReader(&bzip2Input{Reader: in})}, nil
}

// bzip2Stream ends where the stream ends: the decompressor looks for another one
// behind it, and says of what is there that it begins none.
type bzip2Stream struct{ io.Reader }

const errNoMore = bzip2.StructuralError("bad magic value in continuation file")

func (b bzip2Stream) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == errNoMore {
		err = io.EOF
	}
	return n, err
}

// bzip2Input leaves the last two bytes that it gave in the input until more is
// asked for: those are what the decompressor looks at beyond the end.
type bzip2Input struct {
	*bufio.Reader
	pending int
}

// ReadByte is what the decompressor calls.
func (b *bzip2Input) ReadByte() (byte, error) {
	if b.pending == 2 {
		if _, err := b.Discard(1); err != nil {
			return 0, err
		}
		b.pending--
	}
	head, err := b.Peek(b.pending + 1)
	if err != nil {
		_, _ = b.Discard(b.pending) // it is in the buffer: that cannot fail
		b.pending = 0
		return 0, err
	}
	b.pending++
	return head[b.pending-1], nil
}

// openZstd uses no goroutines, so that nothing has to be closed.
func openZstd(in *bufio.Reader) (io.Reader, error) {
	return zstd.NewReader(&zstdFrame{in: in}, zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(largestWindow))
}

// zstdFrame gives the bytes of one frame (RFC 8878, 3.1.1): a header, blocks of
// which each tells its size, a checksum.
type zstdFrame struct {
	in       *bufio.Reader
	left     int64 // of what is being given
	state    zstdState
	checksum bool
}

type zstdState int

const (
	zstdHeader zstdState = iota
	zstdBlock
	zstdChecksum
	zstdEnd
)

func (z *zstdFrame) Read(p []byte) (int, error) {
	for z.left == 0 {
		if z.state == zstdEnd {
			return 0, io.EOF
		}
		if err := z.advance(); err != nil {
			return 0, cutOff(err)
		}
	}
	n, err := z.in.Read(p[:min(int64(len(p)), z.left)])
	z.left -= int64(n)
	return n, cutOff(err)
}

// advance finds how long the next part is, without taking it.
func (z *zstdFrame) advance() error {
	switch z.state {
	case zstdHeader:
		head, err := z.in.Peek(5)
		if err != nil {
			return err
		}
		flags := head[4]
		z.left = int64(5 + []int{0, 1, 2, 4}[flags&3] + []int{0, 2, 4, 8}[flags>>6])
		if flags&0x20 == 0 {
			z.left++ // a byte for the window
		} else if flags>>6 == 0 {
			z.left++ // the size has one byte
		}
		z.checksum, z.state = flags&4 != 0, zstdBlock
	case zstdBlock:
		head, err := z.in.Peek(3)
		if err != nil {
			return err
		}
		bits := uint32(head[0]) | uint32(head[1])<<8 | uint32(head[2])<<16
		z.left = 3 + int64(bits>>3)
		if bits>>1&3 == 1 {
			z.left = 3 + 1 // one byte, repeated
		}
		if bits&1 != 0 {
			z.state = zstdChecksum
		}
	case zstdChecksum:
		z.state = zstdEnd
		if z.checksum {
			z.left = 4
		}
	}
	return nil
}

// lz4Blocks reads the frame that lz4 -l writes and the kernel reads
// (lib/decompress_unlz4.c): blocks of 8 MiB, each behind its compressed size. The
// end is the end of the input, or a size that cannot be one: zeros that fill up, or
// what follows.
type lz4Blocks struct {
	in          *bufio.Reader
	packed, out []byte
	rest        []byte
}

const (
	lz4Block = 8 << 20
	lz4Magic = 0x184c2102
)

func openLZ4(in *bufio.Reader) (io.Reader, error) {
	if _, err := in.Discard(4); err != nil {
		return nil, err
	}
	return &lz4Blocks{in: in, out: make([]byte, lz4Block)}, nil
}

func (l *lz4Blocks) Read(p []byte) (int, error) {
	for len(l.rest) == 0 {
		if err := l.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

func (l *lz4Blocks) fill() error {
	head, err := l.in.Peek(4)
	if err != nil {
		return io.EOF // fewer than four bytes are no block
	}
	size := binary.LittleEndian.Uint32(head)
	if size == lz4Magic { // lz4 writes another frame where it appends
		_, err := l.in.Discard(4)
		return err
	}
	if size == 0 || size > uint32(lz4.CompressBlockBound(lz4Block)) {
		return io.EOF
	}
	if _, err := l.in.Discard(4); err != nil {
		return err
	}
	if l.packed, err = readGrowing(l.in, l.packed[:0], int64(size)); err != nil {
		return cutOff(err)
	}
	n, err := lz4.UncompressBlock(l.packed, l.out)
	if err != nil {
		return fmt.Errorf("lz4: %w", err)
	}
	l.rest = l.out[:n]
	return nil
}

// readGrowing reads size bytes, and takes no more memory than there is input.
func readGrowing(in io.Reader, buf []byte, size int64) ([]byte, error) {
	b := bytes.NewBuffer(buf)
	_, err := io.CopyN(b, in, size)
	return b.Bytes(), err
}
