package system

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"salvor/internal/storage"
)

// anyDir is a tree in which every name is a directory: MapFS would be what is
// measured.
type anyDir struct{}

type dirInfo struct{ name string }

func (d dirInfo) Name() string     { return d.name }
func (dirInfo) Size() int64        { return 0 }
func (dirInfo) Mode() fs.FileMode  { return fs.ModeDir | 0o755 }
func (dirInfo) ModTime() time.Time { return time.Time{} }
func (dirInfo) IsDir() bool        { return true }
func (dirInfo) Sys() any           { return nil }

func (anyDir) Open(name string) (fs.File, error)      { return nil, fs.ErrNotExist }
func (anyDir) Lstat(name string) (fs.FileInfo, error) { return dirInfo{name}, nil }
func (anyDir) Stat(name string) (fs.FileInfo, error)  { return dirInfo{name}, nil }
func (anyDir) ReadLink(string) (string, error)        { return "", fs.ErrInvalid }
func (anyDir) ReadDir(string) ([]fs.DirEntry, error)  { return nil, nil }
func (anyDir) always(storage.ID) fs.FS                { return anyDir{} }
func (a anyDir) Tree(root storage.ID) (fs.FS, error)  { return a.always(root), nil }

// thousand is a machine of 1 000 devices and file systems, some of them locked,
// with a system whose fstab has 10 000 lines of every form.
func thousand(t testing.TB) mountCase {
	l := newLab(t)
	var root storage.Node
	var lines, crypttab strings.Builder
	for d := range 10 {
		table := l.table("gpt", l.disk(fmt.Sprint("nvme", d, "n1")))
		for p := range 30 {
			uuid := fmt.Sprint("fs-", d, "-", p)
			var on storage.Node = l.part(table, p+1)
			switch p % 3 {
			case 1:
				on = l.crypt("c-"+uuid, []string{"", "map-" + uuid}[min(p%5, 1)], on)
				fmt.Fprintf(&crypttab, "cr-%s UUID=c-%s none\n", uuid, uuid)
			case 2:
				on = l.lv(l.vg("vg-"+uuid, on), "lv", "linear", true)
			}
			if storage.CanOpen(on) && storage.OpeningOf(on) == nil {
				continue
			}
			n := l.fs("ext4", uuid, on)
			n.Label = "l-" + uuid
			if root == nil {
				root = n
			}
		}
	}
	forms := []string{"UUID=fs-%d-%d", "LABEL=l-fs-%d-%d", "/dev/mapper/cr-fs-%d-%d", "/dev/vg-fs-%d-%d/lv", "PARTUUID=nvme%dn1-%d", "/dev/nvme%dn1p%d", "UUID=gone-%d-%d", "/dev/disk/by-id/dm-name-cr-fs-%d-%d"}
	for i := range 10000 {
		form := forms[i%len(forms)]
		fmt.Fprintf(&lines, form+" /m/%d/%d ext4 defaults 0 2\n", i%10, i/10%30, i%100, i)
	}
	return mountCase{seen: l.graph(), base: closed(l.graph()), sys: sysOn(root, lines.String(), crypttab.String()), req: Request{Target: "/mnt/local", Trees: anyDir{}}}
}

// BenchmarkMount1000 resolves and orders 10 000 lines on 1 000 devices.
func BenchmarkMount1000(b *testing.B) {
	c := thousand(b)
	for b.Loop() {
		Mount(c.seen, c.base, c.sys, c.req)
	}
	b.ReportMetric(float64(c.seen.Len()), "nodes")
}

// BenchmarkFind finds 300 systems, half of them snapshots, on 1 000 nodes.
func BenchmarkFind(b *testing.B) {
	l := newLab(b)
	for d := range 3 {
		pool := l.fs("btrfs", fmt.Sprint("pool", d), l.part(l.table("gpt", l.disk(fmt.Sprint("sd", string(rune('a'+d))))), 1))
		for s := range 100 {
			l.put(l.subvol(pool, uint64(256+s), fmt.Sprint("@", s)), benchRoot(fmt.Sprintf("UUID=pool%d / btrfs subvol=@%d\n", d, s/2*2)))
		}
	}
	vg := l.vg("vg", l.disk("sdx"))
	for i := range 350 {
		l.fs("ext4", fmt.Sprint("data", i), l.lv(vg, fmt.Sprint("lv", i), "linear", true))
	}
	g := l.graph()
	for b.Loop() {
		if n := len(Systems(Find(g, l.trees))); n != 300 {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(g.Len()), "nodes")
}

// countingTree counts how often something is looked up in a tree.
type countingTree struct {
	fs.FS
	count *int
}

func (c countingTree) Open(name string) (fs.File, error) { *c.count++; return c.FS.Open(name) }
func (c countingTree) Stat(name string) (fs.FileInfo, error) {
	*c.count++
	return fs.Stat(c.FS, name)
}

// manySnapshots is a system with so many snapshots of snapper's, of versions of
// their own.
func manySnapshots(t testing.TB, n int) (*lab, *storage.Graph, *int) {
	l, count := newLab(t), new(int)
	fsys := l.fs("btrfs", "pool", l.part(l.table("gpt", l.disk("sda")), 1))
	l.put(l.subvol(fsys, 5, ""), tree("@/"))
	l.put(l.subvol(fsys, 256, "@"), benchRoot("UUID=pool / btrfs subvol=@\n"))
	infos := fstest.MapFS{}
	for i := range n {
		s := l.subvol(fsys, uint64(1000+i), fmt.Sprintf("@/.snapshots/%d/snapshot", i+1))
		s.Frozen, s.ParentUUID = true, "u256"
		root := benchRoot("UUID=pool / btrfs subvol=@\n").(fstest.MapFS)
		root["etc/os-release"] = file(fmt.Sprintf("ID=x\nVERSION_ID=%d\n", i+1))
		l.put(s, countingTree{root, count})
		infos[fmt.Sprintf("%d/info.xml", i+1)] = file(fmt.Sprintf("<snapshot><num>%d</num><date>2024-05-01 10:00:00</date></snapshot>", i+1))
	}
	l.put(l.subvol(fsys, 257, "@/.snapshots"), infos)
	return l, l.graph(), count
}

// TestManySnapshots: each is looked at only as far as it is needed, and says its own
// version.
func TestManySnapshots(t *testing.T) {
	const n = 200
	l, g, count := manySnapshots(t, n)
	systems := Systems(Find(g, l.trees))
	if perSnapshot := *count / n; perSnapshot > 30 {
		t.Errorf("%d look-ups in each snapshot", perSnapshot)
	}
	for i, s := range SnapshotsOf(systems, systems[0]) {
		if s.Version != fmt.Sprint(i+1) || s.Snapshot.Number != i+1 || s.Arch != "x86_64" {
			t.Fatalf("snapshot %d is %+v", i+1, s)
		}
	}
	if len(systems) != n+1 {
		t.Errorf("%d systems", len(systems))
	}
}

// BenchmarkSnapshots finds a system with 1 000 snapshots.
func BenchmarkSnapshots(b *testing.B) {
	l, g, count := manySnapshots(b, 1000)
	for b.Loop() {
		*count = 0
		if n := len(Systems(Find(g, l.trees))); n != 1001 {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(*count)/1000, "look-ups/snapshot")
}

func benchRoot(fstab string) fs.FS {
	return fstest.MapFS{"etc/os-release": file(debianRelease), "etc/fstab": file(fstab), "usr/bin/sh": amd64}
}
