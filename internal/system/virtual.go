package system

import (
	"path"
	"slices"

	"salvor/internal/storage"
)

// virtualMounts is what a chroot needs besides the system's own file systems, in
// the order of DESIGN section 4. The live /dev, /dev/pts and /run are bound, since
// terminals, udev and LVM are found there.
var virtualMounts = []struct {
	point, typ, bind string
	efi              bool
	options          []string
}{
	{point: "/proc", typ: "proc", options: []string{"nosuid", "nodev", "noexec"}},
	{point: "/sys", typ: "sysfs", options: []string{"nosuid", "nodev", "noexec"}},
	{point: "/sys/firmware/efi/efivars", typ: "efivarfs", efi: true, options: []string{"nosuid", "nodev", "noexec"}},
	{point: "/dev", typ: "bind", bind: "/dev"},
	{point: "/dev/pts", typ: "bind", bind: "/dev/pts"},
	{point: "/dev/shm", typ: "tmpfs", options: []string{"nosuid", "nodev", "mode=1777"}},
	{point: "/run", typ: "bind", bind: "/run"},
}

// virtual adds the kernel's file systems to the mounts. The system's directory
// has to be a real one: a link would put the live system's devices elsewhere.
func (m *mounter) virtual() {
	if m.root().Gap() && m.at["/"] == nil {
		return
	}
	for _, v := range virtualMounts {
		if v.efi && !m.req.EFI {
			continue
		}
		l := &Line{Spec: v.typ, File: v.point, Type: v.typ, State: Planned}
		if v.bind != "" {
			l.Spec = v.bind
		}
		m.lines = append(m.lines, l)
		if at := topDir(v.point); at != v.point {
			if m.at[at] == nil {
				m.miss(l, v.point, Parent, "it lies below %s, which cannot be mounted", at)
				continue
			}
		} else if inside, err := m.inside(at); err != nil {
			m.miss(l, v.point, NoPoint, "%v", err)
			continue
		} else if inside != at {
			m.miss(l, v.point, NoPoint, "%s in the system: it is a symbolic link, to %s", at, inside)
			continue
		}
		l.Point = path.Join(m.req.Target, v.point)
		m.add(l, v.point, storage.Mount{Point: l.Point, Under: m.req.Target, Type: v.typ, Bind: v.bind, Options: slices.Clone(v.options)})
	}
}

// topDir is the first directory of a path.
func topDir(p string) string {
	for path.Dir(p) != "/" {
		p = path.Dir(p)
	}
	return p
}
