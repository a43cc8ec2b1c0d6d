package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"salvor/internal/layout"
	"salvor/internal/machine"
)

// Wanted is what Read is to find out besides what it always does.
type Wanted struct {
	// Tools are the names of package tool (tool.Versioned) whose versions matter for
	// this machine. Each costs a fork.
	Tools []string
}

// Read reads the machine that runs. What cannot be read is noted; it fails only when
// ctx ends. Boot.Loader and Boot.Default are left to the caller.
func Read(ctx context.Context, m machine.Machine, want Wanted) (*layout.Host, []string, error) {
	r := &reader{files: m}
	h := &layout.Host{Machine: r.readMachine(ctx, m)}
	h.Boot = r.readBoot(h.Machine.Architecture)
	h.Boot.CommandLine = r.commandLine("/proc/cmdline")
	// Both wait for programs.
	var tools sync.WaitGroup
	others := &reader{files: m}
	tools.Go(func() { h.Tools = others.readTools(ctx, m, want.Tools) })
	h.Network = r.readNetwork(ctx, m)
	h.Network.Domain = r.domain(h.Machine.Hostname)
	tools.Wait()
	r.notes = append(r.notes, others.notes...)
	if err := ctx.Err(); err != nil {
		return nil, nil, fmt.Errorf("cannot read what the machine is: %w", err)
	}
	return h, r.notes, nil
}

// files is what is read of a live machine and of a tree alike, by absolute paths.
type files interface {
	ReadFile(name string) ([]byte, error)
	ReadDir(name string) ([]string, error)
	Readlink(name string) (string, error)
}

// reader reads, and keeps what there is to say about it.
type reader struct {
	files files
	notes []string
}

func (r *reader) notef(format string, a ...any) { r.notes = append(r.notes, fmt.Sprintf(format, a...)) }

// data gives a file. That it is not there is no news, and what attributes of sysfs
// answer that do not apply is none either; only a lack of rights is.
func (r *reader) data(name string) []byte {
	data, err := r.files.ReadFile(name)
	if errors.Is(err, fs.ErrPermission) {
		r.notef("cannot read %s: this needs root", name)
	}
	if err != nil {
		return nil
	}
	return data
}

// text gives a short text with its blanks put in order.
func (r *reader) text(name string) string { return tidy(string(r.data(name))) }

// tidy: a device tree ends its texts with a NUL.
func tidy(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", " "), "")
	return strings.Join(strings.Fields(s), " ")
}

// list gives the names in a directory, none if it is not there.
func (r *reader) list(dir string) []string {
	names, err := r.files.ReadDir(dir)
	if err != nil {
		return nil
	}
	return names
}

func (r *reader) isDir(name string) bool {
	_, err := r.files.ReadDir(name)
	return err == nil
}

// commandLine reads a kernel's command line without the secrets in it.
func (r *reader) commandLine(name string) string {
	line, found := machine.HideSecrets(strings.ToValidUTF8(strings.TrimSpace(string(r.data(name))), ""))
	if found > 0 {
		r.notef("the command line of the kernel holds a secret, which is left out: put it back by hand where it is needed")
	}
	return line
}
