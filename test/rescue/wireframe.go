package rescue

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
)

// MAC is a hardware address of Ethernet.
type MAC [6]byte

func (m MAC) String() string { return net.HardwareAddr(m[:]).String() }

func parseMAC(s string) MAC {
	a, err := net.ParseMAC(s)
	if err != nil {
		panic(err)
	}
	return MAC(a)
}

var (
	broadcast = MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	allNodes  = netip.MustParseAddr("ff02::1")
)

// multicastMAC is where frames to an IPv6 multicast address go (RFC 2464, 7).
func multicastMAC(a netip.Addr) MAC {
	b := a.As16()
	return MAC{0x33, 0x33, b[12], b[13], b[14], b[15]}
}

// solicitedNode is where an IPv6 address is asked for (RFC 4291, 2.7.1).
func solicitedNode(a netip.Addr) netip.Addr {
	b, own := netip.MustParseAddr("ff02::1:ff00:0").As16(), a.As16()
	copy(b[13:], own[13:])
	return netip.AddrFrom16(b)
}

// Frame is what an Ethernet frame says, as far as these tests care.
type Frame struct {
	From, To MAC
	VLAN     uint16 // of its 802.1Q tag, 0 for none
	Kind     Kind
	Src, Dst netip.Addr // of IP; of ARP, whose address it is and which is asked for
	Target   netip.Addr // of a solicitation and an advertisement
	Data     []byte     // of an echo: all behind the checksum
}

func (f Frame) String() string {
	return fmt.Sprintf("[%s to %s, VLAN %d: %s from %s to %s %s]", f.From, f.To, f.VLAN, f.Kind, f.Src, f.Dst, f.Target)
}

// Kind is what a frame is there for.
type Kind string

// The kinds. All other frames have none.
const (
	ARPRequest    Kind = "ARP request"
	ARPReply      Kind = "ARP reply"
	EchoRequest   Kind = "echo request"
	EchoReply     Kind = "echo reply"
	Solicitation  Kind = "neighbour solicitation"
	Advertisement Kind = "neighbour advertisement"
	ToDHCPServer  Kind = "to a DHCP server"
)

// Numbers of protocols (IEEE 802 numbers, IANA).
const (
	typeIPv4 = 0x0800
	typeARP  = 0x0806
	typeVLAN = 0x8100
	typeIPv6 = 0x86dd
	protoUDP = 17
	protoV4  = 1  // ICMP
	protoV6  = 58 // ICMPv6
)

// icmp4 and icmp6 are the types of messages.
var (
	icmp4 = map[byte]Kind{8: EchoRequest, 0: EchoReply}
	icmp6 = map[byte]Kind{128: EchoRequest, 129: EchoReply, 135: Solicitation, 136: Advertisement}
)

// parseFrame reads a frame. What is no message of these kinds, or is cut off, has the addresses
// of Ethernet and no kind.
func parseFrame(b []byte) Frame {
	var f Frame
	if len(b) < 14 {
		return f
	}
	copy(f.To[:], b)
	copy(f.From[:], b[6:])
	what, b := binary.BigEndian.Uint16(b[12:]), b[14:]
	if what == typeVLAN && len(b) >= 4 {
		f.VLAN = binary.BigEndian.Uint16(b) & 0x0fff
		what, b = binary.BigEndian.Uint16(b[2:]), b[4:]
	}
	switch {
	case what == typeARP && len(b) >= 28:
		f.parseARP(b)
	case what == typeIPv4 && len(b) >= 20:
		f.parseIPv4(b)
	case what == typeIPv6 && len(b) >= 40:
		f.parseIPv6(b)
	}
	return f
}

func (f *Frame) parseARP(b []byte) {
	f.Src, f.Dst = netip.AddrFrom4([4]byte(b[14:18])), netip.AddrFrom4([4]byte(b[24:28]))
	switch binary.BigEndian.Uint16(b[6:]) {
	case 1:
		f.Kind = ARPRequest
	case 2:
		f.Kind = ARPReply
	}
}

func (f *Frame) parseIPv4(b []byte) {
	f.Src, f.Dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	head, all := int(b[0]&0xf)*4, int(binary.BigEndian.Uint16(b[2:]))
	if head < 20 || all < head+8 || all > len(b) {
		return
	}
	body := b[head:all] // a short frame has filling behind
	switch {
	case b[9] == protoV4:
		f.Kind, f.Data = icmp4[body[0]], append([]byte(nil), body[4:]...)
	case b[9] == protoUDP && binary.BigEndian.Uint16(body[2:]) == 67:
		f.Kind = ToDHCPServer
	}
}

func (f *Frame) parseIPv6(b []byte) {
	f.Src, f.Dst = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	size := int(binary.BigEndian.Uint16(b[4:]))
	if b[6] != protoV6 || size < 8 || size > len(b)-40 {
		return
	}
	body := b[40 : 40+size]
	switch f.Kind = icmp6[body[0]]; f.Kind {
	case EchoRequest, EchoReply:
		f.Data = append([]byte(nil), body[4:]...)
	case Solicitation, Advertisement:
		if len(body) < 24 {
			f.Kind = ""
			return
		}
		f.Target = netip.AddrFrom16([16]byte(body[8:24]))
	}
}

// bytes writes a frame of a kind that has been named, but for those to a DHCP server.
func (f Frame) bytes() []byte {
	b := append(append([]byte(nil), f.To[:]...), f.From[:]...)
	if f.VLAN != 0 {
		b = binary.BigEndian.AppendUint16(b, typeVLAN)
		b = binary.BigEndian.AppendUint16(b, f.VLAN)
	}
	switch {
	case f.Kind == ARPRequest || f.Kind == ARPReply:
		return append(binary.BigEndian.AppendUint16(b, typeARP), f.arp()...)
	case f.Dst.Is4():
		return append(binary.BigEndian.AppendUint16(b, typeIPv4), f.ipv4()...)
	}
	return append(binary.BigEndian.AppendUint16(b, typeIPv6), f.ipv6()...)
}

// arp is RFC 826.
func (f Frame) arp() []byte {
	b := []byte{0, 1, 8, 0, 6, 4, 0, 1}
	var target MAC
	if f.Kind == ARPReply {
		b[7], target = 2, f.To
	}
	b = append(append(b, f.From[:]...), f.Src.AsSlice()...)
	return append(append(b, target[:]...), f.Dst.AsSlice()...)
}

// ipv4 is RFC 791, and in it RFC 792.
func (f Frame) ipv4() []byte {
	body := append([]byte{typeOf(icmp4, f.Kind), 0, 0, 0}, f.Data...)
	binary.BigEndian.PutUint16(body[2:], checksum(body))
	head := make([]byte, 20)
	head[0], head[8], head[9] = 0x45, 64, protoV4
	binary.BigEndian.PutUint16(head[2:], uint16(len(head)+len(body)))
	copy(head[12:], f.Src.AsSlice())
	copy(head[16:], f.Dst.AsSlice())
	binary.BigEndian.PutUint16(head[10:], checksum(head))
	return append(head, body...)
}

// ipv6 is RFC 8200, and in it RFC 4443 and RFC 4861, whose messages need the highest hop limit.
func (f Frame) ipv6() []byte {
	body := []byte{typeOf(icmp6, f.Kind), 0, 0, 0}
	switch f.Kind {
	case Solicitation:
		body = append(append(body, 0, 0, 0, 0), f.Target.AsSlice()...)
		body = append(append(body, 1, 1), f.From[:]...)
	case Advertisement:
		flags := byte(0x20) // override
		if !f.Dst.IsMulticast() {
			flags |= 0x40 // it was asked for
		}
		body = append(append(body, flags, 0, 0, 0), f.Target.AsSlice()...)
		body = append(append(body, 2, 1), f.From[:]...)
	default:
		body = append(body, f.Data...)
	}
	head := make([]byte, 40)
	head[0], head[6], head[7] = 0x60, protoV6, 255
	binary.BigEndian.PutUint16(head[4:], uint16(len(body)))
	copy(head[8:], f.Src.AsSlice())
	copy(head[24:], f.Dst.AsSlice())
	// The checksum is also over the addresses, the length and the protocol (RFC 8200, 8.1).
	pseudo := append([]byte(nil), head[8:40]...)
	pseudo = binary.BigEndian.AppendUint32(pseudo, uint32(len(body)))
	pseudo = binary.BigEndian.AppendUint32(pseudo, protoV6)
	binary.BigEndian.PutUint16(body[2:], checksum(append(pseudo, body...)))
	return append(head, body...)
}

func typeOf(types map[byte]Kind, kind Kind) byte {
	for number, k := range types {
		if k == kind {
			return number
		}
	}
	panic(fmt.Sprintf("no message is of the kind %q", kind))
}

// checksum is RFC 1071.
func checksum(b []byte) uint16 {
	var sum uint32
	for len(b) > 1 {
		sum += uint32(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
