package ondisk

// XFS is an XFS file system.
type XFS struct {
	ID
	Size      uint64 // of the data section
	BlockSize uint32
	// LogDirty tells that the log must be replayed: the file system is
	// mounted, or was not unmounted. LogUnknown tells that the log could not
	// be judged, or lies on another device.
	LogDirty, LogUnknown bool
	// RealtimeOrExternalLog tells that the file system needs another device
	// to be mounted, which it does not name.
	RealtimeOrExternalLog bool
	XFSMade
}

// Format implements Signature.
func (*XFS) Format() string { return "xfs" }

// XFSLog is the external log of an XFS file system.
type XFSLog struct {
	ID
	LogUUID string // the UUID of the file system that it belongs to
}

// Format implements Signature.
func (*XFSLog) Format() string { return "xfs_external_log" }

// xfsGeometry is what of a superblock is needed to find the log
// (kernel: fs/xfs/libxfs/xfs_format.h, struct xfs_dsb).
type xfsGeometry struct {
	blockSize        uint32
	blocks, rtBlocks uint64
	logStart         uint64
	agBlocks, ags    uint32
	logBlocks        uint32
	sectorSize       uint16
	blockLog         byte
	sectorLog        byte
	agBlockLog       byte
}

func parseXFSGeometry(b []byte) xfsGeometry {
	return xfsGeometry{
		blockSize: be.Uint32(b[4:]), blocks: be.Uint64(b[8:]), rtBlocks: be.Uint64(b[16:]),
		logStart: be.Uint64(b[48:]), agBlocks: be.Uint32(b[84:]), ags: be.Uint32(b[88:]),
		logBlocks: be.Uint32(b[96:]), sectorSize: be.Uint16(b[102:]),
		blockLog: b[120], sectorLog: b[121], agBlockLog: b[124],
	}
}

// sane does the checks that keep a chance "XFSB" from being a file system.
func (g xfsGeometry) sane() bool {
	return g.blockLog >= 9 && g.blockLog <= 16 && g.blockSize == 1<<g.blockLog &&
		g.sectorLog >= 9 && g.sectorLog <= 15 && g.sectorSize == 1<<g.sectorLog &&
		g.agBlockLog <= 31 && g.agBlocks >= 64 && g.agBlocks <= 1<<g.agBlockLog &&
		g.ags > 0 && g.blocks > 0 &&
		g.blocks <= uint64(g.ags)*uint64(g.agBlocks) &&
		g.blocks > uint64(g.ags-1)*uint64(g.agBlocks)
}

// logOffset is where the internal log lies, from a block number that has the
// allocation group in its upper bits.
func (g xfsGeometry) logOffset() int64 {
	ag := g.logStart >> g.agBlockLog
	block := ag*uint64(g.agBlocks) + g.logStart&(1<<g.agBlockLog-1)
	if ag >= uint64(g.ags) || block+uint64(g.logBlocks) > g.blocks {
		return -1
	}
	return int64(block << g.blockLog)
}

func findXFS(d *device) (Signature, error) {
	b := d.at(0, 512)
	if b == nil || string(b[:4]) != "XFSB" {
		return nil, nil
	}
	g := parseXFSGeometry(b)
	if !g.sane() {
		return nil, damaged("xfs: the geometry is out of bounds", 0)
	}
	x := &XFS{
		ID:                    ID{UUID: uuidString(b[32:48]), Label: label(b[108:120])},
		Size:                  g.blocks << g.blockLog,
		BlockSize:             g.blockSize,
		RealtimeOrExternalLog: g.rtBlocks != 0 || g.logStart == 0,
	}
	x.XFSMade = parseXFSMade(b)
	if g.logStart == 0 {
		x.LogUnknown = true
		return x, nil
	}
	log := xfsLog{d: d, off: g.logOffset(), blocks: int64(g.logBlocks) << (g.blockLog - 9)}
	dirty, err := log.dirty()
	x.LogDirty, x.LogUnknown = dirty, err != nil
	return x, err
}

func findXFSLog(d *device) (Signature, error) {
	if d.size < 10<<20 { // XFS_MIN_LOG_BYTES
		return nil, nil
	}
	// A log that was in use begins with a record in one of its first sectors;
	// libblkid looks at 256 KiB, of which the second half is rarely needed.
	b := d.at(0, windowSize)
	for ; len(b) >= 512; b = b[512:] {
		if string(b[:4]) == "XFSB" {
			return nil, nil
		}
		if h := parseXFSRecord(b); h.valid() {
			return &XFSLog{LogUUID: uuidString(b[304:320])}, nil
		}
	}
	return nil, nil
}
