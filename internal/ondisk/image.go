package ondisk

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Image is what the first bytes of a file say of it as the image of a disk.
type Image struct {
	Format string // raw, qcow2, or one that is recognised only: vmdk, vdi, vhdx, vhd, qcow, qed, parallels
	// Size is that of the disk in bytes; 0 where it is that of the file.
	Size uint64
	// Backing and Data are other files that are a part of it. Whoever made the image
	// chose them, and may have named any file of the machine that opens it.
	Backing, Data string
	Encrypted     bool
}

// imageMagics are the formats that a raw disk does not begin like, unless somebody
// wants it to (qemu, block/*.c, the probe functions).
var imageMagics = []struct {
	off           int
	magic, format string
}{
	{0, "QFI\xfb\x00\x00\x00\x01", "qcow"},
	{0, "KDMV", "vmdk"},
	{0, "COWD", "vmdk"},
	{0, "# Disk DescriptorFile", "vmdk"},
	{0x40, "\x7f\x10\xda\xbe", "vdi"},
	{0, "vhdxfile", "vhdx"},
	{0, "conectix", "vhd"},
	{0, "QED\x00", "qed"},
	{0, "WithoutFreeSpace", "parallels"},
	{0, "WithouFreSpacExt", "parallels"},
}

const (
	qcow2Magic = "QFI\xfb"
	// qcow2DataFile is a bit of the incompatible features: the data is in another file.
	qcow2DataFile = 1 << 2
	// qcow2DataName is the type of the header extension with that file's name.
	qcow2DataName = 0x44415441
)

// ReadImage reads what format a file has. It is raw unless its first bytes say
// something else.
func ReadImage(r io.ReaderAt) (Image, error) {
	head := make([]byte, 4096)
	n, err := r.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return Image{}, fmt.Errorf("cannot read the beginning of the image: %w", err)
	}
	head = head[:n]
	for _, m := range imageMagics {
		if len(head) >= m.off+len(m.magic) && string(head[m.off:m.off+len(m.magic)]) == m.magic {
			return Image{Format: m.format}, nil
		}
	}
	if len(head) >= len(qcow2Magic) && string(head[:4]) == qcow2Magic {
		return readQcow2(r, head)
	}
	return Image{Format: "raw"}, nil
}

// readQcow2 reads a header of version 2 or 3 (qemu, docs/interop/qcow2.rst).
func readQcow2(r io.ReaderAt, head []byte) (Image, error) {
	be := binary.BigEndian
	image := Image{Format: "qcow2"}
	if len(head) < 104 {
		return image, fmt.Errorf("cannot read the qcow2 header: the file ends in it")
	}
	version := be.Uint32(head[4:])
	if version != 2 && version != 3 {
		return image, fmt.Errorf("cannot read the qcow2 header: its version is %d, known are 2 and 3", version)
	}
	image.Size = be.Uint64(head[24:])
	image.Encrypted = be.Uint32(head[32:]) != 0
	var err error
	if off := be.Uint64(head[8:]); off != 0 {
		image.Backing, err = qcow2Name(r, off, be.Uint32(head[16:]))
	}
	if version == 3 && be.Uint64(head[72:])&qcow2DataFile != 0 {
		image.Data = qcow2DataFileName(head)
	}
	return image, err
}

// qcow2Name reads the name of the backing file: at most 1023 bytes, in the first
// cluster, which has at most 2 MiB.
func qcow2Name(r io.ReaderAt, off uint64, length uint32) (string, error) {
	if off > 2<<20 || length > 1023 {
		return "", fmt.Errorf("cannot read the qcow2 header: the name of its backing file has %d bytes at byte %d", length, off)
	}
	name := make([]byte, length)
	if _, err := r.ReadAt(name, int64(off)); err != nil {
		return "", fmt.Errorf("cannot read the name of the backing file: %w", err)
	}
	if length == 0 {
		return "?", nil
	}
	return string(name), nil
}

// qcow2DataFileName finds the extension with the name of the data file. That there
// is one is known already, so a name that is not found is not an error.
func qcow2DataFileName(head []byte) string {
	be := binary.BigEndian
	at := uint64(be.Uint32(head[100:]))
	for at+8 <= uint64(len(head)) {
		kind, length := be.Uint32(head[at:]), uint64(be.Uint32(head[at+4:]))
		at += 8
		if kind == 0 || at+length > uint64(len(head)) {
			break
		}
		if kind == qcow2DataName && length > 0 {
			return string(head[at : at+length])
		}
		at += (length + 7) &^ 7
	}
	return "?"
}
