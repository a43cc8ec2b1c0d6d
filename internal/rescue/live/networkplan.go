package live

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"salvor/internal/layout"
)

// link is a network interface that is here.
type link struct {
	name      string
	kind      string // the kernel's word: device, bond, bridge, vlan …
	mac       string
	permanent string // the hardware address that is burnt into it; "" if it is not known
	ethernet  bool   // a device that speaks Ethernet, and no bond or bridge
	carrier   bool
}

// answers reports whether the link is meant by a name or a hardware address.
func (l link) answers(word string) bool {
	return word == l.name || word != "" && (strings.EqualFold(word, l.mac) || strings.EqualFold(word, l.permanent))
}

// linkPlan is how one interface is to be set up.
type linkPlan struct {
	name      string            // the kernel's; of one that is made, its own
	made      *layout.Interface // how it is made, if it is a bond, bridge or VLAN; names in it are those here
	members   []string
	parent    string // of a VLAN
	mac       string // "" is its own
	mtu       int    // 0 is the kernel's
	dhcp      bool
	addresses []address
}

// address is a static one.
type address struct {
	prefix netip.Prefix
	peer   netip.Prefix // invalid but for a point-to-point address
}

// networkPlan is how the machine is to be reached. Links stand before those that are made of them.
type networkPlan struct {
	links  []linkPlan
	routes []layout.Route // with the names that the interfaces have here
	dns    layout.DNS
}

// planNetwork decides which interfaces are set up and how. Without a word on the command line
// it is DHCP on all: the addresses of the machine are its own, and another machine may have
// taken its place.
func planNetwork(p Parameters, saved *layout.Network, links []link) (networkPlan, []string) {
	all := links
	links = p.allowed(all)
	plan := networkPlan{}
	for _, addr := range p.Nameserver {
		plan.dns.Servers = append(plan.dns.Servers, addr.String())
	}
	asked := p.IP
	if len(asked) == 0 {
		asked = []IPParameter{{Mode: IPDHCP}}
	}
	var notes []string
	for _, ip := range asked {
		switch ip.Mode {
		case IPOff:
			return networkPlan{}, nil
		case IPDHCP:
			notes = append(notes, plan.addDHCP(ip, links)...)
		case IPStatic:
			notes = append(notes, plan.addStatic(ip, links)...)
		case IPSaved:
			notes = append(notes, plan.addSaved(saved, links, all)...)
		default:
			notes = append(notes, fmt.Sprintf("internal error: unknown way to get an address: %q", ip.Mode))
		}
	}
	return plan, notes
}

// allows reports whether salvor.net= lets the link be used.
func (p Parameters) allows(l link) bool {
	return len(p.Only) == 0 || slices.ContainsFunc(p.Only, l.answers)
}

func (p Parameters) allowed(links []link) []link {
	return slices.DeleteFunc(slices.Clone(links), func(l link) bool { return !p.allows(l) })
}

// at gives the plan of an interface, a new one if there is none yet.
func (n *networkPlan) at(name string) *linkPlan {
	for i := range n.links {
		if n.links[i].name == name {
			return &n.links[i]
		}
	}
	n.links = append(n.links, linkPlan{name: name})
	return &n.links[len(n.links)-1]
}

func (n *networkPlan) addDHCP(ip IPParameter, links []link) []string {
	found := false
	for _, l := range links {
		if ip.Device == "" && l.ethernet || ip.Device != "" && l.answers(ip.Device) {
			n.at(l.name).dhcp = true
			found = true
		}
	}
	if found {
		return nil
	}
	if ip.Device != "" {
		return []string{fmt.Sprintf("there is no network interface %s", ip.Device)}
	}
	return []string{"there is no network interface: a driver may be missing"}
}

// addStatic takes the first interface with a link where none is named, else the first.
func (n *networkPlan) addStatic(ip IPParameter, links []link) []string {
	fits := slices.DeleteFunc(slices.Clone(links), func(l link) bool {
		return ip.Device == "" && !l.ethernet || ip.Device != "" && !l.answers(ip.Device)
	})
	if len(fits) == 0 {
		return []string{fmt.Sprintf("there is no network interface %s for the address %s", ip.Device, ip.Address)}
	}
	with := slices.IndexFunc(fits, func(l link) bool { return l.carrier })
	name := fits[max(with, 0)].name
	l := n.at(name)
	l.addresses = append(l.addresses, address{prefix: ip.Address})
	if ip.Gateway.IsValid() {
		everywhere := netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		if ip.Gateway.Is4() {
			everywhere = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		}
		n.routes = append(n.routes, layout.Route{To: everywhere.String(), Via: ip.Gateway.String(), Interface: name})
	}
	for _, addr := range ip.DNS {
		n.dns.Servers = append(n.dns.Servers, addr.String())
	}
	return nil
}
