package rear

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"salvor/internal/storage"
)

// xfsFeatures are the keys of xfs_info that switch a feature on or off, and the names
// that mkfs.xfs has for them (mkfs.xfs(8)).
var xfsFeatures = map[string]string{
	"attr": "attr", "projid32bit": "projid32bit", "crc": "crc", "finobt": "finobt", "sparse": "sparse",
	"rmapbt": "rmapbt", "reflink": "reflink", "bigtime": "bigtime", "inobtcount": "inobtcount",
	"nrext64": "nrext64", "ascii-ci": "ascii-ci", "ftype": "ftype", "lazy-count": "lazy-count",
	"exchange": "exchange", "metadir": "metadir", "parent": "parent",
}

// ParseXFSInfo reads what xfs_info(8) said of a file system.
func ParseXFSInfo(data []byte) (*storage.XFS, error) {
	values, features := xfsValues(string(data))
	r := xfsReader{values: values}
	x := &storage.XFS{
		BlockSize: r.small("data.bsize"), SectorSize: r.small("meta-data.sectsz"), Blocks: r.number("data.blocks"),
		InodeSize: r.small("meta-data.isize"), InodePercent: r.small("data.imaxpct"),
		Groups: r.small("meta-data.agcount"), GroupBlocks: r.small("meta-data.agsize"),
		DirBlockSize: r.small("naming.bsize"), StripeUnit: r.small("data.sunit"), StripeWidth: r.small("data.swidth"),
		LogBlocks: r.small("log.blocks"), LogVersion: r.small("log.version"),
		LogExternal: !strings.HasPrefix(values["log."], "internal"),
		RTBlocks:    r.number("realtime.blocks"), Features: features,
	}
	if r.err != nil || x.BlockSize == 0 {
		return nil, fmt.Errorf("cannot read this as the output of xfs_info: %w", errOr(r.err, errShort))
	}
	x.LogUnit = r.small("log.sunit") * x.BlockSize
	if log := r.optional("log.sectsz"); log != x.SectorSize {
		x.LogSector = log
	}
	if x.RTBlocks > 0 {
		x.RTExtent = r.optional("realtime.extsz") / x.BlockSize
	}
	return x, nil
}

func errOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// xfsValues cuts the output into "section.key" and what it is. A line that begins
// with a blank belongs to the section above it.
func xfsValues(text string) (values map[string]string, features []string) {
	values = map[string]string{}
	name := ""
	for _, l := range strings.Split(text, "\n") {
		head, rest, ok := strings.Cut(l, "=")
		if !ok {
			continue
		}
		if head = strings.TrimSpace(head); head != "" {
			name = head
			values[name+"."] = rest
		}
		for _, word := range strings.FieldsFunc(rest, func(r rune) bool { return r == ' ' || r == ',' }) {
			key, value, ok := strings.Cut(word, "=")
			if !ok {
				continue
			}
			values[name+"."+key] = value
			if xfsFeatures[key] != "" && value != "0" {
				features = append(features, xfsFeatures[key])
			}
		}
	}
	slices.Sort(features)
	return values, slices.Compact(features)
}

type xfsReader struct {
	values map[string]string
	err    error
}

func (r *xfsReader) number(key string) uint64 {
	n, err := strconv.ParseUint(r.values[key], 10, 64)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%s is %q", key, r.values[key])
	}
	return n
}

func (r *xfsReader) small(key string) uint32 {
	n := r.number(key)
	if n > 1<<32-1 {
		r.err = fmt.Errorf("%s is %d", key, n)
	}
	return uint32(n)
}

// optional reads what very old versions do not print.
func (r *xfsReader) optional(key string) uint32 {
	n, err := strconv.ParseUint(r.values[key], 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// XFSInfo writes what xfs_info of xfsprogs 6.1 says of a file system on device. ReaR
// makes the options of mkfs.xfs of it.
func XFSInfo(device string, x *storage.XFS) []byte {
	on := func(feature string) int {
		if slices.Contains(x.Features, feature) {
			return 1
		}
		return 0
	}
	log, logSector, rtExtent := "internal log", x.LogSector, x.RTExtent
	if x.LogExternal {
		log = "external"
	}
	if logSector == 0 {
		logSector = x.SectorSize
	}
	if rtExtent == 0 {
		rtExtent = 1
	}
	rt := "none"
	if x.RTBlocks > 0 {
		rt = "external"
	}
	block := max(x.BlockSize, 1)
	var b strings.Builder
	fmt.Fprintf(&b, "meta-data=%-22s isize=%-6d agcount=%d, agsize=%d blks\n", device, x.InodeSize, x.Groups, x.GroupBlocks)
	fmt.Fprintf(&b, "         =%-22s sectsz=%-5d attr=%d, projid32bit=%d\n", "", x.SectorSize, 2*on("attr"), on("projid32bit"))
	fmt.Fprintf(&b, "         =%-22s crc=%-8d finobt=%d, sparse=%d, rmapbt=%d\n", "", on("crc"), on("finobt"), on("sparse"), on("rmapbt"))
	fmt.Fprintf(&b, "         =%-22s reflink=%-4d bigtime=%d inobtcount=%d nrext64=%d\n", "", on("reflink"), on("bigtime"), on("inobtcount"), on("nrext64"))
	fmt.Fprintf(&b, "data     =%-22s bsize=%-6d blocks=%d, imaxpct=%d\n", "", x.BlockSize, x.Blocks, x.InodePercent)
	fmt.Fprintf(&b, "         =%-22s sunit=%-6d swidth=%d blks\n", "", x.StripeUnit, x.StripeWidth)
	fmt.Fprintf(&b, "naming   =version %-14d bsize=%-6d ascii-ci=%d, ftype=%d\n", 2, x.DirBlockSize, on("ascii-ci"), on("ftype"))
	fmt.Fprintf(&b, "log      =%-22s bsize=%-6d blocks=%d, version=%d\n", log, x.BlockSize, x.LogBlocks, x.LogVersion)
	fmt.Fprintf(&b, "         =%-22s sectsz=%-5d sunit=%d blks, lazy-count=%d\n", "", logSector, x.LogUnit/block, on("lazy-count"))
	fmt.Fprintf(&b, "realtime =%-22s extsz=%-6d blocks=%d, rtextents=%d\n", rt, rtExtent*x.BlockSize, x.RTBlocks, x.RTBlocks/uint64(rtExtent))
	return []byte(b.String())
}
