package medium

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"
)

// fakeStub is a program for UEFI with one section, a symbol table behind it, and room for
// so many more sections.
func fakeStub(room int) []byte {
	const pe, optional, table = 0x80, 0x80 + 24, 0x80 + 24 + 240
	headers := int(up(int64(table+(1+room)*peSectionHeader), 512))
	if room == 0 {
		headers = table + peSectionHeader
	}
	b := make([]byte, headers+512+36)
	le := binary.LittleEndian
	copy(b, "MZ")
	le.PutUint32(b[peOffset:], pe)
	copy(b[pe:], "PE\x00\x00\x64\x86\x01\x00")
	le.PutUint32(b[pe+4+peSymbols:], uint32(headers+512))
	le.PutUint32(b[pe+4+peSymbols+4:], 1)
	le.PutUint32(b[headers+512+18:], 4) // the table of long names
	le.PutUint16(b[pe+20:], 240)
	le.PutUint16(b[optional:], 0x20b)
	le.PutUint32(b[optional+32:], 512) // alignment in memory, and in the file
	le.PutUint32(b[optional+36:], 512)
	le.PutUint32(b[optional+60:], uint32(headers))
	le.PutUint32(b[optional+108:], 16)
	le.PutUint64(b[optional+peCertificates:], 9<<32|9) // where a signature is, and its size
	copy(b[table:], ".text")
	for i, n := range []int{500, 0x1000, 512, headers} {
		le.PutUint32(b[table+8+4*i:], uint32(n))
	}
	return b
}

func ukiParts(room int) Parts {
	p := fakeParts()
	p.OSRelease = []byte("ID=salvor\n")
	p.Loaders = Loaders{Arch: X64, Stub: LoaderFile{"/stub", fakeStub(room)}}
	return p
}

func TestUKIIsReadBack(t *testing.T) {
	p := ukiParts(8)
	b := imageOf(t, UKI, p)
	c, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if c.Format != UKI || c.CommandLine != p.entries()[0].options {
		t.Errorf("it is %s with %q", c.Format, c.CommandLine)
	}
	same(t, "the kernel", c.Kernel, noise(4, 100_000))
	same(t, "the initramfs", c.Initramfs, noise(5, 300_001))
	if Signed(bytes.NewReader(b)) || !Signed(bytes.NewReader(p.Loaders.Stub.Data)) {
		t.Error("the stub's signature was kept, or was not seen on the stub")
	}
	if len(b)%512 != 0 {
		t.Errorf("it has %d bytes, no multiple of its alignment", len(b))
	}
}

// TestUKIInAnImage: without any other loader for UEFI, the UKI holds the kernel, and the
// files that ISOLINUX needs lie in it.
func TestUKIInAnImage(t *testing.T) {
	p := ukiParts(8)
	p.Loaders.ISOLINUX = fakeISOLINUX()
	b := imageOf(t, ISO, p)
	c, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the kernel", c.Kernel, noise(4, 100_000))
	same(t, "the initramfs", c.Initramfs, noise(5, 300_001))
	if n := bytes.Count(b, noise(5, 300_001)); n != 1 {
		t.Errorf("the initramfs is in the image %d times", n)
	}
	for name, want := range map[string][]byte{"VMLINUZ.EFI;1": noise(4, 100_000), "INITRD.IMG;1": noise(5, 300_001)} {
		record := b[bytes.Index(b[:espStart], []byte(name))-33:]
		at, size := binary.LittleEndian.Uint32(record[2:]), binary.LittleEndian.Uint32(record[10:])
		if !bytes.Equal(b[at*block:at*block+size], want) {
			t.Errorf("%s leads somewhere else: block %d, %d bytes", name, at, size)
		}
	}
}

func TestStubsThatAreRefused(t *testing.T) {
	cases := map[string][]byte{
		"nothing": nil, "noise": noise(1, 5000), "no room": fakeStub(0), "an object file": fakeStub(8)[0x84:], "cut off": fakeStub(8)[:700],
	}
	for name, stub := range cases {
		p := ukiParts(8)
		p.Loaders.Stub.Data = stub
		if _, err := Image(UKI, p); err == nil || !strings.Contains(err.Error(), "/stub") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzStub(f *testing.F) {
	f.Add(fakeStub(8))
	f.Add(fakeStub(0))
	p := ukiParts(8)
	p.Kernel, p.Initramfs = reader([]byte("kernel")), reader([]byte("initramfs"))
	f.Fuzz(func(_ *testing.T, stub []byte) {
		p := p
		p.Loaders.Stub.Data = stub
		if image, err := Image(UKI, p); err == nil {
			_, _ = io.Copy(io.Discard, image)
		}
	})
}
