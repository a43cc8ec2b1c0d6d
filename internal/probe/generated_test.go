package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"testing/fstest"
	"time"

	"salvor/internal/machine"
)

// Standing is a machine that can be worked on, as far as looks need it: no program is
// installed there, devices can be set read-only, file systems looked at, and what is
// written lies in memory. report_test.go makes a report of each one.
type Standing struct {
	*fake
	trees map[string]fs.FS // by device
	opal  map[string]bool  // devices that have locked themselves
	own   map[string][]byte
}

// Generated are machines that no lab has, by name.
var Generated = map[string]func() *Standing{
	"bad-names":        badNamesMachine,
	"bare-disk":        bareDiskMachine,
	"bigsector":        bigSectorMachine,
	"blank-serials":    blankSerialsMachine,
	"cciss":            ccissMachine,
	"clutter":          clutterMachine,
	"dasd":             dasdMachine,
	"duplicate-serial": duplicateSerialMachine,
	"emmc":             emmcMachine,
	"failing-disk":     failingDiskMachine,
	"iscsi":            iscsiMachine,
	"luns":             manyLUNsMachine,
	"md-partitions":    partitionedArrayMachine,
	"multipath-wires":  fourWiresMachine,
	"nvme":             nvmeMachine,
	"opal":             opalMachine,
	"removable":        removableMachine,
	"xen":              xenMachine,
	"zoned":            zonedMachine,
}

func standing() *Standing {
	return &Standing{fake: newFake(), trees: map[string]fs.FS{}, opal: map[string]bool{}, own: map[string][]byte{}}
}

func (s *Standing) Euid() int      { return 0 }
func (s *Standing) Now() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func (s *Standing) Lookup(program string) (string, error) {
	return "", &machine.MissingProgram{Program: program}
}

func (s *Standing) Run(_ context.Context, c machine.Cmd) (machine.Result, error) {
	return machine.Result{}, &machine.MissingProgram{Program: c.Program}
}

func (s *Standing) ReadFile(name string) ([]byte, error) {
	if data, ok := s.own[name]; ok {
		return data, nil
	}
	return s.fake.ReadFile(name)
}

func (s *Standing) Stat(name string) (machine.Info, error) {
	if _, ok := s.dirs[name]; ok {
		return machine.Info{Mode: fs.ModeDir | 0o755}, nil
	}
	return s.fake.Stat(name)
}

func (s *Standing) Lstat(name string) (machine.Info, error) { return s.Stat(name) }

// kernelPath is the name that the kernel gave to a device.
func (s *Standing) kernelPath(device string) string {
	if !strings.HasPrefix(device, "/dev/mapper/") {
		return device
	}
	for name := range s.disks {
		if s.devs[name] == s.devs[device] {
			return name
		}
	}
	return device
}

// SetReadOnly does what the kernel shows.
func (s *Standing) SetReadOnly(device string, on bool) (was bool, err error) {
	device = s.kernelPath(device)
	if _, ok := s.disks[device]; !ok {
		return false, fmt.Errorf("cannot open %s: %w", device, machine.ErrNoSuchDevice)
	}
	flag := path.Join("/sys/class/block", strings.ReplaceAll(strings.TrimPrefix(device, "/dev/"), "/", "!"), "ro")
	was = strings.TrimSpace(s.files[flag]) == "1"
	s.files[flag] = map[bool]string{true: "1\n", false: "0\n"}[on]
	return was, nil
}

// Look shows the tree of a device; other file systems are empty.
func (s *Standing) Look(_ context.Context, r machine.MountRequest) (machine.Tree, error) {
	device := s.kernelPath(r.Device)
	if _, ok := s.disks[device]; !ok {
		return nil, &machine.MountError{Act: "look at", Source: r.Device, Kind: machine.ErrNoSuchDevice}
	}
	if tree := s.trees[device]; tree != nil {
		return standingTree{tree}, nil
	}
	return standingTree{fstest.MapFS{"lost+found": {Mode: fs.ModeDir | 0o700}}}, nil
}

// Tree shows what is mounted in the live system: nothing of use.
func (s *Standing) Tree(string) (machine.Tree, error) {
	return standingTree{fstest.MapFS{"file": {Mode: 0o644}}}, nil
}

type standingTree struct{ fs.FS }

func (standingTree) Close() error { return nil }

// Space is plenty.
func (standingTree) Space() (size, free uint64, err error) { return 8 << 30, 4 << 30, nil }

func (s *Standing) OpenBlock(ctx context.Context, name string) (machine.Block, error) {
	b, err := s.fake.OpenBlock(ctx, name)
	if err != nil {
		return nil, err
	}
	return standingBlock{b, s.opal[name]}, nil
}

type standingBlock struct {
	machine.Block
	locked bool
}

func (b standingBlock) OpalLocked() bool { return b.locked }

func (s *Standing) MkdirAll(string, fs.FileMode) error { return nil }

func (s *Standing) WriteFile(name string, data []byte, _ fs.FileMode) error {
	s.own[name] = data
	return nil
}

func (s *Standing) AppendFile(name string, data []byte, _ fs.FileMode) error {
	s.own[name] = append(s.own[name], data...)
	return nil
}

func (s *Standing) Remove(name string) error {
	if _, ok := s.own[name]; !ok {
		return fmt.Errorf("cannot remove %s: %w", name, fs.ErrNotExist)
	}
	delete(s.own, name)
	return nil
}

func (s *Standing) Lock(string) (func(), error) { return func() {}, nil }

// install puts a small system onto a device.
func (s *Standing) install(device, name, fstab string) {
	text := func(t string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(t), Mode: 0o644, ModTime: s.Now()} }
	dir := func() *fstest.MapFile { return &fstest.MapFile{Mode: fs.ModeDir | 0o755, ModTime: s.Now()} }
	tree := fstest.MapFS{
		"etc/os-release": text("ID=test\nPRETTY_NAME=\"" + name + "\"\n"), "etc/fstab": text(fstab), "etc/hostname": text("host\n"),
		"usr/bin/sh": text(""), "var": dir(), "dev": dir(), "proc": dir(), "sys": dir(), "run": dir(),
	}
	for _, line := range strings.Split(fstab, "\n") {
		if words := strings.Fields(line); len(words) > 1 && strings.Trim(words[1], "/") != "" && words[1][0] == '/' {
			tree[words[1][1:]] = dir()
		}
	}
	s.trees[device] = tree
}

func byUUID(n byte, point, typ string) string {
	return fmt.Sprintf("UUID=%s %s %s defaults 0 1\n", uuidText(n), point, typ)
}

// rooted is a GPT disk with one partition, an ext4.
func rooted(id, part, fs byte) *image {
	return newImage(100).ext4(1<<20, fs, "root", false).gpt(id, gptPart{1, 1, 90, part, "root"})
}

// fourWiresMachine: two LUNs behind four wires each, and multipathd at work.
func fourWiresMachine() *Standing {
	s := standing()
	for lun := range 2 {
		id := byte(10 * (lun + 1))
		wwid := fmt.Sprintf("600508b1001c000%d", lun)
		im := rooted(id, id+1, id+2)
		var wires []string
		for wire := range 4 {
			name := fmt.Sprintf("sd%c", 'a'+byte(4*lun+wire))
			s.scsi(name, "naa."+wwid, im)
			s.partition(name, 1, 1, 90)
			wires = append(wires, name)
		}
		dm := fmt.Sprintf("dm-%d", 2*lun)
		s.dm(dm, fmt.Sprintf("mpath%c", 'a'+byte(lun)), "mpath-3"+wwid, im, wires...)
		s.dm(fmt.Sprintf("dm-%d", 2*lun+1), fmt.Sprintf("mpath%c-part1", 'a'+byte(lun)), "part1-mpath-3"+wwid, im.part(1<<20, 90<<20), dm)
	}
	s.install("/dev/dm-1", "On a LUN", byUUID(12, "/", "ext4")+"/dev/mapper/mpathb-part1 /srv ext4 defaults 0 2\n")
	return s
}

// dasdMachine: disks of an IBM Z. Their table is none that salvor reads; the kernel
// knows the partitions.
func dasdMachine() *Standing {
	s := standing()
	im := newImage(100).ext4(96<<10, 3, "root", false)
	s.add("dasda", "css0/0.0.0000/0.0.0150", im, attrs{"device/uid": "IBM.750000000DK161.2a00.1d", "queue/logical_block_size": "4096"})
	s.add("dasda1", "x", im.part(96<<10, 90<<20), attrs{"partition": "1", "start": "192"})
	s.links["/sys/class/block/dasda1"] = s.links["/sys/class/block/dasda"] + "/dasda1"
	s.add("dasdb", "css0/0.0.0001/0.0.0151", newImage(50), attrs{"device/uid": "IBM.750000000DK161.2a00.1e"})
	s.write("/run/udev/data/b"+s.devs["/dev/dasda1"].String(), "S:disk/by-path/ccw-0.0.0150-part1\n")
	s.install("/dev/dasda1", "On a mainframe", "/dev/disk/by-path/ccw-0.0.0150-part1 / ext4 defaults 1 1\n")
	return s
}

// nvmeMachine: a controller with two namespaces, and a second one with native
// multipath, whose paths are hidden.
func nvmeMachine() *Standing {
	s := standing()
	at := "pci0000:00/0000:00:1d.0/0000:3d:00.0/nvme/nvme0"
	for n, im := range []*image{rooted(1, 2, 3), rooted(4, 5, 6)} {
		name := fmt.Sprintf("nvme0n%d", n+1)
		s.add(name, at, im, attrs{"device/model": "Fast Disk", "device/serial": "S4EV", "nsid": fmt.Sprint(n + 1), "wwid": fmt.Sprintf("eui.0025385b61b0f1a%d", n)})
		s.partition(name, 1, 1, 90)
	}
	s.add("nvme1n1", "virtual/nvme-subsystem/nvme-subsys1", newImage(64), attrs{"nsid": "1", "wwid": "uuid.11111111-2222-3333-4444-555555555555"})
	for c := range 2 {
		name := fmt.Sprintf("nvme1c%dn1", c)
		s.add(name, fmt.Sprintf("pci0000:00/0000:00:1e.%d/nvme/nvme%d", c, c+1), newImage(64), nil)
		delete(s.files, "/sys/class/block/"+name+"/dev") // hidden: it has no device node
	}
	s.install("/dev/nvme0n1p1", "On flash", byUUID(3, "/", "ext4")+"/dev/nvme0n2p1 /home ext4 defaults 0 2\n")
	return s
}

// emmcMachine: a small board.
func emmcMachine() *Standing {
	s := standing()
	at := "platform/fe340000.mmc/mmc_host/mmc0/mmc0:0001"
	a := func() attrs { return attrs{"device/name": "BJTD4R", "device/serial": "0x1234abcd"} }
	im := rooted(1, 2, 3)
	s.add("mmcblk0", at, im, a())
	s.partition("mmcblk0", 1, 1, 90)
	s.add("mmcblk0boot0", at, newImage(4), a())
	s.add("mmcblk0boot1", at, newImage(4), a())
	s.add("mmcblk0rpmb", at, newImage(4), a())
	delete(s.files, "/sys/class/block/mmcblk0rpmb/dev") // a character device, since Linux 4.14
	s.add("mmcblk1", "platform/fe320000.mmc/mmc_host/mmc1/mmc1:aaaa", newImage(32), attrs{"device/name": "SC16G", "device/serial": "0x00000001"})
	s.install("/dev/mmcblk0p1", "On a board", "/dev/mmcblk0p1 / ext4 defaults 0 1\n")
	return s
}

// manyLUNsMachine: a server of a large array.
func manyLUNsMachine() *Standing {
	s := standing()
	for i := range 1000 {
		im := newImage(100)
		if i == 0 {
			im = rooted(1, 2, 3)
		} else if i%2 == 0 {
			im.set = i
			im.ext4(0, 9, fmt.Sprintf("data%03d", i), false)
		}
		s.scsi(lunName(i), fmt.Sprintf("naa.600508b1001c%04x", i), im)
	}
	s.partition("sda", 1, 1, 90)
	s.install("/dev/sda1", "On a thousand LUNs", byUUID(3, "/", "ext4"))
	return s
}

// lunName is sda, sdb … sdz, sdaa, sdab …
func lunName(i int) string {
	name := ""
	for i++; i > 0; i = (i - 1) / 26 {
		name = string(rune('a'+(i-1)%26)) + name
	}
	return "sd" + name
}

// duplicateSerialMachine: two disks of a maker who gave all of them one serial
// number, with different contents.
func duplicateSerialMachine() *Standing {
	s := standing()
	s.disk("vda", "0000-CHEAP", rooted(1, 2, 3))
	s.partition("vda", 1, 1, 90)
	s.disk("vdb", "0000-CHEAP", rooted(4, 5, 6))
	s.partition("vdb", 1, 1, 90)
	s.install("/dev/vda1", "First", byUUID(3, "/", "ext4"))
	s.install("/dev/vdb1", "Second", byUUID(6, "/", "ext4"))
	return s
}

// blankSerialsMachine: disks that tell nothing of themselves.
func blankSerialsMachine() *Standing {
	s := standing()
	for i, serial := range []string{"", "        ", "0123456789ABCDEF", "\x00\x00\x00\x00"} {
		s.disk(fmt.Sprintf("vd%c", 'a'+i), serial, newImage(100).ext4(0, byte(1+i), "", false))
	}
	s.install("/dev/vda", "On a nameless disk", byUUID(1, "/", "ext4"))
	return s
}

// badNamesMachine: names that are no text, too long, or meant to do something to a
// terminal.
func badNamesMachine() *Standing {
	s := standing()
	im := newImage(100).ext4(1<<20, 3, "la\x1bbel\xff", false)
	// Of a rune above U+FFFF gpt writes the low half: here, halves of surrogate pairs.
	im.gpt(1, gptPart{1, 1, 30, 11, "\x1b[2Jgone"}, gptPart{2, 31, 30, 12, "\U0001d800 \U0001dfff"}, gptPart{3, 61, 30, 13, "a/b\\x20 \u202eltr"})
	s.disk("vda", "SER\x1b]0;IAL\xfe", im)
	s.partition("vda", 1, 1, 30)
	s.partition("vda", 2, 31, 30)
	s.partition("vda", 3, 61, 30)
	s.install("/dev/vda1", "Bad\x1b[1m \xffname", "PARTLABEL=\x1b[2Jgone / ext4 defaults 0 1\nLABEL=\xfe /home ext4 defaults 0 2\n")
	return s
}

// failingDiskMachine: a disk of which nothing can be read, and one that has gone.
func failingDiskMachine() *Standing {
	s := standing()
	bad := newImage(100)
	bad.fail = errors.New("cannot read /dev/vda at byte 0: input/output error")
	s.disk("vda", "DYING", bad)
	gone := newImage(100)
	s.disk("vdb", "GONE", gone)
	delete(s.disks, "/dev/vdb")
	s.disk("vdc", "GOOD", rooted(1, 2, 3))
	s.partition("vdc", 1, 1, 90)
	s.install("/dev/vdc1", "Beside a dying disk", byUUID(3, "/", "ext4")+byUUID(9, "/srv", "ext4"))
	return s
}

// opalMachine: a disk that encrypts itself and is locked: reads fail.
func opalMachine() *Standing {
	s := standing()
	locked := newImage(100)
	locked.fail = fmt.Errorf("cannot read /dev/vda at byte 0: %w", io.ErrUnexpectedEOF)
	s.disk("vda", "SED-1", locked)
	s.opal["/dev/vda"] = true
	return s
}

// clutterMachine: what a desktop has: loop devices of packages, compressed memory,
// memory disks.
func clutterMachine() *Standing {
	s := standing()
	s.disk("vda", "A", rooted(1, 2, 3))
	s.partition("vda", 1, 1, 90)
	for i := range 12 {
		name := fmt.Sprintf("loop%d", i)
		squash := newImage(4).put(0, append([]byte("hsqs"), append(make([]byte, 24), append([]byte{4}, make([]byte, 67)...)...)...))
		s.add(name, "virtual", squash, attrs{"loop/backing_file": fmt.Sprintf("/var/lib/snapd/snaps/app_%d.snap", i)})
		s.links["/sys/class/block/"+name] = "../../devices/virtual/block/" + name
		s.mountDevice(name, fmt.Sprintf("/snap/app/%d", i), "squashfs")
	}
	s.add("loop12", "virtual", &image{sector: 512}, nil)
	s.add("ram0", "virtual", newImage(4), nil)
	s.add("zram0", "virtual", newImage(64).swap(0, 2), nil)
	s.swap("/dev/zram0")
	s.install("/dev/vda1", "A desktop", byUUID(3, "/", "ext4"))
	return s
}

// ccissMachine: an old controller, whose devices have a directory of their own.
func ccissMachine() *Standing {
	s := standing()
	s.add("cciss!c0d0", "pci0000:00/0000:00:07.0/cciss0", rooted(1, 2, 3), nil)
	s.add("cciss!c0d0p1", "x", s.disks["/dev/cciss/c0d0"].part(1<<20, 90<<20), attrs{"partition": "1", "start": "2048"})
	s.links["/sys/class/block/cciss!c0d0p1"] = s.links["/sys/class/block/cciss!c0d0"] + "/cciss!c0d0p1"
	s.install("/dev/cciss/c0d0p1", "On an old controller", "/dev/cciss/c0d0p1 / ext4 defaults 0 1\n")
	return s
}

// xenMachine: a guest whose host gives it partitions, not disks.
func xenMachine() *Standing {
	s := standing()
	s.add("xvda1", "vbd-51713", newImage(90).ext4(0, 3, "root", false), nil)
	s.add("xvda2", "vbd-51714", newImage(20).swap(0, 4), nil)
	s.install("/dev/xvda1", "A guest", "/dev/xvda1 / ext4 defaults 0 1\n/dev/xvda2 none swap sw 0 0\n")
	return s
}

// zonedMachine: a disk that is written zone by zone, and one of persistent memory.
func zonedMachine() *Standing {
	s := standing()
	s.scsi("sda", "naa.5000c500a1b2c3d4", newImage(256))
	s.write("/sys/class/block/sda/queue/zoned", "host-managed\n")
	s.add("pmem0", "LNXSYSTM:00/ndbus0/region0/namespace0.0", newImage(64).ext4(0, 3, "dax", false), nil)
	return s
}

// partitionedArrayMachine: a running array with partitions on it.
func partitionedArrayMachine() *Standing {
	s := standing()
	for i, name := range []string{"vda", "vdb"} {
		s.disk(name, "S"+name, newImage(100).md(0, mdSpec{id: 1, member: byte(10 + i), level: 1, disks: 2, role: i, events: 42, name: "host:0", sizeMiB: 99}))
	}
	s.md("md127", "active", "raid1", newImage(99).ext4(1<<20, 3, "root", false).gpt(9, gptPart{1, 1, 80, 11, "root"}), "vda", "vdb")
	s.partition("md127", 1, 1, 80)
	s.install("/dev/md127p1", "On an array", "/dev/md0p1 / ext4 defaults 0 1\n")
	return s
}

// removableMachine: drives without a medium.
func removableMachine() *Standing {
	s := standing()
	s.add("sr0", "pci0000:00/0000:00:1f.2/ata2/host1/target1:0:0/1:0:0:0", &image{sector: 2048}, attrs{"device/model": "DVD", "removable": "1"})
	s.add("fd0", "platform/floppy.0", &image{sector: 512}, attrs{"removable": "1"})
	noMedium := newImage(1)
	noMedium.fail = errors.New("cannot read /dev/sr1 at byte 0: no medium found")
	s.add("sr1", "pci0000:00/0000:00:1f.2/ata3/host2/target2:0:0/2:0:0:0", noMedium, attrs{"device/model": "CD", "removable": "1"})
	return s
}

// iscsiMachine: a LUN over the network.
func iscsiMachine() *Standing {
	s := standing()
	s.add("sda", "platform/host6/session1/target6:0:0/6:0:0:1", rooted(1, 2, 3), attrs{"device/wwid": "naa.6001405abcdef", "device/model": "LIO-ORG", "queue/logical_block_size": "512"})
	s.partition("sda", 1, 1, 90)
	s.install("/dev/sda1", "Over the network", byUUID(3, "/", "ext4")+"UUID="+uuidText(8)+" /srv ext4 _netdev,nofail 0 2\n//nas/share /mnt cifs user=me,password=open-sesame 0 0\n")
	return s
}

// bigSectorMachine: a disk with sectors of 4096 bytes, and its table in these.
func bigSectorMachine() *Standing {
	s := standing()
	im := newImage(100)
	im.sector = 4096
	entries := make([]byte, 128*128)
	putGUID(entries, linuxData)
	copy(entries[16:], uuid(2))
	le.PutUint64(entries[32:], 256) // 1 MiB
	le.PutUint64(entries[40:], 256+90*256-1)
	last := im.size/4096 - 1
	im.put(0, protectiveMBR(last))
	im.put(4096, gptHeader(uuid(1), entries, 1, last, 2))
	im.put(8192, entries)
	im.put((last-4)*4096, entries)
	im.put(last*4096, gptHeader(uuid(1), entries, last, 1, last-4))
	im.ext4(1<<20, 3, "root", false)
	s.disk("vda", "4KN", im)
	s.files["/sys/class/block/vda/queue/logical_block_size"] = "4096\n"
	s.partition("vda", 1, 1, 90)
	s.disks["/dev/vda1"].sector = 4096
	s.install("/dev/vda1", "On large sectors", "PARTUUID="+uuidText(2)+" / ext4 defaults 0 1\n")
	return s
}

// bareDiskMachine: a file system, and swap, each on a disk without a table.
func bareDiskMachine() *Standing {
	s := standing()
	s.disk("vda", "A", newImage(100).ext4(0, 3, "root", false))
	s.disk("vdb", "B", newImage(20).swap(0, 4))
	s.install("/dev/vda", "On a bare disk", "/dev/vda / ext4 defaults 0 1\n/dev/vdb none swap sw 0 0\n")
	return s
}

var _ machine.Machine = (*Standing)(nil)
