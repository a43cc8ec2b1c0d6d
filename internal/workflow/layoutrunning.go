package workflow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"salvor/internal/bootentry"
	"salvor/internal/fstab"
	"salvor/internal/host"
	"salvor/internal/layout"
	"salvor/internal/machine"
	"salvor/internal/probe"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// sleepers are where systemd mounts what boot loaders read only when somebody looks
// (systemd-gpt-auto-generator(8)), and unmounts it after a while.
var sleepers = []string{"/boot", "/boot/efi", "/efi"}

// probeAwake probes with the boot partitions mounted, whether somebody has looked at them
// lately or not: else two layouts of one machine would differ.
func (w *Work) probeAwake(ctx context.Context) (*storage.Graph, error) {
	g, err := w.Probe(ctx)
	if err != nil {
		return nil, err
	}
	woken := false
	for _, point := range sleepers {
		if m := g.MountAt(point); m != nil && m.Type == "autofs" {
			// Only a name below it wakes an automount (path_resolution(7)).
			_, err := w.Machine.Stat(point + "/.")
			woken = woken || err == nil
		}
	}
	if !woken {
		return g, nil
	}
	return w.Probe(ctx)
}

// portrayRunning portrays the machine that runs. Nothing is opened for it: what is
// mounted is seen where it is mounted.
func (w *Work) portrayRunning(ctx context.Context, g *storage.Graph) (p *portrait, done func(), err error) {
	if !hasDisks(g) {
		return nil, nil, ErrNoDisks
	}
	p = &portrait{graph: g, now: g}
	if p.host, err = w.readHost(ctx, g); err != nil {
		return nil, nil, err
	}
	trees := &standingTrees{w: w, ctx: ctx, g: g, seen: map[storage.ID]machine.Tree{}}
	done = trees.close
	if err := w.portraySystem(p, trees); err != nil {
		done()
		return nil, nil, err
	}
	p.usage = w.usage(p.graph)
	return p, done, nil
}

// portraySystem adds the installed system that runs, if one does: a live medium is none.
func (w *Work) portraySystem(p *portrait, trees *standingTrees) error {
	root := p.graph.MountAt("/")
	if root != nil && root.Source != "" {
		tree, err := trees.all()
		if err != nil {
			return err
		}
		p.files = tree
		p.boot = bootentry.Read(tree, mountedPoints(p.graph))
		if p.sys, err = runningSystem(root.Source, tree); err != nil {
			return err
		}
	}
	if p.sys == nil {
		w.tell(Note{"what runs here is no installed system: salvor save --system SYSTEM saves one that is installed here"})
		return nil
	}
	g, err := w.declared(p.graph, p.sys, trees)
	p.graph, p.now = g, g
	return err
}

func (w *Work) readHost(ctx context.Context, g *storage.Graph) (*layout.Host, error) {
	h, notes, err := host.Read(ctx, w.Machine, host.Wanted{Tools: toolsOf(g)})
	if err != nil {
		return nil, err
	}
	w.noteAll(notes)
	return h, nil
}

// runningSystem is the system whose files are in the tree, or nil.
func runningSystem(root storage.ID, tree fs.FS) (*system.System, error) {
	sys, err := system.Inspect(tree, nil)
	if err != nil && !errors.Is(err, system.ErrNeedsUsr) {
		return nil, err
	}
	if sys != nil {
		sys.Root, sys.Running = root, true
	}
	return sys, nil
}

// mountedPoints tells where a path of a boot loader's is to be looked for: every file
// system by the directories at which its top, or that of a subvolume, is seen.
func mountedPoints(g *storage.Graph) bootentry.Points {
	points := bootentry.UsualPoints()
	points.FS = map[string][]string{}
	for i := range g.Mounts {
		m := &g.Mounts[i]
		fsys := fileSystemOf(g, *m)
		if fsys == nil || fsys.UUID == "" || m.Bind != "" || !showsTop(g, m) || g.MountAt(m.Point) != m {
			continue
		}
		uuid, dir := strings.ToLower(fsys.UUID), strings.Trim(m.Point, "/")
		if dir == "" {
			dir = "."
		}
		points.FS[uuid] = append(points.FS[uuid], dir)
	}
	for _, dirs := range points.FS {
		slices.Sort(dirs)
	}
	return points
}

// showsTop: what is seen is all of the mount's source.
func showsTop(g *storage.Graph, m *storage.Mount) bool {
	top := ""
	if sub, ok := g.Node(m.Source).(*storage.Subvolume); ok {
		top = sub.Path
	}
	return strings.Trim(m.Root, "/") == top
}

// standingTrees sees file systems and subvolumes where they are mounted, and no others.
type standingTrees struct {
	w     *Work
	ctx   context.Context // of the look; Trees has no room for one
	g     *storage.Graph
	seen  map[storage.ID]machine.Tree
	whole machine.Tree
}

// all is the tree of everything that is mounted.
func (t *standingTrees) all() (fs.FS, error) {
	var err error
	t.whole, err = t.w.Machine.Tree("/")
	return t.whole, err
}

// Tree implements system.Trees.
func (t *standingTrees) Tree(root storage.ID) (fs.FS, error) {
	if tree := t.seen[root]; tree != nil {
		return tree, nil
	}
	for i := range t.g.Mounts {
		m := &t.g.Mounts[i]
		if m.Source != root || m.Bind != "" || !showsTop(t.g, m) || t.g.MountAt(m.Point) != m {
			continue
		}
		tree, err := t.w.Machine.Tree(m.Point)
		if err != nil {
			return nil, &system.LookError{Root: root, Cause: err}
		}
		t.seen[root] = tree
		return tree, nil
	}
	return nil, &system.LookError{Root: root, Cause: errors.New("it is not mounted")}
}

// Block implements system.Blocks.
func (t *standingTrees) Block(id storage.ID) (system.Block, error) {
	device := t.g.DevicePath(id)
	if device == "" {
		return nil, fmt.Errorf("%s is closed", system.Describe(t.g, id))
	}
	return t.w.Machine.OpenBlock(t.ctx, device)
}

func (t *standingTrees) close() {
	if t.whole != nil {
		t.whole.Close()
	}
	for _, tree := range t.seen {
		tree.Close()
	}
}

// declared puts into the graph what the system's crypttab says of containers and no
// header on their device does.
func (w *Work) declared(g *storage.Graph, sys *system.System, trees system.Trees) (*storage.Graph, error) {
	all, notes := system.Declarations(g, sys, func(e fstab.CryptEntry) (*storage.Crypt, error) {
		h, err := system.OpenHeader(g, sys, e, trees)
		if err != nil {
			return nil, err
		}
		defer func() { _ = h.End() }() // it was open for reading only
		l, err := luksOf(h)
		if err != nil {
			return nil, err
		}
		c := probe.CryptFromLUKS(l)
		c.Terms = &storage.Terms{HeaderOn: h.On, HeaderFile: h.File}
		return c, nil
	})
	w.noteAll(notes)
	return system.Declare(g, all)
}
