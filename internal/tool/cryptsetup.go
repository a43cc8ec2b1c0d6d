package tool

import "salvor/internal/machine"

// Crypt is an encrypted container that is to be opened.
type Crypt struct {
	Format   string // luks1, luks2, bitlk, tcrypt or plain
	Device   string
	Name     string // device-mapper name, as people write it: libcryptsetup mangles it
	ReadOnly bool
	// KeyFile: what comes on standard input is the content of a key file, not a
	// passphrase. LUKS and BitLocker make no difference between the two.
	KeyFile bool
	Plain   Plain // for the format plain only
}

// Plain is what a plain mapping has no header for. All of it has to be known: a
// wrong value opens without an error, onto noise.
type Plain struct {
	Cipher  string
	KeyBits string
	Hash    string
}

// OpenCrypt asks for the container to be opened with the key that the caller puts
// on standard input, byte for byte and without a newline at its end.
//
// With "--key-file -" cryptsetup takes standard input to its end and strips
// nothing (cryptsetup-open(8), "NOTES ON PASSPHRASE PROCESSING"). The formats
// plain and tcrypt treat a key file unlike a passphrase (plain does not hash it,
// tcrypt mixes it into the passphrase), so a passphrase of theirs goes without
// the option; it is read to the first newline then.
//
// One try only, since standard input can be read once; and --batch-mode, so that
// no question is asked that nobody would see.
func OpenCrypt(c Crypt) machine.Cmd {
	args := append([]string{"open", "--type", cryptType(c.Format), "--batch-mode", "--tries", "1"}, c.options()...)
	if c.KeyFile || c.Format != "plain" && c.Format != "tcrypt" {
		args = append(args, "--key-file", "-")
	}
	return machine.Cmd{Program: "cryptsetup", Args: append(args, "--", c.Device, c.Name)}
}

// OpenCryptByToken asks for the container to be opened by a token of its LUKS2
// header (TPM2, FIDO2, Clevis…) and never by a passphrase. It has no key.
func OpenCryptByToken(c Crypt) machine.Cmd {
	args := append([]string{"open", "--type", cryptType(c.Format), "--batch-mode", "--token-only"}, c.options()...)
	return machine.Cmd{Program: "cryptsetup", Args: append(args, "--", c.Device, c.Name)}
}

// AskCrypt is OpenCrypt for a person at a terminal: cryptsetup asks for the
// passphrase itself.
func AskCrypt(c Crypt) machine.Cmd {
	args := append([]string{"open", "--type", cryptType(c.Format)}, c.options()...)
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
		// Needed up to cryptsetup 2.3 for VeraCrypt's headers, ignored since.
		out = append(out, "--veracrypt")
	case "plain":
		out = append(out, "--cipher", c.Plain.Cipher, "--key-size", c.Plain.KeyBits, "--hash", c.Plain.Hash)
	}
	if c.ReadOnly {
		out = append(out, "--readonly")
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
	{2, "", ErrWrongKey},                                   // "No key available with this passphrase."
	{3, "", ErrNoMemory},                                   // "Not enough available memory to open a keyslot."
	{4, "", ErrNoDevice},                                   // "Device %s does not exist or access denied.", "Device %s is not active."
	{5, "already exists", ErrExists},                       // "Device %s already exists."
	{5, "", ErrBusy},                                       // "Cannot use device %s which is in use", "Device %s is still in use."
	{1, "No usable token is available", ErrNoToken},        // src/cryptsetup.c, action_open_luks
	{1, "is not a valid LUKS device", ErrBadContent},       // lib/luks1/keymanage.c; LUKS2 says the same
	{1, "is not a valid BITLK device", ErrBadContent},      // lib/bitlk/bitlk.c
	{1, "Cannot initialize device-mapper", ErrUnsupported}, // lib/libdevmapper.c: no dm_mod
	{1, "Check that kernel supports", ErrUnsupported},      // lib/luks1/keyencryption.c: the cipher is missing
	{1, "Cannot use a loopback device", ErrUnsupported},    // lib/utils_device.c
	{1, "running as non-root user", ErrPermission},         // lib/libdevmapper.c
}

// tokenSays: cryptsetup 2.6.1 ends with 1 and without a word when no token fits,
// in batch mode.
var tokenSays = []rule{{1, "", ErrNoToken}}
