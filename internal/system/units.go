package system

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// MountUnit is a mount or swap unit of the system's systemd.
type MountUnit struct {
	*fstab.Unit
	File    string // absolute path in the system
	Vendor  bool   // it is the distribution's, not the administrator's
	Enabled bool   // something that starts at boot wants it
	Err     error  // systemd refuses it; Unit is nil then
}

// unitDirs are searched in this order: a unit in the first hides one of the same
// name in the others (systemd.unit(5), "Unit File Load Path").
var unitDirs = []struct {
	dir    string
	vendor bool
}{{"etc/systemd/system", false}, {"usr/lib/systemd/system", true}, {"lib/systemd/system", true}}

// maxUnits bounds how many unit files are read.
const maxUnits = 4096

// readUnits reads the mount and swap units of a system.
func readUnits(tree, usr fs.FS) []MountUnit {
	r := &unitReader{tree: tree, usr: usr, seen: map[string]bool{}, wanted: map[string]bool{}}
	for _, d := range unitDirs {
		r.findWanted(d.dir)
	}
	for _, d := range unitDirs {
		for _, name := range r.list(d.dir) {
			if ext := path.Ext(name); (ext == ".mount" || ext == ".swap") && !r.seen[name] && len(r.out) < maxUnits {
				r.seen[name] = true
				r.read(d.dir, name, d.vendor)
			}
		}
	}
	return r.out
}

type unitReader struct {
	tree, usr fs.FS
	seen      map[string]bool
	wanted    map[string]bool
	out       []MountUnit
}

// at gives the tree that holds a path, and the path in it: /usr may be apart.
func (r *unitReader) at(name string) (fs.FS, string) {
	if below, ok := strings.CutPrefix(name, "usr/"); ok && r.usr != nil {
		return r.usr, below
	}
	return r.tree, name
}

func (r *unitReader) list(dir string) []string {
	tree, at := r.at(dir)
	entries, err := fs.ReadDir(tree, at)
	if err != nil {
		return nil
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// findWanted notes what the links in *.wants and *.requires pull in. An automount
// stands for its mount.
func (r *unitReader) findWanted(dir string) {
	for _, sub := range r.list(dir) {
		if ext := path.Ext(sub); ext != ".wants" && ext != ".requires" {
			continue
		}
		for _, name := range r.list(path.Join(dir, sub)) {
			if base, ok := strings.CutSuffix(name, ".automount"); ok {
				name = base + ".mount"
			}
			r.wanted[name] = true
		}
	}
}

// read reads a unit and its drop-ins. A masked one is none.
func (r *unitReader) read(dir, name string, vendor bool) {
	file := path.Join(dir, name)
	tree, at := r.at(file)
	if to, err := fs.ReadLink(tree, at); err == nil && path.Clean(to) == "/dev/null" {
		return
	}
	u := MountUnit{File: "/" + file, Vendor: vendor, Enabled: r.wanted[name]}
	data, err := readSmall(tree, at)
	if err == nil {
		parse := fstab.ParseMountUnit
		if path.Ext(name) == ".swap" {
			parse = fstab.ParseSwapUnit
		}
		u.Unit, err = parse(name, append([][]byte{data}, r.dropIns(name)...)...)
	}
	if errors.Is(err, fstab.ErrMasked) {
		return
	}
	u.Err = err
	r.out = append(r.out, u)
}

// dropIns gives the drop-ins of a unit in the order of their names, in which one
// of the administrator's hides one of the distribution's.
func (r *unitReader) dropIns(unit string) [][]byte {
	files := map[string]string{}
	var names []string
	for _, d := range unitDirs {
		for _, name := range r.list(path.Join(d.dir, unit+".d")) {
			if _, hidden := files[name]; !hidden && path.Ext(name) == ".conf" {
				files[name] = path.Join(d.dir, unit+".d", name)
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	var out [][]byte
	for _, name := range names {
		tree, at := r.at(files[name])
		if data, err := readSmall(tree, at); err == nil {
			out = append(out, data)
		}
	}
	return out
}

// unitWishes gives the lines of the units: the administrator's, or the
// distribution's. What a distribution brings and nothing wants, or shows the
// kernel, is nobody's line.
func (s *System) unitWishes(vendor bool) []wish {
	var out []wish
	for _, u := range s.Units {
		if u.Vendor != vendor || u.Unit == nil || vendor && (!u.Enabled || isKernel(u.Entry)) {
			continue
		}
		w := wish{Entry: u.Entry, from: storage.Printable(u.File)}
		w.Line = 0
		if !u.Enabled && !w.Options.NoAuto() {
			w.Options = append(slices.Clone(w.Options), fstab.Option{Name: "noauto"})
		}
		out = append(out, w)
	}
	return out
}

// refusedUnits makes lines of the units that systemd refuses.
func (m *mounter) refusedUnits() {
	for _, u := range m.sys.Units {
		if u.Err != nil && (u.Enabled || !u.Vendor) {
			l := &Line{From: storage.Printable(u.File), Spec: "?", File: "?"}
			l.end(Failed, Garbage, "%s", fmt.Sprint(u.Err))
			m.lines = append(m.lines, l)
		}
	}
}
