package system

import (
	"path"
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// containerDirs are where the roots of containers lie in a system, each a subvolume
// or a file system below (docs/tables.md).
var containerDirs = []struct{ dir, what string }{
	{"var/lib/machines", "the root of a container of systemd-nspawn"},
	{"var/lib/portables", "the image of a portable service"},
	{"var/lib/docker", "a layer of a Docker container"},
	{"var/lib/containers/storage", "a layer of a Podman container"},
	{".local/share/containers/storage", "a layer of a Podman container"},
	{"var/lib/lxc", "the root of an LXC container"},
	{".local/share/lxc", "the root of an LXC container"},
	{"var/lib/lxd", "the root of an LXD container"},
	{"var/snap/lxd", "the root of an LXD container"},
	{"var/lib/incus", "the root of an Incus container"},
	{"btrfs/subvolumes", "a layer of a Docker or Podman container"},
}

// containerAt tells by a path in a system, or from the top of a btrfs, that it is
// the root of a container; "" for any other.
func containerAt(p string) string {
	for _, c := range containerDirs {
		// A subvolume of its own for /var is often called "@var".
		if _, below, ok := strings.Cut("/"+strings.ReplaceAll("/"+p, "/@", "/"), "/"+c.dir+"/"); ok && below != "" {
			return c.what
		}
	}
	return ""
}

// isContainer says of a subvolume whose path tells what it is, without a look.
func (f *finder) isContainer(sub *storage.Subvolume) bool {
	what := containerAt(sub.Path)
	if what != "" {
		f.add(Finding{Root: sub.ID, Class: Container, Cause: what + ", not an installed system"})
	}
	return what != ""
}

// tellContainers takes out of the systems those that lie within another one where
// no system is installed, and the snapshots of these.
func (f *finder) tellContainers() {
	out := map[storage.ID]bool{}
	for i := range f.out {
		x := &f.out[i]
		if x.System == nil || x.System.SnapshotOf != "" || x.System.Dir != "" || x.System.Running {
			continue
		}
		if what := f.withinOther(x.Root); what != "" {
			out[x.Root] = true
			*x = Finding{Root: x.Root, Class: Container, Cause: what + " (" + x.System.Name + "), not an installed system"}
		}
	}
	for i := range f.out {
		if x := &f.out[i]; x.System != nil && out[x.System.SnapshotOf] {
			*x = Finding{Root: x.Root, Class: Container, SnapshotOf: x.System.SnapshotOf, Snapshot: x.System.Snapshot,
				Cause: "a snapshot of the root of a container (" + x.System.Name + "), not an installed system"}
		}
	}
}

// withinOther says what a root is by where it is in another system: a subvolume
// inside it, or something that its fstab mounts.
func (f *finder) withinOther(root storage.ID) string {
	sub, nested := f.g.Node(root).(*storage.Subvolume)
	for _, x := range f.out {
		if x.System == nil || x.Root == root || x.System.SnapshotOf != "" {
			continue
		}
		for _, at := range f.pathsIn(x.System, root, sub, nested) {
			if what := containerAt(at); what != "" {
				return what
			}
			if nested && belongsToUsers(at) {
				return "a system inside /" + at + " of another one, such as a container or a chroot"
			}
		}
	}
	return ""
}

// belongsToUsers: systems are not installed below these directories of another.
func belongsToUsers(p string) bool {
	top, below, _ := strings.Cut(p, "/")
	return slices.Contains([]string{"home", "var", "srv", "root", "opt"}, top) && below != ""
}

// pathsIn gives where in a system a root would be found.
func (f *finder) pathsIn(s *System, root storage.ID, sub *storage.Subvolume, nested bool) []string {
	var out []string
	inside := func(top *storage.Subvolume, point string) {
		if !nested || top == nil || top == sub || top.On[0] != sub.On[0] || !storage.PathContains("/"+top.Path, "/"+sub.Path) {
			return
		}
		// Where the top of a btrfs is mounted to get at its subvolumes, these are
		// beside the system and not in it.
		if top.Path == "" && top.ID != s.Root && point != "/home" && point != "/var" {
			return
		}
		out = append(out, strings.TrimPrefix(path.Join(point, strings.TrimPrefix(sub.Path, top.Path)), "/"))
	}
	own, _ := f.g.Node(s.Root).(*storage.Subvolume)
	inside(own, "/")
	for _, e := range f.linesOf(s) {
		top, _ := f.g.Node(e.source).(*storage.Subvolume)
		inside(top, e.point)
		if e.source == root && e.point != "/" {
			out = append(out, strings.TrimPrefix(e.point, "/"))
		}
	}
	return out
}

// resolvedLine is where a line of an fstab mounts what.
type resolvedLine struct {
	point  string
	source storage.ID
}

// linesOf resolves a system's fstab, once.
func (f *finder) linesOf(s *System) []resolvedLine {
	if lines, done := f.lines[s.Place()]; done || s.Fstab == nil {
		return lines
	}
	r := newResolver(f.ix, s)
	var out []resolvedLine
	for _, e := range s.Fstab.Entries {
		if e.IsSwap() || e.IsBind() || e.Spec.Kind == fstab.Virtual {
			continue
		}
		if id, err := r.Source(e); err == nil {
			out = append(out, resolvedLine{path.Clean("/" + e.File), id})
		}
	}
	f.lines[s.Place()] = out
	return out
}
