package machinetest

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"testing/fstest"
	"time"

	"salvor/internal/machine"
	"salvor/internal/storage"
)

// Machine is the fake.
type Machine struct {
	mu     sync.Mutex
	graph  *storage.Graph // the truth, with what stands open now
	keys   map[storage.ID]string
	tokens map[storage.ID]bool
	// How containers open, see crypt.go. noise are those that are open with a wrong
	// key.
	headless            map[storage.ID]Headless
	pins, slots, clevis map[storage.ID]string
	noise               map[storage.ID]bool
	blocks              map[storage.ID][]byte
	written             map[storage.ID]map[int64]byte // by Overwrite: what is not zero
	trees               map[storage.ID]fs.FS
	files               fstest.MapFS // of the live system; names without the leading slash
	own                 []string     // directories that salvor may write to, on whatever disk they lie
	usage               map[storage.ID]machine.Usage
	missing             map[string]bool
	noUdev              bool
	modules             map[string]bool
	attach              func(machine.Cmd) (int, error)

	numbers map[string]storage.Dev // handed out, by node ID or by path
	loops   map[string]uint64      // size by device path
	stores  map[storage.ID]string  // loop device of the node's overlay
	sets    map[storage.ID]bool    // bcache sets that are registered
	backing map[storage.ID]string  // kernel name of the device that a bcache was registered by
	shields map[storage.ID]bool    // opened with nothing but overlays below
	mountID map[int]int            // by index in graph.Mounts
	lastID  int
	writes  []string
	faults  []*fault
	now     time.Time
	locks   map[string]bool
}

var _ machine.Machine = (*Machine)(nil)

// Option sets the machine up.
type Option func(*Machine)

// WithKeys gives the keys that open containers, by ID or Identity. A container
// that has none is opened by no key.
func WithKeys(keys map[storage.ID]string) Option { return func(m *Machine) { m.keys = keys } }

// WithTokens names the containers that a token opens.
func WithTokens(ids ...storage.ID) Option {
	return func(m *Machine) {
		for _, id := range ids {
			m.tokens[id] = true
		}
	}
}

// WithTrees gives the files of file systems and subvolumes. One that has none is
// a tree in which every directory exists.
func WithTrees(trees map[storage.ID]fs.FS) Option { return func(m *Machine) { m.trees = trees } }

// WithBlocks gives the content of devices; others are full of zeros.
func WithBlocks(blocks map[storage.ID][]byte) Option {
	return func(m *Machine) { m.blocks = blocks }
}

// WithFiles adds files of the live system, named without the leading slash.
func WithFiles(files fstest.MapFS) Option {
	return func(m *Machine) { maps.Copy(m.files, files) }
}

// WithOwn lets salvor write to a directory although it lies on a disk: that of a
// machine that runs from its own disks.
func WithOwn(dirs ...string) Option { return func(m *Machine) { m.own = append(m.own, dirs...) } }

// WithUsage tells how full file systems are. One that is not in it does not answer.
func WithUsage(usage map[storage.ID]machine.Usage) Option {
	return func(m *Machine) { m.usage = usage }
}

// Without takes programs away.
func Without(programs ...string) Option {
	return func(m *Machine) {
		for _, p := range programs {
			m.missing[p] = true
		}
	}
}

// WithoutUdev is a live system on which no udev daemon runs.
func WithoutUdev() Option { return func(m *Machine) { m.noUdev = true } }

// OnAttach says what programs on the terminal do; without it they are unknown.
func OnAttach(f func(machine.Cmd) (int, error)) Option { return func(m *Machine) { m.attach = f } }

// New makes a machine. The graph is not changed.
func New(full *storage.Graph, opts ...Option) *Machine {
	m := &Machine{
		graph: full.Clone(), files: fstest.MapFS{}, keys: map[storage.ID]string{}, trees: map[storage.ID]fs.FS{},
		tokens: map[storage.ID]bool{}, noise: map[storage.ID]bool{}, missing: map[string]bool{}, modules: map[string]bool{},
		numbers: map[string]storage.Dev{}, loops: map[string]uint64{}, stores: map[storage.ID]string{},
		sets: map[storage.ID]bool{}, shields: map[storage.ID]bool{}, backing: map[storage.ID]string{}, mountID: map[int]int{}, locks: map[string]bool{},
		now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	for _, dir := range []string{"dev", "etc", "mnt", "proc", "run", "sys", "tmp", "var"} {
		m.files[dir] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
	}
	m.lastID = 20
	for i := range m.graph.Mounts {
		m.lastID++
		m.mountID[i] = m.lastID
	}
	for _, o := range opts {
		o(m)
	}
	m.adopt()
	return m
}

// adopt makes up what goes with the things that stand open at the start.
func (m *Machine) adopt() {
	for n := range m.graph.Nodes() {
		switch n := n.(type) {
		case *storage.Multipath:
			m.modules["dm-multipath"] = m.modules["dm-multipath"] || n.Open != nil
		case *storage.Bcache:
			if n.Open != nil {
				m.adoptBcache(n)
			}
		}
	}
}

func (m *Machine) adoptBcache(bc *storage.Bcache) {
	m.modules["bcache"] = true
	for _, low := range m.graph.Lower(bc.ID) {
		if low.Kind() == storage.KindBcacheSet {
			m.sets[low.Base().ID] = true
		} else if d := m.nodeDevice(low.Base().ID); d != nil {
			m.backing[bc.ID] = d.kernel
		}
	}
}

// fault is what a test wants to go wrong, once.
type fault struct {
	match string
	err   error // nil: hang
}

// FailNext makes the next act fail with err whose description contains match.
// Descriptions are the command line, "mount SOURCE at POINT", "unmount POINT",
// "look at SOURCE", "set read-only DEVICE", "set writable DEVICE", "attach loop",
// "attach FILE to DEVICE", "detach loop DEVICE", "write FILE" and "append FILE".
func (m *Machine) FailNext(match string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = append(m.faults, &fault{match, err})
}

// Hang makes the next program, mount or look whose description contains match
// wait for the end of its context.
func (m *Machine) Hang(match string) { m.FailNext(match, nil) }

// fault gives the error that an act is to fail with, or nil. The lock is held.
func (m *Machine) fault(ctx context.Context, act string) error {
	for i, f := range m.faults {
		if !strings.Contains(act, f.match) {
			continue
		}
		m.faults = slices.Delete(m.faults, i, i+1)
		if f.err != nil {
			return f.err
		}
		m.mu.Unlock()
		<-ctx.Done()
		m.mu.Lock()
		return context.Cause(ctx)
	}
	return ctx.Err()
}

// Writes lists the acts that would have changed a disk. What goes to an overlay
// changes none.
func (m *Machine) Writes() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.writes)
}

func (m *Machine) wrote(format string, args ...any) {
	m.writes = append(m.writes, fmt.Sprintf(format, args...))
}

// String is the state as text, one line for each thing that is open, stood in
// for, frozen or mounted, and for each loop device.
func (m *Machine) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var lines []string
	for n := range m.graph.Nodes() {
		lines = append(lines, m.nodeLines(n)...)
	}
	slices.Sort(lines)
	for _, l := range slices.Sorted(maps.Keys(m.loops)) {
		lines = append(lines, "loop "+l)
	}
	for _, mt := range m.graph.Mounts {
		lines = append(lines, mountLine(mt))
	}
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

func (m *Machine) nodeLines(n storage.Node) []string {
	var lines []string
	c := n.Base()
	o := storage.OpeningOf(n)
	if o != nil {
		lines = append(lines, fmt.Sprintf("open %s as %s%s", c.ID, m.graph.OwnPath(c.ID), mark(o.ReadOnly, " read-only")))
	}
	if c.Overlay != nil {
		lines = append(lines, fmt.Sprintf("overlay %s as %s", c.ID, c.Overlay.Name))
	}
	if c.ReadOnly && (o == nil || !o.ReadOnly) {
		lines = append(lines, "frozen "+string(c.ID))
	}
	return lines
}

func mountLine(mt storage.Mount) string {
	what := mt.Type
	switch {
	case mt.Bind != "":
		what = "the tree " + mt.Bind
	case mt.Source != "":
		what = fmt.Sprintf("%s %s", mt.Source, mt.Root)
	}
	options := strings.Join(mt.Options, ",")
	if options != "" {
		options = " (" + options + ")"
	}
	return fmt.Sprintf("mount %s: %s%s%s%s", mt.Point, what, options, mark(mt.ReadOnly, " read-only"), mark(mt.Overlay, " overlay"))
}

func mark(on bool, text string) string {
	if on {
		return text
	}
	return ""
}

// Lookup finds all programs but those taken away.
func (m *Machine) Lookup(program string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.missing[program] {
		return "", &machine.MissingProgram{Program: program}
	}
	return path.Join("/usr/sbin", program), nil
}

// Attach runs what OnAttach says.
func (m *Machine) Attach(_ context.Context, c machine.Cmd) (int, error) {
	if m.attach == nil {
		return 0, fmt.Errorf("machinetest: unknown program on the terminal: %s", c)
	}
	return m.attach(c)
}

// Euid is root.
func (m *Machine) Euid() int { return 0 }

// Now moves on by a millisecond each time it is asked.
func (m *Machine) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(time.Millisecond)
	return m.now
}
