package probe

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"salvor/internal/storage"
)

// attributes are the files of the kernel and of udev that FuzzKernel puts its bytes
// into, one line each: those of a disk, an array, a map, a bcache, and the tables.
var attributes = []string{
	"/proc/self/mountinfo", "/proc/swaps", "/run/udev/data/b8:1",
	"/sys/class/block/vda/dev", "/sys/class/block/vda/size", "/sys/class/block/vda/ro", "/sys/class/block/vda/serial",
	"/sys/class/block/vda/wwid", "/sys/class/block/vda/partition", "/sys/class/block/vda/start", "/sys/class/block/vda/queue/logical_block_size",
	"/sys/class/block/md127/md/array_state", "/sys/class/block/md127/md/level", "/sys/class/block/md127/md/raid_disks",
	"/sys/class/block/md127/md/metadata_version", "/sys/class/block/md127/md/degraded", "/sys/class/block/md127/md/dev-vda/slot",
	"/sys/class/block/dm-0/dm/name", "/sys/class/block/dm-0/dm/uuid", "/sys/class/block/dm-0/dm/suspended",
	"/sys/class/block/bcache0/bcache/state", "/sys/class/block/loop0/loop/backing_file", "/sys/class/block/loop0/loop/offset",
}

// tiny is a device that is read in no time.
func tiny() *image { return &image{size: 4096, sector: 512} }

// FuzzKernel: what sysfs, mountinfo, swaps and udev's database say is text of the
// kernel, with names in it that anybody may have given.
func FuzzKernel(f *testing.F) {
	f.Add("30 1 8:1 / / rw shared:1 - ext4 /dev/vda rw", "")
	f.Add("1 2 0:3 /@\\040x /mnt rw - btrfs /dev/vda rw,subvolid=256,subvol=/@", "/dev/vda partition 8 0 -2\n\n8:1\n99999999999999999999\n1")
	f.Add("", strings.Repeat("\n", 10)+"clean\nraid5\n-1\nexternal:/md126/0\nx\nspare\nvg--a-lv\nLVM-x\n1\nno cache\n/memfd:x (deleted)")
	f.Fuzz(func(t *testing.T, mounts, values string) {
		m := newFake()
		m.disk("vda", "S", tiny())
		m.md("md127", "active", "raid1", tiny(), "vda")
		m.dm("dm-0", "map", "CRYPT-LUKS2-x", tiny(), "vda", "md127")
		m.add("bcache0", "virtual", tiny(), attrs{"bcache/state": "clean"})
		m.add("loop0", "virtual", tiny(), attrs{"loop/backing_file": "/image"})
		m.files["/proc/self/mountinfo"] = mounts
		for i, value := range strings.Split(values, "\n") {
			if i+1 < len(attributes) {
				m.write(attributes[i+1], value+"\n")
			}
		}
		g, err := Probe(t.Context(), m, Options{Parallel: 1, DeviceTimeout: time.Minute})
		if err != nil {
			t.Fatalf("there is no graph: %v", err)
		}
		data, err := json.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &storage.Graph{}); err != nil {
			t.Errorf("the graph cannot be read back: %v", err)
		}
	})
}
