package workflow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/secret"
	"salvor/internal/storage"
	"salvor/internal/system"
	"salvor/internal/tool"
)

// maxAttempts is how often a passphrase is asked for one volume.
const maxAttempts = 3

// GivenKey is a key that the user gave beforehand for one volume, or for every
// volume ("*").
type GivenKey struct {
	Volume string // ID, name of the container or of the device that it lies on, or "*"
	Key    *secret.Secret
	From   string // for messages: the file's name
}

// keyring holds what opens which container. A key with a name is one that worked.
type keyring struct {
	works map[storage.ID]*secret.Secret
	named map[storage.ID]string
	typed []*secret.Secret // passphrases that worked somewhere
	given []GivenKey
}

func newKeyring() *keyring {
	return &keyring{works: map[storage.ID]*secret.Secret{}, named: map[storage.ID]string{}}
}

func (k *keyring) get(id storage.ID) *secret.Secret { return k.works[id] }
func (k *keyring) names() map[storage.ID]string     { return k.named }

func (k *keyring) wipe() {
	for _, s := range k.works {
		s.Wipe()
	}
	for _, s := range k.typed {
		s.Wipe()
	}
	for _, g := range k.given {
		g.Key.Wipe()
	}
}

// try opens a container read-only with a key. It reports whether the key is right;
// an error is any other failure.
func (s *sight) try(ctx context.Context, c *storage.Crypt, name string, key *secret.Secret, from string) (bool, error) {
	text := system.Describe(s.now, c.ID)
	s.w.tell(Unlocking{c.ID, text, from})
	s.keys.works[c.ID] = key.Clone()
	want := system.Opened(s.now, system.Way{ReadOnly: true, Overlays: s.overlays(), Unlock: map[storage.ID]string{c.ID: name}, Only: []storage.ID{c.ID}, Leave: s.skip})
	s.looking = true
	p, failed, err := s.act(ctx, want)
	s.looking = false
	if err == nil {
		err = firstError(p, failed)
	}
	if err == nil && (p.Empty() || !s.isOpen(c.ID)) {
		err = errors.New("it stays locked, although unlocking it did not fail")
	}
	if err == nil {
		s.keys.named[c.ID] = name
		s.w.tell(Unlocked{c.ID, text})
		return true, nil
	}
	s.keys.works[c.ID].Wipe()
	delete(s.keys.works, c.ID)
	if errors.Is(err, tool.ErrWrongKey) {
		s.w.tell(WrongKey{c.ID, text, from})
		return false, nil
	}
	return false, err
}

func (s *sight) isOpen(id storage.ID) bool {
	n := s.now.Node(id)
	return n != nil && storage.OpeningOf(n) != nil
}

// unlockAll tries to open the volumes: with the keys given beforehand, with key
// files that the system's crypttab names, with passphrases that opened others,
// and by asking. It reports whether any was opened.
func (s *sight) unlockAll(ctx context.Context, ids []storage.ID, sys *system.System) (bool, error) {
	names := system.NewResolver(s.now, sys)
	opened := false
	for _, id := range ids {
		c, ok := s.now.Node(id).(*storage.Crypt)
		if !ok || c.Open != nil || s.skip[id] {
			continue
		}
		ok, err := s.unlockOne(ctx, c, names, sys)
		if ctx.Err() != nil {
			return opened, ctx.Err()
		}
		if err != nil {
			s.skip[id] = true
			s.w.tell(Note{fmt.Sprintf("could not unlock %s: %v", system.Describe(s.now, id), err)})
		}
		opened = opened || ok
	}
	return opened, nil
}

func (s *sight) unlockOne(ctx context.Context, c *storage.Crypt, names *system.Resolver, sys *system.System) (bool, error) {
	name := names.MapName(c.ID)
	if name == "" {
		name = "luks-" + c.UUID // as systemd and Anaconda name what no crypttab names
	}
	known, err := s.known(c, names, sys)
	if err != nil {
		s.w.tell(Note{err.Error()})
	}
	for _, k := range known {
		if ok, err := s.try(ctx, c, name, k.Key, k.From); ok || err != nil {
			return ok, err
		}
	}
	return s.ask(ctx, c, name, names.MapName(c.ID))
}

// known gives the keys that may fit without anybody being asked.
func (s *sight) known(c *storage.Crypt, names *system.Resolver, sys *system.System) ([]GivenKey, error) {
	var out []GivenKey
	for _, g := range s.keys.given {
		if g.Volume == "*" || s.answersTo(c, g.Volume, names) {
			out = append(out, g)
		}
	}
	for _, p := range s.keys.typed {
		out = append(out, GivenKey{Key: p, From: "the passphrase that opened another volume"})
	}
	e, ok := names.CryptEntry(c.ID)
	if !ok || e.KeyFile == "" || e.RandomKey() || sys == nil {
		return out, nil
	}
	key, err := system.KeyFile(s.now, sys, e, s)
	if err != nil {
		return out, fmt.Errorf("the key file of %s cannot be had: %w", e.Name, err)
	}
	return append(out, GivenKey{Key: key, From: "its key file " + e.KeyFile}), nil
}

// answersTo: the user means c by this word.
func (s *sight) answersTo(c *storage.Crypt, word string, names *system.Resolver) bool {
	if string(c.ID) == word || c.UUID == word || names.MapName(c.ID) == word || c.Label != "" && c.Label == word {
		return true
	}
	carriers := s.now.Lower(c.ID)
	if slices.ContainsFunc(carriers, func(n storage.Node) bool { return n.Base().HasName(word) || string(n.Base().ID) == word }) {
		return true
	}
	id, err := names.Node(fstab.ParseSpec(word))
	return err == nil && id == c.ID
}

// ask asks for the passphrase, a few times.
func (s *sight) ask(ctx context.Context, c *storage.Crypt, name, known string) (bool, error) {
	for attempt := 1; attempt <= maxAttempts; attempt++ {
		key, err := s.w.Ask.Passphrase(ctx, Question{c.ID, known, s.recognisable(c), attempt})
		if errors.Is(err, ErrNoAnswer) {
			s.skip[c.ID] = true
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if key == nil {
			s.skip[c.ID] = true
			s.w.tell(Note{system.Describe(s.now, c.ID) + " was skipped"})
			return false, nil
		}
		ok, err := s.try(ctx, c, name, key, "")
		if ok {
			s.keys.typed = append(s.keys.typed, key)
			return true, nil
		}
		key.Wipe()
		if err != nil {
			return false, err
		}
	}
	s.skip[c.ID] = true
	return false, nil
}

// recognisable names a volume so that a person knows which passphrase is meant:
// what it is, where it lies, its label, and the disk's model, serial and size.
func (s *sight) recognisable(c *storage.Crypt) string {
	text := system.Describe(s.now, c.ID)
	if c.Label != "" {
		text += fmt.Sprintf(" %q", c.Label)
	}
	text += ", " + storage.HumanSize(c.Size)
	for _, d := range s.now.Disks(c.ID) {
		text += fmt.Sprintf(", disk %s", strings.Join(strings.Fields(s.now.ShortName(d.ID)+" "+storage.Printable(d.Model+" "+d.Serial)), " "))
	}
	return text
}

// locked gives the containers that are closed and not given up.
func (s *sight) locked() []storage.ID {
	var out []storage.ID
	for c := range storage.All[*storage.Crypt](s.now) {
		if c.Open == nil && !s.skip[c.ID] {
			out = append(out, c.ID)
		}
	}
	return out
}
