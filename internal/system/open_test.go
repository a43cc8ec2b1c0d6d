package system

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/storage"
)

// opened lists what want has open or stood in for that have has not.
func opened(have, want *storage.Graph) string {
	var out []string
	for n := range want.Nodes() {
		id := n.Base().ID
		if was, is := storage.OpeningOf(have.Node(id)), storage.OpeningOf(n); was == nil && is != nil {
			text := string(id)
			if is.Name != "" {
				text += "=" + is.Name
			}
			if is.ReadOnly {
				text += " ro"
			}
			out = append(out, text)
		}
		if have.Node(id).Base().Overlay == nil && n.Base().Overlay != nil {
			out = append(out, string(id)+" cow")
		}
	}
	return strings.Join(out, ", ")
}

func TestOpened(t *testing.T) {
	readOnly, cow := Way{ReadOnly: true}, Way{ReadOnly: true, Overlays: true}
	tests := map[string]struct {
		build func(l *lab)
		way   Way
		want  string
	}{
		"arrays get the numbers that they ask for": {
			build: func(l *lab) {
				l.md("a", "h:7", "", l.disk("sda"))
				l.md("b", "h:7", "", l.disk("sdb"))
				l.md("c", "h:data", "", l.disk("sdc"))
				l.md("d", "h:127", "md127", l.disk("sdd"))
				l.md("e", "h:999999999", "", l.disk("sde"))
				l.md("f", "h:07", "", l.disk("sdf")).AddName("/dev/md3", storage.FromKernel)
			},
			want: "md:a=md7, md:b=md126, md:c=md125, md:e=md124, md:f=md3",
		},
		"layers": {
			build: func(l *lab) {
				vg := l.vg("vg", l.crypt("c", "", l.md("m", "h:0", "", l.disk("sda"))))
				l.lv(vg, "root", "linear", false)
				l.crypt("other", "", l.disk("sdb"))
			},
			way:  Way{ReadOnly: true, Unlock: map[storage.ID]string{"luks:c": "cr"}},
			want: "md:m=md0 ro, luks:c=cr ro, lv:vg/root ro",
		},
		"layers, without the key": {
			build: func(l *lab) {
				l.lv(l.vg("vg", l.crypt("c", "", l.md("m", "h:0", "", l.disk("sda")))), "root", "linear", false)
			},
			want: "md:m=md0",
		},
		"only what is asked for": {
			build: func(l *lab) {
				l.lv(l.vg("vg", l.md("m", "h:0", "", l.disk("sda"))), "root", "linear", false)
				l.lv(l.vg("other", l.md("n", "h:1", "", l.disk("sdb"))), "root", "linear", false)
			},
			way:  Way{Only: []storage.ID{"lv:vg/root"}},
			want: "md:m=md0, lv:vg/root",
		},
		"nothing at all": {
			build: func(l *lab) { l.md("m", "h:0", "", l.disk("sda")) },
			way:   Way{Only: []storage.ID{}},
		},
		"what failed before is left alone, and all on it": {
			build: func(l *lab) {
				l.lv(l.vg("vg", l.md("m", "h:0", "", l.disk("sda"))), "root", "linear", false)
			},
			way: Way{Leave: map[storage.ID]bool{"md:m": true}},
		},
		"layouts that write, without device-mapper": {build: layouts, way: readOnly, want: "lv:vg/plain ro, lv:vg/striped ro"},
		"layouts that write":                        {build: layouts, way: cow, want: "disk:sda cow, disk:sdb cow, lv:vg/cached, lv:vg/origin, lv:vg/plain ro, lv:vg/striped ro, lv:vg/snap, lv:vg/thin"},
		"layouts for real":                          {build: layouts, want: "lv:vg/cached, lv:vg/origin, lv:vg/plain, lv:vg/striped, lv:vg/snap, lv:vg/thin"},
		"bcache": {
			build: bcache, way: cow, want: "part:sda-1 cow, part:sdb-1 cow, bcache:b=bcache0",
		},
		"bcache, without device-mapper": {build: bcache, way: readOnly},
		"bcache for real":               {build: bcache, want: "bcache:b=bcache0"},
		"a map of wires": {
			build: func(l *lab) {
				l.Add(&storage.Multipath{Common: common("mpath:1", "", gib), WWID: "1"}, l.disk("sda"), l.disk("sdb"))
			},
			way: readOnly, want: "mpath:1",
		},
		"too little is there": {
			build: func(l *lab) { l.md("m", "h:0", "", l.disk("sda")).Mark(storage.Incomplete) },
		},
		"redundancy makes up for a missing device, also for what lies above": {
			build: func(l *lab) {
				vg := l.vg("vg", l.disk("sda"))
				gone := &storage.PV{Common: common("pv:gone", "", gib)}
				gone.Mark(storage.Missing)
				l.Lay(vg, l.Add(gone))
				mirror := l.lv(vg, "mirror", "raid1", false)
				l.Lay(mirror, gone)
				mirror.Mark(storage.Degraded)
				l.crypt("c", "", mirror)
				l.Lay(l.lv(vg, "plain", "linear", false), gone)
			},
			way:  Way{Unlock: map[storage.ID]string{"luks:c": "cr"}},
			want: "lv:vg/mirror, luks:c=cr",
		},
		"a stand-in cannot be slipped in below what is in use": {
			build: func(l *lab) {
				vg := l.vg("vg", l.disk("sda"))
				l.lv(vg, "used", "linear", true)
				l.lv(vg, "thin", "thin", false)
			},
			way: cow,
		},
		"but below what was opened read-only it can": {
			build: func(l *lab) {
				vg := l.vg("vg", l.disk("sda"))
				l.lv(vg, "looked-at", "linear", true).Open.ReadOnly = true
				l.lv(vg, "thin", "thin", false)
			},
			way: cow, want: "disk:sda cow, lv:vg/thin",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			tt.build(l)
			have := l.graph()
			want := Opened(have, tt.way)
			if diff := cmp.Diff(tt.want, opened(have, want)); diff != "" {
				t.Error(diff)
			}
			mustPlan(t, have, want)
			if more := opened(want, Opened(want, tt.way)); more != "" {
				t.Errorf("a second round opens %s", more)
			}
		})
	}
}

func layouts(l *lab) {
	vg := l.vg("vg", l.disk("sda"), l.disk("sdb"))
	l.lv(vg, "plain", "linear", false)
	l.lv(vg, "striped", "striped", false)
	l.lv(vg, "cached", "cache", false)
	l.snapshot(vg, "snap", l.lv(vg, "origin", "linear", false), false)
	pool := l.lv(vg, "pool", "thin-pool", false)
	thin := l.lv(vg, "thin", "thin", false)
	thin.Pool = pool.Identity
	l.Lay(thin, pool)
	l.lv(vg, "hidden", "linear", false).Internal = true
}

func bcache(l *lab) {
	set := l.Add(&storage.BcacheSet{Common: common("set:s", "", 0)}, l.part(l.table("gpt", l.disk("sda")), 1))
	l.Add(&storage.Bcache{Common: common("bcache:b", "", gib)}, l.part(l.table("gpt", l.disk("sdb")), 1), set)
}

// TestOverlayNames: device-mapper takes them, and no two nodes share one.
func TestOverlayNames(t *testing.T) {
	seen := map[string]storage.ID{}
	long := strings.Repeat("serial-", 30)
	for _, id := range []storage.ID{"part:a", "part:a/b", "part:a-b", "part:a b", "part:ä", storage.ID("disk:" + long + "1"), storage.ID("disk:" + long + "2"), "lv:vg/x@disk:y"} {
		d := &storage.Disk{Common: storage.Common{ID: id}}
		AddOverlay(d)
		name := d.Overlay.Name
		if len(name) > 120 || strings.ContainsAny(name, "/ :@") {
			t.Errorf("%s: %q is no name for a map", id, name)
		}
		if other, taken := seen[name]; taken {
			t.Errorf("%s and %s are both %s", id, other, name)
		}
		seen[name] = id
		AddOverlay(d)
		if d.Overlay.Name != name {
			t.Errorf("%s: a second stand-in", id)
		}
	}
	if seen["salvor-cow-part-a"] != "part:a" {
		t.Error(fmt.Sprint("a short name is not kept: ", seen))
	}
}
