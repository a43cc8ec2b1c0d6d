package host

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/layout"
	"salvor/internal/tool"
)

func TestNetwork(t *testing.T) {
	m := layersStand(t)
	m.write(t, "etc/resolv.conf", "nameserver 192.0.2.53\nsearch example.org\n")
	m.write(t, "etc/network/interfaces", "auto lo\n")
	r := &reader{files: m}
	got := r.readNetwork(t.Context(), m)
	golden(t, "layers.yaml", got, r.notes)
}

// TestNetworkWithoutIP: what sysfs and /proc tell is kept.
func TestNetworkWithoutIP(t *testing.T) {
	m := layersStand(t)
	m.says = nil
	r := &reader{files: m}
	got := r.readNetwork(t.Context(), m)
	golden(t, "layers-without-ip.yaml", got, r.notes)
}

// TestNothingOfALease: another lease and another container are no change.
func TestNothingOfALease(t *testing.T) {
	read := func(change func(string) string) layout.Network {
		m := layersStand(t)
		for c, said := range m.says {
			m.says[c] = change(said)
		}
		return (&reader{files: m}).readNetwork(t.Context(), m)
	}
	before := read(func(s string) string { return s })
	after := read(strings.NewReplacer(
		"198.51.100.7", "198.51.100.99", "198.51.100.1", "198.51.100.254", "2001:db8:1::5", "2001:db8:1::6",
		`"valid_life_time":3598`, `"valid_life_time":17`, "fe80::2", "fe80::77", "172.17.0.", "172.18.0.", "1e:93:09:82:e2:ad", "1e:93:09:82:e2:ae",
	).Replace)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
	other := read(strings.NewReplacer("192.0.2.10", "192.0.2.11").Replace)
	if cmp.Equal(before, other) {
		t.Error("another static address is no change")
	}
}

func TestBusOf(t *testing.T) {
	tests := []struct{ place, want string }{
		{"../../devices/pci0000:00/0000:00:1c.4/0000:02:00.1/net/eno2", "pci-0000:02:00.1"},
		{"../../devices/pci0000:00/0000:00:01.0/virtio0/net/eth0", "pci-0000:00:01.0"},
		{"../../devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/net/enx0", "pci-0000:00:14.0-usb-2:1.0"},
		{"../../devices/qeth/0.0.f500/net/encf500", "ccw-0.0.f500"},
		{"../../devices/vif-0/net/eth0", "xen-0"},
		{"../../devices/LNXSYSTM:00/LNXSYBUS:00/ACPI0004:00/VMBUS:00/000d3a6c-e1f0-000d-3a6c-e1f0000d3a6c/net/eth0", "vmbus-000d3a6c-e1f0-000d-3a6c-e1f0000d3a6c"},
		{"../../devices/platform/soc/1c30000.ethernet/net/end0", "platform-1c30000.ethernet"},
		{"../../devices/virtual/net/bond0", ""},
	}
	for _, tt := range tests {
		if got := busOf(tt.place); got != tt.want {
			t.Errorf("%s is at %q, not %q", tt.place, got, tt.want)
		}
	}
}

func TestStaticAddresses(t *testing.T) {
	address := func(family, local string, bits int, more ...func(*tool.IPAddress)) tool.IPAddress {
		a := tool.IPAddress{Family: family, Local: local, Prefix: bits, Scope: "global"}
		for _, f := range more {
			f(&a)
		}
		return a
	}
	n := &network{links: map[string]tool.IPLink{"eth0": {Addresses: []tool.IPAddress{
		address("inet6", "2001:db8::1", 64),
		address("inet6", "2001:db8::2", 64, func(a *tool.IPAddress) { a.Managed = true }),
		address("inet6", "2001:db8::3", 64, func(a *tool.IPAddress) { a.Protocol = "kernel_ra" }),
		address("inet6", "fe80::1", 64, func(a *tool.IPAddress) { a.Scope = "link" }),
		address("inet", "192.0.2.9", 32, func(a *tool.IPAddress) { a.Peer = "198.51.100.1" }),
		address("inet", "10.0.0.2", 8, func(a *tool.IPAddress) { a.Peer = "10.0.0.2" }),
	}}}}
	want := []string{"10.0.0.2/8", "192.0.2.9 peer 198.51.100.1/32", "2001:db8::1/64"}
	if diff := cmp.Diff(want, n.static("eth0")); diff != "" {
		t.Error(diff)
	}
	if n.isDynamic("eth0", "inet") || !n.isDynamic("eth0", "inet6") {
		t.Error("it is not seen which addresses are leased")
	}
}

func TestRoutes(t *testing.T) {
	leased := []tool.IPAddress{{Family: "inet", Local: "192.0.2.9", Prefix: 24, Scope: "global", Dynamic: true}}
	both := append(slices.Clone(leased), tool.IPAddress{Family: "inet", Local: "10.0.0.2", Prefix: 8, Scope: "global"})
	n := &network{
		reader: &reader{},
		links:  map[string]tool.IPLink{"dhcp": {Addresses: leased}, "both": {Addresses: both}, "fixed": {}},
		ports:  map[string]*port{"dhcp": {kept: true}, "both": {kept: true}, "fixed": {kept: true}, "docker0": {}},
	}
	tests := []struct {
		name  string
		route tool.IPRoute
		want  []layout.Route
	}{
		{"set by dhclient", tool.IPRoute{To: "default", Gateway: "192.0.2.1", Device: "dhcp", Protocol: "boot"},
			[]layout.Route{{To: "0.0.0.0/0", Interface: "dhcp", Dynamic: true}}},
		{"set by an administrator beside a lease", tool.IPRoute{To: "default", Gateway: "10.0.0.1", Device: "both", Protocol: "boot"},
			[]layout.Route{{To: "0.0.0.0/0", Via: "10.0.0.1", Interface: "both"}}},
		{"static by a lease's interface", tool.IPRoute{To: "default", Gateway: "192.0.2.1", Device: "dhcp", Protocol: "static"},
			[]layout.Route{{To: "0.0.0.0/0", Via: "192.0.2.1", Interface: "dhcp"}}},
		{"of IPv6 without a gateway", tool.IPRoute{To: "default", Device: "fixed", Protocol: "static", Pref: "medium", Metric: 5},
			[]layout.Route{{To: "::/0", Interface: "fixed", Metric: 5}}},
		{"classless by DHCP", tool.IPRoute{To: "10.0.0.0/8", Gateway: "192.0.2.7", Device: "dhcp", Protocol: "dhcp"}, nil},
		{"one address", tool.IPRoute{To: "198.51.100.1", Device: "fixed", Protocol: "static", Flags: []string{"onlink"}},
			[]layout.Route{{To: "198.51.100.1/32", Interface: "fixed", OnLink: true}}},
		{"by a routing daemon", tool.IPRoute{To: "10.0.0.0/8", Gateway: "10.0.0.1", Device: "fixed", Protocol: "bird"}, nil},
		{"by a container's bridge", tool.IPRoute{To: "10.0.0.0/8", Gateway: "172.17.0.9", Device: "docker0", Protocol: "static"}, nil},
		{"of another table", tool.IPRoute{To: "10.0.0.0/8", Gateway: "192.0.2.7", Device: "fixed", Protocol: "static", Table: "100"}, nil},
		{"nowhere in IPv6", tool.IPRoute{To: "2001:db8::/32", Type: "unreachable", Device: "lo", Protocol: "static", Pref: "medium"},
			[]layout.Route{{To: "2001:db8::/32", Type: "unreachable"}}},
		{"two, onto the link", tool.IPRoute{To: "default", Protocol: "static", Hops: []tool.IPHop{{Gateway: "192.0.2.1", Device: "fixed", Flags: []string{"onlink"}}, {Gateway: "192.0.2.2", Device: "fixed"}}},
			[]layout.Route{{To: "0.0.0.0/0", OnLink: true, Hops: []layout.Hop{{Via: "192.0.2.1", Interface: "fixed"}, {Via: "192.0.2.2", Interface: "fixed"}}}}},
		{"nowhere", tool.IPRoute{To: "10.0.0.0/8", Type: "unreachable", Protocol: "static"},
			[]layout.Route{{To: "10.0.0.0/8", Type: "unreachable"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, n.routes([]tool.IPRoute{tt.route})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestLeftOut: what is not recorded is said; the kernel's own tables and what is leased are nothing of
// the machine's.
func TestLeftOut(t *testing.T) {
	r := &reader{}
	n := &network{reader: r, links: map[string]tool.IPLink{"lo": {Addresses: []tool.IPAddress{{Family: "inet", Local: "127.0.0.1", Prefix: 8, Scope: "host"},
		{Family: "inet", Local: "192.0.2.1", Prefix: 32, Scope: "global"}}}}, ports: map[string]*port{"eth0": {kept: true}}}
	if diff := cmp.Diff([]string{"192.0.2.1/32"}, n.static("lo")); diff != "" {
		t.Error(diff)
	}
	n.routes([]tool.IPRoute{
		{To: "default", Gateway: "192.0.2.1", Device: "eth0", Protocol: "static", Table: "200"},
		{To: "10.0.0.0/8", Gateway: "192.0.2.1", Device: "eth0", Protocol: "boot", Table: "100"},
		{To: "10.1.0.0/16", Gateway: "192.0.2.1", Device: "eth0", Protocol: "boot", Table: "100"},
		{To: "192.0.2.7", Type: "local", Device: "eth0", Protocol: "kernel", Table: "local"},
		{To: "default", Gateway: "192.0.2.1", Device: "eth0", Protocol: "dhcp", Table: "300"},
	})
	want := []string{"left out of the network, with the rules that lead to them: the routes of the tables 100, 200"}
	if diff := cmp.Diff(want, r.notes); diff != "" {
		t.Error(diff)
	}
}

// TestRoutesAreSorted: in whatever order the kernel lists them.
func TestRoutesAreSorted(t *testing.T) {
	n := &network{ports: map[string]*port{"eth0": {kept: true}}}
	var all []tool.IPRoute
	for i := range 9 {
		all = append(all, tool.IPRoute{To: fmt.Sprintf("10.%d.0.0/16", 9-i), Device: "eth0", Protocol: "static"})
	}
	want := n.routes(all)
	slices.Reverse(all)
	if diff := cmp.Diff(want, n.routes(all)); diff != "" || want[0].To != "10.1.0.0/16" {
		t.Errorf("first is %s; %s", want[0].To, diff)
	}
}

// TestOddInterfaces: links that lead in circles, functions for guests, InfiniBand,
// wireless, and addresses that somebody set.
func TestOddInterfaces(t *testing.T) {
	const pci = "../../devices/pci0000:00/0000:00:0"
	links := [][2]string{
		{"/sys/class/net/br0", "../../devices/virtual/net/br0"}, {"/sys/class/net/br1", "../../devices/virtual/net/br1"},
		{"/sys/class/net/br0/lower_br1", "../br1"}, {"/sys/class/net/br1/lower_br0", "../br0"},
		{"/sys/class/net/guest", pci + "1.1/net/guest"}, {"/sys/class/net/guest/device", "../../../0000:00:01.1"},
		{"/sys/class/net/guest/device/physfn", "../0000:00:01.0"},
		{"/sys/class/net/ib0", pci + "2.0/net/ib0"}, {"/sys/class/net/ib0/device", "../../../0000:00:02.0"},
		{"/sys/class/net/wlan0", pci + "3.0/net/wlan0"}, {"/sys/class/net/wlan0/device", "../../../0000:00:03.0"},
		{"/sys/class/net/eth0", pci + "4.0/net/eth0"}, {"/sys/class/net/eth0/device", "../../../0000:00:04.0"},
	}
	m := newStand(t, nil, links)
	set := func(name string, attrs map[string]string) {
		for a, v := range attrs {
			m.write(t, "sys/class/net/"+name+"/"+a, v+"\n")
		}
	}
	must(t, os.Mkdir(filepath.Join(m.dir, "sys/class/net/br0/bridge"), 0o755))
	must(t, os.Mkdir(filepath.Join(m.dir, "sys/class/net/br1/bridge"), 0o755))
	set("ib0", map[string]string{"type": "32", "mtu": "65520", "mode": "connected", "pkey": "0x8001", "addr_assign_type": "0",
		"address": "80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:1d:3e:41"})
	set("wlan0", map[string]string{"type": "1", "uevent": "DEVTYPE=wlan\nINTERFACE=wlan0", "addr_assign_type": "3", "address": "02:00:00:00:00:99"})
	set("eth0", map[string]string{"type": "1", "mtu": "9000", "addr_assign_type": "3", "address": "02:00:00:00:00:01"})
	m.says["ip -json -details address show"] = `[{"ifname":"eth0","permaddr":"52:54:00:00:00:01"},{"ifname":"wlan0","permaddr":"52:54:00:00:00:02"}]`
	m.says["ip -json -details route show table all"] = ``
	r := &reader{files: m}
	golden(t, "odd.yaml", r.readNetwork(t.Context(), m), r.notes)
}

func TestDNS(t *testing.T) {
	tests := []struct {
		name, resolv, resolved string
		want                   layout.DNS
	}{
		{"plain", "# by hand\nsearch a.example b.example\nnameserver 192.0.2.1\nnameserver 2001:db8::1\noptions rotate\n", "",
			layout.DNS{Servers: []string{"192.0.2.1", "2001:db8::1"}, Search: []string{"a.example", "b.example"}}},
		{"resolved", "nameserver 127.0.0.53\nsearch .\n", "nameserver 192.0.2.1\nsearch a.example\n",
			layout.DNS{Servers: []string{"192.0.2.1"}, Search: []string{"a.example"}}},
		{"resolved that knows none", "nameserver 127.0.0.53\nsearch .\n", "", layout.DNS{Servers: []string{"127.0.0.53"}}},
		{"a cache of its own", "nameserver 127.0.0.1\n", "nameserver 192.0.2.1\n", layout.DNS{Servers: []string{"127.0.0.1"}}},
		{"none", "", "", layout.DNS{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newStand(t, map[string]string{"etc/resolv.conf": tt.resolv, "run/systemd/resolve/resolv.conf": tt.resolved}, nil)
			if diff := cmp.Diff(tt.want, (&reader{files: m}).readDNS()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
