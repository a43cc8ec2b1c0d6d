package ondisk

import "fmt"

// BitLocker is a volume encrypted by Windows, which cryptsetup can open.
type BitLocker struct {
	ID           // UUID is what libblkid makes of the boot sector, mostly ""
	GUID  string // of the volume, from its metadata
	Togo  bool   // "BitLocker To Go", on removable media
	Vista bool   // the first version, which cryptsetup cannot open
}

// Format implements Signature.
func (*BitLocker) Format() string { return "BitLocker" }

// The layout is described by libyal's libbde, "BitLocker Drive Encryption
// (BDE) format".
const (
	bitlockerMetadata = "-FVE-FS-"
	bitlockerWin7     = "\xeb\x58\x90-FVE-FS-"
	bitlockerVista    = "\xeb\x52\x90-FVE-FS-"
	bitlockerTogo     = "\xeb\x58\x90MSWIN4.1"
)

func isBitLocker(d *device) bool {
	sig, _ := findBitLocker(d)
	return sig != nil
}

func findBitLocker(d *device) (Signature, error) {
	b := d.at(0, 512)
	if b == nil {
		return nil, nil
	}
	l := &BitLocker{}
	var metadata uint64
	switch string(b[:11]) {
	case bitlockerVista:
		l.Vista = true
		return l, nil
	case bitlockerWin7:
		metadata = le.Uint64(b[176:])
		if n := le.Uint32(b[67:]); n != 0 {
			l.UUID = fmt.Sprintf("%016d", n)
		}
	case bitlockerTogo:
		metadata = le.Uint64(b[440:])
		l.Togo = true
	default:
		return nil, nil
	}
	// "To Go" shares its first bytes with old FATs; the metadata decides. Its
	// block header has 64 bytes, the volume's GUID is 16 bytes behind.
	m := d.at64(metadata, 112)
	if metadata == 0 || m == nil || string(m[:8]) != bitlockerMetadata {
		if l.Togo {
			return nil, nil
		}
		return nil, damaged("BitLocker: the metadata is missing", int64(metadata&(1<<62-1)))
	}
	l.GUID = guidString(m[80:96])
	return l, nil
}
