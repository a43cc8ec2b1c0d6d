package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

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
		"lies on; one that has a twin; one that is read-only or too small; and whatever is no whole disk.\n\n" +
		"The beginning of the image is written last: a stick that was pulled out, or a command that was stopped, leaves an empty disk and " +
		"not half an image. At the end all is read back from the stick and compared.",
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
	a.out.line("To write it: salvor rescue write IMAGE --device %s --destroy %s", r.Disk.ID, r.Disk.ID)
}

// copyingText says how far a copy is, and how fast.
func copyingText(c workflow.Copying) string {
	text := fmt.Sprintf("%s: %s of %s", c.Act, storage.HumanSize(c.Done), storage.HumanSize(c.Total))
	if c.Took >= time.Second {
		text += fmt.Sprintf(", %s/s", storage.HumanSize(uint64(float64(c.Done)/c.Took.Seconds())))
	}
	return text + " …"
}
