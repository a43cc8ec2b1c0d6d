package host

import (
	"strings"

	"salvor/internal/layout"
)

// readHardware reads what the firmware tells: by SMBIOS, by the device tree, or by the
// hypervisor of an IBM Z.
func (r *reader) readHardware() layout.Hardware {
	const dmi = "/sys/class/dmi/id/"
	get := func(name string) string { return known(r.text(dmi + name)) }
	if !r.isDir(dmi) {
		return r.readDeviceTree()
	}
	return layout.Hardware{
		Vendor: get("sys_vendor"), Product: get("product_name"), Version: get("product_version"),
		Serial: get("product_serial"), UUID: strings.ToLower(get("product_uuid")),
		Board: layout.Board{Vendor: get("board_vendor"), Name: get("board_name"), Version: get("board_version"), Serial: get("board_serial")},
		BIOS:  layout.BIOS{Vendor: get("bios_vendor"), Version: get("bios_version"), Date: get("bios_date")},
	}
}

// readDeviceTree: system-id is what POWER calls the serial number.
func (r *reader) readDeviceTree() layout.Hardware {
	const tree = "/proc/device-tree/"
	h := layout.Hardware{Product: known(r.text(tree + "model"))}
	for _, name := range []string{"serial-number", "system-id"} {
		if h.Serial == "" {
			h.Serial = known(r.text(tree + name))
		}
	}
	if h == (layout.Hardware{}) {
		return r.readSysinfo()
	}
	return h
}

// readSysinfo reads what an IBM Z tells (kernel: drivers/s390/char/…, arch/s390/kernel/
// sysinfo.c). The partition or the guest is the machine.
func (r *reader) readSysinfo() layout.Hardware {
	var h layout.Hardware
	var kind, sequence string
	for line := range strings.Lines(string(r.data("/proc/sysinfo"))) {
		key, value, _ := strings.Cut(line, ":")
		switch value = tidy(value); key {
		case "Manufacturer":
			h.Vendor = value
		case "Type":
			kind = value
		case "Sequence Code":
			sequence = value
		case "LPAR Name", "VM00 Name": // the guest's line stands behind the partition's
			h.Version = value
		case "LPAR UUID", "VM00 UUID":
			h.UUID = strings.ToLower(value)
		}
	}
	h.Product, h.Serial = kind, strings.TrimLeft(sequence, "0")
	return h
}

// fillers are what makers and hypervisors print where they have nothing to say.
var fillers = map[string]bool{
	"default string": true, "to be filled by o.e.m.": true, "to be filled by o.e.m": true, "o.e.m.": true, "oem": true,
	"not specified": true, "not applicable": true, "not available": true, "not present": true, "n/a": true, "na": true,
	"none": true, "unknown": true, "undefined": true, "empty": true, "invalid": true, "null": true, "x.x": true,
	"system serial number": true, "system product name": true, "system manufacturer": true, "system version": true,
	"chassis serial number": true, "base board serial number": true, "serial number": true, "type1family": true,
	"0123456789": true, "123456789": true, "1234567890": true, "0123456789abcdef": true,
	"03000200-0400-0500-0006-000700080009": true, // the UUID in the maker's sample code
}

// known gives "" for a text that says nothing: a filler, or one character again and
// again.
func known(s string) string {
	if fillers[strings.ToLower(s)] {
		return ""
	}
	if bare := strings.ReplaceAll(s, "-", ""); len(bare) > 1 && strings.Trim(bare, bare[:1]) == "" || s == "0" || s == "." || bare == "" {
		return ""
	}
	return s
}
