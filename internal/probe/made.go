package probe

import (
	"cmp"
	"slices"

	"salvor/internal/ondisk"
	"salvor/internal/storage"
)

// setMade says how a file system was made, and how much of it is taken where its
// superblock is the truth of that.
func setMade(n *storage.FileSystem, s ondisk.Signature, d *device) {
	switch s := s.(type) {
	case *ondisk.Ext:
		n.Ext = extMade(s)
	case *ondisk.XFS:
		n.XFS = xfsMade(s)
	case *ondisk.Btrfs:
		n.Btrfs = btrfsMade(s)
	case *ondisk.FAT:
		n.FAT = fatMade(s)
	case *ondisk.ExFAT:
		n.FAT = &storage.FAT{SectorSize: s.SectorSize, ClusterSize: s.ClusterSize, Tables: s.Tables}
	case *ondisk.NTFS:
		n.Plain = &storage.Plain{BlockSize: uint32(s.ClusterSize), SectorSize: uint32(s.SectorSize)}
	case *ondisk.Plain:
		if s.BlockSize > 0 {
			n.Plain = &storage.Plain{BlockSize: s.BlockSize, SectorSize: s.SectorSize}
		}
	}
	// A mounted one counts in memory, and writes the counters when it likes.
	if s, ok := s.(interface{ Used() (uint64, bool) }); ok && d.mounted == "" {
		if used, known := s.Used(); known {
			n.Used = used
		}
	}
}

func extMade(s *ondisk.Ext) *storage.Ext {
	return &storage.Ext{
		BlockSize: s.BlockSize, ClusterSize: s.ClusterSize, Blocks: s.Blocks, GroupBlocks: s.BlocksPerGroup,
		InodeSize: s.InodeSize, Inodes: s.Inodes,
		Reserved: s.ReservedBlocks, ReservedUID: s.ReservedUID, ReservedGID: s.ReservedGID,
		Features: s.Features, MountDefaults: s.MountDefaults, MountOptions: s.MountOptions,
		MaxMounts: s.MaxMounts, CheckInterval: s.CheckInterval, Errors: s.Errors,
		JournalSize: s.JournalSize, JournalUUID: s.JournalUUID, HashAlgorithm: s.HashAlgorithm, HashSeed: s.HashSeed,
		Stride: s.Stride, StripeWidth: s.StripeWidth, FlexGroups: s.FlexGroups, ReservedGDT: s.ReservedGDT,
		MultiMount: s.MultiMount, Revision: s.Revision, Encoding: s.Encoding, EncodingStrict: s.EncodingStrict, Quotas: s.Quotas,
	}
}

func xfsMade(s *ondisk.XFS) *storage.XFS {
	m := &storage.XFS{
		BlockSize: s.BlockSize, SectorSize: s.SectorSize, Blocks: s.Blocks, InodeSize: s.InodeSize, InodePercent: s.InodePercent,
		Groups: s.Groups, GroupBlocks: s.GroupBlocks, DirBlockSize: s.DirBlockSize, StripeUnit: s.StripeUnit, StripeWidth: s.StripeWidth,
		LogBlocks: s.LogBlocks, LogVersion: s.LogVersion, LogSector: s.LogSector, LogUnit: s.LogUnit, LogExternal: s.LogExternal,
		RTBlocks: s.RTBlocks, RTExtent: s.RTExtent, Features: s.Features,
	}
	if s.MetaUUID != s.UUID {
		m.MetaUUID = s.MetaUUID
	}
	return m
}

// btrfsMade is what each of the devices says; profiles and devices stand in the
// trees, see fillBtrfs.
func btrfsMade(s *ondisk.Btrfs) *storage.Btrfs {
	m := &storage.Btrfs{SectorSize: s.SectorSize, NodeSize: s.NodeSize, Checksum: s.ChecksumType, Features: s.Features}
	if s.MetadataUUID != s.UUID {
		m.MetadataUUID = s.MetadataUUID
	}
	return m
}

func fatMade(s *ondisk.FAT) *storage.FAT {
	return &storage.FAT{
		Width: s.Width, SectorSize: s.SectorSize, ClusterSize: s.ClusterSize, Tables: s.Tables, Reserved: s.Reserved,
		RootEntries: s.RootEntries, Hidden: s.Hidden, Media: s.Media,
	}
}

func bcacheMade(s *ondisk.Bcache) *storage.BcacheMade {
	return &storage.BcacheMade{
		DataOffset: s.DataOffset, BlockSize: uint64(s.BlockSize), Mode: s.Mode, BucketSize: s.BucketSize,
		Discard: s.Discard, Replacement: s.Replacement,
	}
}

// tableMade is nil for a table that only the kernel can read.
func tableMade(t *ondisk.Table) *storage.TableMade {
	switch t.Format {
	case "gpt":
		sector := uint64(t.Sector)
		return &storage.TableMade{
			Entries: t.Room, FirstUsable: t.FirstUsable * sector, LastUsable: (t.LastUsable + 1) * sector,
			Hybrid: t.Hybrid, BootCode: t.BootCode,
		}
	case "dos":
		return &storage.TableMade{BootCode: t.BootCode}
	}
	return nil
}

// fillBtrfs adds what stands in the trees of a btrfs, or what its devices say of
// themselves where the trees cannot be read.
func fillBtrfs(a *assembly, c *btrfsCopy) {
	m, devices := c.fs.Btrfs, c.devices()
	if c.err == nil {
		m.Data, m.Metadata, m.System = c.tree.Data, c.tree.Metadata, c.tree.System
		if devices = c.tree.Devices; c.tree.Quota && !slices.Contains(m.Features, "squota") {
			m.Features = append(slices.Clip(m.Features), "quota")
		}
	}
	a.fix(func() {
		for _, d := range devices {
			m.Devices = append(m.Devices, storage.BtrfsDevice{Number: d.Number, UUID: d.UUID, Size: d.Size, On: c.carrier(a, d.Number)})
		}
	})
}

// devices are those that are there, by number.
func (c *btrfsCopy) devices() (list []ondisk.BtrfsDevice) {
	for _, m := range c.members {
		if s, ok := m.sig.(*ondisk.Btrfs); ok {
			list = append(list, ondisk.BtrfsDevice{Number: s.DevID, UUID: s.DevUUID, Size: s.DevSize})
		}
	}
	slices.SortFunc(list, func(x, y ondisk.BtrfsDevice) int { return cmp.Compare(x.Number, y.Number) })
	return list
}

// carrier is the ID of the node that a device of the file system is, or "" for one
// that is missing.
func (c *btrfsCopy) carrier(a *assembly, number uint64) storage.ID {
	for _, m := range c.members {
		if n := a.node[m.device]; m.number == number && n != nil {
			return n.Base().ID
		}
	}
	return ""
}
