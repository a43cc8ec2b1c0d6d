package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"salvor/internal/check"
	"salvor/internal/storage"
	"salvor/internal/workflow"
)

var checkPage = page{
	use:   "check [SYSTEM] [OPTIONS]",
	short: "say what is or will be wrong with an installed system",
	writes: "It writes to no disk, and mounts nothing: like salvor systems it looks at the file systems read-only and " +
		"takes down again what it opened for that.",
	long: "It reads fstab, crypttab, boot entries and initramfs images, and lists what leads nowhere, what will fail at " +
		"the next start or works by luck, each with its cause and a remedy. \"broken\" will not boot or not mount, " +
		"\"doubtful\" works by luck or not for long, a \"notice\" is good to know. Without SYSTEM all systems are " +
		"checked, but for snapshots.\n\n" +
		"Locked volumes are asked for, since what lies in them cannot be judged otherwise.",
	examples: []example{
		{"salvor check", "all systems that are found"},
		{"salvor check 2", "the second one of the list"},
		{"salvor check --no-prompt --json", "for a program"},
		{"salvor check --layout layout.yaml", "with a layout kept elsewhere"},
		{"salvor check --graph g.json --root DIR", "at a desk"},
	},
	exits: []int{exitOK, exitError, exitUsage, exitGaps, exitRefused, exitNothing, exitLocked, exitInterrupted},
}

type checkOptions struct {
	keys   keyOptions
	layout layoutOption
	desk   deskOptions
}

func (a *app) check() *cobra.Command {
	var o checkOptions
	cmd := checkPage.command()
	cmd.Args = oneSystem
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.runCheck(cmd.Context(), o, args) }
	f := cmd.Flags()
	f.SortFlags = false
	o.keys.flags(f)
	o.layout.flags(f)
	o.desk.flags(f)
	return cmd
}

// checkJSON is the answer for programs.
type checkJSON struct {
	*workflow.CheckReport
	Devices map[storage.ID]deviceJSON `json:"devices"`
	Exit    int                       `json:"exit"`
}

func (a *app) runCheck(ctx context.Context, o checkOptions, args []string) error {
	report, err := a.checkSystems(ctx, o, firstArg(args))
	a.reporter.done()
	if err != nil {
		return err
	}
	exit := status(exitOK)
	if report.Wrong() {
		exit = exitGaps
	}
	if a.opt.json {
		err = a.json("check", checkJSON{report, namesOf(report.Graph, checkedIDs(report)), int(exit)})
	} else {
		a.showChecks(report)
	}
	if err == nil && exit != exitOK {
		return exit
	}
	return err
}

func (a *app) checkSystems(ctx context.Context, o checkOptions, name string) (*workflow.CheckReport, error) {
	given, err := o.layout.read(a)
	if err != nil {
		return nil, err
	}
	if o.desk.used() {
		o.desk.layout = given
		d, err := o.desk.desk(ctx, a)
		if err != nil {
			return nil, err
		}
		defer d.Close()
		return d.Check(ctx, name)
	}
	keys, ask, err := o.keys.read(a)
	if err != nil {
		return nil, err
	}
	return a.work(ask).Check(ctx, workflow.CheckOrder{System: name, Keys: keys, Layout: given, WithoutInitrds: a.env.Replayed})
}

func checkedIDs(r *workflow.CheckReport) []storage.ID {
	var out []storage.ID
	for _, s := range r.Systems {
		out = append(out, s.System.Root)
		for _, f := range s.Findings {
			out = append(out, f.IDs...)
		}
	}
	return out
}

func (a *app) showChecks(r *workflow.CheckReport) {
	for i, s := range r.Systems {
		if i > 0 {
			a.out.line("")
		}
		a.out.line("%s, %s", a.out.paint(bold, a.out.safe(titleOf(s.System))), whereIs(r.Graph, s.System.Root))
		for _, f := range s.Findings {
			a.showFinding(f)
		}
		a.out.line("%s", countFindings(s.Findings))
	}
}

// severityStyles: what does not boot is red.
var severityStyles = map[check.Severity]style{check.Broken: red, check.Doubtful: yellow, check.Notice: plain}

func (a *app) showFinding(f check.Finding) {
	const margin = 12
	a.out.line("")
	word := a.out.paint(severityStyles[f.Severity], fmt.Sprintf("%-*s", margin-2, f.Severity))
	for i, l := range wrap(a.out.safe(f.Where+": "+f.Text), a.out.width-margin) {
		if i > 0 {
			word = strings.Repeat(" ", margin-2)
		}
		a.out.line("  %s%s", word, l)
	}
	if f.Cause != "" {
		a.out.note(margin, faint, f.Cause)
	}
	a.out.note(margin, plain, "mend: "+f.Remedy)
}

// countFindings is the last line of a system: "2 broken, 1 doubtful, no notices".
func countFindings(findings []check.Finding) string {
	if len(findings) == 0 {
		return "Nothing is wrong with it, as far as can be seen without starting it."
	}
	count := map[check.Severity]int{}
	for _, f := range findings {
		count[f.Severity]++
	}
	notices := "notices"
	if count[check.Notice] == 1 {
		notices = "notice"
	}
	return fmt.Sprintf("\n%d broken, %d doubtful, %d %s", count[check.Broken], count[check.Doubtful], count[check.Notice], notices)
}
