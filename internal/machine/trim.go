package machine

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"reflect"
	"slices"
	"sync"
)

// Trim keeps of what is read of a device only the sectors that make a difference to
// what look finds on it: what lies beside the superblocks is the contents of files.
// A device of which less was read than look asks for is kept as it was read. It is
// called before the recording begins.
func (r *Recorder) Trim(look func(r io.ReaderAt, size int64, sector int) any) { r.trim.look = look }

// trimmer cuts contents down. Devices with the same content, and one device at
// several moments, are cut down once.
type trimmer struct {
	look func(r io.ReaderAt, size int64, sector int) any
	mu   sync.Mutex
	cuts map[[sha256.Size]byte]*extents
}

func (t *trimmer) cut(l *ledger, x *extents, sector int) {
	if t.look == nil {
		return
	}
	l.Lock()
	sum, whole := x.sum(), x.clone()
	l.Unlock()
	t.mu.Lock()
	small := t.cuts[sum]
	t.mu.Unlock()
	if small == nil {
		small = t.trimmed(whole, sector)
		t.mu.Lock()
		if t.cuts == nil {
			t.cuts = map[[sha256.Size]byte]*extents{}
		}
		t.cuts[sum] = small
		t.mu.Unlock()
	}
	l.Lock()
	*x = *small
	l.Unlock()
}

// trimmed leaves the sectors that look needs. They are looked for by halving: most
// of what is read matters to nobody.
func (t *trimmer) trimmed(x *extents, sector int) *extents {
	seen := &watched{x: x}
	want := t.look(seen, x.Size, sector)
	if seen.missing {
		return x
	}
	same := func() bool { return reflect.DeepEqual(want, t.look(&watched{x: x}, x.Size, sector)) }
	halve(x.sectors(seen.has), same)
	small := &extents{Size: x.Size}
	for _, e := range x.Pieces {
		if e.Error != nil || e.Zeros > 0 {
			small.put(e)
			continue
		}
		small.record(e.At, e.Data, len(e.Data), nil)
	}
	return small
}

// halve clears the sectors whose clearing changes nothing.
func halve(sectors [][]byte, same func() bool) {
	if len(sectors) == 0 {
		return
	}
	var before [][]byte
	for _, s := range sectors {
		before = append(before, slices.Clone(s))
		clear(s)
	}
	if same() {
		return
	}
	for i, s := range sectors {
		copy(s, before[i])
	}
	if half := len(sectors) / 2; half > 0 {
		halve(sectors[:half], same)
		halve(sectors[half:], same)
	}
}

// watched reads from a content and notices what is read.
type watched struct {
	x       *extents
	missing bool
	reads   []extent // Asked from At on
}

func (w *watched) ReadAt(p []byte, off int64) (int, error) {
	w.reads = append(w.reads, extent{At: off, Asked: int64(len(p))})
	n, err, missing := w.x.read(p, off)
	if missing {
		w.missing = true
		err = ErrNotRecorded
	}
	return n, err
}

// has: the bytes from one place to another were read.
func (w *watched) has(from, to int64) bool {
	return slices.ContainsFunc(w.reads, func(e extent) bool { return e.At <= from && to <= e.end() })
}

// sectors gives the bytes of the sectors that were read. Writing to them changes the
// content.
func (x *extents) sectors(wasRead func(from, to int64) bool) [][]byte {
	var out [][]byte
	for _, e := range x.Pieces {
		for at := e.At; at < e.At+int64(len(e.Data)); {
			end := min((at/zeroGrain+1)*zeroGrain, e.At+int64(len(e.Data)))
			if wasRead(at, end) {
				out = append(out, e.Data[at-e.At:end-e.At])
			}
			at = end
		}
	}
	return out
}

func (x *extents) clone() *extents {
	y := &extents{Size: x.Size, Pieces: slices.Clone(x.Pieces)}
	for i := range y.Pieces {
		y.Pieces[i].Data = slices.Clone(y.Pieces[i].Data)
	}
	return y
}

func (x *extents) sum() [sha256.Size]byte {
	h := sha256.New()
	binary.Write(h, binary.LittleEndian, x.Size) // into a hash: it cannot fail
	for _, e := range x.Pieces {
		binary.Write(h, binary.LittleEndian, []int64{e.At, e.end()})
		h.Write(e.Data)
		if e.Error != nil {
			io.WriteString(h, string(e.Error.Text))
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
}
