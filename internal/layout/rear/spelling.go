package rear

import (
	"strconv"
	"strings"

	"salvor/internal/fstab"
)

func num(n uint64) string { return strconv.FormatUint(n, 10) }

// Keyword implements Component.
func (*Disk) Keyword() string { return "disk" }

// Name implements Component.
func (c *Disk) Name() string { return c.Device }

func (c *Disk) fields() []string {
	return append([]string{c.Device, num(c.Size), c.Label}, c.More...)
}

// Keyword implements Component.
func (*Part) Keyword() string { return "part" }

// Name implements Component.
func (c *Part) Name() string { return c.Device }

func (c *Part) fields() []string {
	start, flags, name := num(c.Start), "none", PercentEncode(c.TypeName)
	if c.NoStart {
		start = "unknown"
	}
	if len(c.Flags) > 0 {
		flags = strings.Join(c.Flags, ",")
	}
	if name == "" {
		name = "rear-noname"
	}
	out := []string{c.Parent, num(c.Size), start, name, flags, c.Device}
	switch {
	case c.Seven && c.UUID == "":
		return append(out, "no-partuuid")
	case c.Seven:
		return append(out, c.UUID)
	}
	return out
}

// Keyword implements Component.
func (c *Raid) Keyword() string {
	if c.Old {
		return "raid"
	}
	return "raidarray"
}

// Name implements Component.
func (c *Raid) Name() string { return c.Device }

func (c *Raid) fields() []string { return append([]string{c.Device}, c.Options.words()...) }

// Keyword implements Component.
func (*RaidDisk) Keyword() string { return "raiddisk" }

// Name implements Component.
func (*RaidDisk) Name() string { return "" }

func (c *RaidDisk) fields() []string { return []string{c.Device, num(c.Size), c.Label} }

// Keyword implements Component.
func (*Multipath) Keyword() string { return "multipath" }

// Name implements Component.
func (c *Multipath) Name() string { return c.Device }

func (c *Multipath) fields() []string {
	slaves := strings.Join(c.Slaves, ",")
	if c.Size == 0 {
		return []string{c.Device, slaves}
	}
	return []string{c.Device, num(c.Size), c.Label, slaves}
}

// Keyword implements Component.
func (*LVMDev) Keyword() string { return "lvmdev" }

// Name implements Component.
func (c *LVMDev) Name() string { return "pv:" + c.Device }

func (c *LVMDev) fields() []string {
	return []string{"/dev/" + c.VG, c.Device, c.UUID, num(c.Size)}
}

// Keyword implements Component.
func (*LVMGrp) Keyword() string { return "lvmgrp" }

// Name implements Component.
func (c *LVMGrp) Name() string { return "/dev/" + c.VG }

func (c *LVMGrp) fields() []string {
	return []string{"/dev/" + c.VG, num(c.ExtentKiB), num(c.Extents), num(c.SizeKiB)}
}

// Keyword implements Component.
func (*LVMVol) Keyword() string { return "lvmvol" }

// Name implements Component.
func (c *LVMVol) Name() string { return "/dev/mapper/" + fstab.LVMName(c.VG, c.LV) }

func (c *LVMVol) fields() []string {
	out := []string{"/dev/" + c.VG, c.LV}
	if c.Extents > 0 {
		return append(out, num(c.Extents), num(c.Size/sector))
	}
	return append(out, num(c.Size)+"b", c.Layout, strings.Join(c.Options, " "))
}

// Keyword implements Component.
func (*FS) Keyword() string { return "fs" }

// Name implements Component.
func (c *FS) Name() string { return "fs:" + c.Mountpoint }

func (c *FS) fields() []string {
	out := []string{c.Device, c.Mountpoint, c.Type, "uuid=" + c.UUID, "label=" + c.Label}
	if c.Type == "xfs" && len(c.Attributes) == 0 {
		out = append(out, "")
	}
	return append(append(out, c.Attributes.words()...), "options="+c.Options)
}

// Keyword implements Component.
func (c *BtrfsSubvol) Keyword() string { return "btrfs" + c.What + "subvol" }

// Name implements Component.
func (*BtrfsSubvol) Name() string { return "" }

func (c *BtrfsSubvol) fields() []string {
	return []string{c.Device, c.Mountpoint, num(c.ID), c.Path}
}

// Keyword implements Component.
func (*BtrfsMounted) Keyword() string { return "btrfsmountedsubvol" }

// Name implements Component.
func (c *BtrfsMounted) Name() string { return "btrfsmountedsubvol:" + c.Mountpoint }

func (c *BtrfsMounted) fields() []string {
	return []string{c.Device, c.Mountpoint, c.Options, c.Path}
}

// Keyword implements Component.
func (*BtrfsNoCOW) Keyword() string { return "btrfsnocopyonwrite" }

// Name implements Component.
func (*BtrfsNoCOW) Name() string { return "" }

func (c *BtrfsNoCOW) fields() []string { return []string{c.Path} }

// Keyword implements Component.
func (*Swap) Keyword() string { return "swap" }

// Name implements Component.
func (c *Swap) Name() string { return "swap:" + c.Device }

func (c *Swap) fields() []string {
	return []string{c.Device, "uuid=" + c.UUID, "label=" + c.Label}
}

// Keyword implements Component.
func (*Crypt) Keyword() string { return "crypt" }

// Name implements Component.
func (c *Crypt) Name() string { return c.Device }

// ReaR leaves a blank at the end where there is neither key file nor pbkdf.
func (c *Crypt) fields() []string {
	out := append([]string{c.Device, c.Source}, c.Options.words()...)
	_, key := c.Options.Find("keyfile")
	_, pbkdf := c.Options.Find("pbkdf")
	if !key && !pbkdf {
		out = append(out, "")
	}
	return out
}

// Keyword implements Component.
func (*OpalDisk) Keyword() string { return "opaldisk" }

// Name implements Component.
func (c *OpalDisk) Name() string { return "opaldisk:" + c.Device }

func (c *OpalDisk) fields() []string { return append([]string{c.Device}, c.Options.words()...) }

// Keyword implements Component.
func (*DRBD) Keyword() string { return "drbd" }

// Name implements Component.
func (c *DRBD) Name() string { return c.Device }

func (c *DRBD) fields() []string { return []string{c.Device, c.Resource, c.Backing} }

// Keyword implements Component.
func (*SmartArray) Keyword() string { return "smartarray" }

// Name implements Component.
func (*SmartArray) Name() string { return "" }

func (c *SmartArray) fields() []string { return []string{c.Slot} }

// Keyword implements Component.
func (*LogicalDrive) Keyword() string { return "logicaldrive" }

// Name implements Component.
func (*LogicalDrive) Name() string { return "" }

func (c *LogicalDrive) fields() []string {
	return append([]string{c.Device, c.Place}, c.Options.words()...)
}

// Keyword implements Component.
func (c *Dasd) Keyword() string { return c.What }

// Name implements Component.
func (*Dasd) Name() string { return "" }

func (c *Dasd) fields() []string { return c.Words }
