package apply

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/moby/sys/mountinfo"

	"salvor/internal/machine"
	"salvor/internal/machine/machinetest"
	"salvor/internal/storage"
)

// TestMountVerify: the mount table says what is mounted; the exit status does not.
func TestMountVerify(t *testing.T) {
	const link = 0o777 | 1<<27
	m := newMachine(bigStack(t), machinetest.WithFiles(fstest.MapFS{
		"sys/fs/btrfs/u/devices/sda": {}, "sys/fs/btrfs/u/devices/sdb": {},
		"sys/fs/btrfs/v/devices/sdc": {},
		"dev/alias":                  {Data: []byte("sdb"), Mode: link},
	}))
	device := func(name, kind string, ro bool) machine.MountRequest {
		return machine.MountRequest{Device: name, Type: kind, ReadOnly: ro}
	}
	row := func(major, minor int, root, kind, source, options string) *mountinfo.Info {
		return &mountinfo.Info{Major: major, Minor: minor, Root: root, FSType: kind, Source: source, Options: options, VFSOptions: "rw", Mountpoint: "/mnt"}
	}
	tests := []struct {
		name string
		Mount
		got  *mountinfo.Info
		want error
	}{
		{"right", Mount{Request: device("/dev/sdb", "ext4", false)}, row(8, 1, "/", "ext4", "/dev/sdb", "rw"), nil},
		{"by another name", Mount{Request: device("/dev/alias", "ext4", false)}, row(8, 1, "/", "ext4", "/dev/sdb", "rw"), nil},
		{"another device", Mount{Request: device("/dev/sdb", "ext4", false)}, row(8, 2, "/", "ext4", "/dev/sdc", "rw"), ErrWrongMount},
		{"writable by mistake", Mount{Request: device("/dev/sdb", "ext4", true)}, row(8, 1, "/", "ext4", "/dev/sdb", "rw"), ErrWrongMount},
		{"read-only by mistake", Mount{Request: device("/dev/sdb", "ext4", false)}, row(8, 1, "/", "ext4", "/dev/sdb", "ro"), ErrWrongMount},
		{"subvolume", Mount{Request: device("/dev/sdb", "btrfs", true), Subvolume: "/@"}, row(0, 40, "/@", "btrfs", "/dev/sdb", "ro"), nil},
		{"another subvolume", Mount{Request: device("/dev/sdb", "btrfs", true), Subvolume: "/@"}, row(0, 40, "/@home", "btrfs", "/dev/sdb", "ro"), ErrWrongMount},
		{"another device of one btrfs", Mount{Request: device("/dev/sdb", "btrfs", true)}, row(0, 40, "/", "btrfs", "/dev/sda", "ro"), nil},
		{"a device of another btrfs", Mount{Request: device("/dev/sdb", "btrfs", true)}, row(0, 40, "/", "btrfs", "/dev/sdc", "ro"), ErrWrongMount},
		{"virtual", Mount{Request: machine.MountRequest{Virtual: "proc", Type: "proc"}}, row(0, 5, "/", "proc", "proc", "rw"), nil},
		{"not that virtual one", Mount{Request: machine.MountRequest{Virtual: "proc", Type: "proc"}}, row(0, 5, "/", "sysfs", "proc", "rw"), ErrWrongMount},
		{"bind", Mount{Request: machine.MountRequest{Bind: "/mnt"}}, row(0, 5, "/", "tmpfs", "tmpfs", "rw"), nil},
		{"bind of something else", Mount{Request: machine.MountRequest{Bind: "/tmp"}}, row(0, 5, "/", "tmpfs", "tmpfs", "rw"), ErrWrongMount},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opt := Options{}
			if err := tt.verify(&hand{m, &opt}, tt.got); !errors.Is(err, tt.want) {
				t.Errorf("verify gives %v, not %v", err, tt.want)
			}
		})
	}
}

func TestMountNewest(t *testing.T) {
	at := func(id int, point string) *mountinfo.Info { return &mountinfo.Info{ID: id, Mountpoint: point} }
	before := []*mountinfo.Info{at(1, "/"), at(2, "/mnt/local")}
	tests := []struct {
		name  string
		point string
		added []*mountinfo.Info
		want  int // 0: none
	}{
		{"at the point", "/mnt/local/home", []*mountinfo.Info{at(3, "/mnt/local/home")}, 3},
		{"through a link of the target", "/mnt/local/var/run", []*mountinfo.Info{at(3, "/mnt/local/run")}, 3},
		{"recursive", "/mnt/local/dev", []*mountinfo.Info{at(4, "/mnt/local/dev/pts"), at(3, "/mnt/local/dev")}, 3},
		{"by somebody else, elsewhere", "/mnt/local/home", []*mountinfo.Info{at(3, "/media/usb")}, 0},
		{"nothing", "/mnt/local/home", nil, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := Mount{At: tt.point, Request: machine.MountRequest{Root: "/mnt/local"}}
			got := 0
			if m := a.newest(before, append(before[:2:2], tt.added...)); m != nil {
				got = m.ID
			}
			if got != tt.want {
				t.Errorf("newest gives %d, not %d", got, tt.want)
			}
		})
	}
}

// TestMountGoesInside: a mount point that is a link of the target to a directory of
// the live system is resolved in the target.
func TestMountGoesInside(t *testing.T) {
	const link = 0o777 | 1<<27
	full := bigStack(t)
	m := newMachine(full, machinetest.WithTrees(map[storage.ID]fsys{"fs:data": fstest.MapFS{
		"home":         {Data: []byte("/etc"), Mode: link},
		"etc/hostname": {Data: []byte("target\n")},
	}}))
	goal := want(t, full).
		mount(storage.Mount{Point: "/mnt/local", Source: "fs:data", Type: "ext4", Under: "/mnt/local"}).
		mount(storage.Mount{Point: "/mnt/local/home", Type: "tmpfs", Under: "/mnt/local"}).Graph
	if _, err := Run(t.Context(), m, mustPlan(t, full, goal), rightKeys()); err != nil {
		t.Fatal(err)
	}
	golden(t, "inside.state", m.String())
}

func TestMountPointMissing(t *testing.T) {
	full := bigStack(t)
	m := newMachine(full, machinetest.WithTrees(map[storage.ID]fsys{"fs:data": fstest.MapFS{"etc/fstab": {}}}))
	goal := want(t, full).
		mount(storage.Mount{Point: "/mnt/local", Source: "fs:data", Type: "ext4", Under: "/mnt/local"}).
		mount(storage.Mount{Point: "/mnt/local/etc/fstab", Type: "tmpfs", Under: "/mnt/local"}).
		mount(storage.Mount{Point: "/mnt/local/home", Type: "tmpfs", Under: "/mnt/local"}).Graph
	_, err := Run(t.Context(), m, mustPlan(t, full, goal), rightKeys())
	if !errors.Is(err, machine.ErrNoPoint) || !errors.Is(err, machine.ErrPointNotDir) {
		t.Errorf("Run gives %v", err)
	}
}

type fsys = fs.FS
