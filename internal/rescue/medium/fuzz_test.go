package medium

import (
	"bytes"
	"io"
	"testing"
)

// readAll opens an image and reads all that it says it has.
func readAll(image io.ReaderAt, size int64) {
	c, err := Open(image, size)
	if err != nil {
		return
	}
	for _, f := range c.Files {
		_, _ = io.Copy(io.Discard, io.LimitReader(f.Open(), 1<<20))
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(imageOf(f, UKI, ukiParts(8))[:8192])
	f.Add([]byte("MZ"))
	f.Add([]byte("070701"))
	f.Fuzz(func(_ *testing.T, b []byte) { readAll(bytes.NewReader(b), int64(len(b))) })
}

// FuzzDisk has the places of a disk image that matter, with zeros between them, since an
// image as large as its file system says would be too much to try many of.
func FuzzDisk(f *testing.F) {
	const size, tableAt = 40 << 20, espStart + fatReserved*sector
	places := []int64{0, espStart, tableAt, 0}
	for _, format := range []Format{ISO, USB} {
		b := imageOf(f, format, fakeParts())
		v := &fat{cluster: 512, next: fewest}
		places[3] = espStart + v.dataStart()
		f.Add(b[:4096], b[espStart:espStart+sector], b[tableAt:tableAt+2048], b[places[3]:places[3]+8192])
	}
	f.Fuzz(func(_ *testing.T, tables, boot, chains, files []byte) {
		var m mosaic
		for i, b := range [][]byte{tables, boot, chains, files} {
			m = append(m, piece{places[i], blob(b[:min(len(b), 16384)])})
		}
		readAll(m.section(size), size)
	})
}

// FuzzLoaders has any content for the programs that are looked into.
func FuzzLoaders(f *testing.F) {
	f.Add(fakeStub(8))
	f.Add([]byte("\x00/EFI/debian\x00/EFI/debian\x00/boot/grub2\x00"))
	p := fakeParts()
	f.Fuzz(func(_ *testing.T, b []byte) {
		p := p
		_ = grubPrefixes(b)
		_ = Signed(bytes.NewReader(b))
		_, _ = KernelArch(bytes.NewReader(b))
		p.Loaders.GRUB.Data = b
		_, _, _ = p.layOut(identity{})
	})
}
