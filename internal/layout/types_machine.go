package layout

// Host is what a layout holds of a machine besides its storage. Nothing of it changes
// while the machine stays as it is: no times, no leases, no numbers that a kernel draws.
type Host struct {
	Machine Machine
	Boot    Boot
	Network Network
	Tools   []Tool
}

// Machine is which machine it is, and what it is made of.
type Machine struct {
	Hostname     string   `json:"hostname,omitempty" doc:"its name, as the kernel has it"`
	Architecture string   `json:"architecture,omitempty" doc:"as uname -m says it: x86_64, aarch64, ppc64le, s390x …"`
	OS           OS       `json:"os,omitzero" doc:"the installed system, as its os-release says"`
	Kernel       string   `json:"kernel,omitempty" doc:"the release of the kernel that ran; of a system seen from outside, the newest that has modules"`
	Hardware     Hardware `json:"hardware,omitzero" doc:"what the firmware tells of the hardware"`
}

// OS names an installed system.
type OS struct {
	ID      string `json:"id,omitempty" doc:"the distribution in one word: debian, rhel, opensuse-leap"`
	Version string `json:"version,omitempty" doc:"its version; none where it has none, as a rolling distribution"`
	Name    string `json:"name,omitempty" doc:"what it calls itself in full"`
}

// Hardware is what the firmware tells of the hardware. What makers print on every
// machine ("To be filled by O.E.M.") is left out.
type Hardware struct {
	Vendor  string `json:"vendor,omitempty" doc:"who made the machine"`
	Product string `json:"product,omitempty" doc:"what the maker calls it"`
	Version string `json:"version,omitempty" doc:"which version of the product it is"`
	Serial  string `json:"serial,omitempty" doc:"its serial number"`
	UUID    string `json:"uuid,omitempty" doc:"its UUID, in small letters"`
	Board   Board  `json:"board,omitzero" doc:"its main board"`
	BIOS    BIOS   `json:"bios,omitzero" doc:"its firmware"`
}

// Board is the main board.
type Board struct {
	Vendor  string `json:"vendor,omitempty" doc:"who made the board"`
	Name    string `json:"name,omitempty" doc:"what the maker calls it"`
	Version string `json:"version,omitempty" doc:"which version of the board it is"`
	Serial  string `json:"serial,omitempty" doc:"its serial number"`
}

// BIOS is the firmware of the main board, also where it is UEFI.
type BIOS struct {
	Vendor  string `json:"vendor,omitempty" doc:"who made the firmware"`
	Version string `json:"version,omitempty" doc:"its version"`
	Date    string `json:"date,omitempty" doc:"its date, as the firmware writes it"`
}

// The kinds of firmware that start a machine.
const (
	UEFI         = "uefi"
	BIOSFirmware = "bios"
	OpenFirmware = "openfirmware" // POWER below a hypervisor, and old Macs
	OPAL         = "opal"         // POWER on bare metal: petitboot
	IPL          = "ipl"          // IBM Z
	DeviceTree   = "devicetree"   // ARM, RISC-V and others by U-Boot or a firmware of their own
)

// Boot is how the machine starts.
type Boot struct {
	Firmware     string     `json:"firmware,omitempty" doc:"uefi, bios, openfirmware, opal, ipl (IBM Z), or devicetree (U-Boot or a firmware of the board's own)"`
	FirmwareBits int        `json:"firmware_bits,omitempty" doc:"the bits of an UEFI firmware, 64 or 32, which need not be those of the system"`
	SecureBoot   *bool      `json:"secure_boot,omitempty" doc:"whether Secure Boot is on; nothing where the firmware has none"`
	Loader       string     `json:"loader,omitempty" doc:"the boot loader that starts the system: grub2-efi, grub2-bios, grub2-ieee1275, grub2-emu (IBM Z), grub2 (of a firmware that is not known), systemd-boot, uki, extlinux, syslinux, zipl, raspberry-pi"`
	Default      *BootEntry `json:"default,omitempty" doc:"what the boot loader starts when nobody chooses"`
	CommandLine  string     `json:"command_line,omitempty" doc:"the command line of the kernel that ran; the letter x stands in the place of each character of a secret"`
	EFI          *EFIBoot   `json:"efi,omitempty" doc:"the boot menu of an UEFI firmware"`
}

// BootEntry is an entry of a boot loader's menu.
type BootEntry struct {
	Title       string   `json:"title,omitempty" doc:"as the menu shows it"`
	ID          string   `json:"id,omitempty" doc:"what the boot loader calls it"`
	Kernel      string   `json:"kernel,omitempty" doc:"the kernel, as a path in the system"`
	Initrd      []string `json:"initrd,omitempty" doc:"its initrds in the order in which they are loaded, as paths in the system"`
	CommandLine string   `json:"command_line,omitempty" doc:"what the kernel is told; secrets as in the command line of the running one"`
}

// EFIBoot is the boot menu of an UEFI firmware. What holds for the next start alone
// (BootNext) is not part of it.
type EFIBoot struct {
	Order   []string   `json:"order,omitempty" doc:"numbers of the entries in the order in which the firmware tries them (BootOrder)"`
	Timeout *int       `json:"timeout,omitempty" doc:"how many seconds the firmware waits before it starts the first one"`
	Entries []EFIEntry `json:"entries,omitempty" doc:"the entries by number"`
}

// EFIEntry is an entry of the firmware's boot menu (a variable Boot####).
type EFIEntry struct {
	Number       string        `json:"number" doc:"four hexadecimal digits, as in Boot0001"`
	Label        string        `json:"label,omitempty" doc:"as the firmware's menu shows it"`
	Active       bool          `json:"active" doc:"the firmware tries it; one that is not active is only there to be chosen"`
	Hidden       bool          `json:"hidden,omitempty" doc:"the firmware's menu does not show it"`
	Partition    *EFIPartition `json:"partition,omitempty" doc:"the partition that the loader lies on"`
	File         string        `json:"file,omitempty" doc:"the path of the loader on that partition, with backslashes"`
	DevicePath   string        `json:"device_path,omitempty" doc:"where it leads to, as efibootmgr -v shows it"`
	OptionalData string        `json:"optional_data,omitempty" doc:"what the loader is given, in hexadecimal digits; Windows and kernels that are started without a loader need it"`
	OptionalSum  string        `json:"optional_data_sha256,omitempty" doc:"the SHA-256 of what the loader is given, where that has more than 4 KiB and is left out"`
}

// EFIPartition is a partition as the firmware knows it.
type EFIPartition struct {
	UUID   string `json:"uuid,omitempty" doc:"PARTUUID of a GPT partition, or the 8 hexadecimal digits of an MBR's signature"`
	Number uint32 `json:"number" doc:"the number of the partition"`
	Start  uint64 `json:"start" doc:"its first block; a block is a logical sector of the disk"`
	Size   uint64 `json:"size" doc:"how many blocks it has"`
}

// Network is how the machine is reached, as far as a rescue needs it. Virtual
// interfaces below which nothing physical lies, such as those of containers, and routes
// that a routing daemon keeps are left out. No key is in it.
type Network struct {
	Domain     string      `json:"domain,omitempty" doc:"the domain of the machine's own name"`
	Interfaces []Interface `json:"interfaces,omitempty" doc:"the interfaces by name"`
	Routes     []Route     `json:"routes,omitempty" doc:"routes of the main table that are there for good, by where they lead"`
	DNS        DNS         `json:"dns,omitzero" doc:"how names are looked up"`
	Files      []string    `json:"files,omitempty" doc:"the files of the system that configure its network; only their names, as keys may be in them"`
}

// The kinds of interfaces.
const (
	Ethernet   = "ethernet"
	Wireless   = "wireless"
	InfiniBand = "infiniband"
	BondKind   = "bond"
	BridgeKind = "bridge"
	VLANKind   = "vlan"
	TeamKind   = "team"
	OtherKind  = "other"
)

// Interface is a network interface.
type Interface struct {
	Name         string    `json:"name" doc:"as the kernel has it"`
	Kind         string    `json:"kind" doc:"ethernet, wireless, infiniband, bond, bridge, vlan, team or other"`
	PermanentMAC string    `json:"permanent_mac,omitempty" doc:"the hardware address that is burnt into it; of an InfiniBand port its GUID"`
	MAC          string    `json:"mac,omitempty" doc:"the hardware address that it was given instead; nothing where it has its own, or that of another interface, or one by chance"`
	Driver       string    `json:"driver,omitempty" doc:"the driver of the device"`
	Bus          string    `json:"bus,omitempty" doc:"where the device is plugged in: pci-0000:00:03.0"`
	MTU          int       `json:"mtu,omitempty" doc:"bytes of the largest packet, where that is not the default of its kind"`
	DynamicIPv4  bool      `json:"dynamic_ipv4,omitempty" doc:"it has an IPv4 address by DHCP, which is not recorded"`
	DynamicIPv6  bool      `json:"dynamic_ipv6,omitempty" doc:"it has an IPv6 address by DHCP or router advertisement, which is not recorded"`
	Addresses    []string  `json:"addresses,omitempty" doc:"its static addresses with their prefixes, 192.0.2.1/24; with another end as ip(8) has it: 192.0.2.1 peer 198.51.100.1/32"`
	Members      []string  `json:"members,omitempty" doc:"the interfaces that a bond, bridge or team is made of"`
	Bond         *Bond     `json:"bond,omitempty" doc:"how a bond works"`
	Bridge       *Bridge   `json:"bridge,omitempty" doc:"how a bridge works"`
	VLAN         *VLAN     `json:"vlan,omitempty" doc:"which VLAN it is"`
	InfiniBand   *IPoverIB `json:"infiniband,omitempty" doc:"how IP goes over InfiniBand"`
}

// Bond is how a bond works.
type Bond struct {
	Mode    string   `json:"mode" doc:"balance-rr, active-backup, balance-xor, broadcast, 802.3ad, balance-tlb or balance-alb"`
	Options []string `json:"options,omitempty" doc:"its options that are not the defaults of the kernel: miimon=100"`
}

// Bridge is how a bridge works.
type Bridge struct {
	STP           bool `json:"stp,omitempty" doc:"the spanning tree protocol is on"`
	VLANFiltering bool `json:"vlan_filtering,omitempty" doc:"it tells VLANs apart; which port is in which is not recorded"`
}

// VLAN is which VLAN an interface is.
type VLAN struct {
	ID       int    `json:"id" doc:"its number"`
	Parent   string `json:"parent" doc:"the interface that it lies on"`
	Protocol string `json:"protocol,omitempty" doc:"802.1ad, where it is not 802.1Q"`
}

// IPoverIB is how IP goes over InfiniBand.
type IPoverIB struct {
	Mode string `json:"mode,omitempty" doc:"datagram or connected"`
	PKey string `json:"pkey,omitempty" doc:"the key of its partition, a number that is no secret: 0x8001"`
}

// Route is a route of the main table.
type Route struct {
	To        string `json:"to" doc:"where it leads: 0.0.0.0/0 and ::/0 are everywhere"`
	Type      string `json:"type,omitempty" doc:"blackhole, unreachable or prohibit, where it leads nowhere"`
	Via       string `json:"via,omitempty" doc:"the gateway"`
	Interface string `json:"interface,omitempty" doc:"the interface that it goes out by"`
	Metric    int    `json:"metric,omitempty" doc:"of two to the same, the lower one counts"`
	Source    string `json:"source,omitempty" doc:"the address that packets are sent from"`
	OnLink    bool   `json:"onlink,omitempty" doc:"the gateway is reached though no address of the interface says so"`
	Hops      []Hop  `json:"hops,omitempty" doc:"the gateways, if there are several"`
	Dynamic   bool   `json:"dynamic,omitempty" doc:"it is everywhere, by DHCP or router advertisement; its gateway is not recorded"`
}

// Hop is one of several gateways.
type Hop struct {
	Via       string `json:"via,omitempty" doc:"the gateway"`
	Interface string `json:"interface,omitempty" doc:"the interface that it is reached by"`
	Weight    int    `json:"weight,omitempty" doc:"its share, if not 1"`
}

// DNS is how names are looked up.
type DNS struct {
	Servers []string `json:"servers,omitempty" doc:"the servers in the order in which they are asked"`
	Search  []string `json:"search,omitempty" doc:"the domains that are tried behind a short name, in their order"`
}

// Tool is a program that makes or starts what is in the layout.
type Tool struct {
	Name    string `json:"name" doc:"the program, or the package that it is of"`
	Version string `json:"version" doc:"its version, as the package manager says, or as it says itself"`
}
