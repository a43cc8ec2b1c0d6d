package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"sync"
	"time"
)

// ErrNotRecorded is the answer to what was not asked when the recording was made.
var ErrNotRecorded = errors.New("it is not in the recording")

// Replay answers as the recorded machine did, at the moment to which the acts that
// it was asked for have led (see Recording). An act that is not in the recording is
// refused, and so is every question that was not asked then; of these it keeps count.
// What salvor writes for itself is done in memory.
type Replay struct {
	recording *Recording
	own       ownFiles

	mu      sync.Mutex
	moments moments
	missed  []string
}

var _ Machine = (*Replay)(nil)

// NewReplay makes a machine of a recording. A recording is for one replay, as it
// keeps count of what was answered: load it again for another.
func NewReplay(r *Recording) *Replay {
	return &Replay{recording: r, moments: newMoments(r.asked)}
}

// Missed gives the questions that the recording has no answer to, in order.
func (r *Replay) Missed() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.missed)
}

// miss remembers a question without an answer.
func (r *Replay) miss(verb, name string, err error) {
	if !errors.Is(err, ErrNotRecorded) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if q := question(verb, name); !slices.Contains(r.missed, q) {
		r.missed = append(r.missed, q)
	}
}

func (r *Replay) now() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.moments.now
}

// or is the answer, or an empty one beside an error.
func (a *answer) or() *answer {
	if a == nil {
		return &answer{}
	}
	return a
}

// ask answers a question about a name.
func (r *Replay) ask(verb, name string) (*answer, []*answer, error) {
	a, all, err := r.recording.asked.ask(verb, name, r.now())
	if a == nil {
		r.miss(verb, name, err)
	}
	return a.or(), all, err
}

// do does an act.
func (r *Replay) do(question string) (*answer, error) {
	if l := r.recording.asked; !l.acts[question] {
		if a, _ := l.next(question, r.now()); a != nil {
			return a, a.Error.decode()
		}
	}
	r.mu.Lock()
	a, err := r.moments.act(r.recording.asked, question)
	r.mu.Unlock()
	if err != nil {
		return &answer{}, err
	}
	return a, a.Error.decode()
}

func loopQuestion(size uint64) string {
	return question("loop", strconv.FormatUint(size, 10))
}

// Lookup replays.
func (r *Replay) Lookup(program string) (string, error) {
	a, _, err := r.ask("lookup", program)
	return string(a.Text), err
}

// Run replays.
func (r *Replay) Run(ctx context.Context, c Cmd) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, wrap("run", c.Program, err)
	}
	a, err := r.do(runQuestion("run", c))
	if errors.Is(err, ErrNotRecorded) {
		// What is not installed has not run.
		if _, missing := r.Lookup(c.Program); isMissing(missing) {
			err = missing
		}
	}
	return Result{a.Data, a.Stderr}, err
}

func isMissing(err error) bool {
	_, is := errors.AsType[*MissingProgram](err)
	return is
}

// Attach replays the status.
func (r *Replay) Attach(ctx context.Context, c Cmd) (int, error) {
	if err := ctx.Err(); err != nil {
		return -1, wrap("run", c.Program, err)
	}
	a, err := r.do(runQuestion("attach", c))
	if errors.Is(err, ErrNotRecorded) {
		return -1, err
	}
	return a.Status, err
}

// ReadFile replays.
func (r *Replay) ReadFile(name string) ([]byte, error) {
	if data, ok := r.own.read(name); ok {
		return data, nil
	}
	a, _, err := r.ask("read", name)
	return a.Data, err
}

// ReadDir replays.
func (r *Replay) ReadDir(name string) ([]string, error) {
	a, _, err := r.ask("list", name)
	return plainTexts(a.Names), err
}

// Readlink replays.
func (r *Replay) Readlink(name string) (string, error) {
	a, _, err := r.ask("readlink", name)
	return string(a.Text), err
}

// Stat replays.
func (r *Replay) Stat(name string) (Info, error) { return r.info("stat", name) }

// Lstat replays.
func (r *Replay) Lstat(name string) (Info, error) { return r.info("lstat", name) }

func (r *Replay) info(verb, name string) (Info, error) {
	if data, ok := r.own.read(name); ok {
		return Info{Mode: 0o600, Size: int64(len(data))}, nil
	}
	a, _, err := r.ask(verb, name)
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
	a, all, err := r.ask("open", name)
	if err != nil {
		return nil, err
	}
	return &replayedBlock{ctx: ctx, name: name, sector: a.Sector, locked: a.Locked, content: contents(a, all)}, nil
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
	locked  bool
	content []*extents
}

func (b *replayedBlock) Size() int64      { return b.content[0].Size }
func (b *replayedBlock) SectorSize() int  { return b.sector }
func (b *replayedBlock) OpalLocked() bool { return b.locked }
func (b *replayedBlock) Close() error     { return nil }

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
	a, err := r.do(readOnlyQuestion(device, on))
	return a.Was, err
}

// AttachLoop replays.
func (r *Replay) AttachLoop(size uint64) (string, error) {
	a, err := r.do(loopQuestion(size))
	return string(a.Text), err
}

func (r *Replay) act(question string) error {
	_, err := r.do(question)
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
	return r.tree("look", mountText(q))
}

// Tree replays.
func (r *Replay) Tree(root string) (Tree, error) { return r.tree("tree", root) }

// WriteSysfs replays that it was done.
func (r *Replay) WriteSysfs(name, value string) error {
	return r.act(question("write-sysfs", name, value))
}

// Euid is the recorded one.
func (r *Replay) Euid() int { return r.recording.euid }

// Now is when the recording began.
func (r *Replay) Now() time.Time { return r.recording.started }
