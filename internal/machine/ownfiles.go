package machine

import (
	"fmt"
	"io/fs"
	"slices"
	"sync"
)

// ownFiles are the files that salvor writes for itself while it works on a Replay.
// They change nothing of the recorded machine, so it may write others than it wrote
// when the recording was made: these lie in memory.
type ownFiles struct {
	mu    sync.Mutex
	files map[string][]byte
}

func (o *ownFiles) read(name string) (data []byte, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	data, ok = o.files[name]
	return slices.Clone(data), ok
}

func (o *ownFiles) write(name string, data []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.files == nil {
		o.files = map[string][]byte{}
	}
	o.files[name] = slices.Clone(data)
}

func (o *ownFiles) remove(name string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, ok := o.files[name]; !ok {
		return fmt.Errorf("cannot remove %s: %w", name, fs.ErrNotExist)
	}
	delete(o.files, name)
	return nil
}

// keep answers as it was answered then; known is false for what was not done then.
func (r *Replay) keep(verb, name string) (known bool, err error) {
	a, _ := r.recording.asked.next(question(verb, name), r.now())
	return a != nil, a.or().Error.decode()
}

// WriteFile replays, or writes to memory.
func (r *Replay) WriteFile(name string, data []byte, _ fs.FileMode) error {
	known, err := r.keep("write", name)
	if !known {
		r.own.write(name, data)
	}
	return err
}

// AppendFile replays, or writes to memory.
func (r *Replay) AppendFile(name string, data []byte, _ fs.FileMode) error {
	known, err := r.keep("append", name)
	if !known {
		before, _ := r.own.read(name)
		r.own.write(name, append(before, data...))
	}
	return err
}

// MkdirAll replays; memory needs no directories.
func (r *Replay) MkdirAll(name string, _ fs.FileMode) error {
	_, err := r.keep("mkdir", name)
	return err
}

// Remove replays, or removes from memory.
func (r *Replay) Remove(name string) error {
	known, err := r.keep("remove", name)
	if !known {
		err = r.own.remove(name)
	}
	return err
}

// Lock replays. A replay is nobody else's.
func (r *Replay) Lock(name string) (func(), error) {
	if _, err := r.keep("lock", name); err != nil {
		return nil, err
	}
	return func() {}, nil
}
