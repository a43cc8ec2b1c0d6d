package probe

import (
	"fmt"
	"slices"
	"strings"

	"salvor/internal/ondisk"
	"salvor/internal/storage"
)

// addContents makes what lies on devices and is no device: file systems, swap
// areas and what is recognised but opaque.
func (a *assembly) addContents() {
	var pools []poolMember
	for _, d := range a.inv.devices {
		n := a.node[d]
		if n == nil || d.role == roleWirePartition || isInternal(n) {
			continue
		}
		a.tellSignatures(d, n)
		if m, ok := poolMemberOf(d); ok {
			pools = append(pools, m)
			continue
		}
		if c := newContent(d, n); c != nil {
			a.content[d] = c
			a.Add(c, n)
		}
	}
	a.addPools(pools)
}

// tellSignatures tells of what else a device seems to be.
func (a *assembly) tellSignatures(d *device, n storage.Node) {
	if d.sig == nil || tableBelongsToMembers(d.sig) {
		return
	}
	if others := d.otherSignatures(); others != "" {
		addNote(n, others)
	}
	if d.content.Ambiguous && !(d.inUse() && fits(d, d.sig)) {
		n.Base().Mark(storage.Ambiguous)
	}
}

// newContent makes the node of what lies on the device, or nil for nothing and
// for what is taken apart elsewhere.
func newContent(d *device, carrier storage.Node) storage.Node {
	switch s := d.sig.(type) {
	case nil:
		return contentInUse(d, carrier)
	case *ondisk.LUKS:
		if s.Detached() {
			return newDetachedHeader(s)
		}
		return nil
	case *ondisk.MD, *ondisk.LVM2PV, *ondisk.BitLocker, *ondisk.Bcache:
		return nil
	case *ondisk.Swap:
		return newSwap(s, d, carrier)
	default:
		if isFileSystem(s) {
			return newFileSystem(s, d, carrier)
		}
		return newOpaque(s, carrier)
	}
}

// contentInUse is what follows from the present use of a device whose content
// could not be read or recognised.
func contentInUse(d *device, carrier storage.Node) storage.Node {
	switch {
	case d.mounted != "":
		n := &storage.FileSystem{Type: d.mounted}
		n.Identity = onCarrier("fs:"+d.mounted, carrier)
		n.Size = d.size
		addNote(n, "it is known only because it is mounted")
		return n
	case d.swapping:
		return newSwap(&ondisk.Swap{}, d, carrier)
	}
	return nil
}

// onCarrier is the identity of what has none of its own.
func onCarrier(what string, carrier storage.Node) storage.ID {
	return storage.ID(what + "-on-" + string(carrier.Base().Identity))
}

// isFileSystem tells file systems from what libblkid calls so and nobody mounts.
func isFileSystem(s ondisk.Signature) bool {
	f := s.Format()
	return ondisk.UsageOf(f) == ondisk.FileSystem && !strings.HasSuffix(f, "_member") &&
		!slices.Contains([]string{"oracleasm", "drbdproxy_datalog"}, f)
}

func newSwap(s *ondisk.Swap, d *device, carrier storage.Node) *storage.Swap {
	n := &storage.Swap{UUID: s.UUID, Label: s.Label, Active: d.swapping}
	n.Identity = storage.ID("swap:" + s.UUID)
	if s.UUID == "" {
		n.Identity = onCarrier("swap", carrier)
	}
	n.Size = d.size
	if s.PageSize > 0 {
		n.Made = &storage.SwapMade{PageSize: uint32(s.PageSize), Version: s.Version}
	}
	if s.Hibernated {
		n.Mark(storage.Hibernated)
		addNotef(n, "a suspended system lies in it (%s); changing its file systems and resuming it then destroys them", s.Image)
	}
	return n
}

func newOpaque(s ondisk.Signature, carrier storage.Node) *storage.Opaque {
	id := s.Identity()
	n := &storage.Opaque{Format: s.Format(), UUID: id.UUID, Label: id.Label}
	n.Size = carrier.Base().Size
	what := "opaque:" + s.Format()
	switch s := s.(type) {
	case *ondisk.ZFS: // the UUID is the pool's; members of one pool are no twins
		n.Identity = storage.ID(fmt.Sprintf("%s-%s-%d", what, id.UUID, s.GUID))
	case *ondisk.FirmwareRAID: // the same for all disks of an array, if there is one
		n.Identity = onCarrier(what, carrier)
	default:
		n.Identity = storage.ID(what + "-" + id.UUID)
		if id.UUID == "" {
			n.Identity = onCarrier(what, carrier)
		}
	}
	return n
}

func newFileSystem(s ondisk.Signature, d *device, carrier storage.Node) *storage.FileSystem {
	id := s.Identity()
	n := &storage.FileSystem{Type: s.Format(), UUID: id.UUID, Label: strings.ToValidUTF8(id.Label, "�")}
	n.Identity = storage.ID("fs:" + id.UUID)
	if id.UUID == "" {
		n.Identity = onCarrier("fs:"+n.Type, carrier)
	}
	f := factsOf(s)
	n.Size = f.size
	if n.Size == 0 {
		n.Size = d.size
	}
	if f.dirty && d.idle() {
		n.Mark(storage.Dirty)
	}
	if f.damaged {
		n.Mark(storage.Damaged)
	}
	for _, text := range f.notes {
		addNote(n, text)
	}
	setMade(n, s, d)
	return n
}

// idle tells a device whose own bytes do not change now, so that what they say
// of a journal is the truth.
func (d *device) idle() bool { return d.mounted == "" || d.replayed }

// facts is what superblocks of different formats say in common.
type facts struct {
	size    uint64
	dirty   bool
	damaged bool // its own marks say so
	notes   []string
}

func factsOf(s ondisk.Signature) facts {
	switch s := s.(type) {
	case *ondisk.Ext:
		f := facts{size: s.Size, dirty: s.NeedsRecovery || s.Unclean, damaged: s.HasErrors}
		if s.HasErrors {
			f.notes = append(f.notes, "the kernel found errors in it (e2fsck)")
		}
		if s.ExternalJournal {
			f.notes = append(f.notes, "its journal is on another device, with the UUID "+s.JournalUUID)
		}
		return f
	case *ondisk.XFS:
		f := facts{size: s.Size, dirty: s.LogDirty}
		if s.LogUnknown {
			f.notes = append(f.notes, "whether its log is clean cannot be told")
		}
		if s.RealtimeOrExternalLog {
			f.notes = append(f.notes, "it needs a second device to be mounted, for its log or its real-time data")
		}
		return f
	case *ondisk.Btrfs:
		return facts{size: s.Size, dirty: s.LogRoot}
	case *ondisk.FAT:
		return facts{size: s.Size, dirty: s.Dirty}
	case *ondisk.ExFAT:
		return facts{size: s.Size, dirty: s.Dirty}
	case *ondisk.NTFS:
		f := facts{size: s.Size, dirty: s.LogDirty, damaged: s.Dirty}
		if s.Dirty {
			f.notes = append(f.notes, "Windows marked it to be checked (chkdsk)")
		}
		return f
	case *ondisk.Plain:
		return facts{dirty: s.Dirty}
	default:
		return facts{}
	}
}
