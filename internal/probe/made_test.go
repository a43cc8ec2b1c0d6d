package probe

import (
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/ondisk"
	"salvor/internal/storage"
)

// filled sets all of v, to numbers that differ where that is possible.
func filled[T any]() *T {
	next := uint64(1)
	var set func(v reflect.Value)
	set = func(v reflect.Value) {
		next++
		switch v.Kind() {
		case reflect.String:
			v.SetString("text")
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Int, reflect.Int32, reflect.Int64:
			v.SetInt(int64(next))
		case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			v.SetUint(next)
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			set(v.Index(0))
		case reflect.Pointer:
			if v.Type().Elem().Kind() != reflect.Struct {
				v.Set(reflect.New(v.Type().Elem()))
				set(v.Elem())
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					set(v.Field(i))
				}
			}
		}
	}
	v := new(T)
	set(reflect.ValueOf(v).Elem())
	return v
}

// empty lists the fields of the struct that nothing was written to.
func empty(made any) (names []string) {
	v := reflect.Indirect(reflect.ValueOf(made))
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			names = append(names, v.Type().Field(i).Name)
		}
	}
	return names
}

// TestNothingIsForgotten: of what can be read of a format, all gets into the graph.
func TestNothingIsForgotten(t *testing.T) {
	xfs := filled[ondisk.XFS]()
	xfs.MetaUUID = "another"
	btrfs := filled[ondisk.Btrfs]()
	btrfs.MetadataUUID = "another"
	luks := filled[ondisk.LUKS]()
	luks.Version, luks.Keyslots[0].Cipher = 2, "another"
	md := filled[ondisk.MD]()
	md.Level, md.Layout = "raid5", 2
	group := filled[ondisk.LVMVG]()
	group.Status, group.Flags = []string{"CLUSTERED", "EXPORTED"}, []string{"NOAUTOACTIVATE"}
	ref := filled[ondisk.LVMPVRef]()
	volume := filled[ondisk.LVMLV]()
	volume.AutoActivation, volume.Flags = false, []string{"ACTIVATION_SKIP"}
	segment := filled[ondisk.LVMSegment]()
	table := filled[ondisk.Table]()
	table.Format = "gpt"
	for name, tt := range map[string]struct {
		made any
		but  []string // what is known only later, or of others
	}{
		"ext":     {extMade(filled[ondisk.Ext]()), nil},
		"xfs":     {xfsMade(xfs), nil},
		"btrfs":   {btrfsMade(btrfs), []string{"Data", "Metadata", "System", "Devices"}},
		"fat":     {fatMade(filled[ondisk.FAT]()), nil},
		"luks":    {luksMade(luks), nil},
		"slot":    {luksMade(luks).Slots[0], []string{"Reencrypt"}},
		"token":   {luksMade(luks).Tokens[0], nil},
		"md":      {mdMade(arrayCopy{members: []member{{&device{}, md}}}), []string{"Container"}},
		"pv":      {pvMade(filled[ondisk.LVM2PV](), ref), nil},
		"vg":      {vgMade(group), nil},
		"lv":      {lvMade(volume), []string{"Segments"}},
		"segment": {(&groupCopy{}).segment(segment), nil},
		"table":   {tableMade(table), nil},
		"bcache":  {bcacheMade(filled[ondisk.Bcache]()), nil},
	} {
		if got := empty(tt.made); !slices.Equal(got, tt.but) {
			t.Errorf("%s: nothing is written to %q, but should be to all except %q", name, got, tt.but)
		}
	}
}

// TestGeometryOfKernel: what sysfs says of an array in a container.
func TestGeometryOfKernel(t *testing.T) {
	for name, tt := range map[string]struct {
		level string
		attrs map[string]string
		want  *storage.MDMade
	}{
		"raid5": {"raid5", map[string]string{"layout": "0", "chunk_size": "131072", "component_size": "1024", "consistency_policy": "ppl"},
			&storage.MDMade{Layout: "left-asymmetric", Chunk: 128 << 10, MemberSize: 1 << 20, Consistency: "ppl"}},
		"in change": {"raid10", map[string]string{"layout": "258 (513)", "chunk_size": "65536", "consistency_policy": "resync"},
			&storage.MDMade{Layout: "near=2", Chunk: 64 << 10}},
		"raid1":  {"raid1", map[string]string{"layout": "0", "chunk_size": "65536", "component_size": "2"}, &storage.MDMade{MemberSize: 2048}},
		"silent": {"raid5", nil, &storage.MDMade{}},
	} {
		f := newFake()
		f.md("md126", "active", tt.level, tiny())
		for attr, value := range tt.attrs {
			f.write("/sys/class/block/md126/md/"+attr, value+"\n")
		}
		got := (&prober{m: f}).geometry(&device{name: "md126", md: array{level: tt.level}})
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// TestUsed: the counters of a mounted file system are behind.
func TestUsed(t *testing.T) {
	clean := &ondisk.Ext{BlockSize: 4096, ExtMade: ondisk.ExtMade{Blocks: 100, FreeBlocks: 30, Overhead: 20}}
	dirty := *clean
	dirty.NeedsRecovery = true
	for name, tt := range map[string]struct {
		s    ondisk.Signature
		d    device
		want uint64
	}{
		"clean":     {clean, device{}, 50 * 4096},
		"mounted":   {clean, device{mounted: "ext4"}, 0},
		"dirty":     {&dirty, device{}, 0},
		"xfs":       {&ondisk.XFS{BlockSize: 4096, XFSMade: ondisk.XFSMade{Blocks: 100, FreeBlocks: 30, LogBlocks: 20}}, device{}, 50 * 4096},
		"dirty log": {&ondisk.XFS{BlockSize: 4096, LogDirty: true, XFSMade: ondisk.XFSMade{Blocks: 100, FreeBlocks: 30}}, device{}, 0},
		"fat":       {&ondisk.FAT{ClusterSize: 1024, FATMade: ondisk.FATMade{Clusters: 9, FreeClusters: 4, FreeKnown: true}}, device{}, 5 * 1024},
		"fat, full": {&ondisk.FAT{ClusterSize: 1024, FATMade: ondisk.FATMade{Clusters: 9}}, device{}, 0},
		"btrfs":     {&ondisk.Btrfs{Size: 1 << 20, BtrfsMade: ondisk.BtrfsMade{BytesUsed: 1 << 16}}, device{}, 1 << 16},
	} {
		var n storage.FileSystem
		if setMade(&n, tt.s, &tt.d); n.Used != tt.want {
			t.Errorf("%s: %d bytes are used, want %d", name, n.Used, tt.want)
		}
	}
}
