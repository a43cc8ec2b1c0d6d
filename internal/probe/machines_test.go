package probe

import (
	"fmt"
	"strings"

	"salvor/internal/storage"
)

// machines are small machines; what the probe makes of each is in testdata.
var machines = map[string]func() *fake{
	"plain":          plainMachine,
	"logical":        logicalMachine,
	"stack":          stackMachine,
	"md-closed":      closedArrayMachine,
	"md-copies":      copiedArrayMachine,
	"md-running":     runningArrayMachine,
	"md-last-part":   lastPartitionMachine,
	"multipath":      multipathMachine,
	"lvm-missing":    missingPVMachine,
	"lvm-thin":       thinMachine,
	"lvm-strange":    strangeVolumeMachine,
	"lvm-raid":       raidVolumeMachine,
	"firmware-raid":  firmwareMachine,
	"oddities":       oddMachine,
	"images":         imagesMachine,
	"overlay":        overlayMachine,
	"twins":          twinsMachine,
	"btrfs-missing":  btrfsMissingMachine,
	"bcache":         bcacheMachine,
	"several-signs":  severalSignaturesMachine,
	"crypt-headless": headlessCryptMachine,
	"crypt-headers":  cryptHeadersMachine,
}

// plainMachine: a GPT disk with a mounted root, swap in use, a dirty home, udev's
// database, and one partition that the kernel has not heard of.
func plainMachine() *fake {
	f := newFake()
	im := newImage(1024).ext4(1<<20, 1, "root", true).swap(101<<20, 2).ext4(201<<20, 3, "home", true)
	im.gpt(9, gptPart{1, 1, 100, 11, "root"}, gptPart{2, 101, 100, 12, "swap"}, gptPart{3, 201, 100, 13, "home"}, gptPart{4, 301, 100, 14, "new"})
	f.disk("vda", "SER123", im)
	f.partition("vda", 1, 1, 100)
	f.partition("vda", 2, 101, 100)
	f.partition("vda", 3, 201, 100)
	f.write("/run/udev/data/b"+f.devs["/dev/vda1"].String(), "S:disk/by-uuid/"+uuidText(1)+"\nS:disk/by-label/root\nW:1\nE:ID_FS_TYPE=ext4\n")
	f.mountDevice("vda1", "/", "ext4")
	f.mount(f.devs["/dev/vda1"], "/srv/data", `/mnt/with\040blank`, "ro,nosuid", "ext4", "/dev/vda1", "rw")
	f.mount(storage.Dev{Minor: 21}, "/", "/proc", "rw,nosuid", "proc", "proc", "rw")
	f.swap("/dev/vda2")
	return f
}

// logicalMachine: an MBR without a signature, with an extended partition.
func logicalMachine() *fake {
	f := newFake()
	im := newImage(64)
	mbr, ebr := make([]byte, 512), make([]byte, 512)
	entry := func(b []byte, i int, kind byte, start, sectors uint32) {
		e := b[446+16*i:]
		e[4] = kind
		le.PutUint32(e[8:], start)
		le.PutUint32(e[12:], sectors)
		b[510], b[511] = 0x55, 0xaa
	}
	entry(mbr, 0, 0x83, 2048, 20480)
	entry(mbr, 1, 0x05, 40960, 40960)
	mbr[446] = 0x80
	entry(ebr, 0, 0x83, 2048, 8192)
	im.put(0, mbr).put(40960*512, ebr).ext4((40960+2048)*512, 5, "logical", false)
	f.disk("vda", "", im)
	f.partition("vda", 1, 1, 10)
	f.partition("vda", 5, 21, 4)
	return f
}

// stackMachine: RAID 1 under LUKS under LVM, with a mounted root, a closed home,
// a thick snapshot of the root and a btrfs-like mess of layers from device-mapper.
func stackMachine() *fake {
	f := newFake()
	for i, name := range []string{"vda", "vdb"} {
		f.disk(name, fmt.Sprintf("S%d", i), newImage(200).md(0, mdSpec{id: 1, member: byte(10 + i), level: 1, disks: 2, role: i, events: 42, name: "host:root", sizeMiB: 199}))
	}
	f.md("md127", "active", "raid1", newImage(199).luks2(0, 2), "vda", "vdb")
	f.write("/run/udev/data/b"+f.devs["/dev/md127"].String(), "S:md/root\n")
	meta := vgText("my-vg", 3, 7, []byte{4},
		lvText("root", 21, true, 10, linear(0)), lvText("home", 22, true, 5, linear(0)),
		lvText("snap", 23, false, 2, linear(0)), // as lvm writes it
		lvText("snapshot0", 24, true, 10, "type = \"snapshot\"\nchunk_size = 8\norigin = \"root\"\ncow_store = \"snap\""))
	f.dm("dm-0", `cr\x20root`, "CRYPT-LUKS2-"+compact(uuidText(2))+`-cr\x20root`, newImage(183).pv(0, 4, meta), "md127")
	lv := func(n byte) string { return "LVM-" + lvmID(3) + lvmID(n) }
	root := newImage(40).ext4(0, 31, "root", true)
	f.dm("dm-1", "my--vg-root-real", lv(21)+"-real", root, "dm-0")
	f.dm("dm-2", "my--vg-root", lv(21), root, "dm-1")
	f.dm("dm-3", "my--vg-snap-cow", lv(23)+"-cow", newImage(8), "dm-0")
	f.dm("dm-4", "my--vg-snap", lv(23), root, "dm-1", "dm-3")
	f.mount(f.devs["/dev/dm-2"], "/", "/", "rw", "ext4", "/dev/mapper/my--vg-root", "rw")
	return f
}

// closedArrayMachine: RAID 5 of three: one member fresh, one out of date, one
// missing; and RAID 10 that has enough.
func closedArrayMachine() *fake {
	f := newFake()
	f.disk("vda", "A", newImage(100).md(0, mdSpec{id: 1, member: 10, level: 5, disks: 3, role: 0, events: 100, name: "h:data", sizeMiB: 99}))
	f.disk("vdb", "B", newImage(100).md(0, mdSpec{id: 1, member: 11, level: 5, disks: 3, role: 1, events: 90, name: "h:data", sizeMiB: 99}))
	f.disk("vdc", "C", newImage(100).md(0, mdSpec{id: 2, member: 20, level: 6, disks: 4, role: 0, events: 5, end: true, sizeMiB: 99}).ext4(0, 7, "shines", false))
	f.disk("vdd", "D", newImage(100).md(0, mdSpec{id: 2, member: 22, level: 6, disks: 4, role: 2, events: 6, end: true, sizeMiB: 99}))
	f.md("md1", "inactive", "raid6", &image{sector: 512}, "vdc")
	return f
}

// runningArrayMachine: RAID 5 that runs without its second member, which is there.
// The superblocks of those that take part were read from an old page.
func runningArrayMachine() *fake {
	f := newFake()
	for i, name := range []string{"vda", "vdb", "vdc"} {
		f.disk(name, "S"+name, newImage(100).md(0, mdSpec{id: 1, member: byte(10 + i), level: 5, disks: 3, role: i, events: []uint64{0, 3, 0}[i], name: "h:five", sizeMiB: 99}))
	}
	f.md("md127", "readonly", "raid5", newImage(198).ext4(0, 3, "", false), "vda", "vdc")
	f.write("/sys/class/block/md127/md/degraded", "1\n")
	f.write("/sys/class/block/md127/md/raid_disks", "3\n")
	f.write("/sys/class/block/md127/md/dev-vdc/slot", "2\n")
	f.write("/sys/class/block/md127/ro", "1\n")
	return f
}

// copiedArrayMachine: two disks of a running mirror, and copies of both.
func copiedArrayMachine() *fake {
	f := newFake()
	for i, name := range []string{"vda", "vdb", "vdc", "vdd"} {
		f.disk(name, "S"+name, newImage(100).md(0, mdSpec{id: 1, member: byte(10 + i%2), level: 1, disks: 2, role: i % 2, events: 7, name: "x", sizeMiB: 99}))
	}
	f.md("md0", "read-auto", "raid1", newImage(99).ext4(0, 3, "", false), "vdc", "vdd")
	return f
}

// lastPartitionMachine: the superblock at the end of the last partition is at the
// end of the disk too.
func lastPartitionMachine() *fake {
	f := newFake()
	mbr := make([]byte, 512)
	mbr[440], mbr[446+4] = 0xab, 0xfd
	le.PutUint32(mbr[446+8:], 2048)
	le.PutUint32(mbr[446+12:], 99<<20/512)
	mbr[510], mbr[511] = 0x55, 0xaa
	f.disk("vda", "A", newImage(100).put(0, mbr).md090(100<<20, 3))
	f.partition("vda", 1, 1, 99)
	return f
}

// multipathMachine: two wires to one LUN, with kernel partitions on the wires and
// kpartx' on the map.
func multipathMachine() *fake {
	f := newFake()
	im := newImage(100).ext4(1<<20, 1, "root", false).gpt(9, gptPart{1, 1, 90, 11, "root"})
	f.scsi("sda", "naa.600508b1001c0001", im)
	f.partition("sda", 1, 1, 90)
	f.scsi("sdb", "naa.600508b1001c0001", im)
	f.dm("dm-0", "mpatha", "mpath-3600508b1001c0001", im, "sda", "sdb")
	f.dm("dm-1", "mpatha-part1", "part1-mpath-3600508b1001c0001", im.part(1<<20, 90<<20), "dm-0")
	f.mount(f.devs["/dev/dm-1"], "/", "/", "rw", "ext4", "/dev/mapper/mpatha-part1", "rw")
	return f
}

// missingPVMachine: a group of three PVs of which one is missing, with volumes
// that can do without it and others that cannot; the second PV's metadata is old.
func missingPVMachine() *fake {
	f := newFake()
	pvs := []byte{1, 2, 3}
	raid := "type = \"raid1\"\ndevice_count = 2\nraids = [\"mirror_rmeta_0\", \"mirror_rimage_0\", \"mirror_rmeta_1\", \"mirror_rimage_1\"]"
	lvs := []string{
		lvText("good", 11, true, 2, linear(0)), lvText("lost", 12, true, 2, linear(2)), lvText("mirror", 13, true, 2, raid),
		lvText("mirror_rmeta_0", 14, false, 1, linear(0)), lvText("mirror_rimage_0", 15, false, 2, linear(0)),
		lvText("mirror_rmeta_1", 16, false, 1, linear(2)), lvText("mirror_rimage_1", 17, false, 2, linear(2)),
	}
	f.disk("vda", "A", newImage(100).pv(0, 1, vgText("data", 5, 9, pvs, lvs...)))
	f.disk("vdb", "B", newImage(100).pv(0, 2, vgText("data", 5, 8, pvs, lvs...)))
	f.disk("vdc", "C", newImage(100).pv(0, 7, ""))
	return f
}

// thinMachine: a thin pool in use, a thin volume and its snapshot, one active.
func thinMachine() *fake {
	f := newFake()
	meta := vgText("vg", 5, 3, []byte{1},
		lvText("pool", 11, true, 10, "type = \"thin-pool\"\nmetadata = \"pool_tmeta\"\npool = \"pool_tdata\"\ntransaction_id = 2\nchunk_size = 128"),
		lvText("pool_tmeta", 12, false, 1, linear(0)), lvText("pool_tdata", 13, false, 10, linear(0)),
		lvText("root", 14, true, 20, "type = \"thin\"\nthin_pool = \"pool\"\ntransaction_id = 0\ndevice_id = 1"),
		lvText("snap", 15, true, 20, "type = \"thin\"\nthin_pool = \"pool\"\ntransaction_id = 1\ndevice_id = 2\norigin = \"root\""))
	f.disk("vda", "A", newImage(100).pv(0, 1, meta))
	lv := func(n byte) string { return "LVM-" + lvmID(5) + lvmID(n) }
	f.dm("dm-0", "vg-pool_tmeta", lv(12)+"-tmeta", newImage(4), "vda")
	f.dm("dm-1", "vg-pool_tdata", lv(13)+"-tdata", newImage(40), "vda")
	f.dm("dm-2", "vg-pool-tpool", lv(11)+"-tpool", newImage(40), "dm-0", "dm-1")
	f.dm("dm-3", "vg-root", lv(14), newImage(80).ext4(0, 31, "root", false), "dm-2")
	return f
}

// raidVolumeMachine: a mirrored volume with LUKS in it, active: its images show
// the same header, and must not be taken for copies.
func raidVolumeMachine() *fake {
	f := newFake()
	pvs := []byte{1, 2}
	meta := vgText("vg", 5, 3, pvs,
		lvText("safe", 13, true, 10, "type = \"raid1\"\ndevice_count = 2\nraids = [\"safe_rmeta_0\", \"safe_rimage_0\", \"safe_rmeta_1\", \"safe_rimage_1\"]"),
		lvText("safe_rmeta_0", 14, false, 1, linear(0)), lvText("safe_rimage_0", 15, false, 10, linear(0)),
		lvText("safe_rmeta_1", 16, false, 1, linear(1)), lvText("safe_rimage_1", 17, false, 10, linear(1)))
	lv := func(n byte) string { return "LVM-" + lvmID(5) + lvmID(n) }
	image := newImage(40).luks2(0, 9)
	for i, name := range []string{"vda", "vdb"} {
		f.disk(name, "S"+name, newImage(100).pv(0, pvs[i], meta))
		f.dm(fmt.Sprintf("dm-%d", 2*i), fmt.Sprintf("vg-safe_rmeta_%d", i), lv(byte(14+2*i)), newImage(4), name)
		f.dm(fmt.Sprintf("dm-%d", 2*i+1), fmt.Sprintf("vg-safe_rimage_%d", i), lv(byte(15+2*i)), image, name)
	}
	f.dm("dm-4", "vg-safe", lv(13), image, "dm-0", "dm-1", "dm-2", "dm-3")
	return f
}

// firmwareMachine: the disks of an array that the firmware made (IMSM), running,
// with a partition table that the kernel sees on each of them too.
func firmwareMachine() *fake {
	f := newFake()
	table := func() *image {
		return newImage(100).ext4(1<<20, 1, "root", false).gpt(9, gptPart{1, 1, 90, 11, "root"})
	}
	for _, name := range []string{"sda", "sdb"} {
		f.scsi(name, "naa.600508b1001c000"+name[2:], table().put(100<<20-1024, []byte("Intel Raid ISM Cfg Sig. 1.1.00")))
		f.partition(name, 1, 1, 90)
	}
	f.md("md126", "active", "raid1", table(), "sda", "sdb")
	f.write("/sys/class/block/md126/md/metadata_version", "external:/md127/0\n")
	f.write("/sys/class/block/md126/md/uuid", uuidText(4)+"\n")
	f.write("/sys/class/block/md126/md/component_size", "102400\n")
	f.partition("md126", 1, 1, 90)
	f.md("md127", "inactive", "container", &image{sector: 512}, "sda", "sdb")
	f.write("/sys/class/block/md127/md/metadata_version", "external:imsm\n")
	return f
}

// strangeVolumeMachine: a volume is active, and its PV cannot be read any more.
func strangeVolumeMachine() *fake {
	f := newFake()
	bad := newImage(100)
	bad.fail = fmt.Errorf("input/output error")
	f.disk("vda", "A", bad)
	f.dm("dm-0", "my--vg-lv--one", "LVM-"+lvmID(5)+lvmID(11), newImage(8).ext4(0, 1, "", false), "vda")
	return f
}

// imagesMachine: files attached to devices by this and that.
func imagesMachine() *fake {
	f := newFake()
	f.disk("vda", "A", newImage(64).ext4(0, 1, "live", false))
	f.mountDevice("vda", "/", "ext4")
	f.disk("vdb", "B", newImage(64).ext4(0, 2, "data", false))
	f.mountDevice("vdb", "/srv", "ext4")
	// Two parts of one file, the first of them attached twice.
	f.add("loop0", "virtual", newImage(8).ext4(0, 3, "", false), attrs{"loop/backing_file": "/srv/parts.img", "loop/offset": "1048576", "loop/sizelimit": "8388608"})
	f.add("loop1", "virtual", newImage(8), attrs{"loop/backing_file": "/srv/parts.img", "loop/offset": "9437184", "loop/sizelimit": "0"})
	f.add("loop2", "virtual", newImage(8).ext4(0, 3, "", false), attrs{"loop/backing_file": "/srv/parts.img", "loop/offset": "1048576", "loop/sizelimit": "8388608", "ro": "1"})
	f.add("loop3", "virtual", newImage(64), attrs{"loop/backing_file": "/dev/vdb"})
	vm := newImage(64).gpt(9, gptPart{1, 1, 8, 10, "root"}).ext4(1<<20, 11, "vm", false)
	serve := func(name string, im *image, pid, cmdline string) {
		f.add(name, "virtual", im, attrs{"pid": pid})
		f.write("/proc/"+pid+"/cmdline", strings.ReplaceAll(cmdline, " ", "\x00")+"\x00")
	}
	serve("nbd0", vm, "400", "qemu-nbd --connect=/dev/nbd0 --format=qcow2 --read-only -- /srv/vm.qcow2")
	f.partition("nbd0", 1, 1, 8)
	serve("nbd1", newImage(8), "401", "/usr/bin/qemu-nbd -c /dev/nbd1 old.vmdk")
	f.links["/proc/401/cwd"] = "/home/anna"
	serve("nbd2", newImage(8), "402", "nbd-client server /dev/nbd2")
	serve("nbd3", newImage(8), "403", "qemu-nbd -c /dev/nbd3 lost.img")
	return f
}

// oddMachine: devices of all sorts, and others that are none.
func oddMachine() *fake {
	f := newFake()
	f.add("mmcblk0", "platform/fe340000.mmc/mmc_host/mmc0/mmc0:0001", newImage(64), attrs{"device/name": "BJTD4R", "device/serial": "0x1234abcd"})
	f.add("mmcblk0boot0", "platform/fe340000.mmc/mmc_host/mmc0/mmc0:0001", newImage(4), attrs{"device/name": "BJTD4R", "device/serial": "0x1234abcd"})
	f.add("nvme0n1", "pci0000:00/0000:00:1d.0/0000:3d:00.0/nvme/nvme0", newImage(64), attrs{"device/model": "Fast Disk", "device/serial": "S4EV  ", "nsid": "1", "wwid": "eui.0025385b61b0f1a2"})
	f.add("nvme1n2", "pci0000:00/0000:00:1e.0/0000:3e:00.0/nvme/nvme1", newImage(64), attrs{"device/model": "Cheap Disk", "device/serial": "NNNN1", "nsid": "2", "wwid": "eui.0000000000000000"})
	f.add("sr0", "pci0000:00/0000:00:1f.2/ata2/host1/target1:0:0/1:0:0:0", newImage(700), attrs{"device/model": "DVD", "removable": "1"})
	delete(f.disks, "/dev/sr0")
	f.add("loop0", "virtual", newImage(8).ext4(0, 1, "image", false), attrs{"loop/backing_file": "/root/disk.img"})
	f.add("loop1", "virtual", &image{sector: 512}, nil)
	f.add("ram0", "virtual", newImage(4), nil)
	f.add("zram0", "virtual", newImage(64), nil)
	f.add("zram1", "virtual", newImage(64).swap(0, 2), nil)
	f.swap("/dev/zram1")
	f.add("dasda", "css0/0.0.0000/0.0.0150", newImage(64), attrs{"device/uid": "IBM.750000000DK161.2a00.1d"})
	f.add("cciss!c0d0", "pci0000:00/0000:00:07.0/cciss0", newImage(64), nil)
	f.add("nbd0", "virtual", newImage(64), nil)
	f.add("nvme2c0n1", "virtual", newImage(64), nil)
	delete(f.files, "/sys/class/block/nvme2c0n1/dev") // hidden: a path of a native multipath
	return f
}

// overlayMachine: a PV and a file system have stand-ins; a volume is active on
// the one, the other is mounted.
func overlayMachine() *fake {
	f := newFake()
	meta := vgText("vg", 3, 7, []byte{4}, lvText("root", 21, true, 10, linear(0)))
	f.disk("vda", "A", newImage(100).pv(0, 4, meta))
	f.disk("vdb", "B", newImage(100).ext4(0, 9, "data", true))
	f.add("loop0", "virtual", newImage(10), attrs{"loop/backing_file": "/memfd:salvor (deleted)"})
	f.add("loop1", "virtual", newImage(10), attrs{"loop/backing_file": "/memfd:salvor (deleted)"})
	f.dm("dm-0", "salvor-1", standInPrefix+"1", f.disks["/dev/vda"], "loop0", "vda")
	f.dm("dm-1", "vg-root", "LVM-"+lvmID(3)+lvmID(21), newImage(40).ext4(0, 31, "root", false), "dm-0")
	f.dm("dm-2", "salvor-2", standInPrefix+"2", f.disks["/dev/vdb"], "loop1", "vdb")
	f.mountDevice("dm-2", "/mnt", "ext4")
	f.mountDevice("dm-1", "/mnt2", "ext4")
	return f
}

// twinsMachine: a disk and its copy.
func twinsMachine() *fake {
	f := newFake()
	im := newImage(100).ext4(1<<20, 1, "root", false).gpt(9, gptPart{1, 1, 90, 11, "root"})
	f.disk("vda", "A", im)
	f.partition("vda", 1, 1, 90)
	f.disk("vdb", "B", im)
	f.partition("vdb", 1, 1, 90)
	return f
}

// btrfsMissingMachine: two of three devices, whose trees are unreadable; mounted,
// so that some subvolumes are known all the same. Beside it an old copy of one.
func btrfsMissingMachine() *fake {
	f := newFake()
	f.disk("vda", "A", newImage(128).btrfs(1, 1, 3, 50))
	f.disk("vdb", "B", newImage(128).btrfs(1, 2, 3, 50))
	f.disk("vdc", "C", newImage(128).btrfs(1, 2, 3, 40))
	f.write("/sys/fs/btrfs/"+uuidText(1)+"/devices/vda", "")
	f.write("/sys/fs/btrfs/"+uuidText(1)+"/devices/vdb", "")
	f.write("/sys/fs/btrfs/features/raid56", "")
	f.mount(storage.Dev{Minor: 45}, "/@/var", "/var", "rw", "btrfs", "/dev/vda", "rw,degraded,subvolid=256,subvol=/@")
	return f
}

// bcacheMachine: one bcache runs; another has lost its cache with data in it.
func bcacheMachine() *fake {
	f := newFake()
	f.disk("vda", "A", newImage(100).bcache(1, 9, false, 1))
	f.disk("vdb", "B", newImage(50).bcache(2, 9, true, 0))
	f.disk("vdc", "C", newImage(100).bcache(3, 8, false, 2))
	f.add("bcache0", "virtual", newImage(99).ext4(0, 4, "cached", false), attrs{"bcache/state": "clean"})
	f.lieOn("bcache0", "vda", "vdb")
	return f
}

// severalSignaturesMachine: ext4 with the swap signature of a former life, once
// idle, once in use as one or the other; and a table with a stale file system.
func severalSignaturesMachine() *fake {
	f := newFake()
	for i, name := range []string{"vda", "vdb", "vdc"} {
		f.disk(name, "S"+name, newImage(100).ext4(0, byte(1+i), "", false).put(4096-10, []byte("SWAPSPACE2")))
	}
	f.mountDevice("vdb", "/mnt", "ext4")
	f.swap("/dev/vdc")
	im := newImage(100).gpt(9, gptPart{1, 1, 90, 11, ""})
	im.btrfs(5, 1, 1, 1)
	f.disk("vdd", "D", im)
	f.partition("vdd", 1, 1, 90)
	return f
}

// cryptHeadersMachine: headers that say more than that there is a container, one
// whose data are elsewhere, and one that is left over below another container. A disk
// has locked itself.
func cryptHeadersMachine() *fake {
	const tpm = `"type":"systemd-tpm2","keyslots":["0"]`
	f := newFake()
	f.disk("vda", "A", newImage(100).luks2With(0, 1, tpm, `"type":"crypt","offset":"0"`, ""))
	f.disk("vdb", "B", newImage(100).luks2With(0, 2, tpm, `"type":"crypt","offset":"16777216","integrity":{"type":"hmac(sha256)"}`, ""))
	f.disk("vdc", "C", newImage(100).luks2With(0, 3, `"type":"clevis","keyslots":["0","2"]`, `"type":"crypt","offset":"16777216"`, `,"requirements":{"mandatory":["online-reencrypt"]}`))
	f.disk("vdd", "D", newImage(100).luks2With(0, 4, tpm, `"type":"hw-opal-crypt","offset":"16777216"`, ""))
	f.disk("vde", "E", newImage(100).luks2(0, 5))
	f.dm("dm-0", "other", "CRYPT-LUKS2-"+compact(uuidText(6))+"-other", newImage(100).ext4(0, 7, "", false), "vde")
	locked := newImage(100)
	locked.opal = true
	f.disk("vdf", "F", locked)
	return f
}

// headlessCryptMachine: plain dm-crypt, a LUKS with its header elsewhere, and a
// container that is open twice with an integrity layer between.
func headlessCryptMachine() *fake {
	f := newFake()
	f.disk("vda", "A", newImage(100).ext4(0, 2, "left over", false))
	f.dm("dm-0", "plain", "CRYPT-PLAIN-plain", newImage(100).ext4(0, 1, "", false), "vda")
	f.disk("vdb", "B", newImage(100))
	f.dm("dm-1", "headless", "CRYPT-LUKS2-"+compact(uuidText(7))+"-headless", newImage(100), "vdb")
	f.disk("vdc", "C", newImage(100).luks2(0, 8))
	f.dm("dm-2", "safe_dif", "CRYPT-INTEGRITY-"+compact(uuidText(8))+"-safe_dif", newImage(90), "vdc")
	f.dm("dm-3", "safe", "CRYPT-LUKS2-"+compact(uuidText(8))+"-safe", newImage(80).swap(0, 9), "dm-2")
	f.dm("dm-4", "verity", "CRYPT-VERITY-"+compact(uuidText(9))+"-verity", newImage(10), "vda")
	return f
}
