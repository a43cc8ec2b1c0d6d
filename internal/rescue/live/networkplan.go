package live

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"salvor/internal/layout"
)

// link is a network interface that is here.
type link struct {
	name      string
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
	made      *layout.Interface // how it is made, if it is a bond, bridge or VLAN
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
	links = slices.DeleteFunc(slices.Clone(links), func(l link) bool { return !p.allows(l) })
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
			notes = append(notes, plan.addSaved(saved, links)...)
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

// addSaved takes the network as the machine had it. Its interfaces are found by their
// burnt-in addresses, since their names change with the kernel and with the slots.
func (n *networkPlan) addSaved(saved *layout.Network, links []link) []string {
	if saved == nil || len(saved.Interfaces) == 0 {
		return append([]string{"no saved network is in the image: DHCP in its place"}, n.addDHCP(IPParameter{}, links)...)
	}
	here, notes := matchLinks(saved.Interfaces, links)
	todo := slices.SortedStableFunc(slices.Values(saved.Interfaces), func(a, b layout.Interface) int {
		return cmp.Compare(rank(a), rank(b))
	})
	for len(todo) > 0 {
		before := len(todo)
		todo = slices.DeleteFunc(todo, func(i layout.Interface) bool { return n.addInterface(i, here) })
		if len(todo) == before {
			break
		}
	}
	for _, i := range todo {
		notes = append(notes, fmt.Sprintf("cannot set up the saved interface %s: %s", i.Name, whyNot(i, here)))
	}
	for _, r := range saved.Routes {
		if r, ok := routeHere(r, here); ok {
			n.routes = append(n.routes, r)
		}
	}
	n.dns.Servers = append(n.dns.Servers, saved.DNS.Servers...)
	n.dns.Search = append(n.dns.Search, saved.DNS.Search...)
	return notes
}

// matchLinks gives the names here of the saved interfaces that are devices.
func matchLinks(saved []layout.Interface, links []link) (here map[string]string, notes []string) {
	here = map[string]string{}
	for _, i := range saved {
		if !isDevice(i) {
			continue
		}
		mac := cmp.Or(i.PermanentMAC, i.MAC)
		at := slices.IndexFunc(links, func(l link) bool { return mac != "" && l.answers(mac) })
		if at < 0 {
			notes = append(notes, fmt.Sprintf("the saved interface %s (%s) is not here", i.Name, cmp.Or(mac, "without a hardware address")))
			continue
		}
		here[i.Name] = links[at].name
	}
	return here, notes
}

func isDevice(i layout.Interface) bool {
	return slices.Contains([]string{layout.Ethernet, layout.InfiniBand}, i.Kind)
}

// rank: devices come before what is made of them.
func rank(i layout.Interface) int {
	if isDevice(i) {
		return 0
	}
	return 1
}

// addInterface adds a saved interface if all that it is made of is there.
func (n *networkPlan) addInterface(i layout.Interface, here map[string]string) (added bool) {
	name, isHere := here[i.Name]
	if whyNot(i, here) != "" {
		return isDevice(i) && !isHere // it has been told already
	}
	l := linkPlan{name: name, mac: i.MAC, mtu: i.MTU, dhcp: i.DynamicIPv4}
	if !isDevice(i) {
		l.name, l.made = i.Name, &i
		here[i.Name] = i.Name
		for _, m := range i.Members {
			if at, ok := here[m]; ok { // a bond works with what it has
				l.members = append(l.members, at)
			}
		}
		if i.VLAN != nil {
			l.parent = here[i.VLAN.Parent]
		}
	}
	for _, text := range i.Addresses {
		if a, err := parseAddress(text); err == nil {
			l.addresses = append(l.addresses, a)
		}
	}
	n.links = append(n.links, l)
	return true
}

// whyNot says why an interface cannot be set up with what is here, "" if it can.
func whyNot(i layout.Interface, here map[string]string) string {
	switch {
	case isDevice(i):
		if _, ok := here[i.Name]; !ok {
			return "it is not here"
		}
		return ""
	case i.Kind == layout.VLANKind && i.VLAN != nil:
		if _, ok := here[i.VLAN.Parent]; !ok {
			return fmt.Sprintf("%s, which it lies on, is not here", i.VLAN.Parent)
		}
		return ""
	case i.Kind == layout.BondKind && i.Bond != nil, i.Kind == layout.BridgeKind && i.Bridge != nil:
		if !slices.ContainsFunc(i.Members, func(m string) bool { _, ok := here[m]; return ok }) {
			return fmt.Sprintf("nothing that it is made of is here: %s", strings.Join(i.Members, ", "))
		}
		return ""
	}
	return fmt.Sprintf("salvor makes no interfaces of the kind %s", i.Kind)
}

// parseAddress reads an address of a layout: "192.0.2.1/24", or "192.0.2.1 peer 198.51.100.1/32".
func parseAddress(text string) (address, error) {
	own, peer, pointed := strings.Cut(text, " peer ")
	if !pointed {
		prefix, err := netip.ParsePrefix(own)
		return address{prefix: prefix}, err
	}
	addr, err := netip.ParseAddr(own)
	if err != nil {
		return address{}, err
	}
	other, err := netip.ParsePrefix(peer)
	return address{prefix: netip.PrefixFrom(addr, addr.BitLen()), peer: other}, err
}

// routeHere gives a saved route with the names of interfaces here. Dynamic ones come by
// DHCP and router advertisements again.
func routeHere(r layout.Route, here map[string]string) (layout.Route, bool) {
	if r.Dynamic {
		return r, false
	}
	if r.Interface != "" {
		name, ok := here[r.Interface]
		if !ok {
			return r, false
		}
		r.Interface = name
	}
	hops := r.Hops
	r.Hops = nil
	for _, h := range hops {
		name, ok := here[h.Interface]
		if h.Interface == "" || ok {
			h.Interface = name
			r.Hops = append(r.Hops, h)
		}
	}
	return r, len(hops) == 0 || len(r.Hops) > 0
}
