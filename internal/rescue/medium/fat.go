package medium

import (
	"encoding/binary"
	"fmt"
	"io"
)

// What FAT32 is: Microsoft's "FAT: General Overview of On-Disk Format" 1.03, which the UEFI
// specification refers to (2.10, 13.3).
const (
	sector       = 512
	fatReserved  = 32    // sectors in front of the first FAT, as every formatting program has it
	fewest       = 65536 // clusters: with less than 65525 it would be FAT16
	fatRoot      = 2     // the first cluster, and that of the root directory
	fatEnd       = 0x0fffffff
	fatLargest   = 1<<32 - 1 // bytes of a file
	dirEntry     = 32
	attrLabel    = 0x08
	attrDir      = 0x10
	attrArchive  = 0x20
	firstOfJan80 = 1<<5 | 1 // the first date that FAT can have: a medium has no time
)

// clusterSizes are tried from the left; the first with which the files make a FAT32 is taken.
var clusterSizes = []int64{4096, 2048, 1024, 512}

// extent is where a file lies.
type extent struct{ at, size int64 }

// fat is a FAT32 file system that is worked out: which cluster is whose.
type fat struct {
	tree    tree
	top     *node
	label   string
	serial  uint32
	hidden  uint32 // sectors in front of it on the disk
	cluster int64  // bytes
	next    int64  // the first free cluster
	chains  map[*node]chain
	files   []*node // by index in the tree
}

// chain is the clusters of a file or directory: they always follow one another.
type chain struct{ first, clusters int64 }

// newFAT works out the file system. Files lie in the order of the tree and begin at
// multiples of 2048 bytes, so that ISO 9660 can point to them.
func newFAT(t tree, label string, serial, hidden uint32) (*fat, error) {
	top, err := t.hierarchy()
	if err != nil {
		return nil, err
	}
	for _, f := range t {
		if f.content.Size() > fatLargest {
			return nil, fmt.Errorf("cannot put %s on a boot medium: it has %d bytes, and FAT holds files of less than 4 GiB", f.path, f.content.Size())
		}
	}
	v := &fat{tree: t, top: top, label: label, serial: serial, hidden: hidden}
	for _, v.cluster = range clusterSizes {
		v.allocate()
		if v.next-fatRoot >= fewest {
			break
		}
	}
	return v, nil
}

// allocate gives clusters to the directories, then to the files.
func (v *fat) allocate() {
	v.next, v.chains, v.files = fatRoot, map[*node]chain{}, make([]*node, len(v.tree))
	dirs := v.top.directories()
	for _, d := range dirs {
		v.take(d, int64(len(v.directory(d))))
		for _, c := range d.children {
			if !c.isDir() {
				v.files[c.file] = c
			}
		}
	}
	for i, n := range v.files {
		v.next = fatRoot + up((v.next-fatRoot)*v.cluster, block)/v.cluster
		v.take(n, v.tree[i].content.Size())
	}
}

func (v *fat) take(n *node, size int64) {
	c := chain{v.next, up(size, v.cluster) / v.cluster}
	if c.clusters == 0 {
		c.first = 0 // an empty file has no cluster
	}
	v.chains[n] = c
	v.next += c.clusters
}

func (v *fat) clusters() int64 { return max(v.next-fatRoot, fewest) }

// tableSize is the bytes of one FAT: a multiple of 4 sectors, so that what follows two of
// them begins at a multiple of 4096 bytes.
func (v *fat) tableSize() int64 { return up((v.clusters()+fatRoot)*4, 4*sector) }

func (v *fat) dataStart() int64 { return fatReserved*sector + 2*v.tableSize() }

func (v *fat) size() int64 { return v.dataStart() + v.clusters()*v.cluster }

func (v *fat) offset(c chain) int64 { return v.dataStart() + (c.first-fatRoot)*v.cluster }

// extent tells where file i of the tree lies, from the start of the file system.
func (v *fat) extent(i int) extent {
	c := v.chains[v.files[i]]
	if c.clusters == 0 {
		return extent{}
	}
	return extent{v.offset(c), v.tree[i].content.Size()}
}

// pieces are the whole file system but the zeros, beginning at an offset of an image.
func (v *fat) pieces(at int64) mosaic {
	boot, info, table := blob(v.bootSector()), blob(v.infoSector()), blob(v.table())
	const backup = 6 * sector
	m := mosaic{
		{at, boot}, {at + sector, info}, {at + backup, boot}, {at + backup + sector, info},
		{at + fatReserved*sector, table}, {at + fatReserved*sector + v.tableSize(), table},
	}
	for _, d := range v.top.directories() {
		m = append(m, piece{at + v.offset(v.chains[d]), blob(v.directory(d))})
	}
	for i, f := range v.tree {
		if e := v.extent(i); e.size > 0 {
			m = append(m, piece{at + e.at, io.NewSectionReader(f.content, 0, e.size)})
		}
	}
	return m
}

// bootCode stands in the boot sector. Nobody should start it; if somebody does, the BIOS
// goes on to its next device (INT 18h), and if it returns from that, the machine stops.
var bootCode = []byte{0xcd, 0x18, 0xf4, 0xeb, 0xfd}

func (v *fat) bootSector() []byte {
	b := make([]byte, sector)
	le := binary.LittleEndian
	copy(b, "\xeb\x58\x90MSWIN4.1") // the name that every reader knows
	le.PutUint16(b[11:], sector)
	b[13] = byte(v.cluster / sector)
	le.PutUint16(b[14:], fatReserved)
	b[16] = 2 // FATs
	b[21] = 0xf8
	le.PutUint16(b[24:], 63) // a geometry that nobody uses any more
	le.PutUint16(b[26:], 255)
	le.PutUint32(b[28:], v.hidden)
	le.PutUint32(b[32:], uint32(v.size()/sector))
	le.PutUint32(b[36:], uint32(v.tableSize()/sector))
	le.PutUint32(b[44:], fatRoot)
	le.PutUint16(b[48:], 1) // the information sector
	le.PutUint16(b[50:], 6) // the copy of the boot sector
	b[64], b[66] = 0x80, 0x29
	le.PutUint32(b[67:], v.serial)
	copy(b[71:], fmt.Sprintf("%-11s%-8s", fatLabel(v.label), "FAT32"))
	copy(b[90:], bootCode)
	b[510], b[511] = 0x55, 0xaa
	return b
}

func (v *fat) infoSector() []byte {
	b := make([]byte, sector)
	le := binary.LittleEndian
	copy(b, "RRaA")
	copy(b[484:], "rrAa")
	le.PutUint32(b[488:], uint32(v.free()))
	le.PutUint32(b[492:], uint32(v.next))
	b[510], b[511] = 0x55, 0xaa
	return b
}

// free is how many clusters are nobody's: those at the end, and those in front of files.
func (v *fat) free() int64 {
	used := int64(0)
	for _, c := range v.chains {
		used += c.clusters
	}
	return v.clusters() - used
}

// table is a FAT up to its last entry in use.
func (v *fat) table() []byte {
	b := make([]byte, v.tableSize())
	put := func(i, value int64) { binary.LittleEndian.PutUint32(b[4*i:], uint32(value)) }
	put(0, 0x0ffffff8)
	put(1, fatEnd)
	for _, c := range v.chains {
		for i := c.first; i < c.first+c.clusters; i++ {
			put(i, i+1)
		}
		if c.clusters > 0 {
			put(c.first+c.clusters-1, fatEnd)
		}
	}
	return b
}
