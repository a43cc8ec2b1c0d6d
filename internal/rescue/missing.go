package rescue

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Missing is what an image would lack.
type Missing struct {
	What    string `json:"what"` // a program, a library, a module
	For     string `json:"for"`  // what needs it
	Why     string `json:"why"`
	Package string `json:"package,omitempty"` // where most distributions have it, where that is known
}

func (m Missing) String() string {
	text := fmt.Sprintf("%s, for %s: %s", m.What, m.For, m.Why)
	if m.Package != "" {
		text += " (package " + m.Package + ")"
	}
	return text
}

// ErrMissing is an image that would lack something.
var ErrMissing = errors.New("the image would lack what it needs")

// Err is nil if nothing is missing. Otherwise it lists all of it.
func (m *Manifest) Err() error {
	if len(m.Missing) == 0 {
		return nil
	}
	lines := make([]string, len(m.Missing))
	for i, lost := range m.Missing {
		lines[i] = lost.String()
	}
	return fmt.Errorf("%w:\n  %s", ErrMissing, strings.Join(lines, "\n  "))
}

// lack notes that something is not there.
func (c *collector) lack(what, need string, why error) {
	c.missing = append(c.missing, Missing{What: what, For: need, Why: plainCause(why), Package: packages[path.Base(what)]})
}

// plainCause is an error without the path that stands beside it.
func plainCause(err error) string {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// packages are where programs are found: names in Debian, which are those of most others,
// or nearly.
var packages = map[string]string{
	"bash": "bash", "sh": "dash", "mount": "mount", "umount": "mount", "udevadm": "udev", "modprobe": "kmod", "ip": "iproute2",
	"cryptsetup": "cryptsetup-bin", "lvm": "lvm2", "dmsetup": "dmsetup", "mdadm": "mdadm", "multipath": "multipath-tools", "kpartx": "kpartx",
	"make-bcache": "bcache-tools", "bcache-super-show": "bcache-tools", "sfdisk": "fdisk", "sgdisk": "gdisk", "wipefs": "util-linux",
	"mke2fs": "e2fsprogs", "e2fsck": "e2fsprogs", "tune2fs": "e2fsprogs", "mkfs.xfs": "xfsprogs", "xfs_repair": "xfsprogs",
	"mkfs.btrfs": "btrfs-progs", "btrfs": "btrfs-progs", "mkfs.fat": "dosfstools", "fsck.fat": "dosfstools",
	"mkfs.exfat": "exfatprogs", "fsck.exfat": "exfatprogs", "mkntfs": "ntfs-3g", "ntfsfix": "ntfs-3g", "mkfs.f2fs": "f2fs-tools", "fsck.f2fs": "f2fs-tools",
	"jfs_mkfs": "jfsutils", "mkfs.nilfs2": "nilfs-tools", "mkfs.minix": "util-linux", "mkswap": "util-linux", "blkid": "util-linux",
	"mount.nfs": "nfs-common", "mount.cifs": "cifs-utils", "sshd": "openssh-server", "clevis": "clevis", "thin_check": "thin-provisioning-tools",
	"cache_check": "thin-provisioning-tools", "restic": "restic", "rsync": "rsync", "iscsiadm": "open-iscsi", "nvme": "nvme-cli", "setfiles": "policycoreutils",
	"loadkeys": "kbd", "systemd-cryptenroll": "systemd",
}
