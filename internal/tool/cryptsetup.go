package tool

import (
	"strconv"

	"salvor/internal/machine"
)

// Crypt is an encrypted container that is to be opened.
type Crypt struct {
	Format   string // luks1, luks2, bitlk, tcrypt or plain
	Device   string
	Name     string // device-mapper name, as people write it: libcryptsetup mangles it
	ReadOnly bool
	Header   string // file with the header, "" when it is on the device
	KeySlot  *int   // the only one to be tried
	// KeyFile: what comes on standard input is the content of a key file, not a
	// passphrase. Only plain makes a difference: it does not hash a key file.
	KeyFile bool
	Plain   Plain  // for the format plain only
	TCrypt  TCrypt // for the format tcrypt only
}

// Plain is what a plain mapping has no header for. All of it has to be known: a
// wrong value opens without an error, onto noise.
type Plain struct {
	Cipher       string
	KeyBits      int
	Hash         string
	Offset, Skip uint64 // in sectors of 512 bytes
	SectorSize   int
}

// TCrypt is what a TrueCrypt or VeraCrypt container does not say of itself. The
// key files are read besides the passphrase.
type TCrypt struct {
	Hidden, System bool
	PIM            uint64
	KeyFiles       []string
}

// OpenCrypt asks for the container to be opened with the key that the caller puts
// on standard input, byte for byte and without a newline at its end.
//
// With "--key-file -" cryptsetup takes standard input to its end and strips
// nothing; it hashes what it gets there for plain, and takes it for the passphrase
// of a tcrypt, which key files on the command line are mixed into
// (cryptsetup-open(8), "NOTES ON PASSPHRASE PROCESSING"; cryptsetup 2.6,
// src/cryptsetup.c, action_open_plain and tcrypt_load).
//
// One try only, since standard input can be read once; and --batch-mode, so that
// no question is asked that nobody would see.
func OpenCrypt(c Crypt) machine.Cmd {
	args := append([]string{"open", "--type", cryptType(c.Format), "--batch-mode", "--tries", "1"}, c.options()...)
	return c.command(append(args, "--key-file", "-"))
}

// OpenCryptByEmpty asks for the container to be opened with the empty passphrase.
// cryptsetup refuses to read nothing at all; without a key file a line's end will do
// (cryptsetup 2.6.1, crypt_keyfile_device_read).
func OpenCryptByEmpty(c Crypt) machine.Cmd {
	return c.command(append([]string{"open", "--type", cryptType(c.Format), "--batch-mode", "--tries", "1"}, c.options()...))
}

// OpenCryptByToken asks for the container to be opened by a token of its LUKS2
// header (TPM2, FIDO2, PKCS#11…) and never by a passphrase. It has no key; the
// PIN of a token comes on standard input.
func OpenCryptByToken(c Crypt) machine.Cmd {
	c.KeySlot = nil // the token says which slots are its own
	return c.command(append([]string{"open", "--type", cryptType(c.Format), "--batch-mode", "--token-only"}, c.options()...))
}

// AskCrypt is OpenCrypt for a person at a terminal: cryptsetup asks for the
// passphrase itself.
func AskCrypt(c Crypt) machine.Cmd {
	return c.command(append([]string{"open", "--type", cryptType(c.Format)}, c.options()...))
}

func (c Crypt) command(args []string) machine.Cmd {
	return machine.Cmd{Program: "cryptsetup", Args: append(args, "--", c.Device, c.Name)}
}

func cryptType(format string) string {
	if format == "luks1" || format == "luks2" {
		return "luks"
	}
	return format
}

func (c Crypt) options() []string {
	var out []string
	switch c.Format {
	case "tcrypt":
		out = c.TCrypt.options()
	case "plain":
		out = c.Plain.options(c.KeyFile)
	}
	if c.Header != "" {
		out = append(out, "--header", c.Header)
	}
	if c.KeySlot != nil {
		out = append(out, "--key-slot", strconv.Itoa(*c.KeySlot))
	}
	if c.ReadOnly {
		out = append(out, "--readonly")
	}
	return out
}

func (p Plain) options(keyFile bool) []string {
	hash := p.Hash
	if keyFile {
		hash = "plain" // not hashed at all
	}
	out := []string{"--cipher", p.Cipher, "--key-size", strconv.Itoa(p.KeyBits), "--hash", hash}
	for _, o := range []struct {
		name  string
		value uint64
	}{{"--offset", p.Offset}, {"--skip", p.Skip}, {"--sector-size", uint64(p.SectorSize)}} {
		if o.value > 0 && (o.name != "--sector-size" || o.value != 512) {
			out = append(out, o.name, strconv.FormatUint(o.value, 10))
		}
	}
	return out
}

func (t TCrypt) options() []string {
	out := []string{"--veracrypt"} // needed up to cryptsetup 2.3 for VeraCrypt's headers, ignored since
	if t.Hidden {
		out = append(out, "--tcrypt-hidden")
	}
	if t.System {
		out = append(out, "--tcrypt-system")
	}
	if t.PIM > 0 {
		out = append(out, "--veracrypt-pim", strconv.FormatUint(t.PIM, 10))
	}
	for _, f := range t.KeyFiles {
		out = append(out, "--key-file", f)
	}
	return out
}

// CloseCrypt asks for a container to be closed, now or not at all: a deferred
// close would succeed although it is in use, and happen behind everybody's back.
func CloseCrypt(name string) machine.Cmd {
	return machine.Cmd{Program: "cryptsetup", Args: []string{"close", "--", name}}
}

// cryptsetupSays: the exit codes of cryptsetup(8) are errno values folded into
// five (cryptsetup 2.6, src/utils_tools.c, translate_errno): 1 is EINVAL, ENOENT,
// ENOSYS and all others, 2 EPERM, 3 ENOMEM, 4 ENODEV and ENOTBLK, 5 EEXIST and
// EBUSY. Libcryptsetup gives EPERM from opening only when no keyslot fits.
var cryptsetupSays = []rule{
	{1, "Cannot read requested amount of data", ErrWrongKey}, // lib/utils.c, crypt_keyfile_device_read: the key is too short for plain
	{3, "", ErrNoMemory},                                    // "Not enough available memory to open a keyslot."
	{4, "", ErrNoDevice},                                    // "Device %s does not exist or access denied.", "Device %s is not active."
	{5, "already exists", ErrExists},                        // "Device %s already exists."
	{5, "", ErrBusy},                                        // "Cannot use device %s which is in use", "Device %s is still in use."
	{1, "requires PIN", ErrNeedsPIN},                        // src/utils_tools.c, tools_token_error_msg; so are the next
	{0, "could be unlocked with this PIN", ErrWrongPIN},     // "No token could be unlocked with this PIN."
	{1, "No usable token", ErrNoToken},                      // "No usable token is available.", "No usable token (type %s) is available."
	{1, "requires additional missing resource", ErrNoToken}, // "Token %i requires additional missing resource.": no chip, no key plugged in
	{0, "(wrong keyslot passphrase)", ErrNoToken},           // "Token %i cannot unlock assigned keyslot(s) (wrong keyslot passphrase)."
	{2, "", ErrWrongKey},                                    // "No key available with this passphrase.", "No device header detected with this passphrase."
	{1, "No usable keyslot is available", ErrWrongKey},      // lib/setup.c: the key slot that was named is empty
	{1, "is not a valid LUKS device", ErrBadContent},        // lib/luks1/keymanage.c; LUKS2 says the same
	{1, "is not a valid BITLK device", ErrBadContent},       // lib/bitlk/bitlk.c
	{1, "Cannot initialize device-mapper", ErrUnsupported},  // lib/libdevmapper.c: no dm_mod
	{1, "Check that kernel supports", ErrUnsupported},       // lib/luks1/keyencryption.c: the cipher is missing
	{1, "Cannot use a loopback device", ErrUnsupported},     // lib/utils_device.c
	{1, "running as non-root user", ErrPermission},          // lib/libdevmapper.c
}

// tokenSays: cryptsetup 2.6.1 ends with 1 and without a word when no token fits,
// in batch mode.
var tokenSays = []rule{{1, "", ErrNoToken}}
