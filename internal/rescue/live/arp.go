package live

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// How an address is asked for before it is taken (RFC 5227, 1.1).
const (
	probes       = 3
	probeWait    = time.Second // at most, before the first
	probeMin     = time.Second
	probeMax     = 2 * time.Second
	announceWait = 2 * time.Second
)

// arpLength is that of a packet for IPv4 over Ethernet (RFC 826).
const arpLength = 28

// arpProbe is a request for an address from nobody (RFC 5227, 2.1.1).
func arpProbe(from net.HardwareAddr, addr netip.Addr) []byte {
	b := make([]byte, arpLength)
	binary.BigEndian.PutUint16(b[0:], 1)      // Ethernet
	binary.BigEndian.PutUint16(b[2:], 0x0800) // IPv4
	b[4], b[5] = 6, 4                         // lengths of the addresses
	binary.BigEndian.PutUint16(b[6:], 1)      // a request
	copy(b[8:14], from)
	copy(b[24:28], addr.AsSlice())
	return b
}

// arpAnnouncement is a request for an address from who has it (RFC 5227, 2.3).
func arpAnnouncement(from net.HardwareAddr, addr netip.Addr) []byte {
	b := arpProbe(from, addr)
	copy(b[14:18], addr.AsSlice())
	return b
}

// arpConflict reads a packet and gives who has the address, or is probing for it as well
// (RFC 5227, 2.1.1).
func arpConflict(packet []byte, own net.HardwareAddr, addr netip.Addr) (by net.HardwareAddr, conflict bool) {
	if len(packet) < arpLength || binary.BigEndian.Uint16(packet[0:]) != 1 ||
		binary.BigEndian.Uint16(packet[2:]) != 0x0800 || packet[4] != 6 || packet[5] != 4 {
		return nil, false
	}
	sender := net.HardwareAddr(append([]byte(nil), packet[8:14]...))
	from, _ := netip.AddrFromSlice(packet[14:18])
	to, _ := netip.AddrFromSlice(packet[24:28])
	isProbe := binary.BigEndian.Uint16(packet[6:]) == 1 && from == netip.IPv4Unspecified()
	if sender.String() == own.String() {
		return nil, false
	}
	return sender, from == addr || isProbe && to == addr
}

func (netlinks) Taken(ctx context.Context, name string, addr netip.Addr) (net.HardwareAddr, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	if len(i.HardwareAddr) != 6 { // no Ethernet, so nobody to be asked by ARP
		return nil, nil
	}
	s, err := openARP(i)
	if err != nil {
		return nil, err
	}
	defer unix.Close(s.fd)
	if by, err := s.listen(ctx, addr, rand.N(probeWait)); by != nil || err != nil {
		return by, err
	}
	for n := range probes {
		if err := s.send(arpProbe(i.HardwareAddr, addr)); err != nil {
			return nil, err
		}
		wait := announceWait
		if n < probes-1 {
			wait = probeMin + rand.N(probeMax-probeMin)
		}
		if by, err := s.listen(ctx, addr, wait); by != nil || err != nil {
			return by, err
		}
	}
	return nil, nil
}

func (netlinks) Announce(name string, addr netip.Addr) error {
	i, err := net.InterfaceByName(name)
	if err != nil || len(i.HardwareAddr) != 6 {
		return err
	}
	s, err := openARP(i)
	if err != nil {
		return of("announce an address of", name, err)
	}
	defer unix.Close(s.fd)
	return of("announce an address of", name, s.send(arpAnnouncement(i.HardwareAddr, addr)))
}

// arpSocket sends and receives ARP on one interface (packet(7)).
type arpSocket struct {
	fd int
	i  *net.Interface
}

func openARP(i *net.Interface) (arpSocket, error) {
	protocol := int(binary.NativeEndian.Uint16([]byte{unix.ETH_P_ARP >> 8, unix.ETH_P_ARP & 0xff}))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return arpSocket{}, err
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: uint16(protocol), Ifindex: i.Index}); err != nil {
		unix.Close(fd)
		return arpSocket{}, err
	}
	return arpSocket{fd, i}, nil
}

func (s arpSocket) send(packet []byte) error {
	to := &unix.SockaddrLinklayer{Protocol: binary.NativeEndian.Uint16([]byte{unix.ETH_P_ARP >> 8, unix.ETH_P_ARP & 0xff}),
		Ifindex: s.i.Index, Halen: 6, Addr: [8]byte{255, 255, 255, 255, 255, 255}}
	return unix.Sendto(s.fd, packet, 0, to)
}

// listen waits for a sign of another machine with the address.
func (s arpSocket) listen(ctx context.Context, addr netip.Addr, limit time.Duration) (net.HardwareAddr, error) {
	until := time.Now().Add(limit)
	buffer := make([]byte, 2*arpLength)
	for {
		left := time.Until(until)
		if err := ctx.Err(); err != nil || left <= 0 {
			return nil, err
		}
		ready := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}}
		n, err := unix.Poll(ready, int(left.Milliseconds())+1)
		if n <= 0 || err != nil {
			if err == nil || errors.Is(err, unix.EINTR) {
				continue
			}
			return nil, err
		}
		n, _, err = unix.Recvfrom(s.fd, buffer, 0)
		if err != nil {
			if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
				continue
			}
			return nil, err
		}
		if by, conflict := arpConflict(buffer[:n], s.i.HardwareAddr, addr); conflict {
			return by, nil
		}
	}
}
