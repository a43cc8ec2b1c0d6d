package live

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/layout"
)

// savedNetwork is a machine with a bond, a VLAN on it, and a bridge that nothing here is part of.
var savedNetwork = &layout.Network{
	Interfaces: []layout.Interface{
		{Name: "bond0", Kind: layout.BondKind, Members: []string{"eno1", "eno2"}, Bond: &layout.Bond{Mode: "active-backup", Options: []string{"miimon=100"}}},
		{Name: "bond0.7", Kind: layout.VLANKind, VLAN: &layout.VLAN{ID: 7, Parent: "bond0"}, MTU: 1400, Addresses: []string{"192.0.2.7/24", "2001:db8::7/64"}},
		{Name: "br0", Kind: layout.BridgeKind, Members: []string{"eno3"}, Bridge: &layout.Bridge{STP: true}},
		{Name: "eno1", Kind: layout.Ethernet, PermanentMAC: "52:54:00:00:00:01"},
		{Name: "eno2", Kind: layout.Ethernet, PermanentMAC: "52:54:00:00:00:02"},
		{Name: "eno3", Kind: layout.Ethernet, PermanentMAC: "52:54:00:00:00:03"},
		{Name: "eno4", Kind: layout.Ethernet, PermanentMAC: "52:54:00:00:00:04", DynamicIPv4: true},
		{Name: "team0", Kind: layout.TeamKind, Members: []string{"eno4"}},
	},
	Routes: []layout.Route{
		{To: "0.0.0.0/0", Via: "192.0.2.1", Interface: "bond0.7"},
		{To: "198.51.100.0/24", Via: "203.0.113.1", Interface: "br0"},
		{To: "::/0", Interface: "eno4", Dynamic: true},
	},
	DNS: layout.DNS{Servers: []string{"192.0.2.53"}, Search: []string{"example.org"}},
}

var linksHere = []link{
	{name: "eth0", mac: "52:54:00:00:00:04", permanent: "52:54:00:00:00:04", ethernet: true},
	{name: "eth1", mac: "52:54:00:00:00:01", permanent: "52:54:00:00:00:01", ethernet: true, carrier: true},
	{name: "eth2", mac: "52:54:00:00:00:02", permanent: "52:54:00:00:00:02", ethernet: true},
	{name: "sit0", mac: "00:00:00:00"},
}

// planText is a plan in words.
func planText(p networkPlan) string {
	var b strings.Builder
	for _, l := range p.links {
		b.WriteString(l.name)
		if l.made != nil {
			fmt.Fprintf(&b, " is a %s", l.made.Kind)
		}
		if len(l.members) > 0 || l.parent != "" {
			fmt.Fprintf(&b, " of %s%s", strings.Join(l.members, "+"), l.parent)
		}
		if l.mtu > 0 {
			fmt.Fprintf(&b, " mtu %d", l.mtu)
		}
		if l.dhcp {
			b.WriteString(" dhcp")
		}
		for _, a := range l.addresses {
			b.WriteString(" " + a.String())
		}
		b.WriteString("\n")
	}
	for _, r := range p.routes {
		fmt.Fprintf(&b, "%s via %s on %s\n", r.To, r.Via, r.Interface)
	}
	return b.String() + strings.Join(append(p.dns.Servers, p.dns.Search...), " ")
}

func TestPlanNetwork(t *testing.T) {
	for name, c := range map[string]struct {
		line, want, notes string
		saved             *layout.Network
		links             []link
	}{
		"by default":          {line: "", want: "eth0 dhcp\neth1 dhcp\neth2 dhcp\n"},
		"saved but not asked": {line: "", saved: savedNetwork, want: "eth0 dhcp\neth1 dhcp\neth2 dhcp\n"},
		"off":                 {line: "ip=off", want: ""},
		"only one":            {line: "salvor.net=52:54:00:00:00:02", want: "eth2 dhcp\n"},
		"named":               {line: "ip=eth1:dhcp nameserver=192.0.2.53", want: "eth1 dhcp\n192.0.2.53"},
		"named, not here":     {line: "ip=eth9:dhcp", want: "", notes: "there is no network interface eth9"},
		"no interface":        {line: "", links: []link{{name: "sit0"}}, want: "", notes: "there is no network interface: a driver may be missing"},
		"only one of the saved": {line: "ip=saved salvor.net=52:54:00:00:00:02", saved: savedNetwork,
			want: "eth2\nbond0 is a bond of eth2\nbond0.7 is a vlan of bond0 mtu 1400 192.0.2.7/24 2001:db8::7/64\n0.0.0.0/0 via 192.0.2.1 on bond0.7\n192.0.2.53 example.org",
			notes: "the saved interface eno1 (52:54:00:00:00:01) is left alone: salvor.net= does not have it\nthe saved interface eno3 (52:54:00:00:00:03) is not here\n" +
				"the saved interface eno4 (52:54:00:00:00:04) is left alone: salvor.net= does not have it\ncannot set up the saved interface br0: nothing that it is made of is here: eno3\n" +
				"cannot set up the saved interface team0: salvor makes no interfaces of the kind team"},
		"static":          {line: "ip=192.0.2.7::192.0.2.1:255.255.255.0", want: "eth1 192.0.2.7/24\n0.0.0.0/0 via 192.0.2.1 on eth1\n"},
		"static and dhcp": {line: "ip=[2001:db8::7]::[2001:db8::1]:64::eth0:off ip=eth0:dhcp", want: "eth0 dhcp 2001:db8::7/64\n::/0 via 2001:db8::1 on eth0\n"},
		"nothing saved":   {line: "ip=saved salvor.net=eth0", want: "eth0 dhcp\n", notes: "no saved network is in the image: DHCP in its place"},
		"saved": {line: "ip=saved", saved: savedNetwork,
			want: "eth1\neth2\neth0 dhcp\nbond0 is a bond of eth1+eth2\nbond0.7 is a vlan of bond0 mtu 1400 192.0.2.7/24 2001:db8::7/64\n" +
				"0.0.0.0/0 via 192.0.2.1 on bond0.7\n192.0.2.53 example.org",
			notes: "the saved interface eno3 (52:54:00:00:00:03) is not here\n" +
				"cannot set up the saved interface br0: nothing that it is made of is here: eno3\n" +
				"cannot set up the saved interface team0: salvor makes no interfaces of the kind team"},
		"saved, half a bond": {line: "ip=saved", saved: savedNetwork, links: linksHere[1:2],
			want: "eth1\nbond0 is a bond of eth1\nbond0.7 is a vlan of bond0 mtu 1400 192.0.2.7/24 2001:db8::7/64\n0.0.0.0/0 via 192.0.2.1 on bond0.7\n192.0.2.53 example.org",
			notes: "the saved interface eno2 (52:54:00:00:00:02) is not here\nthe saved interface eno3 (52:54:00:00:00:03) is not here\n" +
				"the saved interface eno4 (52:54:00:00:00:04) is not here\ncannot set up the saved interface br0: nothing that it is made of is here: eno3\n" +
				"cannot set up the saved interface team0: salvor makes no interfaces of the kind team"},
	} {
		t.Run(name, func(t *testing.T) {
			p, notes := ParseParameters(c.line)
			if len(notes) > 0 {
				t.Fatal(notes)
			}
			if c.links == nil {
				c.links = linksHere
			}
			plan, notes := planNetwork(p, c.saved, c.links)
			if diff := cmp.Diff(c.want, planText(plan)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.notes, strings.Join(notes, "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// wires is a network with a state.
type wires struct {
	mu     sync.Mutex
	links  []link
	up     []string
	has    []string
	routes []string
	others map[string]string // addresses of other machines
	told   []string          // announcements
	fails  error             // of what can be done without
	leases []*lease          // the answers of the DHCP server, nil for none
}

func (w *wires) do(f func()) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
	return nil
}

// Links: no link is seen of an interface that is off.
func (w *wires) Links() ([]link, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := slices.Clone(w.links)
	for i := range out {
		out[i].carrier = out[i].carrier && slices.Contains(w.up, out[i].name)
	}
	return out, nil
}

func (w *wires) Up(name string) error { return w.do(func() { w.up = append(w.up, name) }) }
func (w *wires) Make(p linkPlan) error {
	w.do(func() { w.links = append(w.links, link{name: p.name, carrier: true}) })
	return w.fails
}
func (w *wires) SetMTU(string, int) error    { return w.fails }
func (w *wires) SetMAC(string, string) error { return nil }
func (w *wires) AddAddress(name string, a address, _ time.Duration) error {
	return w.do(func() { w.has = append(w.has, name+" "+a.String()) })
}
func (w *wires) RemoveAddress(name string, a address) error {
	return w.do(func() { w.has = slices.DeleteFunc(w.has, func(h string) bool { return h == name+" "+a.String() }) })
}
func (w *wires) AddRoute(r layout.Route) error {
	via := r.Via
	for _, h := range r.Hops {
		via += "+" + h.Via
	}
	return w.do(func() { w.routes = append(w.routes, r.To+" "+via) })
}

// Carrier: an interface without a link never gets one.
func (w *wires) Carrier(ctx context.Context, name string) error {
	w.mu.Lock()
	linked := slices.ContainsFunc(w.links, func(l link) bool { return l.name == name && l.carrier && slices.Contains(w.up, name) })
	w.mu.Unlock()
	if linked {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (w *wires) Taken(_ context.Context, _ string, addr netip.Addr) (net.HardwareAddr, error) {
	if mac, ok := w.others[addr.String()]; ok {
		return net.ParseMAC(mac)
	}
	return nil, nil
}

func (w *wires) Settle(_ context.Context, _ string, addr netip.Addr) (bool, error) {
	_, taken := w.others[addr.String()]
	return taken, nil
}

func (w *wires) Announce(name string, addr netip.Addr) error {
	return w.do(func() { w.told = append(w.told, name+" "+addr.String()) })
}

func (w *wires) Lease(context.Context, string, *lease) (*lease, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.leases) == 0 {
		return nil, errors.New("no answer")
	}
	l := w.leases[0]
	w.leases = w.leases[1:]
	if l == nil {
		return nil, errors.New("no answer")
	}
	return l, nil
}

// reachOn brings up a network for a while.
func reachOn(t *testing.T, w *wires, line string, saved *layout.Network, while time.Duration) (told, conf string) {
	t.Helper()
	p, _ := ParseParameters(line)
	var said []string
	r := &networker{n: w, dns: map[string]layout.DNS{},
		note:  func(text string) { w.do(func() { said = append(said, "note: "+text) }) },
		tell:  func(name, text string) { w.do(func() { said = append(said, name+": "+text) }) },
		write: func(dns layout.DNS) error { conf = string(resolvConf(dns)); return nil },
	}
	ctx, cancel := context.WithTimeout(context.Background(), while)
	defer cancel()
	r.reach(ctx, p, saved)
	return strings.Join(said, "\n"), conf
}

func TestTakenAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wires{links: slices.Clone(linksHere), others: map[string]string{"192.0.2.7": "52:54:00:00:00:99"}}
		told, conf := reachOn(t, w, "ip=saved", savedNetwork, time.Minute)
		if !strings.Contains(told, "note: bond0.7: 192.0.2.7 is in use by another machine (52:54:00:00:00:99), not taking it") {
			t.Errorf("told: %s", told)
		}
		if diff := cmp.Diff([]string{"bond0.7 2001:db8::7/64"}, w.has); diff != "" {
			t.Error(diff)
		}
		if len(w.told) > 0 {
			t.Errorf("announced %v", w.told)
		}
		if diff := cmp.Diff("# made by salvor's init\nsearch example.org\nnameserver 192.0.2.53\n", conf); diff != "" {
			t.Error(diff)
		}
	})
}

// TestTakenIPv6: the kernel finds it out only when the address is there, and it goes again.
func TestTakenIPv6(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wires{links: slices.Clone(linksHere), others: map[string]string{"2001:db8::7": "52:54:00:00:00:99"}}
		told, _ := reachOn(t, w, "ip=saved", savedNetwork, time.Minute)
		if !strings.Contains(told, "note: bond0.7: 2001:db8::7 is in use by another machine, not taking it") {
			t.Errorf("told: %s", told)
		}
		if diff := cmp.Diff([]string{"bond0.7 192.0.2.7/24"}, w.has); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"bond0.7 192.0.2.7", "bond0.7 192.0.2.7"}, w.told); diff != "" {
			t.Error(diff)
		}
	})
}

// TestFirstWithALink: an interface that is off shows none.
func TestFirstWithALink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wires{links: slices.Clone(linksHere)}
		told, _ := reachOn(t, w, "ip=192.0.2.7:::24", nil, time.Minute)
		if diff := cmp.Diff([]string{"eth1 192.0.2.7/24"}, w.has); diff != "" {
			t.Errorf("%s\n%s", told, diff)
		}
	})
}

// TestNoLink: it is told, and with a link the addresses come.
func TestNoLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wires{links: slices.Clone(linksHere)}
		told, _ := reachOn(t, w, "ip=192.0.2.7:::24::eth0:off", nil, time.Minute)
		if diff := cmp.Diff("eth0: no link yet; its addresses come with one", told); diff != "" || len(w.has) > 0 {
			t.Errorf("%v %s", w.has, diff)
		}
	})
}

// TestBestEffort: what can be done without does not stop the rest.
func TestBestEffort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wires{links: slices.Clone(linksHere), fails: errors.New("it is refused")}
		told, _ := reachOn(t, w, "ip=saved", savedNetwork, time.Minute)
		if diff := cmp.Diff([]string{"bond0.7 192.0.2.7/24", "bond0.7 2001:db8::7/64"}, w.has); diff != "" {
			t.Error(diff)
		}
		if got := strings.Count(told, "note: it is refused"); got != 3 { // two are made, one gets an MTU
			t.Errorf("it is told %d times:\n%s", got, told)
		}
	})
}

// TestHops: a route with two gateways waits for no more than one of them.
func TestHops(t *testing.T) {
	saved := &layout.Network{
		Interfaces: []layout.Interface{
			{Name: "a", Kind: layout.Ethernet, PermanentMAC: "52:54:00:00:00:01", Addresses: []string{"192.0.2.7/24"}},
			{Name: "b", Kind: layout.Ethernet, PermanentMAC: "52:54:00:00:00:02", Addresses: []string{"198.51.100.7/24"}},
		},
		Routes: []layout.Route{
			{To: "0.0.0.0/0", Hops: []layout.Hop{{Via: "192.0.2.1", Interface: "a"}, {Via: "198.51.100.1", Interface: "b"}}},
			{To: "203.0.113.0/24", Via: "198.51.100.2", Interface: "b"},
			{To: "203.0.113.9/32", Interface: "a"},
			{To: "2001:db8::/32", Type: "blackhole", Interface: "lo"},
		},
	}
	synctest.Test(t, func(t *testing.T) {
		w := &wires{links: slices.Clone(linksHere)}
		reachOn(t, w, "ip=saved", saved, time.Minute)
		if diff := cmp.Diff([]string{"2001:db8::/32 ", "203.0.113.9/32 ", "0.0.0.0/0 +192.0.2.1"}, w.routes); diff != "" {
			t.Error(diff)
		}
	})
}

// TestLease: no answer at first; then an address, another one at the renewal, and none any more.
func TestLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &lease{address: address{prefix: netip.MustParsePrefix("192.0.2.20/24")}, lasts: time.Hour, renew: 30 * time.Minute,
			routes: []layout.Route{{To: "0.0.0.0/0", Via: "192.0.2.1"}}, dns: layout.DNS{Servers: []string{"192.0.2.53", "$(reboot)"}, Search: []string{"example.org", "a b"}}}
		b := &lease{address: address{prefix: netip.MustParsePrefix("192.0.2.21/24")}, lasts: time.Hour, renew: 30 * time.Minute}
		w := &wires{links: linksHere[1:2], leases: []*lease{nil, nil, a, a, nil, b}}
		told, _ := reachOn(t, w, "", nil, 3*time.Hour)
		want := "eth1: no answer by DHCP yet: no answer\neth1: 192.0.2.20/24 by DHCP\neth1: 192.0.2.21/24 by DHCP\neth1: no answer by DHCP yet: no answer"
		if diff := cmp.Diff(want, told); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"lo", "eth1"}, w.up); diff != "" {
			t.Error(diff)
		}
	})
}

func TestResolvConf(t *testing.T) {
	got := string(resolvConf(mergeDNS(map[string]layout.DNS{
		"":     {Servers: []string{"192.0.2.1"}},
		"eth0": {Servers: []string{"192.0.2.1", "x\nsortlist", "2001:db8::1"}, Search: []string{"example.org", "evil\nnameserver"}},
	})))
	if diff := cmp.Diff("# made by salvor's init\nsearch example.org\nnameserver 192.0.2.1\nnameserver 2001:db8::1\n", got); diff != "" {
		t.Error(diff)
	}
}

func TestARP(t *testing.T) {
	own, other := net.HardwareAddr{2, 0, 0, 0, 0, 1}, net.HardwareAddr{2, 0, 0, 0, 0, 2}
	addr, elsewhere := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("192.0.2.8")
	answer := func(from net.HardwareAddr, ip netip.Addr) []byte {
		b := arpProbe(from, elsewhere)
		b[7] = 2
		copy(b[14:18], ip.AsSlice())
		return b
	}
	for name, c := range map[string]struct {
		packet []byte
		want   bool
	}{
		"an answer":            {answer(other, addr), true},
		"another's answer":     {answer(other, elsewhere), false},
		"a probe for the same": {arpProbe(other, addr), true},
		"a probe for another":  {arpProbe(other, elsewhere), false},
		"our own probe":        {arpProbe(own, addr), false},
		"cut off":              {answer(other, addr)[:27], false},
		"nothing":              {nil, false},
	} {
		by, got := arpConflict(c.packet, own, addr)
		if got != c.want || got && by.String() != other.String() {
			t.Errorf("%s: %v by %s", name, got, by)
		}
	}
}

func FuzzARP(f *testing.F) {
	own, addr := net.HardwareAddr{2, 0, 0, 0, 0, 1}, netip.MustParseAddr("192.0.2.7")
	f.Add(arpProbe(own, addr))
	f.Fuzz(func(t *testing.T, packet []byte) {
		if by, conflict := arpConflict(packet, own, addr); conflict && by.String() == own.String() {
			t.Errorf("a conflict with ourselves: %x", packet)
		}
	})
}
