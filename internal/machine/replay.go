package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"
)

// ErrNotRecorded is the answer to what was not asked when the recording was made.
var ErrNotRecorded = errors.New("it is not in the recording")

// Replay answers as the recorded machine did. A question gets its answers in the
// recorded order, and the last one from then on. What is not in the recording,
// an act above all, is refused.
type Replay struct {
	recording *Recording
}

var _ Machine = (*Replay)(nil)

// NewReplay makes a machine of a recording. A recording is for one replay, as it
// keeps count of what was answered: load it again for another.
func NewReplay(r *Recording) *Replay { return &Replay{recording: r} }

// ask gives the next answer to a question, and all answers to it.
func (l *ledger) ask(question string) (*answer, []*answer, error) {
	a, all := l.next(question)
	if a == nil {
		return nil, nil, fmt.Errorf("cannot answer %q: %w", question, ErrNotRecorded)
	}
	return a, all, a.Error.decode()
}

// or is the answer, or an empty one beside an error.
func (a *answer) or() *answer {
	if a == nil {
		return &answer{}
	}
	return a
}

func (r *Replay) ask(question string) (*answer, error) {
	a, _, err := r.recording.asked.ask(question)
	return a.or(), err
}

func loopQuestion(size uint64) string {
	return question("loop", strconv.FormatUint(size, 10))
}

// Lookup replays.
func (r *Replay) Lookup(program string) (string, error) {
	a, err := r.ask(question("lookup", program))
	return string(a.Text), err
}

// Run replays.
func (r *Replay) Run(ctx context.Context, c Cmd) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, wrap("run", c.Program, err)
	}
	a, err := r.ask(runQuestion("run", c))
	return Result{a.Data, a.Stderr}, err
}

// Attach replays the status.
func (r *Replay) Attach(ctx context.Context, c Cmd) (int, error) {
	if err := ctx.Err(); err != nil {
		return -1, wrap("run", c.Program, err)
	}
	a, err := r.ask(runQuestion("attach", c))
	if errors.Is(err, ErrNotRecorded) {
		return -1, err
	}
	return a.Status, err
}

// ReadFile replays.
func (r *Replay) ReadFile(name string) ([]byte, error) {
	a, err := r.ask(question("read", name))
	return a.Data, err
}

// ReadDir replays.
func (r *Replay) ReadDir(name string) ([]string, error) {
	a, err := r.ask(question("list", name))
	return plainTexts(a.Names), err
}

// Readlink replays.
func (r *Replay) Readlink(name string) (string, error) {
	a, err := r.ask(question("readlink", name))
	return string(a.Text), err
}

// Stat replays.
func (r *Replay) Stat(name string) (Info, error) { return r.info(question("stat", name)) }

// Lstat replays.
func (r *Replay) Lstat(name string) (Info, error) { return r.info(question("lstat", name)) }

func (r *Replay) info(question string) (Info, error) {
	a, err := r.ask(question)
	if a.Info == nil {
		return Info{}, err
	}
	return *a.Info, err
}

// OpenBlock replays what was read; other places are errors.
func (r *Replay) OpenBlock(ctx context.Context, name string) (Block, error) {
	if err := ctx.Err(); err != nil {
		return nil, wrap("open", name, err)
	}
	a, all, err := r.recording.asked.ask(question("open", name))
	if err != nil {
		return nil, err
	}
	return &replayedBlock{ctx: ctx, name: name, sector: a.Sector, content: contents(a, all)}, nil
}

// contents lists the content of one answer and after it that of the others.
func contents(a *answer, all []*answer) []*extents {
	list := []*extents{a.Content}
	for _, b := range all {
		if b != a && b.Content != nil {
			list = append(list, b.Content)
		}
	}
	if a.Content == nil {
		list[0] = &extents{}
	}
	return list
}

type replayedBlock struct {
	ctx     context.Context
	name    string
	sector  int
	content []*extents
}

func (b *replayedBlock) Size() int64     { return b.content[0].Size }
func (b *replayedBlock) SectorSize() int { return b.sector }
func (b *replayedBlock) Close() error    { return nil }

func (b *replayedBlock) ReadAt(p []byte, off int64) (int, error) {
	err := b.ctx.Err()
	if off < 0 {
		err = fs.ErrInvalid
	}
	if err != nil {
		return 0, fmt.Errorf("cannot read %s at %d: %w", b.name, off, err)
	}
	n, err := readAny(b.content, p, off)
	if errors.Is(err, ErrNotRecorded) {
		err = fmt.Errorf("cannot read %s: %w", b.name, err)
	}
	return n, err
}

// SetReadOnly replays.
func (r *Replay) SetReadOnly(device string, on bool) (bool, error) {
	a, err := r.ask(readOnlyQuestion(device, on))
	return a.Was, err
}

// AttachLoop replays.
func (r *Replay) AttachLoop(size uint64) (string, error) {
	a, err := r.ask(loopQuestion(size))
	return string(a.Text), err
}

func (r *Replay) act(question string) error {
	_, err := r.ask(question)
	return err
}

// DetachLoop replays.
func (r *Replay) DetachLoop(device string) error { return r.act(question("detach", device)) }

// Mount replays.
func (r *Replay) Mount(_ context.Context, q MountRequest) error {
	return r.act(mountQuestion("mount", q))
}

// Unmount replays.
func (r *Replay) Unmount(point string) error { return r.act(question("unmount", point)) }

// Look replays.
func (r *Replay) Look(_ context.Context, q MountRequest) (Tree, error) {
	return r.tree(mountQuestion("look", q))
}

// Tree replays.
func (r *Replay) Tree(root string) (Tree, error) { return r.tree(question("tree", root)) }

// WriteFile replays that it was done.
func (r *Replay) WriteFile(name string, _ []byte, _ fs.FileMode) error {
	return r.act(question("write", name))
}

// AppendFile replays that it was done.
func (r *Replay) AppendFile(name string, _ []byte, _ fs.FileMode) error {
	return r.act(question("append", name))
}

// MkdirAll replays that it was done.
func (r *Replay) MkdirAll(name string, _ fs.FileMode) error {
	return r.act(question("mkdir", name))
}

// Remove replays that it was done.
func (r *Replay) Remove(name string) error { return r.act(question("remove", name)) }

// WriteSysfs replays that it was done.
func (r *Replay) WriteSysfs(name, value string) error {
	return r.act(question("write-sysfs", name, value))
}

// Lock replays that it was had.
func (r *Replay) Lock(name string) (func(), error) {
	if err := r.act(question("lock", name)); err != nil {
		return nil, err
	}
	return func() {}, nil
}

// Euid is the recorded one.
func (r *Replay) Euid() int { return r.recording.euid }

// Now is when the recording began.
func (r *Replay) Now() time.Time { return r.recording.started }
