package system

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/secret"
	"salvor/internal/storage"
)

// KeyFile reads the key file that a crypttab line names from the system's own
// file systems: the path is followed through its fstab, since the file may lie on
// any of them. keyfile-offset= and keyfile-size= are in bytes (crypttab(5)).
func KeyFile(g *storage.Graph, s *System, e fstab.CryptEntry, trees Trees) (*secret.Secret, error) {
	if !e.KeyDevice.IsZero() {
		return nil, fmt.Errorf("it lies on another device (%s)", e.KeyDevice)
	}
	if !strings.HasPrefix(e.KeyFile, "/") || storage.PathContains("/dev", e.KeyFile) {
		return nil, fmt.Errorf("%s is no file of the system", e.KeyFile)
	}
	base := g.Clone()
	base.Mounts = nil // what is mounted now says nothing of where the system keeps its files
	m := newMounter(g, base, s, Request{Target: "/", ReadOnly: true, Trees: trees})
	m.readRoot()
	m.read()
	m.place()
	owner, rest := m.ownerOfFile(e.KeyFile)
	if owner == nil {
		return nil, errors.New("the file system that it lies on is not known")
	}
	tree, err := trees.Tree(owner.Source)
	if tree == nil {
		return nil, errors.New(causeOf(err))
	}
	f, err := tree.Open(m.below(owner, rest))
	if err != nil {
		return nil, bare(err)
	}
	defer f.Close()
	return readKey(f, e.Options)
}

// ownerOfFile finds the mount that a file lies on, its directory's links
// followed.
func (m *mounter) ownerOfFile(p string) (*storage.Mount, string) {
	dir, file := path.Split(p)
	inside, err := m.inside(dir)
	if err != nil {
		return nil, ""
	}
	owner, rest := m.owner(inside)
	if owner == nil || owner.Source == "" {
		return nil, ""
	}
	return owner, path.Join(rest, file)
}

func readKey(f io.Reader, o fstab.Options) (*secret.Secret, error) {
	if v, ok := o.Get("keyfile-offset"); ok {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("keyfile-offset=%s is no number of bytes", v)
		}
		if _, err := io.CopyN(io.Discard, f, n); err != nil {
			return nil, fmt.Errorf("cannot skip %d bytes of it: %w", n, err)
		}
	}
	if v, ok := o.Get("keyfile-size"); ok {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n <= 0 {
			return nil, fmt.Errorf("keyfile-size=%s is no number of bytes", v)
		}
		f = io.LimitReader(f, n)
	}
	return secret.Read(f)
}
