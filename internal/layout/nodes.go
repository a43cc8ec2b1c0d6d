package layout

import (
	"cmp"
	"maps"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// storage sorts the nodes of the machine into the lists.
func (c *capture) storage() Storage {
	var s Storage
	for n := range c.kept {
		if c.isOdd(n) {
			s.Others = append(s.Others, c.odd(n))
			continue
		}
		switch n := n.(type) {
		case *storage.Disk:
			s.Disks = append(s.Disks, c.disk(n))
		case *storage.Multipath:
			s.Multipaths = append(s.Multipaths, Multipath{Node: c.node(n), WWID: n.WWID, Alias: mapAlias(n), LiesOn: n.On})
		case *storage.MD:
			s.Arrays = append(s.Arrays, c.array(n))
		case *storage.Crypt:
			s.Crypts = append(s.Crypts, c.crypt(n))
		case *storage.BcacheSet:
			s.CacheSets = append(s.CacheSets, CacheSet{Node: c.node(n), LiesOn: n.On, UUID: n.UUID, BcacheMade: value(n.Made)})
		case *storage.Bcache:
			s.Bcaches = append(s.Bcaches, c.bcache(n))
		case *storage.PV:
			s.PVs = append(s.PVs, PV{Node: c.node(n), LiesOn: first(n.On), UUID: n.UUID, Group: n.VG, PVMade: value(n.Made)})
		case *storage.VG:
			s.Groups = append(s.Groups, c.group(n))
		case *storage.FileSystem:
			s.FileSystems = append(s.FileSystems, c.fileSystem(n))
		case *storage.Swap:
			s.Swaps = append(s.Swaps, Swap{Node: c.node(n), LiesOn: first(n.On), UUID: n.UUID, Label: n.Label, Active: n.Active, SwapMade: value(n.Made)})
		case *storage.Opaque:
			s.Others = append(s.Others, Other{Node: c.node(n), LiesOn: n.On, Format: n.Format, UUID: n.UUID, Label: n.Label})
		case *storage.Table, *storage.Partition, *storage.LV, *storage.Subvolume: // stand in what they are part of
		default:
			s.Others = append(s.Others, c.odd(n))
		}
	}
	return s
}

// isOdd tells nodes whose place in the stack their list cannot express. None is made by
// what a probe sees on a sound machine, but for maps of unknown purpose.
func (c *capture) isOdd(n storage.Node) bool {
	on := n.Base().On
	switch n := n.(type) {
	case *storage.Image:
		return true
	case *storage.Disk:
		return len(on) > 0
	case *storage.Table:
		return len(on) != 1 || c.tableOn(on[0]) != n
	case *storage.Partition:
		table, ok := c.g.Node(first(on)).(*storage.Table)
		return !ok || len(on) != 1 || c.isOdd(table)
	case *storage.LV:
		_, ok := c.g.Node(n.Group).(*storage.VG)
		return !ok || c.left[n.Group] != ""
	case *storage.Crypt, *storage.PV, *storage.Swap:
		return len(on) > 1
	case *storage.Bcache:
		backing, set := c.bcacheOn(n)
		return len(backing) > 1 || len(set) > 1
	case *storage.Subvolume:
		_, ok := c.g.Node(first(on)).(*storage.FileSystem)
		return !ok || len(on) != 1
	}
	return false
}

// unknownMap is the format of a device-mapper device of unknown purpose in Others.
const unknownMap = "dm"

func (c *capture) odd(n storage.Node) Other {
	out := Other{Node: c.node(n), LiesOn: n.Base().On, Format: string(n.Kind())}
	if d, ok := n.(*storage.Disk); ok && d.Transport == unknownMap {
		out.Format = unknownMap
	}
	return out
}

// tableOn gives the partition table on a node, of several the first, or nil.
func (c *capture) tableOn(id storage.ID) *storage.Table {
	switch c.g.Node(id).(type) {
	case *storage.Table, *storage.VG, *storage.Subvolume:
		return nil
	}
	for _, up := range c.g.Upper(id) {
		if t, ok := up.(*storage.Table); ok && len(t.On) == 1 {
			return t
		}
	}
	return nil
}

func (c *capture) node(n storage.Node) Node {
	b := n.Base()
	return Node{ID: b.ID, Identity: otherIdentity(b), Device: b.Path(), Size: Size(b.Size), Table: c.table(b.ID)}
}

// otherIdentity is the identity of a twin.
func otherIdentity(b *storage.Common) storage.ID {
	if b.Identity == b.ID {
		return ""
	}
	return b.Identity
}

func (c *capture) table(carrier storage.ID) *Table {
	t := c.tableOn(carrier)
	if t == nil {
		return nil
	}
	out := &Table{ID: t.ID, Identity: otherIdentity(&t.Common), Format: t.Format, UUID: t.UUID, TableMade: value(t.Made)}
	for _, up := range c.g.Upper(t.ID) {
		if p, ok := up.(*storage.Partition); ok && !c.isOdd(p) {
			out.Partitions = append(out.Partitions, Partition{
				Number: p.Number, Node: c.node(p), Start: Size(p.Start), Type: p.Type, UUID: p.UUID, Label: p.Label,
				Attributes: attributeNames(p.Attributes), Active: p.Active, Extended: p.Extended, Logical: p.Logical,
			})
		}
	}
	return out
}

func (c *capture) disk(n *storage.Disk) Disk {
	out := Disk{
		Node: c.node(n), Model: n.Model, Serial: n.Serial, WWN: n.WWN, Transport: n.Transport,
		SectorSize: n.SectorSize, PhysicalSector: n.PhysicalSector, Rotational: n.Rotational, Removable: n.Removable,
	}
	for _, name := range n.Names {
		if dir := path.Dir(name.Path); name.Origin == storage.FromUdev && (dir == "/dev/disk/by-id" || dir == "/dev/disk/by-path") {
			out.Links = append(out.Links, name.Path)
		}
	}
	return out
}

// mapAlias is the name of the map of a multipath device.
func mapAlias(n *storage.Multipath) string { return nameFrom(n, storage.FromDM) }

// nameFrom is the last part of a name with that origin, unmangled.
func nameFrom(n storage.Node, from storage.Origin) string {
	for _, name := range n.Base().Names {
		if name.Origin == from {
			return fstab.DecodeDM(path.Base(name.Path))
		}
	}
	return ""
}

func (c *capture) array(n *storage.MD) Array {
	out := Array{
		Node: c.node(n), Name: n.Name, UUID: n.UUID, Level: n.Level, Metadata: n.Metadata,
		Devices: n.RaidDisks, MDMade: value(n.Made),
	}
	listed := map[storage.ID]bool{}
	for _, m := range n.Members {
		listed[m.ID] = true
		out.Members = append(out.Members, Member{LiesOn: m.ID, Role: m.Role, WriteMostly: m.WriteMostly, Failfast: m.Failfast})
	}
	for _, id := range n.On {
		if !listed[id] {
			out.Members = append(out.Members, Member{LiesOn: id})
		}
	}
	return out
}

func (c *capture) crypt(n *storage.Crypt) Crypt {
	out := Crypt{
		Node: c.node(n), LiesOn: first(n.On), Name: c.mapName(n), Format: n.Format, UUID: n.UUID, Label: n.Label,
		Cipher: n.Cipher, Terms: n.Terms.Clone(), Header: n.Header,
	}
	if out.Terms != nil {
		out.Terms.Header = "" // a copy in the memory of this run
	}
	return out
}

// bcacheOn tells the backing devices of n from its sets.
func (c *capture) bcacheOn(n *storage.Bcache) (backing, set []storage.ID) {
	for _, id := range n.On {
		if c.g.Node(id).Kind() == storage.KindBcacheSet {
			set = append(set, id)
		} else {
			backing = append(backing, id)
		}
	}
	return backing, set
}

func (c *capture) bcache(n *storage.Bcache) Bcache {
	backing, set := c.bcacheOn(n)
	return Bcache{Node: c.node(n), LiesOn: first(backing), Set: first(set), UUID: n.UUID, Label: n.Label, BcacheMade: value(n.Made)}
}

func (c *capture) group(n *storage.VG) Group {
	out := Group{
		ID: n.ID, Identity: otherIdentity(&n.Common), Name: n.Name, UUID: n.UUID, LiesOn: n.On,
		Extent: Size(n.ExtentSize), VGMade: value(n.Made),
	}
	for _, v := range c.volumes()[n.ID] {
		out.Volumes = append(out.Volumes, Volume{
			Name: v.Name, Node: c.node(v), UUID: v.UUID, Layout: v.Layout, Pool: v.Pool, Origin: v.Origin,
			Internal: v.Internal, LiesOn: v.On, LVMade: value(v.Made),
		})
	}
	return out
}

// volumes are the logical volumes by their groups, which they do not lie on.
func (c *capture) volumes() map[storage.ID][]*storage.LV {
	if c.inGroup == nil {
		c.inGroup = map[storage.ID][]*storage.LV{}
		for n := range c.kept {
			if v, ok := n.(*storage.LV); ok && !c.isOdd(v) {
				c.inGroup[v.Group] = append(c.inGroup[v.Group], v)
			}
		}
	}
	return c.inGroup
}

func (c *capture) fileSystem(n *storage.FileSystem) FileSystem {
	out := FileSystem{
		Node: c.node(n), LiesOn: n.On, Type: n.Type, UUID: n.UUID, Label: n.Label, Devices: n.Devices,
		Ext: n.Ext, XFS: n.XFS, Btrfs: n.Btrfs, FAT: n.FAT, Plain: n.Plain, Default: n.Default,
	}
	for _, up := range c.g.Upper(n.ID) {
		if s, ok := up.(*storage.Subvolume); ok && c.left[s.ID] == "" && !c.isOdd(s) {
			out.Subvolumes = append(out.Subvolumes, Subvolume{
				Path: s.Path, ID: s.ID, Identity: otherIdentity(&s.Common), Number: s.SubvolID, UUID: s.UUID,
				SnapshotOf: s.ParentUUID, ReadOnly: s.Frozen, NoCOW: s.NoCOW,
			})
		}
	}
	return out
}

// value is what p points to, or nothing.
func value[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}

// pointer undoes value.
func pointer[T any](v T) *T {
	if reflect.ValueOf(&v).Elem().IsZero() {
		return nil
	}
	return &v
}

func first(ids []storage.ID) storage.ID {
	if len(ids) == 0 {
		return ""
	}
	return ids[0]
}

// attributeBits are the bits of a GPT entry that have a name (UEFI 2.10, table 5.8).
var attributeBits = map[int]string{0: "required", 1: "no-block-io", 2: "legacy-boot"}

func attributeNames(bits uint64) []string {
	var out []string
	for i := range 64 {
		if bits&(1<<i) != 0 {
			out = append(out, cmp.Or(attributeBits[i], strconv.Itoa(i)))
		}
	}
	return out
}

// attributeMask undoes attributeNames; bad is a name that says nothing.
func attributeMask(names []string) (bits uint64, bad string) {
	for _, name := range names {
		i, err := strconv.Atoi(name)
		for bit, known := range attributeBits {
			if known == name {
				i, err = bit, nil
			}
		}
		if err != nil || i < 0 || i > 63 {
			bad = name
			continue
		}
		bits |= 1 << i
	}
	return bits, bad
}

// attributeWords are the names of bits that a person may write.
func attributeWords() string {
	return strings.Join(slices.Sorted(maps.Values(attributeBits)), ", ") + " or a number from 3 to 63"
}
