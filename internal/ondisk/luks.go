package ondisk

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
)

// LUKS is the header of an encrypted container.
type LUKS struct {
	ID
	Version   int    // 1 or 2
	Subsystem string // LUKS2: the owner's mark
	// Cipher is in dm-crypt's notation, "aes-xts-plain64".
	Cipher  string
	KeySize int // bytes of the volume key, 0 when the header does not say
	// PayloadOffset is where the data begins, in bytes; 0 in a detached header.
	PayloadOffset uint64
	HeaderSize    uint64 // bytes of one copy of a LUKS2 header with its JSON, or of a LUKS1 header
	// Extent is how many bytes both copies of the header and the key slots take.
	Extent   uint64
	Keyslots []Keyslot
	Tokens   []Token
	// Requirements are features that an opener must know ("online-reencrypt").
	Requirements []string
	// Integrity is the algorithm of an authenticated container, "hmac(sha256)":
	// dm-integrity lies under its dm-crypt then.
	Integrity string
	// Opal: the disk itself encrypts the data, and is locked with a key from the
	// header ("hw-opal"), alone or under dm-crypt ("hw-opal-crypt").
	Opal bool
	// Secondary tells that the first copy of a LUKS2 header is lost, and the
	// second was read. cryptsetup repairs it when it opens the device.
	Secondary bool
	LUKSMade
}

// Format implements Signature.
func (*LUKS) Format() string { return "crypto_LUKS" }

// Keyslot is one key slot that is in use.
type Keyslot struct {
	ID   int
	Type string // "luks1", "luks2", "reencrypt"
	KDF  string // "pbkdf2", "argon2id", …
	KeyslotMade
}

// Token tells where a key may come from without a passphrase.
type Token struct {
	ID       int
	Type     string // "systemd-tpm2", "systemd-fido2", "clevis", "luks2-keyring"…
	Keyslots []int
	Details  []string // what it takes to make it again, a setting each
}

const (
	luksMagic     = "LUKS\xba\xbe"
	luksMagic2    = "SKUL\xba\xbe"
	luks1KeyOn    = 0x00ac71f3
	luks1Size     = 592
	luks1Sector   = 512
	luks2Binary   = 4096
	luks2Checksum = 448
)

// luks2Secondary are the offsets that the second header can have, one for
// each size that a header area can have (LUKS2 on-disk format 1.1, 2.2).
var luks2Secondary = []int64{
	0x4000, 0x8000, 0x10000, 0x20000, 0x40000, 0x80000, 0x100000, 0x200000, 0x400000,
}

// Detached tells a header whose data lie on another device: the data of one that
// is on its own device begin behind it.
func (l *LUKS) Detached() bool {
	return l.PayloadOffset == 0 && len(l.Keyslots) > 0 && !l.Reencrypting()
}

// Reencrypting: the data are being encrypted anew, or were when the work was cut
// short. Opening it goes on with that.
func (l *LUKS) Reencrypting() bool {
	return slices.ContainsFunc(l.Requirements, func(r string) bool { return strings.HasPrefix(r, "online-reencrypt") })
}

// ReadLUKS reads a header that is a file or the first thing on a device; nil is
// one that is no LUKS header.
func ReadLUKS(r io.ReaderAt, size int64) (*LUKS, error) {
	d, err := newDevice(r, size, defaultSector)
	if err != nil {
		return nil, err
	}
	sig, err := findLUKS(d)
	l, _ := sig.(*LUKS)
	return l, err
}

func findLUKS(d *device) (Signature, error) {
	b := d.at(0, luks1Size)
	if b == nil || string(b[:6]) != luksMagic {
		return nil, nil
	}
	switch version := be.Uint16(b[6:]); version {
	case 1:
		return parseLUKS1(b), nil
	case 2:
		return readLUKS2(d)
	default:
		return nil, damaged(fmt.Sprintf("LUKS: the version is %d", version), 0)
	}
}

// findLUKSSecondary looks for a LUKS2 whose first header was overwritten.
func findLUKSSecondary(d *device) (Signature, error) {
	for _, off := range luks2Secondary {
		if !d.has(off, luksMagic2) {
			continue
		}
		l, err := parseLUKS2(d, off)
		if l == nil {
			return nil, err
		}
		l.Secondary = true
		d.notef("the LUKS2 header at offset 0 is lost, the second one at offset %d was read", off)
		return l, err
	}
	return nil, nil
}

// parseLUKS1 reads the header (LUKS On-Disk Format Specification 1.2.3).
func parseLUKS1(b []byte) *LUKS {
	l := &LUKS{
		ID: ID{UUID: cstring(b[168:208])}, Version: 1, HeaderSize: luks1Size,
		Cipher:        cstring(b[8:40]) + "-" + cstring(b[40:72]),
		KeySize:       int(min(be.Uint32(b[108:]), 1<<20)),
		PayloadOffset: uint64(be.Uint32(b[104:])) * 512,
		LUKSMade:      LUKSMade{Hash: cstring(b[72:104]), SectorSize: luks1Sector},
	}
	for i := range 8 {
		slot := b[208+48*i:]
		if be.Uint32(slot) == luks1KeyOn {
			made := KeyslotMade{Hash: l.Hash, Iterations: uint64(be.Uint32(slot[4:]))}
			l.Keyslots = append(l.Keyslots, Keyslot{ID: i, Type: "luks1", KDF: "pbkdf2", KeyslotMade: made})
		}
		start, stripes := uint64(be.Uint32(slot[40:])), uint64(be.Uint32(slot[44:]))
		l.Extent = max(l.Extent, start*512+stripes*uint64(l.KeySize))
	}
	return l
}

// readLUKS2 reads the first header, or the second where the first is damaged.
func readLUKS2(d *device) (Signature, error) {
	l, err := parseLUKS2(d, 0)
	if err == nil {
		return l, nil
	}
	for _, off := range luks2Secondary {
		if !d.has(off, luksMagic2) {
			continue
		}
		if second, err2 := parseLUKS2(d, off); err2 == nil {
			second.Secondary = true
			return second, fmt.Errorf("the second header at offset %d was read: %w", off, err)
		}
	}
	if l == nil {
		return nil, err
	}
	return l, err
}

// parseLUKS2 reads one header with its JSON area (LUKS2 on-disk format 1.1).
// With an error it returns what the binary part says, if that is sane.
func parseLUKS2(d *device, off int64) (*LUKS, error) {
	b := d.at(off, luks2Binary)
	if b == nil {
		return nil, damaged("LUKS2: the header is cut off", off)
	}
	size := be.Uint64(b[8:])
	l := &LUKS{
		ID:      ID{UUID: cstring(b[168:208]), Label: label(b[24:72])},
		Version: int(be.Uint16(b[6:])), Subsystem: label(b[208:256]), HeaderSize: size,
	}
	switch {
	case l.Version != 2:
		return nil, damaged("LUKS2: the version is wrong", off)
	case be.Uint64(b[256:]) != uint64(off):
		return l, damaged("LUKS2: the header was copied from elsewhere", off)
	case size <= luks2Binary || size > maxRead || size&(luks2Binary-1) != 0:
		return l, damaged("LUKS2: the size is out of bounds", off)
	}
	whole := d.at(off, int(size))
	if whole == nil {
		return l, damaged("LUKS2: the JSON area cannot be read", off)
	}
	if err := l.parseJSON(whole[luks2Binary:]); err != nil {
		return l, damaged(fmt.Sprintf("LUKS2: the JSON area: %v", err), off)
	}
	return l, checkLUKS2(whole, off)
}

// checkLUKS2 verifies the checksum, which covers header and JSON area with
// the checksum's own field zero.
func checkLUKS2(whole []byte, off int64) error {
	var h hash.Hash
	switch name := cstring(whole[72:104]); name {
	case "sha256":
		h = sha256.New()
	case "sha512":
		h = sha512.New()
	default:
		return fmt.Errorf("cannot check the header at offset %d: its checksum is %q", off, name)
	}
	h.Write(whole[:luks2Checksum])
	h.Write(make([]byte, 64))
	h.Write(whole[luks2Checksum+64:])
	if sum := h.Sum(nil); !bytes.Equal(sum, whole[luks2Checksum:luks2Checksum+len(sum)]) {
		return damaged("LUKS2: the checksum is wrong", off)
	}
	return nil
}
