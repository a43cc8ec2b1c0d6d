package system

import (
	"path"
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// layers are the directories of the system that an overlay merges
// (Documentation/filesystems/overlayfs.rst).
type layers struct {
	lower       []string // the topmost first
	upper, work string
}

func (l layers) all() []string {
	return slices.DeleteFunc(append(slices.Clone(l.lower), l.upper, l.work), func(s string) bool { return s == "" })
}

// overlay fills in the mount of an overlay: its directories are those of the
// system, wherever it is mounted. Where nothing may be written, the upper
// directory is one more lower one, which shows the same files.
func (m *mounter) overlay(l *Line, inside string, mnt *storage.Mount) bool {
	dirs := layersOf(l.entry)
	if len(dirs.lower) == 0 {
		m.miss(l, inside, Garbage, "an overlay without lowerdir=")
		return false
	}
	if mnt.ReadOnly && dirs.upper != "" {
		dirs = layers{lower: append([]string{dirs.upper}, dirs.lower...)}
	}
	for _, list := range [][]string{dirs.lower, {dirs.upper}, {dirs.work}} {
		for i, dir := range list {
			if dir == "" {
				continue
			}
			from, ok := m.fromInside(l, inside, dir)
			if !ok {
				return false
			}
			list[i] = path.Join(m.req.Target, from)
			mnt.Layers = append(mnt.Layers, list[i])
		}
	}
	mnt.Type, mnt.Root = "overlay", ""
	mnt.Options = slices.DeleteFunc(mnt.Options, func(o string) bool {
		name, _, _ := strings.Cut(o, "=")
		return name == "lowerdir" || name == "upperdir" || name == "workdir"
	})
	mnt.Options = append(mnt.Options, layerOptions(mnt.Layers, len(dirs.lower))...)
	return true
}

// layerOptions writes the directories as the kernel reads them: a colon within a
// name has a backslash before it.
func layerOptions(dirs []string, lower int) []string {
	escaped := make([]string, lower)
	for i, dir := range dirs[:lower] {
		escaped[i] = strings.NewReplacer(`\`, `\\`, ":", `\:`).Replace(dir)
	}
	out := []string{"lowerdir=" + strings.Join(escaped, ":")}
	if len(dirs) == lower+2 {
		out = append(out, "upperdir="+dirs[lower], "workdir="+dirs[lower+1])
	}
	return out
}

// network fills in the mount of a network file system. Files that its options
// name are those of the system.
func (m *mounter) network(l *Line, mnt *storage.Mount) {
	mnt.Type, mnt.Root, mnt.Remote = l.entry.Type, "", l.entry.Spec.String()
	if l.entry.Spec.Value != "" {
		mnt.Remote = l.entry.Spec.Value
	}
	for i, o := range mnt.Options {
		name, value, _ := strings.Cut(o, "=")
		if fileOptions[name] && strings.HasPrefix(value, "/") {
			mnt.Options[i] = name + "=" + path.Join(m.req.Target, value)
		}
	}
	mnt.ReadOnly = m.req.ReadOnly || readOnly(l.entry.Options)
}

// fileOptions are options of network file systems that name a file of the system
// (mount.cifs(8), mount.ceph(8), mount.davfs(8)).
var fileOptions = words("credentials cred secretfile conf idsfile IdentityFile")

func layersOf(e fstab.Entry) layers {
	lower, upper, work := e.Overlay()
	return layers{lower, upper, work}
}
