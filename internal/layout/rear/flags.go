package rear

import (
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// gptTypes are the type GUIDs that parted shows as a flag (parted(8), "set";
// libparted, labels/gpt.c). ReaR keeps no others.
var gptTypes = []struct {
	flags []string
	guid  string
}{
	{[]string{"boot", "esp"}, "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"},
	{[]string{"bios_grub"}, "21686148-6449-6e6f-744e-656564454649"},
	{[]string{"raid"}, "a19d880f-05fc-4d3b-a006-743f0f84911e"},
	{[]string{"lvm"}, "e6d6d379-f507-44c2-a23c-238f2a3df928"},
	{[]string{"swap"}, "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"},
	{[]string{"prep"}, "9e1a2d38-c612-4316-aa26-8b49521e5a8b"},
}

// Bits of a GPT entry that parted calls hidden and legacy_boot (libparted,
// labels/gpt.c: RequiredToFunction, LegacyBIOSBootable).
const (
	bitHidden     = 1 << 0
	bitLegacyBoot = 1 << 2
)

// gptOf gives the type that flags stand for, or "" where they stand for none: parted
// shows most types as nothing.
func gptOf(flags []string) (guid string, bits uint64) {
	for _, t := range gptTypes {
		if slices.ContainsFunc(t.flags, func(f string) bool { return slices.Contains(flags, f) }) {
			guid = t.guid
		}
	}
	if slices.Contains(flags, "hidden") {
		bits |= bitHidden
	}
	if slices.Contains(flags, "legacy_boot") {
		bits |= bitLegacyBoot
	}
	return guid, bits
}

// gptFlags gives the flags of a GPT partition in parted's order.
func gptFlags(p *storage.Partition) []string {
	var flags []string
	for _, t := range gptTypes {
		if p.Type == t.guid {
			flags = append(flags, t.flags...)
		}
	}
	if p.Attributes&bitHidden != 0 {
		flags = append(flags, "hidden")
	}
	if p.Attributes&bitLegacyBoot != 0 {
		flags = append(flags, "legacy_boot")
	}
	return inOrder(flags)
}

// mbrTypes are the types of MBR entries that parted shows as one flag (libparted,
// labels/dos.c).
var mbrTypes = map[string]string{"raid": "0xfd", "lvm": "0x8e", "prep": "0x41", "swap": "0x82", "esp": "0xef", "palo": "0xf0"}

// hiddenTypes and lbaTypes are those of FAT and NTFS that differ in these two flags.
var (
	hiddenTypes = []string{"0x11", "0x14", "0x16", "0x17", "0x1b", "0x1c", "0x1e"}
	lbaTypes    = []string{"0x0c", "0x0e", "0x0f", "0x1c", "0x1e"}
)

// mbrOf gives the type of an MBR entry, or "" where flags do not tell.
func mbrOf(p *storage.Partition, flags []string) string {
	switch {
	case p.Extended && slices.Contains(flags, "lba"):
		return "0x0f"
	case p.Extended:
		return "0x05"
	}
	for _, flag := range partedOrder {
		if mbrTypes[flag] != "" && slices.Contains(flags, flag) {
			return mbrTypes[flag]
		}
	}
	return ""
}

// mbrFlags gives the flags of an MBR partition in parted's order.
func mbrFlags(p *storage.Partition) []string {
	var flags []string
	if p.Active {
		flags = append(flags, "boot")
	}
	if slices.Contains(hiddenTypes, p.Type) {
		flags = append(flags, "hidden")
	}
	if slices.Contains(lbaTypes, p.Type) {
		flags = append(flags, "lba")
	}
	for flag, id := range mbrTypes {
		if p.Type == id {
			flags = append(flags, flag)
		}
	}
	return inOrder(flags)
}

// partedOrder is the order in which parted lists flags (parted/disk.in.h,
// PedPartitionFlag), as far as ReaR keeps them.
var partedOrder = []string{"boot", "root", "swap", "hidden", "raid", "lvm", "lba", "palo", "prep", "bios_grub", "legacy_boot", "esp"}

func inOrder(flags []string) []string {
	slices.SortFunc(flags, func(a, b string) int {
		return slices.Index(partedOrder, a) - slices.Index(partedOrder, b)
	})
	return flags
}

// mapName is the name of a map whose node is device.
func mapName(device string) string {
	return fstab.DecodeDM(strings.TrimPrefix(device, "/dev/mapper/"))
}
