package machine

import (
	"bytes"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"slices"
	"sync"

	"salvor/internal/secret"
)

// keys remembers the secrets that programs were given, or wrote, by digest only, so
// that they do not get into the recording where they were read from: a crypttab's
// key file, a piece of a device.
//
// A key of fewer bytes than minPart is found only where it is all that was read: it
// may be a word of any text.
type keys struct {
	mu   sync.Mutex
	base uint64
	sums map[int]map[uint64][][sha256.Size]byte // by length and rolling hash
}

const minPart = 8

func (k *keys) add(s *secret.Secret) { k.addFrom(s.Reader()) }

func (k *keys) addBytes(b []byte) { k.addFrom(bytes.NewReader(bytes.TrimRight(b, "\n"))) }

func (k *keys) addFrom(r io.Reader) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.sums == nil {
		// Odd, and not known beforehand: nobody can make texts that collide.
		k.base, k.sums = rand.Uint64()|1, map[int]map[uint64][][sha256.Size]byte{}
	}
	h, rolling, length := sha256.New(), uint64(0), 0
	var buf [512]byte
	defer clear(buf[:])
	for {
		n, err := r.Read(buf[:]) // from memory: it ends, and cannot fail
		h.Write(buf[:n])
		for _, c := range buf[:n] {
			rolling = rolling*k.base + uint64(c)
		}
		if length += n; err != nil {
			break
		}
	}
	sum := [sha256.Size]byte(h.Sum(nil))
	if length == 0 || slices.Contains(k.sums[length][rolling], sum) {
		return
	}
	if k.sums[length] == nil {
		k.sums[length] = map[uint64][][sha256.Size]byte{}
	}
	k.sums[length][rolling] = append(k.sums[length][rolling], sum)
}

// hide gives data with a marker in the place of every key, and how many there were.
func (k *keys) hide(data []byte) ([]byte, int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	found := 0
	for length, sums := range k.sums {
		whole := len(bytes.TrimRight(data, "\n"))
		if length < minPart && length != len(data) && length != whole {
			continue
		}
		for _, at := range k.find(data, length, sums) {
			if found == 0 {
				data = slices.Clone(data)
			}
			found++
			copy(data[at:], blank(data[at:at+length]))
		}
	}
	return data, found
}

// find gives the places of keys of one length, by Rabin and Karp's way.
func (k *keys) find(data []byte, length int, sums map[uint64][][sha256.Size]byte) []int {
	if length > len(data) {
		return nil
	}
	var out []int
	rolling, power := uint64(0), uint64(1) // power is base^length
	for range length {
		power *= k.base
	}
	for i, c := range data {
		rolling = rolling*k.base + uint64(c)
		if i >= length {
			rolling -= power * uint64(data[i-length])
		}
		if start := i + 1 - length; start >= 0 && len(sums[rolling]) > 0 && slices.Contains(sums[rolling], sha256.Sum256(data[start:i+1])) {
			out = append(out, start)
		}
	}
	return out
}
