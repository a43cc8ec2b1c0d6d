package medium

import (
	"bytes"
	"io"
	"sort"
)

// piece is a part of an image: bytes that begin at an offset.
type piece struct {
	at int64
	r  *io.SectionReader
}

func (p piece) end() int64 { return p.at + p.r.Size() }

// mosaic is an image as the pieces that it is put together from, in the order of their
// offsets. Between them are zeros.
type mosaic []piece

// blob makes bytes in memory a source of a piece.
func blob(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

// section gives the image, of which size bytes are seen.
func (m mosaic) section(size int64) *io.SectionReader {
	sort.SliceStable(m, func(i, j int) bool { return m[i].at < m[j].at })
	return io.NewSectionReader(m, 0, size)
}

// ReadAt fills p from the pieces, as io.ReaderAt has it. It knows no end: the section
// that it is read through does.
func (m mosaic) ReadAt(p []byte, off int64) (int, error) {
	for n := 0; n < len(p); {
		got, err := m.readSome(p[n:], off+int64(n))
		n += got
		if err != nil {
			return n, err
		}
	}
	return len(p), nil
}

// readSome reads from the piece at off, or the zeros before the next one.
func (m mosaic) readSome(p []byte, off int64) (int, error) {
	next := sort.Search(len(m), func(i int) bool { return m[i].end() > off })
	if next == len(m) {
		clear(p)
		return len(p), nil
	}
	at := m[next]
	if off < at.at {
		gap := min(int64(len(p)), at.at-off)
		clear(p[:gap])
		return int(gap), nil
	}
	want := p[:min(int64(len(p)), at.end()-off)]
	n, err := at.r.ReadAt(want, off-at.at)
	if n == len(want) {
		return n, nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF // the source became shorter while it was read
	}
	return n, err
}

// up rounds n up to a multiple of unit.
func up(n, unit int64) int64 { return (n + unit - 1) / unit * unit }
