package system

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// Why says why a spec leads to no node.
type Why string

// The reasons.
const (
	Absent    Why = "missing"    // nothing on this machine answers to it
	NeedsKey  Why = "locked"     // it is known, and encrypted
	Twofold   Why = "ambiguous"  // several nodes answer to it
	StaysShut Why = "closed"     // it is known, and cannot be opened
	NotABlock Why = "no device"  // it names no device at all
	Contents  Why = "wrong type" // it is there, and holds something else
)

// ResolveError is a spec that leads to no node, with what it could have meant.
type ResolveError struct {
	Spec fstab.Spec
	Why  Why
	Text string       // cause in words
	IDs  []storage.ID // candidates, or the locked containers that may hold it
}

func (e *ResolveError) Error() string { return e.Text }

// Resolver tells which node a spec means, with the names that a system's
// crypttab gives to its volumes (problem 1 of the upgrade document: the name in
// fstab need not exist on the rescuing machine).
type Resolver struct {
	g     *storage.Graph
	names map[string]storage.ID // map name, in every encoding → container
	wants map[storage.ID]string // container → name in crypttab
	entry map[storage.ID]fstab.CryptEntry
	lost  []CryptProblem
}

// CryptProblem is a crypttab line that leads to no container.
type CryptProblem struct {
	Entry fstab.CryptEntry
	Err   error
}

// NewResolver makes a resolver for the graph; s may be nil.
func NewResolver(g *storage.Graph, s *System) *Resolver {
	r := &Resolver{g: g, names: map[string]storage.ID{}, wants: map[storage.ID]string{}, entry: map[storage.ID]fstab.CryptEntry{}}
	if s == nil || s.Crypttab == nil {
		return r
	}
	for _, e := range s.Crypttab.Entries {
		c, err := r.container(e)
		if err != nil {
			r.lost = append(r.lost, CryptProblem{e, err})
			continue
		}
		for _, name := range e.MapNames() {
			r.names[name] = c.Base().ID
		}
		r.wants[c.Base().ID] = e.Name
		r.entry[c.Base().ID] = e
	}
	return r
}

// MapName is the name that crypttab gives to a container, or "".
func (r *Resolver) MapName(id storage.ID) string { return r.wants[id] }

// CryptEntry is the crypttab line that opens a container.
func (r *Resolver) CryptEntry(id storage.ID) (fstab.CryptEntry, bool) {
	e, ok := r.entry[id]
	return e, ok
}

// container finds the encrypted container that a crypttab line opens.
func (r *Resolver) container(e fstab.CryptEntry) (*storage.Crypt, error) {
	n, err := r.one(e.Source, r.blocks(e.Source, ""))
	if err != nil {
		return nil, err
	}
	if c, ok := n.(*storage.Crypt); ok {
		return c, nil
	}
	for _, up := range r.g.Upper(n.Base().ID) {
		if c, ok := up.(*storage.Crypt); ok {
			return c, nil
		}
	}
	return nil, &ResolveError{e.Source, Contents, fmt.Sprintf("%s holds no encrypted volume", e.Source), []storage.ID{n.Base().ID}}
}

// Node gives the node that holds what spec means: a file system, a swap area, or
// the block device itself when nothing is known of its content.
func (r *Resolver) Node(spec fstab.Spec) (storage.ID, error) { return r.node(spec, "") }

func (r *Resolver) node(spec fstab.Spec, fsType string) (storage.ID, error) {
	found := r.blocks(spec, fsType)
	n, err := r.one(spec, found)
	if err != nil {
		return "", err
	}
	return r.content(spec, n)
}

// Source gives the node that an fstab line mounts: of a btrfs, the subvolume.
func (r *Resolver) Source(e fstab.Entry) (storage.ID, error) {
	id, err := r.node(e.Spec, e.Type)
	if err != nil {
		return "", err
	}
	fs, ok := r.g.Node(id).(*storage.FileSystem)
	if !ok || fs.Type != "btrfs" || !hasSubvolumes(r.g, id) {
		return id, nil
	}
	return r.subvolume(e, fs)
}

// subvolume follows subvol= and subvolid=; without them the default subvolume
// counts (btrfs(5)). Where both are given and disagree, the kernel refuses.
func (r *Resolver) subvolume(e fstab.Entry, fs *storage.FileSystem) (storage.ID, error) {
	p, id, asked := e.Options.Subvolume()
	_, byPath := e.Options.Get("subvol")
	for _, n := range r.g.Upper(fs.ID) {
		s, ok := n.(*storage.Subvolume)
		if !ok {
			continue
		}
		switch {
		case !asked && s.SubvolID == defaultSubvolume(fs):
		case asked && byPath && s.Path == p && (id == 0 || id == s.SubvolID):
		case asked && !byPath && s.SubvolID == id:
		default:
			continue
		}
		return s.ID, nil
	}
	if !asked {
		return fs.ID, nil
	}
	return "", &ResolveError{e.Spec, Absent, fmt.Sprintf("the btrfs has no subvolume %s", subvolumeWord(p, id, byPath)), []storage.ID{fs.ID}}
}

func subvolumeWord(p string, id uint64, byPath bool) string {
	switch {
	case byPath && id != 0:
		return fmt.Sprintf("%q with the ID %d", p, id)
	case byPath:
		return fmt.Sprintf("%q", p)
	default:
		return fmt.Sprintf("with the ID %d", id)
	}
}

func defaultSubvolume(fs *storage.FileSystem) uint64 {
	if fs.Default == 0 {
		return 5 // BTRFS_FS_TREE_OBJECTID, the top level
	}
	return fs.Default
}

// content goes from a block device up to the file system or swap area on it.
func (r *Resolver) content(spec fstab.Spec, n storage.Node) (storage.ID, error) {
	id := n.Base().ID
	switch n.(type) {
	case *storage.FileSystem, *storage.Swap, *storage.Subvolume:
		return id, nil
	}
	if storage.CanOpen(n) && storage.OpeningOf(n) == nil {
		return "", r.shut(spec, n)
	}
	for _, up := range r.g.Upper(id) {
		switch up := up.(type) {
		case *storage.FileSystem, *storage.Swap:
			return up.Base().ID, nil
		case *storage.Crypt:
			if up.Open == nil {
				return "", r.shut(spec, up)
			}
		}
	}
	return id, nil
}

func (r *Resolver) shut(spec fstab.Spec, n storage.Node) error {
	id := n.Base().ID
	if n.Kind() == storage.KindCrypt {
		return &ResolveError{spec, NeedsKey, fmt.Sprintf("%s is locked", Describe(r.g, id)), []storage.ID{id}}
	}
	return &ResolveError{spec, StaysShut, fmt.Sprintf("%s cannot be opened: %s", Describe(r.g, id), because(n.Base())), []storage.ID{id}}
}

// one settles on a single node, or says why that cannot be done.
func (r *Resolver) one(spec fstab.Spec, found []storage.Node) (storage.Node, error) {
	if len(found) > 1 {
		found = r.tellApart(found)
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, r.absent(spec)
	}
	e := &ResolveError{Spec: spec, Why: Twofold}
	var names []string
	for _, n := range found {
		e.IDs = append(e.IDs, n.Base().ID)
		names = append(names, Describe(r.g, n.Base().ID))
	}
	e.Text = fmt.Sprintf("%d devices answer to %s: %s", len(found), spec, strings.Join(names, ", "))
	return nil, e
}

func (r *Resolver) absent(spec fstab.Spec) error {
	switch spec.Kind {
	case fstab.Virtual, fstab.Network, fstab.File, fstab.Unset:
		return &ResolveError{Spec: spec, Why: NotABlock, Text: fmt.Sprintf("%s names no device", spec)}
	}
	e := &ResolveError{Spec: spec, Why: Absent, Text: fmt.Sprintf("nothing on this machine answers to %s", spec)}
	for c := range storage.All[*storage.Crypt](r.g) {
		if c.Open == nil {
			e.IDs = append(e.IDs, c.ID)
		}
	}
	if len(e.IDs) > 0 {
		e.Text += fmt.Sprintf(" (it may lie in a locked volume: %s)", Describe(r.g, e.IDs...))
	}
	return e
}

// tellApart keeps of twins the ones that a booting system would mean: not the
// snapshot where its origin is there too.
func (r *Resolver) tellApart(found []storage.Node) []storage.Node {
	var out []storage.Node
	for _, n := range found {
		if !isSnapshotVolume(r.g, n.Base().ID) || !r.originAmong(n, found) {
			out = append(out, n)
		}
	}
	return out
}

func (r *Resolver) originAmong(n storage.Node, found []storage.Node) bool {
	for _, low := range append(r.g.Below(n.Base().ID), n) {
		lv, ok := low.(*storage.LV)
		if !ok || lv.Origin == "" {
			continue
		}
		for _, other := range found {
			if other == n {
				continue
			}
			if other.Base().ID == lv.Origin || slices.Contains(other.Base().On, lv.Origin) && !isSnapshotVolume(r.g, other.Base().ID) {
				return true
			}
		}
	}
	return false
}

// blocks gives every node that answers to spec. fsType narrows kernel names of
// another machine down.
func (r *Resolver) blocks(spec fstab.Spec, fsType string) []storage.Node {
	v := spec.Value
	switch spec.Kind {
	case fstab.UUID:
		return r.where(func(n storage.Node) bool { u, _ := uuidLabel(n); return u != "" && strings.EqualFold(u, v) })
	case fstab.Label:
		return r.where(func(n storage.Node) bool { _, l := uuidLabel(n); return l != "" && l == v })
	case fstab.PartUUID:
		return r.where(func(n storage.Node) bool {
			p, ok := n.(*storage.Partition)
			return ok && p.UUID != "" && strings.EqualFold(p.UUID, v)
		})
	case fstab.PartLabel:
		return r.where(func(n storage.Node) bool { p, ok := n.(*storage.Partition); return ok && p.Label != "" && p.Label == v })
	case fstab.Mapper:
		return r.mapper(v)
	case fstab.ID, fstab.ByID:
		return r.byID(v)
	case fstab.ByPath:
		return r.g.ByName("/dev/disk/by-path/" + v)
	case fstab.DevicePath:
		return r.devicePath(v, fsType)
	default:
		return nil
	}
}

func (r *Resolver) where(is func(storage.Node) bool) []storage.Node {
	var out []storage.Node
	for n := range r.g.Nodes() {
		if is(n) {
			out = append(out, n)
		}
	}
	return out
}

// uuidLabel gives what UUID= and LABEL= are compared with (blkid's tags).
func uuidLabel(n storage.Node) (uuid, label string) {
	switch n := n.(type) {
	case *storage.FileSystem:
		return n.UUID, n.Label
	case *storage.Swap:
		return n.UUID, n.Label
	case *storage.Crypt:
		return n.UUID, n.Label
	case *storage.Opaque:
		return n.UUID, n.Label
	}
	return "", ""
}

// mapper resolves /dev/mapper/NAME: what crypttab calls so, then a logical
// volume of that name, then what is open under it now. A name from the system's
// own crypttab wins over what happens to be open, which another system opened.
func (r *Resolver) mapper(name string) []storage.Node {
	if id, ok := r.names[name]; ok {
		return []storage.Node{r.g.Node(id)}
	}
	if id, ok := r.names[fstab.DecodeDM(name)]; ok {
		return []storage.Node{r.g.Node(id)}
	}
	found := r.where(func(n storage.Node) bool {
		lv, ok := n.(*storage.LV)
		return ok && fstab.LVMName(lv.VG, lv.Name) == name
	})
	if len(found) > 0 {
		return found
	}
	return r.where(func(n storage.Node) bool {
		if o := storage.OpeningOf(n); o != nil && o.Name != "" && fstab.EncodeDM(o.Name) == fstab.EncodeDM(fstab.DecodeDM(name)) {
			return true
		}
		return n.Base().HasName("/dev/mapper/" + name)
	})
}

var (
	cryptDMUUID = regexp.MustCompile(`^dm-uuid-CRYPT-[A-Z0-9]+-([0-9a-f]{32})-`)
	lvDMUUID    = regexp.MustCompile(`^dm-uuid-LVM-([0-9A-Za-z]{32})([0-9A-Za-z]{32})$`)
	partOfID    = regexp.MustCompile(`^(.+)-part([0-9]+)$`)
)

// byID resolves a name below /dev/disk/by-id: the links that exist, and those
// that would exist on the system's own machine.
func (r *Resolver) byID(name string) []storage.Node {
	if found := r.g.ByName("/dev/disk/by-id/" + name); len(found) > 0 {
		return found
	}
	if dm, ok := strings.CutPrefix(name, "dm-name-"); ok {
		return r.mapper(dm)
	}
	if m := cryptDMUUID.FindStringSubmatch(name); m != nil {
		return r.where(func(n storage.Node) bool { c, ok := n.(*storage.Crypt); return ok && noHyphens(c.UUID) == m[1] })
	}
	if m := lvDMUUID.FindStringSubmatch(name); m != nil {
		return r.where(func(n storage.Node) bool { lv, ok := n.(*storage.LV); return ok && noHyphens(lv.UUID) == m[2] })
	}
	if m := partOfID.FindStringSubmatch(name); m != nil {
		return r.partitionsOf(r.byID(m[1]), m[2])
	}
	return r.where(func(n storage.Node) bool { return derivedID(n, name) })
}

// derivedID tells names that udev makes of what lies on the disk (rules
// 60-persistent-storage, 63-md-raid-arrays, 69-lvm).
func derivedID(n storage.Node, name string) bool {
	switch n := n.(type) {
	case *storage.MD:
		return name == "md-uuid-"+n.UUID || n.Name != "" && name == "md-name-"+n.Name
	case *storage.PV:
		return name == "lvm-pv-uuid-"+n.UUID
	case *storage.Disk:
		return n.WWN != "" && name == "wwn-"+n.WWN
	case *storage.Multipath:
		return n.WWID != "" && (name == "dm-uuid-mpath-"+n.WWID || name == "scsi-"+n.WWID)
	}
	return false
}

func noHyphens(s string) string { return strings.ReplaceAll(s, "-", "") }

func (r *Resolver) partitionsOf(on []storage.Node, number string) []storage.Node {
	var out []storage.Node
	for _, n := range on {
		for _, up := range r.g.Upper(n.Base().ID) {
			for _, p := range r.g.Upper(up.Base().ID) {
				if p, ok := p.(*storage.Partition); ok && fmt.Sprint(p.Number) == number {
					out = append(out, p)
				}
			}
		}
	}
	return out
}

var (
	kernelDisk = regexp.MustCompile(`^/dev/(?:[shv]d[a-z]+|xvd[a-z]+|(?:nvme[0-9]+n[0-9]+|mmcblk[0-9]+|md_?d?[0-9]+|loop[0-9]+|dasd[a-z]+)p?)([0-9]+)$`)
	mdNumber   = regexp.MustCompile(`^/dev/md([0-9]+)(?:p([0-9]+))?$`)
)

// devicePath resolves any other path below /dev. Names that metadata gives
// (/dev/VG/LV, /dev/md/NAME, /dev/mdN) are sure; a name that the kernel gave on
// the system's own machine is taken only when a single partition can be meant.
func (r *Resolver) devicePath(p, fsType string) []storage.Node {
	if vg, lv, ok := strings.Cut(strings.TrimPrefix(p, "/dev/"), "/"); ok && !strings.Contains(lv, "/") {
		if found := r.where(func(n storage.Node) bool { l, ok := n.(*storage.LV); return ok && l.VG == vg && l.Name == lv }); len(found) > 0 {
			return found
		}
	}
	if name, ok := strings.CutPrefix(p, "/dev/md/"); ok {
		return r.arrays(name)
	}
	if m := mdNumber.FindStringSubmatch(p); m != nil {
		found := r.arrays(m[1])
		if m[2] != "" {
			return r.partitionsOf(found, m[2])
		}
		return found
	}
	if m := kernelDisk.FindStringSubmatch(p); m != nil {
		return r.byNumber(m[1], fsType)
	}
	return r.g.ByName(p)
}

// arrays finds MD arrays by the name in their superblock, with or without the
// home host before it.
func (r *Resolver) arrays(name string) []storage.Node {
	name, part, cut := name, "", false
	if at := strings.LastIndexByte(name, 'p'); at > 0 && len(r.arraysNamed(name)) == 0 {
		name, part, cut = name[:at], name[at+1:], true
	}
	found := r.arraysNamed(name)
	if cut {
		return r.partitionsOf(found, part)
	}
	return found
}

func (r *Resolver) arraysNamed(name string) []storage.Node {
	return r.where(func(n storage.Node) bool {
		md, ok := n.(*storage.MD)
		if !ok {
			return false
		}
		_, own, _ := strings.Cut(":"+md.Name, ":")
		if at := strings.LastIndexByte(md.Name, ':'); at >= 0 {
			own = md.Name[at+1:]
		}
		return own != "" && own == name || md.HasName("/dev/md/"+name) || md.HasName("/dev/md"+name)
	})
}

// byNumber gives the partitions that a name like /dev/sda2 of another machine
// can mean: those of that number that hold what the line says.
func (r *Resolver) byNumber(number, fsType string) []storage.Node {
	return r.where(func(n storage.Node) bool {
		p, ok := n.(*storage.Partition)
		if !ok || p.Extended || fmt.Sprint(p.Number) != number {
			return false
		}
		for _, up := range r.g.Upper(p.ID) {
			switch up := up.(type) {
			case *storage.FileSystem:
				return fsType == "" || fsType == "auto" || sameType(fsType, up.Type)
			case *storage.Swap:
				return fsType == "swap"
			}
		}
		return fsType == ""
	})
}

// sameType compares a type in fstab with the one on the disk: one driver mounts
// ext2, ext3 and ext4, and ntfs has several.
func sameType(asked, is string) bool {
	family := func(t string) string {
		switch t {
		case "ext2", "ext3", "ext4":
			return "ext"
		case "ntfs", "ntfs3", "ntfs-3g", "fuseblk":
			return "ntfs"
		case "msdos", "vfat", "umsdos":
			return "fat"
		}
		return t
	}
	return family(asked) == family(is)
}

// Describe names nodes so that a person recognises them: what it is, how it is
// called, on which disk it lies.
func Describe(g *storage.Graph, ids ...storage.ID) string {
	var out []string
	for _, id := range ids {
		out = append(out, describe(g, id))
	}
	return strings.Join(out, ", ")
}

func describe(g *storage.Graph, id storage.ID) string {
	n := g.Node(id)
	if n == nil {
		return string(id)
	}
	what, where := string(n.Kind()), ""
	switch n := n.(type) {
	case *storage.FileSystem:
		what, where = n.Type, carrierName(g, n)
	case *storage.Subvolume:
		fs := g.Lower(id)[0]
		what, where = fmt.Sprintf("subvolume %q", n.Path), carrierName(g, fs)
	case *storage.Swap:
		what, where = "swap", carrierName(g, n)
	case *storage.Crypt:
		what, where = strings.ToUpper(n.Format), carrierName(g, n)
	case *storage.LV:
		what, where = "volume", n.VG+"/"+n.Name
	case *storage.VG:
		what, where = "volume group", n.Name
	case *storage.MD:
		what, where = strings.ToUpper(n.Level), cmpOr(n.Name, n.UUID)
	default:
		where = shortName(n)
	}
	return what + " on " + cmpOr(where, string(id))
}

// carrierName is the name of the device that n lies on.
func carrierName(g *storage.Graph, n storage.Node) string {
	for _, low := range g.Lower(n.Base().ID) {
		if lv, ok := low.(*storage.LV); ok {
			return lv.VG + "/" + lv.Name
		}
		if c, ok := low.(*storage.Crypt); ok && c.Open == nil {
			continue
		}
		if name := shortName(low); name != "" {
			return name
		}
	}
	return ""
}

func shortName(n storage.Node) string {
	p := n.Base().Path()
	if p == "" {
		return ""
	}
	return path.Base(p)
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
