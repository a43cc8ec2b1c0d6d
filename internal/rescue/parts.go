package rescue

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"sync/atomic"
)

// partSize is how many bytes of files go into one archive of an initramfs. The kernel unpacks any
// number of archives one after the other (Documentation/driver-api/early-userspace/buffer-format.rst);
// several can be compressed at the same time. Smaller ones would compress worse.
const partSize = 24 << 20

// parts divides the entries among archives. It depends on nothing but the manifest, as
// the bytes of an image must not depend on the number of processors.
func (m *Manifest) parts() [][]Entry {
	var out [][]Entry
	first, size := 0, int64(0)
	for i, e := range m.Entries {
		if size > 0 && size+e.Size > partSize {
			out = append(out, m.Entries[first:i])
			first, size = i, 0
		}
		size += e.Size
	}
	return append(out, m.Entries[first:])
}

// errStopped ends the packing of a part that nobody waits for any more.
var errStopped = errors.New("another part of the image has failed")

// pack makes an archive of each part, as many at a time as there are processors, and writes them
// in their order. Nothing of it goes on when it returns.
func pack(w io.Writer, parts [][]Entry, archive func(w io.Writer, part []Entry) error) error {
	var stopped atomic.Bool
	var pending []<-chan packed
	defer func() {
		stopped.Store(true)
		for _, p := range pending {
			<-p
		}
	}()
	for len(parts) > 0 || len(pending) > 0 {
		for len(parts) > 0 && len(pending) < runtime.GOMAXPROCS(0) {
			pending, parts = append(pending, packPart(parts[0], &stopped, archive)), parts[1:]
		}
		p := <-pending[0]
		pending = pending[1:]
		if p.err != nil {
			return p.err
		}
		if _, err := w.Write(p.data); err != nil {
			return err
		}
	}
	return nil
}

// packed is a finished archive.
type packed struct {
	data []byte
	err  error
}

func packPart(part []Entry, stopped *atomic.Bool, archive func(w io.Writer, part []Entry) error) <-chan packed {
	done := make(chan packed, 1)
	go func() {
		b := &stoppable{stopped: stopped}
		err := archive(b, part)
		done <- packed{b.Bytes(), err}
	}()
	return done
}

// stoppable takes bytes until it is told to stop.
type stoppable struct {
	bytes.Buffer
	stopped *atomic.Bool
}

func (s *stoppable) Write(p []byte) (int, error) {
	if s.stopped.Load() {
		return 0, errStopped
	}
	return s.Buffer.Write(p)
}
