package apply

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/machine"
	"salvor/internal/plan"
	"salvor/internal/storage"
)

// TestLowerSubtree: a directory of a file system, and one of a subvolume.
func TestLowerSubtree(t *testing.T) {
	const dir = "ostree/deploy/os/deploy/c.0"
	tests := map[string]struct {
		op    plan.Mount
		want  machine.MountRequest
		shell []string
	}{
		"ext4": {
			op:   plan.Mount{Device: "/dev/sda3", Subtree: dir, Mount: storage.Mount{Point: "/mnt/local", Source: "fs:r", Type: "ext4", Root: "/" + dir, Options: []string{"noatime"}}},
			want: machine.MountRequest{Device: "/dev/sda3", Type: "ext4", Point: "/mnt/local", Subtree: dir, Options: []string{"noatime"}},
			shell: []string{"mkdir -p /mnt/local", "mkdir -p /run/salvor/whole", "mount -t ext4 -o noatime /dev/sda3 /run/salvor/whole",
				"mount --bind /run/salvor/whole/" + dir + " /mnt/local", "umount /run/salvor/whole"},
		},
		"btrfs": {
			op:   plan.Mount{Device: "/dev/sda3", Subtree: dir, Mount: storage.Mount{Point: "/mnt/local", Source: "subvol:r/root", Type: "btrfs", Root: "/root/" + dir, ReadOnly: true, Options: []string{"subvol=/root"}}},
			want: machine.MountRequest{Device: "/dev/sda3", Type: "btrfs", Point: "/mnt/local", Subtree: dir, ReadOnly: true, Options: []string{"subvol=/root"}},
			shell: []string{"mkdir -p /mnt/local", "mkdir -p /run/salvor/whole", "mount -t btrfs -o ro,subvol=/root /dev/sda3 /run/salvor/whole",
				"mount --bind /run/salvor/whole/" + dir + " /mnt/local", "mount -o remount,bind,ro /mnt/local", "umount /run/salvor/whole"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			acts, err := Lower(tt.op, Env{})
			if err != nil || len(acts) != 1 {
				t.Fatalf("%v, %v", acts, err)
			}
			got := acts[0].(Mount)
			if diff := cmp.Diff(tt.want, got.Request); diff != "" || got.Subvolume != tt.op.Mount.Root {
				t.Errorf("it has to show %s\n%s", got.Subvolume, diff)
			}
			if diff := cmp.Diff(tt.shell, strings.Split(got.Shell(), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
