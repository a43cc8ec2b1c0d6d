package rear

import (
	"slices"
	"strings"

	"salvor/internal/storage"
)

// autoPath is AUTOEXCLUDE_PATH of ReaR's default.conf: file systems below these are
// left out.
var autoPath = []string{"/media", "/run", "/mnt", "/tmp"}

// exclude disables what ReaR leaves out by itself (layout/save/default/320_autoexclude.sh):
// file systems below some directories, and disks that no mounted file system and no
// swap area rests on, with all that rests on them.
func (e *exporter) exclude() {
	left := map[string]bool{}
	for _, m := range e.mounts {
		if belowAny(m.Point, autoPath) {
			left["fs:"+escapeFindmnt(m.Point)] = true
		}
	}
	e.disable(func(c Component) bool { return left[c.Name()] || e.belowLeft(c, left) })
	unused := e.unused()
	e.disable(func(c Component) bool {
		if fs, ok := c.(*FS); ok {
			return unused[e.owner[fs]]
		}
		return unused[e.owner[c]]
	})
}

func (e *exporter) disable(when func(Component) bool) {
	for i := range e.out.Lines {
		l := &e.out.Lines[i]
		if l.Component != nil && l.Component.Name() != "" && when(l.Component) {
			l.Disabled = true
		}
	}
}

// belowAny reports whether p lies below one of dirs, and is none of them.
func belowAny(p string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return strings.HasPrefix(p, d+"/") })
}

// belowLeft tells what is mounted below a file system that is left out.
func (e *exporter) belowLeft(c Component, left map[string]bool) bool {
	var point string
	switch c := c.(type) {
	case *FS:
		point = c.Mountpoint
	case *BtrfsMounted:
		point = c.Mountpoint
	default:
		return false
	}
	for name := range left {
		if strings.HasPrefix(point, strings.TrimPrefix(name, "fs:")+"/") {
			return true
		}
	}
	return false
}

// unused gives the disks that nothing in use rests on, and all that rests on them.
func (e *exporter) unused() map[storage.ID]bool {
	used := map[storage.ID]bool{}
	for _, l := range e.out.Lines {
		switch c := l.Component.(type) {
		case *FS, *Swap:
			if !l.Disabled {
				for _, n := range e.g.Below(e.owner[c]) {
					used[n.Base().ID] = true
				}
			}
		}
	}
	out := map[storage.ID]bool{}
	for _, l := range e.out.Lines {
		switch c := l.Component.(type) {
		case *Disk, *Multipath:
			id := e.owner[c]
			if used[id] {
				continue
			}
			e.leave(id, out)
		}
	}
	return out
}

// leave marks a node and all that rests on it. The volumes of a group rest on it, even
// those whose extents are elsewhere.
func (e *exporter) leave(id storage.ID, out map[storage.ID]bool) {
	if out[id] {
		return
	}
	out[id] = true
	for _, n := range e.g.Upper(id) {
		e.leave(n.Base().ID, out)
	}
	if _, isGroup := e.g.Node(id).(*storage.VG); isGroup {
		for _, n := range e.volumesOf(id) {
			e.leave(n.ID, out)
		}
	}
}
