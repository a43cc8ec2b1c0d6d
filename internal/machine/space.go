package machine

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Spacious is a Tree that knows how full its file system is.
type Spacious interface {
	// Space gives the size of the file system and what is free of it for anybody
	// but root, in bytes (statfs(2), f_bavail).
	Space() (size, free uint64, err error)
}

var (
	_ Spacious = (*dirTree)(nil)
	_ Spacious = (*recordedTree)(nil)
	_ Spacious = (*replayedTree)(nil)
)

// Space asks the kernel.
func (t *dirTree) Space() (size, free uint64, err error) {
	err = t.use("statfs", ".", func(root int) error {
		var st unix.Statfs_t
		if err := unix.Fstatfs(root, &st); err != nil {
			return err
		}
		size, free = st.Blocks*uint64(st.Bsize), st.Bavail*uint64(st.Bsize)
		return nil
	})
	return size, free, err
}

// Space records.
func (t *recordedTree) Space() (size, free uint64, err error) {
	inner, ok := t.inner.(Spacious)
	if !ok {
		return 0, 0, errors.New("the tree does not tell how full it is")
	}
	size, free, err = inner.Space()
	t.answered(question("space", "."), answer{Text: rawText(fmt.Sprintf("%d %d", size, free)), Error: record(err)})
	return size, free, err
}

// Space replays.
func (t *replayedTree) Space() (size, free uint64, err error) {
	a, _, err := t.ask("space", ".")
	if err != nil {
		return 0, 0, err
	}
	_, err = fmt.Sscanf(string(a.Text), "%d %d", &size, &free)
	return size, free, err
}
