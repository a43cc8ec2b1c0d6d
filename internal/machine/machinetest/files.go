package machinetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing/fstest"

	"salvor/internal/machine"
	"salvor/internal/storage"
)

// live gives the files of the live system without what is mounted from disks:
// the test's, and those that the kernel and udev would show of the state.
func (m *Machine) live() fstest.MapFS {
	out := maps.Clone(m.files)
	file := func(name, data string) { out[name] = &fstest.MapFile{Data: []byte(data), Mode: 0o644} }
	link := func(name, to string) { out[name] = &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink | 0o777} }
	for _, d := range m.devices() {
		for _, name := range d.names {
			info := machine.Info{Mode: fs.ModeDevice | 0o660, Major: d.number.Major, Minor: d.number.Minor}
			out[name[1:]] = &fstest.MapFile{Mode: info.Mode, Sys: info}
		}
		link("sys/dev/block/"+d.number.String(), "../../block/"+d.kernel)
		file("sys/block/"+d.kernel+"/size", fmt.Sprintln(d.size/512))
		if d.dmUUID != "" {
			file("sys/block/"+d.kernel+"/dm/uuid", d.dmUUID+"\n")
		}
	}
	file("proc/self/mountinfo", m.mountinfo())
	if !m.noUdev {
		file("run/udev/control", "")
	}
	if m.modules["dm-multipath"] {
		file("sys/module/dm_multipath/refcnt", "0\n")
	}
	m.imageFiles(file)
	if m.modules["bcache"] {
		file("sys/fs/bcache/register", "")
		m.bcacheFiles(file, link)
	}
	return out
}

func (m *Machine) bcacheFiles(file, link func(name, data string)) {
	for set := range storage.All[*storage.BcacheSet](m.graph) {
		if m.sets[set.ID] {
			file("sys/fs/bcache/"+set.UUID+"/stop", "")
		}
	}
	for _, d := range m.devices() {
		bc, ok := d.node.(*storage.Bcache)
		if !ok || d.overlay {
			continue
		}
		for _, low := range m.graph.Lower(bc.ID) {
			if set, ok := low.(*storage.BcacheSet); ok && m.sets[set.ID] {
				link("sys/block/"+d.kernel+"/bcache/cache", "../../../fs/bcache/"+set.UUID)
				link("sys/fs/bcache/"+set.UUID+"/bdev"+strings.TrimPrefix(d.kernel, "bcache"), "../../../block/"+d.kernel)
			}
		}
		link("sys/class/block/"+m.backing[bc.ID]+"/bcache/dev", "../../../"+d.kernel)
	}
}

// place is a file: a name in one of the trees that are seen.
type place struct {
	tree fs.FS // nil: a mounted tree that the test did not give; all its directories exist
	name string
	path string // in the live system
}

// at finds the tree that a path without symbolic links lies in.
func (m *Machine) at(live fs.FS, p string) place { return m.atIn(live, p, m.graph.Mounts) }

func (m *Machine) atIn(live fs.FS, p string, mounts []storage.Mount) place {
	if m.isOwn(p) {
		return place{live, strings.TrimPrefix(p, "/"), p}
	}
	best, found := -1, ""
	for i, mt := range mounts {
		if storage.PathContains(mt.Point, p) && len(mt.Point) >= len(found) {
			best, found = i, mt.Point
		}
	}
	rel := func(base string) string {
		return strings.TrimPrefix(strings.TrimPrefix(p, strings.TrimSuffix(base, "/")), "/")
	}
	if best < 0 {
		return place{live, orDot(rel("/")), p}
	}
	mt := mounts[best]
	switch {
	case mt.Source == "" && mt.Bind == "" && slices.Contains(kernelPoints, mt.Point):
		return place{live, orDot(rel("/")), p}
	case mt.Bind != "":
		// What is bound is what was there before; it may be bound on itself.
		inner := m.atIn(live, path.Join(mt.Bind, rel(found)), mounts[:best])
		inner.path = p
		return inner
	case m.trees[mt.Source] != nil:
		return place{m.trees[mt.Source], orDot(path.Join(m.below(mt), rel(found))), p}
	}
	return place{nil, orDot(rel(found)), p}
}

// kernelPoints are where a machine that runs from its own disks sees what the fake
// has for the kernel and for udev.
var kernelPoints = []string{"/dev", "/proc", "/run", "/sys"}

func (m *Machine) isOwn(p string) bool {
	return slices.ContainsFunc(m.own, func(dir string) bool { return storage.PathContains(dir, p) })
}

// Usage tells what the test says of the file system that is seen at point.
func (m *Machine) Usage(point string) (machine.Usage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.fault(context.Background(), "usage "+point); err != nil {
		return machine.Usage{}, err
	}
	if mt := m.graph.MountAt(point); mt != nil {
		if u, ok := m.usage[mt.Source]; ok {
			return u, nil
		}
	}
	return machine.Usage{}, fmt.Errorf("cannot tell how full it is at %s: %w", point, machine.ErrNotMounted)
}

// below is the directory of its source that a mount shows, "" for all of it.
func (m *Machine) below(mt storage.Mount) string {
	root := strings.Trim(mt.Root, "/")
	if sub, ok := m.graph.Node(mt.Source).(*storage.Subvolume); ok {
		root = strings.Trim(strings.TrimPrefix(root, sub.Path), "/")
	}
	return root
}

func orDot(name string) string {
	if name == "" {
		return "."
	}
	return name
}

// find follows a path, and with follow also the link at its end, and never leads
// out of root.
func (m *Machine) find(root, name string, follow bool) (place, error) {
	live := m.live()
	root = path.Join("/", root)
	todo := strings.Split(strings.Trim(path.Clean("/"+name), "/"), "/")
	here := m.at(live, root)
	for links := 0; len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		if part == "" || part == "." {
			continue
		}
		if part == ".." {
			if here.path != root {
				here = m.at(live, path.Dir(here.path))
			}
			continue
		}
		next := m.at(live, path.Join(here.path, part))
		info, err := next.lstat()
		if err != nil {
			return place{}, err
		}
		if info == nil || info.Mode()&fs.ModeSymlink == 0 || len(todo) == 0 && !follow {
			here = next
			continue
		}
		if links++; links > 40 {
			return place{}, errors.New("too many levels of symbolic links")
		}
		to, err := fs.ReadLink(next.tree, next.name)
		if err != nil {
			return place{}, err
		}
		if path.IsAbs(to) {
			here = m.at(live, root)
		}
		todo = append(strings.Split(to, "/"), todo...)
	}
	return here, nil
}

// lstat gives nil for a directory of a tree that is not known.
func (p place) lstat() (fs.FileInfo, error) {
	if p.tree == nil {
		return nil, nil
	}
	return fs.Lstat(p.tree, p.name)
}

func (p place) isDir() bool {
	info, err := p.lstat()
	return err == nil && (info == nil || info.IsDir())
}

// ReadFile reads a file.
func (m *Machine) ReadFile(name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, err := m.find("/", name, true)
	if err != nil || p.tree == nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, errors.Join(err, fs.ErrNotExist))
	}
	return fs.ReadFile(p.tree, p.name)
}

// ReadDir lists a directory.
func (m *Machine) ReadDir(name string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, err := m.find("/", name, true)
	if err != nil || p.tree == nil {
		return nil, errors.Join(err, wrapNot("read the directory", name, p.tree == nil))
	}
	list, err := fs.ReadDir(p.tree, p.name)
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names, err
}

func wrapNot(act, name string, unknown bool) error {
	if unknown {
		return fmt.Errorf("cannot %s %s: %w", act, name, fs.ErrNotExist)
	}
	return nil
}

// Readlink reads a link.
func (m *Machine) Readlink(name string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, err := m.find("/", name, false)
	if err != nil || p.tree == nil {
		return "", errors.Join(err, wrapNot("read the link", name, p.tree == nil))
	}
	return fs.ReadLink(p.tree, p.name)
}

// Stat follows links.
func (m *Machine) Stat(name string) (machine.Info, error) { return m.stat(name, true) }

// Lstat does not follow the last one.
func (m *Machine) Lstat(name string) (machine.Info, error) { return m.stat(name, false) }

// stat makes an inode number of the path, so that a bound tree and what it is
// bound from are one file.
func (m *Machine) stat(name string, follow bool) (machine.Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, err := m.find("/", name, follow)
	if err != nil {
		return machine.Info{}, fmt.Errorf("cannot stat %s: %w", name, err)
	}
	file, err := p.lstat()
	if err != nil {
		return machine.Info{}, fmt.Errorf("cannot stat %s: %w", name, err)
	}
	info := machine.Info{Mode: fs.ModeDir | 0o755}
	if file != nil {
		info.Mode, info.Size = file.Mode(), file.Size()
		if device, ok := file.Sys().(machine.Info); ok {
			info.Major, info.Minor = device.Major, device.Minor
		}
	}
	for _, b := range []byte(p.name) {
		info.Inode = info.Inode*31 + uint64(b)
	}
	return info, nil
}

// WriteFile writes a file of the live system.
func (m *Machine) WriteFile(name string, data []byte, perm fs.FileMode) error {
	return m.change("write "+name, name, func(key string) error {
		m.files[key] = &fstest.MapFile{Data: bytes.Clone(data), Mode: perm}
		return nil
	})
}

// AppendFile adds to a file of the live system.
func (m *Machine) AppendFile(name string, data []byte, perm fs.FileMode) error {
	return m.change("append "+name, name, func(key string) error {
		f := m.files[key]
		if f == nil {
			f = &fstest.MapFile{Mode: perm}
		}
		m.files[key] = &fstest.MapFile{Data: slices.Concat(f.Data, data), Mode: f.Mode}
		return nil
	})
}

// MkdirAll makes a directory of the live system.
func (m *Machine) MkdirAll(name string, perm fs.FileMode) error {
	return m.change("mkdir "+name, name, func(key string) error {
		if m.files[key] == nil {
			m.files[key] = &fstest.MapFile{Mode: fs.ModeDir | perm}
		}
		return nil
	})
}

// Remove removes a file or an empty directory of the live system.
func (m *Machine) Remove(name string) error {
	return m.change("remove "+name, name, func(key string) error {
		below, err := fs.ReadDir(m.files, key)
		if err == nil && len(below) > 0 {
			return fmt.Errorf("cannot remove %s: the directory is not empty", name)
		}
		if m.files[key] == nil {
			return fmt.Errorf("cannot remove %s: %w", name, fs.ErrNotExist)
		}
		delete(m.files, key)
		return nil
	})
}

// change changes a file of the live system, and refuses one on a disk.
func (m *Machine) change(act, name string, f func(key string) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.fault(context.Background(), act); err != nil {
		return err
	}
	for _, mt := range m.graph.Mounts {
		if mt.Source != "" && storage.PathContains(mt.Point, name) && path.Clean(name) != mt.Point && !m.isOwn(name) {
			m.wrote("%s", act)
			return fmt.Errorf("machinetest: %s would write to %s", act, mt.Source)
		}
	}
	return f(strings.Trim(path.Clean(name), "/"))
}

// Lock takes a lock.
func (m *Machine) Lock(name string) (func(), error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locks[name] {
		return nil, fmt.Errorf("cannot lock %s: %w", name, machine.ErrLocked)
	}
	m.locks[name] = true
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.locks, name)
	}, nil
}
