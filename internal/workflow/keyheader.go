package workflow

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/ondisk"
	"salvor/internal/probe"
	"salvor/internal/session"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// declare puts into the graph what a system's crypttab says of containers and no
// header on their device does. It stays there for all that this command sees.
func (s *sight) declare(sys *system.System) error {
	all, notes := system.Declarations(s.now, sys, func(e fstab.CryptEntry) (*storage.Crypt, error) { return s.readHeader(sys, e) })
	for _, text := range notes {
		s.noteOnce(text)
	}
	before := len(s.declared)
	for _, d := range all {
		if s.declaration(d.On, d.Crypt.Identity) == nil {
			s.declared = append(s.declared, d)
		}
	}
	if len(s.declared) == before {
		return nil
	}
	return s.adopt(s.now)
}

// declaration finds what was declared of a container, or nil.
func (s *sight) declaration(on string, identity storage.ID) *system.Declaration {
	for i := range s.declared {
		if d := &s.declared[i]; d.On == on && d.Crypt.Identity == identity {
			return d
		}
	}
	return nil
}

// noteOnce tells what every round would find out again.
func (s *sight) noteOnce(text string) {
	if !s.noted[text] {
		s.noted[text] = true
		s.w.tell(Note{text})
	}
}

// readHeader reads a detached header and keeps a copy of it. A container is opened
// with the copy, so nothing that opens it can change the header itself.
func (s *sight) readHeader(sys *system.System, e fstab.CryptEntry) (*storage.Crypt, error) {
	h, err := system.OpenHeader(s.now, sys, e, s)
	if err != nil {
		return nil, err
	}
	defer func() { _ = h.End() }() // it was open for reading only
	l, err := luksOf(h)
	switch {
	case err != nil:
		return nil, err
	case l.Reencrypting():
		return nil, errors.New("a reencryption was cut short, which has to go on with this very header: cryptsetup reencrypt")
	}
	data := make([]byte, headerLength(h, l))
	if _, err := io.ReadFull(io.NewSectionReader(h, 0, h.Size), data); err != nil {
		return nil, fmt.Errorf("it cannot be read: %w", err)
	}
	c := probe.CryptFromLUKS(l)
	c.Terms = &storage.Terms{Header: headerCopy(l.UUID), HeaderOn: h.On, HeaderFile: h.File}
	if h.File == "" {
		c.Terms.HeaderSize = uint64(len(data))
	}
	if l.Integrity == "" {
		c.OpenWrites = "" // what would be repaired is the copy
	}
	s.keys.headers[c.Terms.Header] = data
	return c, nil
}

// headerLength is how much of it is needed: all of a file, of a device the header
// and its key slots.
func headerLength(h *system.HeaderSource, l *ondisk.LUKS) int64 {
	if h.File != "" || l.Extent == 0 || l.Extent > uint64(h.Size) {
		return h.Size
	}
	return int64(l.Extent)
}

// headerCopy names the copy of a header, in a directory that lives in memory. A
// UUID comes from a disk and may be anything.
func headerCopy(uuid string) string {
	safe := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' {
			return r
		}
		return '_'
	}, uuid)
	return path.Join(session.Dir, "header-"+safe)
}

// header gives the copy of a container's header.
func (s *sight) header(id storage.ID) []byte {
	c, ok := s.now.Node(id).(*storage.Crypt)
	if !ok || c.Terms == nil {
		return nil
	}
	return s.keys.headers[c.Terms.Header]
}

// Block implements system.Blocks.
func (s *sight) Block(id storage.ID) (system.Block, error) {
	device := s.now.DevicePath(id)
	if device == "" {
		return nil, fmt.Errorf("%s is closed", system.Describe(s.now, id))
	}
	return s.w.Machine.OpenBlock(s.ctx, device)
}

// luksOf reads the header itself.
func luksOf(h *system.HeaderSource) (*ondisk.LUKS, error) {
	l, err := ondisk.ReadLUKS(h, h.Size)
	if l == nil && err == nil {
		err = errors.New("it is no LUKS header")
	}
	if l == nil {
		return nil, err
	}
	return l, nil // what a header says counts even where a part of it is damaged
}
