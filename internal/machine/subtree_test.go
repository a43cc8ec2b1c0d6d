package machine

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSubtree: a part of a file system is mounted, and nothing else is seen of it
// anywhere, also not afterwards.
func TestSubtree(t *testing.T) {
	for _, vfstype := range fileSystems {
		t.Run(vfstype, func(t *testing.T) {
			device := formatted(t, vfstype)
			whole := mounted(t, MountRequest{Device: device, Type: vfstype})
			must(t, os.MkdirAll(filepath.Join(whole, "deploy/one/etc"), 0o755))
			must(t, os.Symlink("deploy", filepath.Join(whole, "link")))
			must(t, NewLive().Unmount(whole))

			at := mounted(t, MountRequest{Device: device, Type: vfstype, Subtree: "deploy/one", ReadOnly: true})
			if _, err := os.Stat(filepath.Join(at, "etc")); err != nil {
				t.Error(err)
			}
			table := mountsOf(t, device)
			if len(table) != 1 || !strings.Contains(table[0], " /deploy/one "+at+" ro") {
				t.Errorf("the mount table has %q", table)
			}
			must(t, NewLive().Unmount(at))
			for _, dir := range []string{"link/one", "gone", "etc/fstab"} {
				r := MountRequest{Device: device, Type: vfstype, Subtree: dir, Point: t.TempDir()}
				if err := NewLive().Mount(context.Background(), r); err == nil {
					t.Errorf("%s was mounted", dir)
				}
			}
			exclusive(t, device)
		})
	}
}

// TestOwnThread: what is done there is not seen in the process.
func TestOwnThread(t *testing.T) {
	needRoot(t)
	point := t.TempDir()
	for range 20 {
		must(t, onOwnThread(func() error {
			if err := ownNamespace(); err != nil {
				return err
			}
			return unix.Mount("none", point, "tmpfs", 0, "")
		}))
	}
	if seen := mountsOf(t, point); len(seen) > 0 {
		t.Errorf("the mount table has %q", seen)
	}
}

func TestSubtreeRequests(t *testing.T) {
	for _, r := range []MountRequest{
		{Bind: "/", Subtree: "etc"},
		{Device: "/dev/x", Type: "ext4", Subtree: "/etc"},
		{Device: "/dev/x", Type: "ext4", Subtree: "a/../../b"},
		{Virtual: "tmpfs", Type: "tmpfs", Subtree: "a"},
	} {
		if err := r.check(); err == nil || !strings.Contains(err.Error(), "internal error") {
			t.Errorf("%+v: %v", r, err)
		}
	}
}
