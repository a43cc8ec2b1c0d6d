package workflow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"salvor/internal/machine"
	"salvor/internal/rescue/medium"
	"salvor/internal/session"
	"salvor/internal/storage"
	"salvor/internal/tool"
)

// StickOrder says which image goes to which disk.
type StickOrder struct {
	Image    string
	Device   string   // an ID, or any name of the device
	Destroy  []string // the IDs of the disks whose content may be lost
	PlanOnly bool
}

// StickReport says what is lost, and what was written.
type StickReport struct {
	Image     string
	ImageSize uint64
	Format    medium.Format
	Disk      *storage.Disk
	Device    string   // its path
	Content   []string // what lies on it, from below to above
	Written   bool     // and read back
}

// ConsentError: what is on the disk would be lost, and nobody has said that it may be.
type ConsentError struct {
	ID    storage.ID
	Text  string   // the disk, as people know it
	Given []string // the IDs of other disks, for which it was said
}

func (e *ConsentError) Error() string {
	text := "refused to write to " + e.Text + ": what is on it would be lost"
	if len(e.Given) > 0 {
		text += ", and that may be lost of another disk only: " + strings.Join(e.Given, ", ")
	}
	return text
}

// NoDiskError: nothing here has that name.
type NoDiskError struct{ Name string }

func (e *NoDiskError) Error() string { return "no device here is called " + e.Name }

// WriteRescue writes an image to a disk, and reads it back. It refuses all but a whole disk that is named
// without doubt, that nothing uses and whose content may be lost.
func (w *Work) WriteRescue(ctx context.Context, o StickOrder) (*StickReport, error) {
	if err := w.needRoot("write to a disk"); err != nil {
		return nil, err
	}
	unlock, err := session.Lock(w.Machine)
	if errors.Is(err, session.ErrAnother) {
		return nil, &RefusedError{"cannot write to a disk: " + err.Error(), err}
	}
	if err != nil {
		return nil, err
	}
	defer unlock()
	image, err := machine.OpenImage(o.Image)
	if err != nil {
		return nil, err
	}
	defer image.Close()
	r := &StickReport{Image: o.Image, ImageSize: uint64(image.Size)}
	if r.Format, err = stickFormat(o.Image, image); err != nil {
		return nil, err
	}
	if err := w.lookAtStick(ctx, r, o.Device); err != nil || o.PlanOnly {
		return r, err
	}
	if !slices.Contains(o.Destroy, string(r.Disk.ID)) {
		return nil, &ConsentError{r.Disk.ID, describeDisk(r.Disk, r.Device), o.Destroy}
	}
	if err := w.writeStick(ctx, image, r); err != nil {
		return nil, err
	}
	r.Written = true
	return r, nil
}

// stickFormat refuses an image that no firmware would start from a stick.
func stickFormat(name string, image *machine.ImageFile) (medium.Format, error) {
	if image.Dir != nil {
		return "", &RefusedError{name + " is a directory for a network server, and no image of a stick", nil}
	}
	contents, err := medium.Open(image, image.Size)
	if err != nil {
		return "", &NotAnImageError{name, err}
	}
	defer contents.Close()
	if contents.Format != medium.ISO && contents.Format != medium.USB {
		return "", &RefusedError{fmt.Sprintf("%s is of the format %s, from which no machine starts when it is written to a stick: it takes iso or usb", name, contents.Format), nil}
	}
	return contents.Format, nil
}

// lookAtStick finds the disk and what is on it, and refuses one that must not be written to.
func (w *Work) lookAtStick(ctx context.Context, r *StickReport, name string) error {
	g, err := w.Probe(ctx)
	if err != nil {
		return err
	}
	if err := r.choose(g, name); err != nil {
		return err
	}
	s := &stickUses{w: w, g: g, disk: r.Disk}
	if err := r.unfit(g, s); err != nil {
		return &RefusedError{fmt.Sprintf("refused to write to %s: %v", describeDisk(r.Disk, r.Device), err), err}
	}
	return nil
}

// choose finds the disk.
func (r *StickReport) choose(g *storage.Graph, name string) error {
	found := g.ByName(name)
	if n := g.Node(storage.ID(name)); n != nil {
		found = []storage.Node{n}
	}
	if len(found) == 0 {
		return &NoDiskError{name}
	}
	if len(found) > 1 {
		return &RefusedError{fmt.Sprintf("%s is the name of %d devices: give the ID of one", name, len(found)), nil}
	}
	disk, ok := found[0].(*storage.Disk)
	if !ok {
		return &RefusedError{fmt.Sprintf("%s is no whole disk: it is %s", name, g.Describe(found[0])), nil}
	}
	r.Disk, r.Device, r.Content = disk, g.DevicePath(disk.ID), nil
	for _, n := range g.Above(disk.ID) {
		r.Content = append(r.Content, describeContent(g, disk, n))
	}
	return nil
}

// describeContent says what a node on the disk is, where it lies, and how large it is.
func describeContent(g *storage.Graph, disk *storage.Disk, n storage.Node) string {
	text := g.Describe(n)
	if p := g.OwnPath(n.Base().ID); p != "" && n.Kind() == storage.KindPartition {
		text = p + ", " + storage.HumanSize(n.Base().Size) + ": " + text
	}
	var on []string
	for _, low := range g.Lower(n.Base().ID) {
		switch low.(type) {
		case *storage.Table:
		default:
			if low.Base().ID != disk.ID {
				on = append(on, g.ShortName(low.Base().ID))
			}
		}
	}
	if len(on) > 0 {
		text += " on " + strings.Join(on, ", ")
	}
	return text
}

// sectorSize is that of the partition tables of an image, in bytes.
const sectorSize = 512

// UnfitError: the disk is not one that the image can be written to.
type UnfitError struct {
	Reason UnfitReason
	Text   string
}

func (e *UnfitError) Error() string { return e.Text }

// UnfitReason is why a disk that nothing uses is refused.
type UnfitReason string

// The reasons.
const (
	UnfitNoDevice UnfitReason = "no device"
	UnfitRunning  UnfitReason = "running system"
	UnfitImage    UnfitReason = "image"
	UnfitTwin     UnfitReason = "twin"
	UnfitReadOnly UnfitReason = "read-only"
	UnfitSmall    UnfitReason = "too small"
	UnfitSectors  UnfitReason = "sectors"
)

// unfit is why the disk must not, or cannot, be written to; the first row that fits. It is the table "Which disk
// is refused" in docs/rescue.md.
func (r *StickReport) unfit(g *storage.Graph, s *stickUses) error {
	if r.Device == "" {
		return &UnfitError{UnfitNoDevice, "it has no device here"}
	}
	uses := s.all()
	switch twins := g.Twins(r.Disk.ID); {
	case slices.ContainsFunc(uses, func(u Use) bool { return u.Kind == UseMounted && u.Name == "/" }):
		return &UnfitError{UnfitRunning, "the running system lies on it"}
	case len(uses) > 0:
		return &InUseError{uses}
	case s.holds(r.Image):
		return &UnfitError{UnfitImage, "the image lies on it"}
	case len(twins) > 0:
		return &UnfitError{UnfitTwin, "which disk is meant cannot be told: " + sameIdentity(g, twins)}
	case r.Disk.ReadOnly:
		return &UnfitError{UnfitReadOnly, "it is read-only"}
	case r.Disk.Size < r.ImageSize:
		return &UnfitError{UnfitSmall, "it is too small: the image has " + storage.HumanSize(r.ImageSize)}
	case r.Disk.SectorSize > sectorSize:
		return &UnfitError{UnfitSectors, fmt.Sprintf("no machine would start from it: its sectors have %d bytes, and those of the image %d", r.Disk.SectorSize, sectorSize)}
	}
	return nil
}

// sameIdentity lists disks that cannot be told apart.
func sameIdentity(g *storage.Graph, twins []storage.Node) string {
	var names []string
	for _, n := range twins {
		names = append(names, g.ShortName(n.Base().ID))
	}
	slices.Sort(names)
	return strings.Join(names, ", ") + " say that they are the same"
}

// describeDisk names a disk by all that a person may know it by.
func describeDisk(d *storage.Disk, device string) string {
	parts := []string{device}
	if d.Model != "" {
		parts = append(parts, d.Model)
	}
	if d.Serial != "" {
		parts = append(parts, "serial "+d.Serial)
	}
	return fmt.Sprintf("%s (%s, %s)", d.ID, strings.Join(parts, ", "), storage.HumanSize(d.Size))
}

// writeStick opens the disk for this process alone, looks at it again while nobody else can take hold of it,
// and copies. Others that look at disks are waited for: they would have its partitions open.
func (w *Work) writeStick(ctx context.Context, image io.ReaderAt, r *StickReport) (err error) {
	door, ok := w.Machine.(machine.Overwriter)
	if !ok {
		return errors.New("cannot write to a disk here: this is no live machine")
	}
	disk, err := door.Overwrite(r.Device)
	if errors.Is(err, machine.ErrBusy) {
		return w.busyStick(ctx, r, err)
	}
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, disk.Close())
		w.udevSettles(ctx) // it has a look of its own at a disk that was written to, once that is closed
	}()
	if err := w.lookAgain(ctx, r, disk); err != nil {
		return err
	}
	if err := w.reread(ctx, disk); errors.Is(err, machine.ErrBusy) {
		return w.busyStick(ctx, r, err)
	}
	return w.copyToStick(ctx, image, disk, r)
}

// busyStick says what has the disk, as far as it can be seen.
func (w *Work) busyStick(ctx context.Context, r *StickReport, cause error) error {
	g, err := w.Probe(ctx)
	if err != nil {
		return err
	}
	s := &stickUses{w: w, g: g, disk: r.Disk, readers: true}
	in := &InUseError{s.all()}
	return &RefusedError{fmt.Sprintf("refused to write to %s: %v", describeDisk(r.Disk, r.Device), in), errors.Join(in, cause)}
}

// lookAgain looks at the disk that was opened: it has to be the one that consent was given for, with the same on it.
// Its number cannot become another's while it is open, so that number, and not the name, is what is compared.
func (w *Work) lookAgain(ctx context.Context, r *StickReport, disk machine.Overwriting) error {
	held, err := disk.Device()
	if err != nil {
		return err
	}
	now := *r
	err = w.lookAtStick(ctx, &now, string(r.Disk.ID))
	_, gone := errors.AsType[*NoDiskError](err)
	if err != nil && !gone {
		return err
	}
	same := !gone && now.Disk.Dev == storage.Dev{Major: held.Major, Minor: held.Minor} && now.Disk.Size == held.Size &&
		describeDisk(now.Disk, r.Device) == describeDisk(r.Disk, r.Device) && slices.Equal(now.Content, r.Content)
	if !same {
		return &ChangedDiskError{describeDisk(r.Disk, r.Device)}
	}
	return nil
}

// ChangedDiskError: the disk that was opened is not the one that was looked at, or has something else on it.
type ChangedDiskError struct{ Disk string }

func (e *ChangedDiskError) Error() string {
	return "refused to write to " + e.Disk + ": it has changed since it was looked at, or another disk has its name now"
}

// reread has the kernel read the partition table, once udev has no partition open any more.
func (w *Work) reread(ctx context.Context, disk machine.Overwriting) error {
	w.udevSettles(ctx)
	return disk.Reread()
}

// udevSettles waits for udev, as far as it can be waited for: what it has open closes by itself. The disk may be
// pulled out and the order stopped by now, so neither ends the wait.
func (w *Work) udevSettles(ctx context.Context) {
	if udevRuns(w.Machine) {
		_ = run(context.WithoutCancel(ctx), w.Machine, tool.Settle())
	}
}
