package live

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// IPParameter is the value of one ip= on the kernel's command line, in the form that the
// kernel has (Documentation/admin-guide/nfs/nfsroot.rst), with a few words of ours.
type IPParameter struct {
	Mode     IPMode
	Address  netip.Prefix // with IPStatic
	Gateway  netip.Addr   // may be invalid: none
	Hostname string
	Device   string // interface name or hardware address; "" is every interface, of a static address the first with a link
	DNS      []netip.Addr
}

// IPMode is how addresses are come by.
type IPMode string

// The modes.
const (
	IPOff    IPMode = "off"
	IPDHCP   IPMode = "dhcp"
	IPSaved  IPMode = "saved"
	IPStatic IPMode = "static"
)

// ipRows are the table "Values of ip=" in docs/rescue.md. A test reads each of its examples.
var ipRows = []struct {
	mode              IPMode
	examples, meaning string
}{
	{IPDHCP, "dhcp on any eth0:dhcp 52:54:00:12:34:56:dhcp", "DHCP on every interface that has a link, or gets one, or on the one that is named; without any `ip=`, too. IPv6 by what routers advertise, as the kernel does it"},
	{IPSaved, "saved", "the machine's own addresses, bonds, bridges, VLANs and routes, as they are in the layout. Interfaces are found by their burnt-in addresses. Where the image has none, DHCP"},
	{IPStatic, "192.0.2.7::192.0.2.1:255.255.255.0:name:eth0:off:192.0.2.53 192.0.2.7:::24 [2001:db8::7]::[2001:db8::1]:64", "`ADDRESS:SERVER:GATEWAY:NETMASK:NAME:INTERFACE:HOW:DNS:DNS`, as the kernel has it; the server does not count, what is empty at the end can be left out, and without an interface it is the first one with a link"},
	{IPOff, "off none", "no network"},
}

// ipWords are the words that stand for a mode, also in the last field of the long form.
// BOOTP and RARP have been replaced by DHCP everywhere, so that asking for them is asking
// for it.
var ipWords = map[string]IPMode{
	"off": IPOff, "none": IPOff,
	"dhcp": IPDHCP, "on": IPDHCP, "any": IPDHCP, "bootp": IPDHCP, "both": IPDHCP, "rarp": IPDHCP, "dhcp6": IPDHCP, "auto6": IPDHCP,
	"saved": IPSaved,
}

// parseIP reads the value of ip=.
func parseIP(value string) (IPParameter, error) {
	if mode, ok := ipWords[value]; ok {
		return IPParameter{Mode: mode}, nil
	}
	fields, err := splitIP(value)
	if err != nil {
		return IPParameter{}, err
	}
	if len(fields) == 2 { // as dracut has it: ip=eth0:dhcp
		mode, ok := ipWords[fields[1]]
		if !ok {
			return IPParameter{}, fmt.Errorf("%q is no way to get an address", fields[1])
		}
		return IPParameter{Mode: mode, Device: fields[0]}, nil
	}
	return parseLongIP(fields)
}

// The fields of the long form.
const (
	ipClient = iota
	ipServer // of an NFS root, which is of no use here
	ipGateway
	ipMask
	ipHost
	ipDevice
	ipAutoconf
	ipDNS0
	ipDNS1
	ipNTP
	ipFields
)

func parseLongIP(fields []string) (IPParameter, error) {
	if len(fields) > ipFields {
		return IPParameter{}, fmt.Errorf("it has %d fields, and there are only %d", len(fields), ipFields)
	}
	fields = append(fields, make([]string, ipFields-len(fields))...)
	ip := IPParameter{Mode: IPStatic, Hostname: fields[ipHost], Device: fields[ipDevice]}
	mode, known := ipWords[fields[ipAutoconf]]
	switch {
	case fields[ipAutoconf] != "" && !known:
		return IPParameter{}, fmt.Errorf("%q is no way to get an address", fields[ipAutoconf])
	case fields[ipClient] == "" && (!known || mode == IPDHCP):
		ip.Mode = IPDHCP
		return ip, nil
	case fields[ipClient] == "":
		ip.Mode = mode
		return ip, nil
	}
	if err := ip.takeAddress(fields); err != nil {
		return IPParameter{}, err
	}
	for _, field := range []string{fields[ipDNS0], fields[ipDNS1]} {
		if field == "" {
			continue
		}
		addr, err := netip.ParseAddr(field)
		if err != nil {
			return IPParameter{}, err
		}
		ip.DNS = append(ip.DNS, addr)
	}
	return ip, nil
}

func (ip *IPParameter) takeAddress(fields []string) error {
	addr, err := netip.ParseAddr(fields[ipClient])
	if err != nil {
		return err
	}
	bits, err := parseMask(addr, fields[ipMask])
	if err != nil {
		return err
	}
	ip.Address = netip.PrefixFrom(addr, bits)
	if fields[ipGateway] == "" {
		return nil
	}
	ip.Gateway, err = netip.ParseAddr(fields[ipGateway])
	if err == nil && ip.Gateway.Is4() != addr.Is4() {
		err = fmt.Errorf("the gateway %s is of another kind than the address %s", ip.Gateway, addr)
	}
	return err
}

// parseMask reads a netmask, or the length of a prefix. Without one the class of the
// address tells it, as in the kernel (net/ipv4/ipconfig.c, ic_defaults).
func parseMask(addr netip.Addr, text string) (bits int, err error) {
	switch {
	case text == "" && addr.Is4():
		return classOf(addr), nil
	case text == "":
		return 64, nil
	case strings.Contains(text, "."):
		return maskBits(text)
	}
	bits, err = strconv.Atoi(text)
	if err != nil || bits < 0 || bits > addr.BitLen() {
		return 0, fmt.Errorf("%q is no netmask", text)
	}
	return bits, nil
}

func classOf(addr netip.Addr) int {
	switch first := addr.As4()[0]; {
	case first < 128:
		return 8
	case first < 192:
		return 16
	}
	return 24
}

func maskBits(text string) (int, error) {
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.Is4() {
		return 0, fmt.Errorf("%q is no netmask", text)
	}
	for bits := 0; bits <= 32; bits++ {
		if mask, _ := netip.AddrFrom4([4]byte{255, 255, 255, 255}).Prefix(bits); mask.Addr() == addr {
			return bits, nil
		}
	}
	return 0, fmt.Errorf("%q is no netmask", text)
}

// splitIP splits the fields at their colons. IPv6 addresses stand in brackets, and
// the device may be a hardware address, which has colons of its own.
func splitIP(value string) ([]string, error) {
	var fields []string
	for rest, more := value, true; more; {
		var field string
		if inner, ok := strings.CutPrefix(rest, "["); ok {
			field, rest, ok = strings.Cut(inner, "]")
			if !ok || rest != "" && rest[0] != ':' {
				return nil, fmt.Errorf("the brackets around an IPv6 address are not in order")
			}
			rest, more = strings.CutPrefix(rest, ":")
		} else if mac, after, ok := cutMAC(rest); ok {
			field = mac
			rest, more = strings.CutPrefix(after, ":")
		} else {
			field, rest, more = strings.Cut(rest, ":")
		}
		fields = append(fields, field)
	}
	return fields, nil
}

// macLength is that of a hardware address of Ethernet: 52:54:00:12:34:56.
const macLength = 17

// cutMAC takes a hardware address off the front.
func cutMAC(s string) (mac, rest string, ok bool) {
	if len(s) < macLength || len(s) > macLength && s[macLength] != ':' {
		return "", s, false
	}
	for i, c := range []byte(strings.ToLower(s[:macLength])) {
		colon := i%3 == 2
		if colon != (c == ':') || !colon && !strings.ContainsRune("0123456789abcdef", rune(c)) {
			return "", s, false
		}
	}
	return strings.ToLower(s[:macLength]), s[macLength:], true
}
