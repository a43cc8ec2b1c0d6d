package apply

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"salvor/internal/machine"
	"salvor/internal/plan"
	"salvor/internal/secret"
	"salvor/internal/storage"
	"salvor/internal/tool"
)

// Unlock opens an encrypted container with the key, or the token, that the caller
// of Run has for its ID.
type Unlock struct {
	ID    storage.ID
	Crypt tool.Crypt
	// HeaderFrom is where a detached header is, for the script: a device with
	// HeaderSize bytes of it, or words.
	HeaderFrom string
	HeaderSize uint64
}

func lowerUnlock(o plan.Unlock, env Env) ([]Action, error) {
	if o.Format == "plain" && (o.Terms == nil || o.Terms.Cipher == "") {
		return nil, fmt.Errorf("cannot unlock %s: %w", o.ID, ErrNoParameters)
	}
	a := Unlock{ID: o.ID, Crypt: tool.Crypt{Format: o.Format, Device: o.Device, Name: o.MapName, ReadOnly: o.ReadOnly}}
	if t := o.Terms; t != nil {
		a.Crypt.Header, a.Crypt.KeySlot = t.Header, t.KeySlot
		a.Crypt.Plain = tool.Plain{Cipher: t.Cipher, KeyBits: t.KeyBits, Hash: t.Hash, Offset: t.Offset, Skip: t.Skip, SectorSize: t.SectorSize}
		a.Crypt.TCrypt = tool.TCrypt{Hidden: t.Hidden, System: t.System, PIM: t.PIM, KeyFiles: t.KeyFiles}
		a.HeaderFrom, a.HeaderSize = o.HeaderDevice, t.HeaderSize
		if t.HeaderFile != "" {
			a.HeaderFrom, a.HeaderSize = fmt.Sprintf("%s of %s", t.HeaderFile, t.HeaderOn), 0
		}
	}
	return opened(env, a, storage.DMPath(o.MapName)), nil
}

// Shell implements Action. A person at a script copies a header that is a file: no
// script can know where its file system is at that time.
func (a Unlock) Shell() string {
	open := tool.AskCrypt(a.Crypt).String()
	if a.Crypt.Header == "" {
		return open
	}
	copied := machine.Quote(a.Crypt.Header)
	if a.HeaderSize > 0 {
		return fmt.Sprintf("copy_header %s %d %s\n%s\nrm -f %s", machine.Quote(a.HeaderFrom), a.HeaderSize, copied, open, copied)
	}
	return fmt.Sprintf("need_header %s %s\n%s\nrm -f %s", machine.Quote(strings.ReplaceAll(a.HeaderFrom, "\n", `\n`)), copied, open, copied)
}

func (Unlock) programs() []string { return []string{"cryptsetup"} }

func (a Unlock) do(ctx context.Context, h *hand) error {
	cmd, end, err := a.command(h)
	if err != nil {
		return err
	}
	defer end()
	removed, err := a.putHeader(h)
	if err != nil {
		return err
	}
	return errors.Join(h.run(ctx, cmd), removed())
}

// command is what opens it. What it holds of the key is wiped by end.
func (a Unlock) command(h *hand) (c machine.Cmd, end func(), err error) {
	var key *secret.Secret
	if h.opt.Key != nil {
		key = h.opt.Key(a.ID)
	}
	if h.opt.Token != nil && h.opt.Token(a.ID) {
		c = tool.OpenCryptByToken(a.Crypt)
		c.Stdin = key // its PIN, if there is one
		return c, func() {}, nil
	}
	if key == nil {
		return c, nil, ErrNoKey
	}
	crypt := a.Crypt
	crypt.KeyFile = h.opt.KeyFile != nil && h.opt.KeyFile(a.ID)
	if crypt.KeyFile {
		key = ofFile(crypt, key)
	} else {
		key = key.Clone()
	}
	if names := crypt.TCrypt.KeyFiles; len(names) > 0 {
		files, err := h.keyFiles(a.ID, len(names))
		if err != nil {
			key.Wipe()
			return c, nil, err
		}
		c.Keys = files
		crypt.TCrypt.KeyFiles = nil
		for i := range files {
			crypt.TCrypt.KeyFiles = append(crypt.TCrypt.KeyFiles, fmt.Sprintf("/dev/fd/%d", 3+i))
		}
	}
	files := c.Keys
	if key.Len() == 0 {
		c, key = tool.OpenCryptByEmpty(crypt), secret.New([]byte("\n"))
	} else {
		c = tool.OpenCrypt(crypt)
	}
	c.Stdin, c.Keys = key, files
	return c, key.Wipe, nil
}

// ofFile is what the format takes of a key file. Plain takes the size of its key
// from the start. A tcrypt's is a passphrase, the file's first line (crypttab(5),
// "tcrypt").
func ofFile(c tool.Crypt, key *secret.Secret) *secret.Secret {
	switch c.Format {
	case "plain":
		return key.Cut(c.Plain.KeyBits / 8)
	case "tcrypt":
		return key.Line()
	default:
		return key.Clone()
	}
}

// keyFiles gives the files that a container wants beside its passphrase.
func (h *hand) keyFiles(id storage.ID, want int) ([]*secret.Secret, error) {
	var files []*secret.Secret
	if h.opt.KeyFiles != nil {
		files = h.opt.KeyFiles(id)
	}
	if len(files) != want {
		return nil, fmt.Errorf("%w: it takes %d key files besides its passphrase", ErrNoKey, want)
	}
	return files, nil
}

// putHeader puts the header into memory for as long as the program runs. An open
// container does not need it.
func (a Unlock) putHeader(h *hand) (remove func() error, err error) {
	name := a.Crypt.Header
	if name == "" {
		return func() error { return nil }, nil
	}
	var data []byte
	if h.opt.Header != nil {
		data = h.opt.Header(a.ID)
	}
	if len(data) == 0 {
		return nil, ErrNoHeader
	}
	if err := h.m.MkdirAll(path.Dir(name), 0o700); err != nil {
		return nil, err
	}
	if err := h.m.WriteFile(name, data, 0o600); err != nil {
		return nil, err
	}
	return func() error { return h.m.Remove(name) }, nil
}
