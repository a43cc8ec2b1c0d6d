package rear

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"salvor/internal/layout"
	"salvor/internal/storage"
)

// bootWords are ReaR's words for boot loaders (layout/save/default/445_guess_bootloader.sh).
var bootWords = map[string]string{
	"grub2-efi": "GRUB2-EFI", "grub2-bios": "GRUB2", "grub2-ieee1275": "GRUB2", "grub2": "GRUB2", "zipl": "ZIPL",
	"systemd-boot": "EFI", "uki": "EFI",
}

// companions makes the files beside disklayout.conf.
func (e *exporter) companions() {
	for _, l := range e.out.Lines {
		if c, ok := l.Component.(*FS); ok && !l.Disabled {
			e.files.Mounts = append(e.files.Mounts, Pair{c.Mountpoint, c.Device})
		}
	}
	e.files.Bootloader = bootWords[e.l.Boot.Loader]
	e.links()
	e.usage()
	for g := range storage.All[*storage.VG](e.g) {
		if data, why := e.metadata(g); why == "" {
			e.files.Groups[g.Name] = data
		} else {
			e.gap("volume group "+g.Name, "its metadata are not written (%s), so ReaR would make it by lvcreate alone: on the machine, run vgcfgbackup -f %s.cfg %s, and put that into layout/lvm", why, g.Name, g.Name)
		}
	}
}

// links writes udev's names below /dev/disk/by-id: those of disks as they were saved,
// and those that follow from what is on the disks (systemd, rules.d/60-persistent-storage*.rules,
// lvm2, udev/10-dm.rules, 11-dm-lvm.rules; mdadm, udev-md-raid-arrays.rules).
func (e *exporter) links() {
	add := func(dev string, format string, args ...any) {
		if dev != "" {
			e.files.Links = append(e.files.Links, Pair{fmt.Sprintf(format, args...), dev})
		}
	}
	for n := range e.g.Nodes() {
		dev := e.device(n)
		switch n := n.(type) {
		case *storage.Disk:
			e.diskLinks(n, dev)
		case *storage.MD:
			add(dev, "md-uuid-%s", n.UUID)
			if n.Name != "" {
				add(dev, "md-name-%s", n.Name)
			}
		case *storage.PV:
			if low := e.on(n); low != nil {
				add(e.device(low), "lvm-pv-uuid-%s", n.UUID)
			}
		case *storage.LV:
			if vg, ok := e.g.Node(n.Group).(*storage.VG); ok && e.written[n.ID] {
				add(dev, "dm-name-%s", path.Base(dev))
				add(dev, "dm-uuid-LVM-%s", strings.ReplaceAll(vg.UUID+n.UUID, "-", ""))
			}
		case *storage.Crypt:
			if e.written[n.ID] {
				add(dev, "dm-name-%s", path.Base(dev))
				add(dev, "dm-uuid-CRYPT-%s-%s-%s", strings.ToUpper(n.Format), strings.ReplaceAll(n.UUID, "-", ""), path.Base(dev))
			}
		case *storage.Multipath:
			add(dev, "dm-name-%s", path.Base(dev))
			add(dev, "dm-uuid-mpath-%s", n.WWID)
		}
	}
	slices.SortFunc(e.files.Links, func(a, b Pair) int { return strings.Compare(a.A, b.A) })
}

// diskLinks gives a disk's names, and those of its partitions that follow from them.
func (e *exporter) diskLinks(n *storage.Disk, dev string) {
	for _, name := range n.Names {
		link, ok := strings.CutPrefix(name.Path, "/dev/disk/by-id/")
		if !ok || dev == "" {
			continue
		}
		e.files.Links = append(e.files.Links, Pair{link, dev})
		if t := e.table(n); t != nil {
			for _, up := range e.g.Upper(t.ID) {
				if p, ok := up.(*storage.Partition); ok && e.device(p) != "" {
					e.files.Links = append(e.files.Links, Pair{fmt.Sprintf("%s-part%d", link, p.Number), e.device(p)})
				}
			}
		}
	}
}

// usage writes how full the file systems were. How much of one is free for users is
// not known, so it is what is not used.
func (e *exporter) usage() {
	for _, u := range e.l.Usage {
		at := slices.IndexFunc(e.mounts, func(m mounted) bool { return m.fs.ID == u.ID })
		if at < 0 {
			continue
		}
		m := e.mounts[at]
		size := max(m.fs.Size, uint64(u.Used))
		if m.fs.Size == 0 {
			size = max(size, e.on(m.fs).Base().Size)
		}
		used, percent := mib(u.Used), uint64(0)
		if size > 0 {
			percent = uint64(float64(u.Used)/float64(size)*100 + 0.999)
		}
		e.files.Usage = append(e.files.Usage, Usage{Device: m.device, Size: mib(layout.Size(size)), Used: used,
			Avail: mib(layout.Size(size)) - used, Capacity: num(percent) + "%", Mountpoint: m.Point})
	}
}

// mib rounds up, as df does.
func mib(n layout.Size) uint64 { return (uint64(n) >> 20) + min(1, uint64(n)&(1<<20-1)) }
