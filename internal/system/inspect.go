package system

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"salvor/internal/bootentry"
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
	Dir        string          `json:"dir,omitempty"`         // the directory of the root that is the system's own, if it is not all of it
	Usr        storage.ID      `json:"usr,omitempty"`         // a separate /usr
	Nix        storage.ID      `json:"nix,omitempty"`         // a separate /nix
	SnapshotOf storage.ID      `json:"snapshot_of,omitempty"` // root of the system that this one is a snapshot of
	Snapshot   *Snapshot       `json:"snapshot,omitempty"`    // what is known of it as a snapshot
	Deployment *Deployment     `json:"deployment,omitempty"`  // what is known of it as one of ostree's deployments
	Running    bool            `json:"running,omitempty"`     // it is the live system itself
	Notes      []string        `json:"notes,omitempty"`
	Fstab      *fstab.Fstab    `json:"-"`
	Crypttab   *fstab.Crypttab `json:"-"`
	// AutoGPT: systemd mounts partitions of this system by their types alone.
	AutoGPT   bool   `json:"-"`
	MachineID string `json:"-"` // of /etc/machine-id, 32 hex digits
	// Boot is what its boot loaders would start; nil for a snapshot, which has no
	// boot entries of its own to speak of.
	Boot *bootentry.Boot `json:"-"`
	// Units are its systemd's mount and swap units, enabled or not.
	Units []MountUnit `json:"-"`
	// Cmdlines are the kernel command lines of its boot entries, each once, that
	// of the default entry first.
	Cmdlines []*fstab.Cmdline `json:"-"`
	// FstabState and CrypttabState tell of these files that they could not be read.
	FstabState    FileState `json:"-"`
	CrypttabState FileState `json:"-"`
	// SavedLayout says how the saved layout stands to it that was found, and Saved
	// what of that counts; nil for a system without one.
	SavedLayout SavedState `json:"saved_layout,omitempty"`
	Saved       *Restored  `json:"-"`
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
	s := glance(tree, usr)
	if s == nil {
		return nil
	}
	s.Arch = arch(tree, usr)
	s.Kernels = append(s.Kernels, kernels(tree, usr)...)
	return s
}

// glance reads what tells systems apart and what they mount, and leaves out what
// a snapshot has in common with its origin.
func glance(tree, usr fs.FS) *System {
	s := &System{}
	if isNixOS(tree) {
		tree = s.nixOS(tree)
	}
	if !isDir(tree, "etc") {
		return nil
	}
	release := s.osRelease(tree, usr)
	if release == nil && !looksInstalled(tree) || release != nil && !hasPrograms(tree) {
		return nil
	}
	s.nameFrom(release)
	var table []byte
	table, s.FstabState = s.table(tree, "etc/fstab")
	s.Fstab = fstab.ParseFstab(table)
	table, s.CrypttabState = s.table(tree, "etc/crypttab")
	s.Crypttab = fstab.ParseCrypttab(table)
	s.Hostname = firstLine(s.config(tree, "etc/hostname"))
	s.learnSources(tree, usr)
	return s
}

// Place names the root of the system: the ID of what it lies on and, if it is only
// a directory of that, the directory in brackets. No two systems have the same.
func (s *System) Place() storage.ID { return inBrackets(s.Root, s.Dir) }

// Lineage is the lineage of the system's root, as storage.Graph.Lineage has it,
// with the directory as Place has it.
func (s *System) Lineage(g *storage.Graph) string {
	return string(inBrackets(storage.ID(g.Lineage(s.Root)), s.Dir))
}

// inRoot gives the path, in the tree of its root, of an absolute path in the system.
func (s *System) inRoot(p string) string { return strings.TrimPrefix(path.Join("/", s.Dir, p), "/") }

func inBrackets(root storage.ID, dir string) storage.ID {
	if dir == "" {
		return root
	}
	return root + storage.ID("[/"+dir+"]")
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
