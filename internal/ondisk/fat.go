package ondisk

import (
	"slices"
	"strings"
)

// FAT is a FAT file system.
type FAT struct {
	ID          // UUID is the volume number, "XXXX-XXXX"; Label is from the root directory
	Width       int
	BootLabel   string // the label in the boot sector, which few programs keep up to date
	Size        uint64
	SectorSize  int
	ClusterSize int
	Dirty       bool // was not unmounted
	FATMade
}

// Format implements Signature.
func (*FAT) Format() string { return "vfat" }

// Microsoft, "FAT: General Overview of On-Disk Format" 1.03, gives the
// boundaries as 4085 and 65525 clusters; Linux and libblkid allow a few more.
const (
	fat12Max      = 0xff4
	fat16Max      = 0xfff4
	fat32Max      = 0x0ffffff6
	fatEntrySize  = 32
	fatMaxChain   = 100 // clusters of the root directory
	fatMaxCluster = 256 << 10
)

// fatGeometry is what of a boot sector is needed to find the root directory.
type fatGeometry struct {
	sector, cluster, reserved, rootEntries int
	clusters                               uint32
	fatSectors                             uint64 // of all copies together
	sectors                                uint64
	fat32                                  bool
	fatLength                              uint64 // of one copy
}

// fatNames stand in the boot sector of most FATs; without one, only the jump
// or the signature of the sector speaks for it.
var fatNames = map[int][]string{
	0x52: {"MSWIN", "FAT32   "},
	0x36: {"MSDOS", "FAT16   ", "FAT12   ", "FAT     "},
}

func fatNamed(b []byte) bool {
	for off, names := range fatNames {
		for _, name := range names {
			if strings.HasPrefix(string(b[off:off+8]), name) {
				return true
			}
		}
	}
	return false
}

// notFAT are file systems that imitate a FAT boot sector for OS/2.
var notFAT = []string{"JFS     ", "HPFS    "}

func findFAT(d *device) (Signature, error) {
	b := d.at(0, 512)
	if b == nil {
		return nil, nil
	}
	g, ok := parseFAT(b)
	if !ok || isBitLocker(d) {
		return nil, nil
	}
	if g.fat32 && !validFSInfo(d, b, g) {
		return nil, nil
	}
	f := &FAT{SectorSize: g.sector, ClusterSize: g.cluster, Size: g.sectors * uint64(g.sector), FATMade: parseFATMade(b, g)}
	at := 0x24 // the extended boot record, which FAT32 moved back
	switch {
	case g.fat32:
		f.Width, at = 32, 0x40
	case g.clusters < fat12Max:
		f.Width = 12
	default:
		f.Width = 16
	}
	if sign := b[at+2]; sign == 0x28 || sign == 0x29 || g.fat32 {
		f.UUID = serial(b[at+3:])
		f.Dirty = b[at+1]&1 != 0
		if boot := label(b[at+7 : at+18]); sign == 0x29 && boot != "NO NAME" {
			f.BootLabel = boot
		}
	}
	if g.fat32 {
		f.Label = fat32Label(d, b, g)
		f.setFree(d, b, g)
	} else {
		start := (int64(g.reserved) + int64(g.fatSectors)) * int64(g.sector)
		f.Label, _ = fatLabel(d.at(start, g.rootEntries*fatEntrySize))
	}
	return f, nil
}

func parseFAT(b []byte) (g fatGeometry, ok bool) {
	if !fatNamed(b) {
		jump := b[0] == 0xeb || b[0] == 0xe9
		signed := b[510] == 0x55 && b[511] == 0xaa
		if !signed || (!jump && b[0] != 0) || slices.Contains(notFAT, string(b[0x36:0x3e])) {
			return g, false
		}
	}
	g.sector, g.reserved, g.rootEntries = int(le.Uint16(b[0xb:])), int(le.Uint16(b[0xe:])), int(le.Uint16(b[0x11:]))
	perCluster, fats, media := b[0xd], b[0x10], b[0x15]
	if fats == 0 || g.reserved == 0 || (media < 0xf8 && media != 0xf0) || !powerOfTwo(perCluster) ||
		g.sector < 512 || g.sector > 4096 || !powerOfTwo(uint16(g.sector)) {
		return g, false
	}
	g.cluster = g.sector * int(perCluster)
	if g.sectors = uint64(le.Uint16(b[0x13:])); g.sectors == 0 {
		g.sectors = uint64(le.Uint32(b[0x20:]))
	}
	if g.fatLength = uint64(le.Uint16(b[0x16:])); g.fatLength == 0 {
		g.fatLength = uint64(le.Uint32(b[0x24:]))
		g.fat32 = true
	}
	g.fatSectors = g.fatLength * uint64(fats)
	rootSectors := (uint64(g.rootEntries)*fatEntrySize + uint64(g.sector) - 1) / uint64(g.sector)
	overhead := uint64(g.reserved) + g.fatSectors + rootSectors
	if g.fatLength == 0 || overhead > g.sectors {
		return g, false
	}
	g.clusters = uint32((g.sectors - overhead) / uint64(perCluster))
	limit := uint32(fat16Max)
	if g.fat32 {
		limit = fat32Max
	}
	return g, g.clusters <= limit
}

// validFSInfo checks the sector that FAT32 keeps its free count in. Some
// systems leave its signatures zero.
func validFSInfo(d *device, b []byte, g fatGeometry) bool {
	sector := int64(le.Uint16(b[0x30:]))
	if sector == 0 {
		return true
	}
	info := d.at(sector*int64(g.sector), 512)
	if info == nil {
		return false
	}
	first, second := string(info[:4]), string(info[484:488])
	const zero = "\x00\x00\x00\x00"
	return (first == "RRaA" || first == "RRdA" || first == zero) && (second == "rrAa" || second == zero)
}

// fat32Label walks the chain of the root directory for the label.
func fat32Label(d *device, b []byte, g fatGeometry) string {
	cluster := uint64(le.Uint32(b[0x2c:]))
	if g.cluster > fatMaxCluster {
		return ""
	}
	for range fatMaxChain {
		if cluster < 2 || cluster >= g.fatLength*uint64(g.sector)/4 {
			return ""
		}
		start := (uint64(g.reserved)+g.fatSectors)*uint64(g.sector) + (cluster-2)*uint64(g.cluster)
		name, end := fatLabel(d.at64(start, g.cluster))
		if name != "" || end {
			return name
		}
		next := d.at64(uint64(g.reserved)*uint64(g.sector)+cluster*4, 4)
		if next == nil {
			return ""
		}
		cluster = uint64(le.Uint32(next) & 0x0fffffff)
	}
	return ""
}

// fatLabel finds the label among directory entries, and tells whether they
// are the last.
func fatLabel(dir []byte) (name string, end bool) {
	const (
		free     = 0xe5
		volume   = 0x08
		isDir    = 0x10
		longName = 0x0f
		attrMask = 0x3f
	)
	if dir == nil {
		return "", true
	}
	for ; len(dir) >= fatEntrySize; dir = dir[fatEntrySize:] {
		if dir[0] == 0 {
			return "", true
		}
		attr := dir[11]
		hasData := le.Uint16(dir[20:]) != 0 || le.Uint16(dir[26:]) != 0
		if dir[0] == free || hasData || attr&attrMask == longName || attr&(volume|isDir) != volume {
			continue
		}
		raw := slices.Clone(dir[:11])
		if raw[0] == 5 { // stands for 0xe5, which means free
			raw[0] = free
		}
		return label(raw), true
	}
	return "", false
}
