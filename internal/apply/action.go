package apply

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"salvor/internal/machine"
	"salvor/internal/tool"
)

// Action is one act. The set of types is closed: those with a do method here and
// in the files beside.
type Action interface {
	// Shell is the act as lines of POSIX shell, without a line break at the end.
	Shell() string
	// programs are those that do runs.
	programs() []string
	do(ctx context.Context, h *hand) error
}

// The errors that callers tell apart with errors.Is, beside those of the packages
// tool and machine.
var (
	ErrNoKey        = errors.New("there is no key for it")
	ErrNoParameters = errors.New("a plain mapping has no header, and the plan does not say its cipher and hash")
	ErrNoHeader     = errors.New("its header, which is not on the device, is not at hand")
	ErrNoNode       = errors.New("the device did not appear in time")
	ErrOtherName    = errors.New("the kernel gave the device another name than the plan expects")
	ErrWrongMount   = errors.New("what is mounted is not what was asked for")
)

// RunCmd runs a program.
type RunCmd struct{ Cmd machine.Cmd }

// SetReadOnly sets or clears the kernel's read-only flag of a device.
type SetReadOnly struct {
	Device string
	On     bool
}

// Shell implements Action.
func (a RunCmd) Shell() string { return a.Cmd.String() }
func (a SetReadOnly) Shell() string {
	flag := "--setrw"
	if a.On {
		flag = "--setro"
	}
	return "blockdev " + flag + " " + machine.Quote(a.Device)
}

func (a RunCmd) programs() []string    { return []string{a.Cmd.Program} }
func (SetReadOnly) programs() []string { return nil }

func (a RunCmd) do(ctx context.Context, h *hand) error { return h.run(ctx, a.Cmd) }

func (a SetReadOnly) do(_ context.Context, h *hand) error {
	_, err := h.m.SetReadOnly(a.Device, a.On)
	return err
}

// hand is what the acts of one Run share.
type hand struct {
	m   machine.Machine
	opt *Options
}

func (h *hand) run(ctx context.Context, c machine.Cmd) error {
	_, err := h.m.Run(ctx, c)
	return tool.Explain(err)
}

// kernelName follows the links of a device path to its node below /dev, and gives
// that node's name in sysfs.
func (h *hand) kernelName(device string) (string, error) {
	info, err := h.m.Stat(device)
	if err != nil {
		return "", err
	}
	return h.kernelNameOf(fmt.Sprintf("%d:%d", info.Major, info.Minor))
}

// kernelNameOf gives the name in sysfs of a block device "major:minor".
func (h *hand) kernelNameOf(dev string) (string, error) {
	link, err := h.m.Readlink(path.Join("/sys/dev/block", dev))
	if err != nil {
		return "", err
	}
	// A "/" in a kernel name stands as "!" in sysfs (cciss!c0d0).
	return strings.TrimSpace(path.Base(link)), nil
}
