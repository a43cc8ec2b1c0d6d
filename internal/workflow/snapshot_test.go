package workflow

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"salvor/internal/machine/machinetest"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// snapperLab is a machine whose root has snapshots of snapper's, so many.
func snapperLab(n int) *lab {
	l := newLab()
	pool := l.fs("btrfs", "pool", "", l.disk("sda", 1)[0])
	root := func(version int) fstest.MapFS {
		return rootTree(fmt.Sprint("SUSE ", version), "UUID=pool / btrfs subvol=@\nUUID=pool /home btrfs subvol=@home\n", "", "home/")
	}
	whole := fstest.MapFS{}
	add := func(id uint64, p string, files fstest.MapFS) *storage.Subvolume {
		s := l.subvol(pool, id, p)
		for name, f := range files {
			whole[p+"/"+name] = f
		}
		l.put(s, files)
		return s
	}
	add(256, "@", root(0))
	add(257, "@home", fstest.MapFS{"ada": {Mode: fs.ModeDir | 0o755}})
	for i := range n {
		dir := fmt.Sprintf("@/.snapshots/%d", i+1)
		s := add(uint64(300+i), dir+"/snapshot", root(i+1))
		s.Frozen = true
		whole[dir+"/info.xml"] = &fstest.MapFile{Data: fmt.Appendf(nil, "<snapshot><num>%d</num><date>2024-05-01 10:00:00</date></snapshot>", i+1)}
	}
	l.put(pool, whole)
	return l
}

func TestMountSnapshot(t *testing.T) {
	for which, want := range map[string]string{"last": "SUSE 3", "2": "SUSE 2", "@/.snapshots/1/snapshot": "SUSE 1"} {
		b := snapperLab(3).bench(t)
		before := b.state()
		r := b.mount(MountOrder{System: "suse 0", Snapshot: which})
		home, at := r.Graph.MountAt("/mnt/local/home"), r.Graph.MountAt("/mnt/local")
		if r.System.Name != want || !at.ReadOnly || at.Source != r.System.Root || home == nil || home.ReadOnly {
			t.Errorf("--snapshot %s mounts %s: %+v, %+v", which, r.System.Name, at, home)
		}
		if !slices.Contains(r.Lines[0].Notes, "the subvolume is a read-only one, so it is mounted read-only") {
			t.Errorf("it is not said: %q", r.Lines[0].Notes)
		}
		b.umount()
		b.clean(before)
	}
	b := snapperLab(3).bench(t)
	before := b.state()
	if _, err := b.w.Mount(t.Context(), MountOrder{System: "1", Snapshot: "4"}); !errors.Is(err, system.ErrNoSystem) {
		t.Errorf("a snapshot that is not there: %v", err)
	}
	b.clean(before)
}

// TestManySnapshotsAreTriedInPart: the youngest are, and the others are named.
func TestManySnapshotsAreTriedInPart(t *testing.T) {
	b := snapperLab(mostSnapshots + 5).bench(t)
	r, err := b.w.Systems(t.Context(), SystemsOrder{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Untried) != 5 || r.Untried[4] != "subvol:pool/@/.snapshots/5/snapshot" {
		t.Errorf("not tried: %q", r.Untried)
	}
}

// ostreeLab has its system in a directory.
func ostreeLab() *lab {
	l := newLab()
	parts := l.disk("sda", 2)
	root := l.fs("ext4", "r", "", parts[0])
	l.fs("ext4", "b", "", parts[1])
	files := fstest.MapFS{}
	for i, sum := range []string{"aaaaaaaa", "bbbbbbbb"} {
		dir := "ostree/deploy/os/deploy/" + sum + ".0"
		for name, f := range rootTree(fmt.Sprint("Silverblue ", i), "UUID=r / ext4\nUUID=b /boot ext4\n", "", "sysroot/", "boot/") {
			files[dir+"/"+name] = f
		}
		files[fmt.Sprintf("boot/loader/entries/%d.conf", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "version %d\noptions ostree=/ostree/boot.1/os/x/%d\n", i, i)}
		files[fmt.Sprintf("ostree/boot.1/os/x/%d", i)] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("../../../deploy/os/deploy/" + sum + ".0")}
	}
	for _, dir := range []string{"ostree/repo", "ostree/deploy/os/var/log"} {
		files[dir] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
	}
	l.put(root, files)
	return l
}

func TestMountDeployment(t *testing.T) {
	for _, o := range []MountOrder{{}, {ReadOnly: true}, {Snapshot: "aaaaaaaa"}} {
		b := ostreeLab().bench(t)
		before := b.state()
		r := b.mount(o)
		want := "ostree/deploy/os/deploy/bbbbbbbb.0"
		if o.Snapshot != "" {
			want = strings.ReplaceAll(want, "b", "a")
		}
		at := r.Graph.MountAt("/mnt/local")
		if r.System.Dir != want || strings.Trim(at.Root, "/") != want {
			t.Errorf("%+v mounts %s: %+v", o, r.System.Dir, at)
		}
		for _, l := range r.Lines {
			if l.State != system.Mounted {
				t.Errorf("%s is %s: %s", l.File, l.State, l.Text)
			}
		}
		b.again()
		if again := b.mount(MountOrder{ReadOnly: o.ReadOnly}); again.System.Dir != want || !again.Plan.Empty() {
			t.Errorf("the second mount is of %s:\n%s", again.System.Dir, again.Plan.Text())
		}
		b.again()
		b.umount()
		b.clean(before)
	}
}

// TestAnotherDeploymentIsRefused: two of one root are two systems.
func TestAnotherDeploymentIsRefused(t *testing.T) {
	b := ostreeLab().bench(t)
	b.mount(MountOrder{})
	b.again()
	_, err := b.w.Mount(t.Context(), MountOrder{System: "aaaaaaaa"})
	if _, refused := errors.AsType[*RefusedError](err); !refused {
		t.Errorf("mounting the older one over it: %v", err)
	}
}

// TestChrootRefusesForeignPrograms unless they are emulated.
func TestChrootRefusesForeignPrograms(t *testing.T) {
	program := func(machine byte) *fstest.MapFile {
		head := make([]byte, 64)
		copy(head, "\x7fELF\x02\x01\x01")
		head[18] = machine
		return &fstest.MapFile{Data: head, Mode: 0o755}
	}
	const x86, arm = 62, 183 // elf(5), EM_X86_64 and EM_AARCH64
	for _, tt := range []struct {
		here, there byte
		emulator    string
		foreign     bool
	}{
		{x86, arm, "", true}, {x86, x86, "", false}, {x86, arm, "enabled\ninterpreter /x\n", false}, {x86, arm, "disabled\n", true}, {arm, x86, "", true},
	} {
		l := newLab()
		files := rootTree("Here", "UUID=r / ext4\n", "")
		files["bin/sh"] = program(tt.there)
		l.put(l.fs("ext4", "r", "", l.disk("sda", 1)[0]), files)
		in := &inside{}
		live := fstest.MapFS{"bin/sh": program(tt.here)}
		if tt.emulator != "" {
			live["proc/sys/fs/binfmt_misc/qemu-aarch64"] = &fstest.MapFile{Data: []byte(tt.emulator)}
		}
		for name, f := range map[string]fs.FileMode{"dev/pts": fs.ModeDir | 0o755, "dev/shm": fs.ModeDir | 0o755, "dev/mapper/control": fs.ModeDevice | 0o600} {
			live[name] = &fstest.MapFile{Mode: f}
		}
		b := l.bench(t, in.option(), machinetest.WithFiles(live))
		_, err := b.w.Chroot(t.Context(), ChrootOrder{Umount: true}, nil)
		if _, foreign := errors.AsType[*ForeignError](err); foreign != tt.foreign || foreign == (len(in.ran) > 0) {
			t.Errorf("%+v: %v, and %q was run", tt, err, in.ran)
		}
	}
}
