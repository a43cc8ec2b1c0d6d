package ondisk

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// MD is a member of a Linux software RAID array.
type MD struct {
	ID             // UUID is the array's, as mdadm prints it: xxxxxxxx:xxxxxxxx:xxxxxxxx:xxxxxxxx
	Version string // "0.90", "1.0", "1.1", "1.2"
	Name    string // without the host
	// Homehost is the host that made the array, from "host:name". 0.90 hides
	// it in the UUID, so it is "".
	Homehost  string
	Minor     int    // 0.90: the preferred number of /dev/mdN; else -1
	Level     string // "raid0", "raid1", "raid10", "linear", "container"…
	RaidDisks int
	Layout    uint32
	ChunkSize uint32 // bytes
	Role      Role
	Events    uint64
	// Updated is when the superblock was last written.
	Updated time.Time
	DevUUID string // of this member; 0.90 has none
	// DataOffset and DataSize are bytes; Size is what of each member is used.
	DataOffset, DataSize, Size uint64
	Reshaping                  bool
	Recovering                 bool // this member is being rebuilt
	Clean                      bool // else the array is active, or was not stopped
	Journal                    bool // the array has a write journal on a member
	Bitmap                     bool // a write-intent bitmap lies inside
	// BitmapStale tells that the bitmap does not know of the last changes, so that
	// the array has to be compared whole (kernel: drivers/md/md-bitmap.c).
	BitmapStale bool
	// PartialParity tells of a log of parity (PPL), which makes up for an array
	// that was not stopped.
	PartialParity bool
	// Roles are the roles of all members by their number in the array. A
	// number that no member has is RoleSpare, too.
	Roles []Role
	MDMade
}

// Format implements Signature.
func (*MD) Format() string { return "linux_raid_member" }

// Role is the place of a member in its array: a number from 0, or one of the
// names below.
type Role int

// The roles that are not a number.
const (
	RoleSpare   Role = -1
	RoleFaulty  Role = -2
	RoleJournal Role = -3
)

// String returns the role in mdadm's words.
func (r Role) String() string {
	switch r {
	case RoleSpare:
		return "spare"
	case RoleFaulty:
		return "faulty"
	case RoleJournal:
		return "journal"
	}
	return fmt.Sprintf("%d", int(r))
}

const (
	mdMagic    = 0xa92b4efc
	md090Size  = 4096
	md090Align = 64 << 10
	// md1Max is the largest 1.x superblock: 256 bytes and 1920 roles
	// (mdadm: super1.c, MAX_SB_SIZE).
	md1Max     = 4096
	md1MaxDevs = (md1Max - 256) / 2
)

// Feature bits (kernel: include/uapi/linux/raid/md_p.h, MD_FEATURE_*).
const (
	mdFeatureBitmap    = 1
	mdFeatureRecovery  = 2
	mdFeatureReshape   = 4
	mdFeatureReplace   = 16
	mdFeatureJournal   = 512
	mdFeaturePPL       = 2048 | 8192 // one, and several of them
	mdFeatureZones     = 4096        // RAID0_LAYOUT
	md1WriteMostly     = 1
	md1Failfast        = 2
	md090StateClean    = 1 << 0
	md090StateBitmap   = 1 << 8
	md090DiskFaulty    = 1 << 0
	md090DiskActive    = 1 << 1
	md090DiskMostly    = 1 << 9
	md090DiskFailfast  = 1 << 10
	md090DiskJournal   = 1 << 18
	md090RecoverNone   = 0xffffffff
	md1ResyncNone      = 1<<64 - 1
	md090MinorReshape  = 91
	md090MaxDisks      = 27
	md090ThisDisk      = 992 * 4
	md090Disks         = 128 * 4
	md090DiskSize      = 32 * 4
	md090ChecksumField = 38 * 4
	md1ChecksumField   = 216
)

// findMD looks at the four places, the oldest format first, as libblkid does.
func findMD(d *device) (Signature, error) {
	if d.size >= md090Align {
		off := d.size&^(md090Align-1) - md090Align
		m, err := parseMD090(d.at(off, md090Size), off)
		if m != nil && m.Bitmap {
			m.readBitmap(d.at(off+md090Size, 64)) // right behind it (drivers/md/md.c, super_90_validate)
		}
		if m != nil || err != nil {
			return signature(m), err
		}
	}
	for _, place := range []struct {
		version string
		off     int64
	}{
		// 8 KiB before the end, down to a multiple of 4 KiB (super1.c).
		{"1.0", (d.size - 8<<10) &^ (4<<10 - 1)},
		{"1.1", 0},
		{"1.2", 4 << 10},
	} {
		if place.off < 0 {
			continue
		}
		b := d.at(place.off, md1Max)
		m, err := parseMD1(b, place.version, place.off)
		if m != nil && m.Bitmap {
			// Sectors from the superblock, in either direction.
			m.readBitmap(d.at(place.off+int64(int32(le.Uint32(b[96:])))*512, 64))
		}
		if m != nil || err != nil {
			return signature(m), err
		}
	}
	return nil, nil
}

// signature keeps a nil *MD from becoming a Signature that is not nil.
func signature(m *MD) Signature {
	if m == nil {
		return nil
	}
	return m
}

func mdLevel(level int32) string {
	switch level {
	case 0, 1, 4, 5, 6, 10:
		return fmt.Sprintf("raid%d", level)
	case -1:
		return "linear"
	case -4:
		return "multipath"
	case -5:
		return "faulty"
	case -100:
		return "container" // LEVEL_CONTAINER, mdadm.h
	}
	return fmt.Sprintf("level %d", level)
}

// mdUUID is a group of four 32-bit words.
func mdUUID(words ...uint32) string {
	return fmt.Sprintf("%08x:%08x:%08x:%08x", words[0], words[1], words[2], words[3])
}

// parseMD1 reads a 1.x superblock (md_p.h, struct mdp_superblock_1).
func parseMD1(b []byte, version string, off int64) (*MD, error) {
	if b == nil || le.Uint32(b) != mdMagic || le.Uint32(b[4:]) != 1 || le.Uint64(b[144:]) != uint64(off)/512 {
		return nil, nil
	}
	features := le.Uint32(b[8:])
	m := &MD{
		ID:      ID{UUID: mdUUID(be.Uint32(b[16:]), be.Uint32(b[20:]), be.Uint32(b[24:]), be.Uint32(b[28:]))},
		Version: version, Minor: -1, Level: mdLevel(int32(le.Uint32(b[72:]))),
		RaidDisks: int(le.Uint32(b[92:])), Layout: le.Uint32(b[76:]), ChunkSize: le.Uint32(b[88:]) * 512,
		Events: le.Uint64(b[200:]), DevUUID: mdUUID(be.Uint32(b[168:]), be.Uint32(b[172:]), be.Uint32(b[176:]), be.Uint32(b[180:])),
		Updated:    md1Time(le.Uint64(b[192:])),
		DataOffset: le.Uint64(b[128:]) * 512, DataSize: le.Uint64(b[136:]) * 512, Size: le.Uint64(b[80:]) * 512,
		Reshaping: features&mdFeatureReshape != 0, Recovering: features&mdFeatureRecovery != 0,
		Journal: features&mdFeatureJournal != 0, Bitmap: features&mdFeatureBitmap != 0,
		PartialParity: features&mdFeaturePPL != 0,
		Clean:         le.Uint64(b[208:]) == md1ResyncNone,
		MDMade: MDMade{
			WriteMostly: b[184]&md1WriteMostly != 0, Failfast: b[184]&md1Failfast != 0,
			StripZones: features&mdFeatureZones != 0,
		},
	}
	m.setName(cstring(b[32:64]))
	devs := le.Uint32(b[220:])
	if devs > md1MaxDevs {
		return m, damaged("MD: the number of members is out of bounds", off)
	}
	m.setRoles(b[256:256+2*devs], le.Uint32(b[160:]))
	if md1Checksum(b[:256+2*devs]) != le.Uint32(b[md1ChecksumField:]) {
		return m, damaged("MD: the checksum is wrong", off)
	}
	return m, nil
}

// md1Time reads a time, whose upper 24 bits are microseconds. It is zero for
// one that RFC 3339, and with it JSON, cannot write.
func md1Time(t uint64) time.Time {
	const year10000 = 253402300800
	if t &= 1<<40 - 1; t >= year10000 {
		return time.Time{}
	}
	return time.Unix(int64(t), 0).UTC()
}

// setName splits "host:name".
func (m *MD) setName(full string) {
	m.Label = full
	m.Name = full
	if host, name, ok := strings.Cut(full, ":"); ok {
		m.Homehost, m.Name = host, name
	}
}

func (m *MD) setRoles(table []byte, self uint32) {
	for i := 0; i < len(table); i += 2 {
		m.Roles = append(m.Roles, md1Role(le.Uint16(table[i:])))
	}
	m.Role = RoleSpare
	if uint64(self) < uint64(len(m.Roles)) {
		m.Role = m.Roles[self]
	}
	for len(m.Roles) > 0 && m.Roles[len(m.Roles)-1] == RoleSpare && len(m.Roles) > m.RaidDisks {
		m.Roles = m.Roles[:len(m.Roles)-1] // unused slots are marked as spare, too
	}
}

func md1Role(r uint16) Role {
	switch r {
	case 0xffff:
		return RoleSpare
	case 0xfffe:
		return RoleFaulty
	case 0xfffd:
		return RoleJournal
	}
	return Role(r)
}

// md1Checksum adds all words, but the checksum's own, and folds the carry.
func md1Checksum(b []byte) uint32 {
	var sum uint64
	for i := 0; i+4 <= len(b); i += 4 {
		if i != md1ChecksumField {
			sum += uint64(le.Uint32(b[i:]))
		}
	}
	if len(b)%4 == 2 {
		sum += uint64(le.Uint16(b[len(b)-2:]))
	}
	return uint32(sum) + uint32(sum>>32)
}

// parseMD090 reads a 0.90 superblock, which is an array of words in the byte
// order of the machine that made it (md_p.h, mdp_super_t).
func parseMD090(b []byte, off int64) (*MD, error) {
	if b == nil {
		return nil, nil
	}
	var order binary.ByteOrder = le
	if be.Uint32(b) == mdMagic {
		order = be
	}
	word := func(n int) uint32 { return order.Uint32(b[4*n:]) }
	minor := word(2)
	if word(0) != mdMagic || word(1) != 0 || (minor != 90 && minor != md090MinorReshape) {
		return nil, nil
	}
	m := &MD{
		ID:      ID{UUID: mdUUID(word(5), word(13), word(14), word(15))},
		Version: "0.90", Minor: int(word(11)), Level: mdLevel(int32(word(7))),
		RaidDisks: int(word(10)), Layout: word(64), ChunkSize: word(65),
		Updated:  time.Unix(int64(word(32)), 0).UTC(),
		DataSize: uint64(off), Size: uint64(word(8)) << 10,
		Reshaping: minor == md090MinorReshape, Bitmap: word(33)&md090StateBitmap != 0,
		Clean: word(33)&md090StateClean != 0,
	}
	lo, hi := 39, 40
	if order == binary.ByteOrder(be) {
		lo, hi = hi, lo
	}
	m.Events = uint64(word(hi))<<32 | uint64(word(lo))
	m.setRoles090(b, order)
	if md090Checksum(b, order) != word(38) {
		return m, damaged("MD: the checksum is wrong", off)
	}
	return m, nil
}

func (m *MD) setRoles090(b []byte, order binary.ByteOrder) {
	role := func(at int) Role {
		state := order.Uint32(b[at+16:])
		switch {
		case state&md090DiskFaulty != 0:
			return RoleFaulty
		case state&md090DiskJournal != 0:
			return RoleJournal
		case state&md090DiskActive != 0:
			return Role(order.Uint32(b[at+12:]) & 0xffff)
		}
		return RoleSpare
	}
	m.Role = role(md090ThisDisk)
	state := order.Uint32(b[md090ThisDisk+16:])
	m.WriteMostly, m.Failfast = state&md090DiskMostly != 0, state&md090DiskFailfast != 0
	disks := min(int(order.Uint32(b[9*4:])), md090MaxDisks)
	for i := range disks {
		m.Roles = append(m.Roles, role(md090Disks+i*md090DiskSize))
	}
}

func md090Checksum(b []byte, order binary.ByteOrder) uint32 {
	var sum uint64
	for i := 0; i+4 <= len(b); i += 4 {
		if i != md090ChecksumField {
			sum += uint64(order.Uint32(b[i:]))
		}
	}
	return uint32(sum) + uint32(sum>>32)
}
