package ondisk

import (
	"errors"
	"fmt"
	"strings"
)

// EFIDevicePath says where the firmware finds a device or a file: nodes from the
// outside in (UEFI 2.10, 10.2).
type EFIDevicePath []EFINode

// EFINode is one step of a device path. What its data mean depends on both types.
type EFINode struct {
	Type, SubType byte
	Data          []byte
}

// EFIPartition is how a device path names a partition. Start and Size are in blocks
// of the disk.
type EFIPartition struct {
	Number      uint32
	Start, Size uint64
	Format      string // "gpt", "mbr" or ""
	UUID        string // of a GPT partition, or, on an MBR disk, the disk's signature: "0001abcd"
}

const (
	efiEnd      = 0x7f // type of the end of a path
	efiInstance = 0x01 // the end of one path, after which another one follows
)

// ParseEFIDevicePath reads one device path. Whatever follows its end is not read.
func ParseEFIDevicePath(data []byte) (EFIDevicePath, error) {
	var path EFIDevicePath
	for len(data) > 0 {
		if len(data) < 4 {
			return nil, errors.New("its device path is cut off")
		}
		length := int(le.Uint16(data[2:]))
		if length < 4 || length > len(data) {
			return nil, fmt.Errorf("a node of its device path would have %d bytes, and %d are there", length, len(data))
		}
		node := EFINode{data[0], data[1], data[4:length]}
		if node.Type == efiEnd && node.SubType != efiInstance {
			return path, nil
		}
		path = append(path, node)
		data = data[length:]
	}
	return nil, errors.New("its device path has no end")
}

// is: the node is of both types and has at least that much data.
func (n EFINode) is(kind uint16, size int) bool {
	return n.kind() == kind && len(n.Data) >= size
}

func (n EFINode) kind() uint16 { return uint16(n.Type)<<8 | uint16(n.SubType) }

// The kinds of nodes that have more to them than a text: type and subtype.
const (
	efiHardDrive = 0x0401
	efiFilePath  = 0x0404
)

// Partition gives the partition that the path leads to, nil where it names none.
func (p EFIDevicePath) Partition() *EFIPartition {
	for _, n := range p {
		if n.is(efiHardDrive, 38) {
			return n.partition()
		}
	}
	return nil
}

// partition reads a hard drive node (UEFI 2.10, 10.3.5.1).
func (n EFINode) partition() *EFIPartition {
	b := n.Data
	p := &EFIPartition{Number: le.Uint32(b), Start: le.Uint64(b[4:]), Size: le.Uint64(b[12:])}
	switch b[36] {
	case 1:
		p.Format = "mbr"
	case 2:
		p.Format = "gpt"
	}
	switch b[37] {
	case 1:
		p.UUID = fmt.Sprintf("%08x", le.Uint32(b[20:]))
	case 2:
		p.UUID = guidString(b[20:])
	}
	return p
}

// File gives the path of the file that the device path ends in, "" where it is
// about none. Its separators are backslashes.
func (p EFIDevicePath) File() string {
	var parts []string
	for _, n := range p {
		if !n.is(efiFilePath, 2) {
			continue
		}
		name, _ := utf16String(n.Data, le)
		parts = append(parts, strings.Trim(name, `\`))
	}
	if len(parts) == 0 {
		return ""
	}
	// One path may lie in several nodes (10.3.5.4).
	return `\` + strings.Join(parts, `\`)
}

// String gives the path in the text form of UEFI 2.10, 10.6.1, as efibootmgr shows it.
func (p EFIDevicePath) String() string {
	var b strings.Builder
	for i, n := range p {
		switch {
		case n.Type == efiEnd:
			b.WriteByte(',')
			continue
		case i > 0 && p[i-1].Type != efiEnd:
			b.WriteByte('/')
		}
		b.WriteString(n.String())
	}
	return b.String()
}

// String gives the node as text; one that is not known is Path(type,subtype,data).
func (n EFINode) String() string {
	form, known := efiForms[n.kind()]
	if known && len(n.Data) >= form.min {
		return form.text(n.Data)
	}
	return fmt.Sprintf("Path(%d,%d,%x)", n.Type, n.SubType, n.Data)
}
