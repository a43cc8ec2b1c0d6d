package system

import (
	"salvor/internal/fstab"
)

// deploy adds what ostree mounts besides the fstab: the whole root at /sysroot,
// the /var that all deployments share, /boot if it lies on the root, and /usr as
// something that nothing may be written to (ostree-prepare-root(1)).
func (m *mounter) deploy(first map[string]*Line) {
	d := m.sys.Deployment
	if d == nil {
		return
	}
	if o := m.root().entry.Options; readOnly(o) {
		// It is for the composefs that the booting system has at /, and would take
		// /etc and /var along here.
		m.root().entry.Options = o.Without("ro")
		m.root().note("the ro of its fstab line is left out: /etc and /var lie on it, and /usr is read-only anyway")
	}
	whole := &Line{From: FromOSTree, Spec: string(m.sys.Root), File: "/sysroot", State: Planned, Source: m.sys.Root,
		entry: fstab.Entry{File: "/sysroot", Type: "auto", Options: m.root().entry.Options}}
	m.addDeployed(whole, first)
	m.addDeployed(bound("/sysroot/"+d.varDir(), "/var", ""), first)
	if t := m.tree(m.sys.Root); t.tree != nil && isLink(t.tree, "boot/loader") {
		m.addDeployed(bound("/sysroot/boot", "/boot", ""), first)
	}
	m.addDeployed(bound("/usr", "/usr", "ro"), first)
}

func (m *mounter) addDeployed(l *Line, first map[string]*Line) {
	if first[l.File] == nil { // what the fstab says comes first
		first[l.File] = l
		m.lines = append(m.lines, l)
	}
}

// bound makes the line that shows a directory of the system at another place.
func bound(from, at, option string) *Line {
	o := fstab.Options{{Name: "bind"}}
	if option != "" {
		o = append(o, fstab.Option{Name: option})
	}
	e := fstab.Entry{Spec: fstab.ParseSpec(from), File: at, Type: "none", Options: o}
	return &Line{From: FromOSTree, Spec: from, File: at, Type: "none", State: Planned, entry: e}
}
