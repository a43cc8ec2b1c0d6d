package host

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"salvor/internal/layout"
	"salvor/internal/tool"
)

// isLasting: an address of more than the link itself.
func isLasting(a tool.IPAddress) bool { return a.Scope == "global" || a.Scope == "site" }

// isLeased: a lease or a router gave it, and it will end or change.
func isLeased(a tool.IPAddress) bool {
	return a.Dynamic || a.Managed || a.Temporary || a.Protocol == "kernel_ra"
}

// isDynamic: the interface has a lasting address of the family that was leased.
func (n *network) isDynamic(name, family string) bool {
	return slices.ContainsFunc(n.links[name].Addresses, func(a tool.IPAddress) bool {
		return a.Family == family && isLasting(a) && isLeased(a)
	})
}

// static gives the addresses that are there for good, IPv4 first.
func (n *network) static(name string) []string {
	var found []tool.IPAddress
	for _, a := range n.links[name].Addresses {
		if isLasting(a) && !isLeased(a) {
			found = append(found, a)
		}
	}
	slices.SortFunc(found, func(a, b tool.IPAddress) int {
		x, _ := netip.ParseAddr(a.Local)
		y, _ := netip.ParseAddr(b.Local)
		return cmp.Or(x.Compare(y), cmp.Compare(a.Prefix, b.Prefix), cmp.Compare(a.Peer, b.Peer))
	})
	var out []string
	for _, a := range found {
		if a.Peer != "" && a.Peer != a.Local {
			out = append(out, fmt.Sprintf("%s peer %s/%d", a.Local, a.Peer, a.Prefix))
			continue
		}
		out = append(out, fmt.Sprintf("%s/%d", a.Local, a.Prefix))
	}
	return out
}

// routes sorts out the routes that are there for good, and where else everything goes.
func (n *network) routes(all []tool.IPRoute) []layout.Route {
	var out []layout.Route
	var left []string
	for _, route := range all {
		l, keep := n.route(route)
		switch {
		case keep && (route.Table == "" || route.Table == "main"):
			out = append(out, l)
		case keep && !l.Dynamic && !slices.Contains(left, route.Table):
			left = append(left, route.Table)
		}
	}
	if slices.Sort(left); len(left) > 0 {
		n.notef("left out of the network, with the rules that lead to them: the routes of the tables %s", strings.Join(left, ", "))
	}
	slices.SortStableFunc(out, compareRoutes)
	return slices.CompactFunc(out, func(a, b layout.Route) bool { return compareRoutes(a, b) == 0 })
}

func compareRoutes(a, b layout.Route) int {
	x, _ := netip.ParsePrefix(a.To)
	y, _ := netip.ParsePrefix(b.To)
	return cmp.Or(
		x.Addr().Compare(y.Addr()), cmp.Compare(x.Bits(), y.Bits()), cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Interface, b.Interface),
		cmp.Compare(a.Via, b.Via), cmp.Compare(a.Type, b.Type), slices.CompareFunc(a.Hops, b.Hops, compareHops),
	)
}

func compareHops(a, b layout.Hop) int {
	return cmp.Or(cmp.Compare(a.Interface, b.Interface), cmp.Compare(a.Via, b.Via), cmp.Compare(a.Weight, b.Weight))
}

// route: what the kernel makes of addresses by itself is left out, and so is what a
// routing daemon keeps. Of what a lease or a router brought, only that everything goes
// there is told, not the way.
func (n *network) route(route tool.IPRoute) (layout.Route, bool) {
	r := layout.Route{
		To: destination(route), Via: cmp.Or(route.Gateway, route.Via.Host), Interface: route.Device, Metric: route.Metric,
		Source: route.Source, OnLink: slices.Contains(route.Flags, "onlink"),
	}
	if route.Type != "" && route.Type != "unicast" {
		r.Type, r.Interface = route.Type, "" // of IPv6 it has the loopback, which leads nowhere either
	}
	for _, h := range route.Hops {
		hop := layout.Hop{Via: cmp.Or(h.Gateway, h.Via.Host), Interface: h.Device}
		if h.Weight > 1 {
			hop.Weight = h.Weight
		}
		r.Hops = append(r.Hops, hop)
		r.OnLink = r.OnLink || slices.Contains(h.Flags, "onlink")
	}
	slices.SortFunc(r.Hops, compareHops)
	if !n.leadsOut(r) {
		return r, false
	}
	if n.isLeasedRoute(route) {
		everywhere := route.To == "default"
		return layout.Route{To: r.To, Interface: r.Interface, Dynamic: true}, everywhere && r.Interface != ""
	}
	return r, route.Protocol == "boot" || route.Protocol == "static" || route.Protocol == ""
}

// leadsOut: by an interface that is kept, or nowhere on purpose.
func (n *network) leadsOut(r layout.Route) bool {
	used := []string{r.Interface}
	for _, h := range r.Hops {
		used = append(used, h.Interface)
	}
	return slices.ContainsFunc(used, func(name string) bool { return n.ports[name] != nil && n.ports[name].kept }) ||
		slices.Contains([]string{"blackhole", "unreachable", "prohibit"}, r.Type)
}

// isLeasedRoute: some DHCP clients set their routes as an administrator would
// (protocol boot); these are known by an interface that has nothing but a lease.
func (n *network) isLeasedRoute(route tool.IPRoute) bool {
	family := familyOf(route)
	switch {
	case route.Protocol == "dhcp" || route.Protocol == "ra" || route.Expires > 0:
		return true
	case route.Protocol != "boot" || route.To != "default" || !n.isDynamic(route.Device, family):
		return false
	}
	return !slices.ContainsFunc(n.links[route.Device].Addresses, func(a tool.IPAddress) bool {
		return a.Family == family && isLasting(a) && !isLeased(a)
	})
}

// familyOf: a route of IPv6 has a preference (RFC 4191), also where all else is empty.
func familyOf(route tool.IPRoute) string {
	to, err := netip.ParsePrefix(withBits(route.To))
	if route.Pref != "" || err == nil && to.Addr().Is6() {
		return "inet6"
	}
	return "inet"
}

// destination writes what ip calls default, and a single address, as a network.
func destination(route tool.IPRoute) string {
	switch {
	case route.To != "default":
		return withBits(route.To)
	case familyOf(route) == "inet6":
		return "::/0"
	}
	return "0.0.0.0/0"
}

func withBits(to string) string {
	if a, err := netip.ParseAddr(to); err == nil {
		return netip.PrefixFrom(a, a.BitLen()).String()
	}
	return to
}
