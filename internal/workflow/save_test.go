package workflow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/config"
	"salvor/internal/layout"
	"salvor/internal/machine"
	"salvor/internal/machine/machinetest"
	"salvor/internal/session"
	"salvor/internal/storage"
)

const savedAt = "/var/lib/salvor/layout.yaml"

// running is a machine that runs from its own disks: a root, a /home that is encrypted,
// and a network file system whose server is gone. Its disks have the given names.
func running(disk, other string) *lab {
	l := newLab()
	p, q := l.disk("one", 2), l.disk("two", 1)
	rename := func(n storage.Node, name string) {
		n.Base().Names = nil
		n.Base().AddName("/dev/"+name, storage.FromKernel)
	}
	rename(l.Lower(l.Lower(p[0])[0])[0], disk)
	rename(l.Lower(l.Lower(q[0])[0])[0], other)
	for i, n := range []storage.Node{p[0], p[1], q[0]} {
		n.(*storage.Partition).Start = uint64(i%2)<<30 + 1<<20
		l.Lower(l.Lower(n)[0])[0].Base().Size = 4 << 30
	}
	rename(p[0], disk+"1")
	rename(p[1], disk+"2")
	rename(q[0], other+"1")
	vault := l.luks("vault", passphrase, p[1])
	vault.Open = &storage.Opening{Name: "cr_home"}
	tree := rootTree("Running", "UUID=root / ext4 defaults 0 1\n/dev/mapper/cr_home /home ext4 defaults 0 2\n", "cr_home UUID=vault none luks\n", "home/", "srv/", "mnt/nas/", "var/lib/")
	l.put(l.fs("ext4", "root", "", p[0]), tree)
	l.fs("ext4", "home", "", vault)
	l.fs("xfs", "srv", "", q[0])
	l.mounts = []storage.Mount{
		{Point: "/", Source: "fs:root", Type: "ext4", Root: "/"},
		{Point: "/proc", Type: "proc"}, {Point: "/sys", Type: "sysfs"}, {Point: "/dev", Type: "devtmpfs"}, {Point: "/run", Type: "tmpfs"},
		{Point: "/home", Source: "fs:home", Type: "ext4", Root: "/"},
		{Point: "/srv", Source: "fs:srv", Type: "xfs", Root: "/"},
		{Point: "/mnt/nas", Type: "nfs4", Remote: "nas:/export"},
	}
	return l
}

func (l *lab) benchRunning(t *testing.T, opts ...machinetest.Option) *bench {
	usage := machinetest.WithUsage(map[storage.ID]machine.Usage{
		"fs:root": {Size: 1 << 30, Used: 3 << 20, Files: 1000}, "fs:home": {Size: 1 << 30, Used: 2 << 20}, "fs:srv": {Size: 1 << 30, Used: 1 << 20},
	})
	return l.bench(t, append([]machinetest.Option{machinetest.WithOwn("/var/lib/salvor", "/run"), usage}, opts...)...)
}

func saveOrder() SaveOrder { return SaveOrder{File: savedAt, MakeDir: true} }

func (b *bench) save(o SaveOrder) *SaveReport {
	b.t.Helper()
	r, err := b.w.Save(b.t.Context(), o)
	if err != nil {
		b.t.Fatalf("save: %v\nnotes: %q", err, b.notes)
	}
	return r
}

// TestSaveTwice: the second one has nothing to write, and says the same byte for byte.
func TestSaveTwice(t *testing.T) {
	b := running("sda", "sdb").benchRunning(t)
	before := b.state()
	first := b.save(saveOrder())
	if !first.Written || first.Changes != nil {
		t.Errorf("the first one: written is %v, changes are %v", first.Written, first.Changes)
	}
	acts := b.acts
	second := b.again().save(saveOrder())
	if second.Written || !second.Changes.Empty() {
		t.Errorf("the second one: written is %v, changes are %v", second.Written, second.Changes)
	}
	if diff := cmp.Diff(string(first.Text), string(second.Text)); diff != "" {
		t.Error(diff)
	}
	if made := b.acts - acts; made != acts-2 { // the directory and the file
		t.Errorf("the first save had %d acts, the second %d", acts, made)
	}
	b.clean(before)
	if info, err := b.Stat(savedAt); err != nil || info.Mode != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode, err)
	}
	if w := b.Writes(); len(w) > 0 {
		t.Errorf("it wrote to disks: %q", w)
	}
}

func TestSaveHasWhatStands(t *testing.T) {
	l := running("sda", "sdb").benchRunning(t).save(saveOrder()).Layout
	var got []string
	for _, m := range l.Mounts {
		got = append(got, fmt.Sprint(m.Point, " ", m.Source, m.What))
	}
	if diff := cmp.Diff([]string{"/ fs:root", "/home fs:home", "/mnt/nas nas:/export", "/srv fs:srv"}, got); diff != "" {
		t.Error(diff)
	}
	if len(l.Storage.Crypts) != 1 || l.Storage.Crypts[0].Name != "cr_home" {
		t.Errorf("the containers are %+v", l.Storage.Crypts)
	}
	var files []string
	for _, f := range l.Files {
		files = append(files, f.Path)
	}
	if diff := cmp.Diff([]string{"/etc/crypttab", "/etc/fstab"}, slices.Sorted(slices.Values(files))); diff != "" {
		t.Error(diff)
	}
	want := []layout.Usage{{ID: "fs:home", Used: 2 << 20}, {ID: "fs:root", Used: 3 << 20, Files: 1000}, {ID: "fs:srv", Used: 1 << 20}}
	if diff := cmp.Diff(want, l.Usage); diff != "" {
		t.Error(diff)
	}
}

// TestOtherNamesFromTheKernelAreNoDifference: the disks have changed places.
func TestOtherNamesFromTheKernelAreNoDifference(t *testing.T) {
	was := running("sda", "sdb").benchRunning(t).save(SaveOrder{}).Layout
	d, err := running("vdc", "nvme0n").benchRunning(t).w.Diff(t.Context(), was, DiffOrder{})
	if err != nil {
		t.Fatal(err)
	}
	if !d.Empty() {
		t.Errorf("the changes are %+v", d.Changes)
	}
}

func TestDiffSeesAnotherMachine(t *testing.T) {
	was := running("sda", "sdb").benchRunning(t).save(SaveOrder{}).Layout
	other := running("sda", "sdb")
	other.mounts = other.mounts[:len(other.mounts)-1]
	d, err := other.benchRunning(t).w.Diff(t.Context(), was, DiffOrder{})
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Changes) != 1 || d.Changes[0].How != layout.Removed || d.Changes[0].Section != "mounts" {
		t.Errorf("the changes are %+v", d.Changes)
	}
}

// asked is a machine that remembers which mounts it was asked about.
type asked struct {
	*actor
	points []string
}

func (a *asked) Usage(point string) (machine.Usage, error) {
	a.points = append(a.points, point)
	return a.actor.Usage(point)
}

// TestNobodyIsWaitedFor: what lies below a network file system, an automount or FUSE is
// not asked for, and neither are these.
func TestNobodyIsWaitedFor(t *testing.T) {
	l := running("sda", "sdb")
	for _, m := range []storage.Mount{
		{Point: "/mnt/nas/disk", Source: "fs:srv", Type: "xfs", Root: "/"},
		{Point: "/auto", Type: "autofs"}, {Point: "/auto/home", Source: "fs:home", Type: "ext4", Root: "/"},
		{Point: "/home", Type: "fuse.encfs"},
	} {
		l.mounts = append(l.mounts, m)
	}
	b := l.benchRunning(t)
	a := &asked{actor: b.actor}
	b.w.Machine = a
	r := b.save(SaveOrder{})
	if diff := cmp.Diff([]string{"/", "/srv"}, slices.Sorted(slices.Values(a.points))); diff != "" {
		t.Error(diff)
	}
	if len(r.Layout.Usage) != 2 {
		t.Errorf("the usage is %+v", r.Layout.Usage)
	}
}

// TestSleepingBootPartition: an automount that nobody has looked at lately is looked at
// first, so that the layout is the same as when it was awake.
func TestSleepingBootPartition(t *testing.T) {
	asleep, awake := running("sda", "sdb"), running("sda", "sdb")
	asleep.mounts = append(asleep.mounts, storage.Mount{Point: "/boot", Type: "autofs"})
	awake.mounts = append(asleep.mounts[:len(asleep.mounts):len(asleep.mounts)], storage.Mount{Point: "/boot", Source: "fs:srv", Type: "xfs", Root: "/"})
	b, then := asleep.benchRunning(t), awake.benchRunning(t)
	looked := &statted{actor: b.actor}
	b.w.Machine = looked
	b.w.Probe = func(ctx context.Context) (*storage.Graph, error) {
		if slices.Contains(looked.names, "/boot/.") {
			return then.probe(ctx)
		}
		return b.probe(ctx)
	}
	want := awake.benchRunning(t).save(SaveOrder{})
	if diff := cmp.Diff(string(want.Text), string(b.save(SaveOrder{}).Text)); diff != "" {
		t.Error(diff)
	}
}

// statted is a machine that remembers what was looked at.
type statted struct {
	*actor
	names []string
}

func (s *statted) Stat(name string) (machine.Info, error) {
	s.names = append(s.names, name)
	return s.actor.Stat("/")
}

// TestSaveKeepsTheOldFile: when there is no room, no directory, or Ctrl-C, what was
// saved before stays whole.
func TestSaveKeepsTheOldFile(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(b *bench, cancel context.CancelFunc)
		want  error
	}{
		"no room":      {func(b *bench, _ context.CancelFunc) { b.full = func(name string) bool { return name == savedAt } }, errFull},
		"no directory": {func(b *bench, _ context.CancelFunc) { b.FailNext("mkdir", fs.ErrPermission) }, fs.ErrPermission},
		"Ctrl-C before": {func(b *bench, cancel context.CancelFunc) {
			b.blind = func() error { cancel(); return nil }
		}, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			b := running("sda", "sdb").benchRunning(t)
			was := b.save(saveOrder())
			b.again().mounts("/new")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			tt.spoil(b, cancel)
			if _, err := b.w.Save(ctx, saveOrder()); !errors.Is(err, tt.want) {
				t.Errorf("the error is %v, want %v", err, tt.want)
			}
			if now, err := b.ReadFile(savedAt); string(now) != string(was.Text) || err != nil {
				t.Errorf("the file has changed, %v", err)
			}
			list, err := b.ReadDir("/var/lib/salvor")
			if diff := cmp.Diff([]string{"layout.yaml"}, list); diff != "" || err != nil {
				t.Error(err, diff)
			}
		})
	}
}

// mounts mounts one more thing behind salvor's back.
func (b *bench) mounts(point string) {
	b.MountBehind(storage.Mount{Point: point, Source: "fs:srv", Type: "xfs", Root: "/"})
}

func TestSaveWritesOverNoOtherFile(t *testing.T) {
	b := running("sda", "sdb").benchRunning(t)
	if err := b.Machine.WriteFile("/var/lib/salvor/notes", []byte("to be kept\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := b.w.Save(t.Context(), SaveOrder{File: "/var/lib/salvor/notes"})
	if _, is := errors.AsType[*OverwriteError](err); !is {
		t.Errorf("the error is %v", err)
	}
	if text, _ := b.ReadFile("/var/lib/salvor/notes"); string(text) != "to be kept\n" {
		t.Errorf("the file says %q", text)
	}
}

// TestSaveKeepsWhatWasEdited beside the new one.
func TestSaveKeepsWhatWasEdited(t *testing.T) {
	b := running("sda", "sdb").benchRunning(t)
	first := b.save(saveOrder())
	edited := strings.Replace(string(first.Text), "S-one", "S-other", 1)
	if err := b.Machine.WriteFile(savedAt, []byte(edited), 0o600); err != nil || edited == string(first.Text) {
		t.Fatal(err, "nothing was edited")
	}
	second := b.again().save(saveOrder())
	if text, err := b.ReadFile(second.Edited); string(text) != edited || err != nil {
		t.Errorf("what was edited is gone: %v, %q", err, second.Edited)
	}
	if !second.Written || second.Changes.Empty() {
		t.Errorf("written is %v, changes are %+v", second.Written, second.Changes)
	}
}

// TestSaveGoesOnFromADamagedLayout: it is kept, and a new one takes its place.
func TestSaveGoesOnFromADamagedLayout(t *testing.T) {
	b := running("sda", "sdb").benchRunning(t)
	first := b.save(saveOrder())
	damaged := strings.Replace(string(first.Text), "type: ext4", "tyre: ext4", 1)
	if err := b.Machine.WriteFile(savedAt, []byte(damaged), 0o600); err != nil {
		t.Fatal(err)
	}
	second := b.again().save(saveOrder())
	if text, err := b.ReadFile(second.Edited); string(text) != damaged || err != nil {
		t.Errorf("what was there is gone: %v, %q", err, second.Edited)
	}
	if !slices.ContainsFunc(b.notes, func(n string) bool { return strings.Contains(n, "tyre") }) {
		t.Errorf("the notes are %q", b.notes)
	}
	if text, err := b.ReadFile(savedAt); string(text) != string(first.Text) || err != nil {
		t.Errorf("the layout is %v\n%s", err, text)
	}
}

// TestNothingCanBeSeen from a container.
func TestNothingCanBeSeen(t *testing.T) {
	b := newLab().bench(t)
	if _, err := b.w.Save(t.Context(), saveOrder()); !errors.Is(err, ErrNoDisks) {
		t.Errorf("the error is %v", err)
	}
}

// TestSaveHoldsNoSecret: a mark stands wherever a password or a key may, and nowhere in
// what comes out.
func TestSaveHoldsNoSecret(t *testing.T) {
	const mark = "open-sesame-4711"
	l := running("sda", "sdb")
	tree := rootTree("Running", "UUID=root / ext4 defaults 0 1\n//nas/x /mnt/nas cifs user=me,password="+mark+" 0 0\n",
		"cr_home UUID=vault none luks\n# passphrase: "+mark+"\n", "home/", "srv/", "mnt/nas/", "var/lib/")
	tree["etc/multipath.conf"] = &fstest.MapFile{Data: []byte("defaults {\n  password " + mark + "\n}\n")}
	tree["boot/loader/entries/one.conf"] = &fstest.MapFile{Data: []byte("title One\nlinux /vmlinuz\noptions root=UUID=root rd.luks.key=x password=" + mark + "\n")}
	tree["boot/vmlinuz"] = &fstest.MapFile{}
	l.put(l.Nodes()[slices.IndexFunc(l.Nodes(), func(n storage.Node) bool { return n.Base().Identity == "fs:root" })], tree)
	l.mounts = append(l.mounts, storage.Mount{Point: "/mnt/cifs", Type: "cifs", Remote: "//nas/x", Options: []string{"rw", "password=" + mark}})
	b := l.benchRunning(t, machinetest.WithFiles(fstest.MapFS{"proc/cmdline": {Data: []byte("root=UUID=root password=" + mark + "\n")}}))
	r := b.save(saveOrder())
	asJSON, err := json.Marshal(r.Layout)
	if err != nil {
		t.Fatal(err)
	}
	saved, err := b.ReadFile(savedAt)
	if err != nil {
		t.Fatal(err)
	}
	journal, _ := b.ReadFile(session.Dir + "/journal")
	for what, text := range map[string]string{
		"layout": string(r.Text), "file": string(saved), "JSON": string(asJSON), "journal": string(journal), "notes": strings.Join(b.notes, "\n"),
	} {
		if strings.Contains(text, mark) {
			at := strings.Index(text, mark)
			t.Errorf("the %s has a secret in it: …%s", what, text[max(0, at-80):at])
		}
	}
	if r.Layout.Boot.Default == nil || r.Layout.Boot.CommandLine == "" {
		t.Errorf("there was nothing to take a secret out of: %+v", r.Layout.Boot)
	}
}

// TestSaveFromOutside: a system that does not run is looked at and left as it was.
func TestSaveFromOutside(t *testing.T) {
	forEach(t, func(t *testing.T, name string, b *bench) {
		before := b.state()
		r := b.save(SaveOrder{LayoutOrder: LayoutOrder{System: "1"}})
		if len(r.Layout.Mounts) == 0 || r.Layout.Mounts[0].Point != "/" || r.Layout.Machine.OS.Name == "" {
			t.Errorf("the mounts are %+v, the system is %+v", r.Layout.Mounts, r.Layout.Machine.OS)
		}
		if strings.Contains(string(r.Text), "/mnt/local") {
			t.Errorf("it tells of salvor's own directory:\n%s", r.Text)
		}
		b.clean(before)
		if w := b.Writes(); len(w) > 0 {
			t.Errorf("it wrote: %q", w)
		}
	})
}

func TestExclusions(t *testing.T) {
	l := running("sda", "sdb")
	g, err := l.Build(l.mounts, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Merge(config.Input{Name: "config.yaml", Data: []byte(
		"exclude:\n  - mount: /mnt/*\n    why: elsewhere\n  - device: /dev/sdb*\n  - id: luks:va*\n  - mount: /nowhere\n")})
	if err != nil {
		t.Fatal(err)
	}
	all, notes := exclusions(c, g)
	var got []string
	for _, e := range all {
		got = append(got, strings.TrimSpace(fmt.Sprint(e.ID, e.Mount, " ", e.Why)))
	}
	if diff := cmp.Diff([]string{"/mnt/nas elsewhere", "disk:two", "part:two1", "luks:vault"}, got); diff != "" {
		t.Error(diff)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "config.yaml:6 excludes nothing") {
		t.Errorf("the notes are %q", notes)
	}
}
