package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"salvor/internal/machine"
	"salvor/internal/storage"
	"salvor/internal/workflow"
)

var rescueWritePage = page{
	use:   "write IMAGE --device ID --destroy ID",
	short: "write a rescue image to a USB stick, and read it back",
	writes: "It writes the image to the disk that --device names, from its beginning, and empties its last MiB. " +
		"All that was on the disk is lost. With --plan nothing is written.",
	long: "What would be lost is shown: model, serial number, size and content of the disk. It is written only if --destroy names the same ID, " +
		"which salvor probe shows; --yes and timers do not count. Refused are a disk that anything uses, above all the one that the running system " +
		"lies on, also if it is only a program that writes to it; one that has a twin; one that is read-only or too small; and whatever is no whole disk. " +
		"When the disk is open it is looked at again: it has to be the same one, with the same on it.\n\n" +
		"The beginning of the image is written last: a stick that was pulled out, or a command that was stopped, leaves an empty disk and " +
		"not half an image. At the end all is read back from the stick and compared; one that gives back something else is emptied again.",
	examples: []example{
		{"salvor rescue write rescue.iso --device /dev/sdb --plan", "what would be lost?"},
		{"salvor rescue write rescue.iso --device disk:usb-4C53 --destroy disk:usb-4C53", "write it"},
	},
	exits: []int{exitOK, exitError, exitUsage, exitRefused, exitNothing, exitInterrupted},
}

type rescueWriteOptions struct {
	device  string
	destroy []string
	plan    bool
}

func (a *app) rescueWrite() *cobra.Command {
	var o rescueWriteOptions
	cmd := rescueWritePage.command()
	cmd.Args = oneImage
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.runRescueWrite(cmd.Context(), o, args[0]) }
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.device, "device", "", "ID: the disk, by its ID or any other name")
	f.StringArrayVar(&o.destroy, "destroy", nil, "ID: what is on this disk may be lost; its ID as salvor probe shows it, and no other name")
	f.BoolVar(&o.plan, "plan", false, "show what would be lost, and stop")
	return cmd
}

func (a *app) runRescueWrite(ctx context.Context, o rescueWriteOptions, image string) error {
	if o.device == "" {
		return usagef("say which disk: --device ID")
	}
	file, err := filepath.Abs(image)
	if err != nil {
		return err
	}
	a.leaves.Store("a disk that was not written to its end is no boot medium: write it again")
	r, err := a.work(nil).WriteRescue(ctx, workflow.StickOrder{Image: file, Device: o.device, Destroy: o.destroy, PlanOnly: o.plan})
	a.reporter.done()
	if err != nil {
		return err
	}
	if a.opt.json {
		return a.json("rescue write", newStickJSON(r))
	}
	a.stickText(r)
	return nil
}

// stickJSON is the answer for programs.
type stickJSON struct {
	Image   string     `json:"image"`
	Format  string     `json:"format"`
	Size    uint64     `json:"size"`
	ID      storage.ID `json:"id"`
	Device  string     `json:"device"`
	Model   string     `json:"model,omitempty"`
	Serial  string     `json:"serial,omitempty"`
	Disk    uint64     `json:"disk_size"`
	Content []string   `json:"content"`
	Written bool       `json:"written"`
	Exit    int        `json:"exit"`
}

func newStickJSON(r *workflow.StickReport) stickJSON {
	d := r.Disk
	return stickJSON{r.Image, string(r.Format), r.ImageSize, d.ID, r.Device, d.Model, d.Serial, d.Size, append([]string{}, r.Content...), r.Written, exitOK}
}

func (a *app) stickText(r *workflow.StickReport) {
	if r.Written {
		a.out.line("%s is on %s: %s were written and read back.", a.out.safe(r.Image), a.out.paint(bold, a.out.safe(string(r.Disk.ID))), storage.HumanSize(r.ImageSize))
		return
	}
	a.out.line("%s (%s, %s) would go to %s, and all that is there would be lost:", a.out.safe(r.Image), r.Format, storage.HumanSize(r.ImageSize), r.Device)
	a.out.line("")
	rows := [][]string{{"ID", string(r.Disk.ID)}, {"model", r.Disk.Model}, {"serial", r.Disk.Serial}, {"size", storage.HumanSize(r.Disk.Size)}}
	if len(r.Content) == 0 {
		rows = append(rows, []string{"content", "nothing that is known"})
	}
	for i, c := range r.Content {
		rows = append(rows, []string{[...]string{"content", ""}[min(i, 1)], c})
	}
	for _, row := range rows {
		row[1] = a.out.safe(row[1])
	}
	a.out.table(rows, 2, 4, func([]string) style { return plain })
	a.out.line("")
	id := machine.Quote(string(r.Disk.ID))
	a.out.line("To write it: salvor rescue write %s --device %s --destroy %s", a.out.safe(machine.Quote(r.Image)), a.out.safe(id), a.out.safe(id))
}

// copyingText says how far a copy is, how fast, and how long it will take yet.
func copyingText(c workflow.Copying) string {
	text := fmt.Sprintf("%s: %s of %s", c.Act, storage.HumanSize(c.Done), storage.HumanSize(c.Total))
	if c.Took < time.Second || c.Done == 0 {
		return text + " …"
	}
	rate := float64(c.Done) / c.Took.Seconds()
	left := time.Duration(float64(c.Total-c.Done) / rate * float64(time.Second)).Round(time.Second)
	return text + fmt.Sprintf(", %s/s, %s left …", storage.HumanSize(uint64(rate)), left)
}

// endings are the commands that end a use of a disk; %s is its name.
var endings = map[workflow.UseKind]string{
	workflow.UseMounted: "umount %s", workflow.UseSwap: "swapoff %s", workflow.UseLoop: "losetup --detach %s", workflow.UseMap: "dmsetup remove %s",
	workflow.UseStandIn: "salvor umount",
}

// closings are those that close what is open, by its kind.
var closings = map[storage.Kind]string{
	storage.KindMD: "mdadm --stop %s", storage.KindCrypt: "cryptsetup close %s", storage.KindLV: "lvchange --activate n %s", storage.KindMultipath: "multipath -f %s",
}

// unfitHint says what can be done where a disk cannot be written to.
func unfitHint(err error) []string {
	unfit, _ := errors.AsType[*workflow.UnfitError](err)
	switch unfit.Reason {
	case workflow.UnfitTwin:
		return []string{"unplug the other one; or take a disk with a serial number of its own"}
	case workflow.UnfitReadOnly:
		return []string{"look for a switch on it; if there is none: blockdev --getro DEVICE, blockdev --setrw DEVICE"}
	}
	return []string{"take another disk: salvor probe"}
}

// inUseHint says how the uses of a disk are ended, one after the other.
func inUseHint(err error) []string {
	in, _ := errors.AsType[*workflow.InUseError](err)
	if len(in.Uses) == 0 {
		return []string{"take another disk; or start another system, and write it from there"}
	}
	var out []string
	for _, u := range in.Uses {
		if h := endOf(u); !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	if slices.ContainsFunc(in.Uses, func(u workflow.Use) bool { return u.Kind == workflow.UseMounted || u.Kind == workflow.UseOpen }) {
		out = append(out, "if salvor has mounted it: salvor umount")
	}
	return out
}

func endOf(u workflow.Use) string {
	switch u.Kind {
	case workflow.UseProcess:
		return fmt.Sprintf("see what that is, and end it: ps -fp %d", u.PID)
	case workflow.UseElsewhere:
		return fmt.Sprintf("unmount it there: nsenter --target %d --mount --root umount %s", u.PID, machine.Quote(u.Name))
	}
	command := endings[u.Kind]
	if u.Kind == workflow.UseOpen {
		command = closings[u.Node.Kind()]
	}
	switch {
	case command == "":
		return "see what it is: salvor probe"
	case !strings.Contains(command, "%s"):
		return command
	}
	return "free it: " + fmt.Sprintf(command, machine.Quote(u.Name))
}

// stickHint is what follows a copy that has come to an end too early.
func stickHint(err error) []string {
	e, _ := errors.AsType[*workflow.StickError](err)
	var out []string
	switch {
	case e.Gone:
		out = append(out, "plug it in again, into another port if it was not you who pulled it")
	case as[*workflow.VerifyError](err):
		return nil // another one is needed
	case !errors.Is(err, context.Canceled):
		out = append(out, "see what the kernel says of it: dmesg")
	}
	return append(out, fmt.Sprintf("write it again: salvor rescue write %s --device %s --destroy %s", machine.Quote(e.Image), machine.Quote(string(e.ID)), machine.Quote(string(e.ID))))
}
