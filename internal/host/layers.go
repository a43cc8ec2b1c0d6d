package host

import (
	"slices"
	"strconv"
	"strings"

	"salvor/internal/layout"
)

// bondDefaults are the options of a bond that are settings, with what the kernel sets
// them to (kernel: Documentation/networking/bonding.rst, drivers/net/bonding/
// bond_main.c). The other files in the directory tell what goes on.
var bondDefaults = map[string]string{
	"ad_actor_sys_prio": "65535", "ad_actor_system": "00:00:00:00:00:00", "ad_select": "stable", "ad_user_port_key": "0",
	"all_slaves_active": "0", "arp_all_targets": "any", "arp_interval": "0", "arp_ip_target": "", "arp_missed_max": "2",
	"arp_validate": "none", "downdelay": "0", "fail_over_mac": "none", "lacp_active": "on", "lacp_rate": "slow",
	"lp_interval": "1", "miimon": "0", "min_links": "0", "ns_ip6_target": "", "num_grat_arp": "1", "packets_per_slave": "1",
	"peer_notif_delay": "0", "primary": "", "primary_reselect": "always", "resend_igmp": "1", "tlb_dynamic_lb": "1",
	"updelay": "0", "use_carrier": "1", "xmit_hash_policy": "layer2",
}

// bond reads how a bond works.
func (n *network) bond(p *port) *layout.Bond {
	dir := sysNet + p.name + "/bonding/"
	b := &layout.Bond{Mode: firstWord(n.text(dir + "mode"))}
	for _, name := range n.list(dir) { // sorted
		usual, setting := bondDefaults[name]
		value := n.text(dir + name)
		if strings.HasSuffix(name, "_target") {
			value = strings.ReplaceAll(value, " ", ",")
		} else {
			value = firstWord(value) // "fast 1": the word, and its number
		}
		if setting && value != usual && value != "" {
			b.Options = append(b.Options, name+"="+value)
		}
	}
	return b
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}

// bridge reads how a bridge works. STP is 2 where a program does it.
func (n *network) bridge(p *port) *layout.Bridge {
	dir := sysNet + p.name + "/bridge/"
	stp := n.text(dir + "stp_state")
	return &layout.Bridge{STP: stp != "" && stp != "0", VLANFiltering: n.text(dir+"vlan_filtering") == "1"}
}

// vlan reads which VLAN it is: by ip, or by a list of the kernel's, which does not
// tell 802.1ad.
func (n *network) vlan(p *port) *layout.VLAN {
	v := &layout.VLAN{}
	if len(p.lower) > 0 {
		v.Parent = p.lower[0]
	}
	if told := n.links[p.name].VLAN(); told != nil {
		v.ID = told.ID
		if told.Protocol != "802.1Q" {
			v.Protocol = told.Protocol
		}
		return v
	}
	for line := range strings.Lines(string(n.data("/proc/net/vlan/config"))) {
		f := strings.Split(line, "|")
		if len(f) == 3 && strings.TrimSpace(f[0]) == p.name {
			v.ID, _ = strconv.Atoi(strings.TrimSpace(f[1]))
			v.Parent = strings.TrimSpace(f[2])
		}
	}
	return v
}

// ipOverIB: every port has the default partition, which needs not be said.
func (n *network) ipOverIB(p *port) *layout.IPoverIB {
	ib := &layout.IPoverIB{Mode: n.text(sysNet + p.name + "/mode"), PKey: n.text(sysNet + p.name + "/pkey")}
	if slices.Contains([]string{"0xffff", "0x7fff"}, ib.PKey) {
		ib.PKey = ""
	}
	return ib
}
