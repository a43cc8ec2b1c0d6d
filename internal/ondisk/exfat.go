package ondisk

// ExFAT is an exFAT file system.
type ExFAT struct {
	ID
	Size  uint64
	Dirty bool // was not unmounted
	// SectorSize and ClusterSize are bytes; Tables is how many there are, two in
	// what nobody has but some telephones.
	SectorSize, ClusterSize, Tables int
}

// Format implements Signature.
func (*ExFAT) Format() string { return "exfat" }

const (
	exfatLabelEntry = 0x83
	exfatMaxEntries = 10000
	exfatLast       = 0xffffff6
)

// exfatGeometry is the boot sector (Microsoft, exFAT file system
// specification, 3.1).
type exfatGeometry struct {
	sectorShift, clusterShift uint
	fat, heap                 uint64 // bytes
	root                      uint32
}

func findExFAT(d *device) (Signature, error) {
	b := d.at(0, 512)
	if b == nil || string(b[3:11]) != "EXFAT   " {
		return nil, nil
	}
	g := exfatGeometry{sectorShift: uint(b[108]), root: le.Uint32(b[96:])}
	g.clusterShift = g.sectorShift + uint(b[109])
	if g.sectorShift < 9 || g.sectorShift > 12 || g.clusterShift > 25 {
		return nil, damaged("exfat: the sizes are out of bounds", 0)
	}
	g.fat = uint64(le.Uint32(b[80:])) << g.sectorShift
	g.heap = uint64(le.Uint32(b[88:])) << g.sectorShift
	return &ExFAT{
		ID:    ID{UUID: serial(b[100:]), Label: g.label(d)},
		Size:  le.Uint64(b[72:]) << g.sectorShift,
		Dirty: le.Uint16(b[106:])&2 != 0,

		SectorSize: 1 << g.sectorShift, ClusterSize: 1 << g.clusterShift, Tables: int(b[110]),
	}, nil
}

// label walks the entries of the root directory through its clusters.
func (g exfatGeometry) label(d *device) string {
	cluster, within := g.root, uint64(0)
	var page []byte
	for range exfatMaxEntries {
		if cluster < 2 || cluster > exfatLast {
			return ""
		}
		if len(page) == 0 {
			// A sector holds whole entries and a cluster whole sectors.
			page = d.at64(g.heap+uint64(cluster-2)<<g.clusterShift+within, 1<<g.sectorShift)
			if page == nil {
				return ""
			}
			within += 1 << g.sectorShift
		}
		switch e := page[:32]; e[0] {
		case 0:
			return ""
		case exfatLabelEntry:
			return utf16Label(e[2:2+2*min(int(e[1]), 11)], le)
		}
		if page = page[32:]; len(page) == 0 && within == 1<<g.clusterShift {
			next := d.at64(g.fat+uint64(cluster)*4, 4)
			if next == nil {
				return ""
			}
			cluster, within = le.Uint32(next), 0
		}
	}
	return ""
}
