package machine

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var fileSystems = []string{"ext4", "xfs", "btrfs"}

func TestLookLeavesNoTrace(t *testing.T) {
	for _, vfstype := range fileSystems {
		t.Run(vfstype, func(t *testing.T) {
			device := formatted(t, vfstype)
			before := checksum(t, device)
			setReadOnlyFor(t, device)
			tree, err := NewLive().Look(context.Background(), MountRequest{Device: device, Type: vfstype, ReadOnly: true})
			must(t, err)
			if data, err := fs.ReadFile(tree, "etc/fstab"); string(data) != "/dev/sda1 / ext4\n" || err != nil {
				t.Errorf("ReadFile = %q, %v", data, err)
			}
			if seen := mountsOf(t, device); len(seen) > 0 {
				t.Errorf("the look is seen in mountinfo: %q", seen)
			}
			must(t, tree.Close())
			exclusive(t, device)
			if checksum(t, device) != before {
				t.Error("the look changed the device")
			}
		})
	}
}

// mountsOf returns the lines of the mount table that have words, a device or a mount point, in
// them. Other lines are not this test's: what runs beside it mounts too.
func mountsOf(t *testing.T, words string) []string {
	t.Helper()
	var own []string
	for line := range strings.Lines(read(t, "/proc/self/mountinfo")) {
		if slices.Contains(strings.Fields(line), words) {
			own = append(own, line)
		}
	}
	return own
}

// exclusive proves that nothing holds the device any more (open(2), O_EXCL).
func exclusive(t *testing.T, device string) {
	t.Helper()
	fd, err := unix.Open(device, unix.O_RDONLY|unix.O_EXCL|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Errorf("%s is still in use: %v", device, err)
		return
	}
	unix.Close(fd)
}

func TestDirtyIsFoundWithoutWriting(t *testing.T) {
	for _, vfstype := range fileSystems {
		t.Run(vfstype, func(t *testing.T) {
			device := dirty(t, vfstype)
			before := checksum(t, device)
			setReadOnlyFor(t, device)
			ctx := context.Background()
			_, err := NewLive().Look(ctx, MountRequest{Device: device, Type: vfstype, ReadOnly: true})
			wantErr(t, "a dirty file system", err, ErrDirty)
			_, err = NewLive().Look(ctx, MountRequest{Device: device, Type: vfstype})
			wantErr(t, "read-write on a read-only device", err, ErrReadOnly)
			if checksum(t, device) != before {
				t.Error("the device has changed")
			}
		})
	}
}

func TestContractMount(t *testing.T) {
	device := formatted(t, "ext4")
	point := t.TempDir()
	onEveryMachine(t, func(t *testing.T, m Machine) {
		ctx := context.Background()
		r := MountRequest{Device: device, Type: "ext4", Options: []string{"nosuid", "noatime", "errors=remount-ro"}, Point: point}
		must(t, m.Mount(ctx, r))
		if _, live := m.(*Recorder); live {
			checkMountinfo(t, point, "rw,nosuid,noatime - ext4 "+device+" rw,errors=remount-ro")
		}
		other := r
		other.ReadOnly = true
		wantErr(t, "other state", m.Mount(ctx, other), ErrBusy)
		must(t, m.Unmount(point))
		wantErr(t, "unmounted before", m.Unmount(point), ErrNotMounted)

		other = MountRequest{Device: device, Type: "ext4", Options: []string{"errors=explode"}, Point: point}
		err := m.Mount(ctx, other)
		wantErr(t, "bad option", err, ErrBadContent)
		if me, ok := errors.AsType[*MountError](err); !ok || len(me.Kernel) == 0 || !strings.Contains(me.Kernel[0], "errors") {
			t.Errorf("the kernel's words are missing: %v", err)
		}
		other = MountRequest{Device: device, Type: "xfs", Point: point}
		wantErr(t, "wrong type", m.Mount(ctx, other), ErrBadContent)
		other = MountRequest{Device: device, Type: "salvorfs", Point: point}
		wantErr(t, "unknown type", m.Mount(ctx, other), ErrUnknownType)
		other = MountRequest{Device: "/dev/salvor-missing", Type: "ext4", Point: point}
		wantErr(t, "no device", m.Mount(ctx, other), ErrNoSuchDevice)
		other = MountRequest{Device: device, Type: "ext4", Point: point + "/missing"}
		wantErr(t, "no point", m.Mount(ctx, other), ErrNoPoint)
	})
}

// checkMountinfo compares a line of /proc/self/mountinfo from its options on.
func checkMountinfo(t *testing.T, point, want string) {
	t.Helper()
	for line := range strings.Lines(read(t, "/proc/self/mountinfo")) {
		if _, rest, ok := strings.Cut(line, " "+point+" "); ok {
			if got := strings.TrimSpace(rest); got != want {
				t.Errorf("mountinfo has %q, want %q", got, want)
			}
			return
		}
	}
	t.Errorf("%s is not in mountinfo", point)
}

func TestMountPointsStayInside(t *testing.T) {
	needRoot(t)
	root := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(root, "srv/data"), 0o755))
	must(t, os.MkdirAll(filepath.Join(root, "tmp"), 0o755))
	must(t, os.Symlink("/srv/data", filepath.Join(root, "absolute")))
	must(t, os.Symlink("../../../../../../../../../../tmp", filepath.Join(root, "up")))
	must(t, os.Symlink("/proc/self/cwd", filepath.Join(root, "magic")))
	must(t, os.WriteFile(filepath.Join(root, "file"), nil, 0o644))
	l, ctx := NewLive(), context.Background()
	for point, where := range map[string]string{
		"/absolute":        "/srv/data",
		"/up":              "/tmp",
		"/../../../../tmp": "/tmp",
	} {
		must(t, l.Mount(ctx, MountRequest{Virtual: "tmpfs", Type: "tmpfs", Root: root, Point: point}))
		if err := l.Unmount(root + where); err != nil {
			t.Errorf("%s: %v", point, err)
		}
	}
	r := MountRequest{Virtual: "tmpfs", Type: "tmpfs", Root: root}
	r.Point = "/magic"
	wantErr(t, "a link that leads to nothing inside", l.Mount(ctx, r), ErrNoPoint)
	r.Point = "/file"
	wantErr(t, "a file", l.Mount(ctx, r), ErrPointNotDir)
}

func TestBind(t *testing.T) {
	needRoot(t)
	root, outside := t.TempDir(), t.TempDir()
	for _, dir := range []string{"srv/data", "point", "sub/below"} {
		must(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	must(t, os.WriteFile(filepath.Join(root, "srv/data/inside"), nil, 0o644))
	must(t, os.WriteFile(filepath.Join(outside, "outside"), []byte("x"), 0o644))
	must(t, os.WriteFile(filepath.Join(root, "file"), nil, 0o644))
	must(t, os.Symlink("/srv/data", filepath.Join(root, "link")))
	l, ctx, point := NewLive(), context.Background(), filepath.Join(root, "point")

	// A source in the target is resolved there: on the live system the link
	// leads to another /srv/data.
	must(t, l.Mount(ctx, MountRequest{Bind: root + "/link", Root: root, Point: "/point", Options: []string{"nodev"}, ReadOnly: true}))
	if _, err := os.Stat(point + "/inside"); err != nil {
		t.Error(err)
	}
	wantErr(t, "writing", os.WriteFile(point+"/new", nil, 0o644), unix.EROFS)
	must(t, os.WriteFile(root+"/srv/data/new", nil, 0o644))
	must(t, l.Unmount(point))

	must(t, l.Mount(ctx, MountRequest{Bind: outside + "/outside", Root: root, Point: "/file"}))
	if read(t, root+"/file") != "x" {
		t.Error("the file is not bound")
	}
	must(t, l.Unmount(root+"/file"))
	if err := l.Mount(ctx, MountRequest{Bind: outside + "/outside", Root: root, Point: "/point"}); err == nil {
		t.Error("a file was bound on a directory")
	}
	wantErr(t, "a foreign option", l.Mount(ctx, MountRequest{Bind: outside, Root: root, Point: "/point", Options: []string{"subvol=x"}}), ErrBadContent)
	wantErr(t, "no source", l.Mount(ctx, MountRequest{Bind: outside + "/no", Root: root, Point: "/point"}), fs.ErrNotExist)
}

func TestRecursiveBindIsPrivate(t *testing.T) {
	needRoot(t)
	source, point := t.TempDir(), t.TempDir()
	must(t, os.Mkdir(source+"/below", 0o755))
	l, ctx := NewLive(), context.Background()
	must(t, l.Mount(ctx, MountRequest{Virtual: "below", Type: "tmpfs", Root: source, Point: "/below"}))
	defer l.Unmount(source + "/below")
	must(t, l.Mount(ctx, MountRequest{Bind: source, Recursive: true, Point: point}))
	checkMountinfo(t, point+"/below", "rw,relatime - tmpfs below rw")
	must(t, l.Unmount(point+"/below"))
	must(t, l.Unmount(point))
	if _, err := os.Stat(source + "/below"); err != nil {
		t.Error(err)
	}
	checkMountinfo(t, source+"/below", "rw,relatime - tmpfs below rw")
}

func TestMountBelowASharedMountIsPrivate(t *testing.T) {
	needRoot(t)
	shared := mounted(t, MountRequest{Virtual: "tmpfs", Type: "tmpfs"})
	must(t, unix.Mount("", shared, "", unix.MS_SHARED, ""))
	must(t, os.Mkdir(shared+"/below", 0o755))
	l := NewLive()
	must(t, l.Mount(context.Background(), MountRequest{Virtual: "below", Type: "tmpfs", Root: shared, Point: "/below"}))
	checkMountinfo(t, shared+"/below", "rw,relatime - tmpfs below rw")
	must(t, l.Unmount(shared+"/below"))
}

func TestUnmountBusyAndLinks(t *testing.T) {
	needRoot(t)
	l, ctx := NewLive(), context.Background()
	point := mounted(t, MountRequest{Virtual: "tmpfs", Type: "tmpfs"})
	f, err := os.Create(point + "/open")
	must(t, err)
	wantErr(t, "an open file", l.Unmount(point), ErrBusy)
	must(t, f.Close())
	link := filepath.Join(t.TempDir(), "link")
	must(t, os.Symlink(point, link))
	if err := l.Unmount(link); err == nil {
		t.Error("a symbolic link was followed")
	}
	must(t, l.Unmount(point))
	wantErr(t, "missing", l.Unmount(point+"/missing"), ErrNoPoint)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	err = l.Mount(cancelled, MountRequest{Virtual: "tmpfs", Type: "tmpfs", Point: point})
	wantErr(t, "cancelled", err, context.Canceled)
	wantErr(t, "nothing came of it", l.Unmount(point), ErrNotMounted)
}

func TestTreeWithDeviceNodes(t *testing.T) {
	needRoot(t)
	point := mounted(t, MountRequest{Virtual: "tmpfs", Type: "tmpfs"})
	must(t, unix.Mknod(point+"/zero", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))))
	must(t, unix.Mkfifo(point+"/fifo", 0o600))
	sparse(t, point+"/sparse", 1<<30)
	tree, err := NewLive().Look(context.Background(), MountRequest{Bind: point})
	must(t, err)
	defer tree.Close()
	for name, want := range map[string]string{
		"zero": "it is a character device", "fifo": "it is a FIFO", "sparse": "1073741824 bytes",
	} {
		if _, err := fs.ReadFile(tree, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	info, err := fs.Stat(tree, "zero")
	must(t, err)
	if sys := info.Sys().(Info); sys.Major != 1 || sys.Minor != 5 || info.Mode()&fs.ModeCharDevice == 0 {
		t.Errorf("Stat = %+v", sys)
	}
}

func TestContractLoop(t *testing.T) {
	needRoot(t)
	onEveryMachine(t, func(t *testing.T, m Machine) {
		device, err := m.AttachLoop(1 << 20)
		must(t, err)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		b, err := m.OpenBlock(ctx, device)
		must(t, err)
		if b.Size() != 1<<20 || b.SectorSize() != 512 {
			t.Errorf("size %d, sector %d", b.Size(), b.SectorSize())
		}
		must(t, b.Close())
		for _, step := range []struct{ on, was bool }{{true, false}, {true, true}, {false, true}, {true, false}} {
			if was, err := m.SetReadOnly(device, step.on); was != step.was || err != nil {
				t.Errorf("SetReadOnly(%t) = %t, %v", step.on, was, err)
			}
		}
		must(t, m.DetachLoop(device))
		wantErr(t, "detached before", m.DetachLoop(device), ErrNoSuchDevice)
	})
}

func TestImpossibleRequests(t *testing.T) {
	for _, r := range []MountRequest{
		{Point: "/mnt"},
		{Device: "/dev/sda1", Bind: "/", Type: "ext4", Point: "/mnt"},
		{Device: "/dev/sda1", Point: "/mnt"},
		{Device: "/dev/sda1", Type: "auto", Point: "/mnt"},
		{Device: "/dev/sda1", Type: "ext4"},
		{Virtual: "proc", Type: "proc", Recursive: true, Point: "/mnt"},
	} {
		err := NewLive().Mount(context.Background(), r)
		if err == nil || !strings.HasPrefix(err.Error(), "internal error: ") {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

// A process that is killed leaves no loop device that nothing uses: the kernel
// ends the device with the last descriptor of it.
func TestLoopEndsWithItsLastUser(t *testing.T) {
	needRoot(t)
	l := NewLive()
	device, err := l.AttachLoop(1 << 20)
	must(t, err)
	kept, ok := l.loops.Load(device)
	if !ok {
		t.Fatal("the device is not kept open")
	}
	must(t, unix.Close(kept.(int))) // as the kernel does for a process that dies
	l.loops.Delete(device)
	wantErr(t, "detached by the kernel", l.DetachLoop(device), ErrNoSuchDevice)
}
