package apply

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/machine/machinetest"
	"salvor/internal/plan"
	"salvor/internal/storage"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with a file below testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func common(id storage.ID, path string) storage.Common {
	c := storage.Common{ID: id, Identity: id}
	if path != "" {
		c.AddName(path, storage.FromKernel)
	}
	return c
}

// bigStack is a machine with one of everything: RAID 1 below LUKS below LVM with a
// thin pool, a container with a blank in its name, a btrfs with subvolumes, bcache
// and multipath.
func bigStack(t *testing.T) *storage.Graph {
	t.Helper()
	b := &storage.Builder{}
	disk := func(name string) storage.Node {
		return b.Add(&storage.Disk{Common: common(storage.ID("disk:"+name), "/dev/"+name)})
	}
	sda, sdb, sdc, sdd := disk("sda"), disk("sdb"), disk("sdc"), disk("sdd")
	md := b.Add(&storage.MD{Common: common("md:1", ""), UUID: "00000000:00000000:00000000:00000001", Level: "raid1", RaidDisks: 2}, sda, sdb)
	luks := b.Add(&storage.Crypt{Common: common("luks:1", ""), Format: "luks2", UUID: "1"}, md)
	pv := b.Add(&storage.PV{Common: common("pv:1", ""), UUID: "1", VG: "vg-0"}, luks)
	vg := b.Add(&storage.VG{Common: common("vg:1", ""), UUID: "1", Name: "vg-0"}, pv)
	lv := func(name, layout string, on ...storage.Node) *storage.LV {
		v := &storage.LV{Common: common(storage.ID("lv:"+name), ""), UUID: name, VG: "vg-0", Name: name, Layout: layout, Group: vg.Base().ID}
		b.Add(v, on...)
		return v
	}
	root := lv("root", "linear", pv)
	pool := lv("pool", "thin-pool", pv)
	thin := lv("thin", "thin", pool)
	b.Add(&storage.FileSystem{Common: common("fs:root", ""), Type: "ext4"}, root)
	b.Add(&storage.FileSystem{Common: common("fs:thin", ""), Type: "xfs"}, thin)
	home := b.Add(&storage.Crypt{Common: common("luks:2", ""), Format: "luks1", UUID: "2"}, sdc)
	btrfs := b.Add(&storage.FileSystem{Common: common("fs:home", ""), Type: "btrfs"}, home)
	b.Add(&storage.Subvolume{Common: common("subvol:home/@", ""), SubvolID: 256, Path: "@"}, btrfs)
	b.Add(&storage.FileSystem{Common: common("fs:data", ""), Type: "ext4"}, sdd)
	sde, sdf, sdg, sdh := disk("sde"), disk("sdf"), disk("sdg"), disk("sdh")
	set := b.Add(&storage.BcacheSet{Common: common("bcacheset:1", ""), UUID: "set-1"}, sde)
	bc := b.Add(&storage.Bcache{Common: common("bcache:1", ""), UUID: "1"}, set, sdf)
	b.Add(&storage.FileSystem{Common: common("fs:cached", ""), Type: "ext4"}, bc)
	mp := b.Add(&storage.Multipath{Common: common("mpath:w1", ""), WWID: "w1"}, sdg, sdh)
	b.Add(&storage.FileSystem{Common: common("fs:lun", ""), Type: "ext4"}, mp)
	g, err := b.Build(nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// wanted gives a copy of have with some things open and mounted.
type wanted struct {
	t *testing.T
	*storage.Graph
}

func want(t *testing.T, have *storage.Graph) wanted { return wanted{t, have.Clone()} }

func (w wanted) open(id storage.ID, name string, readOnly bool) wanted {
	w.t.Helper()
	n := w.Node(id)
	if n == nil || !storage.SetOpening(n, &storage.Opening{Name: name, ReadOnly: readOnly}) {
		w.t.Fatalf("%s cannot be opened", id)
	}
	n.Base().ReadOnly = readOnly
	return w
}

func (w wanted) mount(m storage.Mount) wanted {
	w.Mounts = append(w.Mounts, m)
	return wanted{w.t, w.Graph}
}

func (w wanted) frozen(id storage.ID) wanted {
	w.Node(id).Base().ReadOnly = true
	return w
}

func (w wanted) overlay(id storage.ID, name string) wanted {
	w.Node(id).Base().Overlay = &storage.Opening{Name: name}
	return w
}

// everything opens and mounts the whole big stack.
func everything(t *testing.T, full *storage.Graph) wanted {
	w := want(t, full).
		open("md:1", "md127", false).open("luks:1", "cr_root", false).open("lv:root", "", false).
		open("lv:thin", "", false).open("luks:2", "cr home", false).open("bcache:1", "bcache0", false).
		mount(storage.Mount{Point: "/mnt/local", Source: "fs:root", Type: "ext4", Under: "/mnt/local"}).
		mount(storage.Mount{Point: "/mnt/local/srv", Source: "fs:thin", Type: "xfs", Options: []string{"nosuid"}, Under: "/mnt/local"}).
		mount(storage.Mount{Point: "/mnt/local/home", Source: "subvol:home/@", Type: "btrfs", Root: "/@", Options: []string{"subvolid=256", "compress=zstd"}, Under: "/mnt/local"}).
		mount(storage.Mount{Point: "/mnt/local/cached", Source: "fs:cached", Type: "ext4", Under: "/mnt/local"}).
		mount(storage.Mount{Point: "/mnt/local/proc", Type: "proc", Under: "/mnt/local"}).
		mount(storage.Mount{Point: "/mnt/local/dev", Type: "bind", Bind: "/dev", Under: "/mnt/local"})
	return w
}

// mustPlan makes a plan. With the full graph everything opens in one go, as if all
// of it had been probed.
func mustPlan(t *testing.T, have, want *storage.Graph) *plan.Plan {
	t.Helper()
	p, err := plan.Diff(have, want)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var keys = map[storage.ID]string{"luks:1": "one", "luks:2": "two"}

func newMachine(full *storage.Graph, opts ...machinetest.Option) *machinetest.Machine {
	return machinetest.New(full, append([]machinetest.Option{machinetest.WithKeys(keys)}, opts...)...)
}
