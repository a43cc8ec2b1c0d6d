package system

import (
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// index finds nodes by what specs call them. A key that several nodes have is
// ambiguous, and stays so.
type index struct {
	g *storage.Graph
	// uuid and label are what UUID= and LABEL= are compared with (blkid's tags).
	uuid, label         nodesBy[string]
	partUUID, partLabel nodesBy[string]
	name                nodesBy[string] // every name that a node has now
	mapName             nodesBy[string] // what is open under a device-mapper name
	volume              nodesBy[string] // "vg/lv"
	volumeMap           nodesBy[string] // "vg-lv", as device-mapper has it
	volumeUUID          nodesBy[string] // without hyphens
	cryptUUID           nodesBy[string] // without hyphens
	array               nodesBy[string] // by the name in the superblock, without the host
	byID                nodesBy[string] // names below /dev/disk/by-id that follow from metadata
	partitions          nodesBy[int]    // by number
	identity            nodesBy[storage.ID]
	subvolumes          map[storage.ID][]*storage.Subvolume
}

type nodesBy[K comparable] map[K][]storage.Node

func (m nodesBy[K]) add(key K, n storage.Node) {
	var none K
	if key != none && !slices.Contains(m[key], n) {
		m[key] = append(m[key], n)
	}
}

func newIndex(g *storage.Graph) *index {
	ix := &index{g: g, partitions: nodesBy[int]{}, identity: nodesBy[storage.ID]{}, subvolumes: map[storage.ID][]*storage.Subvolume{}}
	for _, m := range []*nodesBy[string]{
		&ix.uuid, &ix.label, &ix.partUUID, &ix.partLabel, &ix.name, &ix.mapName,
		&ix.volume, &ix.volumeMap, &ix.volumeUUID, &ix.cryptUUID, &ix.array, &ix.byID,
	} {
		*m = nodesBy[string]{}
	}
	for n := range g.Nodes() {
		ix.addNames(n)
		ix.addNode(n)
	}
	return ix
}

func (ix *index) addNames(n storage.Node) {
	for _, name := range n.Base().Names {
		ix.name.add(name.Path, n)
	}
	uuid, label := uuidLabel(n)
	ix.uuid.add(strings.ToLower(uuid), n)
	ix.label.add(label, n)
	for _, id := range derivedIDs(n) {
		ix.byID.add(id, n)
	}
}

func (ix *index) addNode(n storage.Node) {
	ix.identity.add(n.Base().Identity, n)
	switch n := n.(type) {
	case *storage.Partition:
		ix.partUUID.add(strings.ToLower(n.UUID), n)
		ix.partLabel.add(n.Label, n)
		ix.partitions.add(n.Number, n)
	case *storage.LV:
		ix.volume.add(n.VG+"/"+n.Name, n)
		ix.volumeMap.add(fstab.LVMName(n.VG, n.Name), n)
		ix.volumeUUID.add(noHyphens(n.UUID), n)
	case *storage.Crypt:
		ix.cryptUUID.add(noHyphens(n.UUID), n)
		if n.Open != nil {
			ix.mapName.add(dmName(n.Open.Name), n)
		}
	case *storage.MD:
		ix.array.add(arrayName(n), n)
	case *storage.Subvolume:
		for _, fs := range n.On {
			ix.subvolumes[fs] = append(ix.subvolumes[fs], n)
		}
	}
}

func uuidLabel(n storage.Node) (uuid, label string) {
	switch n := n.(type) {
	case *storage.FileSystem:
		return n.UUID, n.Label
	case *storage.Swap:
		return n.UUID, n.Label
	case *storage.Crypt:
		return n.UUID, n.Label
	case *storage.Opaque:
		return n.UUID, n.Label
	}
	return "", ""
}

// derivedIDs are the names that udev makes of what lies on the disk or of what
// it says of itself (systemd, rules.d/60-persistent-storage.rules; mdadm,
// 63-md-raid-arrays.rules; lvm2, 69-dm-lvm.rules; multipath-tools,
// 11-dm-mpath.rules). They hold where udev does not run, too.
func derivedIDs(n storage.Node) []string {
	switch n := n.(type) {
	case *storage.MD:
		return prefixed(n.UUID, "md-uuid-", n.Name, "md-name-")
	case *storage.PV:
		return prefixed(n.UUID, "lvm-pv-uuid-")
	case *storage.Multipath:
		return prefixed(n.WWID, "dm-uuid-mpath-", n.WWID, "scsi-", n.WWID, "dm-name-")
	case *storage.Disk:
		return diskIDs(n)
	}
	return nil
}

func diskIDs(d *storage.Disk) []string {
	serial := udevName(d.Serial)
	out := prefixed(serial, "virtio-")
	if d.Model != "" && serial != "" {
		out = append(out, d.Transport+"-"+udevName(d.Model)+"_"+serial)
	}
	if hex, ok := strings.CutPrefix(d.WWN, "naa."); ok {
		return append(out, "wwn-0x"+hex)
	}
	return append(out, prefixed(d.WWN, "wwn-", d.WWN, "nvme-")...)
}

// prefixed gives prefix+value for each pair of value and prefix whose value is
// not empty.
func prefixed(pairs ...string) []string {
	var out []string
	for p := range slices.Chunk(pairs, 2) {
		if p[0] != "" {
			out = append(out, p[1]+p[0])
		}
	}
	return out
}

// udevName: udev writes blanks as underscores.
func udevName(s string) string { return strings.Join(strings.Fields(s), "_") }

func noHyphens(s string) string { return strings.ReplaceAll(s, "-", "") }

// dmName is a map's name as device-mapper has it, however it was written.
func dmName(s string) string { return fstab.EncodeDM(fstab.DecodeDM(s)) }

// arrayName is the name in an array's superblock without the host that it was
// made on.
func arrayName(md *storage.MD) string { return md.Name[strings.LastIndexByte(md.Name, ':')+1:] }
