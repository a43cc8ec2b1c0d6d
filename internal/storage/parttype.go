package storage

// partitionTypes are the partition types that a rescuer meets, by GPT GUID
// (Discoverable Partitions Specification; UEFI 2.10, table 5.7) and MBR number.
var partitionTypes = map[string]string{
	"c12a7328-f81f-11d2-ba4b-00a0c93ec93b": "EFI system", "0xef": "EFI system",
	"21686148-6449-6e6f-744e-656564454649": "BIOS boot",
	"bc13c2ff-59e6-4262-a352-b275fd6f7172": "boot", "0xea": "boot",
	"0fc63daf-8483-4772-8e79-3d69d8477de4": "Linux", "0x83": "Linux",
	"4f68bce3-e8cd-4db1-96e7-fbcaf984b709": "root", "44479540-f297-41b2-9af7-d131d5f0458a": "root",
	"69dad710-2ce4-4e3c-b16c-21a1d49abed3": "root", "b921b045-1df0-41c3-af44-4c6f280d3fae": "root",
	"933ac7e1-2eb4-4f13-b844-0e14e2aef915": "home",
	"0657fd6d-a4ab-43c4-84e5-0933c84b4f4f": "swap", "0x82": "swap",
	"a19d880f-05fc-4d3b-a006-743f0f84911e": "RAID", "0xfd": "RAID",
	"e6d6d379-f507-44c2-a23c-238f2a3df928": "LVM", "0x8e": "LVM",
	"ebd0a0a2-b9e5-4433-87c0-68b6b72699c7": "Microsoft data", "0x07": "Microsoft data",
	"e3c9e316-0b5c-4db8-817d-f92df00215ae": "Microsoft reserved",
	"de94bba4-06d1-4d40-a16a-bfd50179d6ac": "Windows recovery",
	"9e1a2d38-c612-4316-aa26-8b49521e5a8b": "PReP boot", "0x41": "PReP boot",
}

// PartitionTypeName says what a partition type is for: a GUID, or 0x83 and the like. It is
// "" for one that is not known.
func PartitionTypeName(typ string) string { return partitionTypes[typ] }

func partitionType(n *Partition) string {
	switch {
	case n.Extended:
		return "extended"
	case n.Logical:
		return words("logical", partitionTypes[n.Type])
	default:
		return partitionTypes[n.Type]
	}
}
