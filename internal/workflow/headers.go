package workflow

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"

	"salvor/internal/layout"
	"salvor/internal/ondisk"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// A backup of a LUKS header holds the key slots: with it and a passphrase that opened
// the container on the day of the backup, the container opens on any later day. So it
// is made only when asked for, and never lies anywhere unencrypted.

// Recipient is a public key to which header backups are encrypted.
type Recipient struct {
	Name string // the key as text
	key  age.Recipient
}

// ErrNoRecipient: header backups are wanted, and nobody is named who could decrypt
// them.
var ErrNoRecipient = errors.New("cannot back up LUKS headers: nobody is named who may decrypt them")

// maxRecipients is more people than anyone trusts with keys.
const maxRecipients = 64

// ParseRecipients reads public keys of age ("age1…") and of ssh ("ssh-ed25519 …",
// "ssh-rsa …"), and files of them, one a line.
func ParseRecipients(texts []string, read func(name string) ([]byte, error)) ([]Recipient, error) {
	var out []Recipient
	for _, text := range texts {
		lines := []string{text}
		if !isKey(text) {
			data, err := read(text)
			if err != nil {
				return nil, fmt.Errorf("cannot use %q for header backups: it is no public key of age or ssh, and no file of them: %w", shortened(text), err)
			}
			lines = strings.Split(string(data), "\n")
		}
		for _, line := range lines {
			if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
				continue
			}
			r, err := parseRecipient(line)
			if err != nil {
				return nil, err
			}
			if !slices.ContainsFunc(out, func(o Recipient) bool { return o.Name == r.Name }) {
				out = append(out, r)
			}
		}
	}
	if len(out) > maxRecipients {
		return nil, fmt.Errorf("cannot back up LUKS headers for %d recipients: at most %d are sane", len(out), maxRecipients)
	}
	return out, nil
}

// isKey tells a key from the name of a file. A secret one must not be taken for a name,
// which errors show.
func isKey(text string) bool {
	return strings.HasPrefix(text, "age1") || strings.HasPrefix(text, "ssh-") || isSecretKey(text)
}

func isSecretKey(text string) bool {
	text = strings.ToUpper(text)
	return strings.HasPrefix(text, "AGE-SECRET-KEY-") || strings.HasPrefix(text, "AGE-PLUGIN-")
}

func parseRecipient(line string) (Recipient, error) {
	var key age.Recipient
	var err error
	switch {
	case isSecretKey(line):
		return Recipient{}, errors.New("cannot encrypt to a secret key: give the public one (age-keygen -y)")
	case strings.HasPrefix(line, "ssh-"):
		key, err = agessh.ParseRecipient(line)
		if fields := strings.Fields(line); len(fields) > 2 {
			line = strings.Join(fields[:2], " ") // the comment names nobody for sure
		}
	default:
		var all []age.Recipient
		if all, err = age.ParseRecipients(strings.NewReader(line)); err == nil {
			key = all[0]
		}
	}
	if err != nil {
		return Recipient{}, fmt.Errorf("cannot read %q as a public key of age or ssh: %w", shortened(line), err)
	}
	return Recipient{line, key}, nil
}

// shortened shows enough of a text to find it: it may be a key that should not be
// there.
func shortened(text string) string {
	const most = 24
	if r := []rune(text); len(r) > most && !strings.Contains(text, "/") {
		return string(r[:most]) + "…"
	}
	return text
}

func recipientNames(all []Recipient) []string {
	out := make([]string, 0, len(all))
	for _, r := range all {
		out = append(out, r.Name)
	}
	slices.Sort(out)
	return out
}

// keepHeaders gives the header backups of a layout. With recipients every container
// gets one; those that were made before stay as long as the header does. Without, those
// of before stay, and what is stale is told.
func (w *Work) keepHeaders(ctx context.Context, l *layout.Layout, g *storage.Graph, o HeaderOrder) (headers []layout.Header, gaps []string) {
	if g == nil {
		return o.Before, nil // there is no device to look at
	}
	for _, c := range l.Storage.Crypts {
		if c.Format != "luks1" && c.Format != "luks2" {
			continue
		}
		at := slices.IndexFunc(o.Before, func(h layout.Header) bool { return h.ID == c.ID })
		if at < 0 && len(o.To) == 0 {
			continue
		}
		h, err := w.keepHeader(ctx, g, c.ID, o.To)
		if err != nil {
			gaps = append(gaps, fmt.Sprintf("the header of %s is not backed up: %v", system.Describe(g, c.ID), err))
		}
		if at >= 0 && (err != nil || !o.Compare) {
			h = w.olderHeader(g, o.Before[at], h, err)
		}
		if h != nil {
			headers = append(headers, *h)
		}
	}
	return headers, gaps
}

// olderHeader prefers the backup of before where it is as good: encrypting gives other
// bytes each time.
func (w *Work) olderHeader(g *storage.Graph, old layout.Header, now *layout.Header, err error) *layout.Header {
	switch {
	case err != nil:
		return &old
	case now.Age == "" && now.SHA256 != old.SHA256:
		w.tell(Note{fmt.Sprintf("the saved backup of the header of %s is of an older state of it", system.Describe(g, old.ID))})
		return &old
	case now.SHA256 == old.SHA256 && (now.Age == "" || slices.Equal(now.Recipients, old.Recipients)):
		return &old
	}
	return now
}

// keepHeader reads the header of a container and, if there are recipients, encrypts it.
func (w *Work) keepHeader(ctx context.Context, g *storage.Graph, id storage.ID, to []Recipient) (*layout.Header, error) {
	c, ok := g.Node(id).(*storage.Crypt)
	if !ok {
		return nil, errors.New("it is not there any more")
	}
	image, err := w.headerImage(ctx, g, c)
	if err != nil {
		return nil, err
	}
	defer clear(image)
	sum := sha256.Sum256(image)
	h := &layout.Header{ID: id, Recipients: recipientNames(to), SHA256: hex.EncodeToString(sum[:])}
	if len(to) > 0 {
		h.Age, err = sealHeader(image, to)
	}
	return h, err
}

func (w *Work) headerImage(ctx context.Context, g *storage.Graph, c *storage.Crypt) ([]byte, error) {
	if c.Terms != nil && c.Terms.HeaderOn != "" {
		return nil, fmt.Errorf("it is on %s, not on its device", strings.TrimSpace(system.Describe(g, c.Terms.HeaderOn)+" "+c.Terms.HeaderFile))
	}
	low := g.Lower(c.ID)
	if len(low) != 1 {
		return nil, errors.New("its device is missing")
	}
	dev, err := w.Machine.OpenBlock(ctx, g.DevicePath(low[0].Base().ID))
	if err != nil {
		return nil, err
	}
	defer dev.Close()
	_, image, err := ondisk.LUKSBackup(dev, dev.Size())
	return image, err
}

// sealHeader packs a header and encrypts it. Packed, its unused key slots take no room.
func sealHeader(image []byte, to []Recipient) (string, error) {
	keys := make([]age.Recipient, 0, len(to))
	for _, r := range to {
		keys = append(keys, r.key)
	}
	var out bytes.Buffer
	text := armor.NewWriter(&out)
	sealed, err := age.Encrypt(text, keys...)
	if err != nil {
		return "", fmt.Errorf("cannot encrypt it: %w", err)
	}
	packed := gzip.NewWriter(sealed)
	_, err = packed.Write(image)
	if err = errors.Join(err, packed.Close(), sealed.Close(), text.Close()); err != nil {
		return "", fmt.Errorf("cannot encrypt it: %w", err)
	}
	return out.String(), nil
}
