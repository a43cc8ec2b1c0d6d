package workflow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"salvor/internal/machine"
	"salvor/internal/rescue/medium"
	"salvor/internal/session"
	"salvor/internal/storage"
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

// Copying is the event that tells how far a copy is.
type Copying struct {
	Act         string // "writing", "reading back"
	Done, Total uint64 // bytes
	Took        time.Duration
}

func (Copying) event() {}

// ConsentError: what is on the disk would be lost, and nobody has said that it may be.
type ConsentError struct {
	ID   storage.ID
	Text string // what would be lost
}

func (e *ConsentError) Error() string {
	return "refused to write to " + e.Text + ": what is on it would be lost"
}

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
	g, err := w.Probe(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.choose(g, o.Device); err != nil {
		return nil, err
	}
	if o.PlanOnly {
		return r, nil
	}
	if !slices.Contains(o.Destroy, string(r.Disk.ID)) {
		return nil, &ConsentError{r.Disk.ID, describeDisk(r.Disk, r.Device)}
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

// choose finds the disk, and refuses one that must not be written to.
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
	r.Disk, r.Device = disk, g.DevicePath(disk.ID)
	for _, n := range g.Above(disk.ID) {
		r.Content = append(r.Content, g.Describe(n))
	}
	if why := r.unfit(g); why != "" {
		return &RefusedError{fmt.Sprintf("refused to write to %s: %s", describeDisk(disk, r.Device), why), nil}
	}
	return nil
}

// NoDiskError: nothing here has that name.
type NoDiskError struct{ Name string }

func (e *NoDiskError) Error() string { return "no device here is called " + e.Name }

// unfit is why the disk must not, or cannot, be written to; the first row that fits. It is the table "Which disk
// is refused" in docs/rescue.md.
func (r *StickReport) unfit(g *storage.Graph) string {
	twins, uses := g.Twins(r.Disk.ID), usesOf(g, r.Disk)
	switch {
	case r.Device == "":
		return "it has no device here"
	case slices.ContainsFunc(uses, func(u string) bool { return u == "mounted at /" }):
		return "the running system lies on it"
	case len(uses) > 0:
		return "it is in use: " + strings.Join(uses, ", ")
	case len(twins) > 0:
		return fmt.Sprintf("there %s, and which one is meant cannot be told", another(len(twins)))
	case r.Disk.ReadOnly:
		return "it is read-only"
	case r.Disk.Size < r.ImageSize:
		return fmt.Sprintf("it is too small: the image has %s", storage.HumanSize(r.ImageSize))
	}
	return ""
}

func another(n int) string {
	if n == 1 {
		return "is another disk with the same identity"
	}
	return fmt.Sprintf("are %d other disks with the same identity", n)
}

// usesOf tells what uses a disk: mounts, what is open or stood in for, swap.
func usesOf(g *storage.Graph, disk *storage.Disk) []string {
	var out []string
	for _, n := range append([]storage.Node{disk}, g.Above(disk.ID)...) {
		c := n.Base()
		for _, m := range g.MountsOf(c.ID) {
			out = append(out, "mounted at "+m.Point)
		}
		if storage.OpeningOf(n) != nil {
			out = append(out, g.ShortName(c.ID)+" is open")
		}
		if c.Overlay != nil {
			out = append(out, g.ShortName(c.ID)+" is stood in for")
		}
		if s, ok := n.(*storage.Swap); ok && s.Active {
			out = append(out, "swap")
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
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

// chunk is how much is written or read at once; edge is how much at either end of a disk programs look at
// to see what is on it.
const (
	chunk = 4 << 20
	edge  = 1 << 20
)

// writeStick writes all but the beginning, and that at last: until then the disk is empty for
// all who look at it, and nobody takes half an image for a whole one. What is behind the image is
// left, but for the end, where copies of partition tables and superblocks of arrays lie.
func (w *Work) writeStick(ctx context.Context, image io.ReaderAt, r *StickReport) (err error) {
	door, ok := w.Machine.(machine.Overwriter)
	if !ok {
		return errors.New("cannot write to a disk here: this is no live machine")
	}
	disk, err := door.Overwrite(r.Device)
	if errors.Is(err, machine.ErrBusy) {
		return &RefusedError{fmt.Sprintf("refused to write to %s: it is in use: %v", describeDisk(r.Disk, r.Device), err), err}
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, disk.Close()) }()
	c := &copying{w: w, ctx: ctx, image: image, size: int64(r.ImageSize), disk: disk, end: int64(r.Disk.Size)}
	if err := c.run(); err != nil {
		w.tell(Note{describeDisk(r.Disk, r.Device) + c.state(err)})
		return err
	}
	// A kernel that cannot read the table anew does so when the stick is plugged in again.
	if err := disk.Reread(); err != nil {
		w.noteAll([]string{fmt.Sprintf("the kernel still has the old partition table of %s: plug it in again", r.Device)})
	}
	return nil
}

// copying is an image on its way to a disk.
type copying struct {
	w     *Work
	ctx   context.Context
	image io.ReaderAt
	size  int64
	disk  machine.Overwriting
	end   int64 // of the disk

	began time.Time
	told  time.Time
	whole bool // all of the image is on the disk
}

// state says what the disk is when the copy has come to an end too early.
func (c *copying) state(err error) string {
	if c.whole && !as[*VerifyError](err) {
		return " has the whole image, but was not read back to its end: what is on it is not proved"
	}
	return " has lost what was on it, and is no boot medium now: write it again"
}

func as[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

func (c *copying) run() error {
	c.began = c.w.Machine.Now()
	if err := c.clear(); err != nil {
		return err
	}
	head := min(c.size, chunk)
	if err := c.each("writing", head, c.write); err != nil {
		return err
	}
	if err := c.disk.Flush(); err != nil {
		return err
	}
	if err := c.write(make([]byte, head), 0); err != nil {
		return err
	}
	if err := c.disk.Flush(); err != nil {
		return err
	}
	c.began, c.whole = c.w.Machine.Now(), true
	return c.each("reading back", 0, c.compare)
}

// clear empties both ends of the disk.
func (c *copying) clear() error {
	zeros := make([]byte, edge)
	if _, err := c.disk.WriteAt(zeros[:min(edge, c.end)], 0); err != nil {
		return err
	}
	if from := max(c.size, c.end-edge); from < c.end {
		if _, err := c.disk.WriteAt(zeros[:c.end-from], from); err != nil {
			return err
		}
	}
	return c.disk.Flush()
}

// each goes through the image from a place on.
func (c *copying) each(act string, from int64, do func(buffer []byte, at int64) error) error {
	buffer := make([]byte, chunk)
	for at := from; at < c.size; at += chunk {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		c.tell(act, at)
		if err := do(buffer[:min(chunk, c.size-at)], at); err != nil {
			return err
		}
	}
	return nil
}

// tell tells how far it is, once a second.
func (c *copying) tell(act string, at int64) {
	now := c.w.Machine.Now()
	if now.Sub(c.told) < time.Second && at > 0 {
		return
	}
	c.told = now
	c.w.tell(Copying{act, uint64(at), uint64(c.size), now.Sub(c.began)})
}

func (c *copying) write(buffer []byte, at int64) error {
	if err := readFull(c.image, buffer, at); err != nil {
		return fmt.Errorf("cannot read the image: %w", err)
	}
	_, err := c.disk.WriteAt(buffer, at)
	return err
}

// compare reads back. A stick that lies about its size tells so only here.
func (c *copying) compare(buffer []byte, at int64) error {
	if err := readFull(c.image, buffer, at); err != nil {
		return fmt.Errorf("cannot read the image: %w", err)
	}
	got := make([]byte, len(buffer))
	if err := readFull(c.disk, got, at); err != nil {
		return err
	}
	if !bytes.Equal(got, buffer) {
		return &VerifyError{At: uint64(at)}
	}
	return nil
}

// VerifyError: what was written is not what is on the disk.
type VerifyError struct{ At uint64 }

func (e *VerifyError) Error() string {
	return fmt.Sprintf("what is on the disk is not what was written to it: the 4 MiB from byte %d on are different", e.At)
}

// readFull fills the buffer; an end within it is an error.
func readFull(r io.ReaderAt, buffer []byte, at int64) error {
	n, err := r.ReadAt(buffer, at)
	if n == len(buffer) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}
