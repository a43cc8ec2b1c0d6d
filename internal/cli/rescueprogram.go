package cli

import (
	"bytes"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
)

// imageProgram gives the salvor that is to be the init of an image, and its version: this
// one, or the one in a file, which may be for another architecture.
func (a *app) imageProgram(file string) (data []byte, version string, err error) {
	if file == "" {
		data, err = a.ownProgram()
		return data, build().Version, err
	}
	if data, err = os.ReadFile(file); err != nil {
		return nil, "", fmt.Errorf("cannot read the program for the image: %w", err)
	}
	info, err := salvorInfo(data)
	if err != nil {
		return nil, "", fmt.Errorf("cannot make %s the init of an image: %w", file, err)
	}
	return data, development(info), nil
}

// ownProgram is this program as it lies on the disk.
func (a *app) ownProgram() ([]byte, error) {
	if a.env.Program == nil {
		return nil, errors.New("cannot read this program: there is none here")
	}
	data, err := a.env.Program()
	if err != nil {
		return nil, fmt.Errorf("cannot read this program: %w", err)
	}
	return data, nil
}

// salvorPath is how Go calls the program in its build information.
const salvorPath = "salvor/cmd/salvor"

// salvorInfo is what Go has written of a program's making; of one that is no salvor, an error.
func salvorInfo(program []byte) (*debug.BuildInfo, error) {
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		return nil, fmt.Errorf("it is no salvor: %w", err)
	}
	if info.Path != salvorPath {
		return nil, fmt.Errorf("it is no salvor: it was built from %s", info.Path)
	}
	return info, nil
}
