package host

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"salvor/internal/layout"
)

// interfaces describes those that are kept.
func (n *network) interfaces() []layout.Interface {
	var out []layout.Interface
	for _, name := range n.names {
		if p := n.ports[name]; p.kept {
			out = append(out, n.describe(p))
		}
	}
	return out
}

func (n *network) describe(p *port) layout.Interface {
	i := layout.Interface{
		Name: p.name, Kind: p.kind, PermanentMAC: n.permanentMAC(p), MTU: n.mtu(p),
		Addresses: n.static(p.name),
	}
	i.DynamicIPv4, i.DynamicIPv6 = n.isDynamic(p.name, "inet"), n.isDynamic(p.name, "inet6")
	i.MAC = n.givenMAC(p, i.PermanentMAC)
	if p.physical {
		i.Bus = busOf(p.place)
		if link, err := n.files.Readlink(sysNet + p.name + "/device/driver"); err == nil {
			i.Driver = path.Base(link)
		}
	}
	switch p.kind {
	case layout.BondKind:
		i.Bond, i.Members = n.bond(p), n.members(p)
	case layout.BridgeKind:
		i.Bridge, i.Members = n.bridge(p), n.members(p)
	case layout.TeamKind:
		i.Members = n.members(p)
		n.notef("how the team %s works is not recorded: teamd knows it (teamdctl %s config dump)", p.name, p.name)
	case layout.VLANKind:
		i.VLAN = n.vlan(p)
	case layout.InfiniBand:
		i.InfiniBand = n.ipOverIB(p)
	}
	return i
}

// members are those that are kept: guests and containers come and go at a bridge.
func (n *network) members(p *port) []string {
	var out []string
	for _, low := range p.lower {
		if below := n.ports[low]; below != nil && below.kept {
			out = append(out, low)
		}
	}
	slices.Sort(out)
	return out
}

// The ways in which an interface came by its hardware address (kernel: include/uapi/
// linux/netdevice.h).
const (
	assignedPermanent = "0"
	assignedSet       = "3"
)

// permanentMAC: a member of a bond or a team has the address of the whole, and what
// it had before is told by ip, or by the bond.
func (n *network) permanentMAC(p *port) string {
	if !p.physical {
		return ""
	}
	address := n.text(sysNet + p.name + "/address")
	if p.kind == layout.InfiniBand {
		return portGUID(address)
	}
	link := n.links[p.name]
	for _, told := range []string{link.Permanent, link.Info.SlaveData.Permanent, n.bondedMAC(p)} {
		if told != "" {
			return told
		}
	}
	if n.text(sysNet+p.name+"/addr_assign_type") == assignedPermanent {
		return address
	}
	return ""
}

// portGUID: of the 20 bytes the first are a number that is handed out anew at every
// start, and the last eight are the port's own (RFC 4391, 9.1.1).
func portGUID(address string) string {
	parts := strings.Split(address, ":")
	if len(parts) != 20 {
		return ""
	}
	return strings.Join(parts[12:], ":")
}

// bondedMAC reads the list of a bond's members, which root may read.
func (n *network) bondedMAC(p *port) string {
	above := n.master(p)
	if above == nil || above.kind != layout.BondKind {
		return ""
	}
	member := ""
	for line := range strings.Lines(string(n.data("/proc/net/bonding/" + above.name))) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "Slave Interface":
			member = value
		case "Permanent HW addr":
			if member == p.name {
				return value
			}
		}
	}
	return ""
}

// givenMAC is the address that somebody gave to the interface. Wireless ones get
// another one for each network.
func (n *network) givenMAC(p *port, permanent string) string {
	if n.text(sysNet+p.name+"/addr_assign_type") != assignedSet || p.kind == layout.Wireless || p.kind == layout.InfiniBand {
		return ""
	}
	if above := n.master(p); above != nil && (above.kind == layout.BondKind || above.kind == layout.TeamKind) {
		return ""
	}
	if address := n.text(sysNet + p.name + "/address"); address != permanent {
		return address
	}
	return ""
}

// mtu gives 0 for the default: of Ethernet, and of IP over InfiniBand in datagram mode
// (kernel: Documentation/infiniband/ipoib.rst).
func (n *network) mtu(p *port) int {
	mtu, err := strconv.Atoi(n.text(sysNet + p.name + "/mtu"))
	if err != nil || mtu == 1500 && p.kind != layout.InfiniBand || mtu == 2044 && p.kind == layout.InfiniBand {
		return 0
	}
	return mtu
}

// buses are the parts of a path in the tree of devices that say where one is plugged in.
var buses = []struct {
	name string
	part *regexp.Regexp
}{
	{"pci", regexp.MustCompile(`^([[:xdigit:]]{4,}:[[:xdigit:]]{2}:[[:xdigit:]]{2}\.[[:xdigit:]])$`)},
	{"ccw", regexp.MustCompile(`^([[:xdigit:]]\.[0-3]\.[[:xdigit:]]{4})$`)},
	{"usb", regexp.MustCompile(`^\d+-([\d.]+:\d+\.\d+)$`)},
	{"xen", regexp.MustCompile(`^vif-(\d+)$`)},
	{"vmbus", regexp.MustCompile(`^([[:xdigit:]]{8}(?:-[[:xdigit:]]{4}){3}-[[:xdigit:]]{12})$`)},
}

// busOf gives the place of a device by the buses from the outside in, and for one on
// none of them its name among the devices of the board.
func busOf(place string) string {
	parts := strings.Split(place, "/")
	var out []string
	for _, bus := range buses {
		for _, part := range slices.Backward(parts) { // the last one is behind the bridges
			if m := bus.part.FindStringSubmatch(part); m != nil {
				out = append(out, bus.name+"-"+m[1])
				break
			}
		}
	}
	if at := slices.Index(parts, "platform"); len(out) == 0 && at >= 0 {
		if end := slices.Index(parts, "net"); end > at+1 {
			out = append(out, "platform-"+parts[end-1])
		}
	}
	return strings.Join(out, "-")
}
