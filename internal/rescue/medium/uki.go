package medium

import (
	"bytes"
	"debug/pe"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Names of a UKI's sections (UAPI.5, Unified Kernel Image).
const (
	sectionLinux   = ".linux"
	sectionInitrd  = ".initrd"
	sectionCmdline = ".cmdline"
	sectionOSRel   = ".osrel"
	sectionUname   = ".uname"
)

// uki is a unified kernel image, and where the kernel and the initramfs lie in it.
type uki struct {
	image          *io.SectionReader
	kernel, initrd extent
}

// peSection is a section that is added to a stub.
type peSection struct {
	name string
	r    *io.SectionReader
}

// makeUKI adds sections to systemd's stub. The kernel comes last: while it unpacks itself it
// may overwrite what lies behind it in memory.
func makeUKI(p Parts) (*uki, error) {
	s, err := readStub(p.Loaders.Stub.Data)
	if err != nil {
		return nil, fmt.Errorf("cannot make a UKI of %s: %w", p.Loaders.Stub.Source, err)
	}
	sections := []peSection{
		{sectionOSRel, blob(p.OSRelease)}, {sectionUname, blob([]byte(p.Release))},
		{sectionCmdline, blob([]byte(p.entries()[0].options + "\x00"))},
		{sectionInitrd, p.Initramfs}, {sectionLinux, p.Kernel},
	}
	u := &uki{}
	var m mosaic
	for _, add := range sections {
		if add.r.Size() == 0 {
			continue
		}
		at, err := s.add(add)
		if err != nil {
			return nil, fmt.Errorf("cannot make a UKI of %s: %w", p.Loaders.Stub.Source, err)
		}
		switch add.name {
		case sectionLinux:
			u.kernel = at
		case sectionInitrd:
			u.initrd = at
		}
		m = append(m, piece{at.at, io.NewSectionReader(add.r, 0, at.size)})
	}
	m = append(m, piece{0, blob(s.bytes)})
	u.image = m.section(s.end)
	return u, nil
}

// stub is a PE program that sections are added to.
type stub struct {
	bytes              []byte
	coff, optional     int64 // where these headers lie
	table              int64 // the end of the section table
	headers            int64 // how far the headers may reach
	fileAlign, vmAlign int64
	end                int64 // of the file
	vmEnd              int64 // of what is loaded
	sections           uint16
}

// Offsets in a PE file (Microsoft, PE Format).
const (
	peOffset        = 0x3c
	peSections      = 2 // in the COFF header
	peSymbols       = 8
	peImageSize     = 56 // in the optional header
	peChecksum      = 64
	peCertificates  = 112 + 4*8
	peSectionHeader = 40
	// readOnlyData: initialised data, readable.
	readOnlyData = 0x40000040
)

// readStub takes a stub apart. What lies behind its sections is left out: symbols, which
// nothing needs, and a signature, which would not hold for the UKI.
func readStub(data []byte) (*stub, error) {
	if !bytes.HasPrefix(data, []byte("MZ")) {
		return nil, errors.New("it is no program for UEFI")
	}
	f, err := pe.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	header, ok := f.OptionalHeader.(*pe.OptionalHeader64)
	if !ok || !isAlignment(header.FileAlignment) || !isAlignment(header.SectionAlignment) || header.NumberOfRvaAndSizes <= certificates {
		return nil, errors.New("it is no program for UEFI with 64 bits")
	}
	le := binary.LittleEndian
	s := &stub{bytes: bytes.Clone(data), coff: int64(le.Uint32(data[peOffset:])) + 4, sections: f.NumberOfSections,
		headers: int64(header.SizeOfHeaders), fileAlign: int64(header.FileAlignment), vmAlign: int64(header.SectionAlignment)}
	s.optional = s.coff + 20
	s.table = s.optional + int64(f.SizeOfOptionalHeader) + int64(s.sections)*peSectionHeader
	for _, section := range f.Sections {
		s.end = max(s.end, int64(section.Offset)+int64(section.Size))
		s.vmEnd = max(s.vmEnd, int64(section.VirtualAddress)+int64(max(section.VirtualSize, section.Size)))
	}
	if s.end > int64(len(data)) || s.table > s.headers || s.headers > s.end {
		return nil, errors.New("its headers contradict each other")
	}
	s.bytes = s.bytes[:s.end]
	s.end = up(s.end, s.fileAlign)
	clear(s.bytes[s.coff+peSymbols:][:8])
	clear(s.bytes[s.optional+peCertificates:][:8])
	clear(s.bytes[s.optional+peChecksum:][:4])
	return s, nil
}

// isAlignment: of a file it is at most 64 KiB, and more would not make sense in memory.
func isAlignment(n uint32) bool { return n > 0 && n <= 64<<10 && n&(n-1) == 0 }

// add gives a section its place in the file and in memory. In the file it follows the one
// before without a gap, over which programs that sign would stumble, and ends at a multiple
// of 2048 bytes, so that ISO 9660 can point to the next.
func (s *stub) add(section peSection) (extent, error) {
	size := section.r.Size()
	at, vm := s.end, up(s.vmEnd, max(4096, s.vmAlign))
	end := up(at+size, max(block, s.fileAlign))
	switch {
	case s.table+peSectionHeader > s.headers:
		return extent{}, errors.New("its headers have no room for more sections")
	case end >= 1<<32 || vm+size >= 1<<31:
		return extent{}, fmt.Errorf("%s with %d bytes is too large", section.name, size)
	}
	le := binary.LittleEndian
	b := s.bytes[s.table:][:peSectionHeader]
	clear(b)
	copy(b, section.name)
	le.PutUint32(b[8:], uint32(size))
	le.PutUint32(b[12:], uint32(vm))
	le.PutUint32(b[16:], uint32(end-at))
	le.PutUint32(b[20:], uint32(at))
	le.PutUint32(b[36:], readOnlyData)
	s.table += peSectionHeader
	s.sections++
	s.end, s.vmEnd = end, vm+size
	le.PutUint16(s.bytes[s.coff+peSections:], s.sections)
	le.PutUint32(s.bytes[s.optional+peImageSize:], uint32(up(s.vmEnd, s.vmAlign)))
	return extent{at, size}, nil
}

// openUKI finds the parts in a UKI.
func openUKI(r io.ReaderAt) (*Contents, error) {
	f, err := pe.NewFile(r)
	if err != nil {
		return nil, err
	}
	c := &Contents{Format: UKI}
	section := func(name string) *io.SectionReader {
		s := f.Section(name)
		if s == nil {
			return nil
		}
		size := min(s.Size, s.VirtualSize)
		c.Files = append(c.Files, File{Path: name, Size: int64(size), content: io.NewSectionReader(r, int64(s.Offset), int64(size))})
		return c.Files[len(c.Files)-1].content
	}
	for _, name := range []string{sectionOSRel, sectionUname} {
		section(name)
	}
	c.Kernel, c.Initramfs = section(sectionLinux), section(sectionInitrd)
	if c.Kernel == nil || c.Initramfs == nil {
		return nil, errors.New("it is a program for UEFI without a kernel and an initramfs in it")
	}
	if line := section(sectionCmdline); line != nil {
		text, err := readText(line)
		if err != nil {
			return nil, err
		}
		c.CommandLine = text
	}
	return c, nil
}
