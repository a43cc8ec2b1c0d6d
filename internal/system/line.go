package system

import (
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
	IsBusy      Cause = "busy"
	NoPoint     Cause = "no mount point"
	Parent      Cause = "parent"
	Garbage     Cause = "garbage"
	Destructive Cause = "destructive"
	KernelSaid  Cause = "kernel refused"
	Stopped     Cause = "stopped"
)

// Line is one line of an fstab (or, with Number 0, a mount that belongs to every
// mounted system) and what becomes of it.
type Line struct {
	Number int        `json:"line,omitempty"`
	Spec   string     `json:"spec"`
	File   string     `json:"file"`
	Type   string     `json:"type,omitempty"`
	State  State      `json:"state"`
	Cause  Cause      `json:"cause,omitempty"`
	Text   string     `json:"text,omitempty"` // the cause in words
	Source storage.ID `json:"source,omitempty"`
	Point  string     `json:"point,omitempty"` // absolute path in the live system
	NoFail bool       `json:"nofail,omitempty"`
	// Candidates are the nodes that an ambiguous spec can mean, or the locked
	// volumes that have to be opened first.
	Candidates []storage.ID `json:"candidates,omitempty"`
	Notes      []string     `json:"notes,omitempty"`

	entry fstab.Entry
}

// Gap reports whether the line was to be mounted and is not.
func (l Line) Gap() bool { return l.State == Failed || l.State == Refused || l.State == Planned }

func (l *Line) end(s State, c Cause, text string) { l.State, l.Cause, l.Text = s, c, text }

// Volume is an encrypted container that the system's crypttab names or that its
// file systems rest on.
type Volume struct {
	ID    storage.ID  `json:"id,omitempty"`
	Name  string      `json:"name"`           // in crypttab, or of the map
	Line  int         `json:"line,omitempty"` // in crypttab
	State VolumeState `json:"state"`
	Text  string      `json:"text,omitempty"`
}

// VolumeState is what becomes of a volume.
type VolumeState string

// The states of volumes.
const (
	VolumeOpen    VolumeState = "open"
	VolumeLocked  VolumeState = "locked"
	VolumeMissing VolumeState = "missing"
	VolumeRefused VolumeState = "refused"
)

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

// ruling is one row of the table in docs/tables.md that decides by the text of
// the line alone.
type ruling struct {
	is    func(e fstab.Entry) bool
	state State
	cause Cause
	text  string
}

// rulings are tried in order; a line that none of them ends is to be mounted.
var rulings = []ruling{
	{fstab.Entry.IsSwap, Skipped, IsSwap, "swap is not switched on"},
	{isKernel, Skipped, IsKernel, "a file system of the kernel: salvor mounts those that are needed itself"},
	{isNetwork, Skipped, IsNetwork, "network file systems are not mounted"},
	{func(e fstab.Entry) bool { return e.Options.NoAuto() }, Skipped, NoAuto, "noauto: the booting system would not mount it either"},
	{isUnsupported, Skipped, Unsupported, "this kind of mount has to be done by hand"},
}

func isKernel(e fstab.Entry) bool {
	if kernelTypes[e.Type] {
		return true
	}
	for _, dir := range []string{"/proc", "/sys", "/dev"} {
		if storage.PathContains(dir, e.File) {
			return true
		}
	}
	return false
}

func isNetwork(e fstab.Entry) bool {
	return networkTypes[e.Type] || e.Spec.Kind == fstab.Network || e.Options.Has("_netdev")
}

// isUnsupported: overlays, image files, FUSE and volumes of ZFS.
func isUnsupported(e fstab.Entry) bool {
	if e.IsBind() || isMemory(e) {
		return false
	}
	return e.Spec.Kind == fstab.Virtual || e.Spec.Kind == fstab.File || strings.HasPrefix(e.Type, "fuse.") && e.Type != "fuse.ntfs-3g"
}

// isMemory: a file system in memory, which needs no device.
func isMemory(e fstab.Entry) bool { return e.Type == "tmpfs" || e.Type == "ramfs" }
