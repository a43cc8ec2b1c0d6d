package probe

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"salvor/internal/ondisk"
	"salvor/internal/storage"
)

// poolMember is one device of a file system that can have several.
type poolMember struct {
	device     *device
	sig        ondisk.Signature
	number     uint64 // of the device in the file system
	wanted     int    // devices that the file system should have
	generation uint64
}

func poolMemberOf(d *device) (poolMember, bool) {
	switch s := d.sig.(type) {
	case *ondisk.Btrfs:
		return poolMember{d, s, s.DevID, int(min(s.NumDevices, 1<<16)), s.Generation}, true
	case *ondisk.Bcachefs:
		return poolMember{d, s, uint64(s.DeviceIndex), s.NumDevices, 0}, true
	}
	return poolMember{}, false
}

// btrfsCopy is one btrfs with its members, whose subvolumes are to be read.
type btrfsCopy struct {
	fs      *storage.FileSystem
	members []poolMember
	tree    *ondisk.BtrfsTree
	err     error
}

// addPools makes one file system of each complete set of members. The rule for
// copies: members that the kernel uses now come first, then those of the newest
// generation, then by name; a member goes to the first set that has no device of
// its number yet. Copies of a file system on several devices can be mixed up by
// that when they are equally old, so both get a note.
func (a *assembly) addPools(all []poolMember) {
	slices.SortStableFunc(all, func(x, y poolMember) int {
		return cmp.Or(cmp.Compare(y.used(), x.used()), cmp.Compare(y.generation, x.generation))
	})
	sets := map[string][][]poolMember{}
	var order []string
	for _, m := range all {
		uuid := m.sig.Identity().UUID
		if sets[uuid] == nil {
			order = append(order, uuid)
		}
		sets[uuid] = addToSet(sets[uuid], m)
	}
	for _, uuid := range order {
		for _, set := range sets[uuid] {
			n := a.addPool(set)
			if len(sets[uuid]) > 1 && len(set) > 1 {
				addNotef(n, "there are %d copies of this file system; which devices belong together was guessed by age and name", len(sets[uuid]))
			}
		}
	}
}

func (m poolMember) used() int {
	if m.device.mounted != "" {
		return 1
	}
	return 0
}

func addToSet(sets [][]poolMember, m poolMember) [][]poolMember {
	for i, set := range sets {
		if !slices.ContainsFunc(set, func(o poolMember) bool { return o.number == m.number }) {
			sets[i] = append(set, m)
			return sets
		}
	}
	return append(sets, []poolMember{m})
}

func (a *assembly) addPool(set []poolMember) *storage.FileSystem {
	first := set[0]
	n := newFileSystem(first.sig, first.device, a.node[first.device])
	a.Add(n)
	for _, m := range set {
		a.Lay(n, a.node[m.device])
		a.content[m.device] = n
		if first.device.idle() && factsOf(m.sig).dirty {
			n.Mark(storage.Dirty)
		}
	}
	if first.wanted > 1 {
		n.Devices = first.wanted
	}
	if missing := first.wanted - len(set); missing > 0 {
		n.Mark(storage.MemberMissing)
		addNotef(n, "%d of %d devices are missing", missing, first.wanted)
	}
	if _, ok := first.sig.(*ondisk.Btrfs); ok {
		a.btrfs = append(a.btrfs, &btrfsCopy{fs: n, members: set})
	}
	return n
}

// readBtrfsMembers marks the devices that a mounted btrfs uses. Mountinfo names
// only one of them.
func (p *prober) readBtrfsMembers(inv *inventory) {
	const dir = "/sys/fs/btrfs"
	names, err := p.m.ReadDir(dir)
	if err != nil {
		return // nothing is mounted
	}
	for _, uuid := range names {
		members, err := p.m.ReadDir(dir + "/" + uuid + "/devices")
		if err != nil {
			continue // "features" and other things that are no file system
		}
		for _, name := range members {
			if d := inv.byName[name]; d != nil {
				d.resolve().mounted = "btrfs"
			}
		}
	}
}

// readSubvolumes reads the subvolumes of each btrfs, several at a time, and adds
// their nodes.
func (p *prober) readSubvolumes(ctx context.Context, a *assembly) {
	p.each(len(a.btrfs), func(i int) {
		c := a.btrfs[i]
		c.tree, c.err = p.readTree(ctx, c)
		if c.err != nil && c.members[0].device.mounted != "" {
			// The kernel may have moved the trees while they were read.
			c.tree, c.err = p.readTree(ctx, c)
		}
	})
	for _, c := range a.btrfs {
		a.addTree(c)
	}
}

func (p *prober) readTree(ctx context.Context, c *btrfsCopy) (*ondisk.BtrfsTree, error) {
	ctx, cancel := context.WithTimeout(ctx, p.opt.DeviceTimeout)
	defer cancel()
	devs := map[uint64]io.ReaderAt{}
	for _, m := range c.members {
		b, err := p.m.OpenBlock(ctx, m.device.path)
		if err != nil {
			return nil, err
		}
		defer func() { _ = b.Close() }()
		devs[m.number] = endsWith{ctx, b}
	}
	return ondisk.BtrfsSubvolumes(devs)
}

func (a *assembly) addTree(c *btrfsCopy) {
	fillBtrfs(a, c)
	if c.err != nil {
		c.fs.Mark(storage.Unreadable)
		addNotef(c.fs, "its subvolumes cannot be read: %v", c.err)
		a.note("cannot list the subvolumes of the btrfs %s: %v", c.fs.UUID, c.err)
	} else {
		c.fs.Default = c.tree.Default
		tellLost(c)
		for _, text := range c.tree.Notes {
			addNote(c.fs, text)
		}
		for _, s := range c.tree.Subvolumes {
			a.addSubvolume(c.fs, &storage.Subvolume{SubvolID: s.ID, Path: s.Path, UUID: s.UUID, ParentUUID: s.ParentUUID, Frozen: s.ReadOnly, NoCOW: s.NoCOW})
		}
	}
	a.addSubvolume(c.fs, &storage.Subvolume{SubvolID: ondisk.BtrfsTopLevel})
	a.addMountedSubvolumes(c)
}

// tellLost marks a file system of which something has no copy left. The kernel
// mounts it for reading only.
func tellLost(c *btrfsCopy) {
	if len(c.tree.Lost) == 0 {
		return
	}
	c.fs.Mark(storage.Incomplete)
	addNotef(c.fs, "a part of its %s is on the missing devices alone: it can be looked at, but not written to", strings.Join(c.tree.Lost, " and "))
}

// addMountedSubvolumes adds those that only mountinfo shows: of a file system
// that could not be read, or that were made since its last commit.
func (a *assembly) addMountedSubvolumes(c *btrfsCopy) {
	for i, info := range a.inv.mounts {
		d := a.inv.mountDevs[i]
		if d == nil || !slices.ContainsFunc(c.members, func(m poolMember) bool { return m.device == d.resolve() }) {
			continue
		}
		s := &storage.Subvolume{}
		for option := range strings.SplitSeq(info.VFSOptions, ",") {
			if id, ok := strings.CutPrefix(option, "subvolid="); ok {
				s.SubvolID, _ = strconv.ParseUint(id, 10, 64) // 0, which is none, if damaged
			}
			if p, ok := strings.CutPrefix(option, "subvol="); ok {
				s.Path = strings.Trim(p, "/")
			}
		}
		if s.SubvolID != 0 {
			a.addSubvolume(c.fs, s)
		}
	}
}

// addSubvolume adds a subvolume once.
func (a *assembly) addSubvolume(fs *storage.FileSystem, s *storage.Subvolume) {
	if slices.ContainsFunc(a.subvolumes[fs], func(o *storage.Subvolume) bool { return o.SubvolID == s.SubvolID }) {
		return
	}
	s.Identity = storage.ID(fmt.Sprintf("subvol:%s/%s", fs.UUID, s.Path))
	a.Add(s, fs)
	a.subvolumes[fs] = append(a.subvolumes[fs], s)
}
