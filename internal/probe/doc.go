// Package probe is the eyes: it looks at a machine and returns the device graph.
//
// A device is one block device as the kernel and udev know it now. Its content
// is what package ondisk recognises in its bytes. A node of the graph is what
// both say together: an array is known from the superblocks of its members and,
// while it runs, from the kernel. A stand-in is a copy-on-write overlay of
// salvor's own above a device; it is no node, and what lies on it is shown as
// lying on the device. A copy is a second complete set of members (of an array,
// a volume group, a btrfs) that carry the same identities as the first: a cloned
// disk, a snapshot. All copies are in the graph, as twins.
//
// Which node answers to a device path: the one that is the device (a disk, a
// partition, an open container), never what lies on it. File systems, swap areas
// and physical volumes have no names and no device number of their own.
//
// Sources are sysfs, procfs, udev's database and the bytes of the devices, which
// are opened for reading only. The package runs no program, opens nothing that is
// closed, mounts nothing, writes nothing, and does not look into file systems
// except for the list of subvolumes of a btrfs. One broken or hanging device
// costs one note.
package probe
