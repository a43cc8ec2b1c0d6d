package ondisk

// Bcache is a device of a bcache: the cache, or what is cached.
type Bcache struct {
	ID              // UUID is the device's own
	SetUUID  string // of the cache set; "" for a backing device that was never attached
	Cache    bool   // the cache, not the backing device
	Version  uint64
	Mode     string // backing: "writethrough", "writeback", "writearound", "none"
	State    string // backing: "detached", "clean", "dirty", "stale"
	Seq      uint64
	Detached bool // backing: no cache is attached
	// DataOffset is where the data of a backing device begins, in bytes.
	DataOffset uint64
	BlockSize  uint32 // bytes
	BucketSize uint64 // cache: bytes
	Discard    bool   // cache: freed buckets are discarded
	// Replacement is what a cache drops first: "lru", "fifo" or "random".
	Replacement string
}

// Format implements Signature.
func (*Bcache) Format() string { return "bcache" }

const (
	bcacheOffset = 4096
	bcacheMagic  = "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81"
	// bcacheDefaultData is BDEV_DATA_START_DEFAULT in bytes.
	bcacheDefaultData = 16 * 512
)

// Versions (kernel: drivers/md/bcache/bcache_ondisk.h).
const (
	bcacheBacking         = 1
	bcacheBackingOffset   = 4
	bcacheBackingFeatures = 6
)

var (
	bcacheModes  = []string{"writethrough", "writeback", "writearound", "none"}
	bcacheStates = []string{"detached", "clean", "dirty", "stale"}
	bcacheDrops  = [8]string{"lru", "fifo", "random"} // CACHE_REPLACEMENT
)

func findBcache(d *device) (Signature, error) {
	b := d.at(bcacheOffset, 4096)
	if b == nil || string(b[24:40]) != bcacheMagic || le.Uint64(b[8:]) != bcacheOffset/512 {
		return nil, nil
	}
	c := &Bcache{
		ID:      ID{UUID: uuidString(b[40:56]), Label: label(b[72:104])},
		SetUUID: uuidString(b[56:72]), Version: le.Uint64(b[16:]), Seq: le.Uint64(b[112:]),
		BlockSize: uint32(le.Uint16(b[192:])) * 512,
	}
	switch c.Version {
	case bcacheBacking, bcacheBackingOffset, bcacheBackingFeatures:
		c.backing(le.Uint64(b[104:]), le.Uint64(b[184:]))
	default:
		c.Cache = true
		flags := le.Uint64(b[104:])
		c.BucketSize = uint64(le.Uint16(b[194:])) * 512
		c.Discard, c.Replacement = flags>>1&1 != 0, bcacheDrops[flags>>2&7]
	}
	return c, nil
}

// backing reads the flags of a backing device (BDEV_CACHE_MODE, BDEV_STATE).
func (c *Bcache) backing(flags, dataSector uint64) {
	c.Mode = "unknown"
	if m := flags & 0xf; m < uint64(len(bcacheModes)) {
		c.Mode = bcacheModes[m]
	}
	c.State = bcacheStates[flags>>61&3]
	c.Detached = c.State == "detached"
	c.DataOffset = bcacheDefaultData
	if c.Version != bcacheBacking && dataSector < 1<<54 {
		c.DataOffset = dataSector * 512
	}
	if c.Detached {
		c.SetUUID = ""
	}
}
