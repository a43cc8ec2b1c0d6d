package system

import (
	"path"
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// device fills in what the resolved node says. The type is the one on the disk,
// and the subvolume the one that was found.
func (m *mounter) device(l *Line, mnt *storage.Mount) {
	mnt.Type = KernelType(fsType(m.seen, l.Source))
	if sub, ok := m.seen.Node(l.Source).(*storage.Subvolume); ok {
		mnt.Root = "/" + sub.Path
		mnt.Options = append([]string{"subvol=/" + sub.Path}, mnt.Options...)
		if sub.Frozen {
			mnt.ReadOnly = true
			l.note("the subvolume is a read-only one, so it is mounted read-only")
		}
	}
	if l == m.root() {
		mnt.Root = path.Join(mnt.Root, m.sys.Dir)
	}
	top := topOf(m.seen, l.Source)
	switch n := m.seen.Node(top); {
	case n == nil:
	case mnt.Type == "xfs" && len(m.seen.Twins(top)) > 0 && !slices.Contains(mnt.Options, "nouuid"):
		mnt.Options = append(mnt.Options, "nouuid") // two of one UUID are refused else (xfs(5))
	case mnt.Type == "btrfs" && n.Base().Is(storage.MemberMissing) && !slices.Contains(mnt.Options, "degraded"):
		mnt.Options = append(mnt.Options, "degraded")
	}
}

// KernelType is the name under which the kernel mounts a type of file system.
func KernelType(t string) string {
	switch t {
	case "ext2", "ext3":
		return "ext4" // the ext4 driver mounts all three (fs/ext4/Kconfig, EXT4_USE_FOR_EXT2)
	case "ntfs":
		return "ntfs3"
	}
	return t
}

// bind finds the tree that is bound, inside the target.
func (m *mounter) bind(l *Line, inside string, mnt *storage.Mount) bool {
	from, ok := m.fromInside(l, inside, l.entry.Spec.Value)
	if !ok {
		return false
	}
	if l.entry.Options.Has("rbind") || l.entry.Type == "rbind" {
		l.note("what is mounted below %s is not bound along with it", from)
	}
	mnt.Type, mnt.Bind, mnt.Root = "bind", path.Join(m.req.Target, from), ""
	if owner, rest := m.owner(from); owner != nil && owner.Source != "" {
		mnt.Root = path.Join("/", owner.Root, rest)
		mnt.Source = m.names.ix.deepest(owner.Source, mnt.Root)
		l.Source = mnt.Source
	}
	return true
}

// fromInside finds a directory of the system that a line shows elsewhere. It ends
// the line when the directory cannot be had.
func (m *mounter) fromInside(l *Line, inside, dir string) (string, bool) {
	natural := m.natural(dir)
	gap := m.gaps[natural]
	if gap == nil {
		gap = m.gapAbove(natural)
	}
	switch {
	case gap != nil && gap.File == dir:
		m.miss(l, inside, Parent, "it shows %s, which cannot be mounted", dir)
		return "", false
	case gap != nil:
		m.miss(l, inside, Parent, "it shows %s, which lies below %s, which cannot be mounted", dir, gap.File)
		return "", false
	}
	from, err := m.inside(dir)
	if err != nil {
		m.miss(l, inside, IsMissing, "cannot show %s: %v", dir, err)
		return "", false
	}
	return from, true
}

func readOnly(o fstab.Options) bool {
	ro := false
	for _, x := range o {
		switch x.Name {
		case "ro":
			ro = true
		case "rw":
			ro = false
		}
	}
	return ro
}

// mountOptions gives the options for the kernel. What has been decided already
// (ro, subvolume, kind of mount) is left out; user and owner bring what mount(8)
// says they bring.
func mountOptions(o fstab.Options) []string {
	var out []string
	if o.Has("user") || o.Has("users") {
		out = append(out, "nosuid", "nodev", "noexec")
	} else if o.Has("owner") || o.Has("group") {
		out = append(out, "nosuid", "nodev")
	}
	for _, x := range o.Kernel().Without("ro", "rw", "subvol", "subvolid", "bind", "rbind", "remount") {
		switch x.Name {
		case "suid", "dev", "exec":
			out = slices.DeleteFunc(out, func(s string) bool { return s == "no"+x.Name })
		case "private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable":
		case "device": // of a btrfs: a path of the system's own machine
		default:
			if x.HasValue {
				out = append(out, x.Name+"="+strings.ReplaceAll(x.Value, `\,`, ","))
			} else {
				out = append(out, x.Name)
			}
		}
	}
	return out
}
