package ondisk

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
)

// reiserPlaces are where each version of ReiserFS 3 keeps its superblock and
// its magic (kernel up to 6.12: fs/reiserfs/reiserfs.h).
var reiserPlaces = []struct {
	super int64
	magic magicAt
	ids   bool // it has a UUID and a label
}{
	{8 << 10, magicAt{52, "ReIsErFs"}, false},
	{64 << 10, magicAt{52, "ReIsEr2Fs"}, true},
	{64 << 10, magicAt{52, "ReIsEr3Fs"}, true},
	{64 << 10, magicAt{52, "ReIsErFs"}, false},
	{8 << 10, magicAt{20, "ReIsErFs"}, false},
}

func findReiserFS(d *device) (Signature, error) {
	for _, place := range reiserPlaces {
		if !d.has(place.super+place.magic.off, place.magic.magic) {
			continue
		}
		b := d.at(place.super, 128)
		if b == nil {
			return nil, nil
		}
		block, journal := int64(le.Uint16(b[44:])), int64(le.Uint32(b[12:]))
		if block < 512 {
			return nil, damaged("reiserfs: the block size is out of bounds", place.super)
		}
		// A superblock in the journal is one of a file system inside this one.
		if place.super/1024/(block/512) > journal/2 {
			return nil, nil
		}
		// s_umount_state is "in use" (REISERFS_ERROR_FS) while it is mounted for writing.
		p := &Plain{Type: "reiserfs", Dirty: le.Uint16(b[50:]) == 2}
		if place.ids {
			p.ID = ID{UUID: uuidString(b[84:100]), Label: label(b[100:116])}
		}
		return p, nil
	}
	return nil, nil
}

func findJFS(d *device) (Signature, error) {
	const off = 32 << 10
	b := d.at(off, 512)
	if b == nil || string(b[:4]) != "JFS1" {
		return nil, nil
	}
	logical, physical := le.Uint16(b[20:]), le.Uint16(b[28:])
	if logical > 31 || physical > 31 || le.Uint32(b[16:]) != 1<<logical ||
		le.Uint32(b[24:]) != 1<<physical || logical-physical != le.Uint16(b[22:]) {
		return nil, damaged("jfs: the block sizes contradict each other", off)
	}
	// s_state is FM_CLEAN, which is 0, only after it was unmounted (fs/jfs/jfs_superblock.h).
	dirty := le.Uint32(b[40:]) != 0
	return &Plain{ID: ID{UUID: uuidString(b[136:152]), Label: label(b[152:168])}, Type: "jfs", Dirty: dirty}, nil
}

// nilfsMagic is at offset 6 of a superblock (kernel:
// include/uapi/linux/nilfs2_ondisk.h).
const nilfsMagic = 0x3434

// findNilfs2 takes the newer of the two superblocks.
func findNilfs2(d *device) (Signature, error) {
	var best []byte
	for _, off := range []int64{1024, (d.size/512 - 8) * 512} {
		b := d.at(off, 1024)
		if b == nil || le.Uint16(b[6:]) != nilfsMagic || !nilfsSum(b) {
			continue
		}
		if best == nil || le.Uint64(b[56:]) > le.Uint64(best[56:]) {
			best = b
		}
	}
	if best == nil {
		return nil, nil
	}
	dirty := le.Uint16(best[116:])&1 == 0 // s_state, NILFS_VALID_FS
	return &Plain{ID: ID{UUID: uuidString(best[152:168]), Label: label(best[168:248])}, Type: "nilfs2", Dirty: dirty}, nil
}

// nilfsSum checks the checksum: CRC-32 with a seed, without inversions, over
// the superblock with the sum's own field zero.
func nilfsSum(b []byte) bool {
	n := int(le.Uint16(b[8:]))
	if n < 24 || n > len(b) {
		return false
	}
	crc := ^le.Uint32(b[12:])
	crc = crc32.Update(crc, crc32.IEEETable, b[:16])
	crc = crc32.Update(crc, crc32.IEEETable, make([]byte, 4))
	crc = crc32.Update(crc, crc32.IEEETable, b[20:n])
	return ^crc == le.Uint32(b[16:])
}

func findF2FS(d *device) (Signature, error) {
	b := d.at(1024, 2048)
	if b == nil || string(b[:4]) != "\x10\x20\xf5\xf2" {
		return nil, nil
	}
	p := &Plain{Type: "f2fs", Version: fmt.Sprintf("%d.%d", le.Uint16(b[4:]), le.Uint16(b[6:]))}
	if sector, block := le.Uint32(b[8:]), le.Uint32(b[f2fsLogBlock:]); sector <= 16 && block <= 16 {
		p.SectorSize, p.BlockSize = 1<<sector, 1<<block
	}
	// 1.0 had another layout.
	if p.Version != "1.0" {
		p.ID = ID{UUID: uuidString(b[0x6c:0x7c]), Label: utf16Label(b[0x7c:0x47c], le)}
		p.Dirty = f2fsDirty(d, b)
	}
	return p, nil
}

// findBcachefs reads the superblock in sector 8 (kernel 6.7:
// fs/bcachefs/bcachefs_format.h, struct bch_sb).
func findBcachefs(d *device) (Signature, error) {
	const magic = "\xc6\x85\x73\xf6\x66\xce\x90\xa9\xd9\x6a\x60\xcf\x80\x3d\xf7\xef"
	b := d.at(4096, 512)
	if b == nil || (string(b[24:40]) != magic && string(b[24:40]) != bcacheMagic) || le.Uint64(b[104:]) != 8 {
		return nil, nil
	}
	return &Bcachefs{
		ID:          ID{UUID: uuidString(b[56:72]), Label: label(b[72:104])},
		Internal:    uuidString(b[40:56]),
		DeviceIndex: int(b[122]), NumDevices: int(b[123]),
	}, nil
}

// Bcachefs is one device of a bcachefs file system.
type Bcachefs struct {
	ID
	Internal    string // the UUID that ties the devices together
	DeviceIndex int
	NumDevices  int
}

// Format implements Signature.
func (*Bcachefs) Format() string { return "bcachefs" }

func findSquashfs(d *device) (Signature, error) {
	b := d.at(0, 96)
	if b == nil || (string(b[:4]) != "hsqs" && string(b[:4]) != "sqsh") {
		return nil, nil
	}
	var order binary.ByteOrder = le
	if b[0] == 's' {
		order = be
	}
	major, minor := order.Uint16(b[28:]), order.Uint16(b[30:])
	p := &Plain{Type: "squashfs", Version: fmt.Sprintf("%d.%d", major, minor)}
	switch {
	case major < 4:
		p.Type = "squashfs3"
	case b[0] == 's':
		return nil, damaged("squashfs: version 4 is never big-endian", 0)
	}
	return p, nil
}

// findGFS reads GFS and GFS2, which differ by their format number.
func findGFS(d *device) (Signature, error) {
	b := d.at(64<<10, 512)
	if b == nil || string(b[:4]) != "\x01\x16\x19\x70" {
		return nil, nil
	}
	p := &Plain{ID: ID{UUID: uuidString(b[256:272]), Label: label(b[160:224])}}
	switch format, multi := be.Uint32(b[24:]), be.Uint32(b[28:]); {
	case format == 1309 && multi == 1401:
		p.Type = "gfs"
	case format >= 1800 && format < 1900 && multi >= 1900 && multi < 2000:
		p.Type = "gfs2"
	default:
		return nil, damaged("gfs2: the format is not known", 64<<10)
	}
	return p, nil
}

func findOCFS2(d *device) (Signature, error) {
	for _, off := range []int64{1 << 10, 2 << 10, 4 << 10, 8 << 10} {
		b := d.at(off, 512)
		if b == nil || string(b[:6]) != "OCFSV2" {
			continue
		}
		return &Plain{ID: ID{UUID: uuidString(b[0x150:0x160]), Label: label(b[0x110:0x150])}, Type: "ocfs2"}, nil
	}
	return nil, nil
}

func findOCFS(d *device) (Signature, error) {
	b := d.at(8<<10, 1024)
	if b == nil || string(b[8:17]) != "OracleCFS" {
		return nil, nil
	}
	n := min(int(le.Uint16(b[512+112:])), 64)
	return &Plain{
		ID:   ID{UUID: uuidString(b[512+114 : 512+130]), Label: label(b[512+48 : 512+48+n])},
		Type: "ocfs",
	}, nil
}

// findMinix tries both byte orders (kernel: include/linux/minix_fs.h; the
// magics are in include/uapi/linux/magic.h).
func findMinix(d *device) (Signature, error) {
	b := d.at(1024, 64)
	if b == nil || le.Uint16(b[56:]) == extMagic {
		return nil, nil // parts of ext2 can look like Minix
	}
	for _, order := range []binary.ByteOrder{le, be} {
		m := minix{order: order}
		if m.parse(b) && m.sane() {
			return &Plain{Type: "minix", Version: fmt.Sprint(m.version), Dirty: m.dirty}, nil
		}
	}
	return nil, nil
}

type minix struct {
	order                              binary.ByteOrder
	version                            int
	zones, inodes, imaps, zmaps, first uint64
	logZone                            uint16
	dirty                              bool // of versions 1 and 2
}

func (m *minix) parse(b []byte) bool {
	u16 := func(off int) uint64 { return uint64(m.order.Uint16(b[off:])) }
	u32 := func(off int) uint64 { return uint64(m.order.Uint32(b[off:])) }
	m.inodes, m.imaps, m.zmaps, m.first = u16(0), u16(4), u16(6), u16(8)
	m.logZone = m.order.Uint16(b[10:])
	m.dirty = u16(18)&1 == 0 // s_state, MINIX_VALID_FS
	switch m.order.Uint16(b[16:]) {
	case 0x137f, 0x138f:
		m.version, m.zones = 1, u16(2)
		return u16(18)&^3 == 0
	case 0x2468, 0x2478:
		m.version, m.zones = 2, u32(20)
		return u16(18)&^3 == 0
	}
	if m.order.Uint16(b[24:]) != 0x4d5a {
		return false
	}
	m.dirty = false // version 3 has no such field
	m.version, m.inodes, m.imaps, m.zmaps, m.first = 3, u32(0), u16(6), u16(8), u16(10)
	m.logZone, m.zones = m.order.Uint16(b[12:]), u32(20)
	return true
}

// sane does fsck.minix's checks; a magic of two bytes proves little.
func (m *minix) sane() bool {
	const bits = 1024 * 8
	return m.logZone == 0 && m.inodes != 0 && m.inodes != 1<<32-1 &&
		m.imaps*bits >= m.inodes+1 && m.first <= m.zones && m.zmaps*bits >= m.zones-m.first+1
}

// ufsMagics are those of UFS2, UFS and its variants (kernel: fs/ufs/ufs_fs.h).
var ufsMagics = []uint32{0x19540119, 0x00011954, 0x00195612, 0x00095014, 0x00612195, 0x05231994}

func findUFS(d *device) (Signature, error) { return ufsAt(d, 0, 8<<10, 64<<10) }

func findUFSFar(d *device) (Signature, error) { return ufsAt(d, 256<<10) }

func ufsAt(d *device, offsets ...int64) (Signature, error) {
	for _, off := range offsets {
		b := d.at(off, 1376)
		if b == nil {
			continue
		}
		for _, order := range []binary.ByteOrder{le, be} {
			for _, magic := range ufsMagics {
				if order.Uint32(b[1372:]) == magic {
					return ufs(b, order, magic), nil
				}
			}
		}
	}
	return nil, nil
}

func ufs(b []byte, order binary.ByteOrder, magic uint32) *Plain {
	p := &Plain{Type: "ufs", Version: "1"}
	if magic == ufsMagics[0] {
		p.Version = "2"
		p.Label = label(b[680:712])
	}
	if id := b[144:152]; !allZero(id) {
		p.UUID = fmt.Sprintf("%08x%08x", order.Uint32(id), order.Uint32(id[4:]))
	}
	return p
}

func findSysV(d *device) (Signature, error) {
	for _, block := range []int64{0, 9, 15, 18} {
		b := d.at(block*1024+512, 512)
		if b == nil {
			continue
		}
		if m := b[504:508]; le.Uint32(m) == 0xfd187e20 || be.Uint32(m) == 0xfd187e20 {
			return &Plain{ID: ID{Label: label(b[440:446])}, Type: "sysv"}, nil
		}
	}
	return nil, nil
}

func findHPFS(d *device) (Signature, error) {
	b := d.at(0x2000, 1024)
	if b == nil || string(b[:4]) != "\x49\xe8\x95\xf9" || string(b[512:516]) != "\x49\x18\x91\xf9" {
		return nil, nil
	}
	p := &Plain{Type: "hpfs", Version: fmt.Sprint(b[8])}
	boot := d.at(0, 512)
	if boot != nil && boot[510] == 0x55 && boot[511] == 0xaa && boot[38] == 0x28 && strings.HasPrefix(string(boot[54:]), "HPFS") {
		p.ID = ID{UUID: serial(boot[39:]), Label: label(boot[43:54])}
	}
	return p, nil
}

func findAPFS(d *device) (Signature, error) {
	b := d.at(0, 128)
	if b == nil || string(b[32:36]) != "NXSB" || le.Uint16(b[24:]) != 1 || le.Uint32(b[28:]) != 0 || le.Uint32(b[36:]) != 4096 {
		return nil, nil
	}
	return &Plain{ID: ID{UUID: uuidString(b[72:88])}, Type: "apfs"}, nil
}
