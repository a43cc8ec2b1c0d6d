package cli

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"salvor/internal/config"
	"salvor/internal/layout"
	"salvor/internal/layout/rear"
	"salvor/internal/workflow"
)

var importPage = page{
	use:   "import rear [DIR] [OPTIONS]",
	short: "make a layout and a configuration of the files of Relax-and-Recover (ReaR)",
	writes: "It writes the layout to standard output, or to the file that --output names, and nothing else unless it is " +
		"told to. A file that is there already and says something else stays as it is, and the command is refused.",
	long: "DIR is ReaR's directory or a copy of it, " + rearDir + " by default: disklayout.conf and the files beside it. " +
		"The configuration is read from " + rearConfigDir + ", or from the directory that --config names; of site.conf and " +
		"local.conf what assigns values is read, and nothing in them is executed. What was not taken over is listed with " +
		"its cause, and the exit code is 3 then.\n\n" +
		"ReaR writes less down than salvor save: on a machine that runs, salvor save is the better layout.",
	examples: []example{
		{"salvor import rear", "this machine's"},
		{"salvor import rear /mnt/rear --output l.yaml", "a copy of it"},
		{"salvor import rear --config-output c.yaml", "also its configuration"},
	},
	exits: []int{exitOK, exitError, exitUsage, exitGaps, exitRefused, exitInterrupted},
}

// Where ReaR keeps what it knows, and how it was told what to do.
const (
	rearDir       = "/var/lib/rear"
	rearConfigDir = "/etc/rear"
)

type importOptions struct {
	config, output, configOutput string
	overwrite                    bool
}

func (a *app) importFiles() *cobra.Command {
	var o importOptions
	cmd := importPage.command()
	cmd.Args, cmd.ValidArgs = rearAndDir, []string{"rear"}
	cmd.RunE = func(_ *cobra.Command, args []string) error { return a.runImport(o, firstArg(args[1:])) }
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.config, "config", "", "DIR: where ReaR's configuration is (default "+rearConfigDir+", beside a DIR none)")
	f.StringVar(&o.output, "output", "-", "FILE: where the layout goes, - for standard output")
	f.StringVar(&o.configOutput, "config-output", "", "FILE: where salvor's configuration goes")
	f.BoolVar(&o.overwrite, "overwrite", false, "replace files that are there and say something else")
	return cmd
}

// rearAndDir takes the word rear, which leaves room for others, and a directory.
func rearAndDir(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0 || args[0] != "rear":
		return usagef("say of what: %s rear [DIR]", cmd.CommandPath())
	case len(args) > 2:
		return usagef("%s rear takes one directory, but was given %d", cmd.CommandPath(), len(args)-1)
	}
	return nil
}

func (a *app) runImport(o importOptions, dir string) error {
	r, err := a.importRear(o, dir)
	if err != nil {
		return err
	}
	files, err := a.imported(o, r)
	if err != nil {
		return err
	}
	if err := a.writeNew(files, o.overwrite); err != nil {
		return err
	}
	exit := status(exitOK)
	if len(r.Gaps) > 0 {
		exit = exitGaps
	}
	if a.opt.json {
		err = a.json("import", importJSON{r.Layout, r.Config, r.Gaps, int(exit)})
	}
	a.tellGaps("not taken over", r.Gaps)
	if r.Overridden {
		a.reporter.tell(workflow.Note{Text: "the layout is that of the disklayout.conf beside ReaR's configuration, which comes before the saved one"})
	}
	if r.Config != nil && o.configOutput == "" {
		a.reporter.tell(workflow.Note{Text: "ReaR's configuration was read too: --config-output FILE writes what salvor makes of it"})
	}
	if err == nil && exit != exitOK {
		return exit
	}
	return err
}

// importJSON is the answer for programs.
type importJSON struct {
	Layout *layout.Layout `json:"layout"`
	Config *config.Config `json:"config,omitempty"`
	Gaps   []rear.Gap     `json:"gaps,omitempty"`
	Exit   int            `json:"exit"`
}

func (a *app) importRear(o importOptions, dir string) (*workflow.RearImport, error) {
	files, done, err := a.directory(dir, rearDir)
	if err != nil {
		return nil, err
	}
	defer done()
	if dir != "" && o.config == "" {
		return workflow.ImportRear(files, nil)
	}
	settings, done, err := a.directory(o.config, rearConfigDir)
	if err != nil {
		return nil, err
	}
	defer done()
	return workflow.ImportRear(files, settings)
}

// directory gives the files of a directory: of the one that was named, or of the
// machine's own.
func (a *app) directory(named, usual string) (files fs.FS, done func(), err error) {
	if named != "" {
		if info, err := os.Stat(named); err != nil || !info.IsDir() {
			return nil, nil, fmt.Errorf("cannot read the directory %s: %w", named, fs.ErrNotExist)
		}
		return os.DirFS(named), func() {}, nil
	}
	if a.env.Machine == nil {
		return nil, nil, usagef("give a directory")
	}
	tree, err := a.env.Machine.Tree(usual)
	if err != nil {
		return nil, nil, err
	}
	return tree, func() { tree.Close() }, nil
}

// imported are the files that are to be written. With --json standard output is taken.
func (a *app) imported(o importOptions, r *workflow.RearImport) ([]outFile, error) {
	var out []outFile
	if !a.opt.json || o.output != "-" {
		text, err := layout.Write(r.Layout)
		if err != nil {
			return nil, err
		}
		out = append(out, outFile{absolute(o.output), text})
	}
	if o.configOutput == "" {
		return out, nil
	}
	if r.Config == nil {
		return nil, fmt.Errorf("cannot write %s: no configuration of ReaR was found; --config names its directory", o.configOutput)
	}
	return append(out, outFile{absolute(o.configOutput), r.Text}), nil
}

// absolute gives the path of a file that was named; "-" stays.
func absolute(name string) string {
	if name == "-" {
		return name
	}
	if abs, err := filepath.Abs(name); err == nil {
		return abs
	}
	return name
}

// tellGaps lists what was lost between ReaR's files and salvor's.
func (a *app) tellGaps(lead string, gaps []rear.Gap) {
	for _, g := range gaps {
		where := ""
		if g.File != "" {
			where = " (" + g.File
			if g.Line > 0 {
				where += fmt.Sprintf(":%d", g.Line)
			}
			where += ")"
		}
		a.err.note(0, yellow, lead+": "+g.What+": "+g.Cause+where)
	}
}
