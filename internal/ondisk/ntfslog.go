package ondisk

// The journal of NTFS, $LogFile, begins with two pages that say whether changes
// wait in it (kernel before 6.9: fs/ntfs/logfile.h; now fs/ntfs3/fslog.c).
const (
	ntfsData          = 0x80
	ntfsRestartPage   = "RSTR"
	ntfsRestartArea   = 24 // in a page: where its restart area is
	ntfsAreaInUse     = 12 // in an area: the first client
	ntfsAreaFlags     = 14
	ntfsNoClient      = 0xffff
	ntfsVolumeIsClean = 2 // RESTART_VOLUME_IS_CLEAN
	ntfsLogPage       = 4096
)

// ntfsLogDirty judges the journal by the newer of its two restart pages: it is
// clean when nobody has it open or its owner has closed it. One that was emptied, as
// mkntfs and chkdsk do it, has no such pages.
func ntfsLogDirty(d *device, record []byte, cluster int64) bool {
	start, ok := ntfsFirstRun(record, cluster)
	if !ok {
		return false
	}
	dirty, newest := false, uint64(0)
	for _, off := range []int64{start, start + ntfsLogPage} {
		page := d.at(off, 512)
		if page == nil || string(page[:4]) != ntfsRestartPage {
			continue
		}
		at := int(le.Uint16(page[ntfsRestartArea:]))
		if at < 32 || at+16 > len(page)-2 {
			continue
		}
		area := page[at:]
		lsn := le.Uint64(area)
		if lsn < newest {
			continue
		}
		newest = lsn
		dirty = le.Uint16(area[ntfsAreaInUse:]) != ntfsNoClient && le.Uint16(area[ntfsAreaFlags:])&ntfsVolumeIsClean == 0
	}
	return dirty
}

// ntfsFirstRun finds where the data of a file begins: the first of its runs, which
// are pairs of a length and a distance in clusters, with the sizes of the two in
// the byte before them.
func ntfsFirstRun(record []byte, cluster int64) (off int64, ok bool) {
	for at := int(le.Uint16(record[20:])); at+24 <= len(record); {
		a := record[at:]
		kind, length := le.Uint32(a), int(le.Uint32(a[4:]))
		if kind == ntfsEnd || length < 24 || length > len(a) {
			return 0, false
		}
		if kind == ntfsData && a[8] != 0 && length > 66 {
			return ntfsRun(a[:length], int(le.Uint16(a[32:])), cluster)
		}
		at += length
	}
	return 0, false
}

func ntfsRun(a []byte, at int, cluster int64) (off int64, ok bool) {
	if at >= len(a) {
		return 0, false
	}
	counts, distances := int(a[at]&0xf), int(a[at]>>4)
	from := at + 1 + counts
	if distances == 0 || distances > 7 || from+distances > len(a) {
		return 0, false
	}
	first := int64(0)
	for i := distances - 1; i >= 0; i-- {
		first = first<<8 | int64(a[from+i])
	}
	if first > 1<<62/cluster {
		return 0, false
	}
	return first * cluster, true
}
