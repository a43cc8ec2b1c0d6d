package ondisk

import (
	"fmt"
	"strings"
)

// MDMade is how an array and this member of it were made, beside the rest.
type MDMade struct {
	WriteMostly, Failfast bool
	// StripZones tells that the layout of a RAID 0 says how the end of unequal
	// members is used (kernel 5.4).
	StripZones   bool
	BitmapChunk  uint64 // bytes that a bit of the bitmap stands for
	BitmapFormat string // "internal", "clustered" or "lockless"; "" where there is none or it cannot be read
}

// bitmapFormats are the versions of a bitmap's own superblock (kernel:
// drivers/md/md-bitmap.h, BITMAP_MAJOR_*).
var bitmapFormats = map[uint32]string{3: "internal", 4: "internal", 5: "clustered", 6: "lockless"}

// readBitmap reads the head of a write-intent bitmap (drivers/md/md-bitmap.h, struct
// bitmap_super_s). The bitmap is behind when it was written before the superblock,
// or says so itself (BITMAP_STALE).
func (m *MD) readBitmap(b []byte) {
	const magic, stale = 0x6d746962, 1 << 1
	if b == nil || le.Uint32(b) != magic {
		return
	}
	m.BitmapStale = le.Uint64(b[24:]) < m.Events || le.Uint32(b[48:])&stale != 0
	m.BitmapFormat, m.BitmapChunk = bitmapFormats[le.Uint32(b[4:])], uint64(le.Uint32(b[52:]))
}

// mdParity are the layouts of RAID 5 and 6 by mdadm's names (mdadm: maps.c; kernel:
// drivers/md/raid5.h).
var mdParity = map[uint32]string{
	0: "left-asymmetric", 1: "right-asymmetric", 2: "left-symmetric", 3: "right-symmetric", 4: "parity-first", 5: "parity-last",
	8: "ddf-zero-restart", 9: "ddf-N-restart", 10: "ddf-N-continue",
	16: "left-asymmetric-6", 17: "right-asymmetric-6", 18: "left-symmetric-6", 19: "right-symmetric-6", 20: "parity-first-6",
}

// mdZones are the layouts of a RAID 0 of unequal members.
var mdZones = map[uint32]string{1: "original", 2: "alternate"}

// LayoutName is the layout in the words of mdadm(8), "--layout", or "" for a level
// that has none to choose.
func (m *MD) LayoutName() string {
	if m.Level == "raid0" && !m.StripZones {
		return ""
	}
	return MDLayoutName(m.Level, m.Layout)
}

// MDLayoutName is LayoutName of an array that only the kernel knows.
func MDLayoutName(level string, layout uint32) string {
	name := ""
	switch level {
	case "raid5", "raid6":
		name = mdParity[layout]
	case "raid0":
		return mdZones[layout]
	case "raid10":
		name = mdCopies(layout)
	default:
		return ""
	}
	if name == "" {
		return fmt.Sprintf("unknown (%d)", layout)
	}
	return name
}

// mdCopies names the layout of a RAID 10: so many copies next to each other, so many
// further on (md(4), "RAID10"). Bits above are of experiments.
func mdCopies(layout uint32) string {
	near, far := layout&0xff, layout>>8&0xff
	if layout>>17 != 0 || near == 0 || far == 0 {
		return ""
	}
	var parts []string
	if near > 1 || far == 1 {
		parts = append(parts, fmt.Sprintf("near=%d", near))
	}
	kind := "far"
	if layout>>16&1 != 0 {
		kind = "offset"
	}
	if far > 1 {
		parts = append(parts, fmt.Sprintf("%s=%d", kind, far))
	}
	return strings.Join(parts, ",")
}
