package system

import (
	"fmt"
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

// virtual adds the kernel's file systems to the mounts.
func (m *mounter) virtual() {
	if m.lines[0].State == Failed {
		return
	}
	for _, v := range virtualMounts {
		if _, own := m.byPoint[v.point]; own || v.efi && !m.req.EFI {
			continue
		}
		l := &Line{Spec: v.typ, File: v.point, Type: v.typ, State: Planned}
		if v.bind != "" {
			l.Spec = v.bind
		}
		m.lines = append(m.lines, l)
		if at := topDir(v.point); at == v.point {
			if _, err := m.inside(v.point); err != nil {
				l.end(Failed, NoPoint, err.Error())
				continue
			}
		} else if i, ok := m.byPoint[at]; !ok || m.lines[i].State == Failed {
			l.end(Failed, Parent, fmt.Sprintf("it lies below %s, which cannot be mounted", at))
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

// build makes the wanted graph: all that the mounts rest on is open, under the
// names of the system's crypttab, and the mounts are there.
func (m *mounter) build() {
	var sources []storage.ID
	for _, mnt := range m.mounts {
		if mnt.Source != "" && !slices.Contains(sources, mnt.Source) {
			sources = append(sources, mnt.Source)
		}
	}
	for _, c := range m.ownVolumes() {
		if c.Open != nil {
			sources = append(sources, c.ID)
		}
	}
	want := Opened(m.base, Way{ReadOnly: m.req.ReadOnly, Overlays: m.req.Overlays, Unlock: m.unlockNames(), Only: sources})
	m.rename(want, sources)
	m.out.Want = want
	for i := range m.mounts {
		m.attach(&m.mounts[i])
	}
	for _, l := range m.lines {
		m.out.Lines = append(m.out.Lines, *l)
	}
	slices.SortStableFunc(m.out.Lines, func(a, b Line) int { return lineOrder(a) - lineOrder(b) })
}

// lineOrder keeps the lines of the file in its order, and the virtual ones last.
func lineOrder(l Line) int {
	if l.Number == 0 && l.File != "/" {
		return 1 << 30
	}
	return l.Number
}

// unlockNames gives each container that is open in what was seen the name under
// which it is to be open.
func (m *mounter) unlockNames() map[storage.ID]string {
	out := map[storage.ID]string{}
	for c := range storage.All[*storage.Crypt](m.seen) {
		if c.Open == nil {
			continue
		}
		if out[c.ID] = m.names.MapName(c.ID); out[c.ID] == "" {
			out[c.ID] = c.Open.Name
		}
	}
	return out
}

// rename gives containers that were open before, under another name, the name
// that the crypttab says: problem 1.
func (m *mounter) rename(want *storage.Graph, sources []storage.ID) {
	for c := range storage.All[*storage.Crypt](want) {
		name := m.names.MapName(c.ID)
		if name == "" || c.Open == nil || c.Open.Name == name {
			continue
		}
		used := slices.Contains(sources, c.ID) || slices.ContainsFunc(sources, func(s storage.ID) bool {
			return slices.ContainsFunc(want.Below(s), func(n storage.Node) bool { return n.Base().ID == c.ID })
		})
		if used {
			c.Open.Name = name
		}
	}
}

// attach puts a mount into the wanted graph. One that is there already keeps the
// way it is mounted.
func (m *mounter) attach(mnt *storage.Mount) {
	if now := m.base.MountAt(mnt.Point); now != nil && m.lines[m.byPoint[m.insideOf(mnt.Point)]].State == Already {
		return
	}
	if mnt.Source != "" && mnt.Bind == "" {
		m.protect(mnt)
	}
	m.out.Want.Mounts = append(m.out.Want.Mounts, *mnt)
}

func (m *mounter) insideOf(point string) string {
	return path.Join("/", point[len(path.Clean(m.req.Target)):])
}

// protect keeps writes from the disk in a read-only mount: devices that are not
// opened read-only are frozen, and a dirty file system is mounted through a
// stand-in, since its journal has to be replayed somewhere.
func (m *mounter) protect(mnt *storage.Mount) {
	if !m.req.ReadOnly || len(m.base.MountsOf(m.top(mnt.Source))) > 0 {
		return
	}
	for _, carrier := range m.carriers(mnt.Source) {
		switch {
		case m.shielded(carrier):
		case m.isDirty(mnt.Source) && m.req.Overlays:
			AddOverlay(carrier)
			mnt.Overlay = true
		default:
			carrier.Base().ReadOnly = true
		}
		if carrier.Base().Overlay != nil {
			mnt.Overlay = true
		}
	}
}

// shielded: what is written to the carrier ends in memory already, because the
// devices below have stand-ins.
func (m *mounter) shielded(carrier storage.Node) bool {
	below := append(m.out.Want.Below(carrier.Base().ID), carrier)
	return slices.ContainsFunc(below, func(n storage.Node) bool { return n.Base().Overlay != nil })
}

func (m *mounter) isDirty(source storage.ID) bool {
	return m.seen.Node(m.top(source)).Base().Is(storage.Dirty)
}

// top gives the file system of a subvolume.
func (m *mounter) top(source storage.ID) storage.ID {
	if sub, ok := m.seen.Node(source).(*storage.Subvolume); ok {
		return sub.On[0]
	}
	return source
}

// carriers gives the devices, in the wanted graph, on which a source lies.
func (m *mounter) carriers(source storage.ID) []storage.Node {
	return m.out.Want.Lower(m.top(source))
}

// ownVolumes gives the containers that the system's crypttab names, but for those
// that it opens with a key that is thrown away.
func (m *mounter) ownVolumes() []*storage.Crypt {
	var out []*storage.Crypt
	for c := range storage.All[*storage.Crypt](m.seen) {
		if e, ok := m.names.entry[c.ID]; ok && !e.RandomKey() && len(e.Options.Destructive()) == 0 {
			out = append(out, c)
		}
	}
	return out
}

// volumes tells what becomes of every container that belongs to the system.
func (m *mounter) volumes() {
	for _, p := range m.names.lost {
		v := Volume{Name: p.Entry.Name, Line: p.Entry.Line, State: VolumeMissing, Text: p.Err.Error()}
		if p.Entry.RandomKey() || len(p.Entry.Options.Destructive()) > 0 {
			v.State, v.Text = VolumeRefused, "it is made anew on every boot, so it holds nothing to mount"
		}
		m.out.Volumes = append(m.out.Volumes, v)
	}
	for c := range storage.All[*storage.Crypt](m.out.Want) {
		e, own := m.names.entry[c.ID]
		if !own && !m.carriesMount(c.ID) {
			continue
		}
		m.out.Volumes = append(m.out.Volumes, m.volume(c, e.Line, e.RandomKey() || len(e.Options.Destructive()) > 0))
	}
	slices.SortStableFunc(m.out.Volumes, func(a, b Volume) int { return a.Line - b.Line })
}

func (m *mounter) volume(c *storage.Crypt, line int, refused bool) Volume {
	v := Volume{ID: c.ID, Name: m.names.MapName(c.ID), Line: line, State: VolumeLocked}
	switch {
	case refused:
		v.State, v.Text = VolumeRefused, "its crypttab line would destroy what it holds"
	case c.Open != nil:
		v.State, v.Name = VolumeOpen, c.Open.Name
	default:
		v.Text = "no key for " + Describe(m.seen, c.ID)
	}
	return v
}

func (m *mounter) carriesMount(id storage.ID) bool {
	for _, mnt := range m.mounts {
		if mnt.Source != "" && slices.ContainsFunc(m.seen.Below(mnt.Source), func(n storage.Node) bool { return n.Base().ID == id }) {
			return true
		}
	}
	return false
}

// risks lists what has to be accepted before the first write.
func (m *mounter) risks() {
	if m.req.ReadOnly {
		return
	}
	seen := map[storage.ID]bool{}
	for _, mnt := range m.mounts {
		if mnt.Source == "" || mnt.ReadOnly && mnt.Bind != "" {
			continue
		}
		for _, n := range append(m.seen.Below(mnt.Source), m.seen.Node(mnt.Source)) {
			if !seen[n.Base().ID] {
				seen[n.Base().ID] = true
				m.riskOf(n)
			}
		}
	}
	for sw := range storage.All[*storage.Swap](m.seen) {
		if sw.Is(storage.Hibernated) && m.usesSwap(sw.ID) {
			m.addRisk(storage.Hibernated, sw.ID, "holds the memory of the hibernated system; mounting its file systems read-write destroys them when it resumes")
		}
	}
}

// usesSwap: the system's own fstab names the swap area.
func (m *mounter) usesSwap(id storage.ID) bool {
	for _, e := range m.sys.Fstab.Entries {
		if e.IsSwap() {
			if got, err := m.names.Source(e); err == nil && got == id {
				return true
			}
		}
	}
	return false
}

func (m *mounter) riskOf(n storage.Node) {
	c := n.Base()
	switch {
	case c.Is(storage.Dirty):
		m.addRisk(storage.Dirty, c.ID, "was not unmounted cleanly; mounting it replays its journal")
	case (c.Is(storage.Degraded) || c.Is(storage.MemberMissing)) && !m.openBefore(c.ID):
		m.addRisk(storage.Degraded, c.ID, "lacks a member; starting it writes that down on the others")
	}
}

func (m *mounter) openBefore(id storage.ID) bool {
	n := m.base.Node(id)
	return n != nil && storage.OpeningOf(n) != nil
}

func (m *mounter) addRisk(h storage.Health, id storage.ID, text string) {
	m.out.Risks = append(m.out.Risks, Risk{h, id, Describe(m.seen, id) + " " + text})
}
