package ondisk

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// efiForm says how a kind of node is written. text gets at least min bytes.
type efiForm struct {
	min  int
	text func(b []byte) string
}

// efiForms are the kinds of nodes by type and subtype (UEFI 2.10, 10.3), as far as
// they are met in boot entries.
var efiForms = map[uint16]efiForm{
	0x0101: {2, func(b []byte) string { return fmt.Sprintf("Pci(0x%x,0x%x)", b[1], b[0]) }},
	0x0102: {1, func(b []byte) string { return fmt.Sprintf("PcCard(0x%x)", b[0]) }},
	0x0103: {20, func(b []byte) string {
		return fmt.Sprintf("MemoryMapped(0x%x,0x%x,0x%x)", le.Uint32(b), le.Uint64(b[4:]), le.Uint64(b[12:]))
	}},
	0x0104: {16, vendorText("VenHw")},
	0x0105: {4, func(b []byte) string { return fmt.Sprintf("Ctrl(0x%x)", le.Uint32(b)) }},

	0x0201: {8, acpiText},
	0x0202: {12, acpiExtendedText},
	0x0203: {4, acpiAddressText},

	0x0301: {4, func(b []byte) string { return fmt.Sprintf("Ata(%d,%d,%d)", b[0], b[1], le.Uint16(b[2:])) }},
	0x0302: {4, func(b []byte) string { return fmt.Sprintf("Scsi(%d,%d)", le.Uint16(b), le.Uint16(b[2:])) }},
	0x0303: {20, func(b []byte) string { return fmt.Sprintf("Fibre(0x%x,0x%x)", le.Uint64(b[4:]), le.Uint64(b[12:])) }},
	0x0305: {2, func(b []byte) string { return fmt.Sprintf("USB(%d,%d)", b[0], b[1]) }},
	0x030a: {16, vendorText("VenMsg")},
	0x030b: {33, macText},
	0x030c: {15, ipv4Text},
	0x030d: {39, ipv6Text},
	0x030f: {7, func(b []byte) string {
		return fmt.Sprintf("UsbClass(0x%x,0x%x,%d,%d,%d)", le.Uint16(b), le.Uint16(b[2:]), b[4], b[5], b[6])
	}},
	0x0310: {6, usbWWIDText},
	0x0311: {1, func(b []byte) string { return fmt.Sprintf("Unit(%d)", b[0]) }},
	0x0312: {6, func(b []byte) string {
		return fmt.Sprintf("Sata(%d,%d,%d)", le.Uint16(b), le.Uint16(b[2:]), le.Uint16(b[4:]))
	}},
	0x0313: {14, iscsiText},
	0x0314: {2, func(b []byte) string { return fmt.Sprintf("Vlan(%d)", le.Uint16(b)) }},
	0x0315: {20, func(b []byte) string { return fmt.Sprintf("FibreEx(0x%x,0x%x)", b[4:12], b[12:20]) }},
	0x0317: {12, func(b []byte) string { return fmt.Sprintf("NVMe(0x%x,%s)", le.Uint32(b), euiText(b[4:12])) }},
	0x0318: {0, func(b []byte) string { return "Uri(" + cstring(b) + ")" }},
	0x0319: {2, func(b []byte) string { return fmt.Sprintf("UFS(%d,0x%x)", b[0], b[1]) }},
	0x031a: {1, func(b []byte) string { return fmt.Sprintf("SD(%d)", b[0]) }},
	0x031c: {1, func(b []byte) string { return "Wi-Fi(" + cstring(b) + ")" }},
	0x031d: {1, func(b []byte) string { return fmt.Sprintf("eMMC(%d)", b[0]) }},

	efiHardDrive: {38, hardDriveText},
	0x0402: {20, func(b []byte) string {
		return fmt.Sprintf("CDROM(%d,0x%x,0x%x)", le.Uint32(b), le.Uint64(b[4:]), le.Uint64(b[12:]))
	}},
	0x0403:      {16, vendorText("VenMedia")},
	efiFilePath: {2, func(b []byte) string { s, _ := utf16String(b, le); return s }},
	0x0405:      {16, func(b []byte) string { return "Media(" + plainGUID(b) + ")" }},
	0x0406:      {16, func(b []byte) string { return "FvFile(" + plainGUID(b) + ")" }},
	0x0407:      {16, func(b []byte) string { return "FvVol(" + plainGUID(b) + ")" }},
	0x0408:      {20, func(b []byte) string { return fmt.Sprintf("Offset(0x%x,0x%x)", le.Uint64(b[4:]), le.Uint64(b[12:])) }},
	0x0409:      {34, ramDiskText},

	0x0501: {4, biosText},
}

// plainGUID gives a GUID also where it is all zeros.
func plainGUID(b []byte) string {
	if s := guidString(b[:16]); s != "" {
		return s
	}
	return "00000000-0000-0000-0000-000000000000"
}

// vendorText is for the nodes that a vendor defined: a GUID, and data that only the
// vendor knows.
func vendorText(word string) func([]byte) string {
	return func(b []byte) string {
		if len(b) == 16 {
			return word + "(" + plainGUID(b) + ")"
		}
		return word + "(" + plainGUID(b) + "," + hex.EncodeToString(b[16:]) + ")"
	}
}

// acpiWords are the plug-and-play numbers that have a name of their own (10.6.1.6).
var acpiWords = map[uint16]string{
	0x0a03: "PciRoot", 0x0a08: "PcieRoot", 0x0604: "Floppy", 0x0301: "Keyboard", 0x0501: "Serial", 0x0401: "ParallelPort",
}

func acpiText(b []byte) string {
	id, uid := le.Uint32(b), le.Uint32(b[4:])
	if word := acpiWords[uint16(id>>16)]; word != "" && id&0xffff == eisaPNP {
		return fmt.Sprintf("%s(0x%x)", word, uid)
	}
	return fmt.Sprintf("Acpi(%s,0x%x)", eisaText(id), uid)
}

const eisaPNP = 0x41d0

// eisaText gives a compressed EISA ID: three letters of five bits each, then four
// hexadecimal digits (ACPI 6.5, 19.6.37).
func eisaText(id uint32) string {
	if id == 0 {
		return "0"
	}
	letters := id & 0xffff
	letter := func(shift uint) byte { return byte('@' + letters>>shift&0x1f) }
	return string([]byte{letter(10), letter(5), letter(0)}) + fmt.Sprintf("%04X", id>>16)
}

func acpiExtendedText(b []byte) string {
	id, uid, cid := le.Uint32(b), le.Uint32(b[4:]), le.Uint32(b[8:])
	texts := strings.SplitN(string(b[12:]), "\x00", 4)
	for len(texts) < 3 {
		texts = append(texts, "")
	}
	return fmt.Sprintf("AcpiEx(%s,%s,0x%x,%s,%s,%s)", eisaText(id), eisaText(cid), uid, texts[0], texts[2], texts[1])
}

func acpiAddressText(b []byte) string {
	var addresses []string
	for ; len(b) >= 4; b = b[4:] {
		addresses = append(addresses, fmt.Sprintf("0x%x", le.Uint32(b)))
	}
	return "AcpiAdr(" + strings.Join(addresses, ",") + ")"
}

// macText: the field has 32 bytes, of which an Ethernet or an unknown card uses 6.
func macText(b []byte) string {
	size := 32
	if b[32] <= 1 {
		size = 6
	}
	return fmt.Sprintf("MAC(%x,%d)", b[:size], b[32])
}

// ipText gives the form that both versions share: remote, protocol, where the
// address is from, local, and then the rest.
func ipText(word string, b []byte, size int, origin string) string {
	local, _ := netip.AddrFromSlice(b[:size])
	remote, _ := netip.AddrFromSlice(b[size : 2*size])
	ports := b[2*size:]
	protocol := le.Uint16(ports[4:])
	name := map[uint16]string{6: "TCP", 17: "UDP"}[protocol]
	if name == "" {
		name = fmt.Sprintf("0x%x", protocol)
	}
	return fmt.Sprintf("%s(%s:%d,%s,%s,%s:%d)", word, remote, le.Uint16(ports[2:]), name, origin, local, le.Uint16(ports))
}

func ipv4Text(b []byte) string {
	origin := "DHCP"
	if b[14] != 0 {
		origin = "Static"
	}
	return ipText("IPv4", b, 4, origin)
}

func ipv6Text(b []byte) string {
	origin := "0x" + strconv.FormatUint(uint64(b[38]), 16)
	if words := []string{"Static", "StatelessAutoConfigure", "StatefulAutoConfigure"}; int(b[38]) < len(words) {
		origin = words[b[38]]
	}
	return ipText("IPv6", b, 16, origin)
}

func usbWWIDText(b []byte) string {
	serial, _ := utf16String(b[6:], le)
	return fmt.Sprintf("UsbWwid(0x%x,0x%x,%d,%s)", le.Uint16(b[2:]), le.Uint16(b[4:]), le.Uint16(b), serial)
}

// iscsiText: name, portal group, LUN, digests, authentication, protocol (10.3.4.21).
func iscsiText(b []byte) string {
	options := le.Uint16(b[2:])
	digest := func(bit uint) string {
		if options>>bit&3 == 2 {
			return "CRC32C"
		}
		return "None"
	}
	auth := "CHAP_BI"
	switch {
	case options>>10&3 == 2:
		auth = "None"
	case options>>12&1 == 1:
		auth = "CHAP_UNI"
	}
	return fmt.Sprintf("iSCSI(%s,%d,0x%x,%s,%s,%s,TCP)", cstring(b[14:]), le.Uint16(b[12:]), b[4:12],
		digest(0), digest(2), auth)
}

// euiText: the number is in its order on the wire.
func euiText(b []byte) string {
	parts := make([]string, len(b))
	for i, c := range b {
		parts[i] = fmt.Sprintf("%02X", c)
	}
	return strings.Join(parts, "-")
}

func hardDriveText(b []byte) string {
	p := EFINode{4, 1, b}.partition()
	format := strings.ToUpper(p.Format)
	if format == "" {
		format = strconv.Itoa(int(b[36]))
	}
	uuid := p.UUID
	if b[37] == 1 {
		uuid = "0x" + uuid
	}
	return fmt.Sprintf("HD(%d,%s,%s,0x%x,0x%x)", p.Number, format, uuid, p.Start, p.Size)
}

func ramDiskText(b []byte) string {
	return fmt.Sprintf("RamDisk(0x%x,0x%x,%d,%s)", le.Uint64(b), le.Uint64(b[8:]), le.Uint16(b[32:]), plainGUID(b[16:]))
}

// biosText: an entry of the BIOS Boot Specification, for what a compatibility module
// starts (10.3.6).
func biosText(b []byte) string {
	kind := "0x" + strconv.FormatUint(uint64(le.Uint16(b)), 16)
	words := []string{"", "Floppy", "HD", "CDROM", "PCMCIA", "USB", "Network"}
	if n := int(le.Uint16(b)); n > 0 && n < len(words) {
		kind = words[n]
	}
	return fmt.Sprintf("BBS(%s,%s,0x%x)", kind, cstring(b[4:]), le.Uint16(b[2:]))
}
