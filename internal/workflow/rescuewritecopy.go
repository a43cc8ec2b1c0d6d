package workflow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"salvor/internal/machine"
	"salvor/internal/storage"
)

// Copying is the event that tells how far a copy is.
type Copying struct {
	Act         string // "writing", "reading back"
	Done, Total uint64 // bytes
	Took        time.Duration
}

func (Copying) event() {}

// StickState is what a disk is when a copy has come to an end too early. It is the table "What a stick is that was not
// finished" in docs/rescue.md.
type StickState string

// The states.
const (
	StickEmpty    StickState = "empty"    // what was on it is lost, and nothing would start from it
	StickUnproved StickState = "unproved" // it has the whole image, and was not read back to its end
	StickWrong    StickState = "wrong"    // it may start, and what is on it is wrong
)

// StickError is a copy that has come to an end too early.
type StickError struct {
	Image string
	ID    storage.ID
	Disk  string // as people know it
	State StickState
	Gone  bool // the disk is not there any more
	Err   error
}

func (e *StickError) Error() string {
	text := fmt.Sprintf("cannot write the image to %s: %v", e.Disk, e.Err)
	if e.Gone {
		text = fmt.Sprintf("cannot write the image to %s: it was pulled out, or has failed: %v", e.Disk, e.Err)
	}
	if e.Err == context.Canceled {
		text = "stopped while the image was written to " + e.Disk
	}
	return text + "; " + map[StickState]string{
		StickEmpty:    "what was on it is lost, and it is no boot medium now",
		StickUnproved: "it has the whole image, but was not read back to its end: what is on it is not proved",
		StickWrong:    "what is on it is wrong, although a machine may start from it",
	}[e.State]
}

func (e *StickError) Unwrap() error { return e.Err }

// VerifyError: what was written is not what is on the disk.
type VerifyError struct {
	At  uint64
	Err error // if it could not even be read
}

func (e *VerifyError) Error() string {
	if e.Err != nil {
		return "what was written cannot be read back: " + e.Err.Error()
	}
	return fmt.Sprintf("what is on the disk is not what was written to it: the 4 MiB from byte %d on are different", e.At)
}

func (e *VerifyError) Unwrap() error { return e.Err }

const (
	// chunk is how much is written or read at once.
	chunk = 4 << 20
	// edge is how much at either end of a disk programs look at to see what is on it.
	edge = 1 << 20
	// lead is where all lies that makes a program or a firmware take a disk for a boot medium: the partition
	// tables, and the volume descriptors of ISO 9660, which begin at 32 KiB (ECMA-119, 6.2.1).
	lead = 64 << 10
	// key is the part of it without which the rest counts for nothing; a page, which is written at once.
	key = 4 << 10
)

// copyToStick copies, and tells what the disk is if that has come to an end too early.
func (w *Work) copyToStick(ctx context.Context, image io.ReaderAt, disk machine.Overwriting, r *StickReport) error {
	if err := ctx.Err(); err != nil { // nothing is lost yet
		return err
	}
	c := &copying{w: w, ctx: ctx, image: image, size: int64(r.ImageSize), disk: disk, end: int64(r.Disk.Size)}
	err := c.run()
	state := StickEmpty
	if err != nil {
		state = c.state(err)
	}
	table := w.reread(ctx, disk)
	gone := err != nil && w.isGone(disk, r.Device, table)
	// A kernel that cannot read the table anew does so when the stick is plugged in again.
	if table != nil && !gone {
		w.noteAll([]string{fmt.Sprintf("the kernel still has the old partition table of %s: plug it in again", r.Device)})
	}
	if err != nil {
		return &StickError{r.Image, r.Disk.ID, describeDisk(r.Disk, r.Device), state, gone, err}
	}
	return nil
}

// isGone: after an error, the disk does not even answer when its partition table is asked for, or the kernel has taken
// it away: it has no size then (block/genhd.c, blk_mark_disk_dead), also where its name is there for a while yet.
func (w *Work) isGone(disk machine.Overwriting, device string, table error) bool {
	held, err := disk.Device()
	_, there := w.Machine.Lstat(device)
	return err != nil || held.Size == 0 || there != nil || table != nil && !errors.Is(table, machine.ErrBusy)
}

// copying is an image on its way to a disk. All but the lead is written first, and the key at last: until then the
// disk is empty for all who look at it, and nobody takes half an image for a whole one. What is behind the image is
// left, but for the end, where copies of partition tables and superblocks of arrays lie.
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

func (c *copying) run() error {
	c.began = c.w.Machine.Now()
	if err := c.clear(); err != nil {
		return err
	}
	// The kernel forgets the partitions now: whatever happens, nobody finds half of an old file system there.
	_ = c.w.reread(c.ctx, c.disk)
	for _, part := range [][2]int64{{lead, c.size}, {key, lead}, {0, key}} {
		if err := c.each("writing", part[0], min(part[1], c.size), c.write); err != nil {
			return err
		}
		if err := c.disk.Flush(); err != nil {
			return err
		}
	}
	c.began, c.whole = c.w.Machine.Now(), true
	return c.each("reading back", 0, c.size, c.compare)
}

// state says what the disk is after an error. One that is not what was written is emptied again.
func (c *copying) state(err error) StickState {
	_, wrong := err.(*VerifyError)
	switch {
	case !c.whole:
		return StickEmpty
	case !wrong:
		return StickUnproved
	case c.clear() != nil:
		return StickWrong
	}
	return StickEmpty
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

// each goes through a part of the image.
func (c *copying) each(act string, from, to int64, do func(buffer []byte, at int64) error) error {
	buffer := make([]byte, chunk)
	for at := from; at < to; at += chunk {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		c.tell(act, at)
		if err := do(buffer[:min(chunk, to-at)], at); err != nil {
			return err
		}
	}
	return nil
}

// tell tells how far it is, once a second. The lead is written last, and not worth a word.
func (c *copying) tell(act string, at int64) {
	now := c.w.Machine.Now()
	if now.Sub(c.told) < time.Second && at > 0 || !c.whole && at < lead {
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
		return &VerifyError{uint64(at), err}
	}
	if !bytes.Equal(got, buffer) {
		return &VerifyError{At: uint64(at)}
	}
	return nil
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
