package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"salvor/internal/machine"
)

// fake is a machine with a state: files, what is mounted, which processes run, what was written
// to which terminal. What it does not know fails.
type fake struct {
	mu        sync.Mutex
	tree      map[string]string // path → content
	links     map[string]string
	programs  map[string]func(args []string) error // by name
	mounts    []string                             // points, in their order
	busy      map[string]bool                      // mount points
	readOnly  []string
	terminals map[string]*bytes.Buffer
	deaf      map[int]bool // processes that only SIGKILL ends
	ran       []string
	hostname  string
	nodes     []string
	detached  []string
	signalled []string
}

var _ host = (*fake)(nil)

func newFake() *fake {
	return &fake{tree: map[string]string{}, links: map[string]string{}, programs: map[string]func([]string) error{},
		busy: map[string]bool{}, terminals: map[string]*bytes.Buffer{}, deaf: map[int]bool{}}
}

func (f *fake) ReadFile(name string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if name == "/proc/self/mountinfo" {
		return f.mountinfo(), nil
	}
	text, ok := f.tree[name]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return []byte(text), nil
}

func (f *fake) mountinfo() []byte {
	var b bytes.Buffer
	for i, point := range f.mounts {
		fmt.Fprintf(&b, "%d 1 0:%d / %s rw - tmpfs none rw\n", i+20, i+20, point)
	}
	return b.Bytes()
}

func (f *fake) ReadDir(dir string) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	names := map[string]bool{}
	for _, all := range []map[string]string{f.tree, f.links} {
		for name := range all {
			if rest, ok := strings.CutPrefix(name, dir+"/"); ok {
				first, _, _ := strings.Cut(rest, "/")
				names[first] = true
			}
		}
	}
	if len(names) == 0 {
		return nil, &fs.PathError{Op: "read", Path: dir, Err: fs.ErrNotExist}
	}
	return slices.Sorted(maps.Keys(names)), nil
}

func (f *fake) Readlink(name string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if target, ok := f.links[name]; ok {
		return target, nil
	}
	return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrNotExist}
}

func (f *fake) Lstat(name string) (machine.Info, error) {
	f.mu.Lock()
	_, isFile := f.tree[name]
	_, isLink := f.links[name]
	f.mu.Unlock()
	if isFile {
		return machine.Info{}, nil
	}
	if isLink {
		return machine.Info{Mode: fs.ModeSymlink}, nil
	}
	if _, err := f.ReadDir(name); err != nil {
		return machine.Info{}, err
	}
	return machine.Info{Mode: fs.ModeDir}, nil
}

func (f *fake) Lookup(program string) (string, error) {
	if _, ok := f.programs[path.Base(program)]; !ok {
		return "", &machine.MissingProgram{Program: program}
	}
	if path.IsAbs(program) {
		return program, nil
	}
	return path.Join("/usr/bin", program), nil
}

func (f *fake) Run(ctx context.Context, c machine.Cmd) (machine.Result, error) {
	do, ok := f.programs[path.Base(c.Program)]
	if !ok {
		return machine.Result{}, &machine.MissingProgram{Program: c.Program}
	}
	f.ran = append(f.ran, c.String())
	if do == nil {
		return machine.Result{}, nil
	}
	return machine.Result{}, do(c.Args)
}

func (f *fake) WriteFile(name string, data []byte, _ fs.FileMode) error {
	return f.Put(name, string(data))
}

func (f *fake) Put(name, value string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tree[name] = value
	return nil
}

func (f *fake) MkdirAll(string, fs.FileMode) error { return nil }

func (f *fake) Unmount(point string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := slices.Index(f.mounts, point)
	below := slices.ContainsFunc(f.mounts, func(p string) bool { return strings.HasPrefix(p, point+"/") })
	if at < 0 || f.busy[point] || below {
		return machine.ErrBusy
	}
	f.mounts = slices.Delete(f.mounts, at, at+1)
	return nil
}

func (f *fake) MakeReadOnly(point string) error {
	f.readOnly = append(f.readOnly, point)
	return nil
}

func (f *fake) DetachLoop(device string) error {
	f.detached = append(f.detached, device)
	f.remove("/sys/class/block/" + path.Base(device))
	return nil
}

// remove takes a directory away, with all in it and what names it as a holder.
func (f *fake) remove(dir string) {
	for name := range f.tree {
		if strings.HasPrefix(name, dir+"/") || strings.HasSuffix(name, "/holders/"+path.Base(dir)) {
			delete(f.tree, name)
		}
	}
}

func (f *fake) Symlink(target, name string) error {
	f.links[name] = target
	return nil
}

func (f *fake) Mount(m kernelMount) error {
	f.mounts = append(f.mounts, m.point)
	return nil
}

func (f *fake) SetHostname(name string) error {
	f.hostname = name
	return nil
}

func (f *fake) Release() string { return "6.1.0" }

func (f *fake) MakeNode(n staticNode) error {
	f.nodes = append(f.nodes, n.name)
	return nil
}

func (f *fake) Spawn(machine.Service) (child, error) {
	return nil, errors.New("nothing can be started here")
}

// Signal ends a process, unless it is deaf to all but SIGKILL.
func (f *fake) Signal(pid int, sig unix.Signal) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.signalled = append(f.signalled, fmt.Sprintf("%d %s", pid, unix.SignalName(sig)))
	if sig == unix.SIGCONT || f.deaf[pid] && sig != unix.SIGKILL {
		return nil
	}
	dir := fmt.Sprintf("/proc/%d/", pid)
	for _, all := range []map[string]string{f.tree, f.links} {
		for name := range all {
			if strings.HasPrefix(name, dir) {
				delete(all, name)
			}
		}
	}
	return nil
}

func (f *fake) Writable(terminal string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.terminals[terminal] != nil
}

func (f *fake) Say(terminal, text string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.terminals[terminal] == nil {
		return errors.New("there is no such terminal")
	}
	f.terminals[terminal].WriteString(text)
	return nil
}

// process puts a process there.
func (f *fake) process(pid int, name string, opens ...string) {
	dir := fmt.Sprintf("/proc/%d/", pid)
	f.tree[dir+"cmdline"] = name + "\x00argument\x00"
	for i, file := range opens {
		f.links[fmt.Sprintf("%sfd/%d", dir, i)] = file
	}
}
