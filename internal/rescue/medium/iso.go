package medium

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// What ISO 9660 is: ECMA-119, whose sections are named below. No extension is needed: the
// names of a medium fit, and all readers take them in either case.
const (
	block          = 2048
	isoDescriptors = 16 // block of the first volume descriptor (6.2.1)
	isoCatalog     = isoDescriptors + 3
	isoTables      = isoCatalog + 1
)

// isoFile is a file of the ISO 9660 tree, which lies somewhere else in the image.
type isoFile struct {
	path string
	extent
}

// iso is an ISO 9660 file system that is worked out.
type iso struct {
	files  []isoFile
	dirs   []*node // level by level, as the path table has them
	at     map[*node]extent
	tables [2]extent // the path table in little-endian and in big-endian
	end    int64
}

// newISO works out where the directories go.
func newISO(files []isoFile) (*iso, error) {
	var t tree
	for _, f := range files {
		t.put(f.path, nil)
	}
	top, err := t.hierarchy()
	if err != nil {
		return nil, err
	}
	v := &iso{files: files, dirs: top.directories(), at: map[*node]extent{}, end: isoTables * block}
	size := int64(len(v.pathTable(binary.LittleEndian)))
	for i := range v.tables {
		v.tables[i] = v.take(size)
	}
	for _, d := range v.dirs {
		v.at[d] = v.take(up(int64(len(v.directory(d))), block))
	}
	return v, nil
}

func (v *iso) take(size int64) extent {
	e := extent{v.end, size}
	v.end += up(size, block)
	return e
}

// pieces are the file system's structures; size is that of the whole image.
func (v *iso) pieces(label string, size int64, catalog []byte) mosaic {
	m := mosaic{
		{isoDescriptors * block, blob(v.primary(label, size))},
		{(isoDescriptors + 1) * block, blob(bootRecord())},
		{(isoDescriptors + 2) * block, blob([]byte("\xffCD001\x01"))}, // 8.3
		{isoCatalog * block, blob(catalog)},
		{v.tables[0].at, blob(v.pathTable(binary.LittleEndian))},
		{v.tables[1].at, blob(v.pathTable(binary.BigEndian))},
	}
	for _, d := range v.dirs {
		m = append(m, piece{v.at[d].at, blob(v.directory(d))})
	}
	return m
}

// primary is the primary volume descriptor (8.4).
func (v *iso) primary(label string, size int64) []byte {
	b := make([]byte, block)
	copy(b, "\x01CD001\x01")
	copy(b[8:], fmt.Sprintf("%-32s%-32s", "", isoLabel(label)))
	both32(b[80:], size/block)
	both16(b[120:], 1) // the set is of one volume
	both16(b[124:], 1)
	both16(b[128:], block)
	both32(b[132:], v.tables[0].size)
	binary.LittleEndian.PutUint32(b[140:], uint32(v.tables[0].at/block))
	binary.BigEndian.PutUint32(b[148:], uint32(v.tables[1].at/block))
	copy(b[156:], isoRecord("\x00", v.at[v.dirs[0]], true))
	copy(b[190:], fmt.Sprintf("%-512s%-111s", "", ""))
	copy(b[574:], "SALVOR")
	for _, date := range []int{813, 830, 847, 864} {
		copy(b[date:], "0000000000000000\x00") // not specified (8.4.26.1)
	}
	b[881] = 1
	return b
}

// pathTable lists the directories (6.9, 9.4).
func (v *iso) pathTable(order binary.ByteOrder) []byte {
	var b []byte
	for _, d := range v.dirs {
		name := isoName(d)
		e := make([]byte, 8, 8+len(name)+1)
		e[0] = byte(len(name))
		order.PutUint32(e[2:], uint32(v.at[d].at/block))
		order.PutUint16(e[6:], uint16(slices.Index(v.dirs, d.parent)+1))
		e = append(e, name...)
		if len(name)%2 == 1 {
			e = append(e, 0)
		}
		b = append(b, e...)
	}
	return b
}

// directory is the content of a directory (6.8, 9.1). No record goes over the end of a block.
func (v *iso) directory(d *node) []byte {
	b := append(isoRecord("\x00", v.at[d], true), isoRecord("\x01", v.at[d.parent], true)...)
	for _, c := range isoOrder(d.children) {
		where := v.at[c]
		if !c.isDir() {
			where = v.files[c.file].extent
		}
		r := isoRecord(isoName(c), where, c.isDir())
		if len(b)%block+len(r) > block {
			b = append(b, make([]byte, block-len(b)%block)...)
		}
		b = append(b, r...)
	}
	return b
}

// isoOrder sorts by name, as bytes, with a blank after the shorter one (9.3).
func isoOrder(children []*node) []*node {
	children = slices.Clone(children)
	slices.SortStableFunc(children, func(a, b *node) int {
		key := func(n *node) string { return strings.ReplaceAll(strings.TrimSuffix(isoName(n), ";1"), ".", " ") }
		return strings.Compare(key(a), key(b))
	})
	return children
}

// isoRecord is a record of a directory (9.1), without a date.
func isoRecord(name string, e extent, isDir bool) []byte {
	b := make([]byte, 33, 34+len(name))
	both32(b[2:], e.at/block)
	both32(b[10:], e.size)
	if isDir {
		b[25] = 2
	}
	both16(b[28:], 1)
	b[32] = byte(len(name))
	b = append(b, name...)
	if len(b)%2 == 1 {
		b = append(b, 0)
	}
	b[0] = byte(len(b))
	return b
}

// isoName is the name of a file or directory as it is recorded (7.5, 7.6).
func isoName(n *node) string {
	switch upper := strings.ToUpper(n.name); {
	case n.parent == n:
		return "\x00"
	case n.isDir():
		return upper
	case strings.Contains(upper, "."):
		return upper + ";1"
	default:
		return upper + ".;1"
	}
}

var notInISOLabel = regexp.MustCompile(`[^A-Z0-9_]`)

func isoLabel(label string) string {
	letters := notInISOLabel.ReplaceAllString(strings.ToUpper(label), "_")
	return letters[:min(len(letters), 32)]
}

func both16(b []byte, n int64) {
	binary.LittleEndian.PutUint16(b, uint16(n))
	binary.BigEndian.PutUint16(b[2:], uint16(n))
}

func both32(b []byte, n int64) {
	binary.LittleEndian.PutUint32(b, uint32(n))
	binary.BigEndian.PutUint32(b[4:], uint32(n))
}

// bootRecord leads to the boot catalog ("El Torito" Bootable CD-ROM Format 1.0, figure 7).
func bootRecord() []byte {
	b := make([]byte, block)
	copy(b, "\x00CD001\x01EL TORITO SPECIFICATION")
	binary.LittleEndian.PutUint32(b[71:], isoCatalog)
	return b
}

// The platforms of El Torito; that of UEFI: UEFI 2.10, 13.3.2.1.
const (
	platformBIOS = 0
	platformUEFI = 0xef
)

// bootCatalog tells firmware what to start: a program for the BIOS, if there is one that lies
// at bios, and the file system for UEFI.
func bootCatalog(bios, esp int64) []byte {
	platform, first := byte(platformUEFI), bootEntry(esp, 0)
	if bios > 0 {
		platform, first = platformBIOS, bootEntry(bios, 4)
	}
	validation := make([]byte, 32)
	validation[0], validation[1] = 1, platform
	copy(validation[4:], "SALVOR")
	validation[30], validation[31] = 0x55, 0xaa
	var sum uint16
	for i := 0; i < len(validation); i += 2 {
		sum += binary.LittleEndian.Uint16(validation[i:])
	}
	binary.LittleEndian.PutUint16(validation[28:], -sum)
	catalog := append(validation, first...)
	if bios > 0 {
		header := make([]byte, 32)
		header[0], header[1], header[2] = 0x91, platformUEFI, 1
		catalog = append(append(catalog, header...), bootEntry(esp, 0)...)
	}
	return catalog
}

// bootEntry is an entry without emulation. UEFI takes 0 sectors as "up to the end of the
// medium": the field has 16 bits, which is too little for a file system (UEFI 2.10, 13.3.2.1).
func bootEntry(at int64, sectors uint16) []byte {
	b := make([]byte, 32)
	b[0] = 0x88
	binary.LittleEndian.PutUint16(b[6:], sectors)
	binary.LittleEndian.PutUint32(b[8:], uint32(at/block))
	return b
}

// bootInfo is where a BIOS loader on a CD looks for where it lies itself: 56 bytes from
// offset 8 (mkisofs(8), -boot-info-table).
func bootInfo(loader []byte, at int64) ([]byte, error) {
	if len(loader) < 64 {
		return nil, errors.New("cannot use the BIOS boot loader: it is too short")
	}
	loader = bytes.Clone(loader)
	le := binary.LittleEndian
	var sum uint32
	for i := 64; i < len(loader); i += 4 {
		var word [4]byte
		copy(word[:], loader[i:])
		sum += le.Uint32(word[:])
	}
	clear(loader[8:64])
	le.PutUint32(loader[8:], isoDescriptors)
	le.PutUint32(loader[12:], uint32(at/block))
	le.PutUint32(loader[16:], uint32(len(loader)))
	le.PutUint32(loader[20:], sum)
	return loader, nil
}
