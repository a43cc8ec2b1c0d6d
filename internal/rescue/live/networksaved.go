package live

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"salvor/internal/layout"
)

// addSaved takes the network as the machine had it. Its interfaces are found by their
// burnt-in addresses, since their names change with the kernel and with the slots. links are
// those that may be used, all are those that are here.
func (n *networkPlan) addSaved(saved *layout.Network, links, all []link) []string {
	if saved == nil || len(saved.Interfaces) == 0 {
		return append([]string{"no saved network is in the image: DHCP in its place"}, n.addDHCP(IPParameter{}, links)...)
	}
	s := savedPlan{plan: n, here: map[string]string{}, in: map[string]string{}, links: links, all: all}
	s.build(s.find(saved.Interfaces))
	s.routes(saved.Routes)
	n.dns.Servers = append(n.dns.Servers, saved.DNS.Servers...)
	n.dns.Search = append(n.dns.Search, saved.DNS.Search...)
	return s.notes
}

// savedPlan is a saved network while it is planned with what is here. A layout may have been
// edited, so that what makes no sense in it is noted, and the rest is planned.
type savedPlan struct {
	plan       *networkPlan
	here       map[string]string // names here, by saved names
	in         map[string]string // by the name here of a member: what it is a member of
	links, all []link
	notes      []string
}

func (s *savedPlan) cannot(i layout.Interface, why string) {
	s.notes = append(s.notes, fmt.Sprintf("cannot set up the saved interface %s: %s", i.Name, why))
}

// find plans the devices, and gives what is to be made.
func (s *savedPlan) find(saved []layout.Interface) (made []layout.Interface) {
	seen := map[string]bool{}
	for _, i := range saved {
		if seen[i.Name] {
			s.cannot(i, "its name stands in the layout twice")
			continue
		}
		seen[i.Name] = true
		if !isDevice(i) {
			made = append(made, i)
			continue
		}
		mac := cmp.Or(i.PermanentMAC, i.MAC)
		if l, ok := s.match(i.Name, mac); ok {
			s.here[i.Name] = l.name
			s.add(linkPlan{name: l.name}, i)
			continue
		}
		s.notes = append(s.notes, fmt.Sprintf("the saved interface %s (%s) is %s", i.Name, cmp.Or(mac, "without a hardware address"), s.whereIs(mac)))
	}
	return made
}

// match finds a device by its hardware address. Two may have the same, as a virtual
// function and what stands before it in a cloud; then the name tells.
func (s *savedPlan) match(name, mac string) (link, bool) {
	var found []link
	for _, l := range s.links {
		if mac != "" && l.answers(mac) && !s.isTaken(l.name) {
			found = append(found, l)
		}
	}
	if len(found) == 0 {
		return link{}, false
	}
	named := slices.IndexFunc(found, func(l link) bool { return l.name == name })
	return found[max(named, 0)], true
}

func (s *savedPlan) isTaken(name string) bool {
	for _, other := range s.here {
		if other == name {
			return true
		}
	}
	return false
}

func (s *savedPlan) whereIs(mac string) string {
	if mac != "" && slices.ContainsFunc(s.all, func(l link) bool { return l.answers(mac) && !slices.Contains(s.links, l) }) {
		return "left alone: salvor.net= does not have it"
	}
	return "not here"
}

func isDevice(i layout.Interface) bool {
	return slices.Contains([]string{layout.Ethernet, layout.InfiniBand}, i.Kind)
}

// build plans what is made of others, each after all that it is made of: what can no
// longer come is left out, but what comes later would never get in.
func (s *savedPlan) build(todo []layout.Interface) {
	for len(todo) > 0 {
		at := slices.IndexFunc(todo, func(i layout.Interface) bool {
			return !slices.ContainsFunc(todo, func(other layout.Interface) bool { return slices.Contains(parts(i), other.Name) })
		})
		if at < 0 {
			for _, i := range todo {
				s.cannot(i, fmt.Sprintf("it lies on itself, or on what does: %s", strings.Join(parts(i), ", ")))
			}
			return
		}
		i := todo[at]
		todo = slices.Delete(todo, at, at+1)
		if why := s.whyNot(i); why != "" {
			s.cannot(i, why)
			continue
		}
		s.make(i)
	}
}

// parts are the interfaces that one is made of.
func parts(i layout.Interface) []string {
	if i.VLAN != nil {
		return append([]string{i.VLAN.Parent}, i.Members...)
	}
	return i.Members
}

// make plans an interface that is made, with the members that are here and free: a bond works
// with what it has.
func (s *savedPlan) make(i layout.Interface) {
	l := linkPlan{name: i.Name, made: &i}
	for _, m := range i.Members {
		name, ok := s.here[m]
		if !ok {
			continue
		}
		if above, taken := s.in[name]; taken {
			s.notes = append(s.notes, fmt.Sprintf("the saved interface %s is a member of %s already, leaving it out of %s", m, above, i.Name))
			continue
		}
		s.in[name] = i.Name
		l.members = append(l.members, name)
	}
	if i.VLAN != nil {
		l.parent = s.here[i.VLAN.Parent]
		if s.plan.at(l.parent).mtu != 0 {
			i.MTU = cmp.Or(i.MTU, usualMTU) // the kernel would give it that of the parent
		}
	}
	if i.Bond != nil {
		i.Bond = &layout.Bond{Mode: i.Bond.Mode, Options: s.bondOptions(i.Bond.Options)}
	}
	s.here[i.Name] = i.Name
	s.add(l, i)
}

// usualMTU is that of Ethernet, in bytes; a layout does not mention it.
const usualMTU = 1500

// bondOptions puts the options in an order in which the kernel takes them: delays
// count in steps of the monitoring, and cannot be set before it (drivers/net/bonding/bond_options.c).
// Several addresses are set one by one, each with a plus. The primary member is named as it is here.
func (s *savedPlan) bondOptions(saved []string) []string {
	var first, out []string
	for _, option := range saved {
		name, value, _ := strings.Cut(option, "=")
		switch name {
		case "miimon", "arp_interval":
			first = append(first, option)
		case "primary":
			if at, ok := s.here[value]; ok {
				out = append(out, name+"="+at)
			}
		case "arp_ip_target", "ns_ip6_target":
			for target := range strings.SplitSeq(value, ",") {
				out = append(out, name+"=+"+target)
			}
		default:
			out = append(out, option)
		}
	}
	return append(first, out...)
}

// add adds the plan of an interface, with what devices and others have alike.
func (s *savedPlan) add(l linkPlan, i layout.Interface) {
	l.mac, l.mtu, l.dhcp = i.MAC, i.MTU, i.DynamicIPv4
	for _, text := range i.Addresses {
		a, err := parseAddress(text)
		if err != nil {
			s.notes = append(s.notes, fmt.Sprintf("cannot use the address %q of the saved interface %s: %v", text, i.Name, err))
			continue
		}
		l.addresses = append(l.addresses, a)
	}
	s.plan.links = append(s.plan.links, l)
}

// whyNot says why an interface cannot be made with what is here, "" if it can.
func (s *savedPlan) whyNot(i layout.Interface) string {
	switch {
	case i.Kind == layout.VLANKind && i.VLAN != nil:
		if why := whyNoVLAN(*i.VLAN); why != "" {
			return why
		}
		if _, ok := s.here[i.VLAN.Parent]; !ok {
			return fmt.Sprintf("%s, which it lies on, is not here", i.VLAN.Parent)
		}
	case i.Kind == layout.BondKind && i.Bond != nil, i.Kind == layout.BridgeKind && i.Bridge != nil:
		if !slices.ContainsFunc(i.Members, s.isFree) {
			return fmt.Sprintf("nothing that it is made of is here: %s", strings.Join(i.Members, ", "))
		}
	case slices.Contains([]string{layout.VLANKind, layout.BondKind, layout.BridgeKind}, i.Kind):
		return fmt.Sprintf("the layout does not say how the %s works", i.Kind)
	default:
		return fmt.Sprintf("salvor makes no interfaces of the kind %s", i.Kind)
	}
	if !isLinkName(i.Name) {
		return "that is no name for an interface: it has at most 15 bytes, and no blank, slash, colon or percent sign"
	}
	if slices.ContainsFunc(s.all, func(l link) bool { return l.name == i.Name && l.kind != i.Kind }) {
		return "another interface has its name here"
	}
	return ""
}

// isFree reports whether a saved interface is here, and a member of nothing.
func (s *savedPlan) isFree(member string) bool {
	name, ok := s.here[member]
	_, taken := s.in[name]
	return ok && !taken
}

// The numbers that VLANs have: a tag has 12 bits, and the last is reserved (IEEE 802.1Q, 9.6).
const lastVLAN = 4094

func whyNoVLAN(v layout.VLAN) string {
	switch {
	case v.ID < 0 || v.ID > lastVLAN:
		return fmt.Sprintf("there is no VLAN %d: the last one is %d", v.ID, lastVLAN)
	case !slices.Contains([]string{"", "802.1Q", "802.1ad"}, v.Protocol):
		return fmt.Sprintf("%q is no protocol of VLANs: 802.1Q and 802.1ad are", v.Protocol)
	}
	return ""
}

// isLinkName reports whether the kernel takes a name as it is (net/core/dev.c,
// dev_valid_name; a percent sign stands for a number).
func isLinkName(name string) bool {
	return name != "" && len(name) <= 15 && !slices.Contains([]string{".", "..", "lo"}, name) &&
		!strings.ContainsFunc(name, func(r rune) bool {
			return strings.ContainsRune("/:%", r) || unicode.IsSpace(r) || !unicode.IsPrint(r)
		})
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
	if err == nil && other.Addr().Is4() != addr.Is4() {
		err = fmt.Errorf("the other end, %s, is of another kind than %s", other, addr)
	}
	return address{prefix: netip.PrefixFrom(addr, addr.BitLen()), peer: other}, err
}

// routes takes the routes with the names of interfaces here. Those without a gateway come
// first: by them the gateways of others are reached. Dynamic ones come by DHCP and router
// advertisements again.
func (s *savedPlan) routes(saved []layout.Route) {
	for _, direct := range []bool{true, false} {
		for _, r := range saved {
			if r.Dynamic || direct != (r.Via == "" && len(r.Hops) == 0) {
				continue
			}
			if r, ok := s.routeHere(r); ok {
				s.plan.routes = append(s.plan.routes, r)
			}
		}
	}
}

func (s *savedPlan) routeHere(r layout.Route) (layout.Route, bool) {
	if r.Type != "" {
		r.Interface = "" // one of IPv6 that leads nowhere has the loopback
		return r, true
	}
	if r.Interface != "" {
		name, ok := s.here[r.Interface]
		if !ok {
			return r, false
		}
		r.Interface = name
	}
	hops := r.Hops
	r.Hops = nil
	for _, h := range hops {
		name, ok := s.here[h.Interface]
		if h.Interface == "" || ok {
			h.Interface = name
			r.Hops = append(r.Hops, h)
		}
	}
	return r, len(hops) == 0 || len(r.Hops) > 0
}
