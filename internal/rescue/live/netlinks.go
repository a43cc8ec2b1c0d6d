package live

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"salvor/internal/layout"
)

// netlinks is the running kernel's network (rtnetlink(7)).
type netlinks struct {
	put func(name, value string) error
}

var _ network = netlinks{}

func openNetlinks(h host) (netlinks, error) {
	if _, err := netlink.LinkByName("lo"); err != nil {
		return netlinks{}, fmt.Errorf("cannot reach the kernel's network: %w", err)
	}
	return netlinks{h.Put}, nil
}

// of words an error as that of an interface.
func of(act, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot %s %s: %w", act, name, err)
}

// with does something to an interface.
func with(act, name string, do func(netlink.Link) error) error {
	l, err := netlink.LinkByName(name)
	if err == nil {
		err = do(l)
	}
	return of(act, name, err)
}

func (netlinks) Links() ([]link, error) {
	all, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("cannot list the network interfaces: %w", err)
	}
	var out []link
	for _, l := range all {
		a := l.Attrs()
		if a.Flags&net.FlagLoopback != 0 {
			continue
		}
		out = append(out, link{
			name: a.Name, kind: l.Type(), mac: a.HardwareAddr.String(), permanent: a.PermHWAddr.String(),
			ethernet: a.EncapType == "ether" && l.Type() == "device" && a.MasterIndex == 0,
			carrier:  a.RawFlags&unix.IFF_LOWER_UP != 0,
		})
	}
	return out, nil
}

func (netlinks) Up(name string) error { return with("switch on", name, netlink.LinkSetUp) }

func (netlinks) SetMTU(name string, mtu int) error {
	return with("set the MTU of", name, func(l netlink.Link) error { return netlink.LinkSetMTU(l, mtu) })
}

func (netlinks) SetMAC(name, mac string) error {
	return with("set the hardware address of", name, func(l netlink.Link) error {
		addr, err := net.ParseMAC(mac)
		if err != nil {
			return err
		}
		return netlink.LinkSetHardwareAddr(l, addr)
	})
}

func (n netlinks) Make(p linkPlan) error {
	var err error
	attrs := netlink.NewLinkAttrs()
	attrs.Name = p.name
	switch {
	case p.made.VLAN != nil:
		err = makeVLAN(attrs, p)
	case p.made.Bond != nil:
		err = n.makeBond(attrs, p)
	case p.made.Bridge != nil:
		err = makeBridge(attrs)
		if err == nil && p.made.Bridge.STP {
			err = n.put(path.Join("/sys/class/net", p.name, "bridge/stp_state"), "1")
		}
	default:
		err = fmt.Errorf("internal error: nobody knows how to make it")
	}
	for _, m := range p.members {
		err = errors.Join(err, enslave(m, p.name))
	}
	return of("make", p.name, err)
}

func makeVLAN(attrs netlink.LinkAttrs, p linkPlan) error {
	parent, err := netlink.LinkByName(p.parent)
	if err != nil {
		return err
	}
	attrs.ParentIndex = parent.Attrs().Index
	v := &netlink.Vlan{LinkAttrs: attrs, VlanId: p.made.VLAN.ID, VlanProtocol: netlink.VLAN_PROTOCOL_8021Q}
	if p.made.VLAN.Protocol == "802.1ad" {
		v.VlanProtocol = netlink.VLAN_PROTOCOL_8021AD
	}
	return errors.Join(netlink.LinkSetUp(parent), ignoreThere(netlink.LinkAdd(v)))
}

// makeBridge makes one that lets all VLANs pass, also where the machine's told them apart: there are no
// guests here to be kept apart, and which port is in which VLAN is not in a layout.
func makeBridge(attrs netlink.LinkAttrs) error {
	return ignoreThere(netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attrs}))
}

// makeBond sets the mode and the options by sysfs, whose words are those of a layout (kernel:
// Documentation/networking/bonding.rst, 3.4). The mode comes first, since it decides which
// options there are; both come before the first member.
func (n netlinks) makeBond(attrs netlink.LinkAttrs, p linkPlan) error {
	if err := ignoreThere(netlink.LinkAdd(netlink.NewLinkBond(attrs))); err != nil {
		return err
	}
	dir := path.Join("/sys/class/net", p.name, "bonding")
	if err := n.put(path.Join(dir, "mode"), p.made.Bond.Mode); err != nil {
		return err
	}
	var failed []error
	for _, option := range p.made.Bond.Options {
		name, value, _ := strings.Cut(option, "=")
		if strings.Contains(name, "/") {
			failed = append(failed, fmt.Errorf("%q is no option of a bond", name))
			continue
		}
		failed = append(failed, n.put(path.Join(dir, name), value))
	}
	return errors.Join(failed...)
}

// enslave makes an interface a member of another one: a bond takes only what is off.
func enslave(member, master string) error {
	return with("take in", member, func(l netlink.Link) error {
		m, err := netlink.LinkByName(master)
		if err != nil {
			return err
		}
		if err := netlink.LinkSetDown(l); err != nil {
			return err
		}
		return errors.Join(netlink.LinkSetMaster(l, m), netlink.LinkSetUp(l))
	})
}

// ignoreThere: a worker that is started once more finds what the first one made.
func ignoreThere(err error) error {
	if errors.Is(err, unix.EEXIST) {
		return nil
	}
	return err
}

func (netlinks) AddAddress(name string, a address, valid time.Duration) error {
	return with("give the address "+a.prefix.Addr().String()+" to", name, func(l netlink.Link) error {
		addr := kernelAddress(a)
		addr.ValidLft, addr.PreferedLft = int(valid.Seconds()), int(valid.Seconds())
		return netlink.AddrReplace(l, addr)
	})
}

func (netlinks) RemoveAddress(name string, a address) error {
	return with("take the address "+a.prefix.Addr().String()+" from", name, func(l netlink.Link) error {
		return netlink.AddrDel(l, kernelAddress(a))
	})
}

func kernelAddress(a address) *netlink.Addr {
	addr := &netlink.Addr{IPNet: ipNet(a.prefix)}
	if a.peer.IsValid() {
		addr.Peer = ipNet(a.peer)
	}
	return addr
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// routeTypes are those that lead nowhere.
var routeTypes = map[string]int{"blackhole": unix.RTN_BLACKHOLE, "unreachable": unix.RTN_UNREACHABLE, "prohibit": unix.RTN_PROHIBIT}

func (netlinks) AddRoute(r layout.Route) error {
	route, err := kernelRoute(r, indexOf)
	if err != nil {
		return err
	}
	return netlink.RouteReplace(route)
}

// kernelRoute words a route for the kernel; index gives the number of an interface.
func kernelRoute(r layout.Route, index func(name string) (int, error)) (*netlink.Route, error) {
	to, err := netip.ParsePrefix(r.To)
	if err != nil {
		return nil, err
	}
	kind, nowhere := routeTypes[r.Type]
	if r.Type != "" && !nowhere {
		return nil, fmt.Errorf("%q is no type of a route", r.Type)
	}
	route := &netlink.Route{Dst: ipNet(to), Priority: r.Metric, Type: kind}
	if r.Via == "" && len(r.Hops) == 0 && !nowhere {
		route.Scope = netlink.SCOPE_LINK
	}
	if r.OnLink {
		route.Flags |= unix.RTNH_F_ONLINK
	}
	if r.Source != "" {
		source, err := netip.ParseAddr(r.Source)
		if err != nil {
			return nil, err
		}
		route.Src = source.AsSlice()
	}
	if route.Gw, route.Via, err = gateway(to, r.Via); err != nil {
		return nil, err
	}
	if route.LinkIndex, err = indexUnlessNone(r.Interface, index); err != nil {
		return nil, err
	}
	for _, h := range r.Hops {
		hop := &netlink.NexthopInfo{Hops: max(h.Weight-1, 0)}
		if hop.Gw, hop.Via, err = gateway(to, h.Via); err != nil {
			return nil, err
		}
		if hop.LinkIndex, err = indexUnlessNone(h.Interface, index); err != nil {
			return nil, err
		}
		if r.OnLink {
			hop.Flags |= unix.RTNH_F_ONLINK
		}
		route.MultiPath = append(route.MultiPath, hop)
	}
	return route, nil
}

// gateway words a gateway. That of an IPv4 route may be one of IPv6, which is another attribute
// (RTA_VIA, RFC 8950).
func gateway(to netip.Prefix, text string) (net.IP, netlink.Destination, error) {
	if text == "" {
		return nil, nil, nil
	}
	via, err := netip.ParseAddr(text)
	switch {
	case err != nil:
		return nil, nil, err
	case to.Addr().Is4() && via.Is6():
		return nil, &netlink.Via{AddrFamily: unix.AF_INET6, Addr: via.AsSlice()}, nil
	case to.Addr().Is6() && via.Is4():
		return nil, nil, fmt.Errorf("%s is no gateway of IPv6", via)
	}
	return via.AsSlice(), nil, nil
}

func indexUnlessNone(name string, index func(string) (int, error)) (int, error) {
	if name == "" {
		return 0, nil
	}
	return index(name)
}

func indexOf(name string) (int, error) {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return 0, err
	}
	return l.Attrs().Index, nil
}

// Carrier listens before it looks, so that no change is missed.
func (n netlinks) Carrier(ctx context.Context, name string) error {
	done := make(chan struct{})
	defer close(done)
	updates := make(chan netlink.LinkUpdate, 64)
	if err := netlink.LinkSubscribe(updates, done); err != nil {
		return of("wait for a link of", name, err)
	}
	for {
		links, err := n.Links()
		if err != nil {
			return err
		}
		if slices.ContainsFunc(links, func(l link) bool { return l.name == name && l.carrier }) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case _, ok := <-updates:
			if !ok {
				return of("wait for a link of", name, errors.New("the kernel tells of no more changes"))
			}
		}
	}
}

// Settle listens before it looks, as Carrier does.
func (netlinks) Settle(ctx context.Context, name string, addr netip.Addr) (taken bool, err error) {
	done := make(chan struct{})
	defer close(done)
	updates := make(chan netlink.AddrUpdate, 64)
	if err := netlink.AddrSubscribe(updates, done); err != nil {
		return false, of("wait for an address of", name, err)
	}
	for {
		flags, err := flagsOf(name, addr)
		switch {
		case err != nil:
			return false, err
		case flags&unix.IFA_F_DADFAILED != 0:
			return true, nil
		case flags&unix.IFA_F_TENTATIVE == 0:
			return false, nil
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case _, ok := <-updates:
			if !ok {
				return false, of("wait for an address of", name, errors.New("the kernel tells of no more changes"))
			}
		}
	}
}

func flagsOf(name string, addr netip.Addr) (flags int, err error) {
	err = with("look for the address "+addr.String()+" of", name, func(l netlink.Link) error {
		all, err := netlink.AddrList(l, netlink.FAMILY_V6)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(all, func(a netlink.Addr) bool { return a.IP.Equal(addr.AsSlice()) })
		if at < 0 {
			return errors.New("it is gone")
		}
		flags = all[at].Flags
		return nil
	})
	return flags, err
}
