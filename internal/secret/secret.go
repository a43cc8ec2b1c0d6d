// Package secret holds passphrases and keys in a type that cannot be printed,
// logged, marshalled or put on a command line by accident.
//
// A Secret is the bytes that open an encrypted container. It is read by the
// caller once, handed on by pointer, given to a program on its standard input
// or through a pipe only, and wiped when it is no longer needed. Reading one leaves
// no copy behind. A recovery key is a passphrase that was made to be written on
// paper; how people type it is put right here. The package does not ask for
// secrets, does not know what they open, and does not keep memory from being
// swapped: that is machine.GuardMemory.
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
func Read(r io.Reader) (*Secret, error) { return read(r, func([]byte) bool { return false }) }

// ReadLine takes the first line of r without its end, as cryptsetup(8) takes a
// passphrase on its standard input. It may have read more than that.
func ReadLine(r io.Reader) (*Secret, error) {
	s, err := read(r, func(b []byte) bool { return bytes.IndexByte(b, '\n') >= 0 })
	if err != nil {
		return nil, err
	}
	return s.line(), nil
}

// read reads until the end, or until enough says so of what came last. A buffer
// that has become too small is wiped.
func read(r io.Reader, enough func(piece []byte) bool) (*Secret, error) {
	b := make([]byte, 0, 4096)
	for {
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case len(b) > MaxKey:
			clear(b)
			return nil, errors.New("cannot use the key: it is longer than 8 MiB")
		case err == io.EOF, err == nil && enough(b[len(b)-n:]):
			return New(b), nil
		case err != nil:
			clear(b)
			return nil, fmt.Errorf("cannot read the key: %w", err)
		case len(b) == cap(b):
			larger := append(make([]byte, 0, 2*cap(b)), b...)
			clear(b)
			b = larger
		}
	}
}

// Line gives a copy of the first line, without its end.
func (s *Secret) Line() *Secret { return s.Clone().line() }

// line cuts s after its first line, and wipes the rest.
func (s *Secret) line() *Secret {
	if end := bytes.IndexByte(s.bytes, '\n'); end >= 0 {
		clear(s.bytes[end:])
		s.bytes = s.bytes[:end]
	}
	return s
}

// Cut gives a copy of the first n bytes, or of all when there are fewer.
func (s *Secret) Cut(n int) *Secret { return New(bytes.Clone(s.bytes[:min(n, len(s.bytes))])) }

// Len is the number of bytes.
func (s *Secret) Len() int { return len(s.bytes) }

// Equal reports whether both hold the same bytes.
func (s *Secret) Equal(t *Secret) bool { return bytes.Equal(s.bytes, t.bytes) }

// Reader gives the bytes to a program's standard input. It is an io.WriterTo, so
// that they go there without a buffer in between.
func (s *Secret) Reader() io.Reader { return bytes.NewReader(s.bytes) }

// WriteTo writes the bytes out of the memory that they are in.
func (s *Secret) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(s.bytes)
	return int64(n), err
}

// Clone gives a copy with a life of its own.
func (s *Secret) Clone() *Secret { return New(bytes.Clone(s.bytes)) }

// Wipe overwrites the bytes. The Secret is empty afterwards.
func (s *Secret) Wipe() {
	clear(s.bytes[:cap(s.bytes)])
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
