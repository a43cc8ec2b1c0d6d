package workflow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
	"salvor/internal/system"
	"salvor/internal/tool"
)

// maxAttempts is how often a passphrase is asked for one volume.
const maxAttempts = 3

// try opens a container read-only with a key. It reports whether the key is right;
// an error is any other failure, after which no other key is of use.
func (s *sight) try(ctx context.Context, c *storage.Crypt, name string, k candidate) (bool, error) {
	mark := string(c.ID) + " " + k.name
	if k.name != "" && s.keys.tried[mark] {
		return false, nil
	}
	s.keys.tried[mark] = true
	text := system.Describe(s.now, c.ID)
	s.w.tell(Unlocking{c.ID, text, k.from})
	s.keys.take(c.ID, k)
	err := s.unlockNow(ctx, c, s.freeMap(name))
	if err == nil {
		s.w.tell(Unlocked{c.ID, text})
		return true, nil
	}
	s.keys.drop(c.ID)
	// A token may fail in many ways, for want of a chip, a server or a touch; then a
	// passphrase is of use.
	if s.lost == nil && (errors.Is(err, tool.ErrWrongKey) || k.token) {
		s.w.tell(WrongKey{c.ID, text, k.from})
		return false, nil
	}
	return false, err
}

func (s *sight) unlockNow(ctx context.Context, c *storage.Crypt, name string) error {
	defer s.forLook()()
	want := system.Opened(s.now, system.Way{ReadOnly: true, Overlays: s.overlays(), Unlock: map[storage.ID]string{c.ID: name}, Only: []storage.ID{c.ID}, Leave: s.skip})
	o, err := s.act(ctx, want)
	if err != nil {
		s.lost = errors.Join(s.lost, err)
		return err
	}
	if err = o.err(); err == nil && !s.isOpen(c.ID) {
		err = errors.New("it stays locked, although unlocking it did not fail")
	}
	if err == nil {
		s.keys.named[c.ID] = name
	}
	return err
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

// unlockAll tries to open the volumes: with tokens, with the keys given beforehand,
// with key files that the system's crypttab names, with passphrases that opened
// others, and by asking. It reports whether any was opened.
func (s *sight) unlockAll(ctx context.Context, ids []storage.ID, sys *system.System) (bool, error) {
	return s.unlockSome(ctx, ids, sys, false)
}

// unlockSome is unlockAll, or ends with the first that was opened.
func (s *sight) unlockSome(ctx context.Context, ids []storage.ID, sys *system.System, first bool) (bool, error) {
	ids = s.closedAmong(ids)
	if len(ids) == 0 || !s.canUnlock(ids) {
		return false, nil
	}
	names := system.NewResolver(s.now, sys)
	opened := false
	for _, id := range ids {
		c, ok := s.now.Node(id).(*storage.Crypt)
		if !ok {
			continue
		}
		ok, err := s.unlockOne(ctx, c, names, sys)
		if stop := errors.Join(ctx.Err(), s.lost); stop != nil {
			return opened, stop
		}
		if err != nil {
			s.skip[id] = true
			s.w.tell(Note{fmt.Sprintf("could not unlock %s: %v", system.Describe(s.now, id), err)})
		}
		if opened = opened || ok; opened && first {
			break
		}
	}
	return opened, nil
}

// closedAmong gives the containers that are closed and not given up.
func (s *sight) closedAmong(ids []storage.ID) []storage.ID {
	var out []storage.ID
	for _, id := range ids {
		if c, ok := s.now.Node(id).(*storage.Crypt); ok && c.Open == nil && !s.skip[id] {
			out = append(out, id)
		}
	}
	return out
}

// canUnlock makes sure, before anybody is asked for a passphrase, that it could be
// put to use.
func (s *sight) canUnlock(ids []storage.ID) bool {
	_, err := s.w.Machine.Lookup("cryptsetup")
	if err == nil {
		return true
	}
	for _, id := range ids {
		s.skip[id] = true
	}
	s.w.tell(Note{fmt.Sprintf("could not unlock %s: %v", system.Describe(s.now, ids...), err)})
	return false
}

func (s *sight) unlockOne(ctx context.Context, c *storage.Crypt, names *system.Resolver, sys *system.System) (bool, error) {
	known := names.MapName(c.ID)
	name := known
	if name == "" {
		name = "luks-" + c.UUID // as systemd and Anaconda name what no crypttab names
	}
	for _, k := range s.known(c, names) {
		if ok, err := s.try(ctx, c, name, k); ok || err != nil {
			return ok, err
		}
	}
	if ok, err := s.tryKeyFile(ctx, c, name, names, sys); ok || err != nil {
		return ok, err
	}
	for i, p := range s.keys.typed {
		if ok, err := s.try(ctx, c, name, candidate{name: fmt.Sprint("typed ", i), key: p, from: "the passphrase that opened another volume"}); ok || err != nil {
			return ok, err
		}
	}
	return s.ask(ctx, c, name, known)
}

// known gives what the container's header and the user have for it.
func (s *sight) known(c *storage.Crypt, names *system.Resolver) []candidate {
	var out []candidate
	if len(c.Tokens) > 0 {
		out = append(out, candidate{name: "token", from: "a token of its header", token: true})
	}
	for i, g := range s.keys.given {
		if g.Volume == "*" || s.answersTo(c, g.Volume, names) {
			out = append(out, candidate{name: fmt.Sprint("given ", i), key: g.Key, from: g.From, file: true})
		}
	}
	return out
}

// tryKeyFile tries the key file that the system's crypttab names.
func (s *sight) tryKeyFile(ctx context.Context, c *storage.Crypt, name string, names *system.Resolver, sys *system.System) (bool, error) {
	e, ok := names.CryptEntry(c.ID)
	if !ok || e.KeyFile == "" || e.RandomKey() || sys == nil {
		return false, nil
	}
	key, err := system.KeyFile(s.now, sys, e, s)
	if err != nil {
		s.w.tell(Note{fmt.Sprintf("the key file of %s cannot be had: %v", storage.Printable(e.Name), err)})
		return false, nil
	}
	defer key.Wipe()
	return s.try(ctx, c, name, candidate{name: "file " + e.KeyFile, key: key, from: "its key file " + e.KeyFile, file: true})
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
	spec := fstab.ParseSpec(word)
	switch spec.Kind { // in an fstab these would mean what lies in the container
	case fstab.UUID:
		return strings.EqualFold(spec.Value, c.UUID)
	case fstab.Label:
		return c.Label != "" && spec.Value == c.Label
	}
	_, err := names.Node(spec)
	locked, ok := errors.AsType[*system.ResolveError](err)
	return ok && locked.Why == system.NeedsKey && slices.Contains(locked.IDs, c.ID)
}

// ask asks for the passphrase, a few times. When that does not lead to one, nobody
// is asked for it again.
func (s *sight) ask(ctx context.Context, c *storage.Crypt, name, known string) (bool, error) {
	if s.mute || s.keys.declined[c.ID] {
		return false, nil
	}
	s.keys.declined[c.ID] = true
	for attempt := 1; attempt <= maxAttempts; attempt++ {
		key, err := s.w.Ask.Passphrase(ctx, Question{c.ID, known, s.recognisable(c), attempt})
		if errors.Is(err, ErrNoAnswer) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if key == nil {
			s.w.tell(Note{system.Describe(s.now, c.ID) + " was skipped"})
			return false, nil
		}
		ok, err := s.try(ctx, c, name, candidate{key: key})
		if ok {
			s.keys.typed = append(s.keys.typed, key)
			return true, nil
		}
		key.Wipe()
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// recognisable names a volume so that a person knows which passphrase is meant:
// what it is, where it lies, its label, and the disk's model, serial and size.
func (s *sight) recognisable(c *storage.Crypt) string {
	text := system.Describe(s.now, c.ID)
	if c.Label != "" {
		text += fmt.Sprintf(" %q", c.Label)
	}
	for _, on := range s.now.Lower(c.ID) {
		text += ", " + storage.HumanSize(on.Base().Size)
	}
	for _, d := range s.now.Disks(c.ID) {
		text += fmt.Sprintf(", disk %s", strings.Join(strings.Fields(s.now.ShortName(d.ID)+" "+storage.Printable(d.Model+" "+d.Serial)), " "))
	}
	return text
}

// locked gives the containers that are closed and not given up.
func (s *sight) locked() []storage.ID {
	var out []storage.ID
	for c := range storage.All[*storage.Crypt](s.now) {
		out = append(out, c.ID)
	}
	return s.closedAmong(out)
}
