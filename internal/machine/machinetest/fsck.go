package machinetest

import (
	"slices"

	"salvor/internal/machine"
	"salvor/internal/storage"
)

// checkedTypes are the types of file systems that a checker takes.
var checkedTypes = map[string][]string{
	"btrfs": {"btrfs"}, "e2fsck": {"ext2", "ext3", "ext4"}, "fsck.exfat": {"exfat"}, "fsck.f2fs": {"f2fs"}, "fsck.fat": {"vfat"},
	"fsck.jfs": {"jfs"}, "fsck.minix": {"minix"}, "fsck.reiserfs": {"reiserfs"}, "xfs_repair": {"xfs"},
}

// fsck checks a file system: one that is dirty is made clean, one that is damaged
// (storage.Damaged) needs a person. The statuses are those of fsck(8), but for the
// programs that have their own.
func (m *Machine) fsck(c machine.Cmd) (machine.Result, error) {
	looks := c.Program == "btrfs" || c.Program == "xfs_repair" || c.Program == "fsck.minix"
	l, err := parse(c, []string{"-p", "-a", "-n", "--readonly", "--dry-run"}, nil)
	if err != nil {
		return machine.Result{}, err
	}
	if c.Program == "btrfs" && len(l.words) == 2 && l.words[0] == "check" {
		l.words = l.words[1:]
	}
	if len(l.words) != 1 || len(l.options) > 1 || len(l.options) == 0 && !looks {
		return unknown(c)
	}
	d := m.device(l.words[0])
	fsys, ok := on[*storage.FileSystem](m, d)
	mends := l.has("-p") || l.has("-a")
	switch {
	case !ok || !slices.Contains(checkedTypes[c.Program], fsys.Type):
		return says(c, 8, "%s: Bad magic number in super-block while trying to open %s", c.Program, l.words[0])
	case len(m.graph.MountsOf(fsys.ID)) > 0:
		return says(c, 8, "%s is mounted.", l.words[0])
	case mends && d.node.Base().ReadOnly && !d.overlay:
		return says(c, 8, "%s: Operation not permitted while trying to open %s", c.Program, l.words[0])
	}
	return m.verdict(c, fsys, mends, d)
}

func (m *Machine) verdict(c machine.Cmd, fsys *storage.FileSystem, mends bool, d *device) (machine.Result, error) {
	own := c.Program == "fsck.fat" || c.Program == "btrfs" || c.Program == "xfs_repair" // know no 4
	switch {
	case fsys.Is(storage.Damaged) && own:
		return says(c, 1, "%s: errors were found", fsys.ID)
	case fsys.Is(storage.Damaged):
		return says(c, 4, "%s: UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY.\n\t(i.e., without -a or -p options)", fsys.ID)
	case mends && fsys.Is(storage.Dirty):
		if !d.shield {
			m.wrote("check %s", fsys.ID)
		}
		fsys.Health = slices.DeleteFunc(fsys.Health, func(h storage.Health) bool { return h == storage.Dirty })
		return says(c, 1, "%s: recovering journal\n%s: clean, 11/64 files, 12/64 blocks", fsys.ID, fsys.ID)
	}
	return done(string(fsys.ID) + ": clean, 11/64 files, 12/64 blocks\n")
}
