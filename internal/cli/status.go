package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"salvor/internal/session"
	"salvor/internal/storage"
	"salvor/internal/workflow"
)

var statusPage = page{
	use:    "status",
	short:  "say what salvor has opened and mounted",
	writes: "It writes nothing and opens nothing.",
	examples: []example{
		{"salvor status", "after a break, or a crash"},
		{"salvor status --json", "for a program"},
	},
	exits: []int{exitOK, exitError, exitUsage, exitInterrupted},
}

func (a *app) status() *cobra.Command {
	cmd := statusPage.command()
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.runStatus(cmd.Context()) }
	return cmd
}

func (a *app) runStatus(ctx context.Context) error {
	r, err := a.work(&prompter{app: a, never: true}).Status(ctx)
	if err != nil {
		return err
	}
	if a.opt.json {
		return a.json("status", r)
	}
	a.showStatus(r)
	return nil
}

func (a *app) showStatus(r *workflow.StatusReport) {
	out := a.out
	switch r.Condition {
	case session.Free:
		out.line("salvor holds nothing.")
		return
	case session.Leftover:
		out.line("A look was cut short and has left something open.")
	case session.Interrupted:
		out.line("Work on %s at %s was cut short.", out.safe(r.System), out.safe(r.Target))
	case session.Standing:
		out.line("%s is mounted at %s.", out.paint(bold, out.safe(r.System)), out.safe(r.Target))
	}
	a.statusMounts(r)
	a.statusMissing(r)
	a.statusChecks(r)
	a.statusHoldings(r)
	if a.opt.quiet {
		return
	}
	a.err.line("")
	if r.Condition == session.Interrupted {
		a.err.line("next: salvor mount     goes on with it")
		a.err.line("      salvor umount    takes back what was done")
		return
	}
	a.err.line("next: salvor umount    takes everything down")
}

// statusChecks lists the checks of file systems.
func (a *app) statusChecks(r *workflow.StatusReport) {
	if len(r.Checks) == 0 {
		return
	}
	var rows [][]string
	for _, c := range r.Checks {
		rows = append(rows, []string{a.out.safe(c.Command), cmp.Or(string(c.Verdict), "cut short")})
	}
	a.out.line("")
	a.out.line("Checked before they were mounted:")
	a.out.table(rows, 2, 4, func([]string) style { return plain })
}

// statusHoldings lists what is held besides the mounts, which are listed already.
func (a *app) statusHoldings(r *workflow.StatusReport) {
	var lines []string
	for _, h := range r.Holdings {
		if !strings.HasSuffix(h, " is mounted") {
			lines = append(lines, nameFirst(r.Graph, h))
		}
	}
	if len(lines) == 0 {
		return
	}
	a.out.line("")
	for _, l := range lines {
		a.out.note(2, plain, l)
	}
}

// nameFirst puts what people call a node before a sentence that begins with its ID.
func nameFirst(g *storage.Graph, sentence string) string {
	for n := range g.Nodes() {
		if rest, ok := strings.CutPrefix(sentence, string(n.Base().ID)+" "); ok {
			return fmt.Sprintf("%s %s (%s)", g.ShortName(n.Base().ID), rest, n.Base().ID)
		}
	}
	return sentence
}

func (a *app) statusMounts(r *workflow.StatusReport) {
	if len(r.Mounts) == 0 {
		return
	}
	var rows [][]string
	for _, m := range r.Mounts {
		from := m.Type
		if m.Source != "" {
			from = carrier(r.Graph, m.Source)
		}
		how := ""
		if m.ReadOnly {
			how = "read-only"
		}
		rows = append(rows, []string{a.out.safe(m.Point), a.out.safe(from), how})
	}
	a.out.line("")
	a.out.table(rows, 2, 4, func([]string) style { return plain })
}

// statusMissing lists what was to be mounted and is not.
func (a *app) statusMissing(r *workflow.StatusReport) {
	if len(r.Missing) == 0 {
		return
	}
	var rows [][]string
	for _, m := range r.Missing {
		rows = append(rows, []string{a.out.safe(m.Point), a.out.safe(m.Text)})
	}
	a.out.line("")
	a.out.line("%s", a.out.paint(red, "Not mounted:"))
	a.out.table(rows, 2, 4, func([]string) style { return red })
}
