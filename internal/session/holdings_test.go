package session

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"salvor/internal/plan"
	"salvor/internal/storage"
)

func renamed(from, to string, act func(plan.Op, string) []Record) []Record {
	op := plan.RenameMap{From: from, To: to}
	args, err := json.Marshal(op)
	if err != nil {
		panic(err) // two strings
	}
	r := act(op, "L")
	r[0].Args = args
	return r
}

// pairs are the openings with their closings.
var pairs = []struct{ open, shut plan.Op }{
	{plan.StartArray{}, plan.StopArray{}}, {plan.ActivateLV{}, plan.DeactivateLV{}}, {plan.Unlock{}, plan.Lock{}},
	{plan.StartMultipath{}, plan.StopMultipath{}}, {plan.StartBcache{}, plan.StopBcache{}},
	{plan.AddOverlay{}, plan.RemoveOverlay{}}, {plan.Freeze{}, plan.Thaw{}}, {plan.Mount{}, plan.Unmount{}},
}

// count is the number of things in hand.
func count(h *Holdings) int {
	return len(h.Opened) + len(h.Overlays) + len(h.Frozen) + len(h.Renamed) + len(h.Mounts)
}

func TestHoldingsOfEveryPair(t *testing.T) {
	for _, p := range pairs {
		for _, c := range []struct {
			name    string
			records []Record
			held    int
		}{
			{"opened", did(p.open, "X"), 1},
			{"announced", begun(p.open, "X"), 1},
			{"failed to open", tried(p.open, "X"), 1},
			{"opened and closed", slices.Concat(did(p.open, "X"), did(p.shut, "X")), 0},
			{"failed to close", slices.Concat(did(p.open, "X"), tried(p.shut, "X")), 1},
			{"killed before closing", slices.Concat(did(p.open, "X"), begun(p.shut, "X")), 1},
			{"killed before closing, then another command", slices.Concat(did(p.open, "X"), begun(p.shut, "X"), []Record{{Kind: Begin, Command: "umount"}}, did(p.open, "Y")), 2},
			{"killed, and a later closing of another thing", slices.Concat(did(p.open, "X"), did(p.open, "Y"), begun(p.shut, "X"), did(p.shut, "Y")), 1},
			{"bounced", slices.Concat(did(p.open, "X"), did(p.shut, "X"), did(p.open, "X")), 1},
			{"bounced, killed in between", slices.Concat(did(p.open, "X"), did(p.shut, "X"), begun(p.open, "X")), 1},
			{"closed what others opened", did(p.shut, "X"), 0},
		} {
			t.Run(p.open.Name()+", "+c.name, func(t *testing.T) {
				h, err := (&Journal{records: c.records}).Holdings()
				if err != nil {
					t.Fatal(err)
				}
				if count(h) != c.held || h.Empty() != (c.held == 0) {
					t.Errorf("it holds %+v, want %d", h, c.held)
				}
			})
		}
	}
}

func TestHoldingsOfRenaming(t *testing.T) {
	for name, c := range map[string]struct {
		records []Record
		want    map[string]Renaming
	}{
		"renamed":              {renamed("old", "new", did), map[string]Renaming{"L": {"old", "new"}}},
		"announced":            {renamed("old", "new", begun), map[string]Renaming{"L": {"old", "new"}}},
		"and back":             {slices.Concat(renamed("old", "new", did), renamed("new", "old", did)), nil},
		"and back, failed":     {slices.Concat(renamed("old", "new", did), renamed("new", "old", tried)), map[string]Renaming{"L": {"old", "new"}}},
		"and back, killed":     {slices.Concat(renamed("old", "new", did), renamed("new", "old", begun)), map[string]Renaming{"L": {"old", "new"}}},
		"twice":                {slices.Concat(renamed("old", "new", did), renamed("new", "newer", did)), map[string]Renaming{"L": {"old", "newer"}}},
		"twice and back":       {slices.Concat(renamed("old", "new", did), renamed("new", "newer", did), renamed("newer", "old", did)), nil},
		"renamed, then closed": {slices.Concat(renamed("old", "new", did), did(plan.Lock{}, "L")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			h, err := (&Journal{records: c.records}).Holdings()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, h.Renamed, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFlagGoesWithItsDevice(t *testing.T) {
	frozen := did(plan.Freeze{}, "X")
	for name, records := range map[string][]Record{
		"closed": slices.Concat(did(plan.Unlock{}, "X"), frozen, did(plan.Lock{}, "X")),
		"opened": slices.Concat(frozen, did(plan.Lock{}, "X"), did(plan.Unlock{}, "X")),
	} {
		h, err := (&Journal{records: records}).Holdings()
		if err != nil || len(h.Frozen) > 0 {
			t.Errorf("%s: the flag is still held: %+v, %v", name, h, err)
		}
	}
}

func TestHoldingsOfADamagedJournal(t *testing.T) {
	for want, r := range map[string]Record{
		`record 1: the operation "mkfs" is not known`:       {Kind: Intent, Op: "mkfs"},
		"record 1: the names of a renaming are damaged":     {Kind: Intent, Op: plan.RenameMap{}.Name(), Args: json.RawMessage(`[]`)},
		"record 1: the names of a renaming are damaged: un": {Kind: Intent, Op: plan.RenameMap{}.Name()},
	} {
		if _, err := (&Journal{records: []Record{r}}).Holdings(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("it gives %v, want %q", err, want)
		}
	}
}

func TestWithout(t *testing.T) {
	all, earlier := NewHoldings(), NewHoldings()
	for _, h := range []*Holdings{all, earlier} {
		h.Opened["a"], h.Overlays["a"], h.Frozen["a"], h.Renamed["a"], h.Mounts["/a"] = true, true, true, Renaming{"x", "y"}, "fs:a"
	}
	all.Opened["b"], all.Mounts["/b"] = true, ""
	want := NewHoldings()
	want.Opened["b"], want.Mounts["/b"] = true, ""
	if diff := cmp.Diff(want, all.Without(earlier)); diff != "" {
		t.Error(diff)
	}
	if !all.Without(all).Empty() {
		t.Error("without itself it is not empty")
	}
}

// stack is two containers, one in the other, with a file system on top; and a
// disk of its own with one.
func stack(t *testing.T, low, high string, mounts ...storage.Mount) *storage.Graph {
	t.Helper()
	l := newLab()
	outer := l.crypt("1", low, l.disk("a"))
	inner := l.crypt("2", high, outer)
	l.fs("top", inner)
	l.fs("other", l.disk("b"))
	return l.graph(t, mounts...)
}

const (
	outer = "luks:1@disk:a"
	inner = "luks:2@luks:1@disk:a"
)

func holding(fill func(*Holdings)) *Holdings {
	h := NewHoldings()
	fill(h)
	return h
}

// stands tells in words how a graph stands.
func stands(g *storage.Graph) string {
	var out []string
	for n := range g.Nodes() {
		c := n.Base()
		if o := storage.OpeningOf(n); o != nil {
			out = append(out, string(c.ID)+" as "+o.Name)
		}
		if c.Overlay != nil {
			out = append(out, string(c.ID)+" behind "+c.Overlay.Name)
		}
		if c.ReadOnly {
			out = append(out, string(c.ID)+" read-only")
		}
	}
	for _, m := range g.Mounts {
		out = append(out, string(m.Source)+" at "+m.Point)
	}
	return strings.Join(out, ", ")
}

func TestRestored(t *testing.T) {
	at := func(point string, source storage.ID) storage.Mount {
		return storage.Mount{Point: point, Source: source}
	}
	both := func(h *Holdings) { h.Opened[outer], h.Opened[inner] = true, true }
	for name, c := range map[string]struct {
		now    *storage.Graph
		hold   func(*Holdings)
		target string
		want   string
		kept   []storage.ID
	}{
		"ours is closed":             {stack(t, "a", "b"), both, "", "", nil},
		"others' stays":              {stack(t, "a", "b"), func(*Holdings) {}, "", "luks:1 as a, luks:2 as b", nil},
		"others' on ours":            {stack(t, "a", "b"), func(h *Holdings) { h.Opened[outer] = true }, "", "luks:1 as a, luks:2 as b", []storage.ID{"luks:1"}},
		"others' below ours":         {stack(t, "a", "b"), func(h *Holdings) { h.Opened[inner] = true }, "", "luks:1 as a", nil},
		"others' mount on ours":      {stack(t, "a", "b", at("/srv", "fs:top")), both, "", "luks:1 as a, luks:2 as b, fs:top at /srv", []storage.ID{"luks:1", "luks:2"}},
		"our mount":                  {stack(t, "a", "b", at("/mnt", "fs:top")), func(h *Holdings) { both(h); h.Mounts["/mnt"] = "fs:top" }, "/mnt", "", nil},
		"below the target":           {stack(t, "a", "b", at("/mnt", "fs:top"), at("/mnt/usb", "fs:other")), func(h *Holdings) { both(h); h.Mounts["/mnt"] = "fs:top" }, "/mnt", "", nil},
		"below it, for a look":       {stack(t, "", "", at("/mnt", "fs:other"), at("/mnt/usb", "fs:top")), func(h *Holdings) { h.Mounts["/mnt"] = "fs:other" }, "", "fs:top at /mnt/usb", nil},
		"not ours any more":          {stack(t, "", "", at("/mnt", "fs:other")), func(h *Holdings) { h.Mounts["/mnt"] = "fs:top" }, "/mnt", "fs:other at /mnt", nil},
		"what else is there":         {stack(t, "", "", at("/srv", "fs:other")), func(h *Holdings) { h.Mounts["/mnt"] = "fs:top" }, "/mnt", "fs:other at /srv", nil},
		"renamed":                    {stack(t, "new", ""), func(h *Holdings) { h.Renamed[outer] = Renaming{"old", "new"} }, "", "luks:1 as old", nil},
		"renamed by others since":    {stack(t, "odd", ""), func(h *Holdings) { h.Renamed[outer] = Renaming{"old", "new"} }, "", "luks:1 as odd", nil},
		"renamed, and ours":          {stack(t, "new", ""), func(h *Holdings) { h.Opened[outer], h.Renamed[outer] = true, Renaming{"old", "new"} }, "", "", nil},
		"gone, whoever closed it":    {stack(t, "", ""), both, "", "", nil},
		"a bound tree has no source": {stack(t, "", "", at("/mnt/dev", "")), func(h *Holdings) { h.Mounts["/mnt/dev"] = "" }, "", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			before := stands(c.now)
			base, kept := holding(c.hold).Restored(c.now, c.target)
			if diff := cmp.Diff(c.want, stands(base)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.kept, kept); diff != "" {
				t.Errorf("kept: %s", diff)
			}
			if stands(c.now) != before {
				t.Error("it changed the graph that it was given")
			}
		})
	}
}

// TestRestoredFlags: flags and stand-ins of ours go, and those of others stay.
func TestRestoredFlags(t *testing.T) {
	now := stack(t, "a", "")
	now.Node("disk:a").Base().ReadOnly = true
	now.Node("disk:b").Base().ReadOnly = true
	now.Node("disk:b").Base().Overlay = &storage.Opening{Name: "cow"}
	now.Node("luks:1").Base().Overlay = &storage.Opening{Name: "foreign"}
	base, kept := holding(func(h *Holdings) { h.Frozen["disk:b"], h.Overlays["disk:b"] = true, true }).Restored(now, "")
	if diff := cmp.Diff("disk:a read-only, luks:1 as a, luks:1 behind foreign", stands(base)); diff != "" || kept != nil {
		t.Errorf("%s, kept %v", diff, kept)
	}
}

// TestKeptOverlay: what others opened on a stand-in of ours keeps that, and is
// named once.
func TestKeptOverlay(t *testing.T) {
	now := stack(t, "a", "b")
	now.Node("luks:1").Base().Overlay = &storage.Opening{Name: "cow"}
	base, kept := holding(func(h *Holdings) { h.Opened[outer], h.Overlays[outer] = true, true }).Restored(now, "")
	if diff := cmp.Diff("luks:1 as a, luks:1 behind cow, luks:2 as b", stands(base)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]storage.ID{"luks:1"}, kept); diff != "" {
		t.Error(diff)
	}
}

// TestRecognise: the kernel shows a device that others opened and salvor set
// read-only like one that was opened read-only. The way back is to clear the flag,
// not to close and open it.
func TestRecognise(t *testing.T) {
	l := newLab()
	l.crypt("1", "a", l.disk("a"))
	l.crypt("2", "b", l.disk("b"))
	now := l.graph(t)
	for _, id := range []storage.ID{"luks:1", "luks:2"} {
		storage.OpeningOf(now.Node(id)).ReadOnly = true
		now.Node(id).Base().ReadOnly = true
	}
	h := holding(func(h *Holdings) { h.Frozen[outer] = true })
	h.Recognise(now)
	base, _ := h.Restored(now, "")
	p, err := plan.Diff(now, base)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Steps) != 1 || p.Steps[0].Op.Name() != (plan.Thaw{}).Name() {
		t.Errorf("the way back is:\n%s", p.Text())
	}
	if !storage.OpeningOf(now.Node("luks:2")).ReadOnly {
		t.Error("what others opened read-only was taken for a flag of ours")
	}
}

func TestLeft(t *testing.T) {
	now := stack(t, "new", "b", storage.Mount{Point: "/mnt", Source: "fs:top"}, storage.Mount{Point: "/srv", Source: "fs:other"})
	now.Node("disk:b").Base().Overlay = &storage.Opening{Name: "cow"}
	now.Node("disk:b").Base().ReadOnly = true
	h := holding(func(h *Holdings) {
		h.Opened[inner], h.Opened["luks:gone"] = true, true
		h.Renamed[outer] = Renaming{"old", "new"}
		h.Overlays["disk:b"], h.Frozen["disk:b"], h.Frozen["disk:a"] = true, true, true
		h.Mounts["/mnt"], h.Mounts["/srv"], h.Mounts["/gone"] = "fs:top", "fs:not-this", ""
	})
	want := []string{"disk:b has a stand-in", "disk:b is set read-only", `luks:1 is open as "new", which was "old"`, "luks:2 is open", "/mnt is mounted"}
	if diff := cmp.Diff(want, h.Left(now)); diff != "" {
		t.Error(diff)
	}
	if left := h.Left(stack(t, "", "")); left != nil {
		t.Errorf("of nothing is left %q", left)
	}
}

// TestKeptFlag: clearing the flag of a device that others have begun to use would
// mean to close what they opened.
func TestKeptFlag(t *testing.T) {
	now := stack(t, "a", "")
	now.Node("disk:a").Base().ReadOnly = true
	base, kept := holding(func(h *Holdings) { h.Frozen["disk:a"] = true }).Restored(now, "")
	if diff := cmp.Diff("disk:a read-only, luks:1 as a", stands(base)) + cmp.Diff([]storage.ID{"disk:a"}, kept); diff != "" {
		t.Error(diff)
	}
}

// TestSubvolumeIsItsFileSystem: which subvolume is mounted is known by path only,
// so a mount is known by its file system.
func TestSubvolumeIsItsFileSystem(t *testing.T) {
	l := newLab()
	fsys := l.fs("b", l.disk("a"))
	l.Add(&storage.Subvolume{Common: common("subvol:b/@", ""), Path: "@"}, fsys)
	now := l.graph(t, storage.Mount{Point: "/mnt", Source: "fs:b", Root: "/@"})
	if got := wholeOf(now, "subvol:b/@"); got != "fs:b" {
		t.Errorf("it is %s", got)
	}
	h := holding(func(h *Holdings) { h.Mounts["/mnt"] = "fs:b" })
	if len(h.Left(now)) != 1 {
		t.Error("the mount is not known again")
	}
}
