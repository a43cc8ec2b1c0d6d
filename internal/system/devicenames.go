package system

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

var (
	cryptDMUUID = regexp.MustCompile(`^dm-uuid-CRYPT-[A-Z0-9]+-([0-9a-f]{32})-`)
	lvDMUUID    = regexp.MustCompile(`^dm-uuid-LVM-[0-9A-Za-z]{32}([0-9A-Za-z]{32})$`)
	partDMUUID  = regexp.MustCompile(`^dm-uuid-part([0-9]+)-(.+)$`)
	partOfID    = regexp.MustCompile(`^(.+)-part([0-9]+)$`)
	partOfMap   = regexp.MustCompile(`^(.*?)(?:-part|p)?([0-9]+)$`) // kpartx(8), "-p"
)

// mapper resolves /dev/mapper/NAME: what crypttab calls so, then a logical volume
// of that name, then what is open under it now. A name from the system's own
// crypttab wins over what happens to be open, which another system opened; also
// when what crypttab means is not there.
func (r *Resolver) mapper(name string) ([]storage.Node, error) {
	for _, spelling := range []string{name, fstab.DecodeDM(name)} {
		if id, ok := r.names[spelling]; ok {
			if e := r.entry[id]; isMadeAnew(e) {
				return nil, r.madeAnew(name, e)
			}
			return []storage.Node{r.g.Node(id)}, nil
		}
	}
	for _, spelling := range []string{name, fstab.DecodeDM(name)} {
		if lost := r.gone[spelling]; lost != nil {
			return nil, r.lostMap(name, lost)
		}
	}
	if found := r.ix.volumeMap[name]; len(found) > 0 {
		return found, nil
	}
	// systemd and Anaconda call a container so that no crypttab names
	// (systemd-cryptsetup-generator(8), "luks.uuid=").
	if uuid, ok := strings.CutPrefix(name, "luks-"); ok && len(r.ix.cryptUUID[noHyphens(uuid)]) > 0 {
		return r.ix.cryptUUID[noHyphens(uuid)], nil
	}
	if found := r.ix.mapName[dmName(name)]; len(found) > 0 {
		return found, nil
	}
	for _, path := range []string{"/dev/mapper/" + name, "/dev/mapper/" + dmName(name)} {
		if found := r.ix.name[path]; len(found) > 0 {
			return found, nil
		}
	}
	return r.partOfMap(name)
}

func (r *Resolver) lostMap(name string, lost *CryptError) error {
	if isMadeAnew(lost.Entry) {
		return r.madeAnew(name, lost.Entry)
	}
	spec := fstab.Spec{Kind: fstab.Mapper, Value: name}
	why, ids := Absent, []storage.ID(nil)
	if e, ok := lost.Err.(*ResolveError); ok {
		why, ids = e.Why, e.IDs
	}
	return r.fail(spec, why, ids, "%s: %v", spec, lost)
}

func (r *Resolver) madeAnew(name string, e fstab.CryptEntry) error {
	spec := fstab.Spec{Kind: fstab.Mapper, Value: name}
	return r.fail(spec, MadeAnew, nil, "%s is made anew on every boot (crypttab line %d), so it holds nothing to mount", spec, e.Line)
}

// isMadeAnew: the booting system throws away what the volume holds (crypttab(5)).
func isMadeAnew(e fstab.CryptEntry) bool {
	return e.RandomKey() || e.Options.Has("swap") || e.Options.Has("tmp")
}

// partOfMap finds a partition on a multipath map or on another map.
func (r *Resolver) partOfMap(name string) ([]storage.Node, error) {
	if found := r.ix.byID["dm-uuid-mpath-"+name]; len(found) > 0 {
		return found, nil
	}
	m := partOfMap.FindStringSubmatch(name)
	if m == nil || m[1] == "" {
		return nil, nil
	}
	on, err := r.mapper(m[1])
	return r.partitionsOf(on, m[2]), err
}

// byID resolves a name below /dev/disk/by-id: what crypttab and metadata say,
// then the links that exist.
func (r *Resolver) byID(name string) ([]storage.Node, error) {
	if m := cryptDMUUID.FindStringSubmatch(name); m != nil {
		return r.ix.cryptUUID[m[1]], nil
	}
	if m := lvDMUUID.FindStringSubmatch(name); m != nil {
		return r.ix.volumeUUID[m[1]], nil
	}
	if m := partDMUUID.FindStringSubmatch(name); m != nil {
		on, err := r.byID("dm-uuid-" + m[2])
		return r.partitionsOf(on, m[1]), err
	}
	if dm, ok := strings.CutPrefix(name, "dm-name-"); ok {
		return r.mapper(dm)
	}
	if found := r.link("/dev/disk/by-id/", name); len(found) > 0 {
		return found, nil
	}
	if found := r.ix.byID[name]; len(found) > 0 {
		return found, nil
	}
	if m := partOfID.FindStringSubmatch(name); m != nil {
		on, err := r.byID(m[1])
		return r.partitionsOf(on, m[2]), err
	}
	return nil, nil
}

// link finds a link that exists now. A spec has its name decoded.
func (r *Resolver) link(dir, name string) []storage.Node {
	if found := r.ix.name[dir+name]; len(found) > 0 {
		return found
	}
	return r.ix.name[dir+fstab.EncodeUdev(name)]
}

func (r *Resolver) partitionsOf(on []storage.Node, number string) []storage.Node {
	var out []storage.Node
	for _, n := range on {
		for _, table := range r.g.Upper(n.Base().ID) {
			for _, p := range r.g.Upper(table.Base().ID) {
				if p, ok := p.(*storage.Partition); ok && fmt.Sprint(p.Number) == number {
					out = append(out, p)
				}
			}
		}
	}
	return out
}

// devicePath resolves any other path below /dev. Names that metadata gives
// (/dev/VG/LV, /dev/md/NAME, /dev/mdN) are sure, and so are links that an
// administrator's udev rule makes here too. A name that the kernel gave on the
// system's own machine says little here.
func (r *Resolver) devicePath(p string, fits func(storage.Node) bool) []storage.Node {
	rest := strings.TrimPrefix(p, "/dev/")
	if found := r.ix.volume[rest]; len(found) > 0 {
		return found
	}
	if name, ok := strings.CutPrefix(rest, "md/"); ok {
		return r.array(name)
	}
	if k, ok := parseKernelName(p); ok {
		return r.byKernelName(k, fits)
	}
	var out []storage.Node
	for _, n := range r.ix.name[p] {
		for _, name := range n.Base().Names {
			if name.Path == p && name.Origin != storage.FromKernel {
				out = append(out, n)
			}
		}
	}
	return out
}

// array finds MD arrays by the name in their superblock, which mdadm makes the
// name below /dev/md, or a partition on one: with a p before its number when the
// array's name ends in a digit (mdadm(8), "DEVICE NAMES").
func (r *Resolver) array(name string) []storage.Node {
	if found := r.ix.array[name]; len(found) > 0 {
		return found
	}
	if found := r.link("/dev/md/", name); len(found) > 0 {
		return found
	}
	whole := strings.TrimRight(name, "0123456789")
	number := name[len(whole):]
	if found := r.ix.array[whole]; number != "" && len(found) > 0 {
		return r.partitionsOf(found, number)
	}
	return r.partitionsOf(r.ix.array[strings.TrimSuffix(whole, "p")], number)
}

// numberedArray finds what /dev/mdN is: the array that is called N, else the one
// that its old superblock numbers so, else any array that fits, since the number
// may have been free by chance.
func (r *Resolver) numberedArray(number int, fits func(storage.Node) bool) []storage.Node {
	text := strconv.Itoa(number)
	if found := r.ix.array[text]; len(found) > 0 {
		return found
	}
	var out []storage.Node
	for _, n := range r.ix.name["/dev/md"+text] {
		for _, name := range n.Base().Names {
			md, ok := n.(*storage.MD)
			if ok && name.Path == "/dev/md"+text && (name.Origin == storage.FromMetadata || md.Metadata == "0.90") {
				out = append(out, n)
			}
		}
	}
	if len(out) > 0 {
		return out
	}
	for md := range storage.All[*storage.MD](r.g) {
		if fits(md) {
			out = append(out, md)
		}
	}
	return out
}
