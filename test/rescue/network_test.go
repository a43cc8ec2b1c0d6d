package rescue

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/layout"
)

// savedLayout is a machine with a bond, VLANs, a bridge and routes of every sort. Its first two cards
// have each other's names: those here are ens3 to ens6.
const savedLayout = `version: 1
machine:
  hostname: wreck
network:
  interfaces:
    - name: bond0
      kind: bond
      members: [ens3, ens4]
      bond:
        mode: active-backup
        options: [downdelay=200, miimon=100, primary=ens3, updelay=200]
    - name: bond0.7
      kind: vlan
      mtu: 1400
      addresses: [192.0.2.7/24, 192.0.2.66/24, "2001:db8:7::7/64", "2001:db8:7::66/64"]
      vlan:
        id: 7
        parent: bond0
    - name: br0
      kind: bridge
      addresses: [10.99.0.1 peer 10.99.0.2/32, 198.51.100.7/24]
      members: [ens5]
      bridge:
        vlan_filtering: true
    - name: br0.9
      kind: vlan
      addresses: [203.0.113.7/24]
      vlan:
        id: 9
        parent: br0
    - name: circle
      kind: bridge
      members: [circle]
      bridge: {}
    - name: ens3
      kind: ethernet
      permanent_mac: "52:54:00:00:00:02"
    - name: ens4
      kind: ethernet
      permanent_mac: "52:54:00:00:00:01"
    - name: ens5
      kind: ethernet
      permanent_mac: "52:54:00:00:00:03"
    - name: ens6
      kind: ethernet
      permanent_mac: "52:54:00:00:00:04"
      dynamic_ipv4: true
  routes:
    - to: 0.0.0.0/0
      via: 192.0.2.1
      interface: bond0.7
      source: 192.0.2.7
    - to: 10.1.0.0/16
      via: 172.16.0.1
      interface: br0
      metric: 50
      onlink: true
    - to: 10.2.0.0/16
      type: blackhole
    - to: 10.3.0.0/16
      hops:
        - via: 192.0.2.1
          interface: bond0.7
        - via: 203.0.113.1
          interface: br0.9
          weight: 3
    - to: 10.4.0.0/16
      via: fe80::1
      interface: bond0.7
    - to: 10.5.0.0/16
      via: 10.99.1.1
      interface: br0
    - to: 10.99.1.1/32
      interface: br0
    - to: ::/0
      via: fe80::1
      interface: bond0.7
      metric: 1024
    - to: "2001:db8:ffff::/48"
      via: "2001:db8:7::1"
      interface: bond0.7
      metric: 300
      source: "2001:db8:7::7"
  dns:
    servers: [192.0.2.53, "2001:db8::53"]
    search: [example.org]
`

// TestSavedNetwork: the network of the layout in an image that salvor rescue build made, and coming in
// by ssh. What the kernel has is read through ssh; what gets through is seen at the other end of the
// cables.
func TestSavedNetwork(t *testing.T) {
	needLab(t)
	b := newBuilder(t, "build.sh")
	tree := machineWith(t, b, map[string]string{"var/lib/salvor/layout.yaml": savedLayout, "root/.ssh/authorized_keys": makeKey(t, b.dir)})
	initramfs := filepath.Join(b.dir, "saved.initramfs")
	b.run(t, "rescue", "build", "--root", tree, "--minimal", "--format", "initramfs", "--output", initramfs)
	t.Run("keys of the machine", func(t *testing.T) { hasNoHostKeys(t, tree, initramfs) })

	gateway := station("02:00:00:00:00:01", 7, "192.0.2.1", "fe80::1", "2001:db8:7::1")
	other := station("02:00:00:00:00:66", 7, "192.0.2.66", "2001:db8:7::66")
	plain := station("02:00:00:00:01:01", 0, "198.51.100.1", "10.99.1.1", "172.16.0.1")
	tagged := station("02:00:00:00:01:09", 9, "203.0.113.1")
	one, two, three := wire(t, "one", gateway, other), wire(t, "two", gateway, other), wire(t, "three", plain, tagged)
	disk := filepath.Join(b.dir, "disk") // salvor saves nothing of a machine without one
	if err := os.WriteFile(disk, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	v := start(t, Image{filepath.Join(b.trees, "vmlinuz"), initramfs}, "ip=saved", slices.Concat(
		one.Card("virtio-net-pci", "52:54:00:00:00:01"), two.Card("virtio-net-pci", "52:54:00:00:00:02"), three.Card("virtio-net-pci", "52:54:00:00:00:03"),
		[]string{"-netdev", fmt.Sprintf("user,id=user,hostfwd=tcp:127.0.0.1:%d-:22", port), "-device", "virtio-net-pci,netdev=user,mac=52:54:00:00:00:04",
			"-drive", "if=none,id=d,format=raw,file=" + disk, "-device", "virtio-blk-pci,drive=d"})...)
	expectAll(t, v, `machine +wreck, QEMU`, `salvor: ready`, `ens6: 10\.0\.2\.15/24 by DHCP`,
		`bond0\.7: 192\.0\.2\.7/24, 2001:db8:7::7/64`, `br0: 10\.99\.0\.1 peer 10\.99\.0\.2/32, 198\.51\.100\.7/24`, `br0\.9: 203\.0\.113\.7/24`,
		`bond0\.7: 192\.0\.2\.66 is in use by another machine \(02:00:00:00:00:66\), not taking it`,
		`bond0\.7: 2001:db8:7::66 is in use by another machine, not taking it`,
		`cannot set up the saved interface circle: it lies on itself`)
	login := newLogin(t, v, b.dir, port)

	t.Run("ssh", func(t *testing.T) { login.isByKeyAlone(t) })
	t.Run("kernel", func(t *testing.T) {
		for command, want := range map[string][]string{
			"ip -d link show bond0":        {"bond mode active-backup", "miimon 100", "updelay 200", "downdelay 200", "primary ens4"},
			"ip -d link show bond0.7":      {"bond0.7@bond0", "mtu 1400", "vlan protocol 802.1Q id 7"},
			"ip -d link show br0":          {"bridge forward_delay", "vlan_filtering 0"},
			"ip -o link show master bond0": {"ens3: ", "ens4: "},
			"ip -o link show master br0":   {"ens5: "},
			"ip -4 route":                  {"default via 192.0.2.1 dev bond0.7 src 192.0.2.7", "10.1.0.0/16 via 172.16.0.1 dev br0 metric 50 onlink", "10.4.0.0/16 via inet6 fe80::1 dev bond0.7", "blackhole 10.2.0.0/16"},
			"ip -6 route":                  {"default via fe80::1 dev bond0.7 metric 1024", "2001:db8:ffff::/48 via 2001:db8:7::1 dev bond0.7 src 2001:db8:7::7 metric 300"},
			"cat /etc/resolv.conf":         {"search example.org", "nameserver 192.0.2.53\nnameserver 2001:db8::53\n"},
		} {
			got := login.run(t, command)
			for _, w := range want {
				if !strings.Contains(strings.ReplaceAll(got, " \n", "\n"), w) {
					t.Errorf("%s does not show %q:\n%s", command, w, got)
				}
			}
		}
	})
	t.Run("saved again", func(t *testing.T) { savedAgain(t, login.run(t, "salvor save - || test $? -eq 3")) })
	t.Run("peers", func(t *testing.T) {
		for _, p := range []struct {
			wire       *Wire
			by         Station
			source, to string
		}{
			{two, gateway, "192.0.2.1", "192.0.2.7"},
			{two, gateway, "2001:db8:7::1", "2001:db8:7::7"},
			{two, gateway, "8.8.8.8", "192.0.2.7"}, // the answer takes the default route
			{two, gateway, "2001:db8:ffff::1", "2001:db8:7::7"},
			{two, gateway, "10.4.0.1", "192.0.2.7"},
			{three, plain, "198.51.100.1", "198.51.100.7"},
			{three, plain, "10.1.0.1", "198.51.100.7"},
			{three, plain, "10.5.0.1", "198.51.100.7"},
			{three, tagged, "203.0.113.1", "203.0.113.7"},
		} {
			if err := p.wire.Ping(p.by, p.source, p.to); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("announced", func(t *testing.T) {
		if !slices.ContainsFunc(two.Seen(), func(f Frame) bool {
			return f.Kind == ARPRequest && f.VLAN == 7 && f.Src == f.Dst && f.Src.String() == "192.0.2.7"
		}) {
			t.Error("192.0.2.7 was not announced")
		}
		for _, f := range slices.Concat(one.Seen(), two.Seen()) {
			if other.Addrs[0] == f.Src || other.Addrs[1] == f.Src {
				t.Errorf("it speaks as the other machine: %s", f)
			}
		}
	})
	t.Run("the other half of the bond", func(t *testing.T) {
		if err := v.Monitor("set_link two off"); err != nil {
			t.Fatal(err)
		}
		if err := one.Ping(gateway, "192.0.2.1", "192.0.2.7"); err != nil {
			t.Error(err)
		}
	})
	send(t, v, "poweroff")
	if err := v.Ended(); err != nil {
		t.Error(err)
	}
}

// savedAgain: what salvor reads of the network here is what was saved, but for what belongs to others, and
// the names of the cards.
func savedAgain(t *testing.T, text string) {
	network := func(text string) layout.Network {
		l, _, err := layout.Read("layout.yaml", []byte(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		n := l.Network
		n.Files = nil
		for at := range n.Interfaces {
			n.Interfaces[at].Driver, n.Interfaces[at].Bus, n.Interfaces[at].DynamicIPv6 = "", "", false
		}
		return n
	}
	want := network(savedLayout)
	want.Interfaces = slices.DeleteFunc(want.Interfaces, func(i layout.Interface) bool { return i.Name == "circle" })
	want.DNS.Servers = append(want.DNS.Servers, "10.0.2.3") // by DHCP
	for at, i := range want.Interfaces {
		want.Interfaces[at].Addresses = slices.DeleteFunc(i.Addresses, func(a string) bool { return strings.Contains(a, "66/") })
		switch i.Name {
		case "bond0":
			i.Bond.Options[slices.Index(i.Bond.Options, "primary=ens3")] = "primary=ens4"
		case "br0":
			i.Bridge.VLANFiltering = false // as salvor makes one
		case "ens3":
			want.Interfaces[at].PermanentMAC = "52:54:00:00:00:01"
		case "ens4":
			want.Interfaces[at].PermanentMAC = "52:54:00:00:00:02"
		}
	}
	if diff := cmp.Diff(want, network(text)); diff != "" {
		t.Errorf("-saved +here:\n%s", diff)
	}
}

// TestGivenNetwork: addresses on the command line, no DHCP server, a link that comes later, and a card
// that is to be left alone.
func TestGivenNetwork(t *testing.T) {
	needLab(t)
	image, err := Build(t.TempDir(), "plain", "/bin/sh", nil)
	if err != nil {
		t.Fatal(err)
	}
	gateway := station("02:00:00:00:00:01", 0, "192.0.2.1", "2001:db8::1", "fe80::1")
	late, first, second, left := wire(t, "late"), wire(t, "first", gateway), wire(t, "second", gateway), wire(t, "left")
	const lateMAC, firstMAC, secondMAC, leftMAC = "52:54:00:00:00:01", "52:54:00:00:00:02", "52:54:00:00:00:03", "52:54:00:00:00:04"
	v := start(t, image, strings.Join([]string{
		"salvor.ssh=off nameserver=192.0.2.53",
		"ip=192.0.2.7::192.0.2.1:255.255.255.0:wreck",
		"ip=[2001:db8::7]::[2001:db8::1]:64::" + secondMAC + ":off:[2001:db8::53]",
		"ip=" + lateMAC + ":dhcp",
		"salvor.net=" + strings.Join([]string{lateMAC, firstMAC, secondMAC}, ","),
	}, " "), slices.Concat(late.Card("e1000", lateMAC), first.Card("e1000", firstMAC), second.Card("e1000", secondMAC), left.Card("e1000", leftMAC))...)
	if err := v.Monitor("set_link late off"); err != nil { // long before the kernel looks
		t.Fatal(err)
	}
	expectAll(t, v, `machine +wreck, QEMU`, `salvor: ready`, `eth1: 192\.0\.2\.7/24`, `eth2: 2001:db8::7/64`, `eth0: no link yet`)
	send(t, v, "ip route; ip -6 route; cat /etc/resolv.conf; echo is=$((1+1))")
	expectAll(t, v, `default via 192\.0\.2\.1 dev eth1`, `default via 2001:db8::1 dev eth2`, `nameserver 192\.0\.2\.53\s+nameserver 2001:db8::53`, `is=2`)
	for _, err := range []error{
		first.Ping(gateway, "8.8.8.8", "192.0.2.7"),
		second.Ping(gateway, "2001:db8:ffff::1", "2001:db8::7"),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	t.Run("a link that comes later, and no server", func(t *testing.T) {
		if len(late.Seen()) > 0 {
			t.Errorf("without a link there was %v", late.Seen())
		}
		if err := v.Monitor("set_link late on"); err != nil {
			t.Fatal(err)
		}
		if _, err := late.Await(false, func() {}, func(f Frame) bool { return f.Kind == ToDHCPServer }); err != nil {
			t.Error(err)
		}
		expect(t, v, `eth0: no answer by DHCP yet`)
	})
	if seen := left.Seen(); len(seen) > 0 {
		t.Errorf("the card that was to be left alone sent %v", seen)
	}
	send(t, v, "poweroff")
	if err := v.Ended(); err != nil {
		t.Error(err)
	}
}

// wire makes one that ends with the test. Its directory is short, as that of start.
func wire(t *testing.T, id string, stations ...Station) *Wire {
	t.Helper()
	dir, err := os.MkdirTemp("", "wire")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w, err := NewWire(dir, id, stations...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// machineWith is the tree of a machine with some more files. It takes no room where it can lie
// beside the one that build.sh made.
func machineWith(t *testing.T, b *builder, files map[string]string) string {
	t.Helper()
	machine, tree := filepath.Join(b.trees, "machine"), filepath.Join(b.dir, "tree")
	if exec.Command("cp", "-al", machine, tree).Run() != nil {
		os.RemoveAll(tree) // what came before the failure
		if out, err := exec.Command("cp", "-a", machine, tree).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	for name, text := range files {
		name = filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // never through a link into the cache
		if err != nil {
			t.Fatal(err)
		}
		_, err = bytes.NewBufferString(text).WriteTo(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	return tree
}
