package rear

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/layout"
	"salvor/internal/storage"
)

// Dialect is a form of disklayout.conf. ReaR promises none between versions.
type Dialect string

// The dialects.
const (
	V27    Dialect = "2.7"    // as ReaR 2.7 of Debian 12 and RHEL 9 writes it; later ones read it too
	Latest Dialect = "latest" // of 2026: PARTUUIDs, sizes of PVs in bytes, pbkdf, btrfs's node size
)

// Dialects are all, the default first.
var Dialects = []Dialect{V27, Latest}

// Options say how files are written.
type ExportOptions struct {
	Dialect Dialect
	Dated   string // what the first line calls the date: YYYYmmddHHMMSS; "" for no such line
}

// Export makes ReaR's files of a layout, and lists what of it they do not say. The
// lines are those that ReaR itself writes on that machine with its default
// configuration, but with AUTOEXCLUDE_MULTIPATH=n; docs/rear.md names the exceptions.
func Export(l *layout.Layout, opt ExportOptions) (*Files, []Gap, error) {
	if opt.Dialect == "" {
		opt.Dialect = V27
	}
	if !slices.Contains(Dialects, opt.Dialect) {
		return nil, nil, fmt.Errorf("cannot write a disklayout.conf of ReaR %q: known are %s and %s", opt.Dialect, V27, Latest)
	}
	g, err := l.Graph()
	if err != nil {
		return nil, nil, err
	}
	e := &exporter{l: l, g: g, latest: opt.Dialect == Latest, owner: map[Component]storage.ID{}, out: &File{},
		files: &Files{Groups: map[string][]byte{}, XFS: map[string][]byte{}}, written: map[storage.ID]bool{}}
	e.files.Layout = e.out
	if opt.Dated != "" {
		e.out.comment("Disk layout dated " + opt.Dated + " (YYYYmmddHHMMSS)")
	}
	e.disks()
	e.raids()
	e.lvm()
	e.fileSystems()
	e.btrfs()
	e.swaps()
	e.drbds()
	e.crypts()
	e.multipaths()
	e.exclude()
	e.companions()
	e.losses()
	return e.files, e.gaps, nil
}

// exporter is a layout on its way to become files.
type exporter struct {
	l      *layout.Layout
	g      *storage.Graph
	latest bool

	out     *File
	files   *Files
	owner   map[Component]storage.ID // the node that a line is about
	written map[storage.ID]bool      // nodes that a line is about
	mounts  []mounted                // that have an fs line
	gaps    []Gap

	inGroup map[storage.ID][]*storage.LV
}

func (e *exporter) add(n storage.Node, c Component) {
	e.owner[c] = n.Base().ID
	e.written[n.Base().ID] = true
	e.out.add(c)
}

func (e *exporter) gap(what, format string, args ...any) {
	e.gaps = append(e.gaps, Gap{What: what, Cause: fmt.Sprintf(format, args...)})
}

// diskNames are the devices that ReaR takes for disks.
var diskNames = regexp.MustCompile(`^/dev/(hd|sd|cciss|vd|xvd|dasd|nvme|mmcblk)`)

// device is how ReaR names a node: by the kernel's name, or by that of its map.
func (e *exporter) device(n storage.Node) string {
	switch n := n.(type) {
	case *storage.LV:
		return "/dev/mapper/" + fstab.LVMName(n.VG, n.Name)
	case *storage.Crypt:
		for _, name := range n.Names {
			if name.Origin == storage.FromCrypttab {
				return name.Path
			}
		}
	case *storage.Partition:
		if n.Path() == "" {
			return e.partDevice(n)
		}
	}
	return n.Base().Path()
}

// partDevice is the name that the kernel gives a partition (block/partitions/core.c).
func (e *exporter) partDevice(n *storage.Partition) string {
	carrier := e.carrier(n)
	if carrier == nil || e.device(carrier) == "" {
		return ""
	}
	dev := e.device(carrier)
	if last := dev[len(dev)-1]; last >= '0' && last <= '9' {
		dev += "p"
	}
	return dev + num(uint64(n.Number))
}

// carrier is the device that a partition is on.
func (e *exporter) carrier(n *storage.Partition) storage.Node {
	for _, t := range e.g.Lower(n.ID) {
		for _, low := range e.g.Lower(t.Base().ID) {
			return low
		}
	}
	return nil
}

// on gives the device that content lies on, of several the first.
func (e *exporter) on(n storage.Node) storage.Node {
	if low := e.g.Lower(n.Base().ID); len(low) > 0 {
		return low[0]
	}
	return nil
}

// byDevice gives the nodes of a type that have a device, in the order of its name.
func byDevice[T storage.Node](e *exporter) []T {
	var out []T
	for n := range storage.All[T](e.g) {
		if e.device(n) != "" {
			out = append(out, n)
		}
	}
	slices.SortStableFunc(out, func(a, b T) int { return strings.Compare(e.device(a), e.device(b)) })
	return out
}

// disks writes the disks and their partitions.
func (e *exporter) disks() {
	for _, d := range byDevice[*storage.Disk](e) {
		dev := e.device(d)
		if !diskNames.MatchString(dev) || e.isWire(d) {
			continue
		}
		e.out.comment("Disk "+dev, "Format: disk <devname> <size(bytes)> <partition label type>")
		e.add(d, &Disk{Device: dev, Size: d.Size, Label: e.label(d)})
		e.parts(d, dev)
	}
}

// isWire tells the disks that a multipath map stands for.
func (e *exporter) isWire(d *storage.Disk) bool {
	return slices.ContainsFunc(e.g.Upper(d.ID), func(n storage.Node) bool { return n.Kind() == storage.KindMultipath })
}

func (e *exporter) table(carrier storage.Node) *storage.Table {
	for _, up := range e.g.Upper(carrier.Base().ID) {
		if t, ok := up.(*storage.Table); ok {
			return t
		}
	}
	return nil
}

// partedLoop are the file systems that parted recognises on a whole device, which it
// then calls a loop (libparted, labels/loop.c).
var partedLoop = regexp.MustCompile(`^(ext[234]|xfs|btrfs|vfat|ntfs|reiserfs|jfs|nilfs2|hfs|hfsplus|udf|f2fs)$`)

// label is what parted says of the partition table.
func (e *exporter) label(carrier storage.Node) string {
	if t := e.table(carrier); t != nil {
		switch t.Format {
		case "gpt":
			return "gpt"
		case "dos":
			return "msdos"
		}
		return t.Format
	}
	for _, up := range e.g.Upper(carrier.Base().ID) {
		switch up := up.(type) {
		case *storage.FileSystem:
			if partedLoop.MatchString(up.Type) {
				return "loop"
			}
		case *storage.Swap:
			return "loop"
		}
	}
	return "unknown"
}

func (e *exporter) parts(carrier storage.Node, dev string) {
	format := "Format: part <device> <partition size(bytes)> <partition start(bytes)> <partition type|name> <flags> /dev/<partition>"
	if e.latest {
		format += " <partuuid>"
	}
	e.out.comment("Partitions on "+dev, format)
	t := e.table(carrier)
	if t == nil {
		return
	}
	var parts []*storage.Partition
	for _, up := range e.g.Upper(t.ID) {
		if p, ok := up.(*storage.Partition); ok {
			parts = append(parts, p)
		}
	}
	slices.SortFunc(parts, func(a, b *storage.Partition) int { return a.Number - b.Number })
	for _, p := range parts {
		e.add(p, e.part(t, p, dev))
	}
}

func (e *exporter) part(t *storage.Table, p *storage.Partition, parent string) *Part {
	c := &Part{Parent: parent, Size: p.Size, Start: p.Start, Device: e.device(p), Seven: e.latest}
	switch {
	case t.Format == "gpt":
		c.TypeName, c.Flags = p.Label, gptFlags(p)
		c.UUID = p.UUID
	case t.Format == "dos":
		c.TypeName, c.Flags = "primary", mbrFlags(p)
		if p.Extended {
			c.TypeName = "extended"
		} else if p.Logical {
			c.TypeName = "logical"
		}
	case t.Format == "dasd":
		c.TypeName = "ext2"
	}
	if !e.latest {
		c.UUID = ""
	}
	return c
}

// raids writes the arrays.
func (e *exporter) raids() {
	for _, a := range byDevice[*storage.MD](e) {
		dev := e.device(a)
		e.out.comment("RAID device "+dev, "Format: raidarray /dev/<kernel RAID device> level=<RAID level> raid-devices=<nr of active devices> devices=<component device1,component device2,...> [name=<array name>] [metadata=<metadata style>] [uuid=<UUID>] [layout=<data layout>] [chunk=<chunk size>] [spare-devices=<nr of spare devices>] [size=<container size>]")
		e.add(a, e.raid(a, dev))
		e.out.comment("RAID disk "+dev, "Format: raiddisk <devname> <size(bytes)> <partition label type>")
		e.add(a, &RaidDisk{Device: dev, Size: a.Size, Label: e.label(a)})
		e.parts(a, dev)
	}
}

func (e *exporter) raid(a *storage.MD, dev string) *Raid {
	made := storage.MDMade{}
	if a.Made != nil {
		made = *a.Made
	}
	devices := e.members(a)
	c := &Raid{Device: dev}
	o := &c.Options
	o.add("level", a.Level)
	o.add("raid-devices", num(uint64(max(a.RaidDisks, 0))))
	*o = append(*o, Option{"devices", strings.Join(devices, ",")})
	o.add("name", arrayName(a, dev, e.l.Machine.Hostname))
	o.add("metadata", a.Metadata)
	o.add("uuid", a.UUID)
	o.add("layout", partedLayout(a.Level, made.Layout))
	if made.Chunk > 0 {
		o.add("chunk", num(made.Chunk>>10))
	}
	if spare := len(devices) - a.RaidDisks; spare > 0 && a.Level != "container" {
		o.add("spare-devices", num(uint64(spare)))
	}
	if made.Container != "" && made.MemberSize > 0 {
		o.add("size", num(made.MemberSize>>10))
	}
	return c
}

// members are the devices of an array as mdadm --detail lists them: those in their
// slots, then the spares.
func (e *exporter) members(a *storage.MD) []string {
	members := slices.Clone(a.Members)
	slices.SortStableFunc(members, func(x, y storage.MDMember) int { return slot(x.Role) - slot(y.Role) })
	var out []string
	for _, m := range members {
		if n := e.g.Node(m.ID); n != nil && m.Role != "journal" && e.device(n) != "" {
			out = append(out, e.device(n))
		}
	}
	return out
}

// slot is the place of a member by its role; those without one come last.
func slot(role string) int {
	n := 0
	if _, err := fmt.Sscanf(role, "%d", &n); err != nil {
		return 1 << 30
	}
	return n
}

// arrayName is the name of the link below /dev/md: without the host's name where that is
// this host's own (mdadm(8), --homehost). An array whose name is the number of its device
// has none.
func arrayName(a *storage.MD, dev, hostname string) string {
	host, name, full := strings.Cut(a.Name, ":")
	switch {
	case !full:
		name = a.Name
	case host != hostname:
		return a.Name
	}
	if "md"+name == path.Base(dev) {
		return ""
	}
	return name
}

// partedLayout is a layout as mdadm --create takes it. mdadm shows one for levels
// that have a choice alone.
func partedLayout(level, s string) string {
	if level != "raid10" {
		return s
	}
	s, _, _ = strings.Cut(s, ",")
	for _, word := range []string{"near=", "far=", "offset="} {
		if n, ok := strings.CutPrefix(s, word); ok {
			return word[:1] + n
		}
	}
	return s
}

// multipaths writes the maps and their partitions.
func (e *exporter) multipaths() {
	for _, m := range byDevice[*storage.Multipath](e) {
		dev := e.device(m)
		c := &Multipath{Device: dev, Size: m.Size, Label: e.label(m)}
		for _, d := range e.g.Lower(m.ID) {
			if name := e.device(d); name != "" {
				c.Slaves = append(c.Slaves, name)
			}
		}
		slices.Sort(c.Slaves)
		e.out.comment("Multipath "+dev, "Format: multipath <devname> <size(bytes)> <partition label type> <slaves>")
		e.add(m, c)
		e.parts(m, dev)
	}
}

// swaps writes the areas that were in use.
func (e *exporter) swaps() {
	e.out.comment("Swap partitions or swap files", "Format: swap <filename> uuid=<uuid> label=<label>")
	for _, n := range byContent[*storage.Swap](e) {
		if n.Active {
			e.add(n, &Swap{Device: e.device(e.on(n)), UUID: n.UUID, Label: firstWordOf(n.Label)})
		}
	}
}

// byContent gives content in the order of the devices that it is on.
func byContent[T storage.Node](e *exporter) []T {
	var out []T
	for n := range storage.All[T](e.g) {
		if low := e.on(n); low != nil && e.device(low) != "" {
			out = append(out, n)
		}
	}
	slices.SortStableFunc(out, func(a, b T) int { return strings.Compare(e.device(e.on(a)), e.device(e.on(b))) })
	return out
}

func (e *exporter) drbds() {
	for _, n := range byContent[*storage.Opaque](e) {
		if n.Format == "drbd" && e.device(n) != "" {
			e.add(n, &DRBD{Device: e.device(n), Resource: n.Label, Backing: e.device(e.on(n))})
		}
	}
}

// crypts writes the LUKS containers that had a name, which is that of their map.
func (e *exporter) crypts() {
	for _, n := range byDevice[*storage.Crypt](e) {
		low := e.on(n)
		if !strings.HasPrefix(n.Format, "luks") || low == nil || e.device(low) == "" {
			continue
		}
		c := &Crypt{Device: e.device(n), Source: e.device(low)}
		c.Options = Options{{"type", n.Format}, {"cipher", n.Cipher}}
		header := storage.LUKSHeader{}
		if n.Header != nil {
			header = *n.Header
		}
		keySize := ""
		if header.KeyBits > 0 {
			keySize = num(uint64(header.KeyBits))
		}
		c.Options = append(c.Options, Option{"key_size", keySize}, Option{"hash", header.Hash}, Option{"uuid", n.UUID})
		c.Options.add("keyfile", e.keyFile(mapName(c.Device)))
		if e.latest && n.Format == "luks2" && len(header.Slots) > 0 {
			c.Options.add("pbkdf", header.Slots[0].KDF)
		}
		e.add(n, c)
	}
}

// keyFile is the third column of the crypttab, as ReaR takes it.
func (e *exporter) keyFile(name string) string {
	for _, f := range e.l.Files {
		if f.Path != "/etc/crypttab" {
			continue
		}
		for line := range strings.Lines(f.Text) {
			w := strings.Fields(line)
			if len(w) > 2 && w[0] == name && w[2] != "none" && w[2] != "-" {
				return w[2]
			}
		}
	}
	return ""
}
