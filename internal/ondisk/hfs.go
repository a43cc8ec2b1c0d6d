package ondisk

import "crypto/md5"

const (
	hfsOffset   = 1024
	hfsLeaf     = 0xff
	hfsRootName = 1 // the parent of the root directory, whose name is the label
)

// hfsUUID makes a version 3 UUID of Apple's 64-bit volume identifier, as
// macOS does (its namespace is kFSUUIDNamespaceSHA1 of Apple's diskdev_cmds).
func hfsUUID(id []byte) string {
	if allZero(id) {
		return ""
	}
	namespace := []byte("\xb3\xe2\x0f\x39\xf2\x92\x11\xd6\x97\xa4\x00\x30\x65\x43\xec\xac")
	sum := md5.Sum(append(namespace, id...))
	sum[6] = 0x30 | sum[6]&0x0f
	sum[8] = 0x80 | sum[8]&0x3f
	return uuidString(sum[:])
}

// embedded tells that an HFS volume is a mere wrapper of an HFS+ one.
func embedded(mdb []byte) bool {
	sig := string(mdb[124:126])
	return sig == "H+" || sig == "HX"
}

func findHFS(d *device) (Signature, error) {
	b := d.at(hfsOffset, 512)
	if b == nil || string(b[:2]) != "BD" || embedded(b) {
		return nil, nil
	}
	if block := be.Uint32(b[20:]); block == 0 || block&511 != 0 {
		return nil, damaged("hfs: the block size is out of bounds", hfsOffset)
	}
	n := min(int(b[36]), 27)
	return &Plain{ID: ID{UUID: hfsUUID(b[116:124]), Label: label(b[37 : 37+n])}, Type: "hfs"}, nil
}

func findHFSPlus(d *device) (Signature, error) {
	b := d.at(hfsOffset, 512)
	if b == nil {
		return nil, nil
	}
	base := uint64(0)
	if string(b[:2]) == "BD" && embedded(b) {
		base = uint64(be.Uint16(b[28:]))*512 + uint64(be.Uint16(b[126:]))*uint64(be.Uint32(b[20:]))
		if b = d.at64(base+hfsOffset, 512); b == nil {
			return nil, damaged("hfsplus: the embedded volume lies outside of the device", hfsOffset)
		}
	}
	if sig := string(b[:2]); sig != "H+" && sig != "HX" {
		return nil, nil
	}
	if be.Uint32(b[40:]) < 512 {
		return nil, damaged("hfsplus: the block size is out of bounds", hfsOffset)
	}
	return &Plain{ID: ID{UUID: hfsUUID(b[104:112]), Label: hfsLabel(d, b, base)}, Type: "hfsplus"}, nil
}

// hfsLabel reads the first key of the catalog's first leaf: the thread of the
// root directory, whose name is the volume's (Apple TN1150).
func hfsLabel(d *device, header []byte, base uint64) string {
	block := uint64(be.Uint32(header[40:]))
	extents := header[272+16:] // of the catalog file
	root := d.at64(base+uint64(be.Uint32(extents))*block, 512)
	if root == nil {
		return ""
	}
	leaf, size := uint64(be.Uint32(root[24:])), uint64(be.Uint16(root[32:]))
	if size < 512 || size > 32<<10 {
		return ""
	}
	at := leaf * size / block
	for i := range 8 {
		start, count := uint64(be.Uint32(extents[8*i:])), uint64(be.Uint32(extents[8*i+4:]))
		if at < count {
			return hfsFirstKey(d.at64(base+(start+at)*block, int(size)))
		}
		at -= count
	}
	return ""
}

func hfsFirstKey(node []byte) string {
	if node == nil || node[8] != hfsLeaf || be.Uint16(node[10:]) == 0 {
		return ""
	}
	key := node[14:]
	n := int(be.Uint16(key[6:]))
	if be.Uint32(key[2:]) != hfsRootName || n > 255 || 8+2*n > len(key) {
		return ""
	}
	return utf16Label(key[8:8+2*n], be)
}
