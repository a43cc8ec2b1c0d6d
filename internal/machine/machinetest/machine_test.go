package machinetest

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/machine"
	"salvor/internal/secret"
	"salvor/internal/storage"
	"salvor/internal/tool"
)

// stack is two locked disks that make one volume group, and a plain one.
func stack(t *testing.T) *storage.Graph {
	t.Helper()
	b := &storage.Builder{}
	common := func(id, path string) storage.Common {
		c := storage.Common{ID: storage.ID(id), Identity: storage.ID(id)}
		if path != "" {
			c.AddName(path, storage.FromKernel)
		}
		return c
	}
	var pvs []storage.Node
	for _, n := range []string{"a", "b"} {
		disk := b.Add(&storage.Disk{Common: common("disk:"+n, "/dev/sd"+n)})
		crypt := b.Add(&storage.Crypt{Common: common("luks:"+n, ""), Format: "luks2"}, disk)
		pvs = append(pvs, b.Add(&storage.PV{Common: common("pv:"+n, "")}, crypt))
	}
	vg := b.Add(&storage.VG{Common: common("vg:1", ""), Name: "vg"}, pvs...)
	lv := func(name, layout string, origin storage.ID, on ...storage.Node) storage.Node {
		return b.Add(&storage.LV{Common: common("lv:"+name, ""), VG: "vg", Name: name, Layout: layout, Group: vg.Base().ID, Origin: origin}, on...)
	}
	one := lv("one", "linear", "", pvs[0])
	lv("both", "striped", "", pvs...)
	lv("snap", "snapshot", "lv:one", pvs[0], one)
	b.Add(&storage.FileSystem{Common: common("fs:one", ""), Type: "xfs"}, one)
	disk := b.Add(&storage.Disk{Common: common("disk:c", "/dev/sdc")})
	dirty := &storage.FileSystem{Common: common("fs:c", ""), Type: "ext4"}
	dirty.Mark(storage.Dirty)
	b.Add(dirty, disk)
	g, err := b.Build(nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func run(t *testing.T, m *Machine, c machine.Cmd, key string) {
	t.Helper()
	if c.Stdin = secret.New([]byte(key)); key == "" {
		c.Stdin = nil
	}
	if _, err := m.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func ids(g *storage.Graph) string {
	var out []string
	for n := range g.Nodes() {
		id := string(n.Base().ID)
		for _, h := range n.Base().Health {
			id += "!" + string(h)
		}
		out = append(out, id)
	}
	return strings.Join(out, " ")
}

func TestVisible(t *testing.T) {
	m := New(stack(t), WithKeys(map[storage.ID]string{"luks:a": "x"}))
	if diff := cmp.Diff("disk:a disk:b disk:c fs:c!dirty luks:a!locked luks:b!locked", ids(m.Visible())); diff != "" {
		t.Error(diff)
	}
	run(t, m, tool.OpenCrypt(tool.Crypt{Format: "luks2", Device: "/dev/sda", Name: "a"}), "x")
	want := "disk:a disk:b disk:c pv:b!missing fs:c!dirty luks:a luks:b!locked pv:a lv:both!member-missing lv:one vg:1!member-missing lv:snap"
	if diff := cmp.Diff(want, ids(m.Visible())); diff != "" {
		t.Error(diff)
	}
	n := m.Visible().Node("luks:a").Base()
	if n.Path() != "/dev/mapper/a" || n.Dev != (storage.Dev{Major: 253}) {
		t.Errorf("the open container is %s, %v", n.Path(), n.Dev)
	}
}

func TestVolumesOfAGroup(t *testing.T) {
	m := New(stack(t), WithKeys(map[storage.ID]string{"luks:a": "x"}))
	run(t, m, tool.OpenCrypt(tool.Crypt{Format: "luks2", Device: "/dev/sda", Name: "a"}), "x")
	v := tool.LV{VG: "vg", Name: "both", Devices: []string{"/dev/mapper/a"}, Udev: true, Degraded: true}
	if _, err := m.Run(t.Context(), tool.ActivateLV(v)); !errors.Is(tool.Explain(err), tool.ErrIncomplete) {
		t.Errorf("a volume with half its extents gives %v", err)
	}
	v.Name = "one"
	run(t, m, tool.ActivateLV(v), "")
	if m.Visible().Node("lv:snap").(*storage.LV).Open == nil {
		t.Error("the snapshot is not active with its origin")
	}
	v.Name = "snap"
	run(t, m, tool.DeactivateLV(v), "")
	if m.Visible().Node("lv:one").(*storage.LV).Open != nil {
		t.Error("the origin is still active without its snapshot")
	}
	v.Devices = []string{"/dev/sdc"}
	if _, err := m.Run(t.Context(), tool.ActivateLV(v)); !errors.Is(tool.Explain(err), tool.ErrNoDevice) {
		t.Errorf("a group that LVM does not see gives %v", err)
	}
}

func TestUnknownIsRefused(t *testing.T) {
	m := New(stack(t))
	for _, c := range []machine.Cmd{
		{Program: "mkfs.ext4", Args: []string{"/dev/sda"}},
		{Program: "cryptsetup", Args: []string{"luksFormat", "/dev/sda"}},
		{Program: "cryptsetup", Args: []string{"close", "--deferred", "x"}},
		{Program: "dmsetup", Args: []string{"remove_all"}},
		{Program: "dmsetup", Args: []string{"remove", "--force", "--uuid", "x"}},
		{Program: "mdadm", Args: []string{"--assemble", "--force", "/dev/md0"}},
		{Program: "lvm", Args: []string{"vgchange", "-ay"}},
		{Program: "lvm", Args: []string{"lvchange", "--activate", "y", "vg/one"}},
		{Program: "multipath", Args: []string{"-F"}},
		{Program: "udevadm", Args: []string{"trigger"}},
	} {
		if _, err := m.Run(t.Context(), c); err == nil {
			t.Errorf("%s is taken", c)
		}
	}
	if err := m.WriteSysfs("/sys/block/sda/device/delete", "1"); err == nil {
		t.Error("a write to sysfs is taken")
	}
	if m.String() != "" {
		t.Errorf("the state is\n%s", m)
	}
}

func TestLooksAndWrites(t *testing.T) {
	m := New(stack(t), WithTrees(map[storage.ID]fs.FS{"fs:c": fstest.MapFS{"etc/os-release": {Data: []byte("ID=x\n")}}}))
	ask := machine.MountRequest{Device: "/dev/sdc", Type: "ext4", ReadOnly: true}
	if _, err := m.SetReadOnly("/dev/sdc", true); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Look(t.Context(), ask); !errors.Is(err, machine.ErrDirty) {
		t.Errorf("a dirty file system on a frozen device gives %v", err)
	}
	ask.Options = []string{"noload"}
	tree, err := m.Look(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := fs.ReadFile(tree, "etc/os-release"); err != nil || string(b) != "ID=x\n" {
		t.Errorf("the tree gives %q, %v", b, err)
	}
	if w := m.Writes(); w != nil {
		t.Errorf("looking wrote: %v", w)
	}
	if was, err := m.SetReadOnly("/dev/sdc", false); err != nil || !was {
		t.Errorf("the flag was %t, %v", was, err)
	}
	ask.Options = nil
	if _, err := m.Look(t.Context(), ask); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"mount fs:c read-only"}, m.Writes()); diff != "" {
		t.Error(diff)
	}
}

func TestFaults(t *testing.T) {
	m := New(stack(t))
	broken := errors.New("broken")
	m.FailNext("udevadm", broken)
	if _, err := m.Run(t.Context(), tool.Settle()); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := m.Run(t.Context(), tool.Settle()); err != nil {
		t.Errorf("a fault happens once, but then %v", err)
	}
	m.Hang("udevadm")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Run(ctx, tool.Settle()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestFiles(t *testing.T) {
	const link = fs.ModeSymlink | 0o777
	m := New(stack(t), WithFiles(fstest.MapFS{"etc/a": {Data: []byte("A")}, "etc/l": {Data: []byte("/etc/a"), Mode: link},
		"etc/loop": {Data: []byte("loop"), Mode: link}}))
	if err := m.MkdirAll("/mnt/local", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, data := range []string{"1\n", "2\n"} {
		if err := m.AppendFile("/run/journal", []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"/etc/l": "A", "/run/journal": "1\n2\n", "/../etc/./l": "A"} {
		if b, err := m.ReadFile(name); err != nil || string(b) != want {
			t.Errorf("%s is %q, %v", name, b, err)
		}
	}
	if _, err := m.ReadFile("/etc/loop"); err == nil {
		t.Error("a link to itself is read")
	}
	if err := m.Mount(t.Context(), machine.MountRequest{Device: "/dev/sdc", Type: "ext4", Root: "/mnt/local", Point: "/"}); err != nil {
		t.Fatal(err)
	}
	if err := m.WriteFile("/mnt/local/x", nil, 0o600); err == nil || len(m.Writes()) != 2 {
		t.Errorf("a write to the target gives %v, %v", err, m.Writes())
	}
	unlock, err := m.Lock("/run/lock")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Lock("/run/lock"); !errors.Is(err, machine.ErrLocked) {
		t.Errorf("a lock that is held gives %v", err)
	}
	unlock()
	if _, err := m.Lock("/run/lock"); err != nil {
		t.Error(err)
	}
}

// TestInitialStateIsKept: what stands open in the graph stands open in the machine.
func TestInitialStateIsKept(t *testing.T) {
	g := stack(t)
	storage.SetOpening(g.Node("luks:a"), &storage.Opening{Name: "early"})
	g.Mounts = []storage.Mount{{Point: "/media/c", Source: "fs:c", Type: "ext4"}}
	m := New(g)
	want := "open luks:a as /dev/mapper/early\nmount /media/c: fs:c \n"
	if diff := cmp.Diff(want, m.String()); diff != "" {
		t.Error(diff)
	}
	b, err := m.ReadFile("/proc/self/mountinfo")
	if err != nil || !strings.Contains(string(b), " / /media/c rw,relatime - ext4 /dev/sdc rw\n") {
		t.Errorf("the mount table is\n%s%v", b, err)
	}
}
