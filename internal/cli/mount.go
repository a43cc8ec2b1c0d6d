package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"salvor/internal/apply"
	"salvor/internal/storage"
	"salvor/internal/system"
	"salvor/internal/workflow"
)

var mountPage = page{
	use:     "mount [SYSTEM] [OPTIONS]",
	aliases: []string{"mountonly"},
	short:   "mount an installed system completely, by its own fstab and crypttab",
	writes: "It never creates and never destroys. Mounting read-write changes what mounting always changes (journals, " +
		"times, superblocks); with --read-only not one byte of any disk is written, not even for a dirty file system.",
	long: "SYSTEM is a number of the list of salvor systems, a device, a label, a host name, a distribution or a part of " +
		"its name; it can be left out when there is only one. Locked volumes are asked for, and a passphrase is tried on " +
		"all of them. At the end every line of the fstab stands in a table with its end state. A line that cannot be " +
		"mounted stops only what lies below it; nofail hides nothing. /dev, /proc, /sys and /run are there for chroot.\n\n" +
		"--snapshot mounts a snapshot of the system, or an older deployment of it, with the rest of the system by its " +
		"fstab: WHICH is snapper's number, timeshift's name, the path of a subvolume, the name of a volume, the " +
		"checksum of a deployment, or \"last\". A read-only snapshot is mounted read-only.\n\n" +
		"--image takes a file with the image of a disk in place of the machine's disks, and detaches it with salvor " +
		"umount. It must not be in use by a virtual machine.\n\n" +
		"Where fstab or crypttab are damaged, or name what has another name now, the layout that salvor save left in the " +
		"system helps, or another one that --layout names. What comes from it says so.\n\n" +
		"A dirty, degraded or hibernated system needs a word of consent before it is mounted read-write. --fsck checks " +
		"every file system, when all is open and before the first is mounted, as a booting system does, and shows what " +
		"the checker said; one with errors that are left to a person is not mounted.",
	examples: []example{
		{"salvor mount", "the only system, at /mnt/local"},
		{"salvor mount 2 --target /mnt/two", "the second one of the list, elsewhere"},
		{"salvor mount --read-only", "for a copy of its files, or a look"},
		{"salvor mount --image /srv/vm.qcow2", "the system in an image file"},
		{"salvor mount --layout /usb/layout.yaml", "its crypttab is lost"},
		{"salvor mount --plan", "what would be done"},
	},
	exits: []int{exitOK, exitError, exitUsage, exitGaps, exitRefused, exitNothing, exitLocked, exitInterrupted},
}

// mountOptions are shared by mount and chroot.
type mountOptions struct {
	order  workflow.MountOrder
	accept []string
	keys   keyOptions
	images imageOptions
	layout layoutOption
}

func (o *mountOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.order.Target, "target", "", "DIR: where to mount (default "+workflow.DefaultTarget+")")
	f.StringVar(&o.order.Snapshot, "snapshot", "", "WHICH: a snapshot of SYSTEM in its place: a number, a path, "+system.LastSnapshot)
	f.BoolVar(&o.order.ReadOnly, "read-only", false, "write nothing to any disk")
	f.BoolVar(&o.order.Network, "network", false, "mount network file systems too, and let programs inside resolve names as here\n(/etc/resolv.conf is bound in)")
	f.BoolVar(&o.order.Fsck, "fsck", false, "check the file systems before they are mounted; with --read-only, change nothing")
	o.keys.flags(f)
	o.images.flags(f)
	o.layout.flags(f)
	f.StringSliceVar(&o.accept, "accept", nil, "accept a risk beforehand: "+riskWords())
}

// riskWords are what --accept takes.
func riskWords() string {
	var out []string
	for _, h := range system.RiskWords {
		out = append(out, string(h))
	}
	return strings.Join(out, ", ")
}

// finish turns words into the order.
func (o *mountOptions) finish(a *app, args []string) (*prompter, error) {
	o.order.System = firstArg(args)
	for _, w := range o.accept {
		h := storage.Health(w)
		if !slices.Contains(system.RiskWords, h) {
			return nil, usagef("cannot use --accept %q: it is one of %s", w, riskWords())
		}
		o.order.Accept = append(o.order.Accept, h)
	}
	var err error
	if o.order.Images, err = o.images.read(); err != nil {
		return nil, err
	}
	if o.order.Layout, err = o.layout.read(a); err != nil {
		return nil, err
	}
	var ask *prompter
	o.order.Keys, ask, err = o.keys.read(a)
	return ask, err
}

type mountCommand struct {
	mountOptions
	plan, script bool
	desk         deskOptions
}

func (a *app) mount() *cobra.Command {
	var o mountCommand
	cmd := mountPage.command()
	cmd.Args = oneSystem
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.runMount(cmd.Context(), o, args) }
	f := cmd.Flags()
	f.SortFlags = false
	o.flags(f)
	f.BoolVar(&o.plan, "plan", false, "say what would be done, and stop")
	f.BoolVar(&o.script, "script", false, "write it as a shell script instead, to be run by hand")
	o.desk.flags(f)
	return cmd
}

func (a *app) runMount(ctx context.Context, o mountCommand, args []string) error {
	if o.plan && o.script || o.script && a.opt.json {
		return usagef("--plan, --script and --json --script exclude each other")
	}
	if o.script && o.order.Fsck {
		return usagef("--fsck and --script exclude each other: what follows a check depends on what it finds")
	}
	if o.desk.used() && !o.plan && !o.script {
		return usagef("--graph and --root are for --plan and --script: nothing can be mounted at a desk")
	}
	if o.desk.used() && o.images.used() {
		return errImageAtDesk
	}
	ask, err := o.finish(a, args)
	if err != nil {
		return err
	}
	o.order.PlanOnly = o.plan || o.script
	report, err := a.carryOutMount(ctx, o, ask)
	a.reporter.done()
	if report == nil {
		return err
	}
	if err := a.showMount(report, o.script); err != nil {
		return err
	}
	switch {
	case err != nil:
		return err
	case hasGaps(report):
		return status(exitGaps)
	}
	return nil
}

func (a *app) carryOutMount(ctx context.Context, o mountCommand, ask *prompter) (*workflow.MountReport, error) {
	if !o.desk.used() {
		a.reporter.mounts = true
		return a.work(ask).Mount(ctx, o.order)
	}
	o.desk.layout = o.order.Layout
	d, err := o.desk.desk(ctx, a)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Mount(o.order)
}

// showMount shows the report in the form that was asked for.
func (a *app) showMount(r *workflow.MountReport, script bool) error {
	switch {
	case script:
		text, err := apply.Script(r.Plan, apply.EnvOf(a.env.Machine))
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(a.out, text)
		return err
	case a.opt.json:
		return a.json("mount", mountJSON(r))
	default:
		a.mountTable(r)
		return nil
	}
}
