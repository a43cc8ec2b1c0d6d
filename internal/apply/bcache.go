package apply

import (
	"context"
	"fmt"
	"path"
	"strings"

	"salvor/internal/machine"
	"salvor/internal/tool"
)

// RegisterBcache tells the kernel of a cache or backing device.
type RegisterBcache struct{ Device string }

// WaitBcache waits until a bcache lies on the backing device, and makes sure that
// it has the name that the plan counts on. The kernel numbers them as they come.
type WaitBcache struct{ Backing, Device string }

// StopBcache stops a bcache ("bcache0"), and its cache set when nobody else uses
// it: a set that stays registered keeps its devices open.
type StopBcache struct{ Name string }

// Shell implements Action.
func (a RegisterBcache) Shell() string {
	return "echo " + machine.Quote(a.Device) + " >" + tool.BcacheRegister
}

// Shell implements Action. A person sees at once if the name is another one.
func (a WaitBcache) Shell() string { return "wait_for_device " + machine.Quote(a.Device) }

// Shell implements Action.
func (a StopBcache) Shell() string { return "stop_bcache " + machine.Quote(a.Name) }

func (RegisterBcache) programs() []string { return nil }
func (WaitBcache) programs() []string     { return nil }
func (StopBcache) programs() []string     { return nil }

// do takes a device that is registered already for done: a udev rule of the live
// system may have been faster.
func (a RegisterBcache) do(_ context.Context, h *hand) error {
	err := h.m.WriteSysfs(tool.BcacheRegister, a.Device)
	if err == nil {
		return nil
	}
	name, nerr := h.kernelName(a.Device)
	if nerr != nil {
		return err
	}
	if _, serr := h.m.Stat(path.Join("/sys/class/block", name, "bcache")); serr == nil {
		return nil
	}
	return err
}

func (a WaitBcache) do(ctx context.Context, h *hand) error {
	backing, err := h.kernelName(a.Backing)
	if err != nil {
		return err
	}
	link := tool.BcacheLink(backing)
	found := ""
	err = h.wait(ctx, "a bcache on "+a.Backing, func() (bool, error) {
		to, err := h.m.Readlink(link)
		found = path.Base(to)
		return err == nil, nil
	})
	if err != nil {
		return err
	}
	if found != path.Base(a.Device) {
		return fmt.Errorf("%w: /dev/%s, not %s", ErrOtherName, found, a.Device)
	}
	return WaitDevice{a.Device}.do(ctx, h)
}

func (a StopBcache) do(ctx context.Context, h *hand) error {
	set, _ := h.m.Readlink(tool.BcacheSetLink(a.Name)) // a bcache without a cache has none
	if err := h.m.WriteSysfs(tool.BcacheStop(a.Name), "1"); err != nil {
		return err
	}
	gone := func(name string) func() (bool, error) {
		return func() (bool, error) {
			_, err := h.m.Stat(name)
			return err != nil, nil
		}
	}
	// It stops in the background. While somebody has it open it waits for them, and
	// cannot be called back: the plan closes all that lies on it before.
	if err := h.wait(ctx, "the end of "+a.Name, gone(path.Join("/sys/block", a.Name))); err != nil {
		return fmt.Errorf("%w: %w", tool.ErrBusy, err)
	}
	if set == "" || h.setInUse(path.Base(set)) {
		return nil
	}
	if err := h.m.WriteSysfs(tool.BcacheSetStop(path.Base(set)), "1"); err != nil {
		return err
	}
	return h.wait(ctx, "the end of the cache set", gone(path.Dir(tool.BcacheSetStop(path.Base(set)))))
}

// setInUse: a set has a link bdevN for each bcache on it (drivers/md/bcache/
// super.c, bcache_device_link).
func (h *hand) setInUse(set string) bool {
	names, err := h.m.ReadDir(path.Dir(tool.BcacheSetStop(set)))
	if err != nil {
		return false
	}
	for _, n := range names {
		if strings.HasPrefix(n, "bdev") {
			return true
		}
	}
	return false
}
