package live

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/layout"
	"salvor/internal/machine"
)

func TestGreeting(t *testing.T) {
	f := newFake()
	for name, text := range map[string]string{
		"sda/size": "41943040\n", "sda/device/model": "DISK 3000\x1b[2J \n", "sda/device/serial": "S1",
		"nvme0n1/size": "2097152\n", "nvme0n1/device/model": "A drive with a name that is as long as no drive's name should be, but is",
		"loop0/size": "8", "sdb/size": "0", "dm-0/size": "8", "cciss!c0d0/size": "2048",
	} {
		f.tree["/sys/block/"+name] = text
	}
	f.tree["/sys/class/dmi/id/sys_vendor"] = "Acme\n"
	f.tree["/sys/class/dmi/id/product_name"] = "Rack 9\n"
	f.tree["/sys/class/dmi/id/product_uuid"] = "ABC\n"
	known := facts{hostname: "wreck", disks: readDisks(f), network: []string{"eth0: 192.0.2.7/24 by DHCP"}, keys: []string{"ssh-ed25519 SHA256:x"},
		saved: &layout.Machine{Hostname: "wreck", Hardware: layout.Hardware{Vendor: "Acme", Product: "Rack 9", UUID: "abc"}}}
	known.hardware, known.uuid = readHardware(f)
	got := greeting(known)
	want := `
This is the salvor rescue system. Nothing has been opened or mounted.

  machine   wreck, Acme Rack 9
  image     made of wreck, Acme Rack 9: this machine
  disks     cciss/c0d0    1.0 MiB
            nvme0n1       1.0 GiB  A drive with a name that is as long as no …
            sda          20.0 GiB  DISK 3000\x1b[2J S1
  network   eth0: 192.0.2.7/24 by DHCP
  ssh key   ssh-ed25519 SHA256:x
`
	if diff := cmp.Diff(want+nextSteps, got); diff != "" {
		t.Error(diff)
	}
	for line := range strings.Lines(got) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n >= greetingWidth {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	known.uuid = "def"
	if got := greeting(known); !strings.Contains(got, "ANOTHER machine") {
		t.Errorf("it does not say that this is another machine:\n%s", got)
	}
}

func TestConsoles(t *testing.T) {
	f := newFake()
	for _, name := range []string{"tty1", "tty2", "ttyS0", "hvc0"} {
		f.terminals[name] = nil
	}
	f.tree["/sys/class/tty/console/active"] = "tty0 ttyS0\n"
	p, _ := ParseParameters("console=ttyS0,115200 console=ttyS9 console=hvc0 console=null console=../sda")
	for _, name := range []string{"tty1", "ttyS0", "hvc0"} {
		f.terminals[name] = new(bytes.Buffer)
	}
	if diff := cmp.Diff([]string{"tty1", "ttyS0", "hvc0"}, consoles(f, p)); diff != "" {
		t.Error(diff)
	}
}

func TestMaskRules(t *testing.T) {
	f := newFake()
	for _, name := range []string{"/usr/lib/udev/rules.d/64-md-raid-assembly.rules", "/usr/lib/udev/rules.d/69-lvm.rules", "/usr/lib/udev/rules.d/10-dm.rules",
		"/usr/lib/udev/rules.d/11-dm-lvm.rules", "/usr/lib/udev/rules.d/63-md-raid-arrays.rules", "/etc/udev/rules.d/69-bcache.rules"} {
		f.tree[name] = "a rule"
	}
	if notes := maskRules(f); notes != nil {
		t.Error(notes)
	}
	var masked []string
	for name, text := range f.tree {
		if text == "" {
			masked = append(masked, name)
		}
	}
	slices.Sort(masked)
	want := []string{"/etc/udev/rules.d/64-md-raid-assembly.rules", "/etc/udev/rules.d/69-bcache.rules", "/etc/udev/rules.d/69-lvm.rules"}
	if diff := cmp.Diff(want, masked); diff != "" {
		t.Error(diff)
	}
}

// TestColdplug: a driver brings a bus with another device on it.
func TestColdplug(t *testing.T) {
	f := newFake()
	f.tree["/sys/devices/pci0/modalias"] = "pci:a\n"
	f.tree["/sys/devices/pci0/pci1/modalias"] = "pci:b\n"
	f.tree["/lib/modules/6.1.0/modules.devname"] = "# a heading\nfuse fuse c10:229\ndm_mod mapper/control c10:236\nodd ../sda b8:0\n"
	f.tree["/etc/modules-load.d/salvor.conf"] = "# more\ndm_mod\n"
	f.programs["modprobe"] = func(args []string) error {
		f.tree["/sys/devices/pci0/host0/modalias"] = "scsi:c\n"
		return &machine.ExitError{Status: 1}
	}
	notes := startDevices(context.Background(), f)
	want := []string{"modprobe -a -- dm_mod", "modprobe -a -b -q -- pci:a pci:b scsi:c"}
	if diff := cmp.Diff(want, f.ran); diff != "" || len(notes) != 1 {
		t.Errorf("%s%v", diff, notes)
	}
	if diff := cmp.Diff([]string{"fuse", "mapper/control"}, f.nodes); diff != "" {
		t.Error(diff)
	}
}

// TestSettle: udev is told of in order, and one that hangs holds up nothing.
func TestSettle(t *testing.T) {
	f := newFake()
	f.programs["udevd"] = nil
	f.programs["udevadm"] = func(args []string) error {
		if args[0] == "settle" {
			return errors.New("a disk hangs")
		}
		return nil
	}
	notes := startDevices(context.Background(), f)
	want := []string{"/usr/sbin/udevd --daemon", "udevadm trigger --type=subsystems --action=add", "udevadm trigger --type=devices --action=add " + strings.Join(without(idleSubsystems), " "), "udevadm settle --timeout=30"}
	if diff := cmp.Diff(want, f.ran); diff != "" {
		t.Error(diff)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "a disk hangs") {
		t.Error(notes)
	}
}

func TestFingerprint(t *testing.T) {
	// The key and its fingerprint by ssh-keygen -l (OpenSSH 9.2).
	got, err := fingerprint([]byte(hostKey))
	if err != nil || got != hostKeyPrint {
		t.Errorf("%s, %v", got, err)
	}
	for _, bad := range []string{"", "ssh-ed25519", "ssh-ed25519 *"} {
		if got, err := fingerprint([]byte(bad)); err == nil {
			t.Errorf("%q has the fingerprint %s", bad, got)
		}
	}
}

const (
	hostKey      = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINmqw49JB5gxcYn526rUP0xMvfTdIEfqKHM5k4MpvMtz"
	hostKeyPrint = "ssh-ed25519 SHA256:gWyuc0C3QEFx69OQN9pN+2TK/IxXDP9+H9E9eL+e1s4"
)
