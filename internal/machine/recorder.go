package machine

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"sync/atomic"
	"time"
)

// Recorder hands everything on to another machine and writes the answers down.
// What a program is given on its standard input is not an answer and is never
// written down; where else such a secret lies, and other secrets that are known by
// their look, are taken out of the recording (see Recording).
type Recorder struct {
	inner   Machine
	started time.Time
	asked   *ledger
	moment  atomic.Int64 // how many acts there were, see Recording
	keys    keys
	trim    trimmer
	scrub   func(read []byte)
}

var _ Machine = (*Recorder)(nil)

// NewRecorder begins a recording of m.
func NewRecorder(m Machine) *Recorder {
	return &Recorder{inner: m, started: m.Now(), asked: newLedger()}
}

// Recording gives what was recorded until now, and how many secrets were replaced
// in it.
func (r *Recorder) Recording() (rec *Recording, redacted int, err error) {
	// By way of the file's form: a copy that later answers do not change, and
	// that is what a loaded one would be.
	r.asked.Lock()
	r.asked.settle()
	data, err := json.Marshal(&Recording{r.started, r.inner.Euid(), r.asked})
	r.asked.Unlock()
	if err != nil {
		return nil, 0, fmt.Errorf("cannot copy the recording: %w", err)
	}
	rec = new(Recording)
	if err := rec.UnmarshalJSON(data); err != nil {
		return nil, 0, err
	}
	r.scrubAll(rec.asked)
	return rec, redact(rec.asked, &r.keys), nil
}

// answered writes an answer down.
func (r *Recorder) answered(question string, a answer) {
	r.asked.add(question, int(r.moment.Load()), a)
}

// acted writes down what came of an act, after which another moment begins.
func (r *Recorder) acted(question string, a answer) {
	r.asked.addAct(question, int(r.moment.Add(1))-1, a)
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
	if len(c.Keys) > 0 {
		q += fmt.Sprintf(" <%d keys", len(c.Keys))
	}
	return q
}

func mountQuestion(verb string, r MountRequest) string { return question(verb, mountText(r)) }

func mountText(r MountRequest) string {
	text, err := json.Marshal(r)
	if err != nil {
		panic("internal error: a mount request does not marshal: " + err.Error())
	}
	return string(text)
}

func (r *Recorder) ran(c Cmd, a answer) {
	if changesNothing(c) {
		r.answered(runQuestion("run", c), a)
		return
	}
	r.acted(runQuestion("run", c), a)
}

// act records an act that gives nothing back but that it was done.
func (r *Recorder) act(question string, err error) error {
	r.acted(question, answer{Error: record(err)})
	return err
}

// own records what salvor does to a file of its own.
func (r *Recorder) own(question string, err error) error {
	r.answered(question, answer{Error: record(err)})
	return err
}

// Lookup records.
func (r *Recorder) Lookup(program string) (string, error) {
	file, err := r.inner.Lookup(program)
	r.answered(question("lookup", program), answer{Text: rawText(file), Error: record(err)})
	return file, err
}

// Run records.
func (r *Recorder) Run(ctx context.Context, c Cmd) (Result, error) {
	for _, k := range append(c.Keys[:len(c.Keys):len(c.Keys)], c.Stdin) {
		if k != nil {
			r.keys.add(k)
		}
	}
	res, err := r.inner.Run(ctx, c)
	if c.Secret && err == nil {
		r.keys.addBytes(res.Stdout)
		r.ran(c, answer{Data: blank(res.Stdout)})
		return res, nil
	}
	r.ran(c, answer{Data: res.Stdout, Stderr: res.Stderr, Error: record(err)})
	return res, err
}

// Attach records the status. What went over the terminal is not seen here.
func (r *Recorder) Attach(ctx context.Context, c Cmd) (int, error) {
	status, err := r.inner.Attach(ctx, c)
	r.acted(runQuestion("attach", c), answer{Status: status, Error: record(err)})
	return status, err
}

// ReadFile records.
func (r *Recorder) ReadFile(name string) ([]byte, error) {
	data, err := r.inner.ReadFile(name)
	r.answered(question("read", name), answer{Data: r.scrubbed(data), Error: record(err)})
	return data, err
}

// ReadDir records.
func (r *Recorder) ReadDir(name string) ([]string, error) {
	names, err := r.inner.ReadDir(name)
	r.answered(question("list", name), answer{Names: rawTexts(names), Error: record(err)})
	return names, err
}

// Readlink records.
func (r *Recorder) Readlink(name string) (string, error) {
	to, err := r.inner.Readlink(name)
	r.answered(question("readlink", name), answer{Text: rawText(to), Error: record(err)})
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
	a := answer{Error: record(err)}
	if err == nil {
		a.Info = &info
	}
	r.answered(question(verb, name), a)
	return info, err
}

// SetReadOnly records.
func (r *Recorder) SetReadOnly(device string, on bool) (bool, error) {
	was, err := r.inner.SetReadOnly(device, on)
	r.acted(readOnlyQuestion(device, on), answer{Was: was, Error: record(err)})
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
	r.acted(loopQuestion(size), answer{Text: rawText(device), Error: record(err)})
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
	return r.own(question("write", name), r.inner.WriteFile(name, data, perm))
}

// AppendFile records as WriteFile does.
func (r *Recorder) AppendFile(name string, data []byte, perm fs.FileMode) error {
	return r.own(question("append", name), r.inner.AppendFile(name, data, perm))
}

// MkdirAll records.
func (r *Recorder) MkdirAll(name string, perm fs.FileMode) error {
	return r.own(question("mkdir", name), r.inner.MkdirAll(name, perm))
}

// Remove records.
func (r *Recorder) Remove(name string) error {
	return r.own(question("remove", name), r.inner.Remove(name))
}

// WriteSysfs records.
func (r *Recorder) WriteSysfs(name, value string) error {
	return r.act(question("write-sysfs", name, value), r.inner.WriteSysfs(name, value))
}

// Lock records.
func (r *Recorder) Lock(name string) (func(), error) {
	unlock, err := r.inner.Lock(name)
	r.own(question("lock", name), err)
	return unlock, err
}

// Euid is the inner machine's.
func (r *Recorder) Euid() int { return r.inner.Euid() }

// Now is the inner machine's. Times are not recorded: a replay stands at the
// moment when its recording began.
func (r *Recorder) Now() time.Time { return r.inner.Now() }
