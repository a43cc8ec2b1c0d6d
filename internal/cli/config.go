package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"salvor/internal/config"
	"salvor/internal/document"
	"salvor/internal/machine"
)

var configPage = page{
	use:    "config [FILE…] [OPTIONS]",
	short:  "show and check what is configured",
	writes: "It writes nothing, looks at no disk, and reads no other files.",
	long: "It shows the configuration that is in force: of " + config.File + ", of " + config.Directory + "/*.yaml in " +
		"the order of their names, and the defaults, each value with the line that it comes from. With FILE… these " +
		"files are read instead, in this order.\n\n" +
		"The output can be read as a configuration again. docs/config.md explains every key.",
	examples: []example{
		{"salvor config", "what is in force, and from where"},
		{"salvor config --check", "is anything wrong with it?"},
		{"salvor config --check new.yaml", "before it is put in force"},
		{"salvor config --sample", "a file to begin with"},
		{"salvor config --schema", "for an editor that knows JSON Schema"},
	},
	exits: []int{exitOK, exitError, exitUsage},
}

type configOptions struct {
	check, sample, schema bool
	root                  string
}

func (a *app) config() *cobra.Command {
	var o configOptions
	cmd := configPage.command()
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(_ *cobra.Command, args []string) error { return a.runConfig(o, args) }
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&o.check, "check", false, "say only what is wrong, line by line")
	f.BoolVar(&o.sample, "sample", false, "write a configuration in which every key is explained and none is set")
	f.BoolVar(&o.schema, "schema", false, "write the JSON Schema of a configuration file")
	f.StringVar(&o.root, "root", "", "DIR: a directory in place of the files of this machine")
	return cmd
}

func (a *app) runConfig(o configOptions, files []string) error {
	switch {
	case given(o.check, o.sample, o.schema) > 1:
		return usagef("give only one of --check, --sample and --schema")
	case given(o.sample, o.schema, o.root != "", len(files) > 0) > 1:
		return usagef("give only one of FILE, --root, --sample and --schema")
	case o.sample:
		_, err := a.out.Write(config.Sample())
		return err
	case o.schema:
		schema, err := config.Schema()
		if err == nil {
			_, err = a.out.Write(schema)
		}
		return err
	}
	c, err := a.readConfig(o.root, files)
	wrong, invalid := errors.AsType[*config.InvalidError](err)
	switch {
	case invalid && o.check:
		return a.showProblems(wrong.List)
	case err != nil:
		return err
	case a.opt.json:
		return a.json("config", configJSON{c.Files, c.Ignored, c.Config, c.Origins()})
	case o.check:
		a.out.line("Nothing is wrong with %s.", countFiles(len(c.Files)))
		return nil
	default:
		return a.showConfig(c)
	}
}

// errorLines breaks the text of an error into lines for the terminal. Each of the problems
// of a file has a line of its own; any other line end in an error is shown as an escape.
func (a *app) errorLines(err error, text string) []string {
	room := a.err.width - len("salvor: ")
	if !isListing(err) {
		return wrap(a.err.safe(text), room)
	}
	var out []string
	for problem := range strings.SplitSeq(text, "\n") {
		lines := wrap(a.err.safe(problem), room-2)
		out = append(out, lines[0])
		for _, l := range lines[1:] {
			out = append(out, "  "+l)
		}
	}
	return out
}

func given(options ...bool) int {
	n := 0
	for _, o := range options {
		if o {
			n++
		}
	}
	return n
}

func countFiles(n int) string {
	if n == 0 {
		return "the defaults: there is no file"
	}
	return count(n, "file")
}

// readConfig reads the configuration of a directory or of files, or else of this machine.
func (a *app) readConfig(root string, files []string) (*config.Loaded, error) {
	switch {
	case root != "":
		m, err := machine.NewRooted(root)
		if err != nil {
			return nil, err
		}
		defer m.Close()
		return config.Load(m)
	case len(files) == 0:
		return config.Load(a.env.Machine)
	}
	var inputs []config.Input
	for _, name := range files {
		data, err := a.readAll(name)
		if err != nil {
			return nil, fmt.Errorf("cannot read the configuration: %w", err)
		}
		inputs = append(inputs, config.Input{Name: name, Data: data})
	}
	return config.Merge(inputs...)
}

// showProblems tells what is wrong, which is what was asked for: a line for each, as
// editors and other programs read it.
func (a *app) showProblems(problems []*document.Problem) error {
	if a.opt.json {
		if err := a.json("config", problemsJSON{problems, exitError}); err != nil {
			return err
		}
		return status(exitError)
	}
	for _, p := range problems {
		a.out.line("%s", a.out.safe(p.Error()))
	}
	return status(exitError)
}

// problemsJSON is the answer for programs when something is wrong.
type problemsJSON struct {
	Problems []*document.Problem `json:"problems"`
	Exit     int                 `json:"exit"`
}

// configJSON is the answer for programs.
type configJSON struct {
	Files   []string                 `json:"files"`
	Ignored []string                 `json:"ignored,omitempty"`
	Config  config.Config            `json:"config"`
	Origins map[string]config.Origin `json:"origins"`
}

func (a *app) showConfig(c *config.Loaded) error {
	text, err := c.Annotated()
	if err != nil {
		return err
	}
	if _, err = a.out.Write(text); err != nil || a.opt.quiet {
		return err
	}
	for _, name := range c.Ignored {
		a.err.note(0, plain, "not read, by its name: "+name)
	}
	return nil
}
