package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"salvor/internal/storage"
)

var probePage = page{
	use:   "probe [OPTIONS]",
	short: "show the whole storage stack of this machine: disks, and what lies on what",
	writes: "It writes nothing, opens nothing and needs no tool; as root it sees more. With --image it attaches the file " +
		"read-only, and detaches it again.",
	long: "What is known from metadata is shown although it is closed: arrays, volume groups and their volumes. " +
		"Every line has the name, the size, what it is, what is wrong with it, whether it is open, and where it is mounted.",
	examples: []example{
		{"salvor probe", "the tree"},
		{"salvor probe --json > graph.json", "to look at elsewhere (--graph)"},
		{"salvor probe --svg stack.svg", "a picture of it"},
		{"salvor probe --image vm.img", "what lies in an image file"},
		{"salvor probe --ids", "with the identity of everything"},
	},
	exits: []int{exitOK, exitError, exitUsage, exitRefused, exitInterrupted},
}

type probeOptions struct {
	desk     deskOptions
	images   imageOptions
	dot, svg string
	tree     storage.TreeOptions
}

func (a *app) probe() *cobra.Command {
	var o probeOptions
	cmd := probePage.command()
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.runProbe(cmd.Context(), o) }
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.dot, "dot", "", "FILE: write the graph in Graphviz's language there ('-' for standard output)")
	f.StringVar(&o.svg, "svg", "", "FILE: draw the graph there ('-' for standard output)")
	f.BoolVar(&o.tree.All, "all", false, "also hidden volumes and every snapshot")
	f.BoolVar(&o.tree.IDs, "ids", false, "also the identity of everything")
	o.images.flags(f)
	f.StringVar(&o.desk.graph, "graph", "", "FILE: a saved probe --json in place of this machine ('-' for standard input)")
	return cmd
}

func (a *app) runProbe(ctx context.Context, o probeOptions) error {
	g, err := o.graph(ctx, a)
	if err != nil {
		return err
	}
	if o.dot != "" {
		if err := a.writeAll(o.dot, []byte(g.DOT())); err != nil {
			return fmt.Errorf("cannot write the graph: %w", err)
		}
	}
	if o.svg != "" {
		if err := a.writeAll(o.svg, drawSVG(g)); err != nil {
			return fmt.Errorf("cannot write the drawing: %w", err)
		}
	}
	switch {
	case a.opt.json:
		return a.json("probe", g)
	case o.dot == "" && o.svg == "":
		a.tree(g, o.tree)
	}
	return nil
}

// graph gives the graph of the images, of the file, or of the machine.
func (o *probeOptions) graph(ctx context.Context, a *app) (*storage.Graph, error) {
	if !o.images.used() {
		return o.desk.load(ctx, a)
	}
	if o.desk.used() {
		return nil, errImageAtDesk
	}
	images, err := o.images.read()
	if err != nil {
		return nil, err
	}
	g, err := a.work(nil).ProbeImages(ctx, images)
	a.reporter.done()
	return g, err
}

// tree writes the graph for people.
func (a *app) tree(g *storage.Graph, opt storage.TreeOptions) {
	opt.ASCII, opt.Width = a.out.ascii, a.out.width
	fmt.Fprint(a.out, storage.RenderTree(g.TreeLines(opt), g.Notes, opt, a.treeStyle))
}

func (a *app) treeStyle(part storage.TreePart, text string) string {
	switch part {
	case storage.TreeBranch, storage.TreeID:
		return a.out.paint(faint, text)
	case storage.TreeName:
		return a.out.paint(bold, text)
	case storage.TreeTrouble:
		return a.out.paint(red, text)
	case storage.TreeMount:
		return a.out.paint(green, text)
	case storage.TreeNote:
		return a.out.paint(yellow, text)
	default:
		return text
	}
}
