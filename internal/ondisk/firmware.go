package ondisk

import "fmt"

// FirmwareRAID is a member of an array that a controller's firmware made. Its
// metadata lies at the end of the disk, so the last partition shows it too:
// it means something on a whole disk only.
type FirmwareRAID struct {
	ID
	Kind    string // "isw_raid_member", "ddf_raid_member"…
	Version string
}

// Format implements Signature.
func (f *FirmwareRAID) Format() string { return f.Kind }

// fromEnd returns n bytes in the sector that is the given number of 512-byte
// sectors before the end.
func (d *device) fromEnd(sectors int64, n int) []byte {
	return d.at((d.size/512-sectors)*512, n)
}

const ddfMagic = 0xde11de11

// findDDF reads the anchor header (SNIA DDF 2.0, 4.4). Adaptec's firmware
// keeps a copy 256 sectors in front of the last one.
func findDDF(d *device) (Signature, error) {
	for _, sector := range []int64{1, 257} {
		b := d.fromEnd(sector, 512)
		if b == nil {
			continue
		}
		var order interface{ Uint64([]byte) uint64 }
		switch uint32(ddfMagic) {
		case be.Uint32(b):
			order = be
		case le.Uint32(b):
			order = le
		default:
			continue
		}
		// The primary header must be there, and begin alike.
		lba := order.Uint64(b[96:])
		if lba > 0 && lba < 1<<54 {
			p := d.at64(lba*512, 4)
			if p == nil || string(p) != string(b[:4]) {
				return nil, damaged("DDF: the primary header is missing", (d.size/512-sector)*512)
			}
		}
		return &FirmwareRAID{
			ID: ID{UUID: label(b[8:32])}, Kind: "ddf_raid_member", Version: cstring(b[32:40]),
		}, nil
	}
	return nil, nil
}

// findISW recognises Intel Matrix Storage (IMSM) (mdadm: super-intel.c).
func findISW(d *device) (Signature, error) {
	const magic = "Intel Raid ISM Cfg Sig. "
	sector := int64(d.sector)
	b := d.at((d.size/sector-2)*sector, 48)
	if b == nil || string(b[:len(magic)]) != magic {
		return nil, nil
	}
	return &FirmwareRAID{Kind: "isw_raid_member", Version: label(b[len(magic) : len(magic)+6])}, nil
}

func findLSI(d *device) (Signature, error) {
	return firmware("lsi_mega_raid_member", string(d.fromEnd(1, 6)) == "$XIDE$", "")
}

// findVIA checks the sum of the first 50 bytes, its magic being that of every
// boot sector.
func findVIA(d *device) (Signature, error) {
	b := d.fromEnd(1, 51)
	if b == nil || le.Uint16(b) != 0xaa55 || b[2] > 2 {
		return nil, nil
	}
	var sum byte
	for _, c := range b[:50] {
		sum += c
	}
	return firmware("via_raid_member", sum == b[50], fmt.Sprint(b[2]))
}

func findSilicon(d *device) (Signature, error) {
	b := d.fromEnd(1, 512)
	if b == nil || le.Uint32(b[0x60:]) != 0x2f000000 || b[0x116] >= 8 {
		return nil, nil
	}
	var sum uint16
	for i := 0; i < 0x13e; i += 2 {
		sum += le.Uint16(b[i:])
	}
	version := fmt.Sprintf("%d.%d", le.Uint16(b[0x10a:]), le.Uint16(b[0x108:]))
	return firmware("silicon_medley_raid_member", -sum == le.Uint16(b[0x13e:]), version)
}

func findNVIDIA(d *device) (Signature, error) {
	b := d.fromEnd(2, 18)
	if b == nil || string(b[:6]) != "NVIDIA" {
		return nil, nil
	}
	return firmware("nvidia_raid_member", true, fmt.Sprint(le.Uint16(b[16:])))
}

// promiseSectors is where Promise's firmware puts its metadata, counted from
// the end, by the geometry of the disk (dmraid: format/ataraid/pdc.h).
var (
	promiseSectors    = []int64{63, 255, 256, 16}
	promiseFarSectors = []int64{399, 591, 675, 735, 911, 974, 991, 951, 3087}
)

func findPromise(d *device) (Signature, error) { return promiseAt(d, promiseSectors) }

func findPromiseFar(d *device) (Signature, error) { return promiseAt(d, promiseFarSectors) }

func promiseAt(d *device, sectors []int64) (Signature, error) {
	const magic = "Promise Technology, Inc."
	for _, s := range sectors {
		if string(d.fromEnd(s, len(magic))) == magic {
			return firmware("promise_fasttrack_raid_member", true, "")
		}
	}
	return nil, nil
}

func findHPT45x(d *device) (Signature, error) {
	b := d.fromEnd(11, 4)
	return firmware("hpt45x_raid_member", b != nil && hptMagic(le.Uint32(b)), "")
}

// findHPT37x looks behind the first track, where the older controllers write.
func findHPT37x(d *device) (Signature, error) {
	b := d.at(9*512+32, 4)
	return firmware("hpt37x_raid_member", b != nil && hptMagic(le.Uint32(b)), "")
}

// hptMagic knows the marks of a healthy and of a broken array.
func hptMagic(m uint32) bool { return m == 0x5a7816f0 || m == 0x5a7816f3 || m == 0x5a7816fd }

func findAdaptec(d *device) (Signature, error) {
	b := d.fromEnd(1, 512)
	if b == nil || be.Uint32(b) != 0x37fc4d1e || be.Uint32(b[256:]) != 0x4450544d {
		return nil, nil
	}
	return firmware("adaptec_raid_member", true, fmt.Sprint(b[63]))
}

func findJMicron(d *device) (Signature, error) {
	b := d.fromEnd(1, 6)
	if b == nil || string(b[:2]) != "JM" {
		return nil, nil
	}
	return firmware("jmicron_raid_member", true, fmt.Sprintf("%d.%d", b[3], b[2]))
}

func firmware(kind string, is bool, version string) (Signature, error) {
	if !is {
		return nil, nil
	}
	return &FirmwareRAID{Kind: kind, Version: version}, nil
}
