package check

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"salvor/internal/system"
)

// stat looks at a file of the system's by its absolute path.
func (c *checker) stat(name string) (fs.FileInfo, error) {
	return fs.Stat(c.Files, relative(name))
}

// relative gives an absolute path of the system's as io/fs has it.
func relative(name string) string {
	if p := strings.TrimPrefix(path.Clean("/"+name), "/"); p != "" {
		return p
	}
	return "."
}

// isMissing tells what is certainly not there from what cannot be seen.
func isMissing(err error) bool {
	if _, gap := errors.AsType[*system.GapError](err); gap {
		return false
	}
	return errors.Is(err, fs.ErrNotExist)
}
