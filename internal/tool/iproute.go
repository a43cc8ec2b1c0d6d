package tool

import (
	"encoding/json"
	"fmt"

	"salvor/internal/machine"
)

// IPAddresses asks for all interfaces with their addresses. It is said in full, as ip
// takes any beginning of a word, but means different ones in different versions.
func IPAddresses() machine.Cmd {
	return machine.Cmd{Program: "ip", Args: []string{"-json", "-details", "address", "show"}}
}

// IPRoutes asks for the routes of all tables: the main table alone is shown of IPv4
// alone (iproute2, ip/iproute.c), and a second run would cost more than what is read
// too much.
func IPRoutes() machine.Cmd {
	return machine.Cmd{Program: "ip", Args: []string{"-json", "-details", "route", "show", "table", "all"}}
}

// IPLink is an interface as ip sees it.
type IPLink struct {
	Name      string `json:"ifname"`
	Parent    string `json:"link"` // of a VLAN and the like; the peer of a veth
	Permanent string `json:"permaddr"`
	Info      struct {
		Kind      string          `json:"info_kind"`
		Data      json.RawMessage `json:"info_data"`
		SlaveData struct {
			Permanent string `json:"perm_hwaddr"` // of a member of a bond
		} `json:"info_slave_data"`
	} `json:"linkinfo"`
	Addresses []IPAddress `json:"addr_info"`
}

// IPAddress is an address of an interface.
type IPAddress struct {
	Family    string `json:"family"` // inet or inet6
	Local     string `json:"local"`
	Peer      string `json:"address"` // the other end, where there is one
	Prefix    int    `json:"prefixlen"`
	Scope     string `json:"scope"`
	Dynamic   bool   `json:"dynamic"`    // it ends: a lease, or a router's word
	Managed   bool   `json:"mngtmpaddr"` // by a router's word, if it does not end
	Temporary bool   `json:"temporary"`  // made up for privacy
	Protocol  string `json:"protocol"`   // since Linux 5.18: kernel_ra …
}

// IPVLAN is what ip tells of a VLAN.
type IPVLAN struct {
	ID       int    `json:"id"`
	Protocol string `json:"protocol"` // 802.1Q or 802.1ad
}

// VLAN reads what is told of a VLAN, nil for anything else.
func (l IPLink) VLAN() *IPVLAN {
	v := new(IPVLAN)
	if l.Info.Kind != "vlan" || json.Unmarshal(l.Info.Data, v) != nil {
		return nil
	}
	return v
}

// IPRoute is a route.
type IPRoute struct {
	Type     string    `json:"type"` // unicast, blackhole, local …
	To       string    `json:"dst"`  // an address, a network, or "default"
	Via      IPGateway `json:"via"`
	Gateway  string    `json:"gateway"`
	Device   string    `json:"dev"`
	Table    string    `json:"table"`
	Protocol string    `json:"protocol"`
	Source   string    `json:"prefsrc"`
	Metric   int       `json:"metric"`
	Flags    []string  `json:"flags"`
	Expires  int       `json:"expires"`
	Pref     string    `json:"pref"` // of routes of IPv6 only
	Hops     []IPHop   `json:"nexthops"`
}

// IPGateway is a gateway of another family than the route.
type IPGateway struct {
	Host string `json:"host"`
}

// IPHop is one of the gateways of a route.
type IPHop struct {
	Via     IPGateway `json:"via"`
	Gateway string    `json:"gateway"`
	Device  string    `json:"dev"`
	Weight  int       `json:"weight"`
	Flags   []string  `json:"flags"`
}

// ParseIPAddresses reads the answer to IPAddresses.
func ParseIPAddresses(out []byte) ([]IPLink, error) {
	links, err := parseIP[IPLink](out)
	if err != nil {
		return nil, fmt.Errorf("cannot read the list of network interfaces: %w", err)
	}
	return links, nil
}

// ParseIPRoutes reads the answer to IPRoutes.
func ParseIPRoutes(out []byte) ([]IPRoute, error) {
	routes, err := parseIP[IPRoute](out)
	if err != nil {
		return nil, fmt.Errorf("cannot read the list of routes: %w", err)
	}
	return routes, nil
}

// parseIP: ip writes nothing, not even an empty list, where there is nothing to show.
func parseIP[T any](out []byte) ([]T, error) {
	var list []T
	if len(out) == 0 {
		return nil, nil
	}
	err := json.Unmarshal(out, &list)
	return list, err
}
