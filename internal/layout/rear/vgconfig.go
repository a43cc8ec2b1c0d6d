package rear

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"salvor/internal/storage"
)

// vgConfig is what layout/lvm/<vg>.cfg says of a volume group.
type vgConfig struct {
	Name    string
	UUID    string
	Extent  uint64 // bytes
	Made    storage.VGMade
	PVs     []pvConfig
	Volumes []lvConfig
}

type pvConfig struct {
	alias string // pv0
	UUID  string
	Size  uint64 // bytes of the device
	Made  storage.PVMade
}

type lvConfig struct {
	Name    string
	UUID    string
	Visible bool
	Origin  string // of a snapshot or thin snapshot
	Layout  string
	Extents uint64
	Made    storage.LVMade
}

// parseVG reads the metadata of one volume group.
func parseVG(data []byte) (*vgConfig, error) {
	root, err := parseSections(data)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(root.sections, func(s *section) bool { return s.get("id") != "" })
	if at < 0 {
		return nil, fmt.Errorf("there is no volume group in it")
	}
	s := root.sections[at]
	vg := &vgConfig{Name: s.name, UUID: s.get("id"), Extent: s.number("extent_size") * sector}
	vg.Made = storage.VGMade{
		MaxLV: s.number("max_lv"), MaxPV: s.number("max_pv"), MetadataCopies: s.number("metadata_copies"),
		Allocation: allocation(s), Clustered: s.has("status", "CLUSTERED"), LockType: s.get("lock_type"),
		SystemID: s.get("system_id"), Profile: s.get("profile"), Tags: s.values["tags"],
		NotResizeable: !s.has("status", "RESIZEABLE"), Exported: s.has("status", "EXPORTED"),
	}
	for _, p := range s.sub("physical_volumes") {
		vg.PVs = append(vg.PVs, parsePV(p))
	}
	for _, l := range s.sub("logical_volumes") {
		vg.Volumes = append(vg.Volumes, parseLV(l, vg.PVs))
	}
	vg.linkSnapshots()
	return vg, nil
}

// allocation gives the policy, where it is not the one that LVM takes anyway.
func allocation(s *section) string {
	switch policy := s.get("allocation_policy"); policy {
	case "normal", "inherit":
		return ""
	default:
		return policy
	}
}

// parsePV leaves out how many copies of the metadata the PV holds, as the text
// format does.
func parsePV(s *section) pvConfig {
	return pvConfig{alias: s.name, UUID: s.get("id"), Size: s.number("dev_size") * sector, Made: storage.PVMade{
		DataOffset: s.number("pe_start") * sector, Extents: s.number("pe_count"),
		BootloaderArea: s.number("ba_size") * sector, Tags: s.values["tags"],
		Unallocatable: !s.has("status", "ALLOCATABLE"),
	}}
}

func parseLV(s *section, pvs []pvConfig) lvConfig {
	lv := lvConfig{Name: s.name, UUID: s.get("id"), Visible: s.has("status", "VISIBLE")}
	lv.Made = storage.LVMade{
		ReadOnly: !s.has("status", "WRITE"), Allocation: allocation(s), Tags: s.values["tags"],
		SkipActivation: s.has("flags", "ACTIVATION_SKIP"), NoAutoActivate: s.has("flags", "NOAUTOACTIVATE"),
	}
	for _, seg := range s.sections {
		lv.Made.Segments = append(lv.Made.Segments, parseSegment(seg, pvs))
		lv.Extents += seg.number("extent_count")
	}
	if len(lv.Made.Segments) > 0 {
		first := lv.Made.Segments[0]
		lv.Layout, lv.Origin = first.Type, first.Origin
	}
	return lv
}

func parseSegment(s *section, pvs []pvConfig) storage.LVSegment {
	seg := storage.LVSegment{
		Type: s.get("type"), Extents: s.number("extent_count"), StripeSize: s.number("stripe_size") * sector,
		RegionSize: s.number("region_size") * sector, ChunkSize: s.number("chunk_size") * sector,
		Pool: s.get("thin_pool"), Metadata: s.get("metadata"), Origin: s.get("origin"), Cow: s.get("cow_store"),
		CacheMode: s.get("cache_mode"), CachePolicy: s.get("policy"), Discards: s.get("discards"),
		ZeroBlocks: s.number("zero_new_blocks") == 1, DeviceID: s.number("device_id"),
	}
	switch {
	case seg.Type == "striped" && s.number("stripe_count") == 1:
		seg.Type, seg.StripeSize = "linear", 0
		seg.Areas = areas(s.values["stripes"], pvs)
	case seg.Type == "striped":
		seg.Areas = areas(s.values["stripes"], pvs)
	case seg.Type == "mirror":
		seg.Areas = areas(s.values["mirrors"], pvs)
	case strings.HasPrefix(seg.Type, "raid"):
		seg.Meta, seg.Areas = raidAreas(s.values["raids"])
	case seg.Type == "thin-pool" || seg.Type == "cache-pool":
		seg.Data = s.get("pool") + s.get("data")
	case seg.Type == "cache":
		seg.Pool = s.get("cache_pool")
	case seg.Type == "vdo":
		seg.Pool = s.get("vdo_pool")
	}
	return seg
}

// areas reads a list of pairs: the name of a PV or volume, and an extent on it.
func areas(list []string, pvs []pvConfig) []storage.LVArea {
	var out []storage.LVArea
	for i := 0; i+1 < len(list); i += 2 {
		extent, _ := strconv.ParseUint(list[i+1], 10, 64) // 0 where it is damaged: the file is a copy for people
		at := slices.IndexFunc(pvs, func(p pvConfig) bool { return p.alias == list[i] })
		if at >= 0 {
			out = append(out, storage.LVArea{PV: storage.ID("pv:" + pvs[at].UUID), Extent: extent})
		} else {
			out = append(out, storage.LVArea{LV: list[i], Extent: extent})
		}
	}
	return out
}

// raidAreas reads the hidden volumes of a RAID: those of metadata and those of data
// take turns; raid0 has the latter alone.
func raidAreas(list []string) (meta, data []storage.LVArea) {
	for _, name := range list {
		if strings.Contains(name, "_rmeta_") {
			meta = append(meta, storage.LVArea{LV: name})
		} else {
			data = append(data, storage.LVArea{LV: name})
		}
	}
	return meta, data
}

// linkSnapshots gives the volumes that hold old blocks the origin that their hidden
// link names, and drops the link.
func (vg *vgConfig) linkSnapshots() {
	isLink := func(lv lvConfig) bool { return lv.Layout == "snapshot" }
	links := slices.DeleteFunc(slices.Clone(vg.Volumes), func(lv lvConfig) bool { return !isLink(lv) })
	vg.Volumes = slices.DeleteFunc(vg.Volumes, isLink)
	for _, link := range links {
		seg := link.Made.Segments[0]
		for i := range vg.Volumes {
			if lv := &vg.Volumes[i]; seg.Cow != "" && lv.Name == seg.Cow {
				lv.Layout, lv.Origin, lv.Visible = "snapshot", seg.Origin, true
			}
		}
	}
}
