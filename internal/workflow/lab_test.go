package workflow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/machine"
	"salvor/internal/machine/machinetest"
	"salvor/internal/secret"
	"salvor/internal/session"
	"salvor/internal/storage"
	"salvor/internal/system"
	"salvor/internal/tool"
)

const passphrase = "correct horse"

// lab builds full graphs, with the trees that lie in them, in few words.
type lab struct {
	storage.Builder
	trees  map[storage.ID]fs.FS
	keys   map[storage.ID]string
	tokens []storage.ID
	mounts []storage.Mount
}

func newLab() *lab { return &lab{trees: map[storage.ID]fs.FS{}, keys: map[storage.ID]string{}} }

func common(id, path string) storage.Common {
	c := storage.Common{Identity: storage.ID(id), Size: 1 << 30}
	if path != "" {
		c.AddName(path, storage.FromKernel)
	}
	return c
}

// disk makes a disk with a table and n partitions, and gives these; with none,
// the disk itself.
func (l *lab) disk(name string, n int) []storage.Node {
	d := l.Add(&storage.Disk{Common: common("disk:"+name, "/dev/"+name), Model: "Fast Disk", Serial: "S-" + name})
	if n == 0 {
		return []storage.Node{d}
	}
	t := l.Add(&storage.Table{Common: common("table:"+name, ""), Format: "gpt"}, d)
	var parts []storage.Node
	for i := range n {
		p := fmt.Sprintf("%s%d", name, i+1)
		parts = append(parts, l.Add(&storage.Partition{Common: common("part:"+p, "/dev/"+p), Number: i + 1, UUID: "pu-" + p}, t))
	}
	return parts
}

func (l *lab) fs(typ, uuid, label string, on ...storage.Node) *storage.FileSystem {
	f := &storage.FileSystem{Common: common("fs:"+uuid, ""), Type: typ, UUID: uuid, Label: label}
	l.Add(f, on...)
	return f
}

func (l *lab) swap(uuid string, on storage.Node) *storage.Swap {
	s := &storage.Swap{Common: common("swap:"+uuid, ""), UUID: uuid}
	l.Add(s, on)
	return s
}

// luks makes a closed container that opens with a key.
func (l *lab) luks(uuid, key string, on storage.Node) *storage.Crypt {
	c := &storage.Crypt{Common: common("luks:"+uuid, ""), Format: "luks2", UUID: uuid}
	l.Add(c, on)
	l.keys[c.Identity] = key
	return c
}

func (l *lab) md(uuid, level string, disks int, on ...storage.Node) *storage.MD {
	m := &storage.MD{Common: common("md:"+uuid, ""), UUID: uuid, Name: "host:" + uuid, Level: level, Metadata: "1.2", RaidDisks: disks}
	l.Add(m, on...)
	return m
}

func (l *lab) vg(name string, on ...storage.Node) *storage.VG {
	v := &storage.VG{Common: common("vg:"+name, ""), UUID: name + "-uuid", Name: name}
	var pvs []storage.Node
	for i, low := range on {
		pvs = append(pvs, l.Add(&storage.PV{Common: common(fmt.Sprintf("pv:%s-%d", name, i), ""), UUID: fmt.Sprint(name, i), VG: name}, low))
	}
	l.Add(v, pvs...)
	return v
}

func (l *lab) lv(vg *storage.VG, name, layout string, on ...storage.Node) *storage.LV {
	v := &storage.LV{Common: common("lv:"+vg.Name+"/"+name, ""), UUID: vg.Name + "-" + name, VG: vg.Name, Name: name, Layout: layout, Group: vg.Identity}
	v.AddName(storage.LVPath(vg.Name, name), storage.FromMetadata)
	if len(on) == 0 {
		on = l.Lower(vg)
	}
	l.Add(v, on...)
	return v
}

func (l *lab) subvol(f *storage.FileSystem, id uint64, path string) *storage.Subvolume {
	s := &storage.Subvolume{Common: common("subvol:"+f.UUID+"/"+path, ""), SubvolID: id, Path: path, UUID: fmt.Sprint("u", id)}
	l.Add(s, f)
	return s
}

// put gives a root its tree.
func (l *lab) put(root storage.Node, tree fs.FS) { l.trees[root.Base().Identity] = tree }

// rootTree is the tree of a small system: names that end in a slash are
// directories, others empty files.
func rootTree(name, fstab, crypttab string, names ...string) fstest.MapFS {
	t := fstest.MapFS{}
	for _, n := range append([]string{"dev/", "proc/", "sys/", "run/", "usr/", "bin/", "var/"}, names...) {
		if dir, is := strings.CutSuffix(n, "/"); is {
			t[dir] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
		} else {
			t[n] = &fstest.MapFile{Mode: 0o644}
		}
	}
	text := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s), Mode: 0o644} }
	t["etc/os-release"] = text(fmt.Sprintf("ID=test\nPRETTY_NAME=%q\n", name))
	t["etc/fstab"] = text(fstab)
	t["etc/passwd"] = text("daemon:x:1:1::/:/bin/false\nroot:x:0:0:root:/root:/bin/sh\n")
	t["bin/sh"] = &fstest.MapFile{Mode: 0o755}
	if crypttab != "" {
		t["etc/crypttab"] = text(crypttab)
	}
	return t
}

// bench is a machine with a Work on it, and what it told.
type bench struct {
	*actor
	w      *Work
	ask    *script
	notes  []string
	events []Event
	tell   func(Event) // a test's own ears
	t      *testing.T
}

// bench makes the machine of the lab. The live system has stand-ins, and udev
// rules that want to be masked.
func (l *lab) bench(t *testing.T, opts ...machinetest.Option) *bench {
	t.Helper()
	g, err := l.Build(l.mounts, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{
		"dev/mapper/control":                 {Mode: fs.ModeDevice | 0o600},
		"dev/pts":                            {Mode: fs.ModeDir | 0o755},
		"dev/shm":                            {Mode: fs.ModeDir | 0o755},
		"etc/resolv.conf":                    {Data: []byte("nameserver 192.0.2.1\n"), Mode: 0o644},
		"usr/lib/udev/rules.d/69-lvm.rules":  {Mode: 0o644},
		"lib/udev/rules.d/69-bcache.rules":   {Mode: 0o644},
		"usr/lib/udev/rules.d/60-none.rules": {Mode: 0o644},
	}
	all := []machinetest.Option{machinetest.WithKeys(l.keys), machinetest.WithTrees(l.trees), machinetest.WithFiles(files), machinetest.WithTokens(l.tokens...)}
	b := &bench{t: t, actor: &actor{Machine: machinetest.New(g, append(all, opts...)...)}, ask: &script{}}
	b.again()
	return b
}

// again is a new process on the same machine.
func (b *bench) again() *bench {
	if b.actor.dead() {
		b.actor = &actor{Machine: b.actor.Machine}
	}
	b.notes, b.events, b.tell = nil, nil, nil
	b.w = &Work{Machine: b.actor, Probe: b.probe, Ask: b.ask, Tell: b.hear}
	return b
}

func (b *bench) hear(e Event) {
	b.events = append(b.events, e)
	if n, ok := e.(Note); ok {
		b.notes = append(b.notes, n.Text)
	}
	if b.tell != nil {
		b.tell(e)
	}
}

// probe sees as the kernel shows: a device that was set read-only looks like one
// that was opened so.
func (b *bench) probe(ctx context.Context) (*storage.Graph, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if b.blind != nil {
		if err := b.blind(); err != nil {
			return nil, err
		}
	}
	g := b.Visible()
	for n := range g.Nodes() {
		if o := storage.OpeningOf(n); o != nil && n.Base().ReadOnly {
			o.ReadOnly = true
		}
	}
	return g, nil
}

// state is the machine's, without loop devices that a killed process leaves: the
// fake has no process to end them with.
func (b *bench) state() string {
	var out []string
	for line := range strings.Lines(b.Machine.String()) {
		if !strings.HasPrefix(line, "loop ") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}

// clean checks that nothing is left of what salvor did.
func (b *bench) clean(before string) {
	b.t.Helper()
	if diff := cmp.Diff(before, b.state()); diff != "" {
		b.t.Errorf("the state has changed (-before +after):\n%s", diff)
	}
	if _, err := b.ReadFile(session.Dir + "/journal"); !errors.Is(err, fs.ErrNotExist) {
		b.t.Errorf("the journal is still there: %v", err)
	}
	for _, name := range actors {
		if isMask(b.Machine, name) {
			b.t.Errorf("%s is still masked", name)
		}
	}
	if unlock, err := session.Lock(b.Machine); err != nil {
		b.t.Errorf("the lock is still held: %v", err)
	} else {
		unlock()
	}
}

func (b *bench) mount(o MountOrder) *MountReport {
	b.t.Helper()
	r, err := b.w.Mount(b.t.Context(), o)
	if err != nil {
		b.t.Fatalf("mount: %v\nnotes: %q\n%s", err, b.notes, b.state())
	}
	return r
}

func (b *bench) umount() *UmountReport {
	b.t.Helper()
	r, err := b.w.Umount(b.t.Context(), false)
	if err != nil {
		b.t.Fatalf("umount: %v\n%s", err, b.state())
	}
	return r
}

// lines tells the states of a report in words, those of the kernel's own file
// systems only when they have gaps.
func lines(r *MountReport) string {
	var out []string
	for _, l := range r.Lines {
		if l.Number > 0 || l.Gap() {
			out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", l.File, l.State, l.Cause)))
		}
	}
	return strings.Join(out, "; ")
}

// script answers questions: passphrases by the container's ID.
type script struct {
	keys    map[storage.ID][]string // in turn; "" skips
	asked   []string
	nobody  bool
	choose  int // number of the system; 0: nobody is there
	accept  bool
	risks   []string
	thinks  func() // what happens while a question is open
	secrets []*secret.Secret
}

func (s *script) Passphrase(_ context.Context, q Question) (*secret.Secret, error) {
	if s.nobody {
		return nil, ErrNoAnswer
	}
	s.asked = append(s.asked, fmt.Sprintf("%s #%d", q.ID, q.Attempt))
	answers := s.keys[q.ID]
	if len(answers) == 0 {
		return nil, nil
	}
	s.keys = maps.Clone(s.keys)
	s.keys[q.ID] = answers[1:]
	if answers[0] == "" {
		return nil, nil
	}
	key := secret.New([]byte(answers[0]))
	s.secrets = append(s.secrets, key)
	return key, nil
}

func (s *script) Choose(_ context.Context, among []*system.System) (*system.System, error) {
	for _, sys := range among {
		if sys.Number == s.choose {
			return sys, nil
		}
	}
	return nil, ErrNoAnswer
}

func (s *script) Accept(_ context.Context, risks []system.Risk) (bool, error) {
	for _, r := range risks {
		s.risks = append(s.risks, string(r.Health))
	}
	if s.thinks != nil {
		s.thinks()
	}
	if s.nobody {
		return false, ErrNoAnswer
	}
	return s.accept, nil
}

// actor counts the acts that change the machine or what lies in memory. After its
// last one it is dead: nothing it is told to do has an effect, as with a process
// that was killed.
type actor struct {
	*machinetest.Machine
	acts  int
	last  int // 0: lives for ever
	blind func() error
	full  func(name string) bool // no space is left for this file
}

var errDead = errors.New("this process was killed")
var errFull = errors.New("no space left on device")

func (a *actor) dead() bool { return a.last > 0 && a.acts >= a.last }

func (a *actor) do(f func() error) error {
	if a.dead() {
		return errDead
	}
	a.acts++
	return f()
}

func (a *actor) Run(ctx context.Context, c machine.Cmd) (r machine.Result, err error) {
	err = a.do(func() (err error) {
		if c.String() != tool.ReloadRules().String() {
			r, err = a.Machine.Run(ctx, c)
		}
		return err
	})
	return r, err
}

func (a *actor) Mount(ctx context.Context, r machine.MountRequest) error {
	return a.do(func() error { return a.Machine.Mount(ctx, r) })
}

func (a *actor) Unmount(point string) error {
	return a.do(func() error { return a.Machine.Unmount(point) })
}

func (a *actor) SetReadOnly(device string, on bool) (was bool, err error) {
	err = a.do(func() (err error) { was, err = a.Machine.SetReadOnly(device, on); return err })
	return was, err
}

func (a *actor) AttachLoop(size uint64) (device string, err error) {
	err = a.do(func() (err error) { device, err = a.Machine.AttachLoop(size); return err })
	return device, err
}

func (a *actor) AttachImage(i machine.Image) error {
	return a.do(func() error { return a.Machine.AttachImage(i) })
}

func (a *actor) DetachLoop(device string) error {
	return a.do(func() error { return a.Machine.DetachLoop(device) })
}

func (a *actor) WriteSysfs(name, value string) error {
	return a.do(func() error { return a.Machine.WriteSysfs(name, value) })
}

func (a *actor) WriteFile(name string, data []byte, perm fs.FileMode) error {
	return a.do(func() error { return a.room(name, func() error { return a.Machine.WriteFile(name, data, perm) }) })
}

func (a *actor) AppendFile(name string, data []byte, perm fs.FileMode) error {
	return a.do(func() error { return a.room(name, func() error { return a.Machine.AppendFile(name, data, perm) }) })
}

func (a *actor) room(name string, f func() error) error {
	if a.full != nil && a.full(name) {
		return errFull
	}
	return f()
}

func (a *actor) MkdirAll(name string, perm fs.FileMode) error {
	return a.do(func() error { return a.Machine.MkdirAll(name, perm) })
}

func (a *actor) Remove(name string) error {
	return a.do(func() error { return a.Machine.Remove(name) })
}

// sorted gives the lines of a state in order: what was mounted first does not
// matter where it is mounted.
func sorted(state string) []string {
	return slices.Sorted(strings.Lines(state))
}
