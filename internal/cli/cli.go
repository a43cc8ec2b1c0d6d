package cli

import (
	"context"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"

	"salvor/internal/machine"
	"salvor/internal/storage"
	"salvor/internal/workflow"
)

// Env is what a run of the program has around it.
type Env struct {
	Machine        machine.Machine
	Probe          func(context.Context) (*storage.Graph, error)
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Terminal opens the terminal that the user sits at, whatever the standard
	// streams are.
	Terminal func() (*os.File, error)
	Getenv   func(string) string
	// Guard keeps what is in memory from being swapped; nil where nothing can be.
	Guard    func() error
	Signals  []os.Signal // that stop the work; the second one stops at once
	Replayed bool        // the machine is a recorded one
	// Program gives the file of this program; nil where it is none.
	Program func() ([]byte, error)
	// Unlocked are the volumes for which keys were given when the machine was
	// recorded: any key opens them again.
	Unlocked []string
}

// Main runs the program and gives its exit status.
func Main(ctx context.Context, args []string, env Env) int {
	a := &app{env: env}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	ctx, stop := a.withSignals(ctx)
	defer stop()
	cmd, err := root.ExecuteContextC(ctx)
	return a.end(cmd, err)
}

// app is one run of the program.
type app struct {
	env      Env
	opt      globals
	out, err *screen
	reporter *reporter
	// interrupt ends the context, as a signal does.
	interrupt context.CancelFunc
	// leaves is what the command leaves when it is stopped at once, a string; none if salvor
	// umount takes back what was done.
	leaves atomic.Value
}

// globals are the options that every command has.
type globals struct {
	json    bool
	colour  string
	quiet   bool
	verbose bool
}

// root makes the tree of commands.
func (a *app) root() *cobra.Command {
	root := rootPage.command()
	root.SilenceErrors, root.SilenceUsage = true, true
	root.Args = a.noSuchCommand
	root.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := a.setUp(); err != nil {
			return err
		}
		a.tellWord(cmd)
		return nil
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.SetHelpFunc(showHelp)
	flags := root.PersistentFlags()
	flags.SortFlags = false
	flags.BoolVar(&a.opt.json, "json", false, "write one JSON document instead of text (docs/json.md)")
	flags.StringVar(&a.opt.colour, "color", "auto", "colours: auto, always or never")
	flags.BoolVarP(&a.opt.quiet, "quiet", "q", false, "no progress, no notes, no advice")
	flags.BoolVarP(&a.opt.verbose, "verbose", "v", false, "also show what is done only for a look and taken back")
	root.AddCommand(a.probe(), a.systems(), a.check(), a.mount(), a.umount(), a.chroot(), a.status(), a.save(), a.diff(), a.rescue(), a.mkrescue(), a.importFiles(), a.exportFiles(), a.config(), a.report(), a.replay(), a.completion(), a.version(), a.doc())
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(helpCommand())
	root.SuggestionsMinimumDistance = 2
	return root
}

func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "explain a command", Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			topic, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usagef("there is no command %q", strings.Join(args, " "))
			}
			return topic.Help()
		},
	}
}

// setUp looks at the outputs, once the options are known.
func (a *app) setUp() error {
	var err error
	if a.out, err = newScreen(a.env.Stdout, a.opt.colour, a.getenv); err != nil {
		return &usageError{err}
	}
	a.err, err = newScreen(a.env.Stderr, a.opt.colour, a.getenv)
	a.reporter = &reporter{screen: a.err, quiet: a.opt.quiet, verbose: a.opt.verbose}
	return err
}

func (a *app) getenv(name string) string {
	if a.env.Getenv == nil {
		return ""
	}
	return a.env.Getenv(name)
}

// work makes the order book for one command.
func (a *app) work(ask workflow.Asker) *workflow.Work {
	return &workflow.Work{Machine: a.env.Machine, Probe: a.env.Probe, Ask: ask, Tell: a.reporter.tell}
}
