package ondisk

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLVM reads a VG that lvm 2.03.16 made with every kind of LV; the golden
// file was compared with "lvs -a" of that machine.
func TestLVM(t *testing.T) {
	pv, c := only[*LVM2PV](t, capture(t, "lvm"))
	if len(c.Notes) > 0 || c.Table != nil {
		t.Errorf("notes %q, table %+v", c.Notes, c.Table)
	}
	const golden = "testdata/lvm.golden"
	got := describe(pv)
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

// describe writes a line for each PV, LV and segment, without empty fields.
func describe(pv *LVM2PV) string {
	var b strings.Builder
	line := func(indent, kind string, v any) {
		fields := reflect.ValueOf(v)
		b.WriteString(indent + kind)
		for i := range fields.NumField() {
			f, name := fields.Field(i), fields.Type().Field(i).Name
			if f.IsZero() || f.Kind() == reflect.Pointer || name == "PVs" || name == "LVs" || name == "Segments" {
				continue
			}
			fmt.Fprintf(&b, " %s=%+v", name, f.Interface())
		}
		b.WriteString("\n")
	}
	line("", "label", *pv)
	line("", "vg", *pv.VG)
	for _, p := range pv.VG.PVs {
		line("  ", "pv", p)
	}
	for _, lv := range pv.VG.LVs {
		line("  ", "lv", lv)
		for _, s := range lv.Segments {
			line("    ", "segment", s)
		}
	}
	return b.String()
}

// These are the places of the capture "lvm-two-areas".
const (
	firstArea  = 4096
	secondArea = 99614720
	areaSize   = 1044480
)

// TestLVMAreas damages one metadata area or the other.
func TestLVMAreas(t *testing.T) {
	for name, tt := range map[string]struct {
		off   int64
		data  string
		notes []string
	}{
		"both":             {secondArea + 8192, "", nil},
		"first magic":      {firstArea + 8, "x", []string{"its magic is missing"}},
		"second magic":     {secondArea + 8, "x", []string{"its magic is missing"}},
		"header checksum":  {secondArea + 500, "x", []string{"its header's checksum is wrong, going on"}},
		"text out of area": {firstArea + 40, "\x00\x00\xff\xff", []string{"its header's checksum is wrong", "out of bounds"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := capture(t, "lvm-two-areas")
			s.put(tt.off, []byte(tt.data))
			pv, c := only[*LVM2PV](t, s)
			if pv.VG == nil || pv.VG.SeqNo != 36 || len(pv.MetadataAreas) != 2 {
				t.Fatalf("pv %+v", pv)
			}
			notes := strings.Join(c.Notes, "\n")
			if len(tt.notes) == 0 && notes != "" {
				t.Errorf("notes %q", notes)
			}
			if len(tt.notes) > 0 && !strings.Contains(notes, tt.notes[len(tt.notes)-1]) {
				t.Errorf("notes %q", notes)
			}
		})
	}
}

// TestLVMTextDamaged: a wrong checksum of the text is noted, and it is used.
func TestLVMTextDamaged(t *testing.T) {
	s := capture(t, "lvm")
	text := s.pieces[2]
	i := bytes.Index(text.data, []byte("onvg"))
	s.put(text.off+int64(i), []byte("ONVG"))
	pv, c := only[*LVM2PV](t, s)
	if pv.VG == nil || pv.VG.Tags[0] != "ONVG" || len(c.Notes) != 1 {
		t.Errorf("notes %q, pv %+v", c.Notes, pv)
	}
}

// TestLVMRing moves the text so that it runs over the end of its area.
func TestLVMRing(t *testing.T) {
	for _, before := range []int{1, 512, 5000} {
		s := capture(t, "lvm")
		text, header := s.pieces[2].data, bytes.Clone(s.pieces[1].data)
		start := areaSize - before
		le.PutUint64(header[40:], uint64(start))
		le.PutUint32(header, lvmCRC(header[4:]))
		s.pieces = s.pieces[:1]
		s.put(firstArea, header)
		s.put(firstArea+int64(start), text[:before])
		s.put(firstArea+lvmMDAHeader, text[before:])
		pv, c := only[*LVM2PV](t, s)
		if pv.VG == nil || pv.VG.SeqNo != 36 || len(c.Notes) > 0 {
			t.Errorf("%d bytes before the end: notes %q, pv %+v", before, c.Notes, pv)
		}
	}
}

// TestLVMIgnored and an empty area are told apart from a damaged one.
func TestLVMIgnored(t *testing.T) {
	for name, tt := range map[string]struct {
		change  func(header []byte)
		ignored bool
		orphan  bool
	}{
		"ignored": {func(h []byte) { h[60] = 1 }, true, false},
		"orphan":  {func(h []byte) { clear(h[40:64]) }, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := capture(t, "lvm")
			header := bytes.Clone(s.pieces[1].data)
			tt.change(header)
			le.PutUint32(header, lvmCRC(header[4:]))
			s.put(firstArea, header)
			pv, c := only[*LVM2PV](t, s)
			if pv.VG != nil || pv.MetadataIgnored != tt.ignored || pv.Orphan != tt.orphan || len(c.Notes) > 0 {
				t.Errorf("notes %q, pv %+v", c.Notes, pv)
			}
		})
	}
}

func TestParseLVM(t *testing.T) {
	const text = `# a backup file has a comment here
contents = "Text Format Volume Group"
creation_host = "pollux"	# Linux
vg-1 {
	id = "AAAAAA-1"
	seqno = 7
	status = ["RESIZEABLE", "READ"]
	extent_size = 8192		# 4 Megabytes
	max_lv = 9
	max_pv = 8
	metadata_copies = 2
	allocation_policy = "cling"
	profile = "mine"
	physical_volumes {
		pv0 {
			id = "PV-1"
			device = "/dev/disk with \"quotes\""
			flags = ["MISSING"]
			dev_size = 2097152
			pe_start = 2048
			pe_count = 255
		}
	}
	logical_volumes {
		root { status = ["VISIBLE"] flags = ["NOAUTOACTIVATE"]
			allocation_policy = "contiguous" read_ahead = -1 major = -1 minor = 77 profile = "its"
			segment1 { start_extent = 0 extent_count = 5 type = "striped" stripes = ["pv0", 3] }
			segment2 { start_extent = 5 extent_count = 2 type = "striped" stripes = ["pv0", 20,] }
		}
		quick { read_ahead = 256
			segment1 { extent_count = 1 type = "cache" cache_pool = "p" cache_mode = "writeback" policy = "mq" policy_settings { migration_threshold = 2048 name = "a b" } }
			segment2 { extent_count = 1 type = "writecache" writecache = "c" high_watermark = 60 writecache_block_size = 4096 }
			segment3 { extent_count = 1 type = "thin-pool" discards = "nopassdown" zero_new_blocks = 0 }
		}
	}
}`
	want := &LVMVG{
		Name: "vg-1", UUID: "AAAAAA-1", SeqNo: 7, ExtentSize: 4 << 20, Status: []string{"RESIZEABLE", "READ"},
		CreationHost: "pollux", MaxLV: 9, MaxPV: 8, MetadataCopies: 2, Allocation: "cling", Profile: "mine",
		PVs: []LVMPVRef{{
			Name: "pv0", UUID: "PV-1", DeviceHint: `/dev/disk with "quotes"`, Flags: []string{"MISSING"},
			DevSize: 1 << 30, PEStart: 1 << 20, PECount: 255, Missing: true,
		}},
		LVs: []LVMLV{{
			Name: "root", Status: []string{"VISIBLE"}, Visible: true, Flags: []string{"NOAUTOACTIVATE"},
			Allocation: "contiguous", Profile: "its", ReadAhead: -1, Minor: new(77),
			Segments: []LVMSegment{
				{Type: "striped", Extents: 5, Areas: []LVMPlace{{"pv0", 3}}},
				{Type: "striped", StartExtent: 5, Extents: 2, Areas: []LVMPlace{{"pv0", 20}}},
			},
		}, {
			Name: "quick", AutoActivation: true, ReadAhead: 256, Segments: []LVMSegment{
				{Type: "cache", Extents: 1, CachePool: "p", CacheMode: "writeback", CachePolicy: "mq", Settings: []string{"migration_threshold=2048", "name=a b"}},
				{Type: "writecache", Extents: 1, CachePool: "c", Settings: []string{"high_watermark=60"}},
				{Type: "thin-pool", Extents: 1, Discards: "nopassdown"},
			},
		}},
	}
	got, err := ParseLVM([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if lv := got.LVs[0]; lv.Extents() != 7 || !lv.Segments[0].Linear() {
		t.Errorf("%d extents, linear %v", lv.Extents(), lv.Segments[0].Linear())
	}
}

func TestParseLVMErrors(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", "no volume group is in it"},
		{"contents = 1", "no volume group is in it"},
		{"vg {", "line 1: the text ends where a name was expected"},
		{"\nvg { a = }", `line 2: found '}' where a value was expected`},
		{"vg { a 1 }", `found '1' where '='`},
		{`vg { a = "x`, "a string does not end"},
		{"vg { a = \"x\n\" }", "a string does not end in its line"},
		{"vg { a = [1 2] }", `where "," or "]"`},
		{strings.Repeat("a {", 100000), "nested too deeply"},
		{strings.Repeat("a=1 ", lvmMaxNodes+1), "too many settings"},
		{"vg { a = [" + strings.Repeat("1,", lvmMaxNodes) + "] }", "too many values"},
		{"}", `found '}' where a name was expected`},
	} {
		_, err := ParseLVM([]byte(tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.20q: %v, want %q", tt.text, err, tt.want)
		}
	}
}

func FuzzParseLVM(f *testing.F) {
	f.Add([]byte("vg { id = \"x\" logical_volumes { a { segment1 { type = \"striped\" stripes = [\"pv0\", 0] } } } }"))
	f.Add(capture(f, "lvm").pieces[2].data)
	f.Fuzz(func(t *testing.T, text []byte) {
		vg, err := ParseLVM(text)
		if (vg == nil) == (err == nil) {
			t.Fatalf("a group %v and an error %v", vg, err)
		}
	})
}
