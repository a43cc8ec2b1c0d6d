package rescue

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var compareAddresses = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

// TestChecksum: the header that RFC 1071 and many after it have been explained by.
func TestChecksum(t *testing.T) {
	head, err := hex.DecodeString("450000730000400040110000c0a80001c0a800c7")
	if err != nil {
		t.Fatal(err)
	}
	if got := checksum(head); got != 0xb861 {
		t.Errorf("%#x", got)
	}
	binary.BigEndian.PutUint16(head[10:], 0xb861)
	if got := checksum(head); got != 0 {
		t.Errorf("of a header with its checksum: %#x", got)
	}
	if got := checksum([]byte{0, 1, 2}); got != ^uint16(0x201) {
		t.Errorf("of an odd number of bytes: %#x", got)
	}
}

var (
	guest = parseMAC("52:54:00:00:00:01")
	here  = station("02:00:00:00:00:01", 7, "192.0.2.1", "2001:db8::1")
)

func asked(kind Kind, to MAC, src, dst, target string, data string) Frame {
	f := Frame{From: guest, To: to, VLAN: 7, Kind: kind, Src: netip.MustParseAddr(src), Dst: netip.MustParseAddr(dst)}
	if target != "" {
		f.Target = netip.MustParseAddr(target)
	}
	if data != "" {
		f.Data = []byte(data)
	}
	return f
}

// TestFrames: what is written is read, and with its end cut off it is of no kind.
func TestFrames(t *testing.T) {
	node := multicastMAC(solicitedNode(netip.MustParseAddr("2001:db8::1")))
	for _, f := range []Frame{
		asked(ARPRequest, broadcast, "0.0.0.0", "192.0.2.1", "", ""),
		asked(ARPReply, here.MAC, "192.0.2.7", "192.0.2.1", "", ""),
		asked(EchoRequest, here.MAC, "192.0.2.7", "192.0.2.1", "", "\x00\x01\x00\x02odd"),
		asked(EchoReply, here.MAC, "192.0.2.7", "192.0.2.1", "", "\x00\x01\x00\x02"),
		asked(EchoRequest, here.MAC, "2001:db8::7", "2001:db8::1", "", "\x00\x01\x00\x02odd"),
		asked(Solicitation, node, "::", "ff02::1:ff00:1", "2001:db8::1", ""),
		asked(Advertisement, here.MAC, "2001:db8::7", "2001:db8::1", "2001:db8::7", ""),
	} {
		for _, vlan := range []uint16{0, 7} {
			f.VLAN = vlan
			b := f.bytes()
			if diff := cmp.Diff(f, parseFrame(append(b, 0, 0)), compareAddresses); diff != "" {
				t.Error(diff)
			}
			for n := range b {
				if got := parseFrame(b[:n]); got.Kind != "" {
					t.Errorf("the first %d bytes of %s are %s", n, f, got)
				}
			}
		}
	}
}

// TestFrameBytes: an ARP probe and a tagged one of the kernel's, as tcpdump -XX shows them.
func TestFrameBytes(t *testing.T) {
	const plain = "ffffffffffff5254000000010806" + "0001080006040001" + "525400000001" + "00000000" + "000000000000" + "c0000201"
	const tagged = "ffffffffffff5254000000018100" + "00070806" + "0001080006040001" + "525400000001" + "00000000" + "000000000000" + "c0000201"
	f := asked(ARPRequest, broadcast, "0.0.0.0", "192.0.2.1", "", "")
	if diff := cmp.Diff(tagged, hex.EncodeToString(f.bytes())); diff != "" {
		t.Error(diff)
	}
	f.VLAN = 0
	if diff := cmp.Diff(plain, hex.EncodeToString(f.bytes())); diff != "" {
		t.Error(diff)
	}
}

func TestStationAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		ask  Frame
		want string
	}{
		"who has it": {asked(ARPRequest, broadcast, "192.0.2.7", "192.0.2.1", "", ""),
			"[02:00:00:00:00:01 to 52:54:00:00:00:01, VLAN 7: ARP reply from 192.0.2.1 to 192.0.2.7 invalid IP]"},
		"who has another": {asked(ARPRequest, broadcast, "192.0.2.7", "192.0.2.2", "", ""), ""},
		"an echo": {asked(EchoRequest, here.MAC, "192.0.2.7", "192.0.2.1", "", "abcd"),
			"[02:00:00:00:00:01 to 52:54:00:00:00:01, VLAN 7: echo reply from 192.0.2.1 to 192.0.2.7 invalid IP]"},
		"an echo for another": {asked(EchoRequest, broadcast, "192.0.2.7", "192.0.2.1", "", "abcd"), ""},
		"an answer":           {asked(ARPReply, here.MAC, "192.0.2.7", "192.0.2.1", "", ""), ""},
		"a neighbour": {asked(Solicitation, broadcast, "2001:db8::7", "ff02::1:ff00:1", "2001:db8::1", ""),
			"[02:00:00:00:00:01 to 52:54:00:00:00:01, VLAN 7: neighbour advertisement from 2001:db8::1 to 2001:db8::7 2001:db8::1]"},
		"about to take it": {asked(Solicitation, broadcast, "::", "ff02::1:ff00:1", "2001:db8::1", ""),
			"[02:00:00:00:00:01 to 33:33:00:00:00:01, VLAN 7: neighbour advertisement from 2001:db8::1 to ff02::1 2001:db8::1]"},
	} {
		for _, vlan := range []uint16{7, 0} {
			c.ask.VLAN = vlan
			want := c.want
			if vlan != here.VLAN {
				want = ""
			}
			answer, ok := here.answer(c.ask)
			if ok != (want != "") || ok && answer.String() != want {
				t.Errorf("%s: %v %s", name, ok, answer)
			}
		}
	}
}

// TestWire: two wires, one of which is put where the VM of the other would be.
func TestWire(t *testing.T) {
	dir := t.TempDir()
	far := station("52:54:00:00:00:01", 7, "192.0.2.7")
	near, err := NewWire(dir, "a")
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	vm, err := NewWire(dir, "a.vm", far)
	if err != nil {
		t.Fatal(err)
	}
	defer vm.Close()
	vm.vm = near.own
	if err := near.Ping(here, "192.0.2.1", "192.0.2.7"); err != nil {
		t.Error(err)
	}
	if got := vm.Seen(); len(got) < 2 || got[0].Kind != ARPRequest || got[1].Kind != EchoRequest {
		t.Error(got)
	}
}
