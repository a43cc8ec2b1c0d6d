package ondisk

// FATMade is how a FAT was made (mkfs.fat(8)).
type FATMade struct {
	Tables, Reserved, RootEntries int
	Hidden                        uint32 // sectors
	Media                         int
	Clusters, FreeClusters        uint32
	FreeKnown                     bool // it has a count of free clusters
}

func parseFATMade(b []byte, g fatGeometry) FATMade {
	return FATMade{
		Tables: int(b[0x10]), Reserved: int(le.Uint16(b[0xe:])), RootEntries: int(le.Uint16(b[0x11:])),
		Hidden: le.Uint32(b[0x1c:]), Media: int(b[0x15]), Clusters: g.clusters,
	}
}

// setFree reads the count of free clusters out of the sector that FAT32 has for it
// (Microsoft, "FAT: General Overview of On-Disk Format" 1.03, "FSInfo").
func (f *FAT) setFree(d *device, b []byte, g fatGeometry) {
	sector := int64(le.Uint16(b[0x30:]))
	if sector == 0 {
		return
	}
	info := d.at(sector*int64(g.sector), 512)
	if info == nil || string(info[484:488]) != "rrAa" {
		return
	}
	f.FreeClusters = le.Uint32(info[488:])
	f.FreeKnown = f.FreeClusters <= f.Clusters
}

// Used is how many bytes files take. The count is as good as who wrote it last; one
// that was not unmounted is known to be behind.
func (f *FAT) Used() (used uint64, known bool) {
	if !f.FreeKnown || f.Dirty {
		return 0, false
	}
	return uint64(f.Clusters-f.FreeClusters) * uint64(f.ClusterSize), true
}
