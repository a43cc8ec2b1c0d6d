package medium

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf16"
)

// findESP finds the EFI system partition of a disk: as a GPT has it, or an MBR.
func findESP(disk *io.SectionReader) (Format, extent, error) {
	head := make([]byte, 2*sector)
	if _, err := disk.ReadAt(head, 0); err != nil || head[510] != 0x55 || head[511] != 0xaa {
		return "", extent{}, errors.New("it is no ISO or USB image, no UKI and no initramfs")
	}
	if bytes.HasPrefix(head[sector:], []byte("EFI PART")) {
		at, err := findInGPT(disk, head[sector:])
		return USB, at, err
	}
	le := binary.LittleEndian
	for i := range 4 {
		e := head[446+16*i:][:16]
		if e[4] == mbrESP {
			return ISO, extent{int64(le.Uint32(e[8:])) * sector, int64(le.Uint32(e[12:])) * sector}, nil
		}
	}
	return "", extent{}, errors.New("it has no EFI system partition")
}

func findInGPT(disk *io.SectionReader, header []byte) (extent, error) {
	le := binary.LittleEndian
	table := make([]byte, gptTableSize)
	at := le.Uint64(header[72:])
	if at > uint64(disk.Size()/sector) {
		return extent{}, errors.New("its partition table lies behind its end")
	}
	if _, err := disk.ReadAt(table, int64(at)*sector); err != nil {
		return extent{}, fmt.Errorf("cannot read its partition table: %w", err)
	}
	last := uint64(disk.Size() / sector)
	for ; len(table) >= gptEntrySize; table = table[gptEntrySize:] {
		if !bytes.Equal(table[:16], typeESP[:]) {
			continue
		}
		first, end := le.Uint64(table[32:]), le.Uint64(table[40:])
		if first > end || end >= last {
			return extent{}, errors.New("its EFI system partition reaches behind its end")
		}
		return extent{int64(first) * sector, int64(end-first+1) * sector}, nil
	}
	return extent{}, errors.New("it has no EFI system partition")
}

// fatReader reads a FAT32 file system from anyone.
type fatReader struct {
	disk     *io.SectionReader
	table    []byte
	data     int64 // where the clusters begin
	cluster  int64 // bytes
	clusters uint32
	files    []File
	seen     map[uint32]bool // first clusters of directories
}

// What a medium of ours never has more of.
const (
	mostFiles     = 4096
	deepest       = 8
	largestDir    = 1 << 20
	largestTable  = 64 << 20
	mostFragments = 1 << 16
)

var errFAT = errors.New("it is no FAT32 file system, or a damaged one")

// readFAT lists all files.
func readFAT(disk *io.SectionReader) ([]File, error) {
	r := &fatReader{disk: disk, seen: map[uint32]bool{}}
	root, err := r.readBoot()
	if err != nil {
		return nil, err
	}
	if err := r.walk("", root, 0); err != nil {
		return nil, err
	}
	return r.files, nil
}

// readBoot reads the boot sector and the first FAT, and gives the cluster of the root.
func (r *fatReader) readBoot() (uint32, error) {
	b := make([]byte, sector)
	if _, err := r.disk.ReadAt(b, 0); err != nil {
		return 0, fmt.Errorf("%w: %w", errFAT, err)
	}
	le := binary.LittleEndian
	reserved, tables := int64(le.Uint16(b[14:])), int64(b[16])
	tableSize, sectors := int64(le.Uint32(b[36:]))*sector, int64(le.Uint32(b[32:]))
	r.cluster = int64(b[13]) * sector
	r.data = reserved*sector + tables*tableSize
	if le.Uint16(b[11:]) != sector || r.cluster == 0 || tables == 0 || le.Uint16(b[22:]) != 0 ||
		tableSize > largestTable || sectors*sector > r.disk.Size() || r.data > sectors*sector {
		return 0, errFAT
	}
	r.clusters = uint32((sectors*sector - r.data) / r.cluster)
	if int64(r.clusters+fatRoot)*4 > tableSize || reserved*sector+tableSize > r.disk.Size() {
		return 0, errFAT
	}
	r.table = make([]byte, tableSize)
	if _, err := r.disk.ReadAt(r.table, reserved*sector); err != nil {
		return 0, fmt.Errorf("%w: %w", errFAT, err)
	}
	return le.Uint32(b[44:]), nil
}

// content puts together the clusters of a chain, which has to be at least as long as size;
// a size below 0 takes the whole chain.
func (r *fatReader) content(first uint32, size int64) (*io.SectionReader, error) {
	var m mosaic
	at, next := int64(0), first
	for size < 0 || at < size {
		if next < fatRoot || next >= r.clusters+fatRoot || at > r.disk.Size() {
			return nil, fmt.Errorf("%w: a chain of clusters is broken", errFAT)
		}
		run := int64(1)
		last := next
		for next = r.after(last); next == last+1 && (size < 0 || at+run*r.cluster < size); next = r.after(last) {
			last, run = next, run+1
		}
		start := r.data + (int64(last)+1-run-fatRoot)*r.cluster
		m = append(m, piece{at, io.NewSectionReader(r.disk, start, run*r.cluster)})
		if at += run * r.cluster; len(m) > mostFragments {
			return nil, fmt.Errorf("%w: a file lies in too many places", errFAT)
		}
		if size < 0 && next >= 0x0ffffff8 {
			break
		}
	}
	if size < 0 {
		size = at
	}
	return m.section(size), nil
}

// after is the cluster behind another; one behind the last that there is ends a chain.
func (r *fatReader) after(cluster uint32) uint32 {
	if cluster >= r.clusters+fatRoot {
		return fatEnd
	}
	return binary.LittleEndian.Uint32(r.table[4*cluster:]) & fatEnd
}

// walk lists the files in a directory and below it.
func (r *fatReader) walk(dir string, first uint32, depth int) error {
	if depth > deepest || r.seen[first] {
		return fmt.Errorf("%w: its directories have no end", errFAT)
	}
	r.seen[first] = true
	content, err := r.content(first, -1)
	switch {
	case err != nil:
		return err
	case content.Size() > largestDir:
		return fmt.Errorf("%w: a directory has %d bytes", errFAT, content.Size())
	}
	b := make([]byte, content.Size())
	if _, err := io.ReadFull(content, b); err != nil {
		return fmt.Errorf("%w: %w", errFAT, err)
	}
	long := ""
	for ; len(b) >= dirEntry && b[0] != 0; b = b[dirEntry:] {
		if b[11] == 0x0f {
			long = longPart(b[:dirEntry], long)
			continue
		}
		if err := r.entry(dir, b[:dirEntry], long, depth); err != nil {
			return err
		}
		long = ""
	}
	return nil
}

// entry takes an entry with a short name, and the long one that stood in front of it.
func (r *fatReader) entry(dir string, e []byte, long string, depth int) error {
	name := shortText(e[:11])
	if e[0] == 0xe5 || e[11]&attrLabel != 0 || name == "." || name == ".." {
		return nil
	}
	if long != "" {
		name = long
	}
	if strings.ContainsAny(name, "/\x00") || name == "" {
		return fmt.Errorf("%w: a file has the name %q", errFAT, name)
	}
	le := binary.LittleEndian
	first := uint32(le.Uint16(e[20:]))<<16 | uint32(le.Uint16(e[26:]))
	p := path.Join(dir, name)
	if e[11]&attrDir != 0 {
		return r.walk(p, first, depth+1)
	}
	size := int64(le.Uint32(e[28:]))
	content, err := r.content(first, size)
	if err != nil {
		return fmt.Errorf("%q: %w", p, err)
	}
	if r.files = append(r.files, File{Path: p, Size: size, content: content}); len(r.files) > mostFiles {
		return fmt.Errorf("%w: it has more than %d files", errFAT, mostFiles)
	}
	return nil
}

func shortText(b []byte) string {
	stem, ext := strings.TrimRight(string(b[:8]), " "), strings.TrimRight(string(b[8:11]), " ")
	if ext != "" {
		return stem + "." + ext
	}
	return stem
}

// longPart puts the letters of an entry in front of those that came before it.
func longPart(e []byte, rest string) string {
	if e[0]&0x40 != 0 {
		rest = ""
	}
	var text []uint16
	for _, at := range longAt {
		unit := binary.LittleEndian.Uint16(e[at:])
		if unit == 0 {
			break
		}
		text = append(text, unit)
	}
	return string(utf16.Decode(text)) + rest
}
