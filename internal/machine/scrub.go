package machine

import "slices"

// scrubbed gives a copy of what was read, as it may be kept.
func (r *Recorder) scrubbed(read []byte) []byte {
	data := slices.Clone(read)
	if r.scrub != nil {
		r.scrub(data)
	}
	return data
}

// scrubAll scrubs once more what was read in several reads as if it had been one: a
// header tells what has to go of what comes behind it.
func (r *Recorder) scrubAll(l *ledger) {
	if r.scrub == nil {
		return
	}
	for _, list := range l.answers {
		for i := range list {
			if list[i].Content != nil {
				list[i].Content = list[i].Content.scrubbed(r.scrub)
			}
			if list[i].Tree != nil {
				r.scrubAll(list[i].Tree)
			}
		}
	}
}

// maxTogether is how far behind a header something can lie that has to go.
const maxTogether = 16 << 20

// scrubbed gives the content with what lies near to each other scrubbed in one piece,
// in which zeros stand for what was not read.
func (x *extents) scrubbed(scrub func([]byte)) *extents {
	out := &extents{Size: x.Size}
	for rest := x.Pieces; len(rest) > 0; {
		start, n := rest[0].At, 0
		for n < len(rest) && rest[n].end() <= start+maxTogether {
			n++
		}
		n = max(n, 1)
		for _, e := range scrubTogether(rest[:n], scrub) {
			out.put(e)
		}
		rest = rest[n:]
	}
	return out
}

func scrubTogether(pieces []extent, scrub func([]byte)) []extent {
	start, last := pieces[0].At, pieces[len(pieces)-1]
	if last.end()-start > maxTogether {
		return pieces // a single one, of zeros or a failure
	}
	all := make([]byte, last.end()-start)
	for _, e := range pieces {
		copy(all[e.At-start:], e.Data)
	}
	scrub(all)
	out := &extents{}
	for _, e := range pieces {
		if e.Error != nil {
			out.put(e)
			continue
		}
		out.putData(e.At, all[e.At-start:e.end()-start])
	}
	return out.Pieces
}

// Scrub has scrub look at everything that is read of devices and of files in trees,
// and take out of it, in place, what a recording must not hold: read by read, and in
// the end what lies near to each other. It is called before the recording begins.
func (r *Recorder) Scrub(scrub func(read []byte)) { r.scrub = scrub }
