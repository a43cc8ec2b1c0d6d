package ondisk

import (
	"fmt"
	"hash/crc32"
	"strings"
)

// LVM2PV is an LVM physical volume.
type LVM2PV struct {
	ID              // UUID is dashed, as lvm prints it
	LabelOffset     uint64
	Size            uint64 // of the device, as written in the label
	DataOffset      uint64 // where the extents begin
	BootloaderArea  uint64 // its size, 0 when there is none
	MetadataAreas   []LVMArea
	MetadataIgnored bool // all areas carry "pvchange --metadataignore"
	// VG is the newest metadata on this PV. It is nil when there is no
	// metadata area in use, or when the PV belongs to no VG (see Orphan).
	VG *LVMVG
	// Orphan tells that the areas are readable and empty.
	Orphan bool
}

// LVMArea is a part of the device, in bytes.
type LVMArea struct{ Offset, Size uint64 }

// Format implements Signature.
func (*LVM2PV) Format() string { return "LVM2_member" }

const (
	lvmLabel      = "LABELONE"
	lvmType       = "LVM2 001"
	lvmMDAMagic   = " LVM2 x[5A%r0N*>"
	lvmMDAHeader  = 512
	lvmInitialCRC = 0xf597a6cf
	lvmIgnored    = 1 // raw_locn flag
	// lvmMaxText bounds the metadata that is read; lvm's own default area is
	// 1 MiB, and what is larger than this area's size is refused before.
	lvmMaxText = maxRead
)

// lvmCRC is LVM's checksum: CRC-32 with a start value of its own and without
// the final inversion (lib/misc/crc.c).
func lvmCRC(b []byte) uint32 {
	initial := uint32(lvmInitialCRC)
	return ^crc32.Update(^initial, crc32.IEEETable, b)
}

// lvmUUID dashes the 32 letters of an LVM identifier.
func lvmUUID(b []byte) string {
	s := string(b[:32])
	return strings.Join([]string{s[:6], s[6:10], s[10:14], s[14:18], s[18:22], s[22:26], s[26:]}, "-")
}

// findLVM looks for the label in the first four sectors.
func findLVM(d *device) (Signature, error) {
	for sector := int64(0); sector < 4; sector++ {
		b := d.at(sector*512, 512)
		if b == nil || string(b[:8]) != lvmLabel || string(b[24:32]) != lvmType {
			continue
		}
		if le.Uint64(b[8:]) != uint64(sector) {
			continue
		}
		return readPV(d, b, sector*512)
	}
	return nil, nil
}

// readPV reads a label, the PV header in it and what they point to
// (lib/label/label.h, lib/format_text/layout.h).
func readPV(d *device, b []byte, off int64) (Signature, error) {
	if lvmCRC(b[20:]) != le.Uint32(b[16:]) {
		return nil, damaged("LVM: the label's checksum is wrong", off)
	}
	start := le.Uint32(b[20:])
	if start < 32 || start > 512-40 {
		return nil, damaged("LVM: the PV header is out of bounds", off)
	}
	h := b[start:]
	pv := &LVM2PV{
		ID:          ID{UUID: lvmUUID(h)},
		LabelOffset: uint64(off), Size: le.Uint64(h[32:]),
	}
	areas := h[40:]
	data, areas, ok := lvmAreas(areas)
	if !ok {
		return pv, damaged("LVM: the list of data areas has no end", off)
	}
	if len(data) > 0 {
		pv.DataOffset = data[0].Offset
	}
	pv.MetadataAreas, areas, ok = lvmAreas(areas)
	if !ok {
		return pv, damaged("LVM: the list of metadata areas has no end", off)
	}
	// The header's extension: version, flags, list of bootloader areas.
	if len(areas) >= 8 && le.Uint32(areas) >= 1 {
		if ba, _, ok := lvmAreas(areas[8:]); ok && len(ba) > 0 {
			pv.BootloaderArea = ba[0].Size
		}
	}
	pv.readMetadata(d)
	return pv, nil
}

// lvmAreas reads a list that ends with an offset of 0.
func lvmAreas(b []byte) (areas []LVMArea, rest []byte, ok bool) {
	for len(b) >= 16 {
		a := LVMArea{le.Uint64(b), le.Uint64(b[8:])}
		b = b[16:]
		if a.Offset == 0 {
			return areas, b, true
		}
		areas = append(areas, a)
	}
	return areas, b, false
}

// readMetadata reads all metadata areas and keeps the newest metadata.
func (pv *LVM2PV) readMetadata(d *device) {
	ignored, empty := 0, 0
	for _, a := range pv.MetadataAreas {
		vg, state, err := readLVMArea(d, a)
		if err != nil {
			d.notef("LVM2_member: %v", err)
		}
		switch state {
		case lvmAreaIgnored:
			ignored++
		case lvmAreaEmpty:
			empty++
		}
		if vg == nil {
			continue
		}
		if pv.VG != nil && (pv.VG.SeqNo != vg.SeqNo || pv.VG.UUID != vg.UUID) {
			d.notef("LVM2_member: the metadata areas differ: sequence number %d of %q and %d of %q",
				pv.VG.SeqNo, pv.VG.Name, vg.SeqNo, vg.Name)
		}
		if pv.VG == nil || vg.SeqNo > pv.VG.SeqNo {
			pv.VG = vg
		}
	}
	n := len(pv.MetadataAreas)
	pv.MetadataIgnored = n > 0 && ignored == n
	pv.Orphan = n > 0 && empty == n
}

type lvmAreaState int

const (
	lvmAreaUsed lvmAreaState = iota
	lvmAreaEmpty
	lvmAreaIgnored
)

// readLVMArea reads the committed metadata of one area, a ring of text behind
// a header of one sector.
func readLVMArea(d *device, a LVMArea) (*LVMVG, lvmAreaState, error) {
	h := d.at64(a.Offset, lvmMDAHeader)
	if h == nil {
		return nil, lvmAreaUsed, fmt.Errorf("cannot read the metadata area at offset %d", a.Offset)
	}
	bad := func(what string) error {
		return fmt.Errorf("cannot use the metadata area at offset %d: %s", a.Offset, what)
	}
	if string(h[4:20]) != lvmMDAMagic {
		return nil, lvmAreaUsed, bad("its magic is missing")
	}
	var note error
	if lvmCRC(h[4:]) != le.Uint32(h) {
		note = bad("its header's checksum is wrong, going on")
	}
	start, size := le.Uint64(h[24:]), le.Uint64(h[32:])
	if start != a.Offset {
		return nil, lvmAreaUsed, bad("it was copied from elsewhere")
	}
	off, length, sum, flags := le.Uint64(h[40:]), le.Uint64(h[48:]), le.Uint32(h[56:]), le.Uint32(h[60:])
	switch {
	case flags&lvmIgnored != 0:
		return nil, lvmAreaIgnored, note
	case off == 0:
		return nil, lvmAreaEmpty, note
	case size <= lvmMDAHeader || off < lvmMDAHeader || off >= size || length > size-lvmMDAHeader || length > lvmMaxText || length == 0:
		return nil, lvmAreaUsed, bad("its text lies out of bounds")
	}
	text := readRing(d, start, size, off, int(length))
	if text == nil {
		return nil, lvmAreaUsed, bad("its text cannot be read")
	}
	if lvmCRC(text) != sum {
		note = bad("its text's checksum is wrong, going on")
	}
	vg, err := ParseLVM(text)
	if err != nil {
		return nil, lvmAreaUsed, bad(err.Error())
	}
	return vg, lvmAreaUsed, note
}

// readRing reads text that may run over the end of the area, and then goes on
// behind the area's header.
func readRing(d *device, start, size, off uint64, length int) []byte {
	if start > uint64(d.size) || size > uint64(d.size) {
		return nil
	}
	first := min(uint64(length), size-off)
	text := d.at64(start+off, int(first))
	if text == nil || first == uint64(length) {
		return text
	}
	rest := d.at64(start+lvmMDAHeader, length-int(first))
	if rest == nil {
		return nil
	}
	return append(text[:len(text):len(text)], rest...)
}
