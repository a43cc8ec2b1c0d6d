package host

import (
	"path"
	"slices"
	"strings"

	"salvor/internal/layout"
	"salvor/internal/storage"
)

// readDNS reads resolv.conf(5). Where systemd-resolved stands between, which listens
// on the address below, its list of the real servers is read.
func (r *reader) readDNS() layout.DNS {
	dns := parseResolv(r.data("/etc/resolv.conf"))
	if slices.Equal(dns.Servers, []string{"127.0.0.53"}) {
		if real := parseResolv(r.data("/run/systemd/resolve/resolv.conf")); len(real.Servers) > 0 {
			return real
		}
	}
	return dns
}

func parseResolv(data []byte) layout.DNS {
	var dns layout.DNS
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(strings.ToValidUTF8(line, ""))
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "nameserver":
			dns.Servers = append(dns.Servers, words[1])
		case "search", "domain":
			dns.Search = words[1:] // the last one counts
		}
	}
	if slices.Equal(dns.Search, []string{"."}) { // systemd's word for none
		dns.Search = nil
	}
	return dns
}

// networkPlaces are where the distributions' ways of configuring a network keep their
// files, as patterns for names in a directory.
var networkPlaces = []struct{ dir, names string }{
	{"/etc/network", "interfaces"}, // ifupdown: Debian, Alpine
	{"/etc/network/interfaces.d", "*"},
	{"/etc/netplan", "*.yaml"}, // Ubuntu
	{"/etc/NetworkManager/system-connections", "*"},
	{"/etc/systemd/network", "*.network"},
	{"/etc/systemd/network", "*.netdev"},
	{"/etc/systemd/network", "*.link"},
	{"/etc/sysconfig/network-scripts", "ifcfg-*"}, // Red Hat
	{"/etc/sysconfig/network-scripts", "route*-*"},
	{"/etc/sysconfig/network", "ifcfg-*"}, // SUSE
	{"/etc/sysconfig/network", "ifroute-*"},
	{"/etc/sysconfig/network", "routes"},
	{"/etc/wicked/ifconfig", "*.xml"},
	{"/etc/conf.d", "net"},         // Gentoo
	{"/etc/netctl", "*"},           // Arch
	{"/etc/rc.d", "rc.inet1.conf"}, // Slackware
	{"/etc", "dhcpcd.conf"},        // Raspberry Pi
	{"/etc/udev/rules.d", "70-persistent-net.rules"},
}

// leftovers are the ends of names of files that nobody reads.
var leftovers = []string{"~", ".bak", ".orig", ".rpmsave", ".rpmnew", ".dpkg-old", ".dpkg-new", ".dpkg-dist", ".swp", "ifcfg-lo"}

// networkFiles gives the names of the files that are there, and of no directory.
func (r *reader) networkFiles() []string {
	var out []string
	for _, place := range networkPlaces {
		for _, name := range r.list(place.dir) {
			match, _ := path.Match(place.names, name) // the patterns are our own
			unread := slices.ContainsFunc(leftovers, func(end string) bool { return strings.HasSuffix(name, end) })
			if match && !unread && !r.isDir(path.Join(place.dir, name)) {
				out = append(out, storage.Printable(path.Join(place.dir, name)))
			}
		}
	}
	slices.Sort(out)
	return out
}
