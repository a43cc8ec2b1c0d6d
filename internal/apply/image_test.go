package apply

import (
	"errors"
	"strings"
	"testing"

	"salvor/internal/machine"
	"salvor/internal/machine/machinetest"
	"salvor/internal/storage"
	"salvor/internal/tool"
)

// imageStack has a raw image, a part of one, and a qcow2 one, each with a file system.
func imageStack(t *testing.T) *storage.Graph {
	t.Helper()
	b := &storage.Builder{}
	for _, i := range []*storage.Image{
		{Path: "/srv/a b.img", Format: storage.ImageRaw},
		{Path: "/srv/disk.img", Format: storage.ImageRaw, Offset: 1 << 20, SizeLimit: 8 << 20},
		{Path: "/srv/vm.qcow2", Format: storage.ImageQcow2},
	} {
		i.Identity = storage.ImageIdentity(i.Path, i.Offset)
		d := b.Add(&storage.Disk{Common: storage.Common{Identity: "disk:" + i.Identity}}, b.Add(i))
		b.Add(&storage.FileSystem{Common: storage.Common{Identity: "fs:" + i.Identity}, Type: "ext4"}, d)
	}
	g, err := b.Build(nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func allAttached(t *testing.T, g *storage.Graph, readOnly bool) *storage.Graph {
	return want(t, g).open("image:/srv/a b.img", "loop64", readOnly).open("image:/srv/disk.img+1048576", "loop65", readOnly).
		open("image:/srv/vm.qcow2", "nbd0", readOnly).Graph
}

func TestScriptOfImages(t *testing.T) {
	closed := imageStack(t)
	for _, tt := range []struct {
		name       string
		have, want *storage.Graph
		env        Env
	}{
		{"images.sh", closed, allAttached(t, closed, false), Env{Udev: true}},
		{"images-look.sh", closed, allAttached(t, closed, true), Env{NBD: true}},
		{"images-down.sh", allAttached(t, closed, true), closed, Env{Udev: true, NBD: true}},
	} {
		got, err := Script(mustPlan(t, tt.have, tt.want), tt.env)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, tt.name, got)
	}
}

func TestRunAttachesAndDetaches(t *testing.T) {
	closed := imageStack(t)
	for _, readOnly := range []bool{false, true} {
		m := newMachine(closed)
		if _, err := Run(t.Context(), m, mustPlan(t, closed, allAttached(t, closed, readOnly)), Options{}); err != nil {
			t.Fatal(err)
		}
		for _, device := range []string{"/dev/loop64", "/dev/loop65", "/dev/nbd0"} {
			if _, err := m.Stat(device); err != nil {
				t.Error(err)
			}
		}
		if _, err := Run(t.Context(), m, mustPlan(t, m.Visible(), imageless(m)), Options{}); err != nil {
			t.Fatal(err)
		}
		if s := m.String(); s != "" {
			t.Errorf("left is\n%s", s)
		}
	}
}

// imageless is what is there, with no image open.
func imageless(m *machinetest.Machine) *storage.Graph {
	g := m.Visible()
	for i := range storage.All[*storage.Image](g) {
		g.SetReadOnly(i, false)
		i.Open = nil
	}
	return g
}

func TestImageFailures(t *testing.T) {
	closed := imageStack(t)
	p := mustPlan(t, closed, allAttached(t, closed, false))
	m := newMachine(closed, machinetest.Without("qemu-nbd"))
	if _, err := Run(t.Context(), m, p, Options{}); !strings.Contains(err.Error(), "not installed: qemu-nbd (to attach the qcow2 image /srv/vm.qcow2 as /dev/nbd0)") || m.String() != "" {
		t.Errorf("the error is %v, left is %q", err, m)
	}
	m = newMachine(closed)
	if err := m.AttachImage(machine.Image{Path: "/srv/a b.img", Device: "/dev/loop1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), m, p, Options{}); !errors.Is(err, machine.ErrBusy) {
		t.Errorf("the error is %v", err)
	}
	m = newMachine(closed)
	m.FailNext("qemu-nbd", &machine.ExitError{Cmd: machine.Cmd{Program: "qemu-nbd"}, Status: 1, Result: machine.Result{Stderr: []byte("Is another process using the image?")}})
	if _, err := Run(t.Context(), m, p, Options{}); !errors.Is(err, tool.ErrBusy) {
		t.Errorf("the error is %v", err)
	}
}
