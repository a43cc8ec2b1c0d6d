package probe

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"

	"salvor/internal/storage"
)

const (
	sysBlock = "/sys/class/block"
	// sector is the unit of sizes and starts in sysfs, whatever the device's own.
	sector = 512
)

// survey lists the block devices with all that the kernel and udev tell of them.
func (p *prober) survey(ctx context.Context) (*inventory, error) {
	names, err := p.m.ReadDir(sysBlock)
	if err != nil {
		return nil, fmt.Errorf("cannot list the block devices: %w", err)
	}
	found := make([]*device, len(names))
	p.each(len(names), func(i int) {
		if ctx.Err() == nil {
			found[i] = p.describe(names[i])
		}
	})
	inv := newInventory(found)
	p.readMounts(inv)
	p.readSwaps(inv)
	p.readBtrfsMembers(inv)
	return inv, nil
}

// describe reads what sysfs has on one device. It is nil for what is no device
// to anyone: memory disks, drives without a size, loop devices without a file,
// the hidden paths of a native NVMe multipath, and what went away meanwhile.
func (p *prober) describe(name string) *device {
	if strings.HasPrefix(name, "ram") {
		return nil
	}
	d := &device{name: name, path: "/dev/" + strings.ReplaceAll(name, "!", "/"), sysPath: path.Join(sysBlock, name)}
	if link, err := p.m.Readlink(d.sysPath); err == nil {
		d.sysPath = path.Join(sysBlock, link)
	}
	d.dev = p.deviceNumber(d)
	d.size = p.number(d, "size") * sector
	p.describeArray(d)
	if d.dev.IsZero() || (d.size == 0 && d.md.state == "") {
		return nil
	}
	d.readOnly = p.attr(d, "ro") == "1"
	d.udev = p.readUdev(d.dev)
	p.describeKind(d)
	d.role = roleOf(d)
	return d
}

func (p *prober) deviceNumber(d *device) storage.Dev {
	var n storage.Dev
	if _, err := fmt.Sscanf(p.attr(d, "dev"), "%d:%d", &n.Major, &n.Minor); err != nil {
		return storage.Dev{}
	}
	return n
}

func (p *prober) describeKind(d *device) {
	if d.number = int(p.number(d, "partition")); d.number > 0 {
		d.start = p.number(d, "start") * sector
		d.wholeName = path.Base(path.Dir(d.sysPath))
		return
	}
	switch {
	case strings.HasPrefix(d.name, "dm-"):
		d.dm = mapping{name: p.attr(d, "dm/name"), uuid: p.attr(d, "dm/uuid"), suspended: p.attr(d, "dm/suspended") == "1"}
	case strings.HasPrefix(d.name, "bcache"):
		d.bcache = p.attr(d, "bcache/state")
	case d.md.state == "":
		d.hw = p.describeHardware(d)
	}
	d.slaveNames = p.list(d, "slaves")
}

// attr is the text of a sysfs attribute, "" when it is not there. Only the line
// end is cut: a device-mapper name may end in a blank.
func (p *prober) attr(d *device, name string) string {
	data, err := p.m.ReadFile(path.Join(sysBlock, d.name, name))
	if err != nil {
		return ""
	}
	return strings.TrimRight(string(data), "\n")
}

func (p *prober) number(d *device, name string) uint64 {
	n, err := strconv.ParseUint(strings.TrimSpace(p.attr(d, name)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (p *prober) list(d *device, dir string) []string {
	names, err := p.m.ReadDir(path.Join(sysBlock, d.name, dir))
	if err != nil {
		return nil
	}
	return names
}
