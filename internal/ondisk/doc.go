// Package ondisk reads what lies on a block device from its bytes.
//
// Its nouns: a Content is all that was recognised on one device: at most one
// partition Table with its Entries, and Signatures, each the typed facts of
// one superblock or header (a file system, swap space, a RAID member, an
// encrypted container, an LVM physical volume). A Note tells of a structure
// that is damaged or unreadable. What a structure says of how its tool made it
// is its Made (ExtMade, LUKSMade…); Used is how much of a file system is
// taken, as its own counters have it. Two formats hold more than a header
// tells and have readers of their own: the text metadata of LVM (ParseLVM),
// and the subvolumes, profiles and devices of btrfs (BtrfsSubvolumes).
//
// The bytes are hostile: a damaged header never panics, loops, or makes the
// package allocate by a length that was not checked. Little is read: the
// first and the last 128 KiB of a device, and single blocks elsewhere only
// where a header points to them. Nothing that helps to open an encrypted
// container is kept: no key, salt or digest, and no password in a URL.
//
// The package opens no device, writes nothing and decides nothing. It does
// not know whether it looks at a disk or at a partition, which of two
// signatures is stale, or what belongs together; package probe does.
package ondisk
