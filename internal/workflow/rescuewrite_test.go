package workflow

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"

	"salvor/internal/machine"
	"salvor/internal/machine/machinetest"
	"salvor/internal/storage"
)

// stick is a disk in memory. The power is cut before a write, which and all that follow do not reach it any more.
type stick struct {
	data       []byte
	writes     int
	cut        int  // the write before which the power is cut; -1 for never
	lies, dead bool // it gives back something else; it cannot be read
}

var errCut = errors.New("no power")

func (s *stick) WriteAt(p []byte, at int64) (int, error) {
	if s.cut >= 0 && s.writes >= s.cut {
		return 0, errCut
	}
	s.writes++
	return copy(s.data[at:], p), nil
}

func (s *stick) ReadAt(p []byte, at int64) (int, error) {
	if s.dead {
		return 0, errCut
	}
	n := copy(p, s.data[at:])
	if s.lies {
		p[0] ^= 1
	}
	return n, nil
}

func (s *stick) Device() (machine.Held, error) { return machine.Held{}, nil }
func (s *stick) Flush() error                  { return nil }
func (s *stick) Reread() error                 { return nil }
func (s *stick) Close() error                  { return nil }

var _ machine.Overwriting = (*stick)(nil)

// usedStick is full of what was on it before.
func usedStick(size int) *stick {
	return &stick{data: bytes.Repeat([]byte("old."), size/4), cut: -1}
}

// imageOf is an image without a zero in it.
func imageOf(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i%251) + 1
	}
	return b
}

func copyTo(t *testing.T, ctx context.Context, s *stick, image []byte) (*copying, error) {
	t.Helper()
	g, err := storage.NewGraph(nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &copying{
		w: &Work{Machine: machinetest.New(g)}, ctx: ctx, image: bytes.NewReader(image), size: int64(len(image)),
		disk: s, end: int64(len(s.data)),
	}
	return c, c.run()
}

// TestEmptyOrWhole cuts the power before every write: what makes a boot medium of the disk is there only when all the
// rest is, and of what was on it before neither beginning nor end is left.
func TestEmptyOrWhole(t *testing.T) {
	image := imageOf(2*chunk + 1536)
	whole := usedStick(4 * chunk)
	if _, err := copyTo(t, t.Context(), whole, image); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(whole.data[:len(image)], image) {
		t.Fatal("the image is not on the disk")
	}
	if whole.writes < 6 {
		t.Fatalf("only %d writes: nothing is proved", whole.writes)
	}
	for cut := 2; cut < whole.writes; cut++ { // the first two empty both ends
		s := usedStick(4 * chunk)
		s.cut = cut
		c, err := copyTo(t, t.Context(), s, image)
		if !errors.Is(err, errCut) || c.state(err) != StickEmpty {
			t.Errorf("cut at %d: %v, %s", cut, err, c.state(err))
		}
		if blank(s.data[:lead]) {
			continue
		}
		if !blank(s.data[:key]) || !bytes.Equal(s.data[lead:len(image)], image[lead:]) {
			t.Errorf("cut at %d: it looks like a boot medium, and is none", cut)
		}
	}
	if !blank(whole.data[len(whole.data)-edge:]) {
		t.Error("the end of the disk is not empty")
	}
}

func blank(b []byte) bool { return !slices.ContainsFunc(b, func(c byte) bool { return c != 0 }) }

// TestSmallestStick: an image that fills its disk, and one that is smaller than its lead.
func TestSmallestStick(t *testing.T) {
	for _, size := range []int{1536, key + 512, lead, edge, chunk + 512} {
		for _, room := range []int{size, 2 * chunk} {
			s, image := usedStick(room), imageOf(size)
			if _, err := copyTo(t, t.Context(), s, image); err != nil || !bytes.Equal(s.data[:size], image) {
				t.Errorf("%d bytes on %d: %v", size, room, err)
			}
		}
	}
}

// brokenImage cannot be read from a place on, once that has been read so often.
type brokenImage struct {
	io.ReaderAt
	left int
}

func (b *brokenImage) ReadAt(p []byte, at int64) (int, error) {
	if b.left--; b.left < 0 {
		return 0, errCut
	}
	return b.ReaderAt.ReadAt(p, at)
}

// TestStickState has the rows of the table "What a stick is that was not finished".
func TestStickState(t *testing.T) {
	image := imageOf(chunk)
	for name, c := range map[string]struct {
		spoil func(*stick)
		left  int // how often the image can be read
		want  StickState
		empty bool
	}{
		"a write fails":                         {func(s *stick) { s.cut = 3 }, 9, StickEmpty, true},
		"the image cannot be read":              {func(*stick) {}, 2, StickEmpty, true},
		"the image cannot be read to compare":   {func(*stick) {}, 3, StickUnproved, false},
		"something else comes back":             {func(s *stick) { s.lies = true }, 9, StickEmpty, true},
		"nothing comes back":                    {func(s *stick) { s.dead = true }, 9, StickEmpty, true},
		"nothing comes back, nothing goes down": {func(s *stick) { s.dead, s.cut = true, 5 }, 9, StickWrong, false},
	} {
		s := usedStick(3 * chunk)
		c.spoil(s)
		g, err := storage.NewGraph(nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		run := &copying{
			w: &Work{Machine: machinetest.New(g)}, ctx: t.Context(), image: &brokenImage{bytes.NewReader(image), c.left},
			size: int64(len(image)), disk: s, end: int64(len(s.data)),
		}
		err = run.run()
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if got := run.state(err); got != c.want || blank(s.data[:key]) != c.empty {
			t.Errorf("%s: it is %s, empty: %t; want %s, %t (%v)", name, got, blank(s.data[:key]), c.want, c.empty, err)
		}
	}
}

// TestUsesOfProcesses: a process that writes, one that reads, and one that sees a mount of its own.
func TestUsesOfProcesses(t *testing.T) {
	g, err := storage.NewGraph([]storage.Node{
		&storage.Disk{Common: storage.Common{ID: "disk:x", Size: 1 << 30, Dev: storage.Dev{Major: 8}, Names: []storage.Name{{Path: "/dev/sda", Origin: storage.FromKernel}}}},
	}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	link := func(to string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink | 0o777}
	}
	text := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	files := fstest.MapFS{
		"proc/self": link("7"),
		// salvor itself
		"proc/7/fd/5": link("/dev/sda"), "proc/7/fdinfo/5": text("pos:\t0\nflags:\t02100002\n"), "proc/7/ns/mnt": link("mnt:[1]"), "proc/7/root": link("/"), "proc/7/comm": text("salvor\n"),
		"proc/10/fd/3": link("/dev/sda"), "proc/10/fdinfo/3": text("pos:\t0\nflags:\t0100002\n"), "proc/10/ns/mnt": link("mnt:[1]"), "proc/10/root": link("/"), "proc/10/comm": text("qemu\n"),
		"proc/11/fd/3": link("/dev/sda"), "proc/11/fdinfo/3": text("pos:\t0\nflags:\t0100000\n"), "proc/11/ns/mnt": link("mnt:[1]"), "proc/11/root": link("/"), "proc/11/comm": text("dd\n"),
		"proc/12/fd": {Mode: fs.ModeDir | 0o755}, "proc/12/ns/mnt": link("mnt:[2]"), "proc/12/root": link("/"), "proc/12/comm": text("box\n"),
		"proc/12/mountinfo": text("20 1 0:5 / / rw - tmpfs tmpfs rw\n30 20 8:0 / /data rw - ext4 /dev/sda rw\n"),
	}
	w := &Work{Machine: machinetest.New(g, machinetest.WithFiles(files))}
	for _, c := range []struct {
		readers bool
		want    []string
	}{
		{false, []string{"/dev/sda is open in process 10 (qemu)", "mounted at /data for process 12 (box)"}},
		{true, []string{"/dev/sda is open in process 10 (qemu)", "/dev/sda is open in process 11 (dd)", "mounted at /data for process 12 (box)"}},
	} {
		var got []string
		for _, u := range (&stickUses{w: w, g: g, disk: g.Node("disk:x").(*storage.Disk), readers: c.readers}).all() {
			got = append(got, u.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("readers %t: got %q", c.readers, got)
		}
	}
}
