// Package storage is the device graph as data: what is there, what it lies
// on, what is open and what is mounted.
//
// A Node is one thing of the storage stack: a disk, a partition table, a
// partition, an MD array, a multipath map, a physical volume, a volume group, a
// logical volume, an encrypted container, a bcache, a file system, a subvolume,
// a swap area, or something recognised but opaque. Each kind is a Go type of its
// own, so that a nonsensical graph does not compile.
//
// An ID says what a node is, not where it is: it is made of the identifiers that
// lie on the disk (a partition UUID, an array UUID…), so it survives the renaming
// of kernel devices and graphs of two days or two machines can be compared. Nodes
// that share an Identity (a cloned disk, an LV snapshot, two wires of one LUN) are
// twins: all are kept, each under an ID that also names what it lies on, and
// whoever would have to choose between them must stop.
//
// A node lies On its lower nodes. A node that has to be opened (assembled,
// activated, unlocked) carries its Opening while it is open; what is known of a
// closed node from metadata alone is in the graph too. A Mount is a file system
// or subvolume attached at a path, or a virtual or bound tree.
//
// The package does not look at any machine, does not change one, and knows
// nothing of fstab or of plans.
package storage
