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

// extent is bytes that were read, zeros that were read, or a place where reading
// failed.
type extent struct {
	At    int64          `json:"at"`
	Data  payload        `json:"data,omitempty"`
	Zeros int64          `json:"zeros,omitempty"`
	Error *recordedError `json:"error,omitempty"` // from At on, as far as was asked
	Asked int64          `json:"asked,omitempty"`
}

func (e extent) end() int64 { return e.At + max(int64(len(e.Data)), e.Zeros, e.Asked) }

// part is the piece from byte a to byte b, which lie in it.
func (e extent) part(a, b int64) extent {
	p := extent{At: a, Error: e.Error}
	switch {
	case e.Error != nil:
		p.Asked = b - a
	case e.Zeros > 0:
		p.Zeros = b - a
	default:
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
		before.Data, before.Zeros = append(before.Data, n.Data...), before.Zeros+n.Zeros
	default:
		x.Pieces = slices.Insert(x.Pieces, first, n)
	}
}

// maxJoined keeps a piece small enough to be read back and to be looked at.
const maxJoined = 1 << 20

func (e extent) joins(next extent) bool {
	return e.Error == nil && next.Error == nil && (e.Zeros > 0) == (next.Zeros > 0) && e.end() == next.At && len(e.Data)+len(next.Data) <= maxJoined
}

// zeroGrain is how many zeros in a row, from a multiple of it on, are kept as a
// number: devices are mostly zeros.
const zeroGrain = 512

// putData adds bytes, which it keeps, without the zeros among them.
func (x *extents) putData(at int64, data []byte) {
	for len(data) > 0 {
		n, zeros := leadingRun(at, data)
		if zeros {
			x.put(extent{At: at, Zeros: int64(n)})
		} else {
			x.put(extent{At: at, Data: data[:n:n]})
		}
		at, data = at+int64(n), data[n:]
	}
}

// leadingRun is how long the data begins with whole grains of zeros, or without one.
func leadingRun(at int64, data []byte) (n int, zeros bool) {
	for n < len(data) {
		end := min(n+zeroGrain-int((at+int64(n))%zeroGrain), len(data))
		zero := end-n == zeroGrain && isZero(data[n:end])
		if n > 0 && zero != zeros {
			break
		}
		n, zeros = end, zero
	}
	return n, zeros
}

func isZero(data []byte) bool {
	for _, c := range data {
		if c != 0 {
			return false
		}
	}
	return true
}

// record adds what a read gave, of which it keeps data. That a caller lost patience tells of a place that
// it hangs, unless it was read before.
func (x *extents) record(at int64, data []byte, asked int, err error) {
	x.putData(at, data)
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
		if e.Zeros > 0 {
			zeros := min(len(p)-n, int(min(e.end()-at, maxJoined)))
			clear(p[n : n+zeros])
			n += zeros
			continue
		}
		n += copy(p[n:], e.Data[at-e.At:])
	}
	return n, nil, false
}

// isOne: it is bytes, or zeros, or an error.
func (e extent) isOne() bool {
	switch {
	case e.Error != nil:
		return e.Asked > 0 && e.Zeros == 0 && len(e.Data) == 0
	case e.Zeros > 0:
		return e.Asked == 0 && len(e.Data) == 0
	default:
		return e.Asked == 0 && e.Zeros == 0
	}
}

// UnmarshalJSON refuses pieces that Save could not have written.
func (x *extents) UnmarshalJSON(data []byte) error {
	type plain extents
	if err := json.Unmarshal(data, (*plain)(x)); err != nil {
		return err
	}
	end := int64(0)
	for _, e := range x.Pieces {
		if e.At < end || e.end() <= e.At || !e.isOne() {
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

// known is how many bytes are kept.
func (x *extents) known() int64 {
	if x == nil {
		return 0
	}
	n := 0
	for _, e := range x.Pieces {
		n += len(e.Data)
	}
	return int64(n)
}
