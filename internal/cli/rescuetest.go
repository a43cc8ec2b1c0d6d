package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"salvor/internal/drill"
	"salvor/internal/rescue/medium"
	"salvor/internal/storage"
)

var rescueTestPage = page{
	use:   "test IMAGE [OPTIONS]",
	short: "start a rescue image in a virtual machine",
	writes: "It changes nothing: neither the image nor a disk, and the virtual machine sees none of this machine's disks. " +
		"It writes one file if --log names it, and replaces it if it is there.",
	long: "IMAGE is what salvor rescue build has made, in any format; an initramfs needs the kernel that it goes with. " +
		"The image is started once with every kind of firmware that it is made for and that is installed: BIOS, UEFI, and UEFI with Secure Boot " +
		"and the keys that machines are sold with. When the rescue system says that it is ready, salvor looks at the machine from " +
		"inside, and switches it off. Nothing has to be typed, and it needs no root. QEMU has to be installed.\n\n" +
		"Firmware that is missing is listed with the packages that have it, and the exit code is 3. If the image " +
		"does not do with one of them, what the machine said last is shown, and the exit code is 1. With KVM a start takes " +
		"seconds; where KVM does not work, all is emulated, which takes minutes.",
	examples: []example{
		{"salvor rescue test /var/lib/salvor/rescue.iso", "with all firmware"},
		{"salvor rescue test rescue.iso --firmware secure-boot", "with Secure Boot alone"},
		{"salvor rescue test rescue.iso --memory 256", "is so little enough?"},
		{"salvor rescue test rescue.img --log console.log", "keep what it said"},
	},
	exits: []int{exitOK, exitError, exitUsage, exitGaps, exitInterrupted},
	exitTexts: map[int]string{
		exitOK:    "the image starts with all of them",
		exitError: "error, or the image does not start with one of them",
		exitGaps:  "it could not be tried with all of them: they are listed",
	},
}

type rescueTestOptions struct {
	drill    drill.Options
	firmware []string
	log      string
}

func (a *app) rescueTest() *cobra.Command {
	var o rescueTestOptions
	cmd := rescueTestPage.command()
	cmd.Args = oneImage
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.drill.Image = args[0]
		return a.runRescueTest(cmd.Context(), o)
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringSliceVar(&o.firmware, "firmware", nil, "bios, uefi, secure-boot: only with these")
	f.IntVar(&o.drill.Memory, "memory", drill.UsualMemory, "MB: the memory of the machine")
	f.StringVar(&o.drill.Kernel, "kernel", "", "FILE: the kernel for an initramfs")
	f.BoolVar(&o.drill.Stick, "stick", false, "start an ISO image from a USB stick, not from a CD")
	f.BoolVar(&o.drill.Network, "network", false, "let the machine reach what this one reaches")
	f.DurationVar(&o.drill.Limit, "limit", 0, "how long a start may take (default 2m with KVM, 10m without)")
	f.StringVar(&o.log, "log", "", "FILE: write there all that the machine said on its serial line")
	return cmd
}

func (o *rescueTestOptions) check() error {
	for _, word := range o.firmware {
		f := drill.Firmware(word)
		if !slices.Contains(drill.Firmwares, f) {
			return usagef("cannot use --firmware %q: it is bios, uefi or secure-boot", word)
		}
		o.drill.Firmware = append(o.drill.Firmware, f)
	}
	switch {
	case o.drill.Memory < drill.LeastMemory:
		return usagef("cannot use --memory %d: a rescue system needs %d MB", o.drill.Memory, drill.LeastMemory)
	case o.drill.Limit < 0:
		return usagef("cannot use --limit %s: it is a duration such as 90s or 5m", o.drill.Limit)
	}
	return nil
}

func (a *app) runRescueTest(ctx context.Context, o rescueTestOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	if a.env.Machine == nil {
		return errors.New("cannot start a virtual machine: there is no machine here to do it")
	}
	o.drill.Tell = a.tellTrial
	r, err := drill.Test(ctx, a.env.Machine, o.drill)
	a.reporter.done()
	if err != nil {
		return err
	}
	if o.log != "" {
		if err := a.writeNew([]outFile{{absolute(o.log), trialLog(r)}}, true); err != nil {
			return err
		}
	}
	return a.showTrials(r, o.log)
}

// tellTrial shows what is going on.
func (a *app) tellTrial(s drill.Stage, f drill.Firmware) {
	a.reporter.begin(map[drill.Stage]string{
		drill.TryingKVM: "finding out whether KVM works here …",
		drill.Starting:  "starting it by " + firmwareName(f) + " …",
		drill.Asking:    "it has started by " + firmwareName(f) + "; looking at it from inside …",
		drill.Ending:    "switching it off …",
	}[s])
}

func firmwareName(f drill.Firmware) string {
	if f == drill.SecureBoot {
		return startsBy([]medium.Firmware{medium.SecureBoot})
	}
	return startsBy([]medium.Firmware{medium.Firmware(f)})
}

// trialJSON is the answer for programs.
type trialJSON struct {
	*drill.Report
	Exit int `json:"exit"`
}

func (a *app) showTrials(r *drill.Report, log string) error {
	exit := map[drill.State]status{drill.Passed: exitOK, drill.Failed: exitError, drill.NotTried: exitGaps}[r.Worst()]
	if a.opt.json {
		if err := a.json("rescue test", trialJSON{r, int(exit)}); err != nil {
			return err
		}
	} else {
		a.trialText(r)
	}
	a.tellConsoles(r, log)
	if exit != exitOK {
		return exit
	}
	return nil
}

// accelerators are the words for how QEMU runs a machine.
var accelerators = map[string]string{"kvm": "with KVM", "tcg": "emulated, as KVM does not work here"}

func (a *app) trialText(r *drill.Report) {
	a.out.line("%s: of the format %s, on a machine with %d MB, %s", a.out.paint(bold, a.out.safe(r.Image)), r.Format, r.Memory, accelerators[r.Accelerator])
	a.out.line("")
	var rows [][]string
	paints := map[string]style{}
	for _, t := range r.Trials {
		row := []string{firmwareName(t.Firmware), trialWord(t), trialDetail(t)}
		rows, paints[row[0]] = append(rows, row), trialPaint(t)
	}
	a.out.table(rows, 2, 4, func(row []string) style { return paints[row[0]] })
}

func trialWord(t drill.Trial) string {
	return map[drill.State]string{drill.Passed: "starts", drill.Failed: "FAILED", drill.NotTried: "not tried"}[t.State]
}

func trialPaint(t drill.Trial) style {
	switch {
	case t.State == drill.Failed:
		return red
	case t.State == drill.Passed:
		return green
	case t.Gap:
		return yellow
	}
	return faint
}

func trialDetail(t drill.Trial) string {
	if t.State != drill.Passed {
		return storage.Printable(plainConsole(t.Cause))
	}
	return fmt.Sprintf("kernel after %s, ready after %s, %s of %s in use, salvor %s", seconds(t.Kernel), seconds(t.Ready),
		storage.HumanSize(t.MemoryUsed), storage.HumanSize(t.MemoryTotal), storage.Printable(t.Salvor))
}

func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(100 * time.Millisecond).String()
}

// lastLines is how much is shown of a console whose machine failed.
const lastLines = 15

// tellConsoles shows what failed machines said last, and what can be done.
func (a *app) tellConsoles(r *drill.Report, log string) {
	for _, t := range r.Trials {
		if t.State != drill.Failed || a.opt.quiet {
			continue
		}
		a.err.line("")
		a.err.note(0, plain, "The last that the machine with "+firmwareName(t.Firmware)+" said:")
		lines := strings.FieldsFunc(plainConsole(t.Console), func(c rune) bool { return c == '\n' || c == '\r' })
		for _, l := range lines[max(0, len(lines)-lastLines):] {
			a.err.line("  %s", a.err.paint(faint, a.err.safe(l)))
		}
	}
	a.tellHints(trialHints(r, log))
}

// escapes are what a program writes to steer a terminal (ECMA-48, 5.4).
var escapes = regexp.MustCompile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|[ -/]*[0-~])")

// plainConsole is what a console said, without what steers it.
func plainConsole(text string) string { return escapes.ReplaceAllString(text, "") }

// trialLog is all that the machines said, one after the other.
func trialLog(r *drill.Report) []byte {
	var b bytes.Buffer
	for _, t := range r.Trials {
		if t.State != drill.NotTried {
			fmt.Fprintf(&b, "==== %s: %s\n%s\n", t.Firmware, trialWord(t), t.Console)
		}
	}
	return b.Bytes()
}
