package layout

import (
	"slices"
	"strings"

	"salvor/internal/storage"
)

// fileSystemRow is a row of the table of the file systems that are made again.
type fileSystemRow struct{ types, by string }

// fileSystemRows are those whose programs can restore UUID and label. Of the others some
// have no such program (reiserfs has left the kernel), and some are made with all that is
// in them in one step (squashfs, erofs, iso9660).
var fileSystemRows = []fileSystemRow{
	{"ext2, ext3, ext4", "mke2fs -U -L"},
	{"xfs", "mkfs.xfs -m uuid= -L"},
	{"btrfs", "mkfs.btrfs -U -L"},
	{"vfat", "mkfs.fat -i -n"},
	{"exfat", "mkfs.exfat -L, tune.exfat -I"},
	{"ntfs", "mkntfs -L, ntfslabel --new-serial="},
	{"f2fs", "mkfs.f2fs -U -l"},
	{"jfs", "jfs_mkfs -L, jfs_tune -U"},
	{"nilfs2", "mkfs.nilfs2 -L, nilfs-tune -U"},
	{"minix", "mkfs.minix; it has neither"},
}

// volumeRow is a row of the table of the volumes that are made again.
type volumeRow struct{ types, made string }

// volumeRows are types of segments in the words of LVM's metadata (lvmraid(7),
// lvmthin(7), lvmcache(7)).
var volumeRows = []volumeRow{
	{"linear, striped", "as it was, on the same extents where they are there"},
	{"mirror", "with a log of its own"},
	{"raid0, raid0_meta, raid1, raid10, raid10_near", "as it was"},
	{"raid4, raid5, raid5_la, raid5_ls, raid5_ra, raid5_rs, raid5_n", "as it was"},
	{"raid6, raid6_zr, raid6_nr, raid6_nc, raid6_n_6, raid6_ls_6, raid6_la_6, raid6_rs_6, raid6_ra_6", "as it was"},
	{"thin-pool, thin", "as it was, and empty"},
	{"cache-pool, cache, writecache", "as it was, with an empty cache"},
	{"snapshot", "as a snapshot of its origin as that is then"},
	{"zero, error", "as it was"},
}

// wordsOf are the words of the first column of a table.
func wordsOf[T any](rows []T, column func(T) string) map[string]bool {
	out := map[string]bool{}
	for _, row := range rows {
		for _, word := range strings.Split(column(row), ", ") {
			out[word] = true
		}
	}
	return out
}

var (
	madeFileSystems = wordsOf(fileSystemRows, func(r fileSystemRow) string { return r.types })
	madeVolumes     = wordsOf(volumeRows, func(r volumeRow) string { return r.types })
)

func hasHealth(h storage.Health) func(*capture, storage.Node) bool {
	return func(_ *capture, n storage.Node) bool { return n.Base().Is(h) }
}

func hasFormat(formats ...string) func(*capture, storage.Node) bool {
	return func(_ *capture, n storage.Node) bool {
		o, ok := n.(*storage.Opaque)
		return ok && slices.Contains(formats, o.Format)
	}
}

func isOpal(_ *capture, n storage.Node) bool {
	switch n := n.(type) {
	case *storage.Disk:
		return n.Is(storage.Locked)
	case *storage.Crypt:
		return n.Header != nil && n.Header.Opal != ""
	}
	return false
}

// isOnSnapshot tells what lies on a snapshot of LVM. A thin one that is mounted is a
// volume of its own, as those are that grow out of a template.
func (c *capture) isOnSnapshot(n storage.Node) bool {
	for _, low := range c.g.Lower(n.Base().ID) {
		v, ok := low.(*storage.LV)
		if !ok || v.Origin == "" || n.Kind() == storage.KindLV {
			continue
		}
		if v.Layout == "snapshot" || !c.isUsed(n) {
			return true
		}
	}
	return false
}

// isUsed: n or something on it is mounted or swapped to.
func (c *capture) isUsed(n storage.Node) bool {
	for _, up := range append(c.g.Above(n.Base().ID), n) {
		if s, ok := up.(*storage.Swap); ok && s.Active || len(c.mountsOf()[up.Base().ID]) > 0 {
			return true
		}
	}
	return false
}

func isOtherTable(_ *capture, n storage.Node) bool {
	t, ok := n.(*storage.Table)
	return ok && t.Format != "gpt" && t.Format != "dos"
}

func isHybrid(_ *capture, n storage.Node) bool {
	t, ok := n.(*storage.Table)
	return ok && t.Made != nil && t.Made.Hybrid
}

// isTwin: there is a second one that would have to be made. Disks are not made, and what
// lies on a snapshot is not either.
func (c *capture) isTwin(n storage.Node) bool {
	switch n.(type) {
	case *storage.Disk, *storage.Multipath, *storage.Image:
		return false
	}
	others := 0
	for _, twin := range c.g.Twins(n.Base().ID) {
		if c.left[twin.Base().ID] == "" && !c.restsOnSnapshot(twin) {
			others++
		}
	}
	return others > 1
}

func (c *capture) restsOnSnapshot(n storage.Node) bool {
	return c.isOnSnapshot(n) || slices.ContainsFunc(c.g.Below(n.Base().ID), c.isOnSnapshot)
}

func isFirmwareRAID(_ *capture, n storage.Node) bool {
	switch n := n.(type) {
	case *storage.MD:
		return n.Level == "container" || n.Metadata == "imsm" || n.Metadata == "ddf" || n.Made != nil && n.Made.Container != ""
	case *storage.Opaque:
		return strings.HasSuffix(n.Format, "_raid_member") && n.Format != "linux_raid_member"
	}
	return false
}

func isForeignCrypt(_ *capture, n storage.Node) bool {
	c, ok := n.(*storage.Crypt)
	return ok && !slices.Contains([]string{"luks1", "luks2", "plain"}, c.Format)
}

func isDetached(_ *capture, n storage.Node) bool {
	switch n := n.(type) {
	case *storage.Crypt:
		return n.Terms != nil && (n.Terms.Header != "" || n.Terms.HeaderOn != "" || n.Terms.HeaderFile != "")
	case *storage.Opaque:
		return n.Format == "luks-header"
	}
	return false
}

func isReencrypting(_ *capture, n storage.Node) bool {
	c, ok := n.(*storage.Crypt)
	if !ok || c.Header == nil {
		return false
	}
	running := func(s storage.LUKSSlot) bool { return s.Reencrypt }
	named := func(r string) bool { return strings.HasPrefix(r, "online-reencrypt") }
	return slices.ContainsFunc(c.Header.Slots, running) || slices.ContainsFunc(c.Header.Requirements, named)
}

func (c *capture) isLocked(n storage.Node) bool {
	k, ok := n.(*storage.Crypt)
	return ok && k.Open == nil && len(c.g.Upper(k.ID)) == 0
}

// isOtherVolume goes by what the volume is as a whole, and by each of its segments.
func (c *capture) isOtherVolume(n storage.Node) bool {
	v, ok := n.(*storage.LV)
	if !ok {
		return false
	}
	if v.Made != nil {
		for _, s := range v.Made.Segments {
			if !madeVolumes[s.Type] {
				return true
			}
		}
	}
	return !madeVolumes[v.Layout]
}

func (c *capture) isShut(n storage.Node) bool {
	if v, ok := n.(*storage.LV); ok && v.Origin != "" {
		return false
	}
	return storage.CanOpen(n) && n.Kind() != storage.KindImage && !storage.IsPart(n) &&
		storage.OpeningOf(n) == nil && len(c.g.Upper(n.Base().ID)) == 0
}

func hasOuterJournal(_ *capture, n storage.Node) bool {
	switch n := n.(type) {
	case *storage.FileSystem:
		return n.Ext != nil && n.Ext.JournalUUID != "" || n.XFS != nil && n.XFS.LogExternal
	case *storage.Opaque:
		return n.Format == "jbd" || n.Format == "xfs_external_log"
	}
	return false
}

func isRealTime(_ *capture, n storage.Node) bool {
	f, ok := n.(*storage.FileSystem)
	return ok && f.XFS != nil && f.XFS.RTBlocks > 0
}

func isZoned(_ *capture, n storage.Node) bool {
	f, ok := n.(*storage.FileSystem)
	return ok && (f.Type == "zonefs" || f.Btrfs != nil && slices.Contains(f.Btrfs.Features, "zoned"))
}

func isOtherFileSystem(_ *capture, n storage.Node) bool {
	f, ok := n.(*storage.FileSystem)
	return ok && !madeFileSystems[f.Type]
}

func isOpaque(_ *capture, n storage.Node) bool { return n.Kind() == storage.KindOpaque }

func isUnknownMap(_ *capture, n storage.Node) bool {
	d, ok := n.(*storage.Disk)
	return ok && d.Transport == unknownMap
}
