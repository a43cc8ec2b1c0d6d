package host

import (
	"context"
	"slices"
	"strings"
	"sync"

	"salvor/internal/layout"
	"salvor/internal/machine"
	"salvor/internal/tool"
)

// readNetwork reads how the machine is reached: the structure from sysfs, addresses
// and routes by ip(8).
func (r *reader) readNetwork(ctx context.Context, m machine.Machine) layout.Network {
	links, routes := r.askIP(ctx, m)
	n := &network{reader: r, links: map[string]tool.IPLink{}, ports: map[string]*port{}}
	for _, l := range links {
		n.links[l.Name] = l
	}
	n.find()
	return layout.Network{
		Interfaces: n.interfaces(), Routes: n.routes(routes), DNS: r.readDNS(), Files: r.networkFiles(),
	}
}

// askIP asks both questions at once: a fork costs, where a machine is emulated, more
// than all files that are read here.
func (r *reader) askIP(ctx context.Context, m machine.Machine) (links []tool.IPLink, routes []tool.IPRoute) {
	var failed [2]error
	var both sync.WaitGroup
	both.Go(func() { links, failed[0] = ask(ctx, m, tool.IPAddresses(), tool.ParseIPAddresses) })
	both.Go(func() { routes, failed[1] = ask(ctx, m, tool.IPRoutes(), tool.ParseIPRoutes) })
	both.Wait()
	switch {
	case failed[0] != nil && failed[1] != nil:
		r.notef("the addresses and routes of the network are not known: %v", failed[0])
	case failed[0] != nil:
		r.notef("the addresses of the network are not known: %v", failed[0])
	case failed[1] != nil:
		r.notef("the routes of the network are not known: %v", failed[1])
	}
	return links, routes
}

// ask runs a program that should answer at once.
func ask[T any](ctx context.Context, m machine.Machine, c machine.Cmd, parse func([]byte) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var none T
	out, err := m.Run(ctx, c)
	if err != nil {
		return none, err
	}
	return parse(out.Stdout)
}

// network are the interfaces while they are sorted out.
type network struct {
	*reader
	links map[string]tool.IPLink // what ip says of them
	ports map[string]*port
	names []string // of the ports, sorted
}

// port is an interface in sysfs.
type port struct {
	name     string
	place    string   // in the tree of devices
	has      []string // names in its directory
	lower    []string // interfaces that it lies on
	kind     string
	physical bool
	kept     bool
}

const sysNet = "/sys/class/net/"

// find fills in the ports. What is no link in the directory is no interface
// (bonding_masters).
func (n *network) find() {
	for _, name := range n.list(sysNet) {
		place, err := n.files.Readlink(sysNet + name)
		if err != nil || name == "lo" {
			continue
		}
		p := &port{name: name, place: place, has: n.list(sysNet + name)}
		p.physical = slices.Contains(p.has, "device") && !strings.Contains(place, "/virtual/")
		for _, entry := range p.has {
			if low, ok := strings.CutPrefix(entry, "lower_"); ok {
				p.lower = append(p.lower, low)
			}
		}
		p.kind = n.kindOf(p)
		n.ports[name] = p
		n.names = append(n.names, name)
	}
	var left []string
	if len(n.static("lo")) > 0 { // an address of the machine as a whole, for a routing daemon
		left = append(left, "lo")
	}
	for _, name := range n.names {
		p := n.ports[name]
		p.kept = n.isKept(p, len(n.names))
		if !p.kept && len(n.static(name)) > 0 {
			left = append(left, name)
		}
	}
	if len(left) > 0 {
		n.notef("left out of the network, as no interface of the hardware lies below: %s", strings.Join(left, ", "))
	}
}

// kindOf: DEVTYPE is what the kernel calls an interface (kernel: SET_NETDEV_DEVTYPE),
// and the number in type is of linux/if_arp.h.
func (n *network) kindOf(p *port) string {
	devtype := ""
	for line := range strings.Lines(string(n.data(sysNet + p.name + "/uevent"))) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "DEVTYPE="); ok {
			devtype = v
		}
	}
	told := n.links[p.name].Info.Kind
	hardware := n.text(sysNet + p.name + "/type")
	switch {
	case slices.Contains(p.has, "bonding"):
		return layout.BondKind
	case slices.Contains(p.has, "bridge"):
		return layout.BridgeKind
	case devtype == "vlan" || told == "vlan":
		return layout.VLANKind
	case told == "team":
		return layout.TeamKind
	case devtype == "wlan" || slices.Contains(p.has, "phy80211") || slices.Contains(p.has, "wireless"):
		return layout.Wireless
	case hardware == "32":
		return layout.InfiniBand
	case hardware == "1":
		return layout.Ethernet
	}
	return layout.OtherKind
}

// layered are the kinds that a rescue may have to build to be reached.
var layered = []string{layout.BondKind, layout.BridgeKind, layout.VLANKind, layout.TeamKind, layout.InfiniBand}

// isKept: a rescue needs what is hardware, and what is built on hardware. A function of
// a card that is there to be handed to a guest is neither, unless the machine uses it.
// No chain is longer than there are interfaces, whatever the links say.
func (n *network) isKept(p *port, depth int) bool {
	if p.physical {
		_, err := n.files.Readlink(sysNet + p.name + "/device/physfn")
		return err != nil || slices.Contains(p.has, "master") || len(n.links[p.name].Addresses) > 0
	}
	if depth == 0 || !slices.Contains(layered, p.kind) {
		return false
	}
	return slices.ContainsFunc(p.lower, func(low string) bool {
		below := n.ports[low]
		return below != nil && n.isKept(below, depth-1)
	})
}

// master is the interface that this one is a member of, nil for none.
func (n *network) master(p *port) *port {
	for _, name := range n.names {
		above := n.ports[name]
		if above.kind != layout.VLANKind && slices.Contains(above.lower, p.name) {
			return above
		}
	}
	return nil
}
