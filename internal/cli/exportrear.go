package cli

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"salvor/internal/layout"
	"salvor/internal/layout/rear"
)

var exportPage = page{
	use:   "export rear [DIR] [OPTIONS]",
	short: "write a layout as the files of Relax-and-Recover (ReaR)",
	writes: "It writes disklayout.conf to standard output or, with DIR, it and the files beside it into DIR, as ReaR has " +
		"them below " + rearDir + ". A file that is there already and says something else stays as it is, and the command " +
		"is refused, unless --overwrite is given.",
	long: "The layout is the one that salvor save has saved, or the file that --layout names. What ReaR has no words for " +
		"is listed with its cause, and the exit code is 3 then.",
	examples: []example{
		{"salvor export rear", "the saved layout, to standard output"},
		{"salvor export rear /tmp/rear", "all files, into a directory"},
		{"salvor export rear --layout l.yaml", "another layout"},
	},
	exits: []int{exitOK, exitError, exitUsage, exitGaps, exitRefused, exitNothing, exitInterrupted},
}

type exportOptions struct {
	layout, dialect string
	overwrite       bool
}

func (a *app) exportFiles() *cobra.Command {
	var o exportOptions
	cmd := exportPage.command()
	cmd.Args, cmd.ValidArgs = rearAndDir, []string{"rear"}
	cmd.RunE = func(_ *cobra.Command, args []string) error { return a.runExport(o, firstArg(args[1:])) }
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.layout, "layout", "", "FILE: the layout (default "+defaultLayout+")")
	f.StringVar(&o.dialect, "dialect", string(rear.V27), "the ReaR that is to read it: "+dialects())
	f.BoolVar(&o.overwrite, "overwrite", false, "replace files that are there and say something else")
	return cmd
}

func dialects() string {
	var out []string
	for _, d := range rear.Dialects {
		out = append(out, string(d))
	}
	return strings.Join(out, ", ")
}

// exportJSON is the answer for programs.
type exportJSON struct {
	Files []exportedJSON `json:"files"`
	Gaps  []rear.Gap     `json:"gaps,omitempty"`
	Exit  int            `json:"exit"`
}

type exportedJSON struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

func (a *app) runExport(o exportOptions, dir string) error {
	if !slices.Contains(rear.Dialects, rear.Dialect(o.dialect)) {
		return usagef("cannot write for ReaR %q: it is one of %s", o.dialect, dialects())
	}
	l, err := a.exported(o)
	if err != nil {
		return err
	}
	files, gaps, err := rear.Export(l, rear.ExportOptions{Dialect: rear.Dialect(o.dialect)})
	if err != nil {
		return err
	}
	list := files.List()
	if err := a.writeNew(a.exportTo(dir, list), o.overwrite); err != nil {
		return err
	}
	exit := status(exitOK)
	if len(gaps) > 0 {
		exit = exitGaps
	}
	if a.opt.json {
		body := exportJSON{Gaps: gaps, Exit: int(exit)}
		for _, f := range list {
			body.Files = append(body.Files, exportedJSON{f.Name, string(f.Data)})
		}
		err = a.json("export", body)
	}
	a.tellGaps("not expressed", gaps)
	if err == nil && exit != exitOK {
		return exit
	}
	return err
}

func (a *app) exported(o exportOptions) (*layout.Layout, error) {
	if o.layout != "" {
		return a.readLayout(o.layout)
	}
	c, err := a.configuration(false)
	if err != nil {
		return nil, err
	}
	return a.firstLayout(nil, c)
}

// exportTo says where the files go: the first to standard output, or all below a
// directory.
func (a *app) exportTo(dir string, list []rear.NamedFile) []outFile {
	switch {
	case dir == "" && a.opt.json:
		return nil
	case dir == "":
		return []outFile{{"-", list[0].Data}}
	}
	var out []outFile
	for _, f := range list {
		out = append(out, outFile{filepath.Join(absolute(dir), filepath.FromSlash(f.Name)), f.Data})
	}
	return out
}
