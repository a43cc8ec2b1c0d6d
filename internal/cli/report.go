package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"salvor/internal/machine"
	"salvor/internal/ondisk"
	"salvor/internal/probe"
	"salvor/internal/storage"
	"salvor/internal/workflow"
)

var reportPage = page{
	use:   "report FILE [OPTIONS]",
	short: "record what salvor sees of this machine, for somebody to look at elsewhere",
	writes: "It writes FILE and to no disk: it looks as probe, systems, check, save and mount --plan do. FILE can be read by its " +
		"owner only; what is in it is said at the end, before you send it to anybody.",
	long: "In the report are the answers to all that these commands asked: files of /sys, /proc and /run, what programs " +
		"said, the superblocks, and of the installed systems the few files that salvor reads (fstab, crypttab, " +
		"os-release and their like). Contents of other files are not, nor is anything that a key could be made of.\n\n" +
		"Keys are asked for by nobody; with --key, locked volumes are looked into too. No key gets into the report, and " +
		"what looks like a password in a file or a command line is replaced. Names, serial numbers, UUIDs and network addresses are in it.\n\n" +
		"salvor replay shows what is in a report.",
	examples: []example{
		{"salvor report /tmp/my.report", "all that opens without a key"},
		{"salvor report /tmp/my.report --key '*=/run/key'", "also locked volumes"},
		{"salvor report - | ssh host 'cat > my.report'", "to another machine"},
	},
	exits: []int{exitOK, exitError, exitUsage, exitGaps, exitInterrupted},
}

type reportOptions struct{ keys keyOptions }

func (a *app) report() *cobra.Command {
	var o reportOptions
	cmd := reportPage.command()
	cmd.Args = oneFile
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.runReport(cmd.Context(), o, args[0]) }
	f := cmd.Flags()
	f.SortFlags = false
	o.keys.flags(f)
	return cmd
}

func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("%s takes one file ('-' for standard output), but was given %d arguments", cmd.CommandPath(), len(args))
	}
	return nil
}

func (a *app) runReport(ctx context.Context, o reportOptions, name string) error {
	file, err := a.reportFile(name)
	if err != nil {
		return err
	}
	o.keys.noPrompt = true
	given, ask, err := o.keys.read(a)
	if err != nil {
		return err
	}
	w, rec := a.recording(ask)
	r, err := w.Report(ctx, rec, workflow.ReportOrder{Salvor: build().Version, Keys: given})
	a.reporter.done()
	if err != nil {
		return err
	}
	var data bytes.Buffer
	if err := r.Save(&data); err != nil {
		return err
	}
	if file == "-" {
		_, err = a.out.Write(data.Bytes())
	} else {
		err = replaceFile(file, data.Bytes())
	}
	if err != nil {
		return fmt.Errorf("cannot write the report: %w", err)
	}
	return a.showReport(r, name, data.Len())
}

// recording is work on the machine that is written down.
func (a *app) recording(ask workflow.Asker) (*workflow.Work, *machine.Recorder) {
	rec := recorder(a.env.Machine)
	w := a.work(ask)
	w.Machine = rec
	w.Probe = func(ctx context.Context) (*storage.Graph, error) { return probe.Probe(ctx, rec, probe.Options{}) }
	return w, rec
}

// recorder records without what a report must not hold.
func recorder(m machine.Machine) *machine.Recorder {
	rec := machine.NewRecorder(m)
	rec.Scrub(ondisk.Scrub)
	rec.Trim(probe.Finds)
	return rec
}

// reportFile makes sure before the work that a file of that name can be made. A
// device node would be replaced by a file.
func (a *app) reportFile(name string) (string, error) {
	if name == "-" {
		return name, nil
	}
	file, err := filepath.Abs(name)
	if err != nil {
		return "", fmt.Errorf("cannot write the report: %w", err)
	}
	if info, err := os.Lstat(file); err == nil && !info.Mode().IsRegular() {
		return "", usagef("cannot write the report to %s: it is there, and is no file", name)
	}
	if info, err := os.Stat(filepath.Dir(file)); err != nil || !info.IsDir() {
		return "", fmt.Errorf("cannot write the report to %s: %w", name, fs.ErrNotExist)
	}
	return file, nil
}

// replaceFile writes a file for its owner, all of it or nothing. A file that is there
// already is replaced when all is on the disk.
func replaceFile(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".salvor-report-*") // 0600, os.CreateTemp
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// reportJSON is what report --json writes.
type reportJSON struct {
	File     string                `json:"file"`
	Size     int                   `json:"size"`
	Parts    []workflow.ReportPart `json:"parts"`
	Commands int                   `json:"commands"`
	Files    int                   `json:"files"`
	Devices  int                   `json:"devices"`
	Bytes    int64                 `json:"bytes"`
	Redacted int                   `json:"redacted"`
	Exit     int                   `json:"exit,omitempty"`
}

// showReport says what is in the report, on standard error when the report itself
// is on standard output.
func (a *app) showReport(r *workflow.Report, file string, size int) error {
	exit := status(exitOK)
	if r.Hollow() {
		exit = exitGaps
	}
	c := r.Recording.Contents()
	switch {
	case a.opt.json && file != "-":
		err := a.json("report", reportJSON{file, size, r.Parts, c.Commands, c.Files, c.Devices, c.Bytes, r.Redacted, int(exit)})
		if err != nil {
			return err
		}
	case file == "-":
		a.reportText(a.err, r, "standard output", size)
	default:
		a.reportText(a.out, r, file, size)
	}
	if exit != exitOK {
		return exit
	}
	return nil
}

func (a *app) reportText(out *screen, r *workflow.Report, file string, size int) {
	c := r.Recording.Contents()
	out.line("%s: %s", out.paint(bold, out.safe(file)), storage.HumanSize(uint64(size)))
	out.line("")
	keys := "no keys were used, and none is in it"
	if len(r.Keys) > 0 {
		keys = "keys were used, and none is in it"
	}
	for _, l := range []string{
		count(c.Commands, "command") + " and what " + they(c.Commands) + " said, " + count(c.Files, "file") + ", and " +
			storage.HumanSize(uint64(c.Bytes)) + " of " + count(c.Devices, "block device"),
		"what was gone through: " + partNames(r.Parts),
		keys + "; " + count(r.Redacted, "value") + " that looked like a secret replaced",
		"names, serial numbers, UUIDs and network addresses of this machine are in it",
	} {
		out.note(2, plain, l)
	}
	for _, p := range r.Parts {
		if p.Error != "" {
			out.note(2, yellow, p.Name+" came to no end: "+p.Error)
		}
	}
	if !a.opt.quiet {
		a.err.line("")
		a.err.line("next: salvor replay %s systems    what can be seen in it", a.err.safe(file))
	}
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func they(n int) string {
	if n == 1 {
		return "it"
	}
	return "they"
}

func partNames(parts []workflow.ReportPart) string {
	var names []string
	for _, p := range parts {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}
