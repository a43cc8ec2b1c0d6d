// Package secret holds passphrases and keys in a type that cannot be printed,
// logged, marshalled or put on a command line by accident.
//
// A Secret is the bytes that open an encrypted container. It is read by the
// caller once, handed on by pointer, given to a program on its standard input
// only, and wiped when it is no longer needed. The package does not ask for
// secrets and does not know what they open.
package secret

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// MaxKey is the largest key that is taken, in bytes: cryptsetup's default limit
// for key files (cryptsetup(8), --keyfile-size).
const MaxKey = 8192 * 1024

// Hidden is what every attempt to show a Secret gives.
const Hidden = "(secret)"

// Secret is a passphrase or a key. The zero Secret is empty.
type Secret struct {
	bytes []byte
}

// New makes a Secret that owns b: the caller must not use b again.
func New(b []byte) *Secret { return &Secret{bytes: b} }

// Read takes all of r as the Secret, at most MaxKey bytes.
func Read(r io.Reader) (*Secret, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxKey+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read the key: %w", err)
	}
	if len(b) > MaxKey {
		clear(b)
		return nil, errors.New("cannot use the key: it is longer than 8 MiB")
	}
	return New(b), nil
}

// Len is the number of bytes.
func (s *Secret) Len() int { return len(s.bytes) }

// Equal reports whether both hold the same bytes.
func (s *Secret) Equal(t *Secret) bool { return bytes.Equal(s.bytes, t.bytes) }

// Reader gives the bytes to a program's standard input.
func (s *Secret) Reader() io.Reader { return bytes.NewReader(s.bytes) }

// Clone gives a copy with a life of its own.
func (s *Secret) Clone() *Secret { return New(bytes.Clone(s.bytes)) }

// Wipe overwrites the bytes. The Secret is empty afterwards.
func (s *Secret) Wipe() {
	clear(s.bytes)
	s.bytes = nil
}

// String hides the secret from fmt.
func (s *Secret) String() string { return Hidden }

// GoString hides the secret from %#v.
func (s *Secret) GoString() string { return Hidden }

// Format hides the secret from every other verb, %x among them.
func (s *Secret) Format(f fmt.State, _ rune) { io.WriteString(f, Hidden) }

// MarshalText hides the secret from encoders.
func (s *Secret) MarshalText() ([]byte, error) { return []byte(Hidden), nil }
