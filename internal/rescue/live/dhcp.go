package live

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"golang.org/x/sys/unix"

	"salvor/internal/layout"
)

// Lease asks by broadcast, also to renew: then a server that has moved answers as well.
func (netlinks) Lease(ctx context.Context, name string, earlier *lease) (*lease, error) {
	if err := awaitRandom(); err != nil {
		return nil, err
	}
	client, err := nclient4.New(name)
	if err != nil {
		return nil, of("ask for an address for", name, err)
	}
	defer client.Close()
	var got *nclient4.Lease
	if earlier != nil {
		got, err = client.Renew(ctx, earlier.keep.(*nclient4.Lease))
	} else {
		got, err = client.Request(ctx)
	}
	if err != nil {
		return nil, err
	}
	l, err := leaseOf(name, got.ACK)
	if err != nil {
		return nil, err
	}
	l.keep = got
	return l, nil
}

// awaitRandom waits until the kernel has random numbers. The library asks for one without
// waiting, again and again, and only one who waits makes the kernel gather them by itself
// (drivers/char/random.c, try_to_generate_entropy): a virtual machine without a source of
// its own would never get an address.
func awaitRandom() error {
	_, err := unix.Getrandom(make([]byte, 1), 0)
	return err
}

// leaseOf reads a server's answer.
func leaseOf(name string, ack *dhcpv4.DHCPv4) (*lease, error) {
	addr, ok := netip.AddrFromSlice(ack.YourIPAddr.To4())
	if !ok || addr.IsUnspecified() || addr.IsMulticast() || addr.IsLoopback() {
		return nil, errors.New("the server's answer has no address in it")
	}
	bits := classOf(addr)
	if mask := ack.SubnetMask(); mask != nil {
		if ones, size := mask.Size(); size == 32 {
			bits = ones
		}
	}
	l := &lease{address: address{prefix: netip.PrefixFrom(addr, bits)}, lasts: ack.IPAddressLeaseTime(0)}
	if l.lasts > 0 {
		l.renew = max(ack.IPAddressRenewalTime(l.lasts/2), time.Minute) // RFC 2131, 4.4.5
	}
	l.takeRoutes(name, ack)
	for _, server := range ack.DNS() {
		l.dns.Servers = append(l.dns.Servers, server.String())
	}
	if domain := ack.DomainName(); domain != "" {
		l.dns.Search = append(l.dns.Search, domain)
	}
	if search := ack.DomainSearch(); search != nil {
		l.dns.Search = append(l.dns.Search, search.Labels...)
	}
	return l, nil
}

// takeRoutes takes the classless routes, and the routers only if there are none of these
// (RFC 3442).
func (l *lease) takeRoutes(name string, ack *dhcpv4.DHCPv4) {
	for _, r := range ack.ClasslessStaticRoute() {
		ones, _ := r.Dest.Mask.Size()
		to, ok := netip.AddrFromSlice(r.Dest.IP.To4())
		if !ok {
			continue
		}
		l.routes = append(l.routes, routeBy(name, netip.PrefixFrom(to, ones), r.Router, l.address.prefix))
	}
	if routers := ack.Router(); len(l.routes) == 0 && len(routers) > 0 {
		l.routes = append(l.routes, routeBy(name, netip.PrefixFrom(netip.IPv4Unspecified(), 0), routers[0], l.address.prefix))
	}
}

// routeBy is a route of a lease. A router outside of the own network, as clouds have it, is
// reached on the link all the same.
func routeBy(name string, to netip.Prefix, via net.IP, own netip.Prefix) layout.Route {
	r := layout.Route{To: to.String(), Interface: name}
	if gateway, ok := netip.AddrFromSlice(via.To4()); ok && !gateway.IsUnspecified() {
		r.Via = gateway.String()
		r.OnLink = !own.Contains(gateway)
	}
	return r
}
