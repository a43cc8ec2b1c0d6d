package check

import (
	"fmt"
	"strings"

	"salvor/internal/storage"
	"salvor/internal/system"
)

// health tells what the devices under the system lack.
func (c *checker) health() {
	told := map[storage.ID]bool{}
	for _, l := range c.Mounting.Lines {
		if l.Source == "" {
			continue
		}
		for _, n := range append(c.Graph.Below(l.Source), c.Graph.Node(l.Source)) {
			if !told[n.Base().ID] {
				told[n.Base().ID] = true
				c.healthOf(n, l)
			}
		}
	}
	for _, r := range c.Mounting.Risks {
		if r.Health == storage.Hibernated {
			where := c.describe(r.ID)
			c.find(IsHibernated, where, "it"+strings.TrimPrefix(r.Text, where), "", "start the system to resume it, or give its memory up: mount it with --accept hibernated, then mkswap", r.ID)
		}
	}
}

func (c *checker) healthOf(n storage.Node, l system.Line) {
	b := n.Base()
	where := c.describe(b.ID)
	needs := fmt.Sprintf("%s rests on it", l.File)
	switch {
	case b.Is(storage.Incomplete):
		c.find(Unresolved, where, "too little of it is there to open it", needs, "attach the missing devices", b.ID)
	case b.Is(storage.Damaged):
		c.find(IsDamaged, where, "its metadata are damaged", because(b, needs), "save what can be saved first; then the repair that its tool has (lvconvert --repair, fsck)", b.ID)
	case b.Is(storage.Full):
		c.find(Full, where, "there is no room left in it", because(b, needs), "extend it, or remove what is not needed", b.ID)
	case b.Is(storage.Degraded) || b.Is(storage.MemberMissing):
		c.find(IsDegraded, where, "a member of it is missing", needs, remedyFor(n), b.ID)
	case b.Is(storage.Dirty):
		c.find(NotClean, where, "it was not unmounted cleanly", needs, "salvor mount --fsck", b.ID)
	case b.Is(storage.Unreadable):
		c.find(NotSeen, where, "it could not be read", needs, "look at the kernel's messages (dmesg) and at the disk's health (smartctl)", b.ID)
	}
}

// because gives what the probe noted of the trouble, else what rests on it.
func because(b *storage.Common, needs string) string {
	if len(b.Notes) == 0 {
		return needs
	}
	return strings.Join(b.Notes, "; ")
}

func remedyFor(n storage.Node) string {
	switch n := n.(type) {
	case *storage.MD:
		return "replace the member: mdadm --manage, --add; it rebuilds while the system runs"
	case *storage.FileSystem:
		return "replace the device: btrfs replace start MISSING-ID NEW MOUNT-POINT"
	case *storage.LV:
		return fmt.Sprintf("attach the missing disk, or: lvconvert --repair %s/%s", n.VG, n.Name)
	}
	return "attach the missing device"
}

// nearlyFull is the share of a file system that updates need to have free, and
// least what a kernel and its initramfs take, in bytes.
const (
	nearlyFull = 20 // one in
	least      = 64 << 20
)

// space tells of file systems that an update would fill.
func (c *checker) space() {
	if c.Space == nil {
		return
	}
	told := map[storage.ID]bool{}
	for _, l := range c.Mounting.Lines {
		if l.Source == "" || told[l.Source] || !updated[l.File] {
			continue
		}
		told[l.Source] = true
		size, free, ok := c.Space(l.Source)
		if ok && size > 0 && free < min(size/nearlyFull, least) {
			c.find(Full, l.File, fmt.Sprintf("it is full: %s of %s are free", storage.HumanSize(free), storage.HumanSize(size)), "an update writes to it", "remove old kernels, or what else is not needed there", l.Source)
		}
	}
}

// updated are the directories that updates of kernel, boot loader and packages
// write to.
var updated = map[string]bool{"/": true, "/usr": true, "/var": true, "/boot": true, "/boot/efi": true, "/efi": true}
