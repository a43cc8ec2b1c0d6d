package rear

import (
	"slices"
	"strings"

	"salvor/internal/storage"
)

const noGroup = "its volume group %s is disabled or in no line that can be read"

// group makes a group of its line and of what layout/lvm/<vg>.cfg says of it.
func (i *importer) group(line *LVMGrp) {
	name := line.VG
	if i.groups[name] != nil {
		return
	}
	g := &group{line: line, lvs: map[string]*storage.LV{}, node: &storage.VG{Name: name}}
	i.groups[name] = g
	if data, ok := i.files.Groups[name]; ok {
		var err error
		if g.config, err = parseVG(data); err != nil {
			i.gaps = append(i.gaps, Gap{What: "volume group " + name, Cause: "its metadata cannot be read: " + err.Error(), File: "lvm/" + name + ".cfg"})
		}
	}
	g.node.Identity = storage.ID("vg:name-" + name)
	if g.config != nil {
		g.node.UUID, g.node.ExtentSize, g.node.Made = g.config.UUID, g.config.Extent, &g.config.Made
		g.node.Identity = storage.ID("vg:" + g.config.UUID)
	}
	i.b.Add(g.node)
}

// pv makes a physical volume. It may come before the line of its group.
func (i *importer) pv(line int, c *LVMDev) {
	carrier := i.need(line, c.Device, c.Name())
	if carrier == nil {
		return
	}
	g := i.groups[c.VG]
	if g == nil {
		i.gap(line, c.Name(), noGroup, c.VG)
		return
	}
	n := &storage.PV{UUID: c.UUID, VG: c.VG}
	var known uint64
	if p := g.pv(c.UUID); p != nil {
		known, n.Made = p.Size, &p.Made
	}
	n.Size = pvSize(c.Size, known, sizeBelow(&i.b, carrier))
	if n.Size == 0 && c.Size != 0 {
		i.gap(line, c.Name(), "whether its size of %d is in bytes or in sectors cannot be told", c.Size)
	}
	n.Identity = storage.ID("pv:" + c.UUID)
	if c.UUID == "" {
		n.Identity = storage.ID("pv-on-" + string(carrier.Base().Identity))
	}
	i.b.Add(n, carrier)
	i.b.Lay(g.node, n)
	g.pvs = append(g.pvs, n)
}

// pv gives what the metadata say of a physical volume, or nil.
func (g *group) pv(uuid string) *pvConfig {
	if g.config == nil {
		return nil
	}
	if at := slices.IndexFunc(g.config.PVs, func(p pvConfig) bool { return p.UUID == uuid }); at >= 0 {
		return &g.config.PVs[at]
	}
	return nil
}

// pvSize gives the bytes of a physical volume whose line says value. ReaR up to 2.7
// writes what "pvdisplay -c" says, which is sectors, below a heading that says
// bytes; later versions write bytes. The metadata of the group know; else the device
// below tells, because nothing has 512 times the size of what lies on it. It is 0
// where neither is known.
func pvSize(value, known, carrier uint64) uint64 {
	switch {
	case known != 0:
		return known
	case carrier == 0 || value > carrier:
		return 0
	case value <= carrier/sector:
		return value * sector
	}
	return value
}

// sizeBelow is the size of n, or else of what it lies on, so far as it lies on one
// thing: a container is little smaller than its device.
func sizeBelow(b *storage.Builder, n storage.Node) uint64 {
	for range 64 {
		low := b.Lower(n)
		if n.Base().Size != 0 || len(low) != 1 {
			break
		}
		n = low[0]
	}
	return n.Base().Size
}

// volume makes a logical volume of its line.
func (i *importer) volume(line int, c *LVMVol) storage.Node {
	g := i.groups[c.VG]
	if g == nil {
		i.gap(line, c.Name(), noGroup, c.VG)
		return nil
	}
	if g.node.ExtentSize == 0 {
		g.node.ExtentSize = g.line.ExtentKiB << 10
	}
	n := called(&storage.LV{VG: c.VG, Name: c.LV, Layout: volumeLayout(c.Layout)}, c.Name(), c.Size)
	if c.Extents > 0 {
		n.Size = c.Extents * g.node.ExtentSize
	}
	n.Identity = storage.ID("lv:name-" + strings.TrimPrefix(c.Name(), "/dev/mapper/"))
	n.Open = &storage.Opening{}
	if v := g.volume(c.LV); v != nil {
		n.UUID, n.Made, n.Layout = v.UUID, &v.Made, v.Layout
		n.Identity = storage.ID("lv:" + v.UUID)
	} else {
		n.Made = made(c, g.node.ExtentSize)
	}
	i.addVolume(g, n)
	return n
}

func (i *importer) addVolume(g *group, n *storage.LV) {
	g.lvs[n.Name] = n
	i.b.Add(n)
	i.fixes = append(i.fixes, func() { n.Group = g.node.ID })
}

func (g *group) volume(name string) *lvConfig {
	if g.config == nil {
		return nil
	}
	if at := slices.IndexFunc(g.config.Volumes, func(v lvConfig) bool { return v.Name == name }); at >= 0 {
		return &g.config.Volumes[at]
	}
	return nil
}

// made is how a volume was made, as far as its line says.
func made(c *LVMVol, extent uint64) *storage.LVMade {
	s := storage.LVSegment{Type: volumeLayout(c.Layout)}
	if extent > 0 {
		s.Extents = c.Size / extent
	}
	for _, kv := range c.Options {
		key, value, _ := strings.Cut(kv, ":")
		switch key {
		case "thinpool":
			s.Pool = value
		case "chunksize":
			s.ChunkSize = bytesOf(value)
		case "stripesize":
			s.StripeSize = bytesOf(value)
		}
	}
	return &storage.LVMade{Segments: []storage.LVSegment{s}}
}

// volumeLayout is the type of a segment behind lvs's lv_layout: the last word says
// most, but for pools and thin volumes.
func volumeLayout(list string) string {
	words := strings.Split(list, ",")
	switch last := words[len(words)-1]; {
	case list == "thin,sparse":
		return "thin"
	case last == "pool":
		return words[0] + "-pool"
	case last == "RAID_UNKNOWNTYPE":
		return ""
	default:
		return last
	}
}

// closeGroups makes the volumes that only the metadata know, and lays volumes on what
// they take their extents from.
func (i *importer) closeGroups() {
	for _, name := range sortedKeys(i.groups) {
		g := i.groups[name]
		if g.node.ExtentSize == 0 {
			g.node.ExtentSize = g.line.ExtentKiB << 10
		}
		for at := range g.hidden() {
			v := &g.config.Volumes[at]
			n := &storage.LV{VG: name, Name: v.Name, UUID: v.UUID, Layout: v.Layout, Internal: !v.Visible, Made: &v.Made}
			n.Size, n.Identity = v.Extents*g.config.Extent, storage.ID("lv:"+v.UUID)
			i.addVolume(g, n)
		}
		for _, lv := range sortedKeys(g.lvs) {
			i.layVolume(g, g.lvs[lv])
		}
	}
}

// hidden yields the indices of volumes that have no line of their own: hidden parts,
// and snapshots, which ReaR leaves out. What is disabled stays out.
func (g *group) hidden() func(func(int) bool) {
	return func(yield func(int) bool) {
		if g.config == nil {
			return
		}
		for at, v := range g.config.Volumes {
			isPart := !v.Visible || v.Origin != "" || strings.HasSuffix(v.Layout, "-pool")
			if g.lvs[v.Name] == nil && isPart && v.UUID != "" && !yield(at) {
				return
			}
		}
	}
}

func (i *importer) layVolume(g *group, n *storage.LV) {
	for _, s := range n.Made.Segments {
		for _, a := range slices.Concat(s.Areas, s.Meta) {
			i.layOn(g, n, a.LV)
			for _, pv := range g.pvs {
				if pv.Identity == a.PV {
					i.b.Lay(n, pv)
				}
			}
		}
		for _, name := range []string{s.Data, s.Metadata, s.Pool, s.Origin} {
			if name != s.Origin || s.Type != "thin" {
				i.layOn(g, n, name)
			}
		}
		i.refer(g, n, s)
	}
	if len(i.b.Lower(n)) == 0 { // no metadata: it is on one of them, or on several
		for _, pv := range g.pvs {
			i.b.Lay(n, pv)
		}
	}
}

// refer notes the pool and the origin of a volume.
func (i *importer) refer(g *group, n *storage.LV, s storage.LVSegment) {
	if pool := g.lvs[s.Pool]; pool != nil && s.Type != "cache" {
		i.fixes = append(i.fixes, func() { n.Pool = pool.ID })
	}
	v := g.volume(n.Name)
	if v == nil || v.Layout != "snapshot" && v.Layout != "thin" {
		return
	}
	if origin := g.lvs[v.Origin]; origin != nil {
		if v.Layout == "snapshot" {
			i.b.Lay(n, origin)
		}
		i.fixes = append(i.fixes, func() { n.Origin = origin.ID })
	}
}

func (i *importer) layOn(g *group, n *storage.LV, name string) {
	if low := g.lvs[name]; low != nil && low != n {
		i.b.Lay(n, low)
	}
}
