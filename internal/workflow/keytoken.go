package workflow

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"salvor/internal/machine"
	"salvor/internal/secret"
	"salvor/internal/storage"
	"salvor/internal/system"
	"salvor/internal/tool"
)

// noOpeners are types of LUKS2 tokens that cryptsetup opens nothing with: a mark on
// the key slot of a recovery key, and what clevis keeps for itself.
var noOpeners = []string{"systemd-recovery", "clevis"}

// tokenTypes are those of the container's tokens that cryptsetup can use.
func tokenTypes(c *storage.Crypt) []string {
	var out []string
	for _, t := range c.Tokens {
		_, kind, _ := strings.Cut(t, ":")
		if !slices.Contains(noOpeners, kind) && !slices.Contains(out, kind) {
			out = append(out, kind)
		}
	}
	return out
}

// tryTokens lets cryptsetup use the tokens of the header, and asks for the PIN of
// one that wants it.
func (s *sight) tryTokens(ctx context.Context, l lock) (bool, error) {
	types := tokenTypes(l.c)
	if len(types) == 0 || s.keys.tried[markOf(l.c, "token")] {
		return false, nil
	}
	k := candidate{name: "token", from: "a token of its header (" + storage.Printable(strings.Join(types, ", ")) + ")", token: true}
	ok, err := s.try(ctx, l, k)
	if !errors.Is(err, tool.ErrNeedsPIN) {
		if !ok && err == nil {
			s.noteOnce(s.tokenNote(l.c, types))
		}
		return ok, err
	}
	ok, err = s.askFor(ctx, l, Question{ID: l.c.ID, Name: l.known, Text: s.recognisable(l.c), PIN: true}, func(pin *secret.Secret) (bool, error) {
		return s.try(ctx, l, candidate{key: pin, from: "the token with that PIN", token: true})
	})
	if errors.Is(err, tool.ErrNeedsPIN) {
		return ok, nil
	}
	return ok, err
}

// tokenNote says why a token did not help, and what remains. cryptsetup is silent
// when the part of it that knows a type of token is missing.
func (s *sight) tokenNote(c *storage.Crypt, types []string) string {
	text := fmt.Sprintf("no token opens %s", system.Describe(s.now, c.ID))
	for _, t := range types {
		if plugin := "libcryptsetup-token-" + t + ".so"; strings.HasPrefix(t, "systemd-") && !s.hasPlugin(plugin) {
			text += fmt.Sprintf("; for %s, cryptsetup needs %s, which comes with systemd and is not installed", t, plugin)
		}
	}
	return storage.Printable(text + "; " + whatRemains(c))
}

func whatRemains(c *storage.Crypt) string {
	if slices.ContainsFunc(c.Tokens, func(t string) bool { return strings.HasSuffix(t, ":systemd-recovery") }) {
		return "its recovery key or a passphrase does"
	}
	return "a passphrase or a recovery key does"
}

// hasPlugin looks where distributions keep cryptsetup's plugins (cryptsetup --help
// tells its own).
func (s *sight) hasPlugin(file string) bool {
	dirs := []string{"/usr/lib64/cryptsetup", "/usr/lib/cryptsetup", "/lib/cryptsetup"}
	names, _ := s.w.Machine.ReadDir("/usr/lib") // there may be none
	for _, name := range names {
		if strings.Contains(name, "-linux-") {
			dirs = append(dirs, path.Join("/usr/lib", name, "cryptsetup"))
		}
	}
	return slices.ContainsFunc(dirs, func(dir string) bool {
		_, err := s.w.Machine.Stat(path.Join(dir, file))
		return err == nil
	})
}

// tryClevis fetches the passphrases of the key slots that clevis is bound to.
func (s *sight) tryClevis(ctx context.Context, l lock) (bool, error) {
	for _, slot := range l.c.ClevisSlots {
		key, err := s.clevisPass(ctx, l.c, slot)
		if err != nil {
			s.noteOnce(storage.Printable(fmt.Sprintf("clevis does not open %s: %v; %s", system.Describe(s.now, l.c.ID), err, whatRemains(l.c))))
			continue
		}
		ok, err := s.try(ctx, l, candidate{name: fmt.Sprint("clevis ", slot), key: key, from: fmt.Sprintf("clevis (key slot %d)", slot)})
		key.Wipe()
		if ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// clevisPass runs clevis on the header of a container: on its device, or on the
// copy of a detached one.
func (s *sight) clevisPass(ctx context.Context, c *storage.Crypt, slot int) (*secret.Secret, error) {
	on := ""
	for _, low := range s.now.Lower(c.ID) {
		on = s.now.DevicePath(low.Base().ID)
	}
	if c.Terms != nil && c.Terms.Header != "" {
		on = c.Terms.Header
		if err := s.w.Machine.WriteFile(on, s.header(c.ID), 0o600); err != nil {
			return nil, err
		}
		defer func() { _ = s.w.Machine.Remove(on) }() // the next one writes it anew
	}
	r, err := s.w.Machine.Run(ctx, tool.ClevisPass(on, slot))
	if missing, ok := errors.AsType[*machine.MissingProgram](err); ok {
		return nil, fmt.Errorf("%w (package clevis-luks)", missing)
	}
	if err != nil {
		return nil, err
	}
	all := secret.New(r.Stdout)
	defer all.Wipe()
	return all.Line(), nil
}
