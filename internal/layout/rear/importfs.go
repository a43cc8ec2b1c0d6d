package rear

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"salvor/internal/storage"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// fileSystem makes a file system and its mount. That of a btrfs is made of its
// btrfsmountedsubvol line, which knows the subvolume.
func (i *importer) fileSystem(line int, c *FS) {
	carrier := i.need(line, c.Device, c.Name())
	device := i.resolve(c.Device)
	if carrier == nil {
		return
	}
	n := i.content[device]
	if n == nil {
		n = &storage.FileSystem{Type: c.Type, UUID: c.UUID, Label: i.label(line, c)}
		n.Identity = storage.ID("fs:" + n.UUID)
		if n.UUID == "" {
			n.Identity = storage.ID(fmt.Sprintf("fs:%s-on-%s", n.Type, carrier.Base().Identity))
		}
		i.b.Add(n, carrier)
		i.content[device] = n
		i.makeOf(line, c, n, carrier)
	}
	if n.Type != "btrfs" || !i.hasMounted(c) {
		i.mount(c.Mountpoint, c.Type, "/", c.Options, n)
	}
}

// label undoes what ReaR does to labels of btrfs: the quotes are those of "btrfs
// filesystem show", and are cut off at the first blank with what follows.
func (i *importer) label(line int, c *FS) string {
	rest, quoted := strings.CutPrefix(c.Label, "'")
	if c.Type != "btrfs" || !quoted {
		return c.Label
	}
	label, whole := strings.CutSuffix(rest, "'")
	if !whole {
		i.gap(line, c.Name(), "ReaR wrote only the first word of its label, %q", rest)
		return ""
	}
	return label
}

func (i *importer) hasMounted(c *FS) bool {
	return slices.ContainsFunc(All[*BtrfsMounted](i.files.Layout), func(m *BtrfsMounted) bool {
		return m.Device == c.Device && m.Mountpoint == c.Mountpoint
	})
}

// makeOf notes how the file system was made.
func (i *importer) makeOf(line int, c *FS, n *storage.FileSystem, carrier storage.Node) {
	switch {
	case strings.HasPrefix(c.Type, "ext"):
		n.Ext = extOf(c.Attributes, roomOn(&i.b, carrier))
	case c.Type == "btrfs":
		n.Btrfs = btrfsOf(c.Attributes)
	case c.Type == "xfs":
		data, ok := i.files.XFS[path.Base(c.Device)]
		if !ok {
			i.gap(line, c.Name(), "there is no layout/xfs/%s.xfs, so how it was made is not known", path.Base(c.Device))
			return
		}
		var err error
		if n.XFS, err = ParseXFSInfo(data); err != nil {
			i.gaps = append(i.gaps, Gap{What: c.Name(), Cause: err.Error(), File: "xfs/" + path.Base(c.Device) + ".xfs"})
		}
	}
}

// luksHeader is what cryptsetup keeps for a header at most, if it is not told
// otherwise: 16 MiB since 2.1 for LUKS2, less for LUKS1.
const luksHeader = 16 << 20

// roomOn is the size of n. Of a container, whose size ReaR does not write down, it is
// what is left of its device after the largest header.
func roomOn(b *storage.Builder, n storage.Node) uint64 {
	size := sizeBelow(b, n)
	if _, ok := n.(*storage.Crypt); ok && size > luksHeader {
		size -= luksHeader
	}
	return size
}

// extOf reads the attributes of an ext file system. ReaR writes the blocks of the
// superuser in whole percents and inodes by the bytes for each: the numbers are
// reckoned for a file system that fills its device, as ReaR makes it.
func extOf(o Options, room uint64) *storage.Ext {
	number := func(key, unit string) int64 {
		n, err := strconv.ParseInt(strings.TrimSuffix(o.Get(key), unit), 10, 63)
		if err != nil {
			return 0 // not there, or not readable: not known
		}
		return n
	}
	e := &storage.Ext{BlockSize: uint32(clamp(number("blocksize", ""), math.MaxUint32))}
	e.MaxMounts = int32(clamp(number("max_mounts", ""), math.MaxInt32))
	e.CheckInterval = uint32(clamp(number("check_interval", "d"), math.MaxUint32/86400) * 86400)
	if list := o.Get("default_mount_options"); list != "" {
		e.MountDefaults = strings.Split(list, ",")
	}
	if e.BlockSize == 0 {
		return e
	}
	e.Blocks = room / uint64(e.BlockSize)
	if percent := uint64(max(number("reserved_blocks", "%"), 0)); percent <= 100 {
		e.Reserved = (percent*e.Blocks + 99) / 100
	}
	if each := uint64(max(number("bytes_per_inode", ""), 0)); each > 0 {
		e.Inodes = uint32(min(e.Blocks*uint64(e.BlockSize)/each, math.MaxUint32))
	}
	return e
}

func clamp(n, largest int64) int64 { return max(min(n, largest), -1) }

// btrfsOf reads the attributes of a btrfs, which only later versions write.
func btrfsOf(o Options) *storage.Btrfs {
	b := &storage.Btrfs{NodeSize: uint32(bytesOf(o.Get("nodesize"))), SectorSize: uint32(bytesOf(o.Get("sectorsize")))}
	if list := o.Get("features"); list != "" {
		b.Features = strings.Split(list, ",")
	}
	if b.NodeSize == 0 && b.SectorSize == 0 && b.Features == nil {
		return nil
	}
	return b
}

// bytesOf reads a number with or without a b behind it; 0 if it is none.
func bytesOf(s string) uint64 {
	n, err := strconv.ParseUint(strings.TrimSuffix(s, "b"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (i *importer) mount(point, kind, root, options string, source storage.Node) {
	m := storage.Mount{Point: unescapeFindmnt(point), Type: kind, Root: root}
	for o := range strings.SplitSeq(unescapeFindmnt(options), ",") {
		if o != "" {
			m.Options = append(m.Options, o)
		}
	}
	m.ReadOnly = slices.Contains(m.Options, "ro")
	i.mounts = append(i.mounts, m)
	i.sources = append(i.sources, source)
}

func (i *importer) swap(line int, c *Swap) {
	carrier := i.need(line, c.Device, c.Name())
	if carrier == nil {
		return
	}
	n := &storage.Swap{UUID: c.UUID, Label: c.Label, Active: true}
	n.Size = sizeBelow(&i.b, carrier)
	n.Identity = storage.ID("swap:" + c.UUID)
	if c.UUID == "" {
		n.Identity = storage.ID("swap-on-" + string(carrier.Base().Identity))
	}
	i.b.Add(n, carrier)
}

// subvolume makes a subvolume, or sets the default of its file system.
func (i *importer) subvolume(line int, c *BtrfsSubvol) {
	fs := i.content[i.resolve(c.Device)]
	if fs == nil {
		i.gap(line, c.Device, "there is no line of the btrfs that this subvolume is of")
		return
	}
	if c.What == "default" {
		fs.Default = c.ID
		if c.ID != topLevel { // it may be one that snapper made, and has no other line
			i.addSubvolume(fs, c.ID, c.Path)
		}
		return
	}
	i.addSubvolume(fs, c.ID, c.Path)
}

// topLevel is the number of the subvolume that all others lie in.
const topLevel = 5

func (i *importer) addSubvolume(fs *storage.FileSystem, number uint64, p string) *storage.Subvolume {
	if i.subvolumes[fs] == nil && number != topLevel {
		i.addSubvolume(fs, topLevel, "/")
	}
	p = strings.Trim(p, "/")
	for _, s := range i.subvolumes[fs] {
		if s.Path == p {
			return s
		}
	}
	s := &storage.Subvolume{SubvolID: number, Path: p}
	s.Identity = storage.ID(fmt.Sprintf("subvol:%s/%s", cmp.Or(fs.UUID, string(fs.Identity)), p))
	i.b.Add(s, fs)
	i.subvolumes[fs] = append(i.subvolumes[fs], s)
	return s
}

// mountSubvolume makes the mount of a subvolume: the one that the mounted path lies in.
func (i *importer) mountSubvolume(line int, c *BtrfsMounted) {
	fs := i.content[i.resolve(c.Device)]
	if fs == nil {
		i.gap(line, c.Name(), "there is no line of the btrfs that this subvolume is of")
		return
	}
	root := path.Join("/", cmp.Or(c.Path, optionOf(c.Options, "subvol=")))
	var best storage.Node = i.addSubvolume(fs, topLevel, "/")
	length := -1
	for _, s := range i.subvolumes[fs] {
		if storage.PathContains(path.Join("/", s.Path), root) && len(s.Path) > length {
			best, length = s, len(s.Path)
		}
	}
	i.mount(c.Mountpoint, "btrfs", root, c.Options, best)
}

// optionOf gives what stands behind a prefix in a list of mount options.
func optionOf(options, prefix string) string {
	for o := range strings.SplitSeq(options, ",") {
		if v, ok := strings.CutPrefix(o, prefix); ok {
			return v
		}
	}
	return ""
}
