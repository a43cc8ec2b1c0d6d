package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"salvor/internal/config"
	"salvor/internal/machine"
	"salvor/internal/rescue"
	"salvor/internal/rescue/medium"
	"salvor/internal/workflow"
)

var rescuePage = page{
	use:    "rescue COMMAND",
	short:  "make, write and look through a rescue image of this machine",
	writes: "Each of its commands says what it writes. None changes the system that runs.",
	long: "A rescue image starts a machine whose own system does not start: with this kernel, the drivers that the " +
		"machine needs, the programs for its storage, and salvor. There is no secret in it.",
	examples: []example{
		{"salvor rescue build", "make it"},
		{"salvor rescue audit /var/lib/salvor/rescue.iso", "what is in it?"},
		{"salvor rescue write /var/lib/salvor/rescue.iso", "write it to a stick"},
	},
	exits: []int{exitOK, exitError, exitUsage, exitGaps, exitRefused, exitNothing, exitInterrupted},
}

func (a *app) rescue() *cobra.Command {
	cmd := rescuePage.command()
	cmd.Args = a.noSuchCommand
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(a.rescueBuild(), a.rescueWrite(), a.rescueAudit(), a.rescueTest())
	return cmd
}

var rescueBuildPage = page{
	use:   "build [OPTIONS]",
	short: "make a rescue image of this machine",
	writes: "It writes one file (with --format=pxe, a directory), by default the one that the configuration names, or else " +
		"/var/lib/salvor/rescue.iso. What is there under that name is replaced when the new image is on the disk, all of it. " +
		"Nothing else is changed. With --plan nothing is written.",
	long: "The image has the kernel that runs, drivers for this machine and for common other hardware, the programs for its " +
		"storage with all that they need, its layout and configuration, a report of it, and the public keys that may come in by ssh. " +
		"If anything that is needed is not there, all of that is listed and no image is made; and so if there would be a secret in it.\n\n" +
		"Formats: iso (a CD, or the same file on a USB stick), usb or raw (a stick with a GPT), uki (one program for UEFI), pxe (a directory for a " +
		"server), initramfs (that alone; it goes with the kernel that is named). What the machine is started by has to be installed " +
		"here: isolinux, shim-signed and their like. What cannot start the image for want of that is told; if it is this machine, the exit code is 3.\n\n" +
		"With --root, the image is of the machine whose files are in DIR, for any hardware unless --minimal is given. Boot loaders that DIR does not have " +
		"are those of this machine. If that machine is of another architecture, give a salvor for it with --program.",
	examples: []example{
		{"salvor rescue build", "as configured"},
		{"salvor rescue build --plan", "what would be in it, and why?"},
		{"salvor rescue build --format usb --generic --output /tmp/any.img", "for any hardware"},
		{"salvor rescue build --root /mnt/local --output /tmp/other.iso", "of another machine"},
		{"salvor rescue build --if-stale", "only if the saved layout has changed"},
	},
	exits: []int{exitOK, exitError, exitUsage, exitGaps, exitRefused, exitInterrupted},
}

type rescueBuildOptions struct {
	output, format, kernel          string
	root, program                   string
	generic, minimal, plan, ifStale bool
}

func (o *rescueBuildOptions) flags(f *pflag.FlagSet) {
	f.StringVarP(&o.output, "output", "o", "", "FILE: where it goes")
	f.StringVar(&o.format, "format", "", "iso, usb, raw, uki, pxe or initramfs (default: rescue.format of the configuration)")
	f.StringVar(&o.kernel, "kernel", "", "RELEASE or FILE: the kernel, if not the one that runs")
	f.BoolVar(&o.generic, "generic", false, "all drivers of storage and network, for any machine")
	f.BoolVar(&o.minimal, "minimal", false, "drivers for this machine and for virtual ones, and few programs")
	f.StringVar(&o.root, "root", "", "DIR: a directory with the files of another machine")
	f.StringVar(&o.program, "program", "", "FILE: the salvor of the image, if the machine of --root is of another architecture")
	f.BoolVar(&o.plan, "plan", false, "show what would be in it, and stop")
	f.BoolVar(&o.ifStale, "if-stale", false, "only if there is one, and the saved layout is not the one in it")
}

func (a *app) rescueBuild() *cobra.Command {
	var o rescueBuildOptions
	cmd := rescueBuildPage.command()
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.runRescueBuild(cmd.Context(), o) }
	f := cmd.Flags()
	f.SortFlags = false
	o.flags(f)
	return cmd
}

// mkrescue is ReaR's word for rescue build.
func (a *app) mkrescue() *cobra.Command {
	cmd := a.rescueBuild()
	cmd.Use, cmd.Hidden = "mkrescue", true
	return cmd
}

func (o *rescueBuildOptions) check() error {
	switch {
	case o.generic && o.minimal:
		return usagef("give only one of --generic and --minimal")
	case o.ifStale && given(o.plan, o.root != "") > 0:
		return usagef("--if-stale is for an image of this machine that is there already: give neither --plan nor --root with it")
	case o.program != "" && o.root == "":
		return usagef("--program is for a machine of another architecture: give --root with it")
	case o.root != "" && o.output == "" && !o.plan:
		return usagef("give --output with --root: the usual place is that of this machine's own image")
	}
	return nil
}

func (a *app) runRescueBuild(ctx context.Context, o rescueBuildOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	w := a.work(nil)
	if o.root != "" {
		tree, err := machine.NewRooted(o.root)
		if err != nil {
			return err
		}
		defer tree.Close()
		w.Machine = tree
	}
	order, err := a.rescueOrder(w, o)
	if err != nil {
		return err
	}
	if o.ifStale {
		fresh, err := w.RescueFreshness(ctx, order.File, order.Config)
		if err != nil || !fresh.Stale {
			return a.showFresh(fresh, order.File, err)
		}
		a.reporter.tell(workflow.Note{Text: fresh.Why})
	}
	r, err := w.BuildRescue(ctx, order)
	a.reporter.done()
	if err != nil {
		return err
	}
	if o.plan {
		return a.showRescuePlan(r)
	}
	return a.showRescue(r)
}

// rescueOrder turns words and the configuration into the order.
func (a *app) rescueOrder(w *workflow.Work, o rescueBuildOptions) (workflow.RescueOrder, error) {
	order := workflow.RescueOrder{Elsewhere: o.root != "", Here: a.env.Machine, Kernel: o.kernel, PlanOnly: o.plan}
	var err error
	if order.Config, err = config.Load(w.Machine); err != nil {
		return order, err
	}
	if order.Program, order.Salvor, err = a.imageProgram(o.program); err != nil {
		return order, err
	}
	switch {
	case o.generic:
		order.Hardware = rescue.Generic
	case o.minimal:
		order.Hardware = rescue.Minimal
	}
	if strings.Contains(o.kernel, "/") && o.root == "" {
		if order.Kernel, err = filepath.Abs(o.kernel); err != nil {
			return order, fmt.Errorf("cannot find the kernel: %w", err)
		}
	}
	if order.Format, err = rescueFormat(o.format, order.Config.Rescue.Format); err != nil {
		return order, err
	}
	if !order.Elsewhere {
		order.Record = a.recordForImage
	}
	order.File, order.MakeDir, err = rescueOutput(o.output, order)
	return order, err
}

// rescueFormat takes a word, or the configured one; a stick and an image of one are the same.
func rescueFormat(word string, configured config.Format) (medium.Format, error) {
	if word == "" {
		word = string(configured)
	}
	if word == string(config.Raw) {
		return medium.USB, nil
	}
	switch f := medium.Format(word); f {
	case medium.ISO, medium.USB, medium.UKI, medium.PXE, medium.Initramfs:
		return f, nil
	}
	return "", usagef("there is no format %q: it has to be one of iso, usb, raw, uki, pxe, initramfs", word)
}

// rescueOutput says where the image goes, and whether its directory is salvor's own.
func rescueOutput(given string, order workflow.RescueOrder) (file string, own bool, err error) {
	place := string(order.Config.Rescue.Output)
	switch {
	case given != "":
		file, err = filepath.Abs(given)
	case place == "":
		file, own = workflow.RescueFile(order.Format), true
	case filepath.IsAbs(place):
		file = filepath.Clean(place)
	default:
		return "", false, fmt.Errorf("cannot write the image to %s, where rescue.output of the configuration says: it is no file of this machine: give one with --output, and copy it there", place)
	}
	if err != nil {
		return "", false, fmt.Errorf("cannot write the image: %w", err)
	}
	info, err := os.Lstat(file)
	wrong := err == nil && (order.Format == medium.PXE && !info.IsDir() || order.Format != medium.PXE && !info.Mode().IsRegular())
	if wrong && !order.PlanOnly {
		return "", false, usagef("cannot write the image to %s: it is there, and is something else", file)
	}
	return file, own, nil
}

// recordForImage makes the report that goes into the image.
func (a *app) recordForImage(ctx context.Context) ([]byte, error) {
	w, rec := a.recording(nil)
	w.Tell = nil
	r, err := w.Report(ctx, rec, workflow.ReportOrder{Salvor: build().Version, Running: true})
	if err != nil {
		return nil, err
	}
	var data bytes.Buffer
	err = r.Save(&data)
	return data.Bytes(), err
}
