package machine

import "context"

// OpenBlock records what is read.
func (r *Recorder) OpenBlock(ctx context.Context, name string) (Block, error) {
	b, err := r.inner.OpenBlock(ctx, name)
	if err != nil {
		r.answered(question("open", name), answer{Error: record(err)})
		return nil, err
	}
	content := &extents{Size: b.Size()}
	opal, ok := b.(OpalLocked)
	r.answered(question("open", name), answer{Sector: b.SectorSize(), Locked: ok && opal.OpalLocked(), Content: content})
	return &recordedBlock{b, r, content}, nil
}

type recordedBlock struct {
	Block
	recorder *Recorder
	content  *extents
}

// OpalLocked hands on what the device says.
func (b *recordedBlock) OpalLocked() bool {
	inner, ok := b.Block.(OpalLocked)
	return ok && inner.OpalLocked()
}

func (b *recordedBlock) ReadAt(p []byte, off int64) (int, error) {
	n, err := b.Block.ReadAt(p, off)
	if off >= 0 {
		b.recorder.read(b.content, off, p, n, err)
	}
	return n, err
}

// Close leaves of what was read what is needed.
func (b *recordedBlock) Close() error {
	err := b.Block.Close()
	b.recorder.trim.cut(b.recorder.asked, b.content, b.SectorSize())
	return err
}

// read writes down what a read gave.
func (r *Recorder) read(content *extents, at int64, p []byte, n int, err error) {
	data := r.scrubbed(p[:n])
	r.asked.Lock()
	defer r.asked.Unlock()
	content.record(at, data, len(p), err)
}
