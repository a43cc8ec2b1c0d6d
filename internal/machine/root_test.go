package machine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// needRoot is for tests that mount loop devices.
func needRoot(t *testing.T, programs ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	if _, err := os.Stat("/dev/loop-control"); err != nil {
		t.Skip("needs loop devices")
	}
	for _, p := range programs {
		if _, err := NewLive().Lookup(p); err != nil {
			t.Skip(err)
		}
	}
}

// imageSize is enough for mkfs.xfs, whose least is 300 MiB.
const imageSize = 320 << 20

func loop(t *testing.T) string {
	t.Helper()
	l := NewLive()
	device, err := l.AttachLoop(imageSize)
	must(t, err)
	t.Cleanup(func() {
		if err := l.DetachLoop(device); err != nil {
			t.Error(err)
		}
	})
	return device
}

// formatted is a loop device with a file system that holds the file etc/fstab.
func formatted(t *testing.T, vfstype string) string {
	t.Helper()
	needRoot(t, "mkfs."+vfstype)
	if !strings.Contains(read(t, "/proc/filesystems"), "\t"+vfstype+"\n") {
		t.Skip("this kernel has no " + vfstype)
	}
	device := loop(t)
	if out, err := exec.Command("mkfs."+vfstype, "-q", device).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	at := mounted(t, MountRequest{Device: device, Type: vfstype})
	must(t, os.Mkdir(filepath.Join(at, "etc"), 0o755))
	must(t, os.WriteFile(filepath.Join(at, "etc/fstab"), []byte("/dev/sda1 / ext4\n"), 0o640))
	must(t, NewLive().Unmount(at))
	return device
}

// mounted mounts in a directory of its own, until the end of the test at most.
func mounted(t *testing.T, r MountRequest) string {
	t.Helper()
	r.Point = t.TempDir()
	must(t, NewLive().Mount(context.Background(), r))
	t.Cleanup(func() { unix.Unmount(r.Point, unix.MNT_DETACH) })
	return r.Point
}

// dirty is a loop device as a power cut would leave it: a copy of one whose file
// system was mounted and had just been written to.
func dirty(t *testing.T, vfstype string) string {
	t.Helper()
	source := formatted(t, vfstype)
	at := mounted(t, MountRequest{Device: source, Type: vfstype})
	f, err := os.Create(filepath.Join(at, "new"))
	must(t, err)
	_, err = f.WriteString("not yet in its place\n")
	must(t, err)
	must(t, f.Sync())
	must(t, f.Close())
	copied := loop(t)
	copyDevice(t, copied, source)
	must(t, NewLive().Unmount(at))
	return copied
}

func copyDevice(t *testing.T, to, from string) {
	t.Helper()
	in, err := os.Open(from)
	must(t, err)
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY, 0)
	must(t, err)
	defer out.Close()
	buf, zeros := make([]byte, 1<<20), make([]byte, 1<<20)
	for off := int64(0); off < imageSize; off += int64(len(buf)) {
		_, err := io.ReadFull(in, buf)
		must(t, err)
		if !bytes.Equal(buf, zeros) {
			_, err = out.WriteAt(buf, off)
			must(t, err)
		}
	}
	must(t, out.Sync())
}

func checksum(t *testing.T, device string) [sha256.Size]byte {
	t.Helper()
	f, err := os.Open(device)
	must(t, err)
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	must(t, err)
	return [sha256.Size]byte(h.Sum(nil))
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	must(t, err)
	return string(data)
}

// setReadOnlyFor sets the flag until the end of the test, as a look does.
func setReadOnlyFor(t *testing.T, device string) {
	t.Helper()
	was, err := NewLive().SetReadOnly(device, true)
	must(t, err)
	if was {
		t.Errorf("%s was read-only before", device)
	}
	t.Cleanup(func() {
		if was, err := NewLive().SetReadOnly(device, false); err != nil || !was {
			t.Errorf("SetReadOnly back = %t, %v", was, err)
		}
	})
}
