package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"salvor/internal/config"
	"salvor/internal/layout"
	"salvor/internal/workflow"
)

var savePage = page{
	use:     "save [FILE] [OPTIONS]",
	aliases: wordsFor("save"),
	short:   "save the layout of this machine, all that it takes to make its storage again",
	writes: "It writes FILE (\"-\" is standard output), by default " + defaultLayout + ", which only root can read, and " +
		"nothing when FILE says the same already. Of the disks it reads superblocks and headers; with --system it looks " +
		"as salvor check does.",
	long: "The layout is YAML, made to be read and edited: disks and partition tables with every identifier, RAID, LVM, " +
		"encryption, file systems and how they were made, what was mounted where, fstab and crypttab, boot loader, network. " +
		"No secret is in it. What salvor cannot make again, and what /etc/salvor/config.yaml excludes, is listed in it " +
		"and told. What is different from the layout that was saved before is told too.\n\n" +
		"--luks-headers adds backups of the LUKS headers. They hold the key slots: whoever can decrypt a backup and knows a " +
		"passphrase of that day opens the volume, also when the passphrase was changed since. So they are encrypted to " +
		"public keys of age or ssh, and none is made without.",
	examples: []example{
		{"salvor save", "this machine, at the usual place"},
		{"salvor save -", "to standard output"},
		{"salvor save --system 2 old.yaml", "a system that is not running"},
		{"salvor save --luks-headers=age1qx… l.yaml", "with backups of LUKS headers"},
		{"salvor save --schema", "the JSON Schema, for an editor"},
	},
	exits: []int{exitOK, exitError, exitUsage, exitGaps, exitRefused, exitNothing, exitLocked, exitInterrupted},
}

const defaultLayout = "/var/lib/salvor/layout.yaml"

type saveOptions struct {
	system  string
	headers []string
	schema  bool
	keys    keyOptions
	desk    deskOptions
}

// fromConfiguration is what --luks-headers means without a recipient.
const fromConfiguration = "configuration"

func (o *saveOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.system, "system", "", "SYSTEM: an installed system that is not the running one, as salvor systems lists it")
	f.StringArrayVar(&o.headers, "luks-headers", nil, "also back up LUKS headers, encrypted to RECIPIENT: a public key of age or ssh,\nor a file of them (default: layout.header_recipients of the configuration)")
	f.Lookup("luks-headers").NoOptDefVal = fromConfiguration
	f.BoolVar(&o.schema, "schema", false, "write the JSON Schema of the layout instead, and stop")
	o.keys.flags(f)
	o.desk.flags(f)
}

func (a *app) save() *cobra.Command {
	var o saveOptions
	cmd := savePage.command()
	cmd.Args = atMost(1, "file")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.runSave(cmd.Context(), o, firstArg(args)) }
	f := cmd.Flags()
	f.SortFlags = false
	o.flags(f)
	return cmd
}

// atMost bounds the number of arguments.
func atMost(most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > most {
			return usagef("%s takes %s at most, but was given %d", cmd.CommandPath(), count(most, what), len(args))
		}
		return nil
	}
}

func (a *app) runSave(ctx context.Context, o saveOptions, file string) error {
	if o.schema {
		schema, err := layout.Schema()
		if err != nil {
			return err
		}
		_, err = a.out.Write(schema)
		return err
	}
	order, err := a.saveOrder(&o, file)
	if err != nil {
		return err
	}
	r, err := a.carryOutSave(ctx, o, order)
	a.reporter.done()
	if err != nil {
		return err
	}
	return a.showSave(r, order.File)
}

// saveOrder turns words into the order.
func (a *app) saveOrder(o *saveOptions, file string) (workflow.SaveOrder, error) {
	var order workflow.SaveOrder
	c, err := a.configuration(o.desk.used())
	if err != nil {
		return order, err
	}
	order.Config, order.Ignore = c, words(c.Timer.Ignore)
	order.System = o.system
	if order.File, order.MakeDir, err = a.layoutFile(file, o, c); err != nil {
		return order, err
	}
	order.Headers.To, err = a.recipients(o.headers, c)
	return order, err
}

// configuration reads that of the machine; at a desk there is none, and a report has none.
func (a *app) configuration(desk bool) (*config.Loaded, error) {
	if desk || a.env.Machine == nil || a.env.Replayed {
		return config.Merge()
	}
	return config.Load(a.env.Machine)
}

func words(all []config.Aspect) []string {
	var out []string
	for _, w := range all {
		out = append(out, string(w))
	}
	return out
}

// layoutFile says where the layout goes; "" is standard output. What is not this
// machine's own does not go to this machine's place.
func (a *app) layoutFile(file string, o *saveOptions, c *config.Loaded) (name string, isDefault bool, err error) {
	switch {
	case file == "-", file == "" && (o.system != "" || o.desk.used() || a.env.Replayed):
		return "", false, nil
	case file == "":
		return string(c.Layout.File), true, nil
	}
	name, err = filepath.Abs(file)
	return name, false, err
}

// recipients reads the public keys for header backups.
func (a *app) recipients(given []string, c *config.Loaded) ([]workflow.Recipient, error) {
	if len(given) == 0 {
		return nil, nil
	}
	var texts []string
	for _, g := range given {
		if g != fromConfiguration {
			texts = append(texts, g)
			continue
		}
		for _, r := range c.Layout.Recipients {
			texts = append(texts, string(r))
		}
	}
	to, err := workflow.ParseRecipients(texts, a.readAll)
	if err == nil && len(to) == 0 {
		err = workflow.ErrNoRecipient
	}
	return to, err
}

func (a *app) carryOutSave(ctx context.Context, o saveOptions, order workflow.SaveOrder) (*workflow.SaveReport, error) {
	if !o.desk.used() {
		ask, err := a.keysFor(&order.LayoutOrder, o.keys)
		if err != nil {
			return nil, err
		}
		return a.work(ask).Save(ctx, order)
	}
	d, err := o.desk.desk(ctx, a)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	made, err := d.Layout(ctx, order.LayoutOrder, a.reporter.tell)
	if err != nil {
		return nil, err
	}
	r, err := workflow.NewSaveReport(made)
	if err == nil && order.File != "" {
		r.Written = true
		err = replaceFile(order.File, r.Text)
	}
	return r, err
}

// keysFor reads the keys where any are needed: what runs is open.
func (a *app) keysFor(o *workflow.LayoutOrder, keys keyOptions) (workflow.Asker, error) {
	if o.System == "" {
		if len(keys.keys) > 0 {
			return nil, usagef("--key is for --system: of the system that runs everything is open")
		}
		return nil, nil
	}
	var ask *prompter
	var err error
	o.Keys, ask, err = keys.read(a)
	return ask, err
}

// saveJSON is the answer for programs.
type saveJSON struct {
	File    string             `json:"file,omitempty"`
	Written bool               `json:"written"`
	Changes *layout.Difference `json:"difference,omitempty"`
	Edited  string             `json:"edited,omitempty"`
	Gaps    []string           `json:"gaps,omitempty"`
	Layout  *layout.Layout     `json:"layout"`
	Exit    int                `json:"exit"`
}

func (a *app) showSave(r *workflow.SaveReport, file string) error {
	exit := status(exitOK)
	if len(r.Gaps) > 0 || countUncovered(r.Layout.Uncovered, layout.NotCovered) > 0 {
		exit = exitGaps
	}
	var err error
	switch {
	case a.opt.json:
		err = a.json("save", saveJSON{file, r.Written, r.Changes, r.Edited, r.Gaps, r.Layout, int(exit)})
	case file == "":
		_, err = a.out.Write(r.Text)
	default:
		a.saveText(r, file)
	}
	a.tellUncovered(r)
	if err == nil && exit != exitOK {
		return exit
	}
	return err
}

func (a *app) saveText(r *workflow.SaveReport, file string) {
	if r.Edited != "" {
		a.reporter.tell(workflow.Note{Text: "the saved layout was changed by hand, and is " + r.Edited + " now"})
	}
	l := r.Layout
	what := strings.Join([]string{
		count(len(l.Storage.Disks), "disk"), count(len(l.Storage.FileSystems), "file system"), count(len(l.Mounts), "mount"),
	}, ", ")
	switch {
	case !r.Written:
		a.out.line("%s has it already: nothing is different.", a.out.safe(file))
	case r.Changes == nil:
		a.out.line("%s: %s", a.out.paint(bold, a.out.safe(file)), what)
	case r.Changes.Empty():
		a.out.line("%s: %s; nothing that counts is different", a.out.paint(bold, a.out.safe(file)), what)
	default:
		a.out.line("%s: %s; different from the one that was saved before:", a.out.paint(bold, a.out.safe(file)), what)
		a.out.line("")
		renderChanges(a.out, r.Changes)
	}
}

func countUncovered(list []layout.Uncovered, state string) int {
	n := 0
	for _, u := range list {
		if u.State == state {
			n++
		}
	}
	return n
}

// tellUncovered says what a recovery would not bring back: a gap before what was left
// out on purpose.
func (a *app) tellUncovered(r *workflow.SaveReport) {
	for _, gap := range r.Gaps {
		a.err.note(0, yellow, gap)
	}
	for _, u := range r.Layout.Uncovered {
		if u.State == layout.NotCovered {
			a.err.note(0, yellow, "not covered: "+u.What+": "+u.Why)
		}
	}
	if a.opt.quiet {
		return
	}
	for _, u := range r.Layout.Uncovered {
		if u.State != layout.NotCovered {
			a.err.note(0, plain, fmt.Sprintf("%s: %s: %s", u.State, u.What, u.Why))
		}
	}
}
