package workflow

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/machine"
	"salvor/internal/machine/machinetest"
	"salvor/internal/session"
	"salvor/internal/storage"
)

// image makes an image file with a disk in it, which has no name while the image is
// not attached.
func (l *lab) image(file, format string) storage.Node {
	i := &storage.Image{Common: common(string(storage.ImageIdentity(file, 0)), ""), Path: file, Format: format}
	return l.Add(&storage.Disk{Common: common("disk:loop-"+file, ""), BackingFile: file}, l.Add(i))
}

// parts puts a table with partitions onto a device.
func (l *lab) parts(on storage.Node, ids ...string) []storage.Node {
	t := l.Add(&storage.Table{Common: common("table:"+ids[0], ""), Format: "gpt"}, on)
	var out []storage.Node
	for i, id := range ids {
		out = append(out, l.Add(&storage.Partition{Common: common("part:"+id, ""), Number: i + 1, UUID: "pu-" + id}, t))
	}
	return out
}

const qcow2Header = "QFI\xfb\x00\x00\x00\x03"

func withImages(files map[string]string) machinetest.Option {
	all := fstest.MapFS{"srv": {Mode: fs.ModeDir | 0o755}}
	for name, begin := range files {
		all[name[1:]] = &fstest.MapFile{Data: append([]byte(begin), make([]byte, 4096)...), Mode: 0o600}
	}
	return machinetest.WithFiles(all)
}

// copiedMachine has a system, and an image that is a copy of its disk with another
// /home, in a container.
func copiedMachine(format string) *lab {
	l := newLab()
	fstab := "UUID=root / ext4 defaults 0 1\nUUID=home /home ext4 defaults 0 2\n"
	live := l.disk("sda", 2)
	l.fs("ext4", "root", "", live[0])
	l.trees["live"] = rootTree("Live", fstab, "", "home/")
	l.fs("ext4", "home", "", live[1])
	in := l.parts(l.image("/srv/vm.img", format), "vm1", "vm2")
	l.put(l.fs("ext4", "root", "", in[0]), rootTree("Image", fstab, "home UUID=crypt none\n", "home/"))
	l.fs("ext4", "home", "", l.luks("crypt", passphrase, in[1]))
	return l
}

// copyTrees gives the trees of twins by their IDs.
func copyTrees(l *lab, t *testing.T, opts ...machinetest.Option) *bench {
	t.Helper()
	g, err := l.Build(l.mounts, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	trees := map[storage.ID]fs.FS{}
	for n := range storage.All[*storage.FileSystem](g) {
		switch {
		case n.UUID != "root":
		case len(g.ImagesUnder(n.ID)) > 0:
			trees[n.ID] = l.trees["fs:root"]
		default:
			trees[n.ID] = l.trees["live"]
		}
	}
	return l.bench(t, append([]machinetest.Option{withImages(map[string]string{"/srv/vm.img": ""}), machinetest.WithTrees(trees)}, opts...)...)
}

func TestMountOfAnImage(t *testing.T) {
	for name, c := range map[string]struct{ format, begin, device string }{
		"raw":   {storage.ImageRaw, "", "loop64"},
		"qcow2": {storage.ImageQcow2, qcow2Header, "nbd0"},
	} {
		t.Run(name, func(t *testing.T) {
			b := copyTrees(copiedMachine(c.format), t, withImages(map[string]string{"/srv/vm.img": c.begin}))
			before := b.state()
			b.ask.keys = map[storage.ID][]string{"luks:crypt": {passphrase}}
			r := b.mount(MountOrder{Images: []ImageSpec{{Path: "/srv/../srv/vm.img"}}})
			if diff := cmp.Diff("/ mounted; /home mounted", lines(r)); diff != "" {
				t.Error(diff)
			}
			if r.System.Name != "Image" {
				t.Errorf("%s is mounted", r.System.Name)
			}
			state := b.state()
			for _, want := range []string{"open image:/srv/vm.img as /dev/" + c.device + "\n", "open luks:crypt as /dev/mapper/home\n"} {
				if !strings.Contains(state, want) {
					t.Errorf("%q is not in\n%s", want, state)
				}
			}
			again := b.again().mount(MountOrder{Images: []ImageSpec{{Path: "/srv/vm.img"}}})
			if diff := cmp.Diff("/ already; /home already", lines(again)); diff != "" {
				t.Error(diff)
			}
			b.again().umount()
			b.clean(before)
		})
	}
}

func TestReadOnlyMountOfAnImage(t *testing.T) {
	b := copyTrees(copiedMachine(storage.ImageRaw), t)
	before := b.state()
	b.ask.keys = map[storage.ID][]string{"luks:crypt": {passphrase}}
	b.mount(MountOrder{ReadOnly: true, Images: []ImageSpec{{Path: "/srv/vm.img"}}})
	if !strings.Contains(b.state(), "open image:/srv/vm.img as /dev/loop64 read-only\n") {
		t.Errorf("the state is\n%s", b.state())
	}
	if w := b.Writes(); len(w) > 0 {
		t.Errorf("it wrote: %q", w)
	}
	b.again().umount()
	b.clean(before)
}

// TestLooksAtAnImage: a look sees what is in it and nothing else, and leaves nothing.
func TestLooksAtAnImage(t *testing.T) {
	b := copyTrees(copiedMachine(storage.ImageRaw), t)
	before := b.state()
	spec := []ImageSpec{{Path: "/srv/vm.img"}}
	g, err := b.w.ProbeImages(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for n := range g.Nodes() {
		ids = append(ids, string(n.Base().Identity))
	}
	if diff := cmp.Diff("image:/srv/vm.img disk:loop-/srv/vm.img table:vm1 part:vm1 part:vm2 fs:root luks:crypt", strings.Join(ids, " ")); diff != "" {
		t.Error(diff)
	}
	b.clean(before)
	report, err := b.again().w.Systems(t.Context(), SystemsOrder{Images: spec})
	if err != nil || len(report.Findings) == 0 {
		t.Fatalf("it finds %+v, %v", report, err)
	}
	for _, f := range report.Findings {
		if f.System != nil && f.System.Name != "Image" {
			t.Errorf("it finds %s", f.System.Name)
		}
	}
	b.clean(before)
	r, err := b.again().w.Mount(t.Context(), MountOrder{PlanOnly: true, Images: spec, Keys: nil})
	if err != nil || !strings.HasPrefix(r.Plan.Text(), "  1. attach the raw image /srv/vm.img as /dev/loop64\n") {
		t.Errorf("the plan is\n%v, %v", r, err)
	}
	b.clean(before)
	if w := b.Writes(); len(w) > 0 {
		t.Errorf("it wrote: %q", w)
	}
}

// TestLooksAtAnImageWhileMounted: what stands is left alone and not forgotten.
func TestLooksAtAnImageWhileMounted(t *testing.T) {
	b := copyTrees(copiedMachine(storage.ImageRaw), t)
	before := b.state()
	b.mount(MountOrder{})
	standing := b.state()
	spec := []ImageSpec{{Path: "/srv/vm.img"}}
	if _, err := b.again().w.Systems(t.Context(), SystemsOrder{Images: spec}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(standing, b.state()); diff != "" {
		t.Error(diff)
	}
	_, err := b.again().w.Mount(t.Context(), MountOrder{Images: spec})
	if !errors.Is(err, session.ErrInterlock) {
		t.Errorf("the error is %v", err)
	}
	if diff := cmp.Diff(standing, b.state()); diff != "" {
		t.Error(diff)
	}
	b.again().umount()
	b.clean(before)
}

func TestImagesThatAreRefused(t *testing.T) {
	backing := qcow2Header + "\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x09"
	begin := map[string]string{
		"/srv/vm.img": "", "/srv/back.qcow2": backing, "/srv/vm.vmdk": "KDMV", "/srv/vm.qcow2": qcow2Header, "/srv/cut.qcow2": "QFI\xfb\x00\x00\x00\x09",
	}
	for name, c := range map[string]struct {
		spec    ImageSpec
		want    string
		refused bool
	}{
		"backing file": {ImageSpec{Path: "/srv/back.qcow2"}, "it goes on in the file", true},
		"other format": {ImageSpec{Path: "/srv/vm.vmdk"}, "it is a vmdk image; raw and qcow2", true},
		"wrong format": {ImageSpec{Path: "/srv/vm.img", Format: "qcow2"}, "it is a raw image, not a qcow2 one", true},
		"not there":    {ImageSpec{Path: "/srv/gone.img"}, "not exist", false},
		"directory":    {ImageSpec{Path: "/srv"}, "it is no regular file", true},
		"device":       {ImageSpec{Path: "/dev/sda"}, "it is a device", true},
		"no program":   {ImageSpec{Path: "/srv/vm.qcow2"}, "qemu-nbd", false},
		"bad header":   {ImageSpec{Path: "/srv/cut.qcow2"}, "its version is 9", false},
	} {
		t.Run(name, func(t *testing.T) {
			b := copyTrees(copiedMachine(storage.ImageRaw), t, withImages(begin), machinetest.Without("qemu-nbd"))
			before := b.state()
			_, err := b.w.Systems(t.Context(), SystemsOrder{Images: []ImageSpec{c.spec}})
			_, refused := errors.AsType[*RefusedError](err)
			if err == nil || !strings.Contains(err.Error(), c.want) || refused != c.refused {
				t.Errorf("the error is %v, refused %v", err, refused)
			}
			b.clean(before)
		})
	}
}

func TestImageThatOthersHave(t *testing.T) {
	b := copyTrees(copiedMachine(storage.ImageRaw), t)
	if err := b.Machine.AttachImage(machine.Image{Path: "/srv/vm.img", Device: "/dev/loop3"}); err != nil {
		t.Fatal(err)
	}
	before := b.state()
	for _, order := range []func() error{
		func() error {
			_, err := b.w.Mount(t.Context(), MountOrder{Images: []ImageSpec{{Path: "/srv/vm.img"}}})
			return err
		},
		func() error {
			_, err := b.w.ProbeImages(t.Context(), []ImageSpec{{Path: "/srv/vm.img"}})
			return err
		},
	} {
		if err := order(); err == nil || !strings.Contains(err.Error(), "it is attached already, as /dev/loop3") {
			t.Errorf("the error is %v", err)
		}
		b.clean(before)
	}
}

func TestImageThatCannotBeAttached(t *testing.T) {
	b := copyTrees(copiedMachine(storage.ImageRaw), t)
	before := b.state()
	b.FailNext("attach /srv/vm.img", machine.ErrBusy)
	if _, err := b.w.Mount(t.Context(), MountOrder{Images: []ImageSpec{{Path: "/srv/vm.img"}}}); !errors.Is(err, machine.ErrBusy) {
		t.Errorf("the error is %v", err)
	}
	b.clean(before)
}

func TestParseImage(t *testing.T) {
	for word, c := range map[string]struct {
		want ImageSpec
		err  string
	}{
		"/srv/x.img":                 {ImageSpec{Path: "/srv/x.img"}, ""},
		"x.img":                      {ImageSpec{Path: "/home/x.img"}, ""},
		"../x,y.img,format=raw":      {ImageSpec{Path: "/x,y.img", Format: "raw"}, ""},
		"x,backing=yes,format=qcow2": {ImageSpec{Path: "/home/x", Format: "qcow2", Backing: true}, ""},
		"x,format=raw,format=raw":    {ImageSpec{Path: "/home/x,format=raw", Format: "raw"}, ""},
		"x,size=3":                   {ImageSpec{Path: "/home/x,size=3"}, ""},
		"x,":                         {ImageSpec{Path: "/home/x,"}, ""},
		"format=raw":                 {ImageSpec{Path: "/home/format=raw"}, ""},
		"x,format=vmdk":              {ImageSpec{}, "it can be raw or qcow2"},
		"x,backing=no":               {ImageSpec{}, "it can only be yes"},
		"":                           {ImageSpec{}, "no name"},
		",format=raw":                {ImageSpec{}, "no name"},
	} {
		got, err := ParseImage(word, "/home")
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: the error is %v", word, err)
			}
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%q: %v\n%s", word, err, diff)
		}
	}
}
