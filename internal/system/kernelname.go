package system

import (
	"regexp"
	"slices"
	"strconv"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// kernelName is a name that a kernel gives to a device as it finds it: sda2 here
// can be sdb2 there.
type kernelName struct {
	driver string // "sd", "md", "dm-"
	whole  string // "/dev/sda"
	number int    // of an array or the like
	part   string // number of the partition, or ""
}

// kernelNames: a partition's number follows a letter, or a p after a digit
// (block/partitions/core.c, part_devname).
var kernelNames = []*regexp.Regexp{
	regexp.MustCompile(`^(/dev/(sd|hd|vd|xvd|ubd|dasd)[a-z]+())([0-9]+)?$`),
	regexp.MustCompile(`^(/dev/(nvme[0-9]+n|mmcblk|loop|nbd|pmem|rbd|sr|fd|ram|zram|bcache|dm-|md_d|md)([0-9]+))(?:p([0-9]+))?$`),
	regexp.MustCompile(`^(/dev/((?:cciss|ida)/c[0-9]+d)([0-9]+))(?:p([0-9]+))?$`),
}

func parseKernelName(p string) (kernelName, bool) {
	for _, re := range kernelNames {
		if m := re.FindStringSubmatch(p); m != nil {
			number, _ := strconv.Atoi(m[3]) // none for those with letters
			return kernelName{driver: m[2], whole: m[1], number: number, part: m[4]}, true
		}
	}
	return kernelName{}, false
}

// anchorDisks learns what a disk was called on the system's own machine: where
// fstab says /dev/sda2 for the root, and the root was found on a second
// partition, that one's disk is the /dev/sda of this fstab.
func (r *Resolver) anchorDisks(s *System) {
	e := s.entryAt("/")
	if e == nil || e.Spec.Kind != fstab.DevicePath {
		return
	}
	k, ok := parseKernelName(e.Spec.Value)
	if !ok || k.driver == "md" || k.driver == "md_d" {
		return
	}
	for _, carrier := range r.g.Lower(topOf(r.g, s.Root)) {
		p, isPart := carrier.(*storage.Partition)
		switch {
		case isPart && k.part == strconv.Itoa(p.Number):
			for _, table := range r.g.Lower(p.ID) {
				r.disks[k.whole] = firstLower(table)
			}
		case !isPart && k.part == "":
			r.disks[k.whole] = carrier.Base().ID
		}
	}
}

func firstLower(n storage.Node) storage.ID {
	if on := n.Base().On; len(on) > 0 {
		return on[0]
	}
	return ""
}

// topOf gives the file system of a subvolume, and all else as it is.
func topOf(g *storage.Graph, id storage.ID) storage.ID {
	if sub, ok := g.Node(id).(*storage.Subvolume); ok && len(sub.On) > 0 {
		return sub.On[0]
	}
	return id
}

// byKernelName gives all that a kernel's name can mean here: on the disk that is
// known to be meant, or on any other disk; and of these what fits.
func (r *Resolver) byKernelName(k kernelName, fits func(storage.Node) bool) []storage.Node {
	if k.driver == "md" || k.driver == "md_d" {
		found := r.numberedArray(k.number, func(n storage.Node) bool { return k.part != "" || fits(n) })
		if k.part == "" {
			return found
		}
		return keep(r.partitionsOf(found, k.part), fits)
	}
	if disk, known := r.disks[k.whole]; known {
		if k.part == "" {
			return []storage.Node{r.g.Node(disk)}
		}
		return r.partitionsOf([]storage.Node{r.g.Node(disk)}, k.part)
	}
	var all []storage.Node
	if k.part == "" {
		for n := range r.g.Nodes() {
			if k.canBe(n) {
				all = append(all, n)
			}
		}
	} else if number, err := strconv.Atoi(k.part); err == nil {
		all = keep(r.ix.partitions[number], r.isOnDisk)
	}
	return keep(all, func(n storage.Node) bool { return !r.isAnchored(n) && fits(n) })
}

// canBe: the driver makes devices of this kind.
func (k kernelName) canBe(n storage.Node) bool {
	switch n.(type) {
	case *storage.Disk:
		return k.driver != "dm-" && k.driver != "bcache"
	case *storage.Bcache:
		return k.driver == "bcache"
	case *storage.Crypt, *storage.LV, *storage.Multipath:
		return k.driver == "dm-"
	}
	return false
}

// isOnDisk: the table of the partition is one of a disk, as the kernel sees it.
func (r *Resolver) isOnDisk(n storage.Node) bool {
	for _, table := range r.g.Lower(n.Base().ID) {
		switch r.g.Node(firstLower(table)).(type) {
		case *storage.Disk, *storage.Multipath:
			p, ok := n.(*storage.Partition)
			return ok && !p.Extended
		}
	}
	return false
}

// isAnchored: the device is, or lies on, a disk that is known to have another name.
func (r *Resolver) isAnchored(n storage.Node) bool {
	for _, disk := range r.disks {
		if n.Base().ID == disk {
			return true
		}
		for _, table := range r.g.Lower(n.Base().ID) {
			if firstLower(table) == disk {
				return true
			}
		}
	}
	return false
}

func keep(nodes []storage.Node, is func(storage.Node) bool) []storage.Node {
	var out []storage.Node
	for _, n := range nodes {
		if is(n) {
			out = append(out, n)
		}
	}
	return out
}

// holds: what the line says of the type can be on the device.
func (r *Resolver) holds(n storage.Node, fsType string) bool {
	for _, up := range r.g.Upper(n.Base().ID) {
		switch up := up.(type) {
		case *storage.FileSystem:
			return fitsType(fsType, up.Type)
		case *storage.Swap:
			return fsType == "swap"
		}
	}
	return false
}

// carriesCrypt: the device holds an encrypted container.
func (r *Resolver) carriesCrypt(n storage.Node) bool {
	for _, up := range r.g.Upper(n.Base().ID) {
		if up.Kind() == storage.KindCrypt {
			return true
		}
	}
	return false
}

// IsKernelName reports whether a path below /dev is a name that the kernel counts
// up in the order in which it finds devices. The numbers of arrays are not among
// these, since a name or mdadm.conf keeps them, nor are drives of which there is
// one, with whatever lies in it.
func IsKernelName(p string) bool {
	k, ok := parseKernelName(p)
	return ok && !slices.Contains([]string{"md", "md_d", "sr", "fd"}, k.driver)
}
