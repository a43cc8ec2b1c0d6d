package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"salvor/internal/workflow"
)

// outFile is a file that is to be written; "-" is standard output.
type outFile struct {
	name string
	data []byte
}

// writeNew writes files with their directories, for their owner. A file that is there
// and says something else is in the way, unless it may be replaced; then none is written.
func (a *app) writeNew(files []outFile, overwrite bool) error {
	for _, f := range files {
		if err := checkNew(f); err != nil && !overwrite {
			return err
		}
	}
	for _, f := range files {
		if f.name == "-" {
			if _, err := a.out.Write(f.data); err != nil {
				return err
			}
			continue
		}
		err := os.MkdirAll(filepath.Dir(f.name), 0o700)
		if err == nil {
			err = replaceFile(f.name, f.data)
		}
		if err != nil {
			return fmt.Errorf("cannot write %s: %w", f.name, err)
		}
	}
	return nil
}

func checkNew(f outFile) error {
	if f.name == "-" {
		return nil
	}
	there, err := os.ReadFile(f.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("cannot write %s: %w", f.name, err)
	case !bytes.Equal(there, f.data):
		return &workflow.OverwriteError{File: f.name}
	}
	return nil
}
