package live

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"salvor/internal/layout"
)

func device(name, mac string) layout.Interface {
	return layout.Interface{Name: name, Kind: layout.Ethernet, PermanentMAC: mac}
}

func bond(name string, members ...string) layout.Interface {
	return layout.Interface{Name: name, Kind: layout.BondKind, Members: members, Bond: &layout.Bond{Mode: "active-backup"}}
}

func bridge(name string, members ...string) layout.Interface {
	return layout.Interface{Name: name, Kind: layout.BridgeKind, Members: members, Bridge: &layout.Bridge{}}
}

func vlan(name, parent string, id int) layout.Interface {
	return layout.Interface{Name: name, Kind: layout.VLANKind, VLAN: &layout.VLAN{ID: id, Parent: parent}}
}

// TestHostileSaved: what makes no sense is told, and the rest is planned.
func TestHostileSaved(t *testing.T) {
	eno := device("eno1", "52:54:00:00:00:01")
	const start = "cannot set up the saved interface "
	const noName = "that is no name for an interface: it has at most 15 bytes, and no blank, slash, colon or percent sign"
	for name, c := range map[string]struct {
		saved       []layout.Interface
		want, notes string
	}{
		"what lies on what comes later": {[]layout.Interface{bridge("br0", "eno1", "later"), eno, device("eno2", "52:54:00:00:00:02"), vlan("later", "eno2", 7)},
			"eth1\neth2\nlater is a vlan of eth2\nbr0 is a bridge of eth1+later\n", ""},
		"large packets below": {[]layout.Interface{{Name: "eno1", Kind: layout.Ethernet, PermanentMAC: "52:54:00:00:00:01", MTU: 9000}, vlan("v", "eno1", 7), vlan("w", "v", 8)},
			"eth1 mtu 9000\nv is a vlan of eth1 mtu 1500\nw is a vlan of v mtu 1500\n", ""},
		"a bond of itself": {[]layout.Interface{bond("bond0", "bond0", "eno1"), eno}, "eth1\n", start + "bond0: it lies on itself, or on what does: bond0, eno1"},
		"a circle": {[]layout.Interface{bond("bond0", "br0"), bridge("br0", "bond0.7"), vlan("bond0.7", "bond0", 7), eno}, "eth1\n",
			start + "bond0: it lies on itself, or on what does: br0\n" + start + "br0: it lies on itself, or on what does: bond0.7\n" +
				start + "bond0.7: it lies on itself, or on what does: bond0"},
		"a VLAN of itself": {[]layout.Interface{vlan("v", "v", 7), eno}, "eth1\n", start + "v: it lies on itself, or on what does: v"},
		"a VLAN too high": {[]layout.Interface{vlan("v", "eno1", 5000), vlan("w", "eno1", -1), vlan("x", "eno1", 4094), eno}, "eth1\nx is a vlan of eth1\n",
			start + "v: there is no VLAN 5000: the last one is 4094\n" + start + "w: there is no VLAN -1: the last one is 4094"},
		"a protocol": {[]layout.Interface{{Name: "v", Kind: layout.VLANKind, VLAN: &layout.VLAN{ID: 7, Parent: "eno1", Protocol: "ISL"}}, eno}, "eth1\n",
			start + `v: "ISL" is no protocol of VLANs: 802.1Q and 802.1ad are`},
		"names": {[]layout.Interface{bond("../../x", "eno1"), bond("sixteen-letters-", "eno1"), bond("", "eno1"), bond("..", "eno1"), bond("bond%d", "eno1"), bond("a b", "eno1"), bond("lo", "eno1"),
			bond("fifteen-letters", "eno1"), eno}, "eth1\nfifteen-letters is a bond of eth1\n",
			strings.Join([]string{start + "../../x: " + noName, start + "sixteen-letters-: " + noName, start + ": " + noName, start + "..: " + noName, start + "bond%d: " + noName,
				start + "a b: " + noName, start + "lo: " + noName}, "\n")},
		"a name that a device has here": {[]layout.Interface{bridge("eth0", "eno1"), eno}, "eth1\n", start + "eth0: another interface has its name here"},
		"a name twice":                  {[]layout.Interface{eno, bond("b", "eno1"), bridge("b", "eno1")}, "eth1\nb is a bond of eth1\n", start + "b: its name stands in the layout twice"},
		"one device, two entries": {[]layout.Interface{eno, device("eno9", "52:54:00:00:00:01")}, "eth1\n",
			"the saved interface eno9 (52:54:00:00:00:01) is not here"},
		"a member of two": {[]layout.Interface{bond("bond0", "eno1"), bridge("br0", "eno1", "eno2"), bridge("br1", "eno1"), eno, device("eno2", "52:54:00:00:00:02")},
			"eth1\neth2\nbond0 is a bond of eth1\nbr0 is a bridge of eth2\n",
			"the saved interface eno1 is a member of bond0 already, leaving it out of br0\n" + start + "br1: nothing that it is made of is here: eno1"},
		"without a word": {[]layout.Interface{{Name: "b", Kind: layout.BondKind, Members: []string{"eno1"}}, {Name: "v", Kind: layout.VLANKind}, {Name: "x"}, eno}, "eth1\n",
			start + "b: the layout does not say how the bond works\n" + start + "v: the layout does not say how the vlan works\n" + start + "x: salvor makes no interfaces of the kind "},
		"addresses": {[]layout.Interface{{Name: "eno1", Kind: layout.Ethernet, PermanentMAC: "52:54:00:00:00:01", Addresses: []string{"192.0.2.7", "192.0.2.8/33", "192.0.2.9 peer ::1/128", "192.0.2.9/24"}}},
			"eth1 192.0.2.9/24\n",
			`cannot use the address "192.0.2.7" of the saved interface eno1: netip.ParsePrefix("192.0.2.7"): no '/'` + "\n" +
				`cannot use the address "192.0.2.8/33" of the saved interface eno1: netip.ParsePrefix("192.0.2.8/33"): prefix length out of range` + "\n" +
				`cannot use the address "192.0.2.9 peer ::1/128" of the saved interface eno1: the other end, ::1/128, is of another kind than 192.0.2.9`},
	} {
		t.Run(name, func(t *testing.T) {
			links := linksOfKind("device")
			plan, notes := planNetwork(Parameters{IP: []IPParameter{{Mode: IPSaved}}}, &layout.Network{Interfaces: c.saved}, links)
			if diff := cmp.Diff(c.want, planText(plan)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.notes, strings.Join(notes, "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func linksOfKind(kind string) []link {
	var out []link
	for _, l := range linksHere {
		l.kind = kind
		out = append(out, l)
	}
	return out
}

// TestSameAddressTwice: where two devices have one hardware address, the name tells them apart.
func TestSameAddressTwice(t *testing.T) {
	const mac = "52:54:00:00:00:01"
	links := []link{{name: "front", mac: mac}, {name: "function", mac: mac}}
	saved := &layout.Network{Interfaces: []layout.Interface{
		{Name: "function", Kind: layout.Ethernet, PermanentMAC: mac, MTU: 9000},
		{Name: "front", Kind: layout.Ethernet, PermanentMAC: mac, MTU: 1400},
	}}
	plan, notes := planNetwork(Parameters{IP: []IPParameter{{Mode: IPSaved}}}, saved, links)
	if diff := cmp.Diff("function mtu 9000\nfront mtu 1400\n", planText(plan)); diff != "" || notes != nil {
		t.Error(notes, diff)
	}
}

// TestBondOptions: in an order that the kernel takes, with the names that members have here.
func TestBondOptions(t *testing.T) {
	saved := &layout.Network{Interfaces: []layout.Interface{device("eno1", "52:54:00:00:00:01"), {Name: "b", Kind: layout.BondKind, Members: []string{"eno1"},
		Bond: &layout.Bond{Mode: "active-backup", Options: []string{"arp_ip_target=192.0.2.1,192.0.2.2", "downdelay=200", "miimon=100", "primary=eno1", "updelay=200"}}}}}
	plan, _ := planNetwork(Parameters{IP: []IPParameter{{Mode: IPSaved}}}, saved, linksHere)
	want := []string{"miimon=100", "arp_ip_target=+192.0.2.1", "arp_ip_target=+192.0.2.2", "downdelay=200", "primary=eth1", "updelay=200"}
	if diff := cmp.Diff(want, plan.links[1].made.Bond.Options); diff != "" {
		t.Error(diff)
	}
	if saved.Interfaces[1].Bond.Options[0] != "arp_ip_target=192.0.2.1,192.0.2.2" {
		t.Error("the layout was changed")
	}
}

func TestKernelRoute(t *testing.T) {
	index := func(name string) (int, error) {
		if name != "eth0" {
			return 0, fmt.Errorf("there is no %s", name)
		}
		return 7, nil
	}
	for _, c := range []struct {
		name, want string
		route      layout.Route
	}{
		{"plain", "{Ifindex: 7 Dst: 10.0.0.0/8 Src: 192.0.2.7 Gw: 192.0.2.1 Flags: [onlink] Table: 0 Realm: 0}",
			layout.Route{To: "10.0.0.0/8", Via: "192.0.2.1", Interface: "eth0", Source: "192.0.2.7", OnLink: true}},
		{"by IPv6", "{Ifindex: 7 Dst: 10.0.0.0/8 Via: Family: 10, Address: fe80::1 Src: <nil> Gw: <nil> Flags: [] Table: 0 Realm: 0}", layout.Route{To: "10.0.0.0/8", Via: "fe80::1", Interface: "eth0"}},
		{"two", "{Dst: ::/0 Src: <nil> Gw: [{Ifindex: 7 Weight: 3 Gw: fe80::1 Flags: []} {Ifindex: 7 Weight: 1 Gw: fe80::2 Flags: []}] Flags: [] Table: 0 Realm: 0}",
			layout.Route{To: "::/0", Hops: []layout.Hop{{Via: "fe80::1", Interface: "eth0", Weight: 3}, {Via: "fe80::2", Interface: "eth0"}}}},
		{"nowhere", "{Ifindex: 0 Dst: 10.0.0.0/8 Src: <nil> Gw: <nil> Flags: [] Table: 0 Realm: 0}", layout.Route{To: "10.0.0.0/8", Type: "blackhole"}},
		{"bad destination", `netip.ParsePrefix("x"): no '/'`, layout.Route{To: "x"}},
		// Taken for none, it would make of a default route one that leads onto the link.
		{"bad gateway", `ParseAddr("192.0.2.1/24"): unexpected character (at "/24")`, layout.Route{To: "0.0.0.0/0", Via: "192.0.2.1/24"}},
		{"other gateway", "192.0.2.1 is no gateway of IPv6", layout.Route{To: "::/0", Via: "192.0.2.1"}},
		{"bad source", `ParseAddr("me"): unable to parse IP`, layout.Route{To: "::/0", Source: "me"}},
		{"bad type", `"local" is no type of a route`, layout.Route{To: "10.0.0.0/8", Type: "local"}},
		{"bad interface", "there is no eth9", layout.Route{To: "10.0.0.0/8", Hops: []layout.Hop{{Interface: "eth9"}}}},
	} {
		route, err := kernelRoute(c.route, index)
		got := fmt.Sprint(err)
		if err == nil {
			got = route.String()
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	route, err := kernelRoute(layout.Route{To: "10.0.0.0/8", Type: "prohibit"}, index)
	if err != nil || route.Type != unix.RTN_PROHIBIT || route.Scope == netlink.SCOPE_LINK {
		t.Errorf("%+v, %v", route, err)
	}
}

// FuzzSaved: whatever stands in a layout, nothing is made of itself, of what comes after it, or
// twice, nor under a name that leads out of a directory.
func FuzzSaved(f *testing.F) {
	f.Add("bond0", "bond0.7", "eno1", "bond0", 7, uint8(0))
	f.Add("a/b", "sixteen-letters-", "eth0", "", 5000, uint8(3))
	f.Fuzz(func(t *testing.T, one, two, three, four string, id int, kinds uint8) {
		make := func(name, on, other string, kind uint8) layout.Interface {
			return []layout.Interface{bond(name, on, other), bridge(name, on, other), vlan(name, on, id), device(name, "52:54:00:00:00:01")}[kind%4]
		}
		saved := &layout.Network{Interfaces: []layout.Interface{
			make(one, two, three, kinds), make(two, three, four, kinds>>2), make(three, one, four, kinds>>4), make(four, one, two, kinds>>6),
		}}
		plan, _ := planNetwork(Parameters{IP: []IPParameter{{Mode: IPSaved}}}, saved, linksOfKind("device"))
		seen, member := map[string]bool{}, map[string]bool{}
		for _, l := range plan.links {
			below := l.members
			if l.parent != "" {
				below = append(below, l.parent)
			}
			for _, m := range below {
				if !seen[m] {
					t.Errorf("%q is made of %q, which is not there", l.name, m)
				}
			}
			for _, m := range l.members {
				if member[m] {
					t.Errorf("%q is a member twice", m)
				}
				member[m] = true
			}
			if seen[l.name] || len(l.name) > 15 || l.name == "" || strings.ContainsAny(l.name, "/ %\n") {
				t.Errorf("%q is no good name", l.name)
			}
			seen[l.name] = true
		}
	})
}
