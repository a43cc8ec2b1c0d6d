package cli

import (
	"context"

	"github.com/spf13/cobra"

	"salvor/internal/workflow"
)

var chrootPage = page{
	use:   "chroot [SYSTEM] [OPTIONS] [-- COMMAND…]",
	short: "run a command or a shell inside an installed system, which is mounted first if it is not",
	writes: "It mounts as salvor mount does; what the command inside writes is written to the system. " +
		"It stays mounted afterwards, unless --umount is given.",
	long: "Without a command it is root's shell, by the system's own passwd. The exit status is that of the command.",
	examples: []example{
		{"salvor chroot", "a root shell inside"},
		{"salvor chroot -- update-grub", "one command"},
		{"salvor chroot --umount -- passwd root", "mount, run, and take down again"},
		{"salvor chroot --layout layout.yaml", "with a layout kept elsewhere"},
		{"salvor chroot --network -- apt-get update", "with name resolution"},
	},
	exits: []int{exitError, exitUsage, exitRefused, exitNothing, exitLocked, exitInterrupted},
}

type chrootOptions struct {
	mountOptions
	umount bool
}

func (a *app) chroot() *cobra.Command {
	var o chrootOptions
	cmd := chrootPage.command()
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.runChroot(cmd.Context(), o, cmd, args) }
	f := cmd.Flags()
	f.SortFlags = false
	o.flags(f)
	f.BoolVar(&o.umount, "umount", false, "take the system down afterwards")
	return cmd
}

func (a *app) runChroot(ctx context.Context, o chrootOptions, cmd *cobra.Command, args []string) error {
	if a.opt.json {
		return usagef("chroot has no --json: the output is that of the command")
	}
	var command []string
	if at := cmd.ArgsLenAtDash(); at >= 0 {
		args, command = args[:at], args[at:]
	}
	if err := oneSystem(cmd, args); err != nil {
		return err
	}
	ask, err := o.finish(a, args)
	if err != nil {
		return err
	}
	a.reporter.mounts = !o.umount
	order := workflow.ChrootOrder{Mount: o.order, Command: command, Umount: o.umount}
	report, err := a.work(ask).Chroot(ctx, order, a.beforeChroot)
	if err != nil {
		return err
	}
	if report.Status != 0 {
		return status(report.Status)
	}
	return nil
}

// beforeChroot tells, on standard error, what is missing inside: standard output
// belongs to the command.
func (a *app) beforeChroot(r *workflow.MountReport) {
	a.reporter.done()
	if r == nil || a.opt.quiet {
		return
	}
	v := &mountView{screen: a.err, r: r}
	v.head()
	if hasGaps(r) {
		v.lines()
		v.volumes()
	}
}
