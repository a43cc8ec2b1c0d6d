package workflow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/secret"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// maxAttempts is how often a passphrase is asked for one volume.
const maxAttempts = 3

// lock is a container that is to be opened for a look.
type lock struct {
	c     *storage.Crypt
	name  string // of its map
	known string // the name that the system's crypttab gives it, or ""
	names *system.Resolver
	sys   *system.System // whose crypttab it is; nil while none is chosen
}

// keyWays is where keys come from, in the order in which they are tried: what asks
// nobody first. docs/tables.md has the table.
var keyWays = []struct {
	name string
	try  func(*sight, context.Context, lock) (bool, error)
}{
	{"token", (*sight).tryTokens},
	{"clevis", (*sight).tryClevis},
	{"given", (*sight).tryGiven},
	{"key file", (*sight).tryKeyFile},
	{"typed before", (*sight).tryTyped},
	{"empty", (*sight).tryEmpty},
	{"asked", (*sight).ask},
}

// unlockAll tries to open the volumes in all the keyWays. It reports whether any
// was opened.
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
	l := lock{c: c, known: names.MapName(c.ID), names: names, sys: sys}
	l.name = cmp.Or(l.known, s.usualName(c))
	if err := s.mixIn(c, sys); err != nil {
		return false, err
	}
	for _, way := range keyWays {
		if ok, err := way.try(s, ctx, l); ok || err != nil {
			return ok, err
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
	}
	return false, nil
}

// usualName names the map of what no crypttab names, as systemd, udisks and Anaconda
// do for LUKS.
func (s *sight) usualName(c *storage.Crypt) string {
	kind := strings.TrimRight(c.Format, "12")
	if c.UUID != "" {
		return kind + "-" + c.UUID
	}
	for _, low := range s.now.Lower(c.ID) {
		kind += "-" + strings.ReplaceAll(s.now.ShortName(low.Base().ID), "/", "_")
	}
	return kind
}

// mixIn reads the key files that VeraCrypt mixes into the passphrase, once.
func (s *sight) mixIn(c *storage.Crypt, sys *system.System) error {
	if c.Terms == nil || len(c.Terms.KeyFiles) == 0 || s.keys.files[c.ID] != nil || sys == nil {
		return nil
	}
	files, err := system.TCryptKeyFiles(s.now, sys, c.Terms.KeyFiles, s)
	if err != nil {
		return fmt.Errorf("a key file of it cannot be had: %w", err)
	}
	s.keys.files[c.ID] = files
	return nil
}

// tryGiven tries what the user gave beforehand.
func (s *sight) tryGiven(ctx context.Context, l lock) (bool, error) {
	for i, g := range s.keys.given {
		if g.Volume != "*" && !s.answersTo(l.c, g.Volume, l.names) {
			continue
		}
		if ok, err := s.try(ctx, l, candidate{name: fmt.Sprint("given ", i), key: g.Key, from: g.From, file: !g.Typed}); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// tryKeyFile tries the key file that the system's crypttab names.
func (s *sight) tryKeyFile(ctx context.Context, l lock) (bool, error) {
	e, ok := l.names.CryptEntry(l.c.ID)
	if !ok || l.sys == nil {
		return false, nil
	}
	key, err := system.KeyFile(s.now, l.sys, e, s)
	if errors.Is(err, system.ErrNoKeyFile) {
		return false, nil
	}
	if err != nil {
		s.noteOnce(storage.Printable(fmt.Sprintf("the key file of %s cannot be had: %v", e.Name, err)))
		return false, nil
	}
	defer key.Wipe()
	name := cmp.Or(e.KeyFile, "in its usual place")
	return s.try(ctx, l, candidate{name: "file " + name, key: key, from: "its key file " + name, file: true})
}

// tryTyped tries the passphrases that opened other volumes.
func (s *sight) tryTyped(ctx context.Context, l lock) (bool, error) {
	for i, p := range s.keys.typed {
		if ok, err := s.try(ctx, l, candidate{name: fmt.Sprint("typed ", i), key: p, from: "the passphrase that opened another volume"}); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// tryEmpty tries the empty passphrase where the crypttab says so.
func (s *sight) tryEmpty(ctx context.Context, l lock) (bool, error) {
	e, ok := l.names.CryptEntry(l.c.ID)
	if !ok || !e.TriesEmptyPassword() {
		return false, nil
	}
	return s.try(ctx, l, candidate{name: "empty", key: secret.New(nil), from: "the empty passphrase"})
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

// ask asks for the passphrase. A right one is kept for the other volumes.
func (s *sight) ask(ctx context.Context, l lock) (bool, error) {
	if s.keys.declined[l.c.ID] {
		return false, nil
	}
	s.keys.declined[l.c.ID] = true
	q := Question{ID: l.c.ID, Name: l.known, Text: s.recognisable(l.c)}
	return s.askFor(ctx, l, q, func(key *secret.Secret) (bool, error) {
		ok, err := s.try(ctx, l, candidate{key: key})
		if ok {
			s.keys.typed = append(s.keys.typed, key.Clone())
		}
		return ok, err
	})
}

// askFor asks a question a few times, until the answer is right. When that does not
// lead to one, nobody is asked for it again.
func (s *sight) askFor(ctx context.Context, l lock, q Question, try func(*secret.Secret) (bool, error)) (bool, error) {
	if s.mute {
		return false, nil
	}
	for q.Attempt = 1; q.Attempt <= maxAttempts; q.Attempt++ {
		key, err := s.w.Ask.Passphrase(ctx, q)
		switch {
		case errors.Is(err, ErrNoAnswer):
			return false, nil
		case err != nil:
			return false, err
		case key == nil:
			s.w.tell(Note{system.Describe(s.now, l.c.ID) + " was skipped"})
			return false, nil
		}
		ok, err := try(key)
		key.Wipe()
		if ok || err != nil {
			return ok, err
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
