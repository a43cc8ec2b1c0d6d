package layout

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// What is not part of the machine: the words of the table in docs/tables.md.
const (
	leftImage     = "image"
	leftMemory    = "memory"
	leftOptical   = "optical"
	leftRemovable = "removable"
	leftMedium    = "medium"
	leftHistory   = "history"
)

// outsideRow is a row of the table that says what is not part of the machine.
type outsideRow struct {
	reason string
	when   string
	fits   func(c *capture, d *storage.Disk) bool // nil for what is no disk
	said   string                                 // of several such things, in a note
}

// outside is the table; the first row that fits counts.
var outside = []outsideRow{
	{leftImage, "a loop or network block device with an image file behind it", (*capture).isImage, "devices of image files, which are files like others"},
	{leftMemory, "a device in memory (zram, a RAM disk)", (*capture).isMemory, "devices in memory"},
	{leftOptical, "an optical or floppy drive", (*capture).isDrive, "optical and floppy drives"},
	{leftRemovable, "a removable or USB disk that the system does not use", (*capture).isVisitor, "removable disks that the system does not use"},
	{leftMedium, "a disk with nothing on it but a finished image (ISO 9660, UDF, squashfs, erofs), that the system does not use: a live medium, settings for a cloud's machine", (*capture).isMedium, "disks with a finished image on them"},
	{leftHistory, "a snapshot of btrfs that is neither mounted nor the default, and in which nothing lies that is", nil, "snapshots of btrfs that are not mounted"},
}

// leaveOut finds what is not part of the machine. What rests on it alone is not either; but
// what rests on a disk of the machine as well makes it a part.
func (c *capture) leaveOut() {
	for n := range c.g.Nodes() {
		switch n := n.(type) {
		case *storage.Image:
			c.left[n.ID] = leftImage
		case *storage.Disk:
			c.leaveDisk(n)
		default:
			c.leaveWith(n)
		}
	}
	for c.bringBack() {
	}
	c.leaveSnapshots()
	c.tellLeft()
}

// leaveDisk goes by the table, but for maps of unknown purpose, which go with what they
// lie on.
func (c *capture) leaveDisk(d *storage.Disk) {
	if slices.ContainsFunc(c.g.Lower(d.ID), func(low storage.Node) bool { return low.Kind() != storage.KindImage }) {
		c.leaveWith(d)
		return
	}
	for _, row := range outside {
		if row.fits != nil && row.fits(c, d) {
			c.left[d.ID] = row.reason
			return
		}
	}
	c.leaveWith(d)
}

// leaveWith leaves out what lies on nothing but what is left out.
func (c *capture) leaveWith(n storage.Node) {
	b := n.Base()
	for _, low := range b.On {
		if c.left[low] == "" {
			return
		}
	}
	if len(b.On) > 0 {
		c.left[b.ID] = c.left[b.On[0]]
	}
}

// bringBack takes in again what something of the machine rests on, or refers to; with it
// comes all that rests on it. It reports whether there was something to do.
func (c *capture) bringBack() bool {
	var wanted []storage.ID
	for n := range c.kept {
		for _, low := range append(references(n), n.Base().On...) {
			if c.left[low] != "" {
				wanted = append(wanted, low)
			}
		}
	}
	for _, id := range wanted {
		c.takeIn(id)
	}
	return len(wanted) > 0
}

func (c *capture) takeIn(id storage.ID) {
	if c.left[id] == "" {
		return
	}
	delete(c.left, id)
	for _, up := range c.g.Upper(id) {
		c.takeIn(up.Base().ID)
	}
}

// references are nodes that n names without lying on them.
func references(n storage.Node) []storage.ID {
	var out []storage.ID
	switch n := n.(type) {
	case *storage.LV:
		out = []storage.ID{n.Group, n.Origin, n.Pool}
	case *storage.MD:
		for _, m := range n.Members {
			out = append(out, m.ID)
		}
	case *storage.Crypt:
		if n.Terms != nil {
			out = []storage.ID{n.Terms.HeaderOn}
		}
	}
	return out
}

func (c *capture) isImage(d *storage.Disk) bool {
	switch {
	case d.BackingFile != "", strings.HasPrefix(d.Path(), "/dev/loop"):
		return true
	}
	for _, low := range c.g.Lower(d.ID) {
		if low.Kind() == storage.KindImage {
			return true
		}
	}
	return false
}

func (c *capture) isMemory(d *storage.Disk) bool {
	return d.Transport == "zram" || hasKernelName(d, "/dev/zram", "/dev/ram")
}

func (c *capture) isDrive(d *storage.Disk) bool { return hasKernelName(d, "/dev/sr", "/dev/fd") }

func hasKernelName(d *storage.Disk, prefixes ...string) bool {
	for _, name := range d.Names {
		for _, prefix := range prefixes {
			if number, ok := strings.CutPrefix(name.Path, prefix); ok && number != "" && strings.Trim(number, "0123456789") == "" {
				return true
			}
		}
	}
	return false
}

// isVisitor tells a disk that comes and goes, of which the system uses nothing: no
// mount but in the places that are for visitors (FHS 3.0, 3.11 and 3.12; /run is where
// desktops put them), no swap, no line of fstab or crypttab.
func (c *capture) isVisitor(d *storage.Disk) bool {
	return (d.Removable || d.Transport == "usb") && !c.isUsedBySystem(d)
}

// isMedium tells a disk that was written in one piece, and is not the machine's own.
func (c *capture) isMedium(d *storage.Disk) bool {
	upper := c.g.Upper(d.ID)
	for _, up := range upper {
		f, ok := up.(*storage.FileSystem)
		if _, isTable := up.(*storage.Table); !isTable && (!ok || !slices.Contains(imageTypes, f.Type)) {
			return false
		}
	}
	isImage := func(n storage.Node) bool { return n.Kind() == storage.KindFileSystem }
	return slices.ContainsFunc(upper, isImage) && !c.isUsedBySystem(d)
}

// imageTypes are file systems that are made with all that is in them. An ISO 9660 image
// often has a partition table as well, which shows parts of it.
var imageTypes = []string{"iso9660", "udf", "squashfs", "erofs"}

func (c *capture) isUsedBySystem(d *storage.Disk) bool {
	for _, n := range append(c.g.Above(d.ID), d) {
		if s, ok := n.(*storage.Swap); ok && s.Active || c.named()[n.Base().ID] {
			return true
		}
		for _, m := range c.mountsOf()[n.Base().ID] {
			if !isVisitorsPlace(m.Point) {
				return true
			}
		}
	}
	return false
}

func isVisitorsPlace(point string) bool {
	for _, dir := range []string{"/media", "/mnt", "/run"} {
		if storage.PathContains(dir, point) {
			return true
		}
	}
	return false
}

// mountsOf are the mounts of the system by their sources.
func (c *capture) mountsOf() map[storage.ID][]storage.Mount {
	if c.bySource == nil {
		c.bySource = map[storage.ID][]storage.Mount{}
		for _, m := range c.live {
			c.bySource[m.Source] = append(c.bySource[m.Source], m)
		}
	}
	return c.bySource
}

// named are the nodes that a line of the system's fstab or crypttab means by what they
// carry with them. A name that the kernel gives is no proof for a disk that comes and goes.
func (c *capture) named() map[storage.ID]bool {
	if c.isNamed != nil {
		return c.isNamed
	}
	c.isNamed = map[storage.ID]bool{}
	specs := map[string]bool{}
	for _, s := range c.specs() {
		specs[fmt.Sprint(s.Kind, "=", strings.ToLower(s.Value))] = true
	}
	for n := range c.g.Nodes() {
		uuid, label, isPart := names(n)
		kinds := []fstab.SpecKind{fstab.UUID, fstab.Label}
		if isPart {
			kinds = []fstab.SpecKind{fstab.PartUUID, fstab.PartLabel}
		}
		for i, value := range []string{uuid, label} {
			if value != "" && specs[fmt.Sprint(kinds[i], "=", strings.ToLower(value))] {
				c.isNamed[n.Base().ID] = true
			}
		}
	}
	return c.isNamed
}

// specs are those of the lines of fstab and crypttab.
func (c *capture) specs() []fstab.Spec {
	var out []fstab.Spec
	for _, f := range c.in.Files {
		switch f.Path {
		case "/etc/fstab":
			for _, e := range fstab.ParseFstab([]byte(f.Text)).Entries {
				out = append(out, e.Spec)
			}
		case "/etc/crypttab":
			for _, e := range fstab.ParseCrypttab([]byte(f.Text)).Entries {
				out = append(out, e.Source)
			}
		}
	}
	return out
}

// names are the UUID and the label of a node, if it has any.
func names(n storage.Node) (uuid, label string, isPart bool) {
	switch n := n.(type) {
	case *storage.Partition:
		return n.UUID, n.Label, true
	case *storage.FileSystem:
		return n.UUID, n.Label, false
	case *storage.Swap:
		return n.UUID, n.Label, false
	case *storage.Crypt:
		return n.UUID, n.Label, false
	case *storage.Opaque:
		return n.UUID, n.Label, false
	}
	return "", "", false
}

// leaveSnapshots leaves out what snapper and its like keep: it comes and goes by the
// hour, and cannot be made again.
func (c *capture) leaveSnapshots() {
	for fs := range storage.All[*storage.FileSystem](c.g) {
		var kept []string // paths that something of the machine lies at
		var snapshots []*storage.Subvolume
		for _, up := range c.g.Upper(fs.ID) {
			s, ok := up.(*storage.Subvolume)
			switch {
			case !ok || c.left[s.ID] != "":
			case len(s.On) > 1 || s.ParentUUID == "" || s.SubvolID == fs.Default || len(c.mountsOf()[s.ID]) > 0 || len(c.g.Upper(s.ID)) > 0:
				kept = append(kept, s.Path)
			default:
				snapshots = append(snapshots, s)
			}
		}
		for _, s := range snapshots {
			if !holdsOne(s.Path, kept) {
				c.left[s.ID] = leftHistory
			}
		}
	}
}

func holdsOne(dir string, paths []string) bool {
	for _, p := range paths {
		if storage.PathContains(path.Join("/", dir), path.Join("/", p)) {
			return true
		}
	}
	return false
}

// tellLeft says what was left out.
func (c *capture) tellLeft() {
	count := map[string]int{}
	for n := range c.g.Nodes() {
		if reason := c.left[n.Base().ID]; n.Kind() == storage.KindDisk || reason == leftHistory {
			count[reason]++
		}
	}
	for _, row := range outside {
		if n := count[row.reason]; n > 0 {
			c.notes = append(c.notes, fmt.Sprintf("%d left out: %s", n, row.said))
		}
	}
}
