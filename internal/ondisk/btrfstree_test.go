package ondisk

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// subvolumeList is what "btrfs subvolume list" prints with all its columns.
var subvolumeList = regexp.MustCompile(`(?m)^ID (\d+) gen (\d+) parent (\d+) top level \d+ parent_uuid (\S+)\s+received_uuid (\S+)\s+uuid (\S+) path (.*)$`)

func listSubvolumes(t testing.TB, dir string) []BtrfsSubvolume {
	t.Helper()
	readOnly := map[string]bool{}
	for line := range strings.Lines(run(t, "btrfs", "subvolume", "list", "-r", dir)) {
		_, path, _ := strings.Cut(strings.TrimSpace(line), " path ")
		readOnly[path] = true
	}
	var list []BtrfsSubvolume
	for _, m := range subvolumeList.FindAllStringSubmatch(run(t, "btrfs", "subvolume", "list", "-p", "-u", "-q", "-R", dir), -1) {
		number := func(s string) uint64 {
			n, err := strconv.ParseUint(s, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		list = append(list, BtrfsSubvolume{
			ID: number(m[1]), Generation: number(m[2]), Parent: number(m[3]),
			ParentUUID: strings.Trim(m[4], "-"), ReceivedUUID: strings.Trim(m[5], "-"), UUID: strings.Trim(m[6], "-"),
			Path: m[7], ReadOnly: readOnly[m[7]], NoCOW: !readOnly[m[7]] && isNoCOW(t, filepath.Join(dir, m[7])),
		})
	}
	return list
}

// isNoCOW asks lsattr for the attribute C.
func isNoCOW(t testing.TB, dir string) bool {
	t.Helper()
	attributes, _, _ := strings.Cut(run(t, "lsattr", "-d", dir), " ")
	return strings.Contains(attributes, "C")
}

func devices(t testing.TB, images ...string) map[uint64]io.ReaderAt {
	t.Helper()
	devs := map[uint64]io.ReaderAt{}
	for _, path := range images {
		f, size := open(t, path)
		c, err := Read(f, size, 0)
		if err != nil || len(c.Signatures) == 0 {
			t.Fatalf("cannot recognise %s: %v", path, err)
		}
		devs[c.Signatures[0].(*Btrfs).DevID] = f
	}
	return devs
}

// fill makes subvolumes, nested, renamed, deleted, snapshots of all kinds.
func fill(t testing.TB, dir string) {
	t.Helper()
	sub := func(args ...string) { t.Helper(); run(t, append([]string{"btrfs", "subvolume"}, args...)...) }
	at := func(p string) string { return filepath.Join(dir, p) }
	for _, p := range []string{"@", "@home", "@home/user", "deleted"} {
		sub("create", at(p))
	}
	run(t, "chattr", "+C", at("@home"))
	for _, p := range []string{"a/b/c", "@/usr/lib/very deep/inside", "@/.snapshots/1"} {
		if err := os.MkdirAll(at(p), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	sub("create", at("a/b/c/nested"))
	sub("create", at("@/usr/lib/very deep/inside/sub, 'quoted' ü"))
	sub("snapshot", "-r", at("@"), at("@/.snapshots/1/snapshot"))
	sub("snapshot", at("@home"), at("home snapshot"))
	sub("delete", at("deleted"))
	if err := os.Rename(at("a/b"), at("a/renamed")); err != nil {
		t.Fatal(err)
	}
	run(t, "sync", "-f", dir)
}

func TestBtrfsSubvolumes(t *testing.T) {
	for _, tt := range []struct {
		name    string
		devices int
		args    []string
		missing uint64 // a device that is not given
	}{
		{"single", 1, []string{"-m", "single"}, 0},
		{"dup", 1, []string{"-m", "dup", "-n", "4096"}, 0},
		{"sha256", 1, []string{"--csum", "sha256"}, 0},
		{"raid1", 2, []string{"-m", "raid1", "-d", "raid1"}, 0},
		{"raid1 degraded", 2, []string{"-m", "raid1", "-d", "raid1"}, 2},
		{"raid0", 3, []string{"-m", "raid0", "-d", "raid0"}, 0},
		{"raid10", 4, []string{"-m", "raid10", "-d", "raid10"}, 0},
		{"raid1c3", 3, []string{"-m", "raid1c3", "-d", "raid1c3"}, 2},
		{"raid5", 3, []string{"-m", "raid5", "-d", "raid5"}, 0},
		{"raid6", 4, []string{"-m", "raid6", "-d", "raid6"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var images []string
			for range tt.devices {
				images = append(images, image(t, 300<<20))
			}
			// A fresh UUID each time: the kernel remembers devices by it.
			run(t, slices.Concat([]string{"mkfs.btrfs", "-q"}, tt.args, images)...)
			dir, devs := mountBtrfs(t, images)
			fill(t, dir)
			want := listSubvolumes(t, dir)
			home := want[1]
			run(t, "btrfs", "subvolume", "set-default", strconv.FormatUint(home.ID, 10), dir)
			// Another test's mount namespace may hold on to the mount beyond this umount.
			run(t, "sync", "-f", dir)
			run(t, "umount", dir)

			delete(devs, tt.missing)
			tree, err := BtrfsSubvolumes(devs)
			if err != nil {
				t.Fatal(err)
			}
			if tree.Default != home.ID || tree.Incomplete {
				t.Errorf("default %d, incomplete %v, want %d, complete; notes %q", tree.Default, tree.Incomplete, home.ID, tree.Notes)
			}
			if top := tree.Subvolumes[0]; top.ID != BtrfsTopLevel || top.Path != "" || top.UUID == "" {
				t.Errorf("the top level is %+v", top)
			}
			if diff := cmp.Diff(want, tree.Subvolumes[1:]); diff != "" {
				t.Errorf("btrfs subvolume list, ours:\n%s", diff)
			}
		})
	}
}

// mountBtrfs mounts a file system of several images, each on a loop device
// that goes away with the mount.
func mountBtrfs(t testing.TB, images []string) (dir string, devs map[uint64]io.ReaderAt) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	devs = devices(t, images...)
	options := ""
	var loops []string
	for _, path := range images {
		loop := strings.TrimSpace(run(t, "losetup", "--find", "--show", path))
		t.Cleanup(func() { run(t, "losetup", "-d", loop) })
		loops = append(loops, loop)
		options += ",device=" + loop
	}
	dir = t.TempDir()
	run(t, "mount", "-t", "btrfs", "-o", strings.TrimPrefix(options, ","), loops[0], dir)
	t.Cleanup(func() {
		if mounted(t, dir) {
			run(t, "umount", dir)
		}
	})
	return dir, devs
}

func mounted(t testing.TB, dir string) bool {
	t.Helper()
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(table), " "+dir+" ")
}

// TestBtrfsBadCopy damages one copy of every node: the other one is used.
func TestBtrfsBadCopy(t *testing.T) {
	path := image(t, 128<<20)
	run(t, "mkfs.btrfs", "-q", "-m", "dup", path)
	f, _ := open(t, path)
	super := make([]byte, btrfsSuperSize)
	if err := readFull(f, super, btrfsOffset); err != nil {
		t.Fatal(err)
	}
	r, err := newBtrfsReader(map[uint64]io.ReaderAt{1: f})
	if err != nil {
		t.Fatal(err)
	}
	w, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for logical := range r.cache {
		first := r.chunk(logical).places(logical)[0]
		if _, err := w.WriteAt([]byte("damage"), int64(first.offset)+200); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := BtrfsSubvolumes(map[uint64]io.ReaderAt{1: f})
	if err != nil || tree.Incomplete {
		t.Fatalf("incomplete %v, error %v", tree.Incomplete, err)
	}
	if len(tree.Subvolumes) != 1 {
		t.Errorf("subvolumes: %+v", tree.Subvolumes)
	}
}

// manySubvolumes makes a file system with n snapshots.
func manySubvolumes(t testing.TB, n int) string {
	t.Helper()
	path := image(t, 512<<20)
	run(t, "mkfs.btrfs", "-q", path)
	dir, _ := mountBtrfs(t, []string{path})
	run(t, "btrfs", "subvolume", "create", filepath.Join(dir, "@"))
	for i := range n {
		run(t, "btrfs", "subvolume", "snapshot", "-r", filepath.Join(dir, "@"), filepath.Join(dir, fmt.Sprintf("snapshot %d", i)))
	}
	run(t, "umount", dir)
	return path
}

// counting counts reads.
type counting struct {
	io.ReaderAt
	reads int
}

func (c *counting) ReadAt(b []byte, off int64) (int, error) {
	c.reads++
	return c.ReaderAt.ReadAt(b, off)
}

// BenchmarkBtrfsSubvolumes reads a file system with 1000 snapshots.
func BenchmarkBtrfsSubvolumes(b *testing.B) {
	path := manySubvolumes(b, 1000)
	f, _ := open(b, path)
	for b.Loop() {
		dev := &counting{ReaderAt: f}
		tree, err := BtrfsSubvolumes(map[uint64]io.ReaderAt{1: dev})
		if err != nil || len(tree.Subvolumes) != 1002 {
			b.Fatalf("%d subvolumes, error %v", len(tree.Subvolumes), err)
		}
		b.ReportMetric(float64(dev.reads), "reads/op")
	}
}
