package system

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

const (
	mib = 1 << 20
	gib = 1 << 30
)

// lab builds graphs, and the trees on them, in few words.
type lab struct {
	storage.Builder
	t     testing.TB
	trees fakeTrees
}

func newLab(t testing.TB) *lab { return &lab{t: t, trees: fakeTrees{}} }

// fakeTrees are the trees of a lab's roots.
type fakeTrees map[storage.ID]lookedTree

type lookedTree struct {
	tree fs.FS
	err  error
}

func (f fakeTrees) Tree(root storage.ID) (fs.FS, error) {
	t, ok := f[root]
	if !ok {
		return nil, &LookError{Root: root, Cause: errors.New("nobody knows how")}
	}
	return t.tree, t.err
}

func common(id storage.ID, name string, size uint64) storage.Common {
	c := storage.Common{Identity: id, Size: size}
	if name != "" {
		c.AddName(name, storage.FromKernel)
	}
	return c
}

func (l *lab) disk(name string) *storage.Disk {
	d := &storage.Disk{Common: common(storage.ID("disk:"+name), "/dev/"+name, 100*gib), Model: "Fast Disk", Serial: "S-" + name, Transport: "ata"}
	l.Add(d)
	return d
}

func (l *lab) table(format string, on storage.Node) *storage.Table {
	t := &storage.Table{Common: common(storage.ID("table:"+string(on.Base().Identity)), "", 0), Format: format}
	l.Add(t, on)
	return t
}

// part makes a partition whose UUID is made of its disk's name and its number.
func (l *lab) part(table storage.Node, number int) *storage.Partition {
	disk := l.Lower(table)[0]
	name := strings.TrimPrefix(disk.Base().Path(), "/dev/")
	sep := ""
	if last := name[len(name)-1]; last >= '0' && last <= '9' {
		sep = "p"
	}
	uuid := fmt.Sprintf("%s-%d", name, number)
	p := &storage.Partition{Common: common(storage.ID("part:"+uuid), fmt.Sprintf("/dev/%s%s%d", name, sep, number), 10*gib), Number: number, UUID: uuid}
	l.Add(p, table)
	return p
}

func (l *lab) fs(typ, uuid string, on ...storage.Node) *storage.FileSystem {
	n := &storage.FileSystem{Common: common(storage.ID("fs:"+uuid), "", on[0].Base().Size), Type: typ, UUID: uuid}
	l.Add(n, on...)
	return n
}

func (l *lab) swap(uuid string, on storage.Node) *storage.Swap {
	n := &storage.Swap{Common: common(storage.ID("swap:"+uuid), "", gib), UUID: uuid}
	l.Add(n, on)
	return n
}

// crypt makes a container, open under a name or locked.
func (l *lab) crypt(uuid, open string, on storage.Node) *storage.Crypt {
	n := &storage.Crypt{Common: common(storage.ID("luks:"+uuid), "", on.Base().Size-16*mib), Format: "luks2", UUID: uuid}
	if open == "" {
		n.Mark(storage.Locked)
	} else {
		n.Open = &storage.Opening{Name: open}
		n.AddName(storage.DMPath(open), storage.FromDM)
	}
	l.Add(n, on)
	return n
}

// md makes an array, with the kernel name that it runs under or "".
func (l *lab) md(uuid, name, running string, on ...storage.Node) *storage.MD {
	n := &storage.MD{Common: common(storage.ID("md:"+uuid), "", on[0].Base().Size), UUID: uuid, Name: name, Level: "raid1", Metadata: "1.2", RaidDisks: len(on)}
	if running != "" {
		n.AddName("/dev/"+running, storage.FromKernel)
		n.Open = &storage.Opening{}
	}
	l.Add(n, on...)
	return n
}

func (l *lab) vg(name string, on ...storage.Node) *storage.VG {
	v := &storage.VG{Common: common(storage.ID("vg:"+name), "", 0), UUID: name + "-uuid", Name: name, ExtentSize: 4 * mib}
	var pvs []storage.Node
	for i, low := range on {
		pvs = append(pvs, l.Add(&storage.PV{Common: common(storage.ID(fmt.Sprintf("pv:%s-%d", name, i)), "", low.Base().Size), UUID: fmt.Sprintf("%s-pv%d", name, i), VG: name}, low))
	}
	l.Add(v, pvs...)
	return v
}

func (l *lab) lv(vg *storage.VG, name, layout string, isOpen bool) *storage.LV {
	v := &storage.LV{Common: common(storage.ID("lv:"+vg.Name+"/"+name), "", 10*gib), UUID: vg.Name + "-" + name, VG: vg.Name, Name: name, Layout: layout, Group: vg.Identity}
	origin := storage.FromMetadata
	if isOpen {
		v.Open = &storage.Opening{}
		origin = storage.FromDM
	}
	v.AddName(storage.LVPath(vg.Name, name), origin)
	l.Add(v, l.Lower(vg)...)
	return v
}

// snapshot makes an LVM snapshot of a volume.
func (l *lab) snapshot(vg *storage.VG, name string, of *storage.LV, isOpen bool) *storage.LV {
	v := l.lv(vg, name, "snapshot", isOpen)
	v.Origin = of.Identity
	l.Lay(v, of)
	return v
}

func (l *lab) subvol(fs *storage.FileSystem, id uint64, path string) *storage.Subvolume {
	s := &storage.Subvolume{Common: common(storage.ID("subvol:"+fs.UUID+"/"+path), "", 0), SubvolID: id, Path: path, UUID: fmt.Sprint("u", id)}
	l.Add(s, fs)
	return s
}

func (l *lab) graph(mounts ...storage.Mount) *storage.Graph {
	l.t.Helper()
	g, err := l.Build(mounts, nil, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	return g
}

// put gives a root its tree.
func (l *lab) put(root storage.Node, tree fs.FS) {
	l.trees[root.Base().Identity] = lookedTree{tree: tree}
}

// closed is the graph with everything closed that can be closed: the machine as
// it was before anything was opened for the look.
func closed(g *storage.Graph) *storage.Graph {
	g = g.Clone()
	for n := range g.Nodes() {
		storage.SetOpening(n, nil)
		n.Base().ReadOnly = false
		n.Base().Overlay = nil
	}
	return g
}

// rootTree is the tree of a small system: what stands in dirs ends in a slash,
// links are "name -> target", all else is an empty file.
func rootTree(fstabText, crypttab string, names ...string) fstest.MapFS {
	t := tree(append([]string{"etc/", "usr/", "bin/", "var/", "proc/", "sys/", "dev/", "run/"}, names...)...)
	t["etc/os-release"] = file("ID=test\nPRETTY_NAME=\"Test Linux 1\"\n")
	t["etc/fstab"] = file(fstabText)
	if crypttab != "" {
		t["etc/crypttab"] = file(crypttab)
	}
	return t
}

func tree(names ...string) fstest.MapFS {
	t := fstest.MapFS{}
	for _, name := range names {
		switch from, to, link := strings.Cut(name, " -> "); {
		case link:
			t[from] = &fstest.MapFile{Mode: fs.ModeSymlink | 0o777, Data: []byte(to)}
		case strings.HasSuffix(name, "/"):
			t[strings.TrimSuffix(name, "/")] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
		default:
			t[name] = file("")
		}
	}
	return t
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o644} }

// sysOn makes the system whose root is there, with these tables.
func sysOn(root storage.Node, fstabText, crypttab string) *System {
	return &System{Root: root.Base().ID, Name: "Test Linux 1", Fstab: fstab.ParseFstab([]byte(fstabText)), Crypttab: fstab.ParseCrypttab([]byte(crypttab))}
}
