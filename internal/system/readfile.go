package system

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// maxConfig is the largest fstab, crypttab or os-release that is read, in bytes.
// 10 000 long lines fit; a link to something endless does not.
const maxConfig = 4 << 20

// config reads a file of the system's; that it is not there is no news, that it
// cannot be read is noted.
func (s *System) config(tree fs.FS, name string) []byte {
	data, err := readSmall(tree, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Notes = append(s.Notes, fmt.Sprintf("cannot read /%s: %v", name, err))
	}
	return data
}

// readSmall reads a regular file of at most maxConfig bytes. What kind of file it
// is is known before it is opened: opening a FIFO waits.
func readSmall(tree fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(tree, name)
	if err != nil {
		return nil, bare(err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("it is a %s, not a regular file", modeWord(info.Mode()))
	}
	if info.Size() > maxConfig {
		return nil, fmt.Errorf("it is too large (%d bytes; at most %d are read)", info.Size(), maxConfig)
	}
	f, err := tree.Open(name)
	if err != nil {
		return nil, bare(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxConfig))
	return data, bare(err)
}

// bare takes the path out of an error whose reader is told the path anyway.
func bare(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

func modeWord(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return "file"
	case m.IsDir():
		return "directory"
	case m&fs.ModeNamedPipe != 0:
		return "FIFO"
	case m&fs.ModeDevice != 0:
		return "device node"
	case m&fs.ModeSocket != 0:
		return "socket"
	default:
		return "special file"
	}
}

func exists(tree fs.FS, name string) bool {
	_, err := fs.Stat(tree, name)
	return err == nil
}

func isDir(tree fs.FS, name string) bool {
	info, err := fs.Stat(tree, name)
	return err == nil && info.IsDir()
}

func isEmptyDir(tree fs.FS, name string) bool {
	list, err := fs.ReadDir(tree, name)
	return err == nil && len(list) == 0
}
