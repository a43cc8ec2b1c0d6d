package probe

import (
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/ondisk"
	"salvor/internal/storage"
)

// arrayOf makes a machine with one array of these members.
func arrayOf(members ...mdSpec) *fake {
	f := newFake()
	for i, m := range members {
		m.id, m.member, m.sizeMiB = 1, byte(10+m.role), 99
		f.disk(fmt.Sprintf("vd%c", 'a'+i), fmt.Sprint("S", i), newImage(100).md(0, m))
	}
	return f
}

// mirror and five make a member.
func mirror(role int, events uint64) mdSpec {
	return mdSpec{level: 1, disks: 2, role: role, events: events}
}
func five(role int, events uint64) mdSpec {
	return mdSpec{level: 5, disks: 3, role: role, events: events}
}
func (s mdSpec) unclean() mdSpec              { s.active = true; return s }
func (s mdSpec) lacking(places ...int) mdSpec { s.gone = places; return s }
func (s mdSpec) mapped(events uint64) mdSpec  { s.bitmap = events; return s }

func TestArrayHealth(t *testing.T) {
	const (
		deg, inc, dirt = storage.Degraded, storage.Incomplete, storage.Dirty
	)
	for name, c := range map[string]struct {
		f      *fake
		health []storage.Health
		says   string
	}{
		"whole":                   {arrayOf(mirror(0, 5), mirror(1, 5)), nil, ""},
		"not stopped":             {arrayOf(mirror(0, 5).unclean(), mirror(1, 5).unclean()), []storage.Health{dirt}, "the whole array"},
		"with a bitmap":           {arrayOf(mirror(0, 5).unclean().mapped(5), mirror(1, 5).unclean().mapped(5)), []storage.Health{dirt}, "what its write-intent bitmap names"},
		"with an old bitmap":      {arrayOf(mirror(0, 5).unclean().mapped(4), mirror(1, 5).unclean().mapped(4)), []storage.Health{dirt}, "out of date"},
		"clean, old bitmap":       {arrayOf(mirror(0, 5).mapped(4), mirror(1, 5).mapped(4)), nil, ""},
		"one is old":              {arrayOf(mirror(0, 9).lacking(1), mirror(1, 5)), []storage.Health{deg}, "is out of date"},
		"halves, one newer":       {arrayOf(mirror(0, 9).lacking(1), mirror(1, 12).lacking(0)), []storage.Health{inc}, "/dev/vda and /dev/vdb went on without each other"},
		"halves, of one age":      {arrayOf(mirror(0, 9).lacking(1), mirror(1, 9).lacking(0)), []storage.Health{inc}, "went on without each other"},
		"a half alone":            {arrayOf(mirror(0, 9).lacking(1)), []storage.Health{storage.MemberMissing, deg}, "member 2 of 2 is missing"},
		"five, one less":          {arrayOf(five(0, 5), five(2, 5)), []storage.Health{storage.MemberMissing, deg}, ""},
		"five, unclean":           {arrayOf(five(0, 5).unclean(), five(1, 5).unclean(), five(2, 5).unclean()), []storage.Health{dirt}, ""},
		"five, less, unclean":     {arrayOf(five(0, 5).unclean(), five(2, 5).unclean()), []storage.Health{storage.MemberMissing, dirt, inc}, "cannot be trusted"},
		"five, two less":          {arrayOf(five(0, 5)), []storage.Health{storage.MemberMissing, inc}, "too few members"},
		"five, two less, unclean": {arrayOf(five(0, 5).unclean()), []storage.Health{storage.MemberMissing, dirt, inc}, "too few members"},
	} {
		t.Run(name, func(t *testing.T) {
			for md := range storage.All[*storage.MD](probed(t, c.f)) {
				if diff := cmp.Diff(c.health, md.Health); diff != "" {
					t.Error(diff)
				}
				if notes := strings.Join(md.Notes, "; "); !strings.Contains(notes, c.says) || c.says == "" && c.health == nil && notes != "" {
					t.Errorf("the notes are %q, want %q", notes, c.says)
				}
				return
			}
			t.Error("there is no array")
		})
	}
}

// TestReadOnlyArrayStaysUnclean: one that was assembled read-only has not been made
// equal; one that works has, or soon will.
func TestReadOnlyArrayStaysUnclean(t *testing.T) {
	for state, want := range map[string]bool{"readonly": true, "active": false} {
		f := arrayOf(mirror(0, 5).unclean(), mirror(1, 5).unclean())
		f.md("md127", state, "raid1", newImage(99), "vda", "vdb")
		for md := range storage.All[*storage.MD](probed(t, f)) {
			if md.Open == nil || md.Is(storage.Dirty) != want {
				t.Errorf("%s: it is %+v", state, md)
			}
		}
	}
}

// thinSpec is the head of a thin pool's metadata.
type thinSpec struct {
	flags       uint32
	transaction uint64
	data, meta  [2]uint64 // taken, of
}

func (im *image) thinPool(off int64, s thinSpec) *image {
	b := make([]byte, 4096)
	le.PutUint32(b[4:], s.flags)
	le.PutUint64(b[32:], 27022010)
	le.PutUint32(b[40:], 2)
	le.PutUint64(b[48:], s.transaction)
	for at, counts := range map[int][2]uint64{64: s.data, 192: s.meta} {
		le.PutUint64(b[at:], counts[1])
		le.PutUint64(b[at+8:], counts[0])
	}
	le.PutUint32(b, ^crc32.Checksum(b[4:], crc32.MakeTable(crc32.Castagnoli))^160774)
	return im.put(off, b)
}

func TestThinPoolHealth(t *testing.T) {
	const tmeta = `type = "raid1"
device_count = 2
raids = ["pool_tmeta_rmeta_0", "pool_tmeta_rimage_0", "pool_tmeta_rmeta_1", "pool_tmeta_rimage_1"]`
	whole := thinSpec{0, 2, [2]uint64{5, 10}, [2]uint64{5, 10}}
	with := func(change func(*thinSpec)) thinSpec { s := whole; change(&s); return s }
	for name, c := range map[string]struct {
		spec   thinSpec
		health []storage.Health
		says   string
	}{
		"whole":          {whole, nil, ""},
		"needs_check":    {with(func(s *thinSpec) { s.flags = 1 }), []storage.Health{storage.Damaged}, "needs_check"},
		"the next one":   {with(func(s *thinSpec) { s.transaction = 1 }), nil, ""},
		"of old":         {with(func(s *thinSpec) { s.transaction = 7 }), []storage.Health{storage.Damaged}, "of transaction 7, and LVM expects 2"},
		"full":           {with(func(s *thinSpec) { s.data = [2]uint64{10, 10} }), []storage.Health{storage.Full}, "space for data"},
		"full of itself": {with(func(s *thinSpec) { s.meta = [2]uint64{10, 10} }), []storage.Health{storage.Full}, "space for metadata"},
	} {
		for _, mirrored := range []bool{false, true} {
			t.Run(fmt.Sprint(name, mirrored), func(t *testing.T) {
				lvs := []string{
					lvText("pool", 11, true, 5, "type = \"thin-pool\"\nmetadata = \"pool_tmeta\"\npool = \"pool_tdata\"\ntransaction_id = 2\nchunk_size = 128"),
					lvText("pool_tdata", 13, false, 5, linear(0)),
				}
				at := int64(1<<20 + 9*4<<20)
				lies := strings.Replace(linear(0), "0]", "9]", 1)
				if mirrored {
					lvs = append(lvs, lvText("pool_tmeta", 12, false, 1, tmeta), lvText("pool_tmeta_rimage_1", 17, false, 1, lies))
				} else {
					lvs = append(lvs, lvText("pool_tmeta", 12, false, 1, lies))
				}
				f := newFake()
				f.disk("vda", "A", newImage(100).pv(0, 1, vgText("vg", 5, 3, []byte{1}, lvs...)).thinPool(at, c.spec))
				i := 0
				for lv := range storage.All[*storage.LV](probed(t, f)) {
					if lv.Name != "pool" {
						continue
					}
					i++
					if diff := cmp.Diff(c.health, lv.Health); diff != "" || !strings.Contains(strings.Join(lv.Notes, "; "), c.says) {
						t.Errorf("%s: %q", diff, lv.Notes)
					}
				}
				if i != 1 {
					t.Errorf("there are %d pools", i)
				}
			})
		}
	}
}

// TestUnreadablePool: a pool whose metadata is not there is told, and nothing more.
func TestUnreadablePool(t *testing.T) {
	f := newFake()
	f.disk("vda", "A", newImage(100).pv(0, 1, vgText("vg", 5, 3, []byte{1},
		lvText("pool", 11, true, 5, "type = \"thin-pool\"\nmetadata = \"pool_tmeta\"\npool = \"pool_tdata\""),
		lvText("pool_tmeta", 12, false, 1, linear(0)), lvText("pool_tdata", 13, false, 5, linear(0)))))
	for lv := range storage.All[*storage.LV](probed(t, f)) {
		told := slices.ContainsFunc(lv.Notes, func(n string) bool { return strings.Contains(n, "cannot be judged") })
		if told != (lv.Name == "pool") || len(lv.Health) > 0 {
			t.Errorf("%s is %v: %q", lv.Name, lv.Health, lv.Notes)
		}
	}
}

// TestBcacheWithoutItsCache: a dirty one cannot be opened without, a clean one can.
func TestBcacheWithoutItsCache(t *testing.T) {
	for state, incomplete := range map[uint64]bool{1: false, 2: true} { // clean, dirty
		f := newFake()
		f.disk("vda", "A", newImage(100).bcache(3, 8, false, state))
		for b := range storage.All[*storage.Bcache](probed(t, f)) {
			if b.Is(storage.Incomplete) != incomplete || !b.Is(storage.MemberMissing) {
				t.Errorf("state %d: %v, %q", state, b.Health, b.Notes)
			}
		}
	}
}

// TestFacts: what superblocks say of their condition.
func TestFacts(t *testing.T) {
	for name, c := range map[string]struct {
		sig            ondisk.Signature
		dirty, damaged bool
	}{
		"ext4":             {&ondisk.Ext{Version: 4}, false, false},
		"ext4 to replay":   {&ondisk.Ext{Version: 4, NeedsRecovery: true}, true, false},
		"ext2 in use":      {&ondisk.Ext{Version: 2, Unclean: true}, true, false},
		"ext4 with errors": {&ondisk.Ext{Version: 4, HasErrors: true}, false, true},
		"xfs":              {&ondisk.XFS{LogDirty: true}, true, false},
		"xfs, who knows":   {&ondisk.XFS{LogUnknown: true}, false, false},
		"btrfs":            {&ondisk.Btrfs{LogRoot: true}, true, false},
		"vfat":             {&ondisk.FAT{Dirty: true}, true, false},
		"exfat":            {&ondisk.ExFAT{Dirty: true}, true, false},
		"ntfs, its log":    {&ondisk.NTFS{LogDirty: true}, true, false},
		"ntfs, chkdsk":     {&ondisk.NTFS{Dirty: true}, false, true},
		"f2fs":             {&ondisk.Plain{Type: "f2fs", Dirty: true}, true, false},
		"jfs":              {&ondisk.Plain{Type: "jfs"}, false, false},
	} {
		if f := factsOf(c.sig); f.dirty != c.dirty || f.damaged != c.damaged {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
