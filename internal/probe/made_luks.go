package probe

import (
	"salvor/internal/ondisk"
	"salvor/internal/storage"
)

// luksMade describes a header without what opens it.
func luksMade(s *ondisk.LUKS) *storage.LUKSHeader {
	h := &storage.LUKSHeader{
		KeyBits: s.KeySize * 8, Hash: s.Hash, SectorSize: s.SectorSize, DataOffset: s.PayloadOffset, DataSize: s.DataSize,
		KeyslotsSize: s.KeyslotsSize, Subsystem: s.Subsystem, Integrity: s.Integrity,
		Flags: s.Flags, Requirements: s.Requirements, Opal: s.OpalType,
	}
	if s.Version == 2 {
		h.MetadataSize = s.HeaderSize
	}
	for _, k := range s.Keyslots {
		h.Slots = append(h.Slots, luksSlot(k, s.Cipher, h.KeyBits))
	}
	for _, t := range s.Tokens {
		h.Tokens = append(h.Tokens, storage.LUKSToken{Token: t.ID, Type: t.Type, Slots: t.Keyslots, Details: t.Details})
	}
	return h
}

func luksSlot(k ondisk.Keyslot, cipher string, keyBits int) storage.LUKSSlot {
	slot := storage.LUKSSlot{
		Slot: k.ID, KDF: k.KDF, Hash: k.Hash, Iterations: k.Iterations, Memory: k.Memory, Threads: k.Threads,
		Priority: k.Priority, Unbound: k.Unbound, Reencrypt: k.Type == "reencrypt",
	}
	if k.Cipher != cipher {
		slot.Cipher = k.Cipher
	}
	if k.CipherBits != keyBits || slot.Cipher != "" {
		slot.KeyBits = k.CipherBits
	}
	return slot
}
