package ondisk

import "fmt"

// NTFS is an NTFS file system.
type NTFS struct {
	ID
	Size       uint64
	SectorSize int
	// ClusterSize is in bytes.
	ClusterSize int
	Dirty       bool // marked for chkdsk
	// LogDirty tells that its journal, $LogFile, has changes that are not in the
	// file system: Windows was not shut down, or lies hibernated.
	LogDirty bool
}

// Format implements Signature.
func (*NTFS) Format() string { return "ntfs" }

const (
	ntfsVolumeRecord = 3 // the number of $Volume in the master file table
	ntfsLogRecord    = 2 // that of $LogFile
	ntfsVolumeName   = 0x60
	ntfsVolumeInfo   = 0x70
	ntfsEnd          = 0xffffffff
	ntfsMaxRecord    = 64 << 10
	ntfsMaxCluster   = 2 << 20
)

func findNTFS(d *device) (Signature, error) {
	b := d.at(0, 512)
	if b == nil || string(b[3:11]) != "NTFS    " {
		return nil, nil
	}
	sector := int(le.Uint16(b[11:]))
	cluster := sector * ntfsPower(int8(b[13]))
	record := ntfsPower(int8(b[64]))
	if int8(b[64]) > 0 {
		record *= cluster
	}
	if sector < 256 || sector > 4096 || cluster <= 0 || cluster > ntfsMaxCluster || !allZero(b[14:21]) || le.Uint16(b[22:]) != 0 {
		return nil, damaged("ntfs: the boot sector is out of bounds", 0)
	}
	if record < 512 || record > ntfsMaxRecord {
		return nil, damaged("ntfs: the size of a file record is out of bounds", 0)
	}
	sectors, mft := le.Uint64(b[40:]), le.Uint64(b[48:])
	if mft > sectors || mft > uint64(d.size)/uint64(cluster) {
		return nil, damaged("ntfs: the master file table lies outside of the device", 0)
	}
	start := int64(mft) * int64(cluster)
	if !d.has(start, "FILE") {
		return nil, damaged("ntfs: there is no master file table", start)
	}
	n := &NTFS{Size: sectors * uint64(sector), SectorSize: sector, ClusterSize: cluster}
	if !allZero(b[72:80]) {
		n.UUID = fmt.Sprintf("%016X", le.Uint64(b[72:]))
	}
	volume := d.at(start+int64(ntfsVolumeRecord*record), record)
	if volume == nil || string(volume[:4]) != "FILE" {
		return n, damaged("ntfs: the volume's file record is missing", start)
	}
	n.readVolume(volume)
	if log := d.at(start+int64(ntfsLogRecord*record), record); log != nil && string(log[:4]) == "FILE" {
		n.LogDirty = ntfsLogDirty(d, log, int64(cluster))
	}
	return n, nil
}

// ntfsPower decodes a count of sectors or clusters: negative values are
// exponents of two.
func ntfsPower(n int8) int {
	if n > 0 {
		return int(n)
	}
	if n < -31 {
		// 128 sectors in a cluster, which is -128 as a signed byte.
		if n == -128 {
			return 128
		}
		return 0
	}
	return 1 << -int(n)
}

// readVolume reads the resident attributes of $Volume.
func (n *NTFS) readVolume(rec []byte) {
	for off := int(le.Uint16(rec[20:])); off+24 <= len(rec); {
		a := rec[off:]
		kind, length := le.Uint32(a), int(le.Uint32(a[4:]))
		if kind == ntfsEnd || length < 24 || length > len(a) {
			return
		}
		size, start := int(le.Uint32(a[16:])), int(le.Uint16(a[20:]))
		if size <= length && start <= length-size {
			value := a[start : start+size]
			switch {
			case kind == ntfsVolumeName:
				n.Label = utf16Label(value, le)
			case kind == ntfsVolumeInfo && size >= 12:
				n.Dirty = le.Uint16(value[10:])&1 != 0
			}
		}
		off += length
	}
}
