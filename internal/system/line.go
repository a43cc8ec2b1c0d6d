package system

import (
	"fmt"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// State is the state of an fstab line or a volume (docs/tables.md).
type State string

// The states. Planned is the only one that is not an end.
const (
	Planned State = "planned"
	Mounted State = "mounted"
	Already State = "already"
	Skipped State = "skipped"
	Failed  State = "failed"
	Refused State = "refused"
)

// Cause is the reason of a state, as one word that programs can rely on.
type Cause string

// The causes. The first group belongs to Skipped, the second to Failed and
// Refused.
const (
	NoAuto      Cause = "noauto"
	IsSwap      Cause = "swap"
	IsNetwork   Cause = "network"
	IsKernel    Cause = "kernel"
	IsDuplicate Cause = "duplicate"
	Unsupported Cause = "unsupported"

	IsMissing   Cause = "missing"
	IsLocked    Cause = "locked"
	IsAmbiguous Cause = "ambiguous"
	IsClosed    Cause = "closed"
	WrongType   Cause = "wrong type"
	IsDirty     Cause = "dirty"
	IsDamaged   Cause = "damaged"
	IsBusy      Cause = "busy"
	NoPoint     Cause = "no mount point"
	Parent      Cause = "parent"
	Garbage     Cause = "garbage"
	Destructive Cause = "destructive"
	KernelSaid  Cause = "kernel refused"
	Stopped     Cause = "stopped"
)

// Line is one line of an fstab (or, with Number 0, a mount that belongs to every
// mounted system) and what becomes of it. Spec, File and Type are a stranger's
// text as it was written, or decoded: who shows them on a terminal has to make
// them fit for it. Text and Notes are.
type Line struct {
	Number int        `json:"line,omitempty"`
	From   string     `json:"from,omitempty"` // where it stands, if not in fstab
	Spec   string     `json:"spec"`
	File   string     `json:"file"`
	Type   string     `json:"type,omitempty"`
	State  State      `json:"state"`
	Cause  Cause      `json:"cause,omitempty"`
	Text   string     `json:"text,omitempty"` // the cause in words
	Source storage.ID `json:"source,omitempty"`
	Point  string     `json:"point,omitempty"` // absolute path in the live system
	NoFail bool       `json:"nofail,omitempty"`
	// NamedBy is FromSaved where only a saved layout knows the name of its device.
	NamedBy string `json:"named_by,omitempty"`
	// Candidates are the nodes that an ambiguous spec can mean, or the locked
	// volumes that have to be opened first.
	Candidates []storage.ID `json:"candidates,omitempty"`
	Notes      []string     `json:"notes,omitempty"`

	entry fstab.Entry
}

// Gap reports whether the line was to be mounted and is not.
func (l Line) Gap() bool { return l.State == Failed || l.State == Refused || l.State == Planned }

// Pass is when the booting system checks the file system: 1 before 2, 0 not at all
// (fstab(5)).
func (l Line) Pass() int { return l.entry.Pass }

// place says where the line stands.
func (l *Line) place() string {
	if l.From != "" {
		return l.From
	}
	return fmt.Sprintf("line %d", l.Number)
}

func (l *Line) end(s State, c Cause, format string, args ...any) {
	l.State, l.Cause, l.Text = s, c, storage.Printable(fmt.Sprintf(format, args...))
}

func (l *Line) note(format string, args ...any) {
	l.Notes = append(l.Notes, storage.Printable(fmt.Sprintf(format, args...)))
}

// noteDestructive tells of options that salvor never follows.
func (l *Line) noteDestructive() {
	for _, o := range l.entry.Options.Destructive() {
		l.note("the option %s is refused: it changes what is on the disk", o)
	}
}

// ruling is one row of the table in docs/tables.md that decides by the text of
// the line alone.
type ruling struct {
	when  string
	is    func(e fstab.Entry) bool
	state State
	cause Cause
	text  string
}

// rulings are tried in order; a line that none of them ends is to be mounted.
var rulings = []ruling{
	{"the type is swap", fstab.Entry.IsSwap, Skipped, IsSwap, "swap is not switched on"},
	{"the type is one of the kernel's own, or the mount point lies in /dev, /proc, /run or /sys",
		isKernel, Skipped, IsKernel, "a file system of the kernel: salvor mounts those that are needed itself"},
	{"the type or the spec is one of the network, and --network is not given", isNetwork, Skipped, IsNetwork, "network file systems are mounted with --network only"},
	{"noauto, without x-systemd.automount", isNoAuto, Skipped, NoAuto, "noauto: the booting system would not mount it either"},
	{"an image file, FUSE, a ZFS data set", isUnsupported, Skipped, Unsupported, "this kind of mount has to be done by hand"},
}

// whyRow is one row of the table in docs/tables.md that says what becomes of a
// line whose spec leads to no node.
type whyRow struct {
	why   Why
	state State
	cause Cause
}

var whyRows = []whyRow{
	{Absent, Failed, IsMissing},
	{NeedsKey, Failed, IsLocked},
	{Twofold, Failed, IsAmbiguous},
	{StaysShut, Failed, IsClosed},
	{NotABlock, Failed, WrongType},
	{Contents, Failed, WrongType},
	{MadeAnew, Refused, Destructive},
}

// kernelTypes are file systems that show the kernel and hold no files of the
// system's own; salvor mounts those that a chroot needs by itself.
var kernelTypes = words(`proc sysfs devtmpfs devpts cgroup cgroup2 securityfs efivarfs debugfs
	tracefs configfs mqueue hugetlbfs binfmt_misc fusectl pstore bpf autofs rpc_pipefs nfsd selinuxfs usbfs usbdevfs`)

// networkTypes need a network; the fuse.* ones among them are those that systemd
// counts so (src/basic/mount-util.c, fstype_is_network).
var networkTypes = words(`nfs nfs4 cifs smb3 smbfs ncpfs ncp 9p afs ceph gfs gfs2 ocfs2 glusterfs lustre
	davfs pvfs2 orangefs curlftpfs fuse.sshfs fuse.glusterfs fuse.curlftpfs fuse.davfs2 sshfs`)

func words(s string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(s) {
		out[w] = true
	}
	return out
}

func isKernel(e fstab.Entry) bool { return kernelTypes[e.Type] || isKernelPath(e.File) }

// isKernelPath: the directories that show the running system in a chroot.
func isKernelPath(p string) bool {
	for _, dir := range []string{"/proc", "/sys", "/dev", "/run"} {
		if storage.PathContains(dir, p) {
			return true
		}
	}
	return false
}

func isNetwork(e fstab.Entry) bool { return networkTypes[e.Type] || e.Spec.Kind == fstab.Network }

// isNoAuto: with an automount neither auto nor noauto has an effect
// (systemd.mount(5)).
func isNoAuto(e fstab.Entry) bool {
	return e.Options.NoAuto() && !e.Options.Has("x-systemd.automount") && !e.Options.Has("comment=systemd.automount")
}

// isUnsupported: image files, FUSE and volumes of ZFS.
func isUnsupported(e fstab.Entry) bool {
	if e.IsBind() || isMemory(e) || e.IsOverlay() || isNetwork(e) {
		return false
	}
	return e.Spec.Kind == fstab.Virtual || e.Spec.Kind == fstab.File || strings.HasPrefix(e.Type, "fuse.") && e.Type != "fuse.ntfs-3g"
}

// isMemory: a file system in memory, which needs no device.
func isMemory(e fstab.Entry) bool { return e.Type == "tmpfs" || e.Type == "ramfs" }
