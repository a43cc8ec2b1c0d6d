package probe

import (
	"slices"
	"strconv"
	"strings"

	"salvor/internal/ondisk"
	"salvor/internal/storage"
)

// chunked are the levels whose members are cut into chunks.
var chunked = map[string]bool{"raid0": true, "raid4": true, "raid5": true, "raid6": true, "raid10": true, "linear": true}

// mdMade says how an array was made, as the superblocks of its members have it.
func mdMade(c arrayCopy) *storage.MDMade {
	sb := c.newest()
	m := &storage.MDMade{
		Layout: sb.LayoutName(), MemberSize: sb.Size, DataOffset: sb.DataOffset,
		Bitmap: mdBitmap(sb), BitmapChunk: sb.BitmapChunk,
	}
	if chunked[sb.Level] {
		m.Chunk = uint64(sb.ChunkSize)
	}
	switch {
	case sb.Journal:
		m.Consistency = "journal"
	case sb.PartialParity:
		m.Consistency = "ppl"
	}
	if slices.ContainsFunc(c.members, func(o member) bool { return o.sb.DataOffset != sb.DataOffset }) {
		m.DataOffset = 0
	}
	return m
}

func mdBitmap(sb *ondisk.MD) string {
	switch {
	case sb.BitmapFormat != "":
		return sb.BitmapFormat
	case sb.Bitmap:
		return "internal"
	case redundant[sb.Level]:
		return "none"
	}
	return ""
}

// geometry is what sysfs tells of an array with metadata of a firmware, whose own
// format salvor does not read (kernel: Documentation/admin-guide/md.rst).
func (p *prober) geometry(d *device) *storage.MDMade {
	m := &storage.MDMade{MemberSize: p.number(d, "md/component_size") << 10}
	layout, _, _ := strings.Cut(p.attr(d, "md/layout"), " ") // "2 (0)" while it changes
	if number, err := strconv.ParseUint(layout, 10, 32); err == nil {
		m.Layout = ondisk.MDLayoutName(d.md.level, uint32(number))
	}
	if chunked[d.md.level] {
		m.Chunk = p.number(d, "md/chunk_size")
	}
	if policy := p.attr(d, "md/consistency_policy"); policy == "ppl" || policy == "journal" {
		m.Consistency = policy
	}
	return m
}
