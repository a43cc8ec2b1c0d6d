package machine

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"sync"
	"time"
)

// Recorder hands everything on to another machine and writes the answers down.
// What a program is given on its standard input is not an answer and is never
// written down; a file that held such a secret is taken out of the recording (see
// keys).
type Recorder struct {
	inner   Machine
	started time.Time
	asked   *ledger
	keys    keys
	// The content of devices and files grows with every read, in answers that
	// were given long before.
	content sync.Mutex
}

var _ Machine = (*Recorder)(nil)

// NewRecorder begins a recording of m.
func NewRecorder(m Machine) *Recorder {
	return &Recorder{inner: m, started: m.Now(), asked: newLedger()}
}

// Recording gives what was recorded until now.
func (r *Recorder) Recording() (*Recording, error) {
	r.content.Lock()
	defer r.content.Unlock()
	// By way of the file's form: a copy that later answers do not change, and
	// that is what a loaded one would be.
	var buf bytes.Buffer
	live := &Recording{r.started, r.inner.Euid(), r.keys.without(r.asked)}
	if err := live.Save(&buf); err != nil {
		return nil, err
	}
	return LoadRecording(&buf)
}

// question spells a question as the key of its answers.
func question(verb string, about ...string) string {
	for _, a := range about {
		verb += " " + Quote(a)
	}
	return verb
}

func runQuestion(verb string, c Cmd) string {
	q := verb + " " + c.String()
	if c.Root != "" {
		q += " in " + Quote(c.Root)
	}
	if c.Stdin != nil {
		q += " <secret"
	}
	return q
}

func mountQuestion(verb string, r MountRequest) string {
	text, err := json.Marshal(r)
	if err != nil {
		panic("internal error: a mount request does not marshal: " + err.Error())
	}
	return verb + " " + string(text)
}

// act records an act that gives nothing back but that it was done.
func (r *Recorder) act(question string, err error) error {
	r.asked.add(question, &answer{Error: record(err)})
	return err
}

// Lookup records.
func (r *Recorder) Lookup(program string) (string, error) {
	file, err := r.inner.Lookup(program)
	r.asked.add(question("lookup", program), &answer{Text: rawText(file), Error: record(err)})
	return file, err
}

// Run records.
func (r *Recorder) Run(ctx context.Context, c Cmd) (Result, error) {
	if c.Stdin != nil {
		r.keys.add(c.Stdin)
	}
	res, err := r.inner.Run(ctx, c)
	r.asked.add(runQuestion("run", c), &answer{Data: res.Stdout, Stderr: res.Stderr, Error: record(err)})
	return res, err
}

// Attach records the status. What went over the terminal is not seen here.
func (r *Recorder) Attach(ctx context.Context, c Cmd) (int, error) {
	status, err := r.inner.Attach(ctx, c)
	r.asked.add(runQuestion("attach", c), &answer{Status: status, Error: record(err)})
	return status, err
}

// ReadFile records.
func (r *Recorder) ReadFile(name string) ([]byte, error) {
	data, err := r.inner.ReadFile(name)
	r.asked.add(question("read", name), &answer{Data: bytes.Clone(data), Error: record(err)})
	return data, err
}

// ReadDir records.
func (r *Recorder) ReadDir(name string) ([]string, error) {
	names, err := r.inner.ReadDir(name)
	r.asked.add(question("list", name), &answer{Names: rawTexts(names), Error: record(err)})
	return names, err
}

// Readlink records.
func (r *Recorder) Readlink(name string) (string, error) {
	to, err := r.inner.Readlink(name)
	r.asked.add(question("readlink", name), &answer{Text: rawText(to), Error: record(err)})
	return to, err
}

// Stat records.
func (r *Recorder) Stat(name string) (Info, error) {
	info, err := r.inner.Stat(name)
	return r.info("stat", name, info, err)
}

// Lstat records.
func (r *Recorder) Lstat(name string) (Info, error) {
	info, err := r.inner.Lstat(name)
	return r.info("lstat", name, info, err)
}

func (r *Recorder) info(verb, name string, info Info, err error) (Info, error) {
	a := &answer{Error: record(err)}
	if err == nil {
		a.Info = &info
	}
	r.asked.add(question(verb, name), a)
	return info, err
}

// OpenBlock records what is read.
func (r *Recorder) OpenBlock(ctx context.Context, name string) (Block, error) {
	b, err := r.inner.OpenBlock(ctx, name)
	if err != nil {
		return nil, r.act(question("open", name), err)
	}
	content := &extents{Size: b.Size()}
	r.asked.add(question("open", name), &answer{Sector: b.SectorSize(), Content: content})
	return &recordedBlock{b, r, content}, nil
}

type recordedBlock struct {
	Block
	recorder *Recorder
	content  *extents
}

func (b *recordedBlock) ReadAt(p []byte, off int64) (int, error) {
	n, err := b.Block.ReadAt(p, off)
	if off >= 0 {
		b.recorder.content.Lock()
		defer b.recorder.content.Unlock()
		b.content.record(off, p[:n], len(p), err)
	}
	return n, err
}

// SetReadOnly records.
func (r *Recorder) SetReadOnly(device string, on bool) (bool, error) {
	was, err := r.inner.SetReadOnly(device, on)
	r.asked.add(readOnlyQuestion(device, on), &answer{Was: was, Error: record(err)})
	return was, err
}

func readOnlyQuestion(device string, on bool) string {
	if on {
		return question("set-read-only", device)
	}
	return question("set-writable", device)
}

// AttachLoop records.
func (r *Recorder) AttachLoop(size uint64) (string, error) {
	device, err := r.inner.AttachLoop(size)
	r.asked.add(loopQuestion(size), &answer{Text: rawText(device), Error: record(err)})
	return device, err
}

// DetachLoop records.
func (r *Recorder) DetachLoop(device string) error {
	return r.act(question("detach", device), r.inner.DetachLoop(device))
}

// Mount records.
func (r *Recorder) Mount(ctx context.Context, q MountRequest) error {
	return r.act(mountQuestion("mount", q), r.inner.Mount(ctx, q))
}

// Unmount records.
func (r *Recorder) Unmount(point string) error {
	return r.act(question("unmount", point), r.inner.Unmount(point))
}

// Look records what is looked at.
func (r *Recorder) Look(ctx context.Context, q MountRequest) (Tree, error) {
	t, err := r.inner.Look(ctx, q)
	return r.tree(mountQuestion("look", q), t, err)
}

// Tree records what is looked at.
func (r *Recorder) Tree(root string) (Tree, error) {
	t, err := r.inner.Tree(root)
	return r.tree(question("tree", root), t, err)
}

// WriteFile records that it was done, not the content: that is the caller's.
func (r *Recorder) WriteFile(name string, data []byte, perm fs.FileMode) error {
	return r.act(question("write", name), r.inner.WriteFile(name, data, perm))
}

// AppendFile records as WriteFile does.
func (r *Recorder) AppendFile(name string, data []byte, perm fs.FileMode) error {
	return r.act(question("append", name), r.inner.AppendFile(name, data, perm))
}

// MkdirAll records.
func (r *Recorder) MkdirAll(name string, perm fs.FileMode) error {
	return r.act(question("mkdir", name), r.inner.MkdirAll(name, perm))
}

// Remove records.
func (r *Recorder) Remove(name string) error {
	return r.act(question("remove", name), r.inner.Remove(name))
}

// WriteSysfs records.
func (r *Recorder) WriteSysfs(name, value string) error {
	return r.act(question("write-sysfs", name, value), r.inner.WriteSysfs(name, value))
}

// Lock records.
func (r *Recorder) Lock(name string) (func(), error) {
	unlock, err := r.inner.Lock(name)
	r.act(question("lock", name), err)
	return unlock, err
}

// Euid is the inner machine's.
func (r *Recorder) Euid() int { return r.inner.Euid() }

// Now is the inner machine's. Times are not recorded: a replay stands at the
// moment when its recording began.
func (r *Recorder) Now() time.Time { return r.inner.Now() }
