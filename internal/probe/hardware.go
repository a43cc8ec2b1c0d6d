package probe

import (
	"path"
	"regexp"
	"strings"

	"salvor/internal/storage"
)

// hardware is what a whole disk tells of itself.
type hardware struct {
	model, serial, wwn string
	transport          string
	address            string // last part of its place on the bus: "2:0:0:1", "virtio3"
	backing            backing
	namespace          string // what sets apart the disks of one controller: "ns2", "boot0"
	rotational         bool
	removable          bool
	sector, physical   int
}

func (p *prober) describeHardware(d *device) hardware {
	h := hardware{
		backing:    p.describeBacking(d),
		removable:  p.attr(d, "removable") == "1",
		rotational: p.attr(d, "queue/rotational") == "1",
		sector:     int(p.number(d, "queue/logical_block_size")),
		physical:   int(p.number(d, "queue/physical_block_size")),
		transport:  transport(d),
		namespace:  p.namespace(d),
	}
	if strings.HasPrefix(d.sysPath, "/sys/devices/virtual/block/") {
		return h // loop, zram, nbd: nothing to ask
	}
	if link, err := p.m.Readlink(path.Join(sysBlock, d.name, "device")); err == nil {
		h.address = path.Base(link)
	}
	h.model = clean(p.first(d, "device/model", "device/name"), d.udev.props["ID_MODEL"])
	h.serial = clean(p.first(d, "serial", "device/serial"), p.vpdSerial(d), d.udev.props["ID_SERIAL_SHORT"], d.udev.props["ID_SERIAL"])
	h.wwn = cleanWWN(p.first(d, "wwid", "device/wwid", "device/uid"), d.udev.props["ID_WWN_WITH_EXTENSION"], d.udev.props["ID_WWN"])
	return h
}

func (p *prober) first(d *device, names ...string) string {
	for _, name := range names {
		if s := strings.TrimSpace(p.attr(d, name)); s != "" {
			return s
		}
	}
	return ""
}

// vpdSerial reads the unit serial number page of a SCSI disk (SPC-5, 7.7.14):
// four bytes of header, then the number.
func (p *prober) vpdSerial(d *device) string {
	page := p.attr(d, "device/vpd_pg80")
	if len(page) <= 4 {
		return ""
	}
	return page[4:]
}

func (p *prober) namespace(d *device) string {
	if m := mmcHardwarePartition.FindStringSubmatch(d.name); m != nil {
		return m[1]
	}
	if n := p.attr(d, "nsid"); n != "" {
		return "ns" + n
	}
	return ""
}

// mmcHardwarePartition matches the boot and other partitions that are wired into
// an eMMC (kernel: Documentation/driver-api/mmc/mmc-dev-parts.rst).
var mmcHardwarePartition = regexp.MustCompile(`^mmcblk\d+(boot\d+|rpmb|gp\d+)$`)

// transports are tried in this order: a USB disk is a SCSI disk too.
var transports = []struct {
	name string
	path *regexp.Regexp
}{
	{"loop", regexp.MustCompile(`/block/loop\d+$`)},
	{"usb", regexp.MustCompile(`/usb\d+/`)},
	{"iscsi", regexp.MustCompile(`/session\d+/`)},
	{"fc", regexp.MustCompile(`/rport-`)},
	{"sas", regexp.MustCompile(`/end_device-`)},
	{"ata", regexp.MustCompile(`/ata\d+/`)},
	{"nvme", regexp.MustCompile(`/nvme`)},
	{"mmc", regexp.MustCompile(`/mmc_host/`)},
	{"scsi", regexp.MustCompile(`/host\d+/target`)},
	{"virtio", regexp.MustCompile(`/virtio\d+/`)},
	{"xen", regexp.MustCompile(`/vbd-\d+/`)},
	{"dasd", regexp.MustCompile(`/block/dasd`)},
	{"pmem", regexp.MustCompile(`/block/pmem`)},
	{"nbd", regexp.MustCompile(`/block/nbd`)},
	{"zram", regexp.MustCompile(`/block/zram`)},
	{"rbd", regexp.MustCompile(`/block/rbd`)},
	{"drbd", regexp.MustCompile(`/block/drbd`)},
}

func transport(d *device) string {
	for _, t := range transports {
		if t.path.MatchString(d.sysPath) {
			return t.name
		}
	}
	return ""
}

// clean gives the first of the texts that says something, with its blanks put in
// order.
func clean(texts ...string) string {
	for _, s := range texts {
		s = strings.Join(strings.Fields(strings.ToValidUTF8(strings.Trim(s, "\x00 "), "")), " ")
		if !bogus(s) {
			return s
		}
	}
	return ""
}

// bogus recognises the numbers that makers print on everything: nothing, one
// character again and again, the counting of a bored engineer.
func bogus(s string) bool {
	switch strings.ToLower(s) {
	case "", "unknown", "none", "n/a", "0123456789abcdef", "0123456789", "123456789abcdef", "123456789", "1234567890", "012345678999", "0x0000000000000000":
		return true
	}
	return len(s) > 1 && strings.Trim(s, s[:1]) == ""
}

// cleanWWN brings the kernel's and udev's notation together: naa.5000c500a1b2c3d4.
func cleanWWN(texts ...string) string {
	for _, s := range texts {
		s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), "_")
		if hex, ok := strings.CutPrefix(s, "0x"); ok {
			s = "naa." + hex
		}
		_, value, _ := strings.Cut(s, ".")
		if !bogus(s) && (value == "" || !bogus(value)) {
			return s
		}
	}
	return ""
}

// places are the parts of a sysfs path that say where a disk is plugged in, and
// stay the same over a reboot as far as anything does.
var places = []struct {
	kind string
	part *regexp.Regexp
}{
	{"pci", regexp.MustCompile(`^([[:xdigit:]]{4,}:[[:xdigit:]]{2}:[[:xdigit:]]{2}\.[[:xdigit:]])$`)},
	{"ccw", regexp.MustCompile(`^([[:xdigit:]]\.[0-3]\.[[:xdigit:]]{4})$`)},
	{"usb", regexp.MustCompile(`^\d+-([\d.]+:\d+\.\d+)$`)},
	{"ata", regexp.MustCompile(`^ata(\d+)$`)},
	{"scsi", regexp.MustCompile(`^\d+:(\d+:\d+:\d+)$`)},
	{"vbd", regexp.MustCompile(`^vbd-(\d+)$`)},
	{"nd", regexp.MustCompile(`^(namespace[\d.]+)$`)},
	{"mmc", regexp.MustCompile(`^(mmc\d+):`)},
}

// place is the short form of the device's sysfs path, "" for a device that is
// plugged in nowhere.
func (d *device) place() string {
	if strings.Contains(d.sysPath, "/virtual/") {
		return ""
	}
	var found []string
	for _, kind := range places {
		last := ""
		for part := range strings.SplitSeq(d.sysPath, "/") {
			if m := kind.part.FindStringSubmatch(part); m != nil {
				last = kind.kind + "-" + m[1]
			}
		}
		if last != "" {
			found = append(found, last)
		}
	}
	if len(found) > 0 && d.hw.namespace != "" {
		found = append(found, d.hw.namespace)
	}
	return strings.Join(found, "-")
}

// identity says which disk it is, by the best that it tells of itself.
func (d *device) identity() storage.ID {
	h := d.hw
	text := "disk:"
	switch {
	case h.wwn != "":
		text += "wwn-" + h.wwn
	case h.serial != "":
		text += "serial-" + strings.TrimPrefix(h.model+"_"+h.serial, "_")
	case h.backing.path != "":
		return storage.ID(text + h.transport + "-" + h.backing.path)
	case d.place() != "":
		return storage.ID(text + "path-" + d.place())
	default:
		return storage.ID(text + "name-" + d.name)
	}
	if h.namespace != "" && h.wwn == "" { // a WWN names the namespace already
		text += "-" + h.namespace
	}
	// Several wires lead to one LUN. They are not copies of each other, so
	// they must not be twins.
	if d.role == roleWire {
		text += "-wire-" + h.address
	}
	return storage.ID(strings.ReplaceAll(text, " ", "_"))
}
