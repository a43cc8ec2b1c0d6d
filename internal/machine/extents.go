package machine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// extents is what was read of a device or a file: pieces in order, none of which
// overlap. A place that was read twice has what was read last.
type extents struct {
	Size   int64    `json:"size"`
	Pieces []extent `json:"pieces,omitempty"`
}

// extent is bytes that were read, or a place where reading failed.
type extent struct {
	At    int64          `json:"at"`
	Data  payload        `json:"data,omitempty"`
	Error *recordedError `json:"error,omitempty"` // from At on, as far as was asked
	Asked int64          `json:"asked,omitempty"`
}

func (e extent) end() int64 { return e.At + max(int64(len(e.Data)), e.Asked) }

// part is the piece from byte a to byte b, which lie in it.
func (e extent) part(a, b int64) extent {
	p := extent{At: a, Error: e.Error}
	if e.Error != nil {
		p.Asked = b - a
	} else {
		p.Data = e.Data[a-e.At : b-e.At : b-e.At] // appending must not reach the next part
	}
	return p
}

// at gives the first piece that ends after a byte.
func (x *extents) at(off int64) int {
	i, _ := slices.BinarySearchFunc(x.Pieces, off, func(e extent, off int64) int {
		return cmp.Compare(e.end(), off+1)
	})
	return i
}

func (x *extents) has(off int64) bool {
	i := x.at(off)
	return i < len(x.Pieces) && x.Pieces[i].At <= off
}

// put adds a piece and takes away what was known of its place.
func (x *extents) put(n extent) {
	if n.end() <= n.At {
		return
	}
	first := x.at(n.At)
	last := first
	var list []extent
	for ; last < len(x.Pieces) && x.Pieces[last].At < n.end(); last++ {
		e := x.Pieces[last]
		if e.At < n.At {
			list = append(list, e.part(e.At, n.At))
		}
		if last == first {
			list = append(list, n)
		}
		if e.end() > n.end() {
			list = append(list, e.part(n.end(), e.end()))
		}
	}
	switch {
	case last > first:
		x.Pieces = slices.Replace(x.Pieces, first, last, list...)
	case first > 0 && x.Pieces[first-1].joins(n):
		// Many small reads in a row are one piece.
		before := &x.Pieces[first-1]
		before.Data = append(before.Data, n.Data...)
	default:
		x.Pieces = slices.Insert(x.Pieces, first, n)
	}
}

// maxJoined keeps a piece small enough to be read back and to be looked at.
const maxJoined = 1 << 20

func (e extent) joins(next extent) bool {
	return e.Error == nil && next.Error == nil && e.end() == next.At && len(e.Data)+len(next.Data) <= maxJoined
}

// record adds what a read gave. That a caller lost patience tells of a place that
// it hangs, unless it was read before.
func (x *extents) record(at int64, data []byte, asked int, err error) {
	x.put(extent{At: at, Data: slices.Clone(data)})
	failed := extent{At: at + int64(len(data)), Asked: int64(asked - len(data)), Error: record(err)}
	impatient := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	if err == nil || errors.Is(err, io.EOF) || impatient && x.has(failed.At) {
		return
	}
	x.put(failed)
}

// read serves a read from the pieces; missing is the first byte that is in none.
func (x *extents) read(p []byte, off int64) (n int, err error, missing bool) {
	for n < len(p) {
		at := off + int64(n)
		if !x.has(at) {
			if at >= x.Size {
				return n, io.EOF, false
			}
			return n, nil, true
		}
		e := x.Pieces[x.at(at)]
		if e.Error != nil {
			return n, e.Error.decode(), false
		}
		n += copy(p[n:], e.Data[at-e.At:])
	}
	return n, nil, false
}

// UnmarshalJSON refuses pieces that Save could not have written.
func (x *extents) UnmarshalJSON(data []byte) error {
	type plain extents
	if err := json.Unmarshal(data, (*plain)(x)); err != nil {
		return err
	}
	end := int64(0)
	for _, e := range x.Pieces {
		if e.At < end || e.end() <= e.At || (e.Error != nil) != (len(e.Data) == 0) {
			return fmt.Errorf("the piece at byte %d is not in order", e.At)
		}
		end = e.end()
	}
	return nil
}

// readAny serves a read from the first recording of a device that has it: the
// one whose turn it is, then the others, as goroutines may open a device in
// another order than when it was recorded. When none has all of it, the first
// one's beginning comes with the error.
func readAny(list []*extents, p []byte, off int64) (n int, err error) {
	for _, x := range list {
		if n, err, missing := x.read(p, off); !missing {
			return n, err
		}
	}
	n, _, _ = list[0].read(p, off)
	return n, fmt.Errorf("%d bytes at byte %d: %w", len(p), off, ErrNotRecorded)
}

// all is the content of a file that was read whole, and nothing for one that is
// too large to be a key.
func (x *extents) all() []byte {
	if x == nil || x.Size > maxJoined {
		return nil
	}
	var data []byte
	for _, e := range x.Pieces {
		data = append(data, e.Data...)
	}
	return data
}
