package workflow

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"salvor/internal/bootentry"
	"salvor/internal/config"
	"salvor/internal/host"
	"salvor/internal/layout"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// LayoutOrder says of what a layout is to be made.
type LayoutOrder struct {
	System  string // as system.Choose takes it, seen from outside; "" for the one that runs
	Keys    []GivenKey
	Config  *config.Loaded // nil for the default one
	Headers HeaderOrder
}

// HeaderOrder says which backups of LUKS headers get into a layout.
type HeaderOrder struct {
	To     []Recipient     // nobody: none is made
	Before []layout.Header // those that were made earlier
	// Compare: a header that is not the one of the backup any more is to be seen as a
	// difference, and the backup is not to be kept.
	Compare bool
}

// LayoutReport is a layout that was made.
type LayoutReport struct {
	Layout *layout.Layout
	Gaps   []string // what was asked for and could not be had
}

// ErrNoDisks: nothing of a machine can be seen.
var ErrNoDisks = errors.New("no disk can be seen from here: this is a container, or /sys and /dev are not those of the machine")

// Layout looks at a machine and gives its layout. It writes nothing.
func (w *Work) Layout(ctx context.Context, o LayoutOrder) (*LayoutReport, error) {
	if o.System != "" {
		return w.layoutFromOutside(ctx, o)
	}
	wipeKeys(o.Keys)
	if err := w.needRoot("look at the machine"); err != nil {
		return nil, err
	}
	g, err := w.probeAwake(ctx)
	if err != nil {
		return nil, err
	}
	p, done, err := w.portrayRunning(ctx, g)
	if err != nil {
		return nil, err
	}
	defer done()
	return w.draw(ctx, p, o)
}

// portrait is what a layout is made of: a graph in which things are mounted as they are
// while the system runs, the system, and what is read of it.
type portrait struct {
	graph *storage.Graph
	now   *storage.Graph // with the devices that can be read; nil where none can
	sys   *system.System // nil if no installed system runs
	files fs.FS          // of the system as it stands when it runs
	boot  *bootentry.Boot
	host  *layout.Host
	usage []layout.Usage
}

// draw makes the layout.
func (w *Work) draw(ctx context.Context, p *portrait, o LayoutOrder) (*LayoutReport, error) {
	if !hasDisks(p.graph) {
		return nil, ErrNoDisks
	}
	facts := layout.Facts{Host: *p.host, Usage: p.usage}
	addBoot(&facts.Boot, p.boot)
	var notes []string
	if o.Config != nil {
		facts.Exclude, notes = exclusions(o.Config, p.graph)
		w.noteAll(notes)
	}
	if p.sys != nil {
		facts.Files, notes = readLayoutFiles(p.files, p.sys)
		w.noteAll(notes)
		facts.Names = mapNames(p.graph, p.sys)
	}
	l, notes := layout.FromGraph(p.graph, facts)
	w.noteAll(notes)
	report := &LayoutReport{Layout: l}
	l.Headers, report.Gaps = w.keepHeaders(ctx, l, p.now, o.Headers)
	l.Digest = layout.Digest(l)
	return report, ctx.Err()
}

func (w *Work) noteAll(notes []string) {
	for _, text := range notes {
		w.tell(Note{storage.Printable(text)})
	}
}

func hasDisks(g *storage.Graph) bool {
	for range storage.All[*storage.Disk](g) {
		return true
	}
	return false
}

// mapNames gives the names that the system's crypttab and boot entries have for its
// containers.
func mapNames(g *storage.Graph, sys *system.System) map[storage.ID]string {
	r, out := system.NewResolver(g, sys), map[storage.ID]string{}
	for c := range storage.All[*storage.Crypt](g) {
		if name := r.MapName(c.ID); name != "" {
			out[c.ID] = name
		}
	}
	return out
}

// Layout gives the layout that the graph and the directory tell. Nothing is known at a
// desk of what only a running machine tells.
func (d *Desk) Layout(ctx context.Context, o LayoutOrder, tell func(Event)) (*LayoutReport, error) {
	w := &Work{Tell: tell}
	p := &portrait{graph: d.graph, host: &layout.Host{}}
	if len(o.Headers.To) > 0 {
		return nil, errors.New("cannot back up LUKS headers at a desk: there is no device to read them from")
	}
	systems := system.Systems(system.Find(d.graph, d))
	if len(systems) > 0 || o.System != "" {
		sys, err := d.chooseRunning(systems, o.System)
		if err != nil {
			return nil, err
		}
		p.stand(d.graph, d.graph, sys, systems, d)
		if sys.Running {
			p.graph = d.graph
		}
		p.host, _ = host.ReadTree(ctx, p.files, host.Outside{Architecture: sys.Arch})
	}
	return w.draw(ctx, p, o)
}

// chooseRunning prefers the system that was mounted at / when the graph was saved.
func (d *Desk) chooseRunning(systems []*system.System, name string) (*system.System, error) {
	at := slices.IndexFunc(systems, func(s *system.System) bool { return s.Running })
	if name == "" && at >= 0 {
		return systems[at], nil
	}
	return d.choose(systems, name, "")
}

// stand has the system of the portrait stand as it would after a start.
func (p *portrait) stand(now, base *storage.Graph, sys *system.System, found []*system.System, trees system.Trees) {
	sub := newSubject(now, base, sys, found, trees)
	p.sys, p.files, p.boot, p.graph = sys, sub.Files, sub.Boot, sub.Mounting.Want
	p.graph.Mounts = asShown(p.graph)
}

// asShown gives the mounts of a wanted graph as the kernel would show them: a bound tree
// is a directory of the file system that it is bound from. What is bound for programs in
// a chroot is no mount of the system's own.
func asShown(g *storage.Graph) []storage.Mount {
	var out []storage.Mount
	for _, m := range g.Mounts {
		if m.Bind == m.Point {
			continue
		}
		if over := g.MountOver(m.Bind); m.Bind != "" && over != nil && over.Bind == "" {
			rest := strings.TrimPrefix(m.Bind, strings.TrimSuffix(over.Point, "/"))
			m.Source, m.Type, m.Remote, m.Root, m.Bind = over.Source, over.Type, over.Remote, path.Join("/", over.Root, rest), ""
		}
		out = append(out, m)
	}
	return out
}
