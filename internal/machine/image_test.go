package machine

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// testLoop is a loop device that nothing uses; what is attached to it is detached at
// the end of the test.
func testLoop(t *testing.T, from int) string {
	t.Helper()
	for n := from; ; n++ {
		name := "loop" + strconv.Itoa(n)
		if _, err := os.Stat("/sys/block/" + name + "/loop/backing_file"); err == nil {
			continue
		}
		t.Cleanup(func() {
			if err := NewLive().DetachLoop("/dev/" + name); err != nil && !errors.Is(err, ErrNoSuchDevice) && !errors.Is(err, fs.ErrNotExist) {
				t.Error(err)
			}
		})
		return "/dev/" + name
	}
}

// imageFile makes an image that says "the second MiB" there.
func imageFile(t *testing.T) string {
	t.Helper()
	b := make([]byte, 4<<20)
	copy(b[1<<20:], "the second MiB")
	name := filepath.Join(t.TempDir(), "disk.img")
	must(t, os.WriteFile(name, b, 0o600))
	return name
}

func TestContractImage(t *testing.T) {
	needRoot(t)
	image := imageFile(t)
	device := testLoop(t, 90)
	onEveryMachine(t, func(t *testing.T, m Machine) {
		i := Image{Path: image, Device: device, ReadOnly: true}
		must(t, m.AttachImage(i))
		wantErr(t, "once more", m.AttachImage(i), ErrBusy)
		data, err := m.ReadFile("/sys/block/" + filepath.Base(device) + "/loop/backing_file")
		if string(data) != image+"\n" || err != nil {
			t.Errorf("the kernel says %q, %v", data, err)
		}
		// Whether there are partitions then is for the kernel: not every one can read a table.
		data, err = m.ReadFile("/sys/block/" + filepath.Base(device) + "/loop/partscan")
		if string(data) != "1\n" || err != nil {
			t.Errorf("partscan is %q, %v", data, err)
		}
		b, err := m.OpenBlock(t.Context(), device)
		must(t, err)
		head := make([]byte, 14)
		if _, err := b.ReadAt(head, 1<<20); string(head) != "the second MiB" || err != nil {
			t.Errorf("the device has %q, %v", head, err)
		}
		must(t, b.Close())
		must(t, m.DetachLoop(device))
		wantErr(t, "detached before", m.DetachLoop(device), ErrNoSuchDevice)
		wantErr(t, "missing", m.AttachImage(Image{Path: image + ".missing", Device: device}), fs.ErrNotExist)
	})
}

// TestReadOnlyImageIsNotWritten: neither its bytes nor its times change, and the
// device takes no write.
func TestReadOnlyImageIsNotWritten(t *testing.T) {
	needRoot(t)
	image := imageFile(t)
	device := testLoop(t, 100)
	must(t, os.Chtimes(image, longAgo, longAgo))
	before, err := os.Stat(image)
	must(t, err)
	must(t, NewLive().AttachImage(Image{Path: image, Device: device, ReadOnly: true}))
	if _, err := os.ReadFile(device); err != nil {
		t.Error(err)
	}
	if f, err := os.OpenFile(device, os.O_WRONLY, 0); err == nil { // whether that fails depends on the kernel
		if _, err := f.WriteAt(make([]byte, 512), 0); err == nil {
			err = f.Sync()
			t.Errorf("the device was written to: %v", err)
		}
		f.Close()
	}
	var st unix.Stat_t
	must(t, unix.Stat(image, &st))
	after, err := os.Stat(image)
	must(t, err)
	if !after.ModTime().Equal(before.ModTime()) || st.Atim.Sec != longAgo.Unix() {
		t.Errorf("the times have changed: %v, %v", after.ModTime(), st.Atim)
	}
}

// TestWritableImage: a part of the file is attached, and what is written there is in
// the file when the device is gone.
func TestWritableImage(t *testing.T) {
	needRoot(t)
	image := imageFile(t)
	device := testLoop(t, 110)
	l := NewLive()
	must(t, l.AttachImage(Image{Path: image, Device: device, Offset: 1 << 20, SizeLimit: 1 << 20}))
	f, err := os.OpenFile(device, os.O_RDWR, 0)
	must(t, err)
	if size, err := f.Seek(0, 2); size != 1<<20 || err != nil {
		t.Errorf("the device has %d bytes, %v", size, err)
	}
	_, err = f.WriteAt(bytes.Repeat([]byte("w"), 512), 512)
	must(t, errors.Join(err, f.Sync(), f.Close()))
	must(t, l.DetachLoop(device))
	data, err := os.ReadFile(image)
	must(t, err)
	if got := string(data[1<<20 : 1<<20+14]); got != "the second MiB" || data[1<<20+512] != 'w' {
		t.Errorf("the file has %q and %q", got, data[1<<20+512])
	}
}

func TestImageInUse(t *testing.T) {
	needRoot(t)
	image := imageFile(t)
	device := testLoop(t, 120)
	vm, err := os.OpenFile(image, os.O_RDWR, 0)
	must(t, err)
	defer vm.Close()
	lock := func(kind int16, at int64) {
		must(t, unix.FcntlFlock(vm.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: kind, Start: at, Len: 1}))
	}
	l := NewLive()
	lock(unix.F_RDLCK, 101) // as QEMU marks a file that it may write to
	for _, readOnly := range []bool{true, false} {
		err := l.AttachImage(Image{Path: image, Device: device, ReadOnly: readOnly})
		if wantErr(t, "in use", err, ErrBusy); err == nil || !strings.Contains(err.Error(), "a virtual machine uses it") {
			t.Errorf("the error is %v", err)
		}
	}
	lock(unix.F_UNLCK, 101)
	lock(unix.F_RDLCK, 100) // one that it reads
	wantErr(t, "read by another", l.AttachImage(Image{Path: image, Device: device}), ErrBusy)
	must(t, l.AttachImage(Image{Path: image, Device: device, ReadOnly: true}))
}

func TestAttachImageRefuses(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	must(t, unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
	must(t, os.Symlink("fifo", filepath.Join(dir, "link")))
	device := testLoop(t, 130)
	for name, i := range map[string]Image{
		"no regular file":                      {Path: dir + "/fifo", Device: device, ReadOnly: true},
		"is a directory":                       {Path: dir, Device: device},
		"too many levels":                      {Path: dir + "/link", Device: device},
		"internal error: it is no loop":        {Path: dir, Device: "/dev/sda"},
		"internal error: it is no loop device": {Path: dir, Device: "/dev/loop"},
	} {
		if err := NewLive().AttachImage(i); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

var longAgo = time.Unix(1_000_000_000, 0)
