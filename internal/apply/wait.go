package apply

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"salvor/internal/machine"
)

// WaitDevice waits until a device node is there.
//
// A program that opened something has ended, but the node may not be there yet:
// udev makes the links below /dev/mapper and /dev/md, and mdadm, lvm and
// cryptsetup wait for it only when they find a udev daemon that answers. The next
// step would fail for no reason. "udevadm settle" is not enough either, since it
// waits for the events that are in the queue, and there may be no daemon at all.
type WaitDevice struct{ Device string }

// WaitMultipath waits until there is a map of the LUN. Its name is the live
// system's choice (user_friendly_names), so it is known by its UUID.
type WaitMultipath struct{ WWID string }

// Shell implements Action; the functions are in the head of the script.
func (a WaitDevice) Shell() string    { return "wait_for_device " + machine.Quote(a.Device) }
func (a WaitMultipath) Shell() string { return "wait_for_multipath " + machine.Quote(a.WWID) }

func (WaitDevice) programs() []string    { return nil }
func (WaitMultipath) programs() []string { return nil }

func (a WaitDevice) do(ctx context.Context, h *hand) error {
	return h.wait(ctx, a.Device, func() (bool, error) {
		info, err := h.m.Stat(a.Device)
		return err == nil && info.Mode&fs.ModeDevice != 0, nil
	})
}

func (a WaitMultipath) do(ctx context.Context, h *hand) error {
	return h.wait(ctx, "a multipath map of "+a.WWID, func() (bool, error) {
		return h.dmWithUUID("mpath-" + a.WWID), nil
	})
}

func (h *hand) dmWithUUID(uuid string) bool {
	names, err := h.m.ReadDir("/sys/block")
	if err != nil {
		return false
	}
	for _, n := range names {
		if !strings.HasPrefix(n, "dm-") {
			continue
		}
		b, err := h.m.ReadFile(path.Join("/sys/block", n, "dm/uuid"))
		if err == nil && strings.TrimSpace(string(b)) == uuid {
			return true
		}
	}
	return false
}

// pollEvery is how often a wait looks. The kernel tells of nodes by uevents, which
// the door does not hand on; one stat(2) every so often costs less than a listener
// that can miss the event.
const pollEvery = 20 * time.Millisecond

// wait looks until there is what is waited for, or patience or ctx ends.
func (h *hand) wait(ctx context.Context, what string, there func() (bool, error)) error {
	patience := time.NewTimer(h.opt.patience())
	defer patience.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if ok, err := there(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-patience.C:
			return fmt.Errorf("%w: %s", ErrNoNode, what)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
