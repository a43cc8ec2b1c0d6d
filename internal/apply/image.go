package apply

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"salvor/internal/machine"
	"salvor/internal/plan"
	"salvor/internal/tool"
)

// AttachLoop attaches an image file to a loop device.
type AttachLoop struct{ Image machine.Image }

// DetachLoop ends a loop device.
type DetachLoop struct{ Device string }

// WaitImage waits until a network block device has the size of its image, and has
// the kernel read the partition table in it: it does so when the device is opened
// (drivers/block/nbd.c, GD_NEED_PART_SCAN), and qemu-nbd opens it some time later.
type WaitImage struct{ Device string }

// WaitDetached waits until nothing is attached to a device any more. Who has it open
// keeps it (loop(4), LO_FLAGS_AUTOCLEAR), for instance udev's rules for a moment.
type WaitDetached struct{ Device string }

// Shell implements Action.
func (a AttachLoop) Shell() string {
	args := []string{"--partscan"}
	if a.Image.ReadOnly {
		args = append(args, "--read-only")
	}
	if a.Image.Offset > 0 {
		args = append(args, fmt.Sprintf("--offset=%d", a.Image.Offset))
	}
	if a.Image.SizeLimit > 0 {
		args = append(args, fmt.Sprintf("--sizelimit=%d", a.Image.SizeLimit))
	}
	return machine.Cmd{Program: "losetup", Args: append(args, "--", a.Image.Device, a.Image.Path)}.String()
}
func (a DetachLoop) Shell() string   { return "losetup --detach " + machine.Quote(a.Device) }
func (a WaitImage) Shell() string    { return "wait_for_image " + machine.Quote(a.Device) }
func (a WaitDetached) Shell() string { return "wait_for_end " + machine.Quote(attachedFile(a.Device)) }

func (AttachLoop) programs() []string   { return nil }
func (DetachLoop) programs() []string   { return nil }
func (WaitImage) programs() []string    { return nil }
func (WaitDetached) programs() []string { return nil }

// isNBD tells network block devices from loop devices.
func isNBD(device string) bool { return strings.HasPrefix(path.Base(device), "nbd") }

// attachedFile is there in sysfs while something is attached to the device
// (drivers/block/loop.c and nbd.c).
func attachedFile(device string) string {
	if isNBD(device) {
		return path.Join("/sys/block", path.Base(device), "pid")
	}
	return path.Join("/sys/block", path.Base(device), "loop/backing_file")
}

func lowerAttach(o plan.AttachImage, env Env) []Action {
	if !isNBD(o.Device) {
		i := machine.Image{Path: o.Path, Device: o.Device, Offset: o.Offset, SizeLimit: o.SizeLimit, ReadOnly: o.ReadOnly}
		return opened(env, AttachLoop{i}, o.Device)
	}
	acts := module(env.NBD, "nbd")
	if !o.ReadOnly {
		// qemu-nbd --read-only sets the flag of the device, where it stays (qemu,
		// nbd/client.c, nbd_init; seen with 7.2 on Linux 6.1).
		acts = append(acts, SetReadOnly{o.Device, false})
	}
	acts = append(acts, RunCmd{tool.ConnectNBD(tool.NBD{Device: o.Device, Path: o.Path, Format: o.Format, ReadOnly: o.ReadOnly})}, WaitImage{o.Device})
	return settled(env, acts)
}

// lowerDetach lets udev end what it looks at first.
func lowerDetach(o plan.DetachImage, env Env) []Action {
	acts := settled(env, nil)
	if isNBD(o.Device) {
		acts = append(acts, RunCmd{tool.DisconnectNBD(o.Device)})
	} else {
		acts = append(acts, DetachLoop{o.Device})
	}
	return append(acts, WaitDetached{o.Device})
}

func (a AttachLoop) do(_ context.Context, h *hand) error { return h.m.AttachImage(a.Image) }

func (a DetachLoop) do(_ context.Context, h *hand) error { return h.m.DetachLoop(a.Device) }

func (a WaitImage) do(ctx context.Context, h *hand) error {
	return h.wait(ctx, "the content of "+a.Device, func() (bool, error) {
		sectors, err := h.sectors(ctx, a.Device)
		return err == nil && sectors > 0, nil
	})
}

func (a WaitDetached) do(ctx context.Context, h *hand) error {
	err := h.wait(ctx, "the end of "+a.Device, func() (bool, error) {
		_, err := h.m.Stat(attachedFile(a.Device))
		return err != nil, nil
	})
	if errors.Is(err, ErrNoNode) {
		return fmt.Errorf("%w: %s is still attached", tool.ErrBusy, a.Device)
	}
	if err == nil && isNBD(a.Device) {
		_, _ = h.sectors(ctx, a.Device) // opened once more, it loses the partitions that it had
	}
	return err
}
