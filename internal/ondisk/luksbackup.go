package ondisk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// maxBackup bounds what is kept of a header: its two copies have at most 8 MiB, and
// the key slots of a LUKS2 at most 128 MiB (LUKS2 on-disk format 1.1, 2.2 and 3.2).
const maxBackup = 136 << 20

// LUKSBackup reads what it takes to put the header of a container back (cryptsetup
// luksHeaderRestore): both copies of the header, and the key slots that are in use.
// What lies between them, remnants of removed keys or noise, is zeros in it: a
// backup must not open what the container itself does not open any more.
func LUKSBackup(r io.ReaderAt, size int64) (*LUKS, []byte, error) {
	l, err := ReadLUKS(r, size)
	switch {
	case err != nil:
		return l, nil, err
	case l == nil:
		return nil, nil, errors.New("there is no LUKS header")
	case l.Secondary:
		return l, nil, errors.New("the first copy of its header is damaged: cryptsetup repair")
	case l.Reencrypting():
		return l, nil, errors.New("it is being encrypted anew, after which this header would open nothing")
	case l.Extent == 0 || l.Extent > maxBackup || int64(l.Extent) > size:
		return l, nil, fmt.Errorf("its header says that it has %d bytes, on a device of %d", l.Extent, size)
	}
	whole := make([]byte, l.Extent)
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, size), whole); err != nil {
		return l, nil, fmt.Errorf("its header cannot be read: %w", err)
	}
	used, err := usedAreas(l, whole)
	if err != nil {
		return l, nil, err
	}
	image := make([]byte, len(whole))
	for _, a := range used {
		copy(image[a.start:a.end], whole[a.start:a.end])
	}
	return l, image, nil
}

type area struct{ start, end uint64 }

// usedAreas gives the parts of a header that say something.
func usedAreas(l *LUKS, whole []byte) ([]area, error) {
	out := []area{{0, l.HeaderSize}}
	areas := luks1Areas
	if l.Version == 2 {
		out[0].end, areas = 2*l.HeaderSize, luks2Areas
	}
	slots, err := areas(l, whole)
	if err != nil {
		return nil, err
	}
	for _, a := range append(slots, out...) {
		if a.start > a.end || a.end > uint64(len(whole)) {
			return nil, fmt.Errorf("a key slot lies outside of its header, at %d", a.start)
		}
	}
	return append(out, slots...), nil
}

// luks1Areas: the key material of a slot begins at a sector and has as many stripes
// as the slot says, each as long as the key (LUKS On-Disk Format 1.2.3, 2.1).
func luks1Areas(l *LUKS, b []byte) ([]area, error) {
	var out []area
	for _, slot := range l.Keyslots {
		at := b[208+48*slot.ID:]
		start := uint64(be.Uint32(at[40:])) * 512
		out = append(out, area{start, start + uint64(be.Uint32(at[44:]))*uint64(l.KeySize)})
	}
	return out, nil
}

// luks2Areas: the JSON says where a slot lies (LUKS2 on-disk format 1.1, 3.2.3).
func luks2Areas(l *LUKS, b []byte) ([]area, error) {
	var j struct {
		Keyslots map[string]struct {
			Area struct {
				Offset string `json:"offset"`
				Size   string `json:"size"`
			} `json:"area"`
		} `json:"keyslots"`
	}
	if err := json.Unmarshal([]byte(cstring(b[luks2Binary:l.HeaderSize])), &j); err != nil {
		return nil, fmt.Errorf("cannot read where its key slots are: %w", err)
	}
	var out []area
	for id, s := range j.Keyslots {
		start, err := strconv.ParseUint(s.Area.Offset, 10, 62)
		size, err2 := strconv.ParseUint(s.Area.Size, 10, 62)
		if err = errors.Join(err, err2); err != nil {
			return nil, fmt.Errorf("cannot read where key slot %s is: %w", id, err)
		}
		out = append(out, area{start, start + size})
	}
	return out, nil
}
