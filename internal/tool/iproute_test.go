package tool

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What iproute2 6.1.0 says; package host reads more of it.
const (
	ipVLAN = `[{"ifindex":8,"link":"eth0","ifname":"qinq","flags":["UP"],"mtu":1500,"linkinfo":{"info_kind":"vlan","info_data":{"protocol":"802.1ad","id":7,"flags":["REORDER_HDR"]}},` +
		`"addr_info":[{"family":"inet","local":"192.0.2.7","prefixlen":24,"scope":"global","dynamic":true,"label":"qinq","valid_life_time":3598,"preferred_life_time":1798}]}]`
	ipMember = `[{"ifname":"eth2","permaddr":"52:54:00:12:34:52","master":"bond0","linkinfo":{"info_slave_kind":"bond","info_slave_data":{"state":"BACKUP","perm_hwaddr":"52:54:00:12:34:52","ad_partner_oper_port_state_str":[]}},"addr_info":[]}]`
	ipMany   = `[{"type":"unicast","dst":"10.77.0.0/16","table":"main","protocol":"boot","scope":"global","flags":["linkdown"],"nexthops":[{"gateway":"192.0.2.3","dev":"br0","weight":2,"flags":["linkdown"]},{"gateway":"192.0.2.4","dev":"br0","weight":1,"flags":[]}]},` +
		`{"type":"unicast","dst":"10.88.0.0/16","via":{"family":"inet6","host":"2001:db8::99"},"dev":"br0","table":"main","protocol":"boot","scope":"global","flags":[]}]`
)

func TestParseIPAddresses(t *testing.T) {
	links, err := ParseIPAddresses([]byte(ipVLAN))
	if err != nil || len(links) != 1 {
		t.Fatalf("%d links, %v", len(links), err)
	}
	l := links[0]
	got := []any{l.Name, l.Parent, l.VLAN(), l.Addresses}
	want := []any{"qinq", "eth0", &IPVLAN{7, "802.1ad"}, []IPAddress{{Family: "inet", Local: "192.0.2.7", Prefix: 24, Scope: "global", Dynamic: true}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	links, err = ParseIPAddresses([]byte(ipMember))
	if err != nil || links[0].Info.SlaveData.Permanent != "52:54:00:12:34:52" || links[0].VLAN() != nil {
		t.Errorf("%+v, %v", links, err)
	}
}

func TestParseIPRoutes(t *testing.T) {
	got, err := ParseIPRoutes([]byte(ipMany))
	want := []IPRoute{
		{Type: "unicast", To: "10.77.0.0/16", Table: "main", Protocol: "boot", Flags: []string{"linkdown"},
			Hops: []IPHop{{Gateway: "192.0.2.3", Device: "br0", Weight: 2, Flags: []string{"linkdown"}}, {Gateway: "192.0.2.4", Device: "br0", Weight: 1, Flags: []string{}}}},
		{Type: "unicast", To: "10.88.0.0/16", Via: IPGateway{"2001:db8::99"}, Device: "br0", Table: "main", Protocol: "boot", Flags: []string{}},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestBadIP(t *testing.T) {
	if got, err := ParseIPRoutes(nil); got != nil || err != nil {
		t.Errorf("no routes are %v, %v", got, err)
	}
	for _, bad := range []string{"{}", "[{]", "eth0: <UP>", `[{"ifname":7}]`} {
		if got, err := ParseIPAddresses([]byte(bad)); err == nil {
			t.Errorf("%s is taken for %+v", bad, got)
		}
	}
	for _, bad := range []string{"{}", "[{]", `[{"metric":"x"}]`} {
		if got, err := ParseIPRoutes([]byte(bad)); err == nil {
			t.Errorf("%s is taken for %+v", bad, got)
		}
	}
}

func TestIPCommands(t *testing.T) {
	got := []string{IPAddresses().String(), IPRoutes().String(), Architecture().String()}
	want := []string{"ip -json -details address show", "ip -json -details route show table all", "uname -m"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzParseIP(f *testing.F) {
	for _, s := range []string{ipVLAN, ipMember, ipMany, ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, out []byte) {
		links, err := ParseIPAddresses(out)
		if err != nil && links != nil {
			t.Errorf("links beside the error %v", err)
		}
		for _, l := range links {
			if v := l.VLAN(); v != nil && l.Info.Kind != "vlan" {
				t.Errorf("%+v is a VLAN", l)
			}
		}
		if routes, err := ParseIPRoutes(out); err != nil && routes != nil {
			t.Errorf("routes beside the error %v", err)
		}
	})
}
