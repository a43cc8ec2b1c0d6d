package layout

import (
	"fmt"
	"slices"
	"strings"

	"salvor/internal/storage"
)

// Graph gives the layout as a graph: its nodes under their IDs, closed, with the names
// that they had, and what was mounted. An error names what refers to what is not there;
// Validate finds all of it, with lines.
func (l *Layout) Graph() (*storage.Graph, error) {
	s := copied(&l.Storage, unescapeBytes)
	b := &unfolder{}
	for i := range s.Disks {
		b.disk(&s.Disks[i])
	}
	for i := range s.Multipaths {
		b.multipath(&s.Multipaths[i])
	}
	for i := range s.Arrays {
		b.array(&s.Arrays[i])
	}
	for i := range s.Crypts {
		b.crypt(&s.Crypts[i])
	}
	for i := range s.CacheSets {
		n := &s.CacheSets[i]
		b.add(&n.Node, &storage.BcacheSet{UUID: n.UUID, Made: pointer(n.BcacheMade)}, n.LiesOn...)
	}
	for i := range s.Bcaches {
		n := &s.Bcaches[i]
		b.add(&n.Node, &storage.Bcache{UUID: n.UUID, Label: n.Label, Made: pointer(n.BcacheMade)}, n.LiesOn, n.Set)
	}
	b.lvm(s)
	for i := range s.FileSystems {
		b.fileSystem(&s.FileSystems[i])
	}
	for i := range s.Swaps {
		n := &s.Swaps[i]
		b.add(&n.Node, &storage.Swap{UUID: n.UUID, Label: n.Label, Active: n.Active, Made: pointer(n.SwapMade)}, n.LiesOn)
	}
	for i := range s.Others {
		b.other(&s.Others[i])
	}
	g, err := storage.NewGraph(b.nodes, graphMounts(s, copied(l.Mounts, unescapeBytes)), nil)
	if err != nil {
		return nil, fmt.Errorf("cannot make a graph of the layout: %w", err)
	}
	return g, nil
}

// unfolder collects the nodes of a layout.
type unfolder struct{ nodes []storage.Node }

func (b *unfolder) add(from *Node, n storage.Node, on ...storage.ID) {
	b.lay(from.ID, from.Identity, n, on...)
	c := n.Base()
	c.Size = uint64(from.Size)
	if from.Device != "" {
		c.AddName(from.Device, originOf(from.Device))
	}
	b.table(from)
}

func (b *unfolder) lay(id, identity storage.ID, n storage.Node, on ...storage.ID) {
	c := n.Base()
	c.ID, c.Identity = id, identity
	if identity == "" {
		c.Identity = id
	}
	on = slices.DeleteFunc(slices.Clone(on), func(id storage.ID) bool { return id == "" })
	slices.Sort(on)
	if on = slices.Compact(on); len(on) > 0 {
		c.On = on
	}
	b.nodes = append(b.nodes, n)
}

func originOf(device string) storage.Origin {
	if strings.HasPrefix(device, "/dev/mapper/") {
		return storage.FromDM
	}
	return storage.FromKernel
}

func (b *unfolder) table(from *Node) {
	t := from.Table
	if t == nil {
		return
	}
	b.lay(t.ID, t.Identity, &storage.Table{
		Format: t.Format, UUID: t.UUID, Made: pointer(t.TableMade),
	}, from.ID)
	for i := range t.Partitions {
		p := &t.Partitions[i]
		bits, _ := attributeMask(p.Attributes)
		b.add(&p.Node, &storage.Partition{
			Number: p.Number, Start: uint64(p.Start), Type: p.Type, UUID: p.UUID, Label: p.Label, Attributes: bits,
			Active: p.Active, Extended: p.Extended, Logical: p.Logical,
		}, t.ID)
	}
}

func (b *unfolder) disk(d *Disk) {
	n := &storage.Disk{
		Model: d.Model, Serial: d.Serial, WWN: d.WWN, Transport: d.Transport, SectorSize: d.SectorSize,
		PhysicalSector: d.PhysicalSector, Rotational: d.Rotational, Removable: d.Removable,
	}
	b.add(&d.Node, n)
	for _, link := range d.Links {
		n.AddName(link, storage.FromUdev)
	}
}

func (b *unfolder) multipath(m *Multipath) {
	n := &storage.Multipath{WWID: m.WWID}
	if m.Alias != "" {
		n.AddName(storage.DMPath(m.Alias), storage.FromDM)
	}
	b.add(&m.Node, n, m.LiesOn...)
}

func (b *unfolder) array(a *Array) {
	n := &storage.MD{
		UUID: a.UUID, Name: a.Name, Level: a.Level, Metadata: a.Metadata, RaidDisks: a.Devices,
		Made: pointer(a.MDMade),
	}
	var on []storage.ID
	for _, m := range a.Members {
		on = append(on, m.LiesOn)
		if m.Role != "" {
			n.Members = append(n.Members, storage.MDMember{ID: m.LiesOn, Role: m.Role, WriteMostly: m.WriteMostly, Failfast: m.Failfast})
		}
	}
	b.add(&a.Node, n, on...)
	if _, name, _ := strings.Cut(":"+a.Name, ":"); name != "" { // the host that stands before it does not count
		n.AddName("/dev/md/"+name[strings.LastIndex(name, ":")+1:], storage.FromMetadata)
	}
}

func (b *unfolder) crypt(c *Crypt) {
	n := &storage.Crypt{Format: c.Format, UUID: c.UUID, Label: c.Label, Cipher: c.Cipher, Terms: c.Terms, Header: c.Header}
	if c.Header != nil {
		for _, s := range c.Header.Slots {
			n.Keyslots = append(n.Keyslots, fmt.Sprintf("%d:%s", s.Slot, s.KDF))
		}
		for _, t := range c.Header.Tokens {
			n.Tokens = append(n.Tokens, fmt.Sprintf("%d:%s", t.Token, t.Type))
		}
	}
	if c.Format != "plain" {
		n.Mark(storage.Locked)
	}
	b.add(&c.Node, n, c.LiesOn)
	if c.Name != "" {
		// It comes after the hint, which may be the same path.
		n.Names = append(n.Names, storage.Name{Path: storage.DMPath(c.Name), Origin: storage.FromCrypttab})
	}
}

func (b *unfolder) lvm(s *Storage) {
	size := map[storage.ID]uint64{}
	for i := range s.PVs {
		p := &s.PVs[i]
		n := &storage.PV{UUID: p.UUID, VG: p.Group, Made: pointer(p.PVMade)}
		if p.LiesOn == "" {
			n.Mark(storage.Missing)
		}
		b.add(&p.Node, n, p.LiesOn)
		size[p.ID] = uint64(p.Size)
	}
	for i := range s.Groups {
		g := &s.Groups[i]
		n := &storage.VG{UUID: g.UUID, Name: g.Name, ExtentSize: uint64(g.Extent), Made: pointer(g.VGMade)}
		for _, id := range g.LiesOn {
			n.Size += size[id]
		}
		b.lay(g.ID, g.Identity, n, g.LiesOn...)
		for j := range g.Volumes {
			b.volume(g, &g.Volumes[j])
		}
	}
}

func (b *unfolder) volume(g *Group, v *Volume) {
	n := &storage.LV{
		UUID: v.UUID, VG: g.Name, Name: v.Name, Layout: v.Layout, Group: g.ID, Origin: v.Origin, Pool: v.Pool,
		Internal: v.Internal, Made: pointer(v.LVMade),
	}
	b.add(&v.Node, n, v.LiesOn...)
	if !v.Internal {
		n.AddName("/dev/"+g.Name+"/"+v.Name, storage.FromMetadata)
	}
}

func (b *unfolder) fileSystem(f *FileSystem) {
	b.add(&f.Node, &storage.FileSystem{
		Type: f.Type, UUID: f.UUID, Label: f.Label, Devices: f.Devices, Default: f.Default,
		Ext: f.Ext, XFS: f.XFS, Btrfs: f.Btrfs, FAT: f.FAT, Plain: f.Plain,
	}, f.LiesOn...)
	for _, s := range f.Subvolumes {
		b.lay(s.ID, s.Identity, &storage.Subvolume{
			SubvolID: s.Number, Path: s.Path, UUID: s.UUID, ParentUUID: s.SnapshotOf, Frozen: s.ReadOnly, NoCOW: s.NoCOW,
		}, f.ID)
	}
}

func (b *unfolder) other(o *Other) {
	if o.Format == unknownMap {
		b.add(&o.Node, &storage.Disk{Transport: unknownMap}, o.LiesOn...)
		return
	}
	b.add(&o.Node, &storage.Opaque{Format: o.Format, UUID: o.UUID, Label: o.Label}, o.LiesOn...)
}
