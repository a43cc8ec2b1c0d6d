package machine

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"sync"

	"salvor/internal/secret"
)

// errKey stands in a recording for what was a key.
var errKey = errors.New("it is a key, and keys are not recorded")

// keys remembers the secrets that programs were given, by digest only, so that
// the files they were read from (a crypttab's key file) do not get into the
// recording either. A file of which the key is only a part is not recognized.
type keys struct {
	mu   sync.Mutex
	sums map[[sha256.Size]byte]bool
}

func (k *keys) add(s *secret.Secret) {
	h := sha256.New()
	io.Copy(h, s.Reader()) // from memory into a hash: it cannot fail
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.sums == nil {
		k.sums = map[[sha256.Size]byte]bool{}
	}
	k.sums[[sha256.Size]byte(h.Sum(nil))] = true
}

// holds reports whether data is a key, with or without its line's end.
func (k *keys) holds(data []byte) bool {
	if len(data) == 0 {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.sums[sha256.Sum256(data)] || k.sums[sha256.Sum256(bytes.TrimRight(data, "\n"))]
}

// without gives the ledger with every key replaced by an error.
func (k *keys) without(l *ledger) *ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	clean := newLedger()
	for question, list := range l.answers {
		for _, a := range list {
			clean.answers[question] = append(clean.answers[question], k.withoutIn(a))
		}
	}
	return clean
}

func (k *keys) withoutIn(a *answer) *answer {
	if k.holds(a.Data) || k.holds(a.Content.all()) {
		return &answer{Error: record(errKey)}
	}
	if a.Tree == nil {
		return a
	}
	b := *a
	b.Tree = k.without(a.Tree)
	return &b
}
