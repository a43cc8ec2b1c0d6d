package ondisk

import (
	"slices"
	"strconv"
	"strings"
)

// LVMVG is a volume group as its metadata describes it.
type LVMVG struct {
	Name, UUID   string
	SeqNo        uint64 // of the metadata; it grows with each change
	Format       string // "lvm2"
	ExtentSize   uint64 // bytes
	Status       []string
	Flags        []string
	Tags         []string
	SystemID     string // host that owns the VG (lvmsystemid(7))
	LockType     string // "none", "sanlock", "dlm": a shared VG
	CreationHost string // of this metadata
	MaxLV, MaxPV uint64 // 0 for no limit
	// MetadataCopies is how many PVs keep metadata, 0 for all that are to.
	MetadataCopies uint64
	Allocation     string // "contiguous", "cling"…; "" is normal
	Profile        string
	PVs            []LVMPVRef
	LVs            []LVMLV
}

// LVMPVRef is a PV as its VG knows it.
type LVMPVRef struct {
	Name       string // in the metadata: "pv0"
	UUID       string
	DeviceHint string // where it was seen last
	DevSize    uint64 // bytes
	PEStart    uint64 // bytes
	PECount    uint64 // extents
	Status     []string
	Flags      []string
	Tags       []string
	Missing    bool // the VG was changed while the PV was away
}

// LVMLV is a logical volume, hidden parts of others included.
type LVMLV struct {
	Name, UUID   string
	Status       []string
	Visible      bool
	Flags        []string
	Tags         []string
	Segments     []LVMSegment
	CreationHost string
	// AutoActivation is false after "lvchange --setautoactivation n".
	AutoActivation bool
	Allocation     string // as of a VG; "" is inherited from it
	Profile        string
	// ReadAhead is in sectors, -1 for none, and 0 where lvm chooses.
	ReadAhead int
	Minor     *int // persistent
}

// Extents is the size of the LV.
func (lv *LVMLV) Extents() uint64 {
	var n uint64
	for _, s := range lv.Segments {
		n += s.Extents
	}
	return n
}

// LVMSegment is a run of extents of an LV that is mapped in one way.
type LVMSegment struct {
	// Type is the metadata's word: "striped", "mirror", "raid1", "raid5_ls",
	// "thin-pool", "thin", "snapshot", "cache", "cache-pool", "writecache",
	// "vdo", "vdo-pool", "integrity"… One stripe is Type "striped", as lvm
	// stores it; Linear tells.
	Type                 string
	StartExtent, Extents uint64
	StripeSize           uint64 // bytes
	// Areas are what the segment lies on, in the metadata's order. For RAID
	// with metadata LVs, MetadataAreas are those, beside the Areas.
	Areas, MetadataAreas []LVMPlace
	RegionSize           uint64 // bytes
	MirrorLog            string

	ThinPool       string // thin: the pool
	DeviceID       uint64 // thin: the number in the pool
	TransactionID  uint64
	Data           string // thin-pool, cache-pool, vdo-pool: the LV that holds the data
	Metadata       string // thin-pool, cache-pool: the LV that holds the metadata
	ChunkSize      uint64 // bytes
	Origin         string // snapshot, thin, cache, writecache
	ExternalOrigin string // thin: an origin outside of the pool
	CowStore       string // snapshot
	MergingStore   string // snapshot that is being merged into its origin
	Merge          string // thin snapshot that is being merged
	CachePool      string // cache: the pool, or the cachevol
	CacheMode      string
	CachePolicy    string
	VDOPool        string // vdo: the pool
	Discards       string // thin-pool: "ignore", "nopassdown"; "passdown" is the default
	ZeroBlocks     bool   // thin-pool: new blocks are zeroed
	// MetadataFormat is the version of a cache's metadata.
	MetadataFormat uint64
	// Settings of a cache's policy, or of a writecache, "name=value".
	Settings []string
}

// LVMPlace is a place on a PV or on another LV.
type LVMPlace struct {
	Name   string // "pv0" or an LV's name
	Extent uint64 // the first
}

// Linear tells a striped segment with a single stripe.
func (s *LVMSegment) Linear() bool { return s.Type == "striped" && len(s.Areas) == 1 }

// lvmSector is the unit of all sizes in the metadata that are not extents.
const lvmSector = 512

// newLVMVG builds the VG from its section and the settings around it.
func newLVMVG(name string, n, around *lvmNode) *LVMVG {
	vg := &LVMVG{
		Name: name, UUID: n.text("id"), SeqNo: n.number("seqno"), Format: n.text("format"),
		ExtentSize: n.sectors("extent_size"), Status: n.list("status"), Flags: n.list("flags"),
		Tags: n.list("tags"), SystemID: n.text("system_id"), LockType: n.text("lock_type"),
		CreationHost: around.text("creation_host"), MaxLV: n.number("max_lv"), MaxPV: n.number("max_pv"),
		MetadataCopies: n.number("metadata_copies"), Allocation: n.text("allocation_policy"), Profile: n.text("profile"),
	}
	for _, c := range n.sections("physical_volumes") {
		vg.PVs = append(vg.PVs, newLVMPVRef(c.name, c.node))
	}
	for _, c := range n.sections("logical_volumes") {
		vg.LVs = append(vg.LVs, newLVMLV(c.name, c.node))
	}
	return vg
}

func newLVMPVRef(name string, n *lvmNode) LVMPVRef {
	pv := LVMPVRef{
		Name: name, UUID: n.text("id"), DeviceHint: n.text("device"),
		DevSize: n.sectors("dev_size"), PEStart: n.sectors("pe_start"), PECount: n.number("pe_count"),
		Status: n.list("status"), Flags: n.list("flags"), Tags: n.list("tags"),
	}
	// Old versions wrote it to the status, new ones to the flags.
	pv.Missing = slices.Contains(pv.Flags, "MISSING") || slices.Contains(pv.Status, "MISSING")
	return pv
}

func newLVMLV(name string, n *lvmNode) LVMLV {
	lv := LVMLV{
		Name: name, UUID: n.text("id"), Status: n.list("status"), Flags: n.list("flags"),
		Tags: n.list("tags"), CreationHost: n.text("creation_host"),
		Allocation: n.text("allocation_policy"), Profile: n.text("profile"),
	}
	if ahead, err := strconv.ParseInt(n.text("read_ahead"), 10, 32); err == nil {
		lv.ReadAhead = max(int(ahead), -1)
	}
	if minor, err := strconv.ParseUint(n.text("minor"), 10, 20); err == nil { // MINORBITS
		fixed := int(minor)
		lv.Minor = &fixed
	}
	lv.Visible = slices.Contains(lv.Status, "VISIBLE")
	lv.AutoActivation = !slices.Contains(lv.Flags, "NOAUTOACTIVATE") && !slices.Contains(lv.Status, "NOAUTOACTIVATE")
	for _, c := range n.subsections() {
		lv.Segments = append(lv.Segments, newLVMSegment(c.node))
	}
	return lv
}

func newLVMSegment(n *lvmNode) LVMSegment {
	// A type may carry flags behind a "+", "thin-pool+CROP_METADATA", so that
	// an old lvm does not take it for what it knows (lib/format_text/flags.c).
	kind, _, _ := strings.Cut(n.text("type"), "+")
	s := LVMSegment{
		Type: kind, StartExtent: n.number("start_extent"), Extents: n.number("extent_count"),
		StripeSize: n.sectors("stripe_size"), RegionSize: n.sectors("region_size"),
		MirrorLog: n.text("mirror_log"),
		ThinPool:  n.text("thin_pool"), DeviceID: n.number("device_id"), TransactionID: n.number("transaction_id"),
		Data: n.text("data"), Metadata: n.text("metadata"), ChunkSize: n.sectors("chunk_size"),
		Origin: n.text("origin"), ExternalOrigin: n.text("external_origin"), CowStore: n.text("cow_store"),
		MergingStore: n.text("merging_store"), Merge: n.text("merge"),
		CachePool: n.text("cache_pool"), CacheMode: n.text("cache_mode"), CachePolicy: n.text("policy"),
		VDOPool:  n.text("vdo_pool"),
		Discards: n.text("discards"), ZeroBlocks: n.number("zero_new_blocks") == 1, MetadataFormat: n.number("metadata_format"),
	}
	if s.Type == "thin-pool" {
		s.Data = n.text("pool")
	}
	if fast := n.text("writecache"); fast != "" {
		s.CachePool = fast
	}
	s.setAreas(n)
	s.setSettings(n)
	return s
}

// writecacheSettings are named in lib/writecache/writecache.c.
var writecacheSettings = []string{
	"high_watermark", "low_watermark", "writeback_jobs", "autocommit_blocks", "autocommit_time", "fua", "nofua",
	"cleaner", "max_age", "metadata_only", "pause_writeback",
}

// setSettings reads what is passed to the kernel beside the rest: a section in a
// cache (lib/cache_segtype/cache.c), single words in a writecache.
func (s *LVMSegment) setSettings(n *lvmNode) {
	for _, c := range n.children {
		switch {
		case c.name == "policy_settings" && c.node != nil:
			for _, v := range c.node.children {
				if len(v.values) == 1 {
					s.Settings = append(s.Settings, v.name+"="+v.values[0].text)
				}
			}
		case s.Type == "writecache" && len(c.values) == 1 && slices.Contains(writecacheSettings, c.name):
			s.Settings = append(s.Settings, c.name+"="+c.values[0].text)
		}
	}
}

// setAreas reads the list of places, whose name depends on the type: pairs of
// name and extent for stripes and mirrors, pairs of LVs (metadata, data) for
// RAID, single LVs for RAID 0 (lib/raid/raid.c, lib/striped/striped.c).
func (s *LVMSegment) setAreas(n *lvmNode) {
	for _, key := range []string{"stripes", "mirrors"} {
		v := n.values(key)
		for i := 0; i+1 < len(v); i += 2 {
			extent, _ := strconv.ParseUint(v[i+1].text, 10, 64)
			s.Areas = append(s.Areas, LVMPlace{Name: v[i].text, Extent: extent})
		}
	}
	for _, name := range n.list("raid0_lvs") {
		s.Areas = append(s.Areas, LVMPlace{Name: name})
	}
	raids := n.list("raids")
	for i := 0; i+1 < len(raids); i += 2 {
		s.MetadataAreas = append(s.MetadataAreas, LVMPlace{Name: raids[i]})
		s.Areas = append(s.Areas, LVMPlace{Name: raids[i+1]})
	}
}
