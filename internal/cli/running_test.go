package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"salvor/internal/machine"
	"salvor/internal/machine/machinetest"
	"salvor/internal/storage"
)

// runningMachines are those that run from their own disks.
var runningMachines = map[string]func(dir string, more ...machinetest.Option) (*machinetest.Machine, error){
	"running": func(dir string, more ...machinetest.Option) (*machinetest.Machine, error) {
		return running("sda", dir, more)
	},
	"renamed": func(dir string, more ...machinetest.Option) (*machinetest.Machine, error) {
		return running("vdb", dir, more)
	},
	"container": func(_ string, more ...machinetest.Option) (*machinetest.Machine, error) {
		g, err := storage.NewGraph(nil, []storage.Mount{{Point: "/", Type: "overlay"}}, nil)
		if err != nil {
			return nil, err
		}
		return machinetest.New(g, more...), nil
	},
}

// running is a machine with a root, a /home, and a volume of ZFS, whose disk has a name
// from the kernel. The directory root of the script has its files; if there is a
// directory more, its /home is mounted at /srv too.
func running(disk, dir string, more []machinetest.Option) (*machinetest.Machine, error) {
	l := &lab{letter: 'a'}
	d := &storage.Disk{Common: storage.Common{Identity: "disk:R-1", Size: 20 * gib}, Model: "QEMU HARDDISK", Serial: "R-1", Transport: "scsi"}
	d.AddName("/dev/"+disk, storage.FromKernel)
	t := l.table(l.Add(d))
	parts := make([]storage.Node, 3)
	for i := range parts {
		parts[i] = l.part(t, i+1, 6*gib)
		parts[i].(*storage.Partition).Start = mib + uint64(i)*6*gib
	}
	l.fs("ext4", "run-root", "root", parts[0])
	l.fs("xfs", "run-home", "home", parts[1])
	l.Add(&storage.Opaque{Common: storage.Common{Identity: "opaque:tank", Size: 6 * gib}, Format: "zfs_member", Label: "tank"}, parts[2])
	mounts := []storage.Mount{
		{Point: "/", Source: "fs:run-root", Type: "ext4", Root: "/", Options: []string{"rw", "relatime"}},
		{Point: "/proc", Type: "proc"}, {Point: "/sys", Type: "sysfs"}, {Point: "/dev", Type: "devtmpfs"}, {Point: "/run", Type: "tmpfs"},
		{Point: "/home", Source: "fs:run-home", Type: "xfs", Root: "/", Options: []string{"rw"}},
	}
	if _, err := os.Stat(filepath.Join(dir, "more")); !errors.Is(err, fs.ErrNotExist) {
		mounts = append(mounts, storage.Mount{Point: "/srv", Source: "fs:run-home", Type: "xfs", Root: "/"})
	}
	g, err := l.Build(mounts, nil, nil)
	if err != nil {
		return nil, err
	}
	return machinetest.New(g, append([]machinetest.Option{
		machinetest.WithTrees(map[storage.ID]fs.FS{"fs:run-root": os.DirFS(filepath.Join(dir, "root"))}),
		machinetest.WithOwn("/var/lib/salvor", "/run"),
		machinetest.WithUsage(map[storage.ID]machine.Usage{
			"fs:run-root": {Size: 6 * gib, Used: gib, Files: 40000}, "fs:run-home": {Size: 6 * gib, Used: 2 * gib, Files: 1000},
		}),
	}, more...)...), nil
}
