package ondisk

import (
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"strings"
)

// Plain is a signature of which no more is known than its identity.
type Plain struct {
	ID
	Type    string // as libblkid names it: "f2fs", "jfs", "squashfs", "vdo"…
	Version string
	// Dirty tells that a file system is mounted, or was not unmounted. Only some
	// formats say so: f2fs, jfs, reiserfs, nilfs2, minix 1 and 2.
	Dirty bool
	// BlockSize and SectorSize are bytes, 0 where the format does not say.
	BlockSize, SectorSize uint32
}

// Format implements Signature.
func (p *Plain) Format() string { return p.Type }

// magicAt is where a magic number stands on the device.
type magicAt struct {
	off   int64
	magic string
}

// span is a field of a header; without length it is not there.
type span struct{ off, n int64 }

// plainFormat describes a format that is known by its magic alone.
type plainFormat struct {
	format string
	magics []magicAt
	uuid   int64 // absolute offset of 16 bytes; 0 for none
	label  span  // absolute
}

// plainFormats are named in the table of recognisers. The offsets are those
// of the kernel's headers, or of the projects named.
var plainFormats = []plainFormat{
	{format: "ceph_bluestore", magics: []magicAt{{0, "bluestore block device"}}},
	{format: "DM_snapshot_cow", magics: []magicAt{{0, "SnAp"}}},
	{format: "drbdproxy_datalog", magics: []magicAt{{0, "DRBDdlh*"}}, uuid: 16},
	{format: "vdo", magics: []magicAt{{0, "dmvdo001"}}, uuid: 40},
	{format: "reiser4", magics: []magicAt{{64 << 10, "ReIsEr4"}}, uuid: 64<<10 + 20, label: span{64<<10 + 36, 16}},
	{format: "ReFS", magics: []magicAt{{0, "\x00\x00\x00ReFS\x00"}}},
	{format: "cramfs", magics: []magicAt{{0, "\x45\x3d\xcd\x28"}, {0, "\x28\xcd\x3d\x45"}}, label: span{48, 16}},
	{format: "romfs", magics: []magicAt{{0, "-rom1fs-"}}, label: span{16, 16}},
	{format: "oracleasm", magics: []magicAt{{32, "ORCLDISK"}}, label: span{40, 24}},
	{format: "vxfs", magics: []magicAt{{1024, "\xf5\xfc\x01\xa5"}, {8192, "\xa5\x01\xfc\xf5"}}},
	{format: "nss", magics: []magicAt{{4096, "SPB5"}}, uuid: 4096 + 348},
	{format: "ubifs", magics: []magicAt{{0, "\x31\x18\x10\x06"}}, uuid: 108},
	{format: "bfs", magics: []magicAt{{0, "\xce\xfa\xad\x1b"}}},
	{format: "zonefs", magics: []magicAt{{0, "SFOZ"}}, uuid: 40, label: span{8, 32}},
	{format: "erofs", magics: []magicAt{{1024, "\xe2\xe1\xf5\xe0"}}, uuid: 1024 + 48, label: span{1024 + 64, 16}},
	{format: "exfs", magics: []magicAt{{0, "EXFS"}}, uuid: 32, label: span{108, 12}},
	{format: "xenix", magics: []magicAt{{2040, "\x2b\x55\x44"}, {2040, "\x44\x55\x2b"}}, label: span{1024 + 632, 6}},
}

// plain makes the recogniser of a format of the list above.
func plain(format string) func(*device) (Signature, error) {
	for i := range plainFormats {
		if plainFormats[i].format == format {
			return plainFormats[i].find
		}
	}
	panic("internal error: no plain format " + format)
}

func (f *plainFormat) find(d *device) (Signature, error) {
	for _, m := range f.magics {
		if !d.has(m.off, m.magic) {
			continue
		}
		p := &Plain{Type: f.format}
		if b := d.at(f.uuid, 16); f.uuid != 0 && b != nil {
			p.UUID = uuidString(b)
		}
		if b := d.at(f.label.off, int(f.label.n)); b != nil {
			p.Label = label(b)
		}
		return p, nil
	}
	return nil, nil
}

// findDRBD reads the internal metadata at the end of the device
// (drbd-headers: linux/drbd_meta_data.h).
func findDRBD(d *device) (Signature, error) {
	const (
		unclean84 = 0x8374026c
		version08 = 0x8374026b
		version09 = 0x8374026d
	)
	b := d.at(d.size-4096, 128)
	if b == nil || d.size < 64<<10 {
		return nil, nil
	}
	p := &Plain{Type: "drbd", Version: "v08"}
	device := b[40:48]
	switch be.Uint32(b[60:]) {
	case version08, unclean84:
	case version09:
		p.Version, device = "v09", b[48:56]
	default:
		return nil, nil
	}
	if !allZero(device) {
		p.UUID = fmt.Sprintf("%x", be.Uint64(device))
	}
	return p, nil
}

func findDRBDManage(d *device) (Signature, error) {
	b := d.at(0, 44)
	if b == nil || string(b[:10]) != "$DRBDmgr=q" || b[43] != '\n' || d.size < 64<<10 {
		return nil, nil
	}
	if _, err := hex.DecodeString(string(b[11:43])); err != nil {
		return nil, nil
	}
	return &Plain{ID: ID{UUID: string(b[11:43])}, Type: "drbdmanage_control_volume"}, nil
}

func findLVM1(d *device) (Signature, error) {
	b := d.at(0, 172)
	if b == nil || string(b[:2]) != "HM" || (b[2] != 1 && b[2] != 2) || b[3] != 0 {
		return nil, nil
	}
	return &Plain{ID: ID{UUID: lvmUUID(b[44:])}, Type: "LVM1_member", Version: fmt.Sprint(b[2])}, nil
}

// findVerity reads a hash device (cryptsetup: lib/verity/verity.c).
func findVerity(d *device) (Signature, error) {
	b := d.at(0, 512)
	if b == nil || string(b[:8]) != "verity\x00\x00" || le.Uint32(b[8:]) != 1 {
		return nil, nil
	}
	return &Plain{ID: ID{UUID: uuidString(b[16:32])}, Type: "DM_verity_hash", Version: "1"}, nil
}

func findIntegrity(d *device) (Signature, error) {
	b := d.at(0, 512)
	if b == nil || string(b[:8]) != "integrt\x00" || b[8] == 0 {
		return nil, nil
	}
	return &Plain{Type: "DM_integrity", Version: fmt.Sprint(b[8])}, nil
}

// findUBI takes the image sequence number, in decimal, for an identity.
func findUBI(d *device) (Signature, error) {
	b := d.at(0, 64)
	if b == nil || string(b[:4]) != "UBI#" {
		return nil, nil
	}
	p := &Plain{Type: "ubi", Version: fmt.Sprint(b[4])}
	if n := be.Uint32(b[24:]); n != 0 {
		p.UUID = fmt.Sprint(n)
	}
	return p, nil
}

// findStratis reads one of the two copies of the static header
// (stratisd: src/engine/strat_engine/metadata/static_header.rs).
func findStratis(d *device) (Signature, error) {
	const magic = "!Stra0tis\x86\xff\x02^\x41rh"
	for _, off := range []int64{512, 9 * 512} {
		b := d.at(off, 512)
		if b == nil || string(b[4:20]) != magic {
			continue
		}
		if crc32.Checksum(b[4:], castagnoli) != le.Uint32(b) {
			continue
		}
		return &Stratis{ID: ID{UUID: dashed(cstring(b[64:96]))}, PoolUUID: dashed(cstring(b[32:64]))}, nil
	}
	return nil, nil
}

// Stratis is a block device of a Stratis pool.
type Stratis struct {
	ID       // UUID is the device's
	PoolUUID string
}

// Format implements Signature.
func (*Stratis) Format() string { return "stratis" }

// dashed puts the dashes into a UUID that is stored without them.
func dashed(s string) string {
	if len(s) != 32 {
		return s
	}
	return strings.Join([]string{s[:8], s[8:12], s[12:16], s[16:20], s[20:]}, "-")
}

// vmfsUUID formats VMware's mixture of byte orders.
func vmfsUUID(b []byte) string {
	return fmt.Sprintf("%08x-%08x-%04x-%x", le.Uint32(b), le.Uint32(b[4:]), le.Uint16(b[8:]), b[10:16])
}

func findVMFSVolume(d *device) (Signature, error) {
	const off = 1 << 20
	b := d.at(off, 1024)
	if b == nil || string(b[:4]) != "\x0d\xd0\x01\xc0" {
		return nil, nil
	}
	return &Plain{
		ID:   ID{UUID: label(b[532:567])},
		Type: "VMFS_volume_member", Version: fmt.Sprint(le.Uint32(b[4:])),
	}, nil
}

func findVMFS(d *device) (Signature, error) {
	b := d.at(2<<20, 512)
	if b == nil || string(b[:4]) != "\x5e\xf1\xab\x2f" {
		return nil, nil
	}
	return &Plain{
		ID:   ID{UUID: vmfsUUID(b[9:25]), Label: label(b[29:157])},
		Type: "VMFS", Version: fmt.Sprint(b[8]),
	}, nil
}

func findMpool(d *device) (Signature, error) {
	b := d.at(0, 70)
	if b == nil || string(b[:8]) != "mpoolDev" || crc32.Checksum(b[:62], castagnoli) != le.Uint32(b[62:]) {
		return nil, nil
	}
	return &Plain{ID: ID{UUID: uuidString(b[40:56]), Label: label(b[8:40])}, Type: "mpool"}, nil
}
