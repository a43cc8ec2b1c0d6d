package session

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/plan"
	"salvor/internal/storage"
)

const vm = "image:/vm.img"

// attached is the attaching of vm to a device in the journal.
func attached(act func(plan.Op, string) []Record, device string) []Record {
	op := plan.AttachImage{ID: vm, Path: "/vm.img", Device: device}
	args, err := json.Marshal(op)
	if err != nil {
		panic(err) // strings
	}
	r := act(op, vm)
	r[0].Args = args
	return r
}

// image adds vm, attached to a device, with the disk on it.
func (l *lab) image(device string, readOnly bool) storage.Node {
	i := &storage.Image{Common: common(vm, ""), Path: "/vm.img", Format: storage.ImageRaw}
	i.Open = &storage.Opening{Name: device, ReadOnly: readOnly}
	i.ReadOnly = readOnly
	d := &storage.Disk{Common: common("disk:loop-/vm.img", "/dev/"+device), BackingFile: "/vm.img"}
	d.ReadOnly = readOnly
	return l.Add(d, l.Add(i))
}

func holdingsOf(t *testing.T, records ...[]Record) *Holdings {
	t.Helper()
	h, err := (&Journal{records: slices.Concat(records...)}).Holdings()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// open tells what of a graph is open.
func openIn(g *storage.Graph) string {
	var out []string
	for n := range g.Nodes() {
		if o := storage.OpeningOf(n); o != nil {
			out = append(out, o.Name)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestHoldingsOfAnImage(t *testing.T) {
	shut := plan.DetachImage{ID: vm, Device: "/dev/loop64"}
	for name, c := range map[string]struct {
		records [][]Record
		left    string
	}{
		"attached":            {[][]Record{attached(did, "/dev/loop64")}, ""},
		"announced":           {[][]Record{attached(begun, "/dev/loop64")}, ""},
		"to another device":   {[][]Record{attached(tried, "/dev/loop65")}, "loop64"},
		"attached, detached":  {[][]Record{attached(did, "/dev/loop64"), did(shut, vm)}, "loop64"},
		"detaching failed":    {[][]Record{attached(did, "/dev/loop64"), tried(shut, vm)}, ""},
		"attached once more":  {[][]Record{attached(did, "/dev/loop65"), did(shut, vm), attached(did, "/dev/loop64")}, ""},
		"it was never salvor": {nil, "loop64"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab()
			l.image("loop64", false)
			now := l.graph(t)
			h := holdingsOf(t, c.records...)
			base, _ := h.Restored(now, "")
			if diff := cmp.Diff(c.left, openIn(base)); diff != "" {
				t.Error(diff)
			}
			if left := h.Left(now); (len(left) == 0) != (c.left != "") {
				t.Errorf("left is %q", left)
			}
		})
	}
}

// TestImageOfTwoOwners: somebody attached the file that salvor has attached.
func TestImageOfTwoOwners(t *testing.T) {
	l := newLab()
	l.image("loop0", false)
	l.image("loop64", true)
	base, _ := holdingsOf(t, attached(did, "/dev/loop64")).Restored(l.graph(t), "")
	if diff := cmp.Diff("loop0", openIn(base)); diff != "" {
		t.Error(diff)
	}
}

// TestFrozenImageIsRecognised: the kernel shows an image that is attached for writing
// to a device that was set read-only like one that was attached read-only.
func TestFrozenImageIsRecognised(t *testing.T) {
	l := newLab()
	d := l.image("loop64", true)
	now := l.graph(t)
	freeze := plan.Freeze{ID: d.Base().ID}
	h := holdingsOf(t, attached(did, "/dev/loop64"), did(freeze, now.Lineage(d.Base().ID)))
	h.Recognise(now)
	if o := storage.OpeningOf(now.Node(vm)); o.ReadOnly || now.Node(vm).Base().ReadOnly || !d.Base().ReadOnly {
		t.Errorf("the image is %+v, the device %+v", now.Node(vm), d)
	}
}

func TestDamagedImageRecord(t *testing.T) {
	r := attached(did, "/dev/loop64")
	r[0].Args = json.RawMessage(`[]`)
	if _, err := (&Journal{records: r}).Holdings(); err == nil || !strings.Contains(err.Error(), "the device of an image is damaged") {
		t.Errorf("the error is %v", err)
	}
}
