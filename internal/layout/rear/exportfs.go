package rear

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"salvor/internal/storage"
)

// supported are the file systems that ReaR knows, in the order of its own list.
var supported = []string{"ext2", "ext3", "ext4", "vfat", "xfs", "reiserfs", "btrfs"}

// mounted is a mount with what ReaR calls its device.
type mounted struct {
	storage.Mount
	device string
	fs     *storage.FileSystem
}

// known are the mounts of file systems that ReaR knows.
func (e *exporter) knownMounts() []mounted {
	var out []mounted
	for _, m := range e.g.Mounts {
		fs := e.fsOf(m.Source)
		if fs == nil || !slices.Contains(supported, m.Type) {
			continue
		}
		if low := e.on(fs); low != nil && e.device(low) != "" {
			out = append(out, mounted{m, e.device(low), fs})
		}
	}
	return out
}

// fsOf is the file system of a source, which may be a subvolume.
func (e *exporter) fsOf(id storage.ID) *storage.FileSystem {
	n := e.g.Node(id)
	if s, ok := n.(*storage.Subvolume); ok {
		n = e.on(s)
	}
	fs, _ := n.(*storage.FileSystem)
	return fs
}

// fileSystems writes one line for each device: that of its first mount.
func (e *exporter) fileSystems() {
	e.out.comment("Filesystems (only "+strings.Join(supported, ",")+" are supported).",
		"Format: fs <device> <mountpoint> <fstype> [uuid=<uuid>] [label=<label>] [<attributes>]")
	all := e.knownMounts()
	slices.SortStableFunc(all, func(a, b mounted) int {
		return cmp.Or(strings.Compare(a.device, b.device), cmp.Compare(partial(a), partial(b)))
	})
	for i, m := range all {
		if i > 0 && all[i-1].device == m.device {
			continue
		}
		e.mounts = append(e.mounts, m)
		c := &FS{Device: m.device, Mountpoint: escapeFindmnt(m.Point), Type: m.Type, UUID: m.fs.UUID, Label: m.fs.Label, Options: rearOptions(m.Options)}
		e.attributes(c, m.fs)
		e.add(m.fs, c)
	}
}

// partial puts mounts of a directory, which are made after those of the whole, behind
// these. A subvolume of a btrfs is a whole.
func partial(m mounted) int {
	if m.Type != "btrfs" && m.Root != "" && m.Root != "/" {
		return 1
	}
	return 0
}

// early are the options that the kernel shows before those of the mount (fs/proc_namespace.c,
// show_sb_opts).
var early = []string{"sync", "dirsync", "mand", "lazytime"}

// rearOptions are mount options as findmnt shows them, without seclabel, which ReaR
// takes out.
func rearOptions(options []string) string {
	var first, sb, rest []string
	for _, o := range options {
		switch {
		case o == "rw" || o == "ro":
			first = append(first, o)
		case o == "seclabel":
		case slices.Contains(early, o):
			sb = append(sb, o)
		default:
			rest = append(rest, o)
		}
	}
	return escapeFindmnt(strings.Join(slices.Concat(first, sb, rest), ","))
}

// attributes fills in what stands between label and mount options.
func (e *exporter) attributes(c *FS, n *storage.FileSystem) {
	switch {
	case strings.HasPrefix(n.Type, "ext") && n.Ext != nil:
		c.Attributes = extAttributes(n.Ext)
	case n.Type == "xfs" && n.XFS != nil:
		e.files.XFS[path.Base(c.Device)] = XFSInfo(c.Device, n.XFS)
	case n.Type == "vfat":
		c.Label = firstWordOf(n.Label)
	case n.Type == "btrfs":
		if c.Label = ""; n.Label != "" && !strings.ContainsAny(n.Label, " '") {
			c.Label = "'" + n.Label + "'"
		}
		if b := n.Btrfs; b != nil && e.latest {
			c.Attributes.add("nodesize", nonZero(uint64(b.NodeSize)))
			c.Attributes.add("sectorsize", nonZero(uint64(b.SectorSize)))
			c.Attributes.add("features", strings.Join(b.Features, ","))
		}
	}
}

func nonZero(n uint64) string {
	if n == 0 {
		return ""
	}
	return num(n)
}

func firstWordOf(s string) string {
	if words := strings.Fields(s); len(words) > 0 {
		return words[0]
	}
	return ""
}

// extAttributes reckons as ReaR does: whole percents and whole bytes, rounded down.
func extAttributes(x *storage.Ext) Options {
	o := Options{{"blocksize", num(uint64(x.BlockSize))}}
	if x.Blocks > 0 {
		o = append(o, Option{"reserved_blocks", num(x.Reserved*100/x.Blocks) + "%"})
	}
	maxMounts := num(uint64(max(x.MaxMounts, 0)))
	if x.MaxMounts < 0 {
		maxMounts = "-1"
	}
	o = append(o, Option{"max_mounts", maxMounts}, Option{"check_interval", num(uint64(x.CheckInterval)/86400) + "d"})
	if x.Inodes > 0 && x.Blocks > 0 {
		o = append(o, Option{"bytes_per_inode", num(x.Blocks * uint64(x.BlockSize) / uint64(x.Inodes))})
	}
	o.add("default_mount_options", strings.Join(x.MountDefaults, ","))
	return o
}

// btrfs writes the subvolumes.
func (e *exporter) btrfs() {
	any := false
	for _, m := range e.mounts {
		if m.Type == "btrfs" {
			any = true
			e.subvolumes(m)
		}
	}
	if !any {
		return
	}
	e.out.comment("All mounted btrfs subvolumes (including mounted btrfs default subvolumes and mounted btrfs snapshot subvolumes).",
		"Format: btrfsmountedsubvol <device> <subvolume_mountpoint> <mount_options> <btrfs_subvolume_path>")
	var noCOW []string
	for _, m := range e.knownMounts() {
		if m.Type != "btrfs" {
			continue
		}
		p := subvolumePath(m.Root)
		e.add(m.fs, &BtrfsMounted{Device: m.device, Mountpoint: escapeFindmnt(m.Point), Options: btrfsOptions(m.Options), Path: p})
		if e.isNoCOW(m.Source) {
			noCOW = append(noCOW, p)
		}
	}
	e.out.comment("Mounted btrfs subvolumes that have the 'no copy on write' attribute set.", "Format: btrfsnocopyonwrite <btrfs_subvolume_path>")
	for _, p := range noCOW {
		e.out.add(&BtrfsNoCOW{p})
	}
}

// btrfsOptions are those of a btrfsmountedsubvol line, where seclabel stays.
func btrfsOptions(options []string) string {
	return escapeFindmnt(strings.Join(options, ","))
}

func subvolumePath(root string) string {
	if p := strings.Trim(root, "/"); p != "" {
		return p
	}
	return "/"
}

func (e *exporter) isNoCOW(id storage.ID) bool {
	for _, f := range e.l.Storage.FileSystems {
		for _, s := range f.Subvolumes {
			if s.ID == id {
				return s.NoCOW
			}
		}
	}
	return false
}

// snapper is the subvolume that openSUSE keeps its snapshots in. Its installer makes
// it anew, so ReaR leaves it and what is below it out where the default subvolume lies there.
const snapper = "@/.snapshots"

// subvolumes writes the default subvolume, snapshots and the others, by number.
func (e *exporter) subvolumes(m mounted) {
	var all []*storage.Subvolume
	for _, up := range e.g.Upper(m.fs.ID) {
		if s, ok := up.(*storage.Subvolume); ok && s.Path != "" {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b *storage.Subvolume) int { return cmp.Compare(a.SubvolID, b.SubvolID) })
	point := escapeFindmnt(m.Point)
	line := func(what string, number uint64, p string) *BtrfsSubvol {
		return &BtrfsSubvol{What: what, Device: m.device, Mountpoint: point, ID: number, Path: p}
	}
	standard := line("default", topLevel, "/")
	for _, s := range all {
		if s.SubvolID == m.fs.Default {
			standard = line("default", s.SubvolID, s.Path)
		}
	}
	e.out.comment("Btrfs default subvolume for "+m.device+" at "+point, "Format: btrfsdefaultsubvol <device> <mountpoint> <btrfs_subvolume_ID> <btrfs_subvolume_path>")
	e.add(m.fs, standard)
	var snapshots, disabled, normal []*BtrfsSubvol
	for _, s := range all {
		switch {
		case s.ParentUUID != "":
			snapshots = append(snapshots, line("snapshot", s.SubvolID, s.Path))
		case strings.Contains(standard.Path, snapper+"/") && strings.Contains(s.Path, snapper):
			disabled = append(disabled, line("normal", s.SubvolID, s.Path))
		default:
			normal = append(normal, line("normal", s.SubvolID, s.Path))
		}
	}
	e.subvolumeLines(m, "snapshot", snapshots, true)
	if len(all) > 0 {
		e.out.comment("Btrfs normal subvolumes for "+m.device+" at "+point, "Format: btrfsnormalsubvol <device> <mountpoint> <btrfs_subvolume_ID> <btrfs_subvolume_path>")
	}
	e.subvolumeLines(m, "", disabled, true)
	e.subvolumeLines(m, "", normal, false)
}

func (e *exporter) subvolumeLines(m mounted, what string, lines []*BtrfsSubvol, disabled bool) {
	if what != "" && len(lines) > 0 {
		e.out.comment("Btrfs "+what+" subvolumes for "+m.device+" at "+escapeFindmnt(m.Point)+": ReaR does not make them again",
			"Format: btrfs"+what+"subvol <device> <mountpoint> <btrfs_subvolume_ID> <btrfs_subvolume_path>")
	}
	for _, c := range lines {
		e.add(m.fs, c)
		e.out.Lines[len(e.out.Lines)-1].Disabled = disabled
	}
}
