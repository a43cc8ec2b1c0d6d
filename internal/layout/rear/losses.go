package rear

import (
	"fmt"
	"slices"
	"strings"

	"salvor/internal/storage"
)

// losses lists what the files do not say of this layout: one gap for each thing that
// loses something, with all that it loses.
func (e *exporter) losses() {
	for n := range e.g.Nodes() {
		what, lost := e.name(n), e.lost(n)
		if len(lost) > 0 {
			e.gap(what, "ReaR does not keep %s", strings.Join(lost, "; nor "))
		}
	}
	e.mountLosses()
	if word := e.l.Boot.Loader; word != "" && e.files.Bootloader == "" {
		e.gap("boot loader "+word, "ReaR has no word for it")
	}
}

// name is what people call a node.
func (e *exporter) name(n storage.Node) string {
	if dev := e.device(n); dev != "" {
		return dev
	}
	switch n := n.(type) {
	case *storage.FileSystem, *storage.Swap, *storage.PV, *storage.Opaque, *storage.Table:
		if low := e.on(n); low != nil {
			return fmt.Sprintf("%s on %s", n.Kind(), e.name(low))
		}
	case *storage.VG:
		return "volume group " + n.Name
	case *storage.Subvolume:
		return fmt.Sprintf("subvolume %q", n.Path)
	}
	return e.g.ShortName(n.Base().ID)
}

// lost says in words what is lost of a node.
func (e *exporter) lost(n storage.Node) []string {
	switch n := n.(type) {
	case *storage.Disk:
		if !e.isWire(n) {
			return e.unwritten(n, "disks of this kind, or without a name of the kernel")
		}
	case *storage.Table:
		return e.lostTable(n)
	case *storage.Partition:
		return e.lostPartition(n)
	case *storage.MD:
		return e.lostArray(n)
	case *storage.Crypt:
		return e.lostCrypt(n)
	case *storage.Bcache, *storage.BcacheSet:
		return []string{"bcache"}
	case *storage.PV:
		return e.unwritten(n, "physical volumes that are missing or in no group")
	case *storage.LV:
		return e.lostVolume(n)
	case *storage.FileSystem:
		return e.lostFileSystem(n)
	case *storage.Subvolume:
		if n.ParentUUID != "" {
			return []string{"snapshots"}
		} else if n.Frozen {
			return []string{"that it is read-only"}
		}
	case *storage.Swap:
		if strings.Contains(n.Label, " ") {
			return e.unwritten(n, "swap areas that are not in use", "the rest of its label, from the first blank on")
		}
		return e.unwritten(n, "swap areas that are not in use")
	case *storage.Opaque:
		return e.unwritten(n, "content of the kind "+storage.Printable(n.Format))
	case *storage.Multipath:
		return []string{"the WWID of a multipath map: " + n.WWID}
	}
	return nil
}

// unwritten is what is lost of a node that no line is about, or else what else is lost.
func (e *exporter) unwritten(n storage.Node, all string, otherwise ...string) []string {
	if !e.written[n.Base().ID] {
		return []string{all}
	}
	return otherwise
}

func (e *exporter) lostTable(t *storage.Table) []string {
	carrier := e.on(t)
	if carrier == nil || !e.written[carrier.Base().ID] {
		return []string{"partition tables on such a device"}
	}
	var lost []string
	switch {
	case t.Format != "gpt" && t.Format != "dos":
		lost = append(lost, "partition tables of the kind "+t.Format)
	case t.UUID == "":
	case t.Format == "dos":
		lost = append(lost, "its signature "+t.UUID+", which PARTUUIDs are made of")
	case e.latest:
		lost = append(lost, "its GUID")
	default:
		lost = append(lost, "its GUID, and the PARTUUIDs of its partitions")
	}
	if t.Made != nil && t.Made.Hybrid {
		lost = append(lost, "its hybrid MBR")
	}
	return lost
}

// linuxData is the type that parted gives a partition without a flag.
var linuxData = []string{"0fc63daf-8483-4772-8e79-3d69d8477de4", "0x83", ""}

func (e *exporter) lostPartition(p *storage.Partition) []string {
	t, ok := e.on(p).(*storage.Table)
	if !ok || !e.written[p.ID] {
		return nil // its table says so
	}
	var lost []string
	told := slices.Contains(linuxData, p.Type)
	if t.Format == "gpt" {
		guid, _ := gptOf(gptFlags(p))
		told = told || guid == p.Type
		if rest := p.Attributes &^ (bitHidden | bitLegacyBoot); rest != 0 {
			lost = append(lost, fmt.Sprintf("its attributes %#x", rest))
		}
	} else {
		told = told || mbrOf(p, mbrFlags(p)) == p.Type || p.Extended
	}
	if !told {
		lost = append([]string{"its type " + p.Type}, lost...)
	}
	return lost
}

func (e *exporter) lostArray(n *storage.MD) []string {
	if !e.written[n.ID] {
		return []string{"arrays that are not assembled"}
	}
	var lost []string
	if n.Made != nil && n.Made.Consistency != "" {
		lost = append(lost, "its consistency policy "+n.Made.Consistency)
	}
	if n.Made != nil && n.Made.Bitmap == "clustered" {
		lost = append(lost, "its clustered bitmap")
	}
	if slices.ContainsFunc(n.Members, func(m storage.MDMember) bool { return m.Role == "journal" }) {
		lost = append(lost, "its journal device")
	}
	if slices.ContainsFunc(n.Members, func(m storage.MDMember) bool { return m.WriteMostly || m.Failfast }) {
		lost = append(lost, "which members are write-mostly or failfast")
	}
	return lost
}

func (e *exporter) lostCrypt(n *storage.Crypt) []string {
	if !e.written[n.ID] {
		return []string{"containers that are not LUKS, or have no name"}
	}
	lost := []string{"its keys: a new passphrase is asked for"}
	h := n.Header
	if h == nil {
		return lost
	}
	if len(h.Slots) > 1 {
		lost = append(lost, fmt.Sprintf("more than one of its %d key slots", len(h.Slots)))
	}
	if len(h.Slots) > 0 {
		lost = append(lost, "the costs of its key derivation")
	}
	for _, t := range h.Tokens {
		lost = append(lost, "its token "+storage.Printable(t.Type))
	}
	if h.SectorSize > sector {
		lost = append(lost, fmt.Sprintf("its sector size of %d bytes", h.SectorSize))
	}
	for what, value := range map[string]string{"integrity": h.Integrity, "subsystem": h.Subsystem, "label": n.Label, "OPAL": h.Opal} {
		if value != "" {
			lost = append(lost, "its "+what+" "+storage.Printable(value))
		}
	}
	if n.Terms != nil {
		lost = append(lost, "its detached header")
	}
	if len(h.Flags) > 0 {
		lost = append(lost, "its flags "+strings.Join(h.Flags, ", "))
	}
	slices.Sort(lost[1:])
	return lost
}

func (e *exporter) lostVolume(n *storage.LV) []string {
	if n.Internal {
		return nil
	}
	switch {
	case n.Layout == "snapshot" || n.Layout == "thin" && n.Origin != "":
		return []string{"snapshots"}
	case !e.written[n.ID]:
		return []string{"cached volumes"}
	case strings.HasPrefix(n.Layout, "vdo"):
		return []string{"VDO volumes"}
	}
	return nil
}

func (e *exporter) lostFileSystem(n *storage.FileSystem) []string {
	var lost []string
	switch {
	case !slices.Contains(supported, n.Type):
		return []string{"file systems of the kind " + storage.Printable(n.Type)}
	case !e.written[n.ID]:
		return []string{"file systems that are not mounted"}
	case len(e.g.Lower(n.ID)) > 1:
		lost = append(lost, "the other devices of a btrfs of several: it refuses to save such a machine")
	}
	if strings.Contains(n.Label, " ") || n.Type == "btrfs" && strings.Contains(n.Label, "'") {
		lost = append(lost, fmt.Sprintf("the whole of its label %q", n.Label))
	}
	if n.Ext != nil {
		lost = append(lost, extLosses(n)...)
	}
	if x := n.XFS; x != nil && (x.LogExternal || x.RTBlocks > 0) {
		lost = append(lost, "on which device its log or its real-time part is")
	}
	return lost
}

// usual are features that mke2fs switches on by itself for one of the types in
// mke2fs.conf(5), by now or some years ago, or that have nothing to be lost.
var usual = []string{"has_journal", "ext_attr", "resize_inode", "dir_index", "filetype", "extent", "64bit",
	"flex_bg", "sparse_super", "large_file", "huge_file", "uninit_bg", "dir_nlink", "extra_isize", "metadata_csum",
	"metadata_csum_seed", "orphan_file", "orphan_present", "needs_recovery", "sparse_super2"}

func extLosses(n *storage.FileSystem) []string {
	var lost, odd []string
	for _, f := range n.Ext.Features {
		if !slices.Contains(usual, f) {
			odd = append(odd, f)
		}
	}
	if len(odd) > 0 {
		lost = append(lost, "its features "+strings.Join(odd, ", "))
	}
	if n.Ext.JournalUUID != "" {
		lost = append(lost, "its journal on another device")
	}
	if size := n.Ext.InodeSize; size != 0 && size != 256 && size != 128 {
		lost = append(lost, fmt.Sprintf("its inodes of %d bytes", size))
	}
	return lost
}

// mountLosses names file systems that are mounted a second time, and mount points
// that ReaR cannot write.
func (e *exporter) mountLosses() {
	seen := map[storage.ID][]storage.Mount{}
	for _, m := range e.knownMounts() {
		seen[m.fs.ID] = append(seen[m.fs.ID], m.Mount)
		if escapeFindmnt(m.Point) != m.Point {
			e.gap(m.Point, "ReaR writes a mount point with blanks or special characters as %s, and makes a directory of that name", escapeFindmnt(m.Point))
		}
		if all := seen[m.fs.ID]; m.Type != "btrfs" && len(all) == 2 {
			e.gap(m.Point, "%s is mounted here too, and ReaR keeps only one mount point of it", m.device)
		}
	}
}
