package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"salvor/internal/apply"
	"salvor/internal/plan"
	"salvor/internal/workflow"
)

var umountPage = page{
	use:   "umount [OPTIONS]",
	short: "take down everything that salvor opened and mounted, and nothing else",
	writes: "It changes what unmounting and closing change. What was open or mounted before salvor came stays so; " +
		"what others have begun to use stays open and is named.",
	long: "It works after a crash, a power cut or kill -9 of another salvor command too: what counts is the journal in " +
		"/run/salvor together with what is there now.",
	examples: []example{
		{"salvor umount", "take everything down"},
		{"salvor umount --plan", "what would be done"},
		{"salvor umount --script > down.sh", "the same, to be run by hand"},
	},
	exits: []int{exitOK, exitError, exitUsage, exitRefused, exitInterrupted},
}

type umountOptions struct{ plan, script bool }

func (a *app) umount() *cobra.Command {
	var o umountOptions
	cmd := umountPage.command()
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.runUmount(cmd.Context(), o) }
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&o.plan, "plan", false, "say what would be done, and stop")
	f.BoolVar(&o.script, "script", false, "write it as a shell script instead, to be run by hand")
	return cmd
}

func (a *app) runUmount(ctx context.Context, o umountOptions) error {
	if o.plan && o.script || o.script && a.opt.json {
		return usagef("--plan, --script and --json --script exclude each other")
	}
	report, err := a.work(&prompter{app: a, never: true}).Umount(ctx, o.plan || o.script)
	a.reporter.done()
	if err != nil {
		return err
	}
	switch {
	case o.script:
		text, err := apply.Script(report.Plan, apply.EnvOf(a.env.Machine))
		if err == nil {
			_, err = fmt.Fprint(a.out, text)
		}
		return err
	case a.opt.json:
		return a.json("umount", report)
	default:
		a.showUmount(report)
		return nil
	}
}

func (a *app) showUmount(r *workflow.UmountReport) {
	switch {
	case r.Plan.Empty():
		a.out.line("Nothing is mounted or open by salvor.")
	case !r.Done:
		a.out.plan(r.Plan)
	case r.Target != "":
		a.out.line("%s is taken down: %s.", a.out.safe(r.Target), tally(r.Plan))
	default:
		a.out.line("What salvor held is taken down: %s.", tally(r.Plan))
	}
	for _, n := range r.Notes {
		a.out.note(2, yellow, "note: "+n)
	}
}

// tally counts what a plan unmounts and closes.
func tally(p *plan.Plan) string {
	unmounted, closed := 0, 0
	for _, s := range p.Steps {
		switch s.Op.(type) {
		case plan.Unmount:
			unmounted++
		case plan.DetachImage, plan.StopArray, plan.DeactivateLV, plan.Lock, plan.StopMultipath, plan.StopBcache:
			closed++
		}
	}
	return fmt.Sprintf("%d unmounted, %d closed", unmounted, closed)
}
