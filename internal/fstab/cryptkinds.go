package fstab

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// Format tells what kind of container the options say the volume is: "luks",
// "plain", "tcrypt", "bitlk", "fvault2", or "" where they leave it to the
// device. Of several words the last one holds, as for systemd
// (src/cryptsetup/cryptsetup.c, parse_one_option), and some options imply one.
//
// A container without any of these words is opened as LUKS; where there is no
// LUKS header systemd 252 gives up, and 219 opened it as plain.
func (e CryptEntry) Format() string {
	format := ""
	for _, opt := range e.Options {
		switch opt.Name {
		case "luks", "key-slot", "keyslot":
			format = "luks"
		case "header":
			if format != "tcrypt" {
				format = "luks"
			}
		case "plain", "swap", "tmp":
			format = "plain"
		case "tcrypt", "tcrypt-hidden", "tcrypthidden", "tcrypt-system", "tcrypt-veracrypt", "tcryptveracrypt",
			"veracrypt", "tcrypt-keyfile":
			format = "tcrypt"
		case "bitlk", "fvault2":
			format = opt.Name
		}
	}
	return format
}

// Header tells where a detached header is: at path on the system's own file
// systems, at path on the file system on device, or, if path is "", the header
// is device itself.
func (e CryptEntry) Header() (path string, device Spec, ok bool) {
	v, ok := e.Options.Get("header")
	if !ok || v == "" {
		return "", Spec{}, false
	}
	// A header that is named by a tag is refused by systemd, which wants a path.
	if whole := ParseSpec(v); whole.Kind != File && isDevice(whole) {
		return "", whole, true
	}
	path, device = splitKey(strings.ReplaceAll(v, `\,`, ","))
	return path, device, true
}

// KeySlot returns the only key slot that is to be tried. A slot that is no
// number is ignored, as by systemd.
func (e CryptEntry) KeySlot() (slot int, ok bool) {
	for _, opt := range e.Options {
		if opt.Name == "key-slot" || opt.Name == "keyslot" {
			if n, good := number(opt.Value); good && n <= 1<<31-1 {
				slot, ok = int(n), true
			}
		}
	}
	return slot, ok
}

// KeyOffset is the number of bytes to skip at the start of the key file.
func (e CryptEntry) KeyOffset() uint64 {
	return e.Options.lastNumber("keyfile-offset", 0)
}

// KeySize is the number of bytes to read from the key file, 0 for all. In the
// plain format it is the size of the key, whatever keyfile-size= says.
func (e CryptEntry) KeySize() uint64 {
	if e.Format() == "plain" {
		return uint64(e.Plain().KeyBits / 8)
	}
	return e.Options.lastNumber("keyfile-size", 0)
}

// Plain is how a container without a header is encrypted.
type Plain struct {
	Cipher     string // as cryptsetup(8) takes it
	Hash       string // of the passphrase; "plain" where the key is used as it is
	KeyBits    int
	Offset     uint64 // where the data begins, in 512-byte sectors
	Skip       uint64 // what is added to a sector's number for its IV
	SectorSize int    // in bytes
}

// Plain reads the options of a container in the plain format. What they do not
// say is as every systemd that was read has it, up to the one that brought
// fixate-volume-key=, and cryptsetup up to 2.6, Debian 12's, as compiled in
// (cryptsetup --help): aes-cbc-essiv:sha256, 256 bits, ripemd160. cryptsetup 2.7
// changed its own to aes-xts-plain64 and sha256 (its merge request 543), so a
// crypttab that relies on defaults is noted as a Disagreement.
//
// A key file is not hashed, unless the options name a hash; so has systemd
// (src/cryptsetup/cryptsetup.c, attach_luks_or_plain_or_bitlk).
func (e CryptEntry) Plain() Plain {
	p := Plain{
		Cipher: "aes-cbc-essiv:sha256", Hash: "ripemd160", KeyBits: 256, SectorSize: 512,
		Offset: e.Options.lastNumber("offset", 0), Skip: e.Options.lastNumber("skip", 0),
	}
	if v, ok := e.Options.Get("cipher"); ok && v != "" {
		p.Cipher = v
	}
	if v, ok := e.Options.Get("hash"); ok && v != "" {
		p.Hash = v
	} else if e.KeyFile != "" {
		p.Hash = "plain"
	}
	if n := e.Options.lastNumber("size", 0); n > 0 && n%8 == 0 && n <= maxKeyBits {
		p.KeyBits = int(n)
	}
	if n := e.Options.lastNumber("sector-size", 0); n >= 512 && n <= 4096 && n%2 == 0 {
		p.SectorSize = int(n)
	}
	return p
}

// maxKeyBits is beyond any key that the kernel takes, and keeps the arithmetic
// of callers far from overflow.
const maxKeyBits = 1 << 20

// TCrypt is how a TrueCrypt or VeraCrypt container is to be opened.
type TCrypt struct {
	Hidden    bool // the hidden volume
	System    bool // a system partition: the header lies outside of it
	VeraCrypt bool
	PIM       uint64   // VeraCrypt's iteration multiplier, 0 for its default
	KeyFiles  []string // besides the passphrase, which is the first line of KeyFile
}

// TCrypt reads the options of a container in the tcrypt format.
func (e CryptEntry) TCrypt() TCrypt {
	t := TCrypt{PIM: e.Options.lastNumber("veracrypt-pim", 0)}
	for _, opt := range e.Options {
		switch opt.Name {
		case "tcrypt-hidden", "tcrypthidden":
			t.Hidden = true
		case "tcrypt-system":
			t.System = true
		case "tcrypt-veracrypt", "tcryptveracrypt", "veracrypt":
			t.VeraCrypt = true
		case "tcrypt-keyfile":
			if path.IsAbs(opt.Value) { // systemd ignores others
				t.KeyFiles = append(t.KeyFiles, opt.Value)
			}
		}
	}
	return t
}

// Tokens names the kinds of token that the options ask for, in the order in
// which systemd tries them: "tpm2", "fido2", "pkcs11". What the header itself
// says of tokens is not known here.
func (e CryptEntry) Tokens() []string {
	var kinds []string
	for _, token := range []struct{ kind, options string }{
		{"tpm2", "tpm2-device"}, {"fido2", "fido2-device fido2-cid"}, {"pkcs11", "pkcs11-uri"},
	} {
		if slices.ContainsFunc(strings.Fields(token.options), func(name string) bool {
			v, ok := e.Options.Get(name)
			return ok && v != ""
		}) {
			kinds = append(kinds, token.kind)
		}
	}
	return kinds
}

// KeyScript returns the program that prints the key, in Debian's crypttab; the
// third column, KeyFile, is then an argument for it and need not be a file.
// systemd knows no such programs.
func (e CryptEntry) KeyScript() (program string, ok bool) {
	v, ok := e.Options.Get("keyscript")
	return v, ok && v != ""
}

// PassDev returns the key file that Debian's keyscript=passdev reads: the third
// column is DEVICE:PATH[:TIMEOUT] (README.initramfs of cryptsetup).
func (e CryptEntry) PassDev() (file string, device Spec, ok bool) {
	script, scripted := e.KeyScript()
	name, rest, found := strings.Cut(e.KeyFile, ":")
	file, _, _ = strings.Cut(rest, ":")
	if device = plainSpec(name); !scripted || path.Base(script) != "passdev" || !found || file == "" || !isDevice(device) {
		return "", Spec{}, false
	}
	return cleanPath(file), device, true
}

// TriesEmptyPassword tells whether the empty passphrase is to be tried before
// anyone is asked.
func (e CryptEntry) TriesEmptyPassword() bool {
	return e.Options.flag("try-empty-password")
}

// IsReadOnly tells whether the volume is to be opened read-only.
func (e CryptEntry) IsReadOnly() bool {
	return e.Options.Has("read-only") || e.Options.Has("readonly")
}

// InInitrd tells whether the volume is to be opened before the root is mounted:
// x-initrd.attach of systemd, initramfs of Debian's scripts.
func (e CryptEntry) InInitrd() bool {
	return e.Options.Has("x-initrd.attach") || e.Options.Has("initramfs")
}

// isDevice tells whether a spec names a block device.
func isDevice(s Spec) bool {
	switch s.Kind {
	case Unset, Virtual, Network, File:
		return false
	}
	return true
}

// flag reads an option that is a boolean of systemd, and true without a value.
// Of several the last one holds.
func (o Options) flag(name string) bool {
	v, ok := o.Get(name)
	return ok && !isNo(v)
}

// lastNumber returns the value of an option. One that is no number is ignored,
// as by systemd.
func (o Options) lastNumber(name string, missing uint64) uint64 {
	for _, v := range o.All(name) {
		if n, ok := number(v); ok {
			missing = n
		}
	}
	return missing
}

// number reads a number as systemd does (src/basic/parse-util.c, safe_atou64):
// decimal, or with a prefix hexadecimal, octal or binary.
func number(s string) (uint64, bool) {
	if strings.Contains(s, "_") { // which Go allows
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimLeft(s, " \t"), "+"), 0, 64)
	return n, err == nil
}
