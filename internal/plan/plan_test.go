package plan

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"salvor/internal/storage"
)

// planOf makes the plan of a case file.
func planOf(t *testing.T, name string) (p *Plan, have, want *storage.Graph) {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/" + name + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	have, want = readCase(t, archive)
	if p, err = Diff(have, want); err != nil {
		t.Fatal(err)
	}
	return p, have, want
}

func TestCheckFresh(t *testing.T) {
	p, have, want := planOf(t, "luks-lvm-mount")
	for name, c := range map[string]struct {
		change func(*storage.Graph)
		want   []string
	}{
		"nothing":       {func(*storage.Graph) {}, nil},
		"another mount": {func(g *storage.Graph) { g.Mounts = append(g.Mounts, storage.Mount{Point: "/elsewhere", Type: "tmpfs"}) }, nil},
		"other names":   {func(g *storage.Graph) { g.Node("disk:sda").Base().AddName("/dev/sdz", storage.FromKernel) }, nil},
		"a mount there": {func(g *storage.Graph) { g.Mounts = append(g.Mounts, storage.Mount{Point: "/t", Type: "tmpfs"}) }, []string{"mount of /t"}},
		"opened": {func(g *storage.Graph) {
			storage.SetOpening(g.Node("luks:system"), &storage.Opening{Name: "other"})
			storage.SetOpening(g.Node("lv:root"), &storage.Opening{})
		}, []string{"mount of /t", "opening of luks:system", "opening of lv:home", "opening of lv:root"}},
		"a disk that is called otherwise": {func(g *storage.Graph) { g.Node("part:sda1").Base().Names[0].Path = "/dev/sdb1" }, []string{"opening of luks:system"}},
	} {
		t.Run(name, func(t *testing.T) {
			now := have.Clone()
			c.change(now)
			var stale *StaleError
			if err := p.CheckFresh(now); err != nil && !errors.As(err, &stale) {
				t.Fatal(err)
			}
			var got []string
			if stale != nil {
				got = stale.Changed
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if err := p.CheckFresh(want); err == nil || !strings.Contains(err.Error(), "the machine has changed since it was made: mount of /t, mount of /t/home") {
		t.Errorf("a plan that was carried out is still fresh: %v", err)
	}
}

// TestCheckFreshNodeGone: the disk was pulled out.
func TestCheckFreshNodeGone(t *testing.T) {
	p, _, _ := planOf(t, "luks-lvm-umount")
	empty, err := storage.NewGraph(nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.CheckFresh(empty); err == nil {
		t.Error("a plan for a machine that is gone is fresh")
	}
}

// makeFileSystem is an operation that no plan may hold.
type makeFileSystem struct{}

func (makeFileSystem) Name() string          { return "mkfs" }
func (makeFileSystem) Text() string          { return "make a file system" }
func (makeFileSystem) item() item            { return item{} }
func (makeFileSystem) effect(*storage.Graph) {}

func TestCheckMountOnly(t *testing.T) {
	p, _, _ := planOf(t, "luks-lvm-mount")
	if err := p.CheckMountOnly(); err != nil {
		t.Error(err)
	}
	p.add(makeFileSystem{}, nil)
	err := p.CheckMountOnly()
	if err == nil || err.Error() != "internal error: step 6 (mkfs) is none of open, close, mount and unmount" {
		t.Errorf("error is %v", err)
	}
}

func TestDiffRefusesOtherNodes(t *testing.T) {
	_, have, _ := planOf(t, "mount-simple")
	_, _, want := planOf(t, "luks-lvm-mount")
	if _, err := Diff(have, want); err == nil || !strings.Contains(err.Error(), "which is not there") {
		t.Errorf("error is %v", err)
	}
}

func TestPlanJSON(t *testing.T) {
	p, _, _ := planOf(t, "luks-lvm-mount")
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Version int
		Steps   []struct {
			Step  int
			Op    string
			Args  map[string]any
			After []int
			Text  string
		}
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if got.Version != FormatVersion || len(got.Steps) != len(p.Steps) {
		t.Fatalf("version %d, %d steps", got.Version, len(got.Steps))
	}
	for i, s := range got.Steps {
		is := p.Steps[i]
		if s.Step != is.Number || s.Op != is.Op.Name() || s.Text != is.Op.Text() || !cmp.Equal(s.After, is.After) {
			t.Errorf("step %d is %+v", i+1, s)
		}
	}
	first := map[string]any{"id": "luks:system", "format": "luks2", "device": "/dev/sda1", "map_name": "cr_system"}
	if diff := cmp.Diff(first, got.Steps[0].Args); diff != "" {
		t.Error(diff)
	}
	empty, _, _ := planOf(t, "mount-done")
	if raw, err = json.Marshal(empty); err != nil || string(raw) != `{"version":1,"steps":[]}` {
		t.Errorf("an empty plan is %s (%v)", raw, err)
	}
	if !empty.Empty() || empty.Text() != "" {
		t.Error("a plan without steps is not empty")
	}
}

// TestOpsAreTold: every operation has a name of its own and a sentence without a
// full stop, is documented, and is one of those that mounting may use.
func TestOpsAreTold(t *testing.T) {
	doc, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, op := range []Op{StartArray{}, StopArray{}, ActivateLV{}, DeactivateLV{}, Unlock{}, Lock{}, RenameMap{}, StartMultipath{}, StopMultipath{},
		StartBcache{}, StopBcache{}, AttachImage{}, DetachImage{}, AddOverlay{}, RemoveOverlay{}, Freeze{}, Thaw{}, Mount{}, Unmount{}} {
		if name := op.Name(); name == "" || seen[name] {
			t.Errorf("%T is called %q", op, name)
		}
		seen[op.Name()] = true
		for _, f := range reflect.VisibleFields(reflect.TypeOf(op)) {
			arg, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if !strings.Contains(rowOf(string(doc), op.Name()), "`"+arg+"`") {
				t.Errorf("docs/json.md does not tell of %s, an argument of %s", arg, op.Name())
			}
		}
		if text := op.Text(); text == "" || strings.HasSuffix(text, ".") {
			t.Errorf("%T says %q", op, text)
		}
		if err := (&Plan{Steps: []Step{{Number: 1, Op: op}}}).CheckMountOnly(); err != nil {
			t.Error(err)
		}
	}
}

// rowOf gives the row of a table that begins with name.
func rowOf(doc, name string) string {
	for line := range strings.Lines(doc) {
		if strings.HasPrefix(line, "| `"+name+"` |") {
			return line
		}
	}
	return ""
}

// TestImagesOfOthersStay: an unmount that somebody's image is in the way of is left to
// fail; the image is not detached for it.
func TestImagesOfOthersStay(t *testing.T) {
	m, err := parseMachine("disk sda\nfs outer on sda\nimage x.img in /t within outer")
	if err != nil {
		t.Fatal(err)
	}
	have, err := m.state("mount outer at /t\nopen x.img as loop0", false)
	if err != nil {
		t.Fatal(err)
	}
	want, err := m.state("open x.img as loop0", true)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Diff(have, want)
	if err != nil || p.Text() != "  1. unmount /t\n" {
		t.Errorf("the plan is\n%s%v", p.Text(), err)
	}
}
