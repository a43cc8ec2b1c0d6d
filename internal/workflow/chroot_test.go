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
)

// inside records what is run in the system.
type inside struct {
	ran    []string
	status int
	err    error
}

func (i *inside) option() machinetest.Option {
	return machinetest.OnAttach(func(c machine.Cmd) (int, error) {
		i.ran = append(i.ran, c.Root+": "+c.String())
		return i.status, i.err
	})
}

func TestChroot(t *testing.T) {
	in := &inside{status: 42}
	b := machineB().bench(t, in.option())
	before := b.state()
	b.ask.answer(golden["b"].ask, passphrase)
	var shown []*MountReport
	show := func(r *MountReport) { shown = append(shown, r) }
	r, err := b.w.Chroot(t.Context(), ChrootOrder{Command: []string{"update-grub", "-v"}}, show)
	if err != nil || r.Status != 42 || r.Mount == nil || r.Umount != nil {
		t.Fatalf("the report is %+v, %v", r, err)
	}
	r, err = b.w.Chroot(t.Context(), ChrootOrder{Umount: true}, show)
	if err != nil || r.Status != 42 || r.Mount != nil || r.Umount == nil || !r.Umount.Done {
		t.Fatalf("the second report is %+v, %v", r, err)
	}
	if diff := cmp.Diff([]string{"/mnt/local: update-grub -v", "/mnt/local: /bin/sh -l"}, in.ran); diff != "" {
		t.Error(diff)
	}
	if len(shown) != 2 || shown[0] == nil || shown[1] != nil {
		t.Errorf("shown was %v", shown)
	}
	b.clean(before)
}

// TestChrootTakesDownWhateverHappens: with that word, also when the command could
// not be run.
func TestChrootTakesDownWhateverHappens(t *testing.T) {
	in := &inside{err: errors.New("no such file or directory")}
	b := machineA().bench(t, in.option())
	before := b.state()
	_, err := b.w.Chroot(t.Context(), ChrootOrder{Umount: true, Command: []string{"nothing"}}, nil)
	if err == nil || !strings.Contains(err.Error(), "cannot run nothing inside /mnt/local") {
		t.Errorf("it gives %v", err)
	}
	b.clean(before)
}

func TestChrootWithoutRoot(t *testing.T) {
	in := &inside{}
	b := machineA().bench(t, in.option())
	before := b.state()
	b.FailNext("at /mnt/local", machine.ErrBadContent)
	r, err := b.w.Chroot(t.Context(), ChrootOrder{Umount: true}, nil)
	if err == nil || !strings.Contains(err.Error(), "its root is not mounted") || len(in.ran) > 0 || r.Umount == nil {
		t.Errorf("it gives %+v, %v, and ran %q", r, err, in.ran)
	}
	b.clean(before)
}

func TestChrootNetwork(t *testing.T) {
	l := machineA()
	tree := l.trees["fs:a-root"].(fstest.MapFS)
	tree["etc/resolv.conf"] = &fstest.MapFile{Mode: 0o644}
	in := &inside{}
	b := l.bench(t, in.option())
	before := b.state()
	r, err := b.w.Chroot(t.Context(), ChrootOrder{Mount: MountOrder{Network: true}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	bound := func() bool { return b.Visible().MountAt("/mnt/local/etc/resolv.conf") != nil }
	// The fake binds directories only: what no line stands for is told in the notes.
	if told := strings.Contains(strings.Join(r.Mount.Notes, " "), "resolv.conf"); bound() == told {
		t.Errorf("it is bound: %v, and the notes are %q", bound(), r.Mount.Notes)
	}
	was := bound()
	b.mount(MountOrder{}) // without the word it stays as it is
	if bound() != was {
		t.Error("a second mount has changed the name resolution")
	}
	b.umount()
	b.clean(before)
}

func TestShell(t *testing.T) {
	for name, c := range map[string]struct{ passwd, want string }{
		"root's":       {"root:x:0:0:root:/root:/bin/ash\n", "/bin/ash"},
		"not there":    {"root:x:0:0:root:/root:/bin/fish\n", "/bin/sh"},
		"no path":      {"root:x:0:0:root:/root:ash\n", "/bin/sh"},
		"no root":      {"ada:x:1:1::/home/ada:/bin/ash\n", "/bin/sh"},
		"too few":      {"root:x:0\n", "/bin/sh"},
		"another name": {"toor:x:0:0::/:/bin/ash\n", "/bin/ash"},
	} {
		files := fstest.MapFS{"t/etc/passwd": {Data: []byte(c.passwd)}, "t/bin/ash": {Mode: 0o755}, "t/bin/sh": {Mode: fs.FileMode(0o755)}}
		b := machineA().bench(t, machinetest.WithFiles(files))
		if got := b.w.shell("/t"); got != c.want {
			t.Errorf("%s: it is %s", name, got)
		}
	}
	if got := machineA().bench(t).w.shell("/nowhere"); got != "/bin/sh" {
		t.Errorf("without a passwd it is %s", got)
	}
}
