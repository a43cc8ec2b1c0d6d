package ondisk

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// LUKSMade is how a LUKS header was made, beside its cipher. Nothing of it helps to
// open the container.
type LUKSMade struct {
	Hash         string // of the digest of the volume key
	SectorSize   uint32 // bytes of a sector of encryption
	DataSize     uint64 // bytes; 0 where the data reach to the end of the device
	KeyslotsSize uint64 // LUKS2: bytes of all key slots
	Flags        []string
	OpalType     string // "hw-opal" or "hw-opal-crypt"
}

// KeyslotMade is how a key slot was made.
type KeyslotMade struct {
	Hash       string // of pbkdf2
	Iterations uint64 // of pbkdf2, or the passes of argon2
	Memory     uint64 // KiB
	Threads    int
	Cipher     string // of the slot itself
	CipherBits int
	Priority   string // "ignore" or "prefer"; "" is normal
	Unbound    bool   // its key is not that of the volume
}

// luks2JSON is what is used of the JSON area. Sizes are strings in it, as JSON's
// numbers are too small for them (LUKS2 on-disk format 1.1, 3).
type luks2JSON struct {
	Keyslots map[string]luks2Keyslot    `json:"keyslots"`
	Tokens   map[string]json.RawMessage `json:"tokens"`
	Segments map[string]luks2Segment    `json:"segments"`
	Digests  map[string]luks2Digest     `json:"digests"`
	Config   struct {
		KeyslotsSize string   `json:"keyslots_size"`
		Flags        []string `json:"flags"`
		Requirements struct {
			Mandatory []string `json:"mandatory"`
		} `json:"requirements"`
	} `json:"config"`
}

type luks2Keyslot struct {
	Type     string `json:"type"`
	KeySize  int    `json:"key_size"`
	Priority *int   `json:"priority"`
	Area     struct {
		Encryption string `json:"encryption"`
		KeySize    int    `json:"key_size"`
	} `json:"area"`
	KDF struct {
		Type       string `json:"type"`
		Hash       string `json:"hash"`
		Iterations uint64 `json:"iterations"`
		Time       uint64 `json:"time"`
		Memory     uint64 `json:"memory"`
		CPUs       int    `json:"cpus"`
	} `json:"kdf"`
}

type luks2Segment struct {
	Type       string `json:"type"`
	Offset     string `json:"offset"`
	Size       string `json:"size"`
	Encryption string `json:"encryption"`
	SectorSize uint32 `json:"sector_size"`
	Integrity  struct {
		Type string `json:"type"`
	} `json:"integrity"`
}

type luks2Digest struct {
	Keyslots []string `json:"keyslots"`
	Segments []string `json:"segments"`
	Hash     string   `json:"hash"`
}

func (l *LUKS) parseJSON(area []byte) error {
	var j luks2JSON
	if err := json.Unmarshal([]byte(cstring(area)), &j); err != nil {
		return err
	}
	bound := j.volumeKey()
	l.Hash = bound.Hash
	for key, s := range j.Keyslots {
		slot, err := s.keyslot(key, len(j.Digests) == 0 || slices.Contains(bound.Keyslots, key))
		if err != nil {
			return err
		}
		l.Keyslots = append(l.Keyslots, slot)
		if s.Type == "luks2" && (!slot.Unbound || l.KeySize == 0) {
			l.KeySize = s.KeySize
		}
	}
	for key, raw := range j.Tokens {
		token, err := parseToken(key, raw)
		if err != nil {
			return err
		}
		l.Tokens = append(l.Tokens, token)
	}
	slices.SortFunc(l.Keyslots, func(a, b Keyslot) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(l.Tokens, func(a, b Token) int { return cmp.Compare(a.ID, b.ID) })
	l.Requirements, l.Flags = j.Config.Requirements.Mandatory, j.Config.Flags
	if area, err := strconv.ParseUint(j.Config.KeyslotsSize, 10, 48); err == nil {
		l.Extent, l.KeyslotsSize = 2*l.HeaderSize+area, area
	}
	return l.parseSegments(j)
}

// volumeKey is the digest of the key that the data are encrypted with: the one that
// has a segment. During a reencryption two have, and the later is the new one.
func (j *luks2JSON) volumeKey() luks2Digest {
	var best luks2Digest
	for _, key := range sortedNumbers(j.Digests) {
		if d := j.Digests[key]; len(d.Segments) > 0 || best.Hash == "" {
			best = d
		}
	}
	return best
}

// sortedNumbers gives the keys of an object of the JSON area in the order of the
// numbers that they are.
func sortedNumbers[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	return keys
}

// luks2Priorities are crypt_keyslot_priority of libcryptsetup.
var luks2Priorities = map[int]string{0: "ignore", 2: "prefer"}

func (s *luks2Keyslot) keyslot(key string, bound bool) (Keyslot, error) {
	id, err := strconv.Atoi(key)
	if err != nil {
		return Keyslot{}, fmt.Errorf("cannot read the key slot number %q", key)
	}
	k := Keyslot{ID: id, Type: s.Type, KDF: s.KDF.Type}
	if s.Type != "luks2" {
		return k, nil
	}
	k.KeyslotMade = KeyslotMade{
		Hash: s.KDF.Hash, Iterations: cmp.Or(s.KDF.Iterations, s.KDF.Time), Memory: s.KDF.Memory, Threads: s.KDF.CPUs,
		Cipher: s.Area.Encryption, CipherBits: 8 * min(s.Area.KeySize, 1<<20), Unbound: !bound,
	}
	if s.Priority != nil {
		k.Priority = luks2Priorities[*s.Priority]
	}
	return k, nil
}

// parseSegments takes the start of the data and its cipher from the first
// segment; during a reencryption there are several.
func (l *LUKS) parseSegments(j luks2JSON) error {
	first := true
	for _, key := range sortedNumbers(j.Segments) {
		s := j.Segments[key]
		off, err := strconv.ParseUint(s.Offset, 10, 64)
		if err != nil {
			return fmt.Errorf("cannot read the offset %q of segment %s", s.Offset, key)
		}
		if first || off < l.PayloadOffset {
			l.PayloadOffset = off
		}
		if first {
			l.DataSize, _ = strconv.ParseUint(s.Size, 10, 63) // "dynamic" is 0
		}
		first = false
		if s.Encryption != "" && (l.Cipher == "" || key == "0") {
			l.Cipher = s.Encryption
		}
		if l.SectorSize == 0 {
			l.SectorSize = s.SectorSize
		}
		if s.Integrity.Type != "" {
			l.Integrity = s.Integrity.Type
		}
		if l.OpalType == "" && strings.HasPrefix(s.Type, "hw-opal") {
			l.Opal, l.OpalType = true, s.Type
		}
	}
	if len(j.Segments) > 1 {
		l.DataSize = 0 // a part of the device for each
	}
	return nil
}
