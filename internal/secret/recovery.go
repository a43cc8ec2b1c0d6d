package secret

import "bytes"

// A systemd recovery key is 256 bits in eight groups of eight letters, with hyphens
// between the groups. The letters are those that lie alike on most keyboards, one for
// four bits (systemd, src/shared/recovery-key.h and recovery-key.c). What opens the
// volume is the text in small letters with its hyphens.
const (
	modhex       = "cbdefghijklnrtuv"
	recoveryLen  = 64
	recoveryPart = 8
)

// A BitLocker recovery password is eight groups of six digits; cryptsetup takes it
// with hyphens between them only (cryptsetup, lib/bitlk/bitlk.c, get_recovery_key).
const (
	bitlockerLen  = 48
	bitlockerPart = 6
)

// Recovery gives a recovery key of systemd as it has to be given, when s is one that
// was typed in another way: in capitals, without hyphens or with blanks for them.
// Else it gives nil.
func (s *Secret) Recovery() *Secret {
	return s.grouped(recoveryLen, recoveryPart, func(c byte) (byte, bool) {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		return c, bytes.IndexByte([]byte(modhex), c) >= 0
	})
}

// BitLockerRecovery does the same for a recovery password of BitLocker.
func (s *Secret) BitLockerRecovery() *Secret {
	return s.grouped(bitlockerLen, bitlockerPart, func(c byte) (byte, bool) {
		return c, c >= '0' && c <= '9'
	})
}

// grouped gives the characters of s in groups, when there are as many as there have
// to be, all are allowed, and the result is not s itself.
func (s *Secret) grouped(length, group int, allowed func(byte) (byte, bool)) *Secret {
	if len(s.bytes) > 2*length {
		return nil
	}
	out, count := make([]byte, 0, 2*length), 0
	for _, c := range s.bytes {
		if c == '-' || c == ' ' {
			continue
		}
		c, ok := allowed(c)
		if !ok || count == length {
			clear(out)
			return nil
		}
		if count > 0 && count%group == 0 {
			out = append(out, '-')
		}
		out, count = append(out, c), count+1
	}
	if r := New(out); count == length && !r.Equal(s) {
		return r
	}
	clear(out)
	return nil
}
