package system

import (
	"errors"
	"io/fs"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// System is an installed operating system. Its texts are what the system says of
// itself, without control characters and not too long.
type System struct {
	Root       storage.ID      `json:"root"`
	Number     int             `json:"number,omitempty"` // place in the list of systems, from 1
	Name       string          `json:"name"`             // PRETTY_NAME, or the best that os-release has
	Distro     string          `json:"distro,omitempty"` // ID
	Version    string          `json:"version,omitempty"`
	Arch       string          `json:"arch,omitempty"`
	Hostname   string          `json:"hostname,omitempty"`
	Kernels    []string        `json:"kernels,omitempty"`
	Usr        storage.ID      `json:"usr,omitempty"`         // a separate /usr
	SnapshotOf storage.ID      `json:"snapshot_of,omitempty"` // root of the system that this one is a snapshot of
	Running    bool            `json:"running,omitempty"`     // it is the live system itself
	Notes      []string        `json:"notes,omitempty"`
	Fstab      *fstab.Fstab    `json:"-"`
	Crypttab   *fstab.Crypttab `json:"-"`
}

// ErrNeedsUsr: the root is that of a system whose /usr lies elsewhere.
var ErrNeedsUsr = errors.New("its /usr is a file system of its own")

// Inspect reads the system whose root is the top of tree. usr is the tree of a
// separate /usr, or nil. It gives nil without an error when no system is there,
// and ErrNeedsUsr when the rest of it lies on a separate /usr.
func Inspect(tree, usr fs.FS) (*System, error) {
	s := inspect(tree, usr)
	if s != nil && usr == nil && s.needsUsr(tree) {
		return nil, ErrNeedsUsr
	}
	return s, nil
}

// inspect takes what it can get.
func inspect(tree, usr fs.FS) *System {
	if !isDir(tree, "etc") {
		return nil
	}
	s := &System{}
	release := s.osRelease(tree, usr)
	if release == nil && !looksInstalled(tree) || release != nil && !hasPrograms(tree) {
		return nil
	}
	s.nameFrom(release)
	s.Fstab = fstab.ParseFstab(s.config(tree, "etc/fstab"))
	s.Crypttab = fstab.ParseCrypttab(s.config(tree, "etc/crypttab"))
	s.Hostname = firstLine(s.config(tree, "etc/hostname"))
	s.Arch = arch(tree, usr)
	s.Kernels = kernels(tree, usr)
	return s
}

// looksInstalled tells a root without a readable os-release from a data disk
// that happens to have an etc: it has an fstab and something that boots.
func looksInstalled(tree fs.FS) bool {
	if !exists(tree, "etc/fstab") {
		return false
	}
	for _, name := range []string{"sbin/init", "usr/lib/systemd/systemd", "lib/systemd/systemd", "bin/sh"} {
		if exists(tree, name) {
			return true
		}
	}
	return isDir(tree, "usr") && isDir(tree, "var")
}

// hasPrograms tells a system from a copy of its configuration.
func hasPrograms(tree fs.FS) bool {
	for _, name := range []string{"usr", "bin", "sbin", "nix"} {
		if isDir(tree, name) {
			return true
		}
	}
	return false
}

// needsUsr: there is nothing in /usr, and its fstab, or the lack of all else,
// says that it lies elsewhere.
func (s *System) needsUsr(tree fs.FS) bool {
	unnamed := s.Distro == "" && s.Name == unknownLinux
	if !isEmptyDir(tree, "usr") {
		return unnamed && s.entryAt("/usr") != nil
	}
	return unnamed || s.entryAt("/usr") != nil
}

// entryAt gives the first fstab line for a mount point, which is the one that
// systemd takes, or nil.
func (s *System) entryAt(point string) *fstab.Entry {
	if s == nil || s.Fstab == nil {
		return nil
	}
	for i := range s.Fstab.Entries {
		if e := &s.Fstab.Entries[i]; e.File == point {
			return e
		}
	}
	return nil
}
