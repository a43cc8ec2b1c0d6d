package workflow

import (
	"context"
	"errors"
	"fmt"

	"salvor/internal/storage"
	"salvor/internal/system"
	"salvor/internal/tool"
)

// try opens a container read-only with a key, in all the forms that the key may be
// meant in. It reports whether the key is right; an error is any other failure,
// after which no other key is of use.
func (s *sight) try(ctx context.Context, l lock, k candidate) (bool, error) {
	mark := markOf(l.c, k.name)
	if k.name != "" && s.keys.tried[mark] {
		return false, nil
	}
	s.keys.tried[mark] = true
	text := system.Describe(s.now, l.c.ID)
	s.w.tell(Unlocking{l.c.ID, text, k.from})
	forms := formsOf(l.c, k)
	defer wipeForms(forms[1:])
	for _, form := range forms {
		err := s.tryForm(ctx, l, form)
		switch {
		case err == nil:
			s.w.tell(Unlocked{l.c.ID, text})
			return true, nil
		case s.lost != nil || !isKeyFault(err) && !k.token, errors.Is(err, tool.ErrNeedsPIN):
			return false, err
		}
	}
	s.w.tell(WrongKey{l.c.ID, text, k.from})
	return false, nil
}

func markOf(c *storage.Crypt, name string) string { return string(c.ID) + " " + name }

// isKeyFault: another key may do. A token may fail in many ways, for want of a chip,
// a server or a touch; then a passphrase is of use.
func isKeyFault(err error) bool {
	return errors.Is(err, tool.ErrWrongKey) || errors.Is(err, tool.ErrWrongPIN)
}

// formsOf gives what a key can be meant as, itself first. A file for plain dm-crypt
// may be the key itself or, as for systemd where hash= is named, be hashed like a
// passphrase. A recovery key is often typed in another way than it was written.
func formsOf(c *storage.Crypt, k candidate) []candidate {
	out := []candidate{k}
	if k.token || k.key == nil {
		return out
	}
	if k.file && c.Format == "plain" && c.Terms != nil && c.Terms.Hash != "plain" {
		hashed := k
		hashed.key, hashed.file = k.key.Clone(), false
		out = append(out, hashed)
	}
	spelled := k
	switch c.Format {
	case "luks2":
		spelled.key = k.key.Recovery()
	case "bitlk":
		spelled.key = k.key.BitLockerRecovery()
	default:
		return out
	}
	if spelled.key != nil {
		out = append(out, spelled)
	}
	return out
}

func wipeForms(forms []candidate) {
	for _, f := range forms {
		f.key.Wipe()
	}
}

// tryForm tries a key in the key slot that the crypttab names, and then in all: a
// rescuer may have another one at hand.
func (s *sight) tryForm(ctx context.Context, l lock, k candidate) error {
	err := s.tryKey(ctx, l, k)
	if err == nil || !errors.Is(err, tool.ErrWrongKey) || k.token || !s.forgetSlot(l.c.ID) {
		return err
	}
	return s.tryKey(ctx, l, k)
}

func (s *sight) tryKey(ctx context.Context, l lock, k candidate) error {
	s.keys.take(l.c.ID, k)
	err := s.unlockNow(ctx, l.c, s.freeMap(l.name))
	if err != nil {
		s.keys.drop(l.c.ID)
	}
	return err
}

// forgetSlot lets all key slots of a container be tried from now on; it reports
// false when that was so already.
func (s *sight) forgetSlot(id storage.ID) bool {
	c, ok := s.now.Node(id).(*storage.Crypt)
	if !ok || c.Terms == nil || c.Terms.KeySlot == nil || s.lost != nil {
		return false
	}
	for _, on := range s.now.Lower(id) {
		if d := s.declaration(s.now.Lineage(on.Base().ID), c.Identity); d != nil {
			d.Crypt.Terms.KeySlot = nil
		}
	}
	return s.adopt(s.now) == nil
}

func (s *sight) unlockNow(ctx context.Context, c *storage.Crypt, name string) error {
	defer s.forLook()()
	want := system.Opened(s.now, system.Way{ReadOnly: true, Overlays: s.overlays(), Unlock: map[storage.ID]string{c.ID: name}, Only: []storage.ID{c.ID}, Leave: s.skip})
	if storage.OpeningOf(want.Node(c.ID)) == nil {
		return cannotOpen(c)
	}
	o, err := s.act(ctx, want)
	if err != nil {
		s.lost = errors.Join(s.lost, err)
		return err
	}
	if err = o.err(); err == nil && !s.isOpen(c.ID) {
		err = errors.New("it stays locked, although unlocking it did not fail")
	}
	if err == nil && s.isNoise(c.ID) {
		err = s.lockAgain(ctx, c.ID)
	}
	if err == nil {
		s.keys.named[c.ID] = name
	}
	return err
}

func cannotOpen(c *storage.Crypt) error {
	if c.OpenWrites == "" {
		return errors.New("what it lies on cannot be opened")
	}
	return fmt.Errorf("opening it writes to the disk (%s), and no stand-in can be made for that", c.OpenWrites)
}

// isNoise: plain dm-crypt opens with any key. Only with the right one is there
// something to recognise.
func (s *sight) isNoise(id storage.ID) bool {
	c, ok := s.now.Node(id).(*storage.Crypt)
	return ok && c.Format == "plain" && len(s.now.Upper(id)) == 0
}

func (s *sight) lockAgain(ctx context.Context, id storage.ID) error {
	want := s.now.Clone()
	storage.SetOpening(want.Node(id), nil)
	want.SetReadOnly(want.Node(id), false)
	o, err := s.act(ctx, want)
	if err != nil {
		s.lost = errors.Join(s.lost, err)
		return err
	}
	if err := o.err(); err != nil {
		return fmt.Errorf("it opens onto nothing that is recognised, and cannot be closed again: %w", err)
	}
	return fmt.Errorf("%w: it opens, but onto nothing that is recognised", tool.ErrWrongKey)
}

// freeMap is a map name that nothing has: the live system may well have a map of
// the name that the container has in its own system.
func (s *sight) freeMap(name string) string {
	free := name
	for again := 2; len(s.now.ByName(storage.DMPath(free))) > 0; again++ {
		free = fmt.Sprintf("%s_%d", name, again)
	}
	return free
}
