package machinetest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing/fstest"

	"salvor/internal/machine"
	"salvor/internal/storage"
)

// Mount mounts.
func (m *Machine) Mount(ctx context.Context, r machine.MountRequest) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	source := r.Device + r.Bind + r.Virtual
	if err := m.fault(ctx, fmt.Sprintf("mount %s at %s", source, path.Join("/", r.Root, r.Point))); err != nil {
		return err
	}
	refuse := func(kind error) error {
		return &machine.MountError{Act: "mount", Source: source, Point: r.Point, Kind: kind}
	}
	point, err := m.find(r.Root, r.Point, true)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return refuse(machine.ErrNoPoint)
	case err != nil:
		return refuse(err)
	case !point.isDir():
		return refuse(machine.ErrPointNotDir)
	}
	mt := storage.Mount{Point: point.path, Type: r.Type, Options: slices.Clone(r.Options), ReadOnly: r.ReadOnly}
	switch {
	case r.Bind != "":
		mt.Type, mt.Bind = "bind", r.Bind
		from, err := m.find("/", r.Bind, true)
		if err != nil {
			return refuse(err)
		}
		m.showsPartOf(from.path, &mt)
	case r.Device != "":
		if err := m.mountDevice(r, &mt); err != nil {
			return refuse(err)
		}
		if t := m.trees[mt.Source]; t != nil && r.Subtree != "" {
			if info, err := fs.Stat(t, r.Subtree); err != nil || !info.IsDir() {
				return refuse(machine.ErrBadContent)
			}
		}
		mt.Root = path.Join(mt.Root, r.Subtree)
	}
	m.attachMount(mt)
	return nil
}

// showsPartOf fills in of which file system a bound tree is a part, as the kernel
// shows it.
func (m *Machine) showsPartOf(p string, mt *storage.Mount) {
	var owner *storage.Mount
	for i := range m.graph.Mounts {
		up := &m.graph.Mounts[i]
		if storage.PathContains(up.Point, p) && (owner == nil || len(up.Point) >= len(owner.Point)) {
			owner = up
		}
	}
	if owner != nil && owner.Source != "" {
		mt.Source, mt.Overlay, mt.Dev = owner.Source, owner.Overlay, owner.Dev
		mt.Root = path.Join("/", owner.Root, strings.TrimPrefix(p, owner.Point))
	}
}

// MountBehind mounts something over whatever is at a point, as another actor of
// the live system would.
func (m *Machine) MountBehind(mt storage.Mount) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.attachMount(mt)
}

func (m *Machine) attachMount(mt storage.Mount) {
	m.lastID++
	m.mountID[len(m.graph.Mounts)] = m.lastID
	m.graph.Mounts = append(m.graph.Mounts, mt)
}

// mountDevice finds the file system on the device and fills what is mounted.
func (m *Machine) mountDevice(r machine.MountRequest, mt *storage.Mount) error {
	d := m.device(r.Device)
	if d == nil {
		return machine.ErrNoSuchDevice
	}
	fsys, ok := on[*storage.FileSystem](m, d)
	if !ok || fsys.Type != r.Type {
		return machine.ErrBadContent
	}
	frozen := d.node.Base().ReadOnly && !d.overlay
	if fsys.Type == "btrfs" && fsys.Is(storage.MemberMissing) && (!slices.Contains(r.Options, "degraded") || fsys.Is(storage.Incomplete) && !r.ReadOnly) {
		return machine.ErrBadContent // "devid 2 uuid … is missing", fs/btrfs/volumes.c
	}
	switch {
	case frozen && !r.ReadOnly:
		return machine.ErrReadOnly
	case frozen && fsys.Is(storage.Dirty) && !noReplay(r.Options):
		return machine.ErrDirty
	case !frozen && !d.shield && m.changes(fsys, r):
		m.wrote("mount %s%s", fsys.ID, mark(r.ReadOnly, " read-only"))
	}
	mt.Source, mt.Root, mt.Overlay, mt.Dev = fsys.ID, "/", d.overlay, d.number
	if fsys.Type == "btrfs" {
		mt.Dev = m.number("btrfs "+string(fsys.ID), 0)
		return m.subvolume(fsys, r.Options, mt)
	}
	return nil
}

// changes: what mounting alone does to the disk (measured; DESIGN.md, 4.1).
func (m *Machine) changes(fsys *storage.FileSystem, r machine.MountRequest) bool {
	return !r.ReadOnly || !noReplay(r.Options) && (fsys.Type == "xfs" || fsys.Is(storage.Dirty))
}

func noReplay(options []string) bool {
	return slices.ContainsFunc(options, func(o string) bool {
		return o == "norecovery" || o == "noload" || o == "nologreplay" || strings.HasPrefix(o, "rescue=")
	})
}

// subvolume finds what of a btrfs is mounted: what the options say, else its
// default.
func (m *Machine) subvolume(fsys *storage.FileSystem, options []string, mt *storage.Mount) error {
	var wanted func(*storage.Subvolume) bool
	if fsys.Default > 5 {
		wanted = func(s *storage.Subvolume) bool { return s.SubvolID == fsys.Default }
	}
	for _, o := range options {
		if p, ok := strings.CutPrefix(o, "subvol="); ok {
			wanted = func(s *storage.Subvolume) bool { return s.Path == strings.Trim(p, "/") }
			if strings.Trim(p, "/") == "" {
				wanted = nil
			}
		}
		if id, ok := strings.CutPrefix(o, "subvolid="); ok {
			wanted = func(s *storage.Subvolume) bool { return strconv.FormatUint(s.SubvolID, 10) == id }
			if id == "5" || id == "0" {
				wanted = nil
			}
		}
	}
	if wanted == nil {
		return nil
	}
	for _, up := range m.graph.Upper(fsys.ID) {
		if s, ok := up.(*storage.Subvolume); ok && wanted(s) {
			mt.Source, mt.Root = s.ID, "/"+s.Path
			return nil
		}
	}
	return machine.ErrBadContent
}

// Unmount unmounts the last mount at point.
func (m *Machine) Unmount(point string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.fault(context.Background(), "unmount "+point); err != nil {
		return err
	}
	refuse := func(kind error) error { return &machine.MountError{Act: "unmount", Point: point, Kind: kind} }
	top := -1
	for i, mt := range m.graph.Mounts {
		if mt.Point == path.Clean(point) {
			top = i
		}
	}
	if top < 0 {
		return refuse(machine.ErrNotMounted)
	}
	for i, mt := range m.graph.Mounts {
		if i > top && mt.Point != path.Clean(point) && storage.PathContains(point, mt.Point) {
			return refuse(machine.ErrBusy)
		}
	}
	m.graph.Mounts = slices.Delete(m.graph.Mounts, top, top+1)
	for i := top; i < len(m.graph.Mounts); i++ {
		m.mountID[i] = m.mountID[i+1]
	}
	return nil
}

// mountinfo is /proc/self/mountinfo (proc(5)).
func (m *Machine) mountinfo() string {
	var b strings.Builder
	b.WriteString("20 1 0:20 / / rw,relatime - rootfs rootfs rw\n")
	for i, mt := range m.graph.Mounts {
		parent, best := 20, ""
		for j, up := range m.graph.Mounts[:i] {
			if storage.PathContains(up.Point, mt.Point) && len(up.Point) >= len(best) {
				parent, best = m.mountID[j], up.Point
			}
		}
		mode := "rw"
		if mt.ReadOnly {
			mode = "ro"
		}
		dev, root, kind, source := m.mountSource(mt)
		fmt.Fprintf(&b, "%d %d %s %s %s %s,relatime - %s %s %s\n", m.mountID[i], parent, dev, escape(root), escape(mt.Point), mode, kind, escape(source), mode)
	}
	return b.String()
}

func (m *Machine) mountSource(mt storage.Mount) (dev storage.Dev, root, kind, source string) {
	if mt.Bind != "" && mt.Source == "" {
		return storage.Dev{Minor: 5}, mt.Bind, "devtmpfs", "devtmpfs"
	}
	if mt.Source == "" {
		return m.number("virtual "+mt.Type, 0), "/", mt.Type, mt.Type
	}
	source = m.graph.OwnPath(mt.Source)
	if mt.Overlay {
		source = m.graph.DevicePath(mt.Source)
	}
	if dev = mt.Dev; dev.IsZero() {
		if d := m.device(source); d != nil {
			dev = d.number
		}
	}
	return dev, path.Join("/", mt.Root), mt.Type, source
}

// escape does as the kernel with blanks and backslashes (fs/proc_namespace.c).
func escape(s string) string { return mangle.Replace(s) }

var mangle = strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`)

// Look gives the tree that the test gave for the file system.
func (m *Machine) Look(ctx context.Context, r machine.MountRequest) (machine.Tree, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.fault(ctx, "look at "+r.Device); err != nil {
		return nil, err
	}
	var mt storage.Mount
	if err := m.mountDevice(r, &mt); err != nil {
		return nil, &machine.MountError{Act: "look at", Source: r.Device, Kind: err}
	}
	if t := m.trees[mt.Source]; t != nil {
		return tree{t}, nil
	}
	return tree{fstest.MapFS{}}, nil
}

// tree is a Tree over a file system of the test.
type tree struct{ fs.FS }

func (t tree) Close() error                               { return nil }
func (t tree) ReadFile(name string) ([]byte, error)       { return fs.ReadFile(t.FS, name) }
func (t tree) ReadLink(name string) (string, error)       { return fs.ReadLink(t.FS, name) }
func (t tree) Lstat(name string) (fs.FileInfo, error)     { return fs.Lstat(t.FS, name) }
func (t tree) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(t.FS, name) }
func (t tree) Stat(name string) (fs.FileInfo, error)      { return fs.Stat(t.FS, name) }

// Tree gives a directory of the live system with what is mounted below it.
func (m *Machine) Tree(root string) (machine.Tree, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.find("/", root, true); err != nil {
		return nil, err
	}
	return tree{rooted{m, root}}, nil
}

// rooted is the live system below a directory, as it is when it is asked.
type rooted struct {
	m    *Machine
	root string
}

func (r rooted) at(op, name string, follow bool) (place, error) {
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	p, err := r.m.find(r.root, name, follow)
	if err == nil && p.tree == nil {
		p.tree, p.name = fstest.MapFS{}, "."
	}
	if err != nil {
		err = &fs.PathError{Op: op, Path: name, Err: err}
	}
	return p, err
}

func (r rooted) Open(name string) (fs.File, error) {
	p, err := r.at("open", name, true)
	if err != nil {
		return nil, err
	}
	return p.tree.Open(p.name)
}

func (r rooted) ReadLink(name string) (string, error) {
	p, err := r.at("readlink", name, false)
	if err != nil {
		return "", err
	}
	return fs.ReadLink(p.tree, p.name)
}

func (r rooted) Lstat(name string) (fs.FileInfo, error) {
	p, err := r.at("lstat", name, false)
	if err != nil {
		return nil, err
	}
	return fs.Lstat(p.tree, p.name)
}
