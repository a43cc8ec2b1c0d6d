package rescue

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Wire is the cable at a network card of a VM: the test is all that is at its other end. It
// answers for its stations, and keeps what the card has sent.
type Wire struct {
	id       string
	own, vm  string // sockets
	conn     *net.UnixConn
	stations []Station

	mu   sync.Mutex
	seen []Frame
	news chan struct{} // closed and made anew with each frame
}

// Station is a machine on a wire.
type Station struct {
	MAC   MAC
	VLAN  uint16 // 0: without a tag
	Addrs []netip.Addr
}

func station(mac string, vlan uint16, addrs ...string) Station {
	s := Station{MAC: parseMAC(mac), VLAN: vlan}
	for _, a := range addrs {
		s.Addrs = append(s.Addrs, netip.MustParseAddr(a))
	}
	return s
}

// NewWire makes one; its sockets lie in dir, whose name has to be short.
func NewWire(dir, id string, stations ...Station) (*Wire, error) {
	w := &Wire{id: id, own: filepath.Join(dir, id), vm: filepath.Join(dir, id+".vm"), stations: stations, news: make(chan struct{})}
	var err error
	w.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: w.own, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	go w.listen()
	return w, nil
}

// Close pulls the cable.
func (w *Wire) Close() { w.conn.Close() }

// Card gives the options of QEMU for a network card at the wire.
func (w *Wire) Card(model, mac string) []string {
	return []string{
		"-netdev", fmt.Sprintf("dgram,id=%s,local.type=unix,local.path=%s,remote.type=unix,remote.path=%s", w.id, w.vm, w.own),
		"-device", fmt.Sprintf("%s,netdev=%s,mac=%s", model, w.id, mac),
	}
}

func (w *Wire) listen() {
	buffer := make([]byte, 1<<16)
	for {
		n, err := w.conn.Read(buffer)
		if err != nil {
			return
		}
		f := parseFrame(buffer[:n])
		w.mu.Lock()
		w.seen = append(w.seen, f)
		close(w.news)
		w.news = make(chan struct{})
		w.mu.Unlock()
		for _, s := range w.stations {
			if answer, ok := s.answer(f); ok {
				w.send(answer)
			}
		}
	}
}

// send puts a frame on the wire. That nobody listens at the other end is as with any cable.
func (w *Wire) send(f Frame) {
	w.conn.WriteToUnix(f.bytes(), &net.UnixAddr{Name: w.vm, Net: "unixgram"})
}

// Seen is what the card has sent so far.
func (w *Wire) Seen() []Frame {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.seen)
}

// again is how often a question is put on a wire anew.
const again = 500 * time.Millisecond

var errPatience = errors.New("it does not come")

// Await asks, again and again, until the card has sent a frame that is wanted. What it sent before
// does not count if fresh is set.
func (w *Wire) Await(fresh bool, ask func(), wanted func(Frame) bool) (Frame, error) {
	from := 0
	if fresh {
		from = len(w.Seen())
	}
	for deadline := time.After(patience); ; {
		w.mu.Lock()
		seen, news := w.seen, w.news
		w.mu.Unlock()
		if at := slices.IndexFunc(seen[from:], wanted); at >= 0 {
			return seen[from+at], nil
		}
		from = len(seen)
		ask()
		select {
		case <-news:
		case <-time.After(again):
		case <-deadline:
			return Frame{}, fmt.Errorf("%w on the wire %s; there was %v", errPatience, w.id, w.Seen())
		}
	}
}

// Ping asks from a station, in the name of the address source, which need not be its own, whether
// the machine at the card has the address to; the answer has to come back to that station.
func (w *Wire) Ping(from Station, source, to string) error {
	src, dst := netip.MustParseAddr(source), netip.MustParseAddr(to)
	own := slices.IndexFunc(from.Addrs, func(a netip.Addr) bool { return a.Is4() == dst.Is4() })
	if own < 0 {
		return fmt.Errorf("the station %s has no address to ask for %s from", from.MAC, to)
	}
	who := Frame{From: from.MAC, To: broadcast, VLAN: from.VLAN, Kind: ARPRequest, Src: from.Addrs[own], Dst: dst, Target: dst}
	answers := ARPReply
	if dst.Is6() {
		who.Kind, who.To, who.Dst, answers = Solicitation, multicastMAC(solicitedNode(dst)), solicitedNode(dst), Advertisement
	}
	whose, err := w.Await(true, func() { w.send(who) }, func(f Frame) bool {
		return f.Kind == answers && f.VLAN == from.VLAN && (dst.Is4() && f.Src == dst || dst.Is6() && f.Target == dst)
	})
	if err != nil {
		return fmt.Errorf("who has %s: %w", to, err)
	}
	echo := Frame{From: from.MAC, To: whose.From, VLAN: from.VLAN, Kind: EchoRequest, Src: src, Dst: dst, Data: []byte("\x12\x34\x00\x01salvor")}
	_, err = w.Await(true, func() { w.send(echo) }, func(f Frame) bool {
		return f.Kind == EchoReply && f.VLAN == from.VLAN && f.To == from.MAC && f.Src == dst && f.Dst == src && string(f.Data) == string(echo.Data)
	})
	if err != nil {
		return fmt.Errorf("an echo of %s: %w", to, err)
	}
	return nil
}

// answer is what a station says to a frame.
func (s Station) answer(f Frame) (Frame, bool) {
	if f.VLAN != s.VLAN || f.From == s.MAC {
		return Frame{}, false
	}
	a := Frame{From: s.MAC, To: f.From, VLAN: s.VLAN, Src: f.Dst, Dst: f.Src, Target: f.Target, Data: f.Data}
	switch {
	case f.Kind == ARPRequest && slices.Contains(s.Addrs, f.Dst):
		a.Kind = ARPReply
	case f.Kind == EchoRequest && f.To == s.MAC && slices.Contains(s.Addrs, f.Dst):
		a.Kind = EchoReply
	case f.Kind == Solicitation && slices.Contains(s.Addrs, f.Target):
		a.Kind, a.Src = Advertisement, f.Target
		if f.Src.IsUnspecified() { // somebody is about to take it (RFC 4861, 7.2.4)
			a.Dst, a.To = allNodes, multicastMAC(allNodes)
		}
	default:
		return Frame{}, false
	}
	return a, true
}
