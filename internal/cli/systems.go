package cli

import (
	"context"

	"github.com/spf13/cobra"

	"salvor/internal/system"
	"salvor/internal/workflow"
)

var systemsPage = page{
	use:   "systems [OPTIONS]",
	short: "list the installed systems, and what else lies on the disks",
	writes: "It writes to no disk: file systems are looked at read-only, detached and without replaying their journals; " +
		"what is opened for the look is opened read-only and closed again.",
	long: "Snapshots and older deployments stand under the system that they are of; many are counted, and --all lists " +
		"them. salvor mount SYSTEM --snapshot mounts one. A system says whether all lines of its fstab could be " +
		"mounted now. What cannot be looked into is listed too, with the cause.",
	examples: []example{
		{"salvor systems", "what is installed here?"},
		{"salvor systems --unlock", "also in locked volumes: it asks"},
		{"salvor systems --key '*=/run/key'", "also in locked volumes: a key file"},
		{"salvor systems --image vm.qcow2", "in an image file"},
		{"salvor systems --layout layout.yaml", "with a layout kept elsewhere"},
		{"salvor systems --graph graph.json", "at a desk, with a saved probe --json"},
	},
	exits: []int{exitOK, exitError, exitUsage, exitRefused, exitNothing, exitLocked, exitInterrupted},
}

type systemsOptions struct {
	unlock, all bool
	keys        keyOptions
	images      imageOptions
	layout      layoutOption
	desk        deskOptions
}

func (a *app) systems() *cobra.Command {
	var o systemsOptions
	cmd := systemsPage.command()
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.runSystems(cmd.Context(), o) }
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&o.unlock, "unlock", false, "ask for the passphrases of locked volumes, to see what lies in them")
	f.BoolVar(&o.all, "all", false, "list every snapshot, and every layer of a container")
	o.keys.flags(f)
	o.images.flags(f)
	o.layout.flags(f)
	o.desk.flags(f)
	return cmd
}

func (a *app) runSystems(ctx context.Context, o systemsOptions) error {
	report, err := a.findSystems(ctx, o)
	a.reporter.done()
	if err != nil {
		return err
	}
	exit := systemsExit(report.Findings)
	if a.opt.json {
		err = a.json("systems", systemsJSON{report, namesOf(report.Graph, rootsOf(report)), int(exit)})
	} else {
		a.showSystems(report, o.all)
	}
	if err == nil && exit != exitOK {
		return exit
	}
	return err
}

func (a *app) findSystems(ctx context.Context, o systemsOptions) (*workflow.SystemsReport, error) {
	images, err := o.images.read()
	if err != nil {
		return nil, err
	}
	layout, err := o.layout.read(a)
	if err != nil {
		return nil, err
	}
	if o.desk.used() {
		o.desk.layout = layout
		if o.images.used() {
			return nil, errImageAtDesk
		}
		d, err := o.desk.desk(ctx, a)
		if err != nil {
			return nil, err
		}
		defer d.Close()
		return d.Systems(), nil
	}
	given, ask, err := o.keys.read(a)
	if err != nil {
		return nil, err
	}
	return a.work(ask).Systems(ctx, workflow.SystemsOrder{Keys: given, Images: images, Layout: layout, Unlock: o.unlock})
}

func systemsExit(findings []system.Finding) status {
	exit := status(exitNothing)
	for _, f := range findings {
		switch f.Class {
		case system.Installed:
			return exitOK
		case system.Locked:
			exit = exitLocked
		}
	}
	return exit
}
