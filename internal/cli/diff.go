package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"salvor/internal/config"
	"salvor/internal/layout"
	"salvor/internal/workflow"
)

// exitDifferent is diff's own: its numbers are those of diff(1), and of ReaR's
// checklayout. What is exit code 1 elsewhere is 2 here.
const exitDifferent = 1

var diffPage = page{
	use:     "diff [A] [B] [OPTIONS]",
	aliases: wordsFor("diff"),
	short:   "say what is different between two layouts, or between a layout and this machine",
	writes:  "It writes nothing, and looks as salvor save does.",
	long: "A and B are layout files (\"-\" is standard input). With A alone it is compared with this machine as it is, " +
		"without either " + defaultLayout + " is. Things are matched by what they are, so that another name from the " +
		"kernel or another order is no difference. Each change says what it makes stale: the layout and with it a " +
		"recovery, only the rescue image, or nothing.\n\n" +
		"--ignore takes sections: " + strings.Join(layout.Sections(), ", ") + ". Without it, those are left out that " +
		"timer.ignore of the configuration names (usage and snapshots by default); --ignore=none leaves out nothing.",
	examples: []example{
		{"salvor diff", "what has changed since salvor save?"},
		{"salvor diff old.yaml", "that file against this machine"},
		{"salvor diff old.yaml new.yaml", "two files"},
		{"salvor diff --ignore usage,tools", "without these sections"},
		{"salvor diff --quiet", "only the exit code"},
	},
	exits:     []int{exitOK, exitDifferent, exitUsage, exitRefused, exitNothing, exitLocked, exitInterrupted},
	exitTexts: map[int]string{exitOK: "nothing is different", exitDifferent: "something is different", exitUsage: "error, or wrong usage"},
}

type diffOptions struct {
	ignore []string
	system string
	keys   keyOptions
	desk   deskOptions
}

func (a *app) diff() *cobra.Command {
	var o diffOptions
	cmd := diffPage.command()
	cmd.Args = atMost(2, "file")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return troubled(a.runDiff(cmd.Context(), o, args, cmd.Flags().Changed("ignore")))
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringSliceVar(&o.ignore, "ignore", nil, "SECTIONS that are not compared, or none")
	f.StringVar(&o.system, "system", "", "SYSTEM: compare with an installed system that is not the running one")
	o.keys.flags(f)
	o.desk.flags(f)
	return cmd
}

// troubleError is an error of a command in which exit code 1 is taken.
type troubleError struct{ error }

func (e *troubleError) Unwrap() error { return e.error }

// troubled marks what would end with exit code 1.
func troubled(err error) error {
	if _, told := err.(status); err == nil || told {
		return err
	}
	if exit, _ := explain(err); exit == exitError {
		return &troubleError{err}
	}
	return err
}

// noSection is the word of --ignore for nothing.
const noSection = "none"

func (a *app) runDiff(ctx context.Context, o diffOptions, args []string, ignoring bool) error {
	c, err := a.configuration(o.desk.used())
	if err != nil {
		return err
	}
	if !ignoring {
		o.ignore = words(c.Timer.Ignore)
	}
	o.ignore = slices.DeleteFunc(o.ignore, func(s string) bool { return s == noSection })
	for _, s := range o.ignore {
		if !slices.Contains(layout.Sections(), s) {
			return usagef("cannot ignore %q: it is one of %s, or %s", s, strings.Join(layout.Sections(), ", "), noSection)
		}
	}
	d, err := a.difference(ctx, o, args, c)
	a.reporter.done()
	if err != nil {
		return err
	}
	return a.tellDifference(d)
}

// difference compares what the arguments name.
func (a *app) difference(ctx context.Context, o diffOptions, args []string, c *config.Loaded) (*layout.Difference, error) {
	saved, err := a.firstLayout(args, c)
	if err != nil {
		return nil, err
	}
	if len(args) == 2 {
		if o.desk.used() || o.system != "" {
			return nil, usagef("--system, --graph and --root are for the machine: it takes no part when two files are given")
		}
		other, err := a.readLayout(args[1])
		if err != nil {
			return nil, err
		}
		return layout.Diff(saved, other, o.ignore), nil
	}
	order := workflow.DiffOrder{LayoutOrder: workflow.LayoutOrder{System: o.system, Config: c}, Ignore: o.ignore}
	if o.desk.used() {
		return a.diffAtDesk(ctx, o, saved, order)
	}
	ask, err := a.keysFor(&order.LayoutOrder, o.keys)
	if err != nil {
		return nil, err
	}
	return a.work(ask).Diff(ctx, saved, order)
}

func (a *app) firstLayout(args []string, c *config.Loaded) (*layout.Layout, error) {
	if len(args) > 0 {
		return a.readLayout(args[0])
	}
	if a.env.Machine == nil {
		return nil, usagef("give a layout file")
	}
	return a.work(nil).SavedLayout(string(c.Layout.File))
}

func (a *app) readLayout(name string) (*layout.Layout, error) {
	data, err := a.readAll(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read the layout: %w", err)
	}
	l, _, err := layout.Read(name, data)
	return l, err
}

func (a *app) diffAtDesk(ctx context.Context, o diffOptions, saved *layout.Layout, order workflow.DiffOrder) (*layout.Difference, error) {
	d, err := o.desk.desk(ctx, a)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	order.Headers.Before = saved.Headers // there is no device to look at
	now, err := d.Layout(ctx, order.LayoutOrder, a.reporter.tell)
	if err != nil {
		return nil, err
	}
	return layout.Diff(saved, now.Layout, order.Ignore), nil
}

// diffJSON is the answer for programs.
type diffJSON struct {
	*layout.Difference
	Exit int `json:"exit"`
}

func (a *app) tellDifference(d *layout.Difference) error {
	exit := status(exitOK)
	if !d.Empty() {
		exit = exitDifferent
	}
	var err error
	switch {
	case a.opt.json:
		err = a.json("diff", diffJSON{d, int(exit)})
	case !a.opt.quiet:
		a.showDifference(d)
	}
	if err == nil && exit != exitOK {
		return exit
	}
	return err
}
