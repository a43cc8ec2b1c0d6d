package host

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/layout"
	"salvor/internal/machine"
)

// efiFiles is an UEFI machine: what QEMU with OVMF 2022.11 shows, with two entries and
// a serial number more.
var efiFiles = map[string]string{
	"proc/sys/kernel/hostname":    "salt\n",
	"proc/sys/kernel/osrelease":   "6.1.0-56-amd64\n",
	"proc/sys/kernel/arch":        "x86_64\n",
	"proc/cmdline":                "BOOT_IMAGE=/vmlinuz root=UUID=4a1c ro  rd.luks.key=/key:LABEL=KEYS ip=dhcp iscsi_password=hunter2\n",
	"etc/hosts":                   "127.0.0.1 localhost\n127.0.1.1 salt.example.org salt # ours\n",
	"etc/os-release":              "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n",
	"sys/class/dmi/id/sys_vendor": "QEMU\n", "sys/class/dmi/id/product_name": "Standard PC (Q35 + ICH9, 2009)\n",
	"sys/class/dmi/id/product_version": "pc-q35-7.2\n", "sys/class/dmi/id/product_serial": "Not Specified\n",
	"sys/class/dmi/id/product_uuid": "4C4C4544-0042-3510-8054-B7C04F4B4E31\n",
	"sys/class/dmi/id/board_serial": "/7BQK5N1/CN1374\n",
	"sys/class/dmi/id/bios_vendor":  "EFI Development Kit II / OVMF\n", "sys/class/dmi/id/bios_version": "0.0.0\n",
	"sys/class/dmi/id/bios_date":              "02/06/2015\n",
	"sys/firmware/efi/fw_platform_size":       "64\n",
	efiFile("SecureBoot"):                     "\x06\x00\x00\x00\x01",
	efiFile("Timeout"):                        "\x07\x00\x00\x00\x05\x00",
	efiFile("BootCurrent"):                    "\x06\x00\x00\x00\x01\x00",
	efiFile("BootOrder"):                      "\x07\x00\x00\x00\x01\x00\x0a\x00\x00\x00",
	efiFile("Boot0000"):                       "\x07\x00\x00\x00" + efiEntry(0x109, "UiApp", efiFv, ""),
	efiFile("Boot0001"):                       "\x07\x00\x00\x00" + efiEntry(1, "debian", efiShim, ""),
	efiFile("Boot000A"):                       "\x07\x00\x00\x00" + efiEntry(0, "Windows Boot Manager", efiShim, "WINDOWS\x00"),
	efiFile("Boot000B"):                       "\x07\x00\x00\x00" + efiEntry(1, "stub", efiShim, wide("root=/dev/sda2 luks.password=geheim")),
	efiFile("Boot000C"):                       "\x07\x00\x00\x00garbage",
	"sys/firmware/efi/efivars/Boot0009-other": "\x07\x00\x00\x00",
}

func efiFile(name string) string { return strings.TrimPrefix(efivars, "/") + "/" + name + efiGlobal }

const (
	efiFv = "\x04\x07\x14\x00\xc9\xbd\xb8\x7c\xeb\xf8\x34\x4f\xaa\xea\x3e\xe4\xaf\x65\x16\xa1" +
		"\x04\x06\x14\x00\x21\xaa\x2c\x46\x14\x76\x03\x45\x83\x6e\x8a\xb6\xf4\x66\x23\x31\x7f\xff\x04\x00"
	efiShim = "\x04\x01\x2a\x00\x01\x00\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00" +
		"\x28\x73\x2a\xc1\x1f\xf8\xd2\x11\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b\x02\x02" +
		"\x04\x04\x0c\x00\\\x00a\x00.\x00\x00\x00\x7f\xff\x04\x00"
)

func wide(s string) string {
	var b strings.Builder
	for _, c := range []byte(s + "\x00") {
		b.WriteString(string([]byte{c, 0}))
	}
	return b.String()
}

func efiEntry(attributes uint16, description, path, optional string) string {
	return string([]byte{byte(attributes), byte(attributes >> 8), 0, 0, byte(len(path)), byte(len(path) >> 8)}) + wide(description) + path + optional
}

func TestRead(t *testing.T) {
	m := newStand(t, efiFiles, nil)
	m.says = map[string]string{"mdadm --version": "mdadm - v4.2 - 2021-12-30\n", "lvm version": "nothing of use"}
	h, notes, err := Read(t.Context(), m, Wanted{Tools: []string{"restic", "mdadm", "lvm", "mdadm"}})
	must(t, err)
	golden(t, "efi.yaml", h, notes)
	text := strings.Join(notes, "\n")
	for _, secret := range []string{"hunter2", "geheim"} {
		if strings.Contains(text+h.Boot.CommandLine, secret) {
			t.Errorf("%s is told", secret)
		}
	}
}

// TestReplay: what was recorded is read again as it was, and two looks at a machine
// give the same.
func TestReplay(t *testing.T) {
	m := layersStand(t)
	for name, text := range efiFiles {
		m.write(t, name, text)
	}
	m.says["mdadm --version"] = "mdadm - v4.2 - 2021-12-30\n"
	recorder := machine.NewRecorder(m)
	want := Wanted{Tools: []string{"mdadm", "restic"}}
	first, _, err := Read(t.Context(), recorder, want)
	must(t, err)
	again, _, err := Read(t.Context(), recorder, want)
	must(t, err)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Error(diff)
	}
	recording, _, err := recorder.Recording()
	must(t, err)
	var file bytes.Buffer
	must(t, recording.Save(&file))
	loaded, err := machine.LoadRecording(&file)
	must(t, err)
	replay := machine.NewReplay(loaded)
	replayed, _, err := Read(t.Context(), replay, want)
	must(t, err)
	if diff := cmp.Diff(first, replayed); diff != "" || len(replay.Missed()) > 0 {
		t.Errorf("%s; missed: %v", diff, replay.Missed())
	}
}

func TestReadStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if h, _, err := Read(ctx, newStand(t, nil, nil), Wanted{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%+v, %v", h, err)
	}
}

// TestTools: few at a time, and one that hangs holds up nothing else.
func TestTools(t *testing.T) {
	m := newStand(t, nil, nil)
	m.says = map[string]string{
		"tar --version": "tar (GNU tar) 1.34\n", "rsync --version": "rsync  version 3.2.7  protocol version 31\n",
		"sgdisk --version": "GPT fdisk (sgdisk) version 1.0.9\n", "cryptsetup --version": "cryptsetup 2.6.1\n",
		"sfdisk --version": "sfdisk from util-linux 2.38.1\n", "mdadm --version": "?", "dracut --version": "hangs",
	}
	m.hangs["dracut"] = true
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r := &reader{files: m}
	got := r.readTools(ctx, m, []string{"util-linux", "tar", "rsync", "gptfdisk", "cryptsetup", "mdadm", "dracut", "restic", "nonsense"})
	want := []layout.Tool{{Name: "cryptsetup", Version: "2.6.1"}, {Name: "gptfdisk", Version: "1.0.9"}, {Name: "rsync", Version: "3.2.7"}, {Name: "tar", Version: "1.34"}, {Name: "util-linux", Version: "2.38.1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(r.notes) != 2 || !strings.Contains(r.notes[0], "dracut") || !strings.Contains(r.notes[1], "mdadm") {
		t.Errorf("the notes are %q", r.notes)
	}
	if m.most > atOnce {
		t.Errorf("%d programs ran at once", m.most)
	}
}

func TestFirmware(t *testing.T) {
	tests := []struct{ arch, dir, want string }{
		{"x86_64", "", layout.BIOSFirmware}, {"i686", "", layout.BIOSFirmware}, {"x86_64", "sys/firmware/efi", layout.UEFI},
		{"aarch64", "sys/firmware/efi", layout.UEFI}, {"aarch64", "proc/device-tree", layout.DeviceTree}, {"aarch64", "", ""},
		{"s390x", "", layout.IPL}, {"ppc64le", "proc/device-tree", layout.OpenFirmware}, {"ppc64le", "sys/firmware/opal", layout.OPAL},
		{"riscv64", "proc/device-tree", layout.DeviceTree},
	}
	for _, tt := range tests {
		m := newStand(t, nil, nil)
		must(t, os.MkdirAll(filepath.Join(m.dir, tt.dir), 0o755))
		if got := (&reader{files: m}).firmware(tt.arch); got != tt.want {
			t.Errorf("%s with /%s is started by %q, not %q", tt.arch, tt.dir, got, tt.want)
		}
	}
}

// TestArchitecture: kernels before 6.1 have no file for it.
func TestArchitecture(t *testing.T) {
	m := newStand(t, nil, nil)
	m.says["uname -m"] = "aarch64\n"
	if got := (&reader{files: m}).architecture(t.Context(), m); got != "aarch64" {
		t.Errorf("the architecture is %q", got)
	}
}

func TestHardware(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  layout.Hardware
	}{
		{"Raspberry Pi", map[string]string{"proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\x00", "proc/device-tree/serial-number": "10000000a1b2c3d4\x00"},
			layout.Hardware{Product: "Raspberry Pi 4 Model B Rev 1.4", Serial: "10000000a1b2c3d4"}},
		{"POWER", map[string]string{"proc/device-tree/model": "IBM,9009-22A\x00", "proc/device-tree/system-id": "IBM,0278ABCDE\x00"},
			layout.Hardware{Product: "IBM,9009-22A", Serial: "IBM,0278ABCDE"}},
		{"IBM Z", map[string]string{"proc/sysinfo": "Manufacturer:         IBM\nType:                 8561\nSequence Code:        00000000000ABCDE\n\nLPAR Number:          5\nLPAR Name:            LP05\nVM00 Name:            SALT\n"},
			layout.Hardware{Vendor: "IBM", Product: "8561", Version: "SALT", Serial: "ABCDE"}},
		{"none", nil, layout.Hardware{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, (&reader{files: newStand(t, tt.files, nil)}).readHardware()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestKnown(t *testing.T) {
	for _, filler := range []string{"", "0", "To Be Filled By O.E.M.", "Default string", "00000000-0000-0000-0000-000000000000", "FFFFFFFF", "...", "-"} {
		if got := known(filler); got != "" {
			t.Errorf("%q says something", filler)
		}
	}
	for _, text := range []string{"7", "VMware-56 4d", "PF0A1B2C", "Dell Inc."} {
		if got := known(text); got != text {
			t.Errorf("%q says nothing", text)
		}
	}
}

func TestDomain(t *testing.T) {
	tests := []struct{ hostname, hosts, resolv, want string }{
		{"salt.example.org", "", "", "example.org"},
		{"salt", "127.0.1.1 salt.example.org salt\n", "domain other.example\n", "example.org"},
		{"salt", "127.0.1.1 pepper.example.org pepper\n", "nameserver 192.0.2.1\ndomain other.example\n", "other.example"},
		{"salt", "", "search a.example b.example\n", ""},
		{"", "127.0.0.1 .example\n", "", ""},
	}
	for _, tt := range tests {
		m := newStand(t, map[string]string{"etc/hosts": tt.hosts, "etc/resolv.conf": tt.resolv}, nil)
		if got := (&reader{files: m}).domain(tt.hostname); got != tt.want {
			t.Errorf("%+v: the domain is %q", tt, got)
		}
	}
}

func TestReadTree(t *testing.T) {
	tree := fstest.MapFS{}
	for name, text := range map[string]string{
		"etc/hostname": "# by hand\npepper.example.net\n", "usr/lib/os-release": "ID='arch'\nPRETTY_NAME='Arch Linux'\n",
		"etc/resolv.conf":                       "nameserver 192.0.2.1\n",
		"lib/modules/6.1.0-9-amd64/modules.dep": "", "lib/modules/6.1.0-10-amd64/modules.dep": "", "lib/modules/6.9.1-gone/junk": "",
		"etc/NetworkManager/system-connections/Home.nmconnection": "[wifi-security]\npsk=geheim\n",
		"etc/network/interfaces":                                  "auto lo\n", "etc/network/interfaces.d/eth0~": "",
		"etc/sysconfig/network-scripts/ifcfg-eth0": "", "etc/sysconfig/network-scripts/ifcfg-lo": "",
		"etc/sysconfig/network-scripts/route6-eth0": "", "etc/systemd/network/10-lan.network": "", "etc/systemd/network/10-lan.network.d/x.conf": "",
		"proc/cmdline": "root=of-nobody", "etc/netplan/01.yaml": "",
	} {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	h, notes := ReadTree(t.Context(), tree, Outside{Architecture: "x86_64"})
	golden(t, "tree.yaml", h, notes)

	h, notes = ReadTree(t.Context(), tree, Outside{Kernel: "6.1.0-9-amd64", Here: newStand(t, efiFiles, nil)})
	golden(t, "tree-here.yaml", h, notes)
}

func TestLoaderName(t *testing.T) {
	tests := []struct {
		loader, firmware string
		uki              bool
		want             string
	}{
		{"grub", layout.UEFI, false, "grub2-efi"}, {"grub", layout.BIOSFirmware, false, "grub2-bios"}, {"grub", layout.OpenFirmware, false, "grub2-ieee1275"},
		{"grub", layout.IPL, false, "grub2-emu"}, {"grub", "", false, "grub2"}, {"systemd-boot", layout.UEFI, false, "systemd-boot"},
		{"systemd-boot", layout.UEFI, true, "uki"}, {"extlinux", layout.DeviceTree, false, "extlinux"}, {"zipl", layout.IPL, false, "zipl"},
		{"firmware", layout.DeviceTree, false, "raspberry-pi"}, {"lilo", layout.BIOSFirmware, false, ""},
	}
	for _, tt := range tests {
		if got := LoaderName(tt.loader, tt.firmware, tt.uki); got != tt.want {
			t.Errorf("%+v: it is %q", tt, got)
		}
	}
}
