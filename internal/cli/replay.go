package cli

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"salvor/internal/machine"
	"salvor/internal/probe"
	"salvor/internal/storage"
	"salvor/internal/workflow"
)

var replayPage = page{
	use:    "replay FILE COMMAND [OPTIONS]",
	short:  "run a look on the machine that a report is of",
	writes: "It touches nothing of this machine, and needs neither root nor a tool.",
	long: "COMMAND is one of probe, systems, check, status, save, diff and mount --plan (or --script), with their options, and gives " +
		"what it would have given there, but that check reads no initramfs. Volumes for which salvor report was given keys open again; others stay locked. " +
		"What is asked for and is not in the report counts as unknown, and is said at the end: a report made by another " +
		"version may lack answers.",
	examples: []example{
		{"salvor replay my.report probe", "its storage stack"},
		{"salvor replay my.report systems", "what is installed there"},
		{"salvor replay my.report mount --plan 1", "how it would be mounted"},
		{"salvor replay my.report probe --json", "its graph, for --graph"},
	},
	exits: []int{exitOK, exitError, exitUsage, exitGaps, exitRefused, exitNothing, exitLocked, exitInterrupted},
}

// replayed are the commands that look and no more.
var replayed = []string{"probe", "systems", "check", "status", "save", "diff", "mount"}

func (a *app) replay() *cobra.Command {
	cmd := replayPage.command()
	cmd.Args = cobra.ArbitraryArgs
	cmd.Flags().SetInterspersed(false) // what follows FILE is the command's
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.runReplay(cmd, args) }
	return cmd
}

func (a *app) runReplay(cmd *cobra.Command, args []string) error {
	if len(args) < 2 {
		return usagef("%s takes a file ('-' for standard input) and a command", cmd.CommandPath())
	}
	if err := checkReplayed(args[1:]); err != nil {
		return err
	}
	data, err := a.readAll(args[0])
	if err != nil {
		return err
	}
	r, err := workflow.LoadReport(bytes.NewReader(data))
	if err != nil {
		return err
	}
	m := machine.NewReplay(r.Recording)
	env := a.env
	env.Machine, env.Terminal, env.Guard, env.Signals, env.Replayed, env.Unlocked = m, nil, nil, nil, true, r.Keys
	env.Probe = func(ctx context.Context) (*storage.Graph, error) {
		// One device after the other, without a limit of time: the same each time.
		return probe.Probe(ctx, m, probe.Options{Parallel: 1, DeviceTimeout: time.Hour})
	}
	exit := Main(cmd.Context(), append(globalArgs(cmd), args[1:]...), env)
	a.tellMissed(r, m.Missed())
	if exit != exitOK {
		return status(exit)
	}
	return nil
}

// checkReplayed lets looks and plans pass.
func checkReplayed(args []string) error {
	switch {
	case !slices.Contains(replayed, args[0]):
		return usagef("cannot replay %q: it has to be one of %s", args[0], strings.Join(replayed, ", "))
	case args[0] == "mount" && !slices.Contains(args, "--plan") && !slices.Contains(args, "--script"):
		return usagef("cannot mount what is in a report: give --plan or --script")
	}
	return nil
}

// globalArgs hands on what was said before FILE.
func globalArgs(cmd *cobra.Command) []string {
	var out []string
	cmd.Flags().Visit(func(f *pflag.Flag) { out = append(out, "--"+f.Name+"="+f.Value.String()) })
	return out
}

// tellMissed says what the report has no answers to.
func (a *app) tellMissed(r *workflow.Report, missed []string) {
	if len(missed) == 0 || a.opt.quiet {
		return
	}
	a.err.line("")
	a.err.note(0, yellow, "The report, made by salvor "+r.Salvor+" on "+r.Created.UTC().Format("2006-01-02")+
		", does not answer "+count(len(missed), "question")+" that this salvor ("+build().Version+") asked; it went on without.")
	most := 3
	if a.opt.verbose {
		most = len(missed)
	}
	for i, q := range missed {
		if i == most {
			a.err.line("  … and %d more (--verbose)", len(missed)-i)
			return
		}
		a.err.note(2, plain, q)
	}
}
