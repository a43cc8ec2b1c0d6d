package system

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// nixProfile leads, by links, to the configuration that NixOS boots by default:
// system → system-42-link → /nix/store/HASH-nixos-system-HOST-VERSION (NixOS
// manual, "Switching configurations").
const nixProfile = "nix/var/nix/profiles/system"

// isNixOS tells a NixOS by what stays where it is when /etc is made anew at every
// start: the marker that its tools look for, or its profile.
func isNixOS(tree fs.FS) bool {
	return exists(tree, "etc/NIXOS") || isLink(tree, nixProfile) && !isDir(tree, "usr/lib")
}

// nixOS reads what only NixOS has, and gives the tree with the files of the
// profile where /etc lacks them.
func (s *System) nixOS(tree fs.FS) fs.FS {
	if list, err := fs.ReadDir(tree, path.Join(nixProfile, "kernel-modules/lib/modules")); err == nil {
		for _, e := range list {
			s.Kernels = append(s.Kernels, clean(e.Name()))
		}
	}
	if isDir(tree, path.Join(nixProfile, "sw/bin")) {
		s.Notes = append(s.Notes, "NixOS keeps its programs in /"+nixProfile+"/sw/bin")
	}
	return nixTree{tree}
}

// nixTree is the tree of a NixOS: a file of /etc that is not there, as in a system
// that was never started or that mounts its /etc, is that of the profile.
type nixTree struct{ fs.FS }

func (t nixTree) Open(name string) (fs.File, error) {
	f, err := t.FS.Open(name)
	if instead := nixInstead(name); instead != "" && errors.Is(err, fs.ErrNotExist) {
		return t.FS.Open(instead)
	}
	return f, err
}

// Stat, ReadDir, Lstat and ReadLink do not go by Open, which would look twice.
func (t nixTree) Stat(name string) (fs.FileInfo, error) {
	info, err := fs.Stat(t.FS, name)
	if instead := nixInstead(name); instead != "" && errors.Is(err, fs.ErrNotExist) {
		return fs.Stat(t.FS, instead)
	}
	return info, err
}

func (t nixTree) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(t.FS, name) }
func (t nixTree) Lstat(name string) (fs.FileInfo, error)     { return fs.Lstat(t.FS, name) }
func (t nixTree) ReadLink(name string) (string, error)       { return fs.ReadLink(t.FS, name) }

func nixInstead(name string) string {
	if name == "etc" || strings.HasPrefix(name, "etc/") {
		return path.Join(nixProfile, name)
	}
	return ""
}

// isNixStore tells the file system that belongs at /nix.
func isNixStore(tree fs.FS) bool {
	return isDir(tree, "store") && isLink(tree, strings.TrimPrefix(nixProfile, "nix/"))
}

// withNix looks again at the NixOS roots whose /nix is a file system of its own.
// Which one it is is written in the store itself, so that it is taken only when
// there is one alone.
func (f *finder) withNix() {
	var stores []storage.ID
	for i := range f.out {
		if f.nixStores[f.out[i].Root] {
			stores = append(stores, f.out[i].Root)
			f.out[i].Cause = "the /nix of a NixOS"
		}
	}
	for i := range f.out {
		x := &f.out[i]
		if !slices.Contains(f.needsNix, x.Root) {
			continue
		}
		if len(stores) != 1 {
			x.Class, x.Cause = Unknown, "the root of a NixOS whose /nix is a file system of its own, which is not found"
			if len(stores) > 1 {
				x.Cause = "the root of a NixOS whose /nix is a file system of its own; it may be any of " + Describe(f.g, stores...)
			}
			continue
		}
		if s := inspect(f.joined(x.Root, "/nix", stores[0]), nil); s != nil {
			s.Root, s.Nix, x.Class, x.System = x.Root, stores[0], Installed, s
			s.Running = f.isRunning(s)
		}
	}
}

// joined is the tree of a root with another one in it.
func (f *finder) joined(root storage.ID, point string, source storage.ID) fs.FS {
	m := newMounter(f.ix, f.bare(), &System{Root: root}, Request{Target: "/", ReadOnly: true, Trees: f.trees})
	m.readRoot()
	m.lines = append(m.lines, &Line{File: point, Spec: string(source), State: Planned, Source: source, entry: fstab.Entry{File: point, Type: "auto"}})
	m.place()
	return &files{m: m, links: map[string]linked{}}
}
