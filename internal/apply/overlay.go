package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"salvor/internal/machine"
	"salvor/internal/tool"
)

// AddCow puts a copy-on-write stand-in before a device. The writes go to a loop
// device whose file lives in memory.
//
// Seen on Linux 6.1: with the disks' read-only flags set, a degraded RAID 1 assembled
// read-only, LUKS opened read-only on it, a stand-in before that and a thin pool
// activated on the stand-in, the disks' checksums stay as they were after xfs on the
// thin volume was mounted and all was taken down again.
type AddCow struct {
	Device, Name string
	Size         uint64 // of the store, in bytes
	Udev         bool
}

// RemoveCow removes a stand-in and the loop device that took its writes.
type RemoveCow struct {
	Name string
	Udev bool
}

// Shell implements Action. The store's file is unlinked at once: it lives as long
// as the loop device does.
func (a AddCow) Shell() string {
	cmd := tool.CreateOverlay(tool.Overlay{Name: a.Name, Origin: "ORIGIN", Store: "STORE"}, a.Udev)
	table := fmt.Sprintf(`"0 $(blockdev --getsz %[1]s) snapshot %[1]s $store N 8"`, quoteInDouble(a.Device))
	args := strings.Replace(cmd.String(), machine.Quote("0 0 snapshot ORIGIN STORE N 8"), table, 1)
	return strings.Join([]string{
		"file=$(mktemp /dev/shm/salvor.XXXXXX)",
		fmt.Sprintf(`truncate -s %d "$file"`, a.Size),
		`store=$(losetup --find --show "$file")`,
		`rm "$file"`,
		args,
	}, "\n")
}

// quoteInDouble makes s a part of a word in double quotes.
func quoteInDouble(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`").Replace(s)
}

// Shell implements Action.
func (a RemoveCow) Shell() string {
	return strings.Join([]string{
		"dev=$(" + tool.OverlayTable(a.Name).String() + " | cut -d ' ' -f 5)",
		tool.RemoveOverlay(a.Name, a.Udev).String(),
		`losetup --detach "/dev/$(basename "$(readlink "/sys/dev/block/$dev")")"`,
	}, "\n")
}

func (AddCow) programs() []string    { return []string{"dmsetup"} }
func (RemoveCow) programs() []string { return []string{"dmsetup"} }

func (a AddCow) do(ctx context.Context, h *hand) error {
	sectors, err := h.sectors(ctx, a.Device)
	if err != nil {
		return err
	}
	store, err := h.m.AttachLoop(a.Size)
	if err != nil {
		return err
	}
	o := tool.Overlay{Name: a.Name, Origin: a.Device, Store: store, Sectors: sectors}
	if err := h.run(ctx, tool.CreateOverlay(o, a.Udev)); err != nil {
		return errors.Join(err, h.m.DetachLoop(store))
	}
	return nil
}

func (h *hand) sectors(ctx context.Context, device string) (uint64, error) {
	b, err := h.m.OpenBlock(ctx, device)
	if err != nil {
		return 0, err
	}
	defer b.Close()
	return uint64(b.Size()) / 512, nil
}

// do removes the map by its UUID, which no foreign map has, and detaches the loop
// device that stood as the store in its table: the origin may be a loop device
// too, and that one is not ours.
func (a RemoveCow) do(ctx context.Context, h *hand) error {
	answer, err := h.m.Run(ctx, tool.OverlayTable(a.Name))
	if err != nil {
		return tool.Explain(err)
	}
	_, dev, err := tool.ParseOverlayTable(answer.Stdout)
	if err != nil {
		return err
	}
	store, err := h.kernelNameOf(dev)
	if err != nil {
		return err
	}
	if err := h.run(ctx, tool.RemoveOverlay(a.Name, a.Udev)); err != nil {
		return err
	}
	if !strings.HasPrefix(store, "loop") {
		return nil
	}
	// Where another process made the stand-in, the store went with its last user.
	if err := h.m.DetachLoop("/dev/" + store); !errors.Is(err, machine.ErrNoSuchDevice) {
		return err
	}
	return nil
}
