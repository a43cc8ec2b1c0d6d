package cli

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing/fstest"

	"salvor/internal/machine/machinetest"
	"salvor/internal/storage"
)

const (
	mib = 1 << 20
	gib = 1 << 30
)

// lab builds the disks of a machine in few words.
type lab struct {
	storage.Builder
	letter byte
}

func (l *lab) disk(model, serial string, size uint64) storage.Node {
	d := &storage.Disk{Common: storage.Common{Identity: storage.ID("disk:" + serial), Size: size}, Model: model, Serial: serial, Transport: "scsi"}
	d.AddName(fmt.Sprintf("/dev/sd%c", 'a'+l.letter), storage.FromKernel)
	l.letter++
	return l.Add(d)
}

func (l *lab) table(d storage.Node) storage.Node {
	return l.Add(&storage.Table{Common: storage.Common{Identity: "table:" + d.Base().Identity}, Format: "gpt"}, d)
}

func (l *lab) part(t storage.Node, number int, size uint64) storage.Node {
	disk := l.Lower(t)[0]
	p := &storage.Partition{Common: storage.Common{Identity: storage.ID(fmt.Sprintf("part:%s-%d", disk.Base().Identity, number)), Size: size}, Number: number}
	p.AddName(fmt.Sprintf("%s%d", disk.Base().Path(), number), storage.FromKernel)
	return l.Add(p, t)
}

func (l *lab) fs(typ, uuid, label string, on ...storage.Node) *storage.FileSystem {
	f := &storage.FileSystem{Common: storage.Common{Identity: storage.ID("fs:" + uuid), Size: on[0].Base().Size}, Type: typ, UUID: uuid, Label: label}
	l.Add(f, on...)
	return f
}

func (l *lab) subvol(f storage.Node, id uint64, path string) *storage.Subvolume {
	uuid := f.(*storage.FileSystem).UUID
	s := &storage.Subvolume{Common: storage.Common{Identity: storage.ID("subvol:" + uuid + "/" + path)}, SubvolID: id, Path: path, UUID: fmt.Sprintf("%s-%d", uuid, id)}
	l.Add(s, f)
	return s
}

func (l *lab) luks(uuid, label string, on storage.Node) storage.Node {
	return l.Add(&storage.Crypt{Common: storage.Common{Identity: storage.ID("luks:" + uuid), Size: on.Base().Size - 16*mib}, Format: "luks2", UUID: uuid, Label: label}, on)
}

func (l *lab) raid1(uuid, name string, on ...storage.Node) storage.Node {
	m := &storage.MD{Common: storage.Common{Identity: storage.ID("md:" + uuid), Size: on[0].Base().Size}, UUID: uuid, Name: name, Level: "raid1", Metadata: "1.2", RaidDisks: 2}
	l.Add(m, on...)
	for i, n := range on {
		m.Members = append(m.Members, storage.MDMember{ID: n.Base().ID, Role: fmt.Sprint(i)})
	}
	return m
}

func (l *lab) vg(name string, on storage.Node) storage.Node {
	pv := &storage.PV{Common: storage.Common{Identity: storage.ID("pv:" + name), Size: on.Base().Size}, UUID: name + "-pv", VG: name}
	l.Add(pv, on)
	return l.Add(&storage.VG{Common: storage.Common{Identity: storage.ID("vg:" + name), Size: on.Base().Size}, UUID: name + "-vg", Name: name, ExtentSize: 4 * mib}, pv)
}

func (l *lab) lv(vg storage.Node, name string, size uint64) storage.Node {
	group := vg.(*storage.VG)
	v := &storage.LV{Common: storage.Common{Identity: storage.ID("lv:" + group.Name + "-" + name), Size: size}, UUID: group.Name + "-" + name, VG: group.Name, Name: name, Layout: "linear", Group: vg.Base().Identity}
	v.AddName(storage.LVPath(group.Name, name), storage.FromMetadata)
	return l.Add(v, l.Lower(vg)...)
}

// lab machines: what is on their disks, the keys of their containers, and which
// directory of the script holds the files of which file system.
type labMachine struct {
	disks func(*lab)
	keys  map[storage.ID]string
	files map[string]storage.ID
}

var labMachines = map[string]labMachine{
	"simple": {simpleDisks, nil, map[string]storage.ID{"root": "fs:simple-root", "home": "fs:simple-home"}},
	"stack": {
		stackDisks, map[storage.ID]string{"luks:stack": "correct horse"},
		map[string]storage.ID{"root": "fs:stack-root", "boot": "fs:stack-boot"},
	},
	"several": {severalDisks, nil, map[string]storage.ID{
		"tumble": "fs:tumble",
		"debian": "fs:debian", "windows": "fs:windows", "music": "fs:music",
	}},
	"locked": {lockedDisks, map[storage.ID]string{"luks:vault": "correct horse"}, map[string]storage.ID{"root": "fs:vault-root"}},
	"dirty":  {dirtyDisks, nil, map[string]storage.ID{"root": "fs:dirty"}},
	"worn":   {wornDisks, nil, map[string]storage.ID{"root": "fs:worn", "home": "fs:worn-home"}},
	"broken": {brokenDisks, nil, map[string]storage.ID{"root": "fs:broken"}},
	"images": {imageDisks, nil, map[string]storage.ID{"root": "fs:vm-root"}},
	"blank":  {func(l *lab) { l.disk("BLANK DISK", "B-1", 8*gib) }, nil, nil},
}

func simpleDisks(l *lab) {
	t := l.table(l.disk("QEMU HARDDISK", "S-1", 20*gib))
	l.fs("vfat", "1A2B-3C4D", "EFI", l.part(t, 1, 512*mib))
	l.fs("ext4", "simple-root", "root", l.part(t, 2, 12*gib))
	l.fs("xfs", "simple-home", "home", l.part(t, 3, 7*gib))
}

func stackDisks(l *lab) {
	a, b := l.table(l.disk("FAST SSD", "F-1", 20*gib)), l.table(l.disk("FAST SSD", "F-2", 20*gib))
	l.fs("ext4", "stack-boot", "boot", l.raid1("stack-md", "db1:boot", l.part(a, 1, gib), l.part(b, 1, gib)))
	vg := l.vg("sys", l.luks("stack", "", l.part(a, 2, 18*gib)))
	l.fs("ext4", "stack-root", "", l.lv(vg, "root", 10*gib))
	l.fs("xfs", "stack-home", "", l.lv(vg, "home", 6*gib))
}

func severalDisks(l *lab) {
	t := l.table(l.disk("BIG DISK", "M-1", 100*gib))
	btrfs := l.fs("btrfs", "tumble", "", l.part(t, 1, 40*gib))
	l.subvol(btrfs, 256, "@")
	for i := range 6 {
		s := l.subvol(btrfs, uint64(300+i), fmt.Sprintf(".snapshots/%d/snapshot", i+1))
		s.ParentUUID, s.Frozen = "tumble-256", true
	}
	l.fs("ext4", "debian", "", l.part(t, 2, 20*gib))
	l.fs("ntfs", "windows", "Windows", l.part(t, 3, 30*gib))
	l.fs("ext4", "music", "music", l.part(t, 4, 8*gib))
	l.luks("other", "backup", l.part(t, 5, 2*gib))
}

func lockedDisks(l *lab) {
	t := l.table(l.disk("LAPTOP SSD", "L-1", 50*gib))
	l.fs("ext4", "vault-root", "", l.luks("vault", "all of it", l.part(t, 1, 49*gib)))
}

func dirtyDisks(l *lab) {
	l.fs("ext4", "dirty", "", l.part(l.table(l.disk("OLD DISK", "O-1", 10*gib)), 1, 9*gib)).Mark(storage.Dirty)
}

// wornDisks: a dirty root, a damaged home, and an ESP.
func wornDisks(l *lab) {
	t := l.table(l.disk("OLD DISK", "O-2", 20*gib))
	l.fs("vfat", "1A2B-3C4D", "", l.part(t, 1, gib))
	l.fs("ext4", "worn", "", l.part(t, 2, 9*gib)).Mark(storage.Dirty)
	l.fs("ext4", "worn-home", "", l.part(t, 3, 9*gib)).Mark(storage.Damaged)
}

// brokenDisks: a damaged root on a logical volume.
func brokenDisks(l *lab) {
	vg := l.vg("sys", l.part(l.table(l.disk("OLD DISK", "O-3", 20*gib)), 1, 19*gib))
	l.fs("ext4", "broken", "", l.lv(vg, "root", 10*gib)).Mark(storage.Damaged)
}

// build makes the machine with the files that lie in dir.
func (lm labMachine) build(dir string, more ...machinetest.Option) (*machinetest.Machine, error) {
	l := &lab{}
	lm.disks(l)
	g, err := l.Build(nil, nil, nil)
	if err != nil {
		return nil, err
	}
	trees := map[storage.ID]fs.FS{}
	for name, id := range lm.files {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			trees[id] = os.DirFS(filepath.Join(dir, name))
		}
	}
	dir0755 := &fstest.MapFile{Mode: fs.ModeDir | 0o755}
	options := []machinetest.Option{
		machinetest.WithKeys(lm.keys), machinetest.WithTrees(trees),
		machinetest.WithFiles(fstest.MapFS{"dev/pts": dir0755, "dev/shm": dir0755, "dev/mapper/control": {Mode: fs.ModeDevice | fs.ModeCharDevice | 0o600}}),
	}
	return machinetest.New(g, append(options, more...)...), nil
}
