package workflow

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/machine"
	"salvor/internal/machine/machinetest"
	"salvor/internal/plan"
	"salvor/internal/session"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// refused checks that an order was refused with these words and has changed
// nothing.
func refused(t *testing.T, b *bench, err error, before, words string) {
	t.Helper()
	if _, ok := errors.AsType[*RefusedError](err); !ok || !strings.Contains(err.Error(), words) {
		t.Errorf("it gives %v, want a refusal with %q", err, words)
	}
	b.clean(before)
}

func TestCrypttabNames(t *testing.T) {
	b := machineC().bench(t)
	b.ask.answer(golden["c"].ask, passphrase)
	b.mount(MountOrder{})
	for _, name := range []string{"cr_root", "cr_home", "cr_data", `cr\x20blank`} {
		if !strings.Contains(b.state(), " as /dev/mapper/"+name+"\n") {
			t.Errorf("no map is named %s:\n%s", name, b.state())
		}
	}
	if diff := cmp.Diff([]string{"luks:c-attic #1", "luks:c-data #1", "luks:c-system #1"}, b.ask.asked); diff != "" {
		t.Errorf("asked: %s", diff)
	}
}

// TestRenamedAndBack: a map that was open before under another name.
func TestRenamedAndBack(t *testing.T) {
	l := machineB()
	for _, n := range l.Nodes() {
		if c, ok := n.(*storage.Crypt); ok {
			c.Open = &storage.Opening{Name: "udisks-0815"}
		}
	}
	b := l.bench(t)
	before := b.state()
	r := b.mount(MountOrder{})
	if diff := cmp.Diff(golden["b"].lines, lines(r)); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(b.state(), "open luks:b-crypt as /dev/mapper/vault_primary\n") || len(b.ask.asked) > 0 {
		t.Errorf("it asked %q and stands so:\n%s", b.ask.asked, b.state())
	}
	b.FailNext("dmsetup rename", errors.New("device or resource busy"))
	if _, err := b.w.Umount(t.Context(), false); !errors.Is(err, ErrStillThere) || !strings.Contains(err.Error(), `open as "vault_primary", which was "udisks-0815"`) {
		t.Errorf("when the name cannot be given back it gives %v", err)
	}
	b.umount()
	b.clean(before)
}

// TestRounds: a container on a volume in a container, three rounds deep.
func TestRounds(t *testing.T) {
	l := newLab()
	outer := l.luks("r-1", passphrase, l.disk("sda", 1)[0])
	inner := l.luks("r-2", "inner", l.lv(l.vg("one", outer), "box", "linear"))
	root := l.fs("xfs", "r-root", "", l.lv(l.vg("two", inner), "root", "linear"))
	l.put(root, rootTree("Deep", "UUID=r-root / xfs defaults 0 0\n", "outer UUID=r-1 none\ninner UUID=r-2 none\n"))
	b := l.bench(t)
	before := b.state()
	b.ask.keys = map[storage.ID][]string{"luks:r-1": {passphrase}, "luks:r-2": {"inner"}}
	if diff := cmp.Diff("/ mounted", lines(b.mount(MountOrder{}))); diff != "" {
		t.Error(diff)
	}
	b.umount()
	b.clean(before)
}

func TestSeveralSystems(t *testing.T) {
	b := machineD().bench(t)
	before := b.state()
	_, err := b.w.Mount(t.Context(), MountOrder{})
	refused(t, b, err, before, "2 systems were found")
	if choice, ok := errors.AsType[*system.ChoiceError](err); !ok || len(choice.Among) != 2 {
		t.Errorf("the choice is %v", err)
	}
	b.ask.choose = 1
	if r := b.mount(MountOrder{}); r.System.Number != 1 {
		t.Errorf("it mounted %s", r.System.Name)
	}
	other := "Arch"
	if st, _ := b.w.Status(t.Context()); st.System == "Arch D" {
		other = "Debian"
	}
	stands := b.state()
	for words, o := range map[string]MountOrder{
		"another system":             {System: other},
		"is mounted at /mnt/local, ": {Target: "/mnt/other"},
		"is mounted at /mnt/local f": {ReadOnly: true},
	} {
		if _, err := b.w.Mount(t.Context(), o); !errors.Is(err, session.ErrInterlock) || !strings.Contains(err.Error(), words) {
			t.Errorf("%+v gives %v", o, err)
		}
	}
	if diff := cmp.Diff(sorted(stands), sorted(b.state())); diff != "" {
		t.Errorf("refusals have changed the state: %s", diff)
	}
	b.mount(MountOrder{Target: "/mnt/local/"})
	if _, err := b.w.Systems(t.Context(), SystemsOrder{}); err != nil {
		t.Errorf("systems beside it gives %v", err)
	}
	if diff := cmp.Diff(sorted(stands), sorted(b.state())); diff != "" {
		t.Errorf("a look has changed the state: %s", diff)
	}
	b.umount()
	b.clean(before)
}

func TestNoSystem(t *testing.T) {
	l := newLab()
	l.fs("ext4", "n-data", "", l.disk("sda", 1)[0])
	b := l.bench(t)
	before := b.state()
	if _, err := b.w.Mount(t.Context(), MountOrder{}); !errors.Is(err, system.ErrNoSystem) {
		t.Errorf("it gives %v", err)
	}
	b.clean(before)
}

// risky machines are in a condition that a read-write mount needs consent for.
var risky = map[storage.Health]func() *lab{
	storage.Dirty: func() *lab {
		l := machineA()
		l.mark("fs:a-home", storage.Dirty)
		return l
	},
	storage.Hibernated: func() *lab {
		l := machineA()
		l.mark("swap:a-swap", storage.Hibernated)
		return l
	},
	storage.Degraded: machineE,
}

func (l *lab) mark(id storage.ID, h storage.Health) {
	for _, n := range l.Nodes() {
		if n.Base().Identity == id {
			n.Base().Mark(h)
		}
	}
}

func TestRisks(t *testing.T) {
	for health, lab := range risky {
		t.Run(string(health), func(t *testing.T) {
			b := lab().bench(t)
			before := b.state()
			for _, b.ask.nobody = range []bool{false, true} {
				_, err := b.w.Mount(t.Context(), MountOrder{})
				refused(t, b, err, before, "not mounted: ")
				if r, ok := errors.AsType[*RisksError](err); !ok || !slices.Equal(r.Words, []string{string(health)}) {
					t.Errorf("the risks are %v", err)
				}
			}
			b.ask.risks = nil
			for _, accept := range []bool{false, true} {
				b.ask.accept = true
				o := MountOrder{Accept: []storage.Health{health}}
				if b.ask.nobody = accept; !accept {
					o.Accept = nil
				}
				b.mount(o)
				b.mount(o) // what was accepted is not asked again while it stands
				b.umount()
				b.clean(before)
				b = lab().bench(t) // the first mount has cured it
			}
			b.mount(MountOrder{ReadOnly: true})
			if len(b.ask.risks) > 0 || len(b.Writes()) > 0 {
				t.Errorf("read-only it asked for %q and wrote %q", b.ask.risks, b.Writes())
			}
			b.umount()
			b.clean(before)
		})
	}
}

// TestStalePlan: while somebody thinks about a question, the machine changes.
func TestStalePlan(t *testing.T) {
	b := risky[storage.Dirty]().bench(t)
	b.ask.accept = true
	b.ask.thinks = func() { b.MountBehind(storage.Mount{Point: "/mnt/local/home", Type: "tmpfs"}) }
	_, err := b.w.Mount(t.Context(), MountOrder{})
	if stale, ok := errors.AsType[*plan.StaleError](err); !ok || len(stale.Changed) == 0 {
		t.Errorf("it gives %v", err)
	}
	refused(t, b, err, "mount /mnt/local/home: tmpfs\n", "the machine has changed")
}

func TestTarget(t *testing.T) {
	files := func(name string, f *fstest.MapFile) machinetest.Option {
		return machinetest.WithFiles(fstest.MapFS{name: f})
	}
	for name, c := range map[string]struct {
		opt    machinetest.Option
		target string
		behind string
		words  string
	}{
		"relative":         {target: "mnt", words: "absolute path"},
		"the live root":    {target: "/..", words: "not /"},
		"not a directory":  {opt: files("mnt/local", &fstest.MapFile{Data: []byte("x")}), words: "it is not a directory"},
		"in use":           {behind: "/mnt/local", words: "something that salvor did not mount is mounted at /mnt/local"},
		"in use below":     {behind: "/mnt/local/srv/x", words: "is mounted at /mnt/local/srv/x"},
		"in use by a link": {opt: files("mnt", &fstest.MapFile{Data: []byte("var/mnt"), Mode: fs.ModeSymlink | 0o777}), behind: "/var/mnt/local", words: "is mounted at /var/mnt/local"},
	} {
		t.Run(name, func(t *testing.T) {
			var opts []machinetest.Option
			if c.opt != nil {
				opts = append(opts, c.opt)
			}
			b := machineA().bench(t, opts...)
			if c.behind != "" {
				b.MountBehind(storage.Mount{Point: c.behind, Type: "tmpfs"})
			}
			before := b.state()
			_, err := b.w.Mount(t.Context(), MountOrder{Target: c.target})
			refused(t, b, err, before, c.words)
		})
	}
}

// TestTargetThroughALink: the kernel tells mounts by their real paths.
func TestTargetThroughALink(t *testing.T) {
	link := &fstest.MapFile{Data: []byte("../var/mnt"), Mode: fs.ModeSymlink | 0o777}
	b := machineA().bench(t, machinetest.WithFiles(fstest.MapFS{"mnt": link, "var/mnt": {Mode: fs.ModeDir | 0o755}}))
	before := b.state()
	r := b.mount(MountOrder{})
	if r.Target != "/var/mnt/local" || lines(r) != golden["a"].lines {
		t.Errorf("it is at %s: %s", r.Target, lines(r))
	}
	b.mount(MountOrder{Target: "/mnt/local"})
	b.umount()
	b.clean(before)
	if _, err := b.Stat("/var/mnt/local"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the directory that was made for the mount is still there")
	}
}

func TestMissingMdadm(t *testing.T) {
	b := machineB().bench(t, machinetest.Without("mdadm"))
	before := b.state()
	b.ask.answer(golden["b"].ask, passphrase)
	r := b.mount(MountOrder{})
	want := strings.NewReplacer("/boot mounted; /boot/efi mounted", "/boot failed missing; /boot/efi failed parent").Replace(golden["b"].lines)
	if diff := cmp.Diff(want, lines(r)); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(strings.Join(b.notes, "; "), "these programs are not installed: mdadm") {
		t.Errorf("the notes are %q", b.notes)
	}
	b.umount()
	b.clean(before)
}

// TestFailingSteps: one that fails stops only what rests on it.
func TestFailingSteps(t *testing.T) {
	whole := golden["b"].lines
	for name, c := range map[string]struct {
		act  string
		err  error
		with []string // of the whole, and what becomes of it
	}{
		"a mount":             {"at /mnt/local/boot", &machine.MountError{Act: "mount", Kind: machine.ErrBadContent}, []string{"/boot mounted", "/boot failed wrong type", "/boot/efi mounted", "/boot/efi failed parent"}},
		"a busy mount":        {"at /mnt/local/srv", machine.ErrBusy, []string{"/srv mounted", "/srv failed busy"}},
		"a mount without why": {"at /mnt/local/home", errors.New("the kernel said no"), []string{"/home mounted", "/home failed kernel refused"}},
		"an array":            {"mdadm --assemble --config=none --run --uuid", errors.New("no"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := machineB().bench(t)
			before := b.state()
			b.ask.answer(golden["b"].ask, passphrase)
			b.FailNext(c.act, c.err)
			r := b.mount(MountOrder{})
			if diff := cmp.Diff(strings.NewReplacer(c.with...).Replace(whole), lines(r)); diff != "" {
				t.Error(diff)
			}
			st, err := b.w.Status(t.Context())
			if err != nil || st.Gaps != r.Gaps() || st.Gaps != (len(st.Missing) > 0) {
				t.Errorf("the status is %+v, %v", st, err)
			}
			if r.Gaps() {
				b.ask.answer(golden["b"].ask, passphrase)
				r = b.mount(MountOrder{})
				if strings.ReplaceAll(lines(r), "already", "mounted") != whole || !strings.HasPrefix(lines(r), "/ already") {
					t.Errorf("the second mount gives %s", lines(r))
				}
			}
			b.umount()
			b.clean(before)
		})
	}
}

// TestFailedOpening: what lies on it is closed, and the cause says so.
func TestFailedOpening(t *testing.T) {
	b := machineB().bench(t)
	before := b.state()
	b.ask.answer(golden["b"].ask, passphrase)
	b.tell = func(e Event) {
		if begins, ok := e.(StepBegins); ok && !begins.Look {
			if _, array := begins.Step.Op.(plan.StartArray); array {
				b.FailNext("mdadm", &machine.ExitError{Cmd: machine.Cmd{Program: "mdadm"}, Status: 1, Result: machine.Result{Stderr: []byte("mdadm: what a pity")}})
			}
		}
	}
	r := b.mount(MountOrder{})
	want := strings.NewReplacer("/boot mounted; /boot/efi mounted", "/boot failed closed; /boot/efi failed parent").Replace(golden["b"].lines)
	if got := lines(r); got != want && got != strings.Replace(want, "/boot/efi failed parent", "/boot/efi failed closed", 1) {
		t.Errorf("it gives %s", got)
	}
	b.umount()
	b.clean(before)
}

// TestFullRun: whenever no more can be written down, no more is done; and what was
// done can be taken back once there is room again.
func TestFullRun(t *testing.T) {
	for n := 0; ; n++ {
		b := machineB().bench(t)
		before := b.state()
		b.ask.answer(golden["b"].ask, passphrase)
		written := 0
		b.full = func(name string) bool {
			written++
			return name == session.Dir+"/journal" && written > n
		}
		_, err := b.w.Mount(t.Context(), MountOrder{})
		if err == nil {
			return
		}
		if !errors.Is(err, errFull) {
			t.Fatalf("with room for %d records it gives %v", n, err)
		}
		j, err := session.Load(b.Machine)
		if err != nil {
			t.Fatal(err)
		}
		h, err := j.Holdings()
		if err != nil {
			t.Fatal(err)
		}
		now, err := b.probe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		h.Recognise(now)
		base, _ := h.Restored(now, "")
		if p, err := plan.Diff(base, b.Closed()); err != nil || !p.Empty() {
			t.Fatalf("with room for %d records this was done and not written down (%v):\n%s", n, err, p.Text())
		}
		b.full = nil
		b.again().umount()
		if b.clean(before); t.Failed() {
			t.Fatalf("with room for %d records", n)
		}
	}
}

// TestBlindInBetween: a probe that fails once must not make salvor forget what it
// has opened.
func TestBlindInBetween(t *testing.T) {
	for n := 1; ; n++ {
		b := machineC().bench(t)
		before := b.state()
		b.ask.answer(golden["c"].ask, passphrase)
		looks := 0
		b.blind = func() error {
			if looks++; looks == n {
				return errors.New("the probe was blind")
			}
			return nil
		}
		_, err := b.w.Mount(t.Context(), MountOrder{})
		if looks < n {
			if err != nil {
				t.Fatal(err)
			}
			return
		}
		if err == nil || !strings.Contains(err.Error(), "the probe was blind") {
			t.Errorf("blind at look %d it gives %v", n, err)
		}
		if b.clean(before); t.Failed() {
			t.Fatalf("blind at look %d", n)
		}
	}
}

// TestLookAtWhatOthersOpened: volumes that the live system has activated are set
// read-only for the look, and get their flag back.
func TestLookAtWhatOthersOpened(t *testing.T) {
	l := machineB()
	for _, n := range l.Nodes() {
		switch n := n.(type) {
		case *storage.Crypt:
			n.Open = &storage.Opening{Name: "vault_primary"}
		case *storage.LV:
			n.Open = &storage.Opening{}
		}
	}
	b := l.bench(t)
	before := b.state()
	if _, err := b.w.Systems(t.Context(), SystemsOrder{}); err != nil {
		t.Fatal(err)
	}
	b.clean(before)
	r := b.mount(MountOrder{})
	if diff := cmp.Diff(golden["b"].lines, lines(r)); diff != "" {
		t.Error(diff)
	}
	if now := r.Graph.MountAt("/mnt/local"); now == nil || now.ReadOnly {
		t.Errorf("the root is mounted so: %+v", now)
	}
	b.umount()
	b.clean(before)
}

// TestInUseIsLeftAlone: the devices of what is mounted or runs are not set
// read-only for a look.
func TestInUseIsLeftAlone(t *testing.T) {
	l := machineD()
	l.mounts = []storage.Mount{{Point: "/srv", Source: "subvol:d-arch/@home", Type: "btrfs", Root: "/@home"}}
	b := l.bench(t)
	b.tell = func(e Event) {
		if strings.Contains(b.state(), "frozen part:sda1") {
			t.Errorf("the device of a mounted btrfs was set read-only: %v", e)
		}
	}
	before := b.state()
	r, err := b.w.Systems(t.Context(), SystemsOrder{})
	if err != nil {
		t.Fatal(err)
	}
	if found := len(system.Systems(r.Findings)); found < 2 {
		t.Errorf("%d systems were found", found)
	}
	b.clean(before)
}

func TestNeedsRoot(t *testing.T) {
	b := machineA().bench(t)
	b.w.Machine = nobody{b.actor}
	if _, err := b.w.Mount(t.Context(), MountOrder{}); !errors.Is(err, machine.ErrPermission) {
		t.Errorf("it gives %v", err)
	}
}

type nobody struct{ machine.Machine }

func (nobody) Euid() int { return 1000 }
