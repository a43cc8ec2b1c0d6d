package machine

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Usage is how full a mounted file system is, as statfs(2) tells it.
type Usage struct {
	Size  uint64 // bytes that it has room for
	Used  uint64 // bytes that are in use, whoever may use the rest
	Files uint64 // how many inodes are in use; 0 where they are not counted (btrfs, vfat)
}

// Usage asks the kernel. The mount point is opened as a place only (open(2),
// O_PATH), so that an automount is not set off.
func (l *Live) Usage(point string) (Usage, error) {
	fd, err := openPath(unix.AT_FDCWD, point, nofollow)
	if err != nil {
		return Usage{}, wrap("tell how full it is at", point, err)
	}
	defer unix.Close(fd)
	var st unix.Statfs_t
	_, err = ignoringEINTR(func() (int, error) { return 0, unix.Fstatfs(fd, &st) })
	if err != nil {
		return Usage{}, wrap("tell how full it is at", point, err)
	}
	u := Usage{Size: st.Blocks * uint64(st.Bsize), Used: (st.Blocks - min(st.Bfree, st.Blocks)) * uint64(st.Bsize)}
	u.Files = st.Files - min(st.Ffree, st.Files)
	return u, nil
}

// Usage records.
func (r *Recorder) Usage(point string) (Usage, error) {
	u, err := r.inner.Usage(point)
	r.answered(question("usage", point), answer{Text: rawText(fmt.Sprintf("%d %d %d", u.Size, u.Used, u.Files)), Error: record(err)})
	return u, err
}

// Usage replays.
func (r *Replay) Usage(point string) (Usage, error) {
	a, _, err := r.ask("usage", point)
	if err != nil {
		return Usage{}, err
	}
	var u Usage
	if _, err := fmt.Sscanf(string(a.Text), "%d %d %d", &u.Size, &u.Used, &u.Files); err != nil {
		return Usage{}, fmt.Errorf("cannot replay how full it is at %s: %w", point, err)
	}
	return u, nil
}

// Usage refuses: a directory has no room of its own.
func (r *Rooted) Usage(point string) (Usage, error) {
	return Usage{}, r.refuse("tell how full it is at %s", point)
}
