package apply

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/sys/mountinfo"

	"salvor/internal/machine"
	"salvor/internal/storage"
)

// Unmount unmounts what is seen at a point, exactly one mount.
type Unmount struct {
	Point string
	Dev   storage.Dev // what is expected to be seen there; zero for anything
}

// Shell implements Action.
func (a Unmount) Shell() string { return "umount " + machine.Quote(a.Point) }

func (Unmount) programs() []string { return nil }

func (a Unmount) do(_ context.Context, h *hand) error {
	table, err := h.mounts()
	if err != nil {
		return err
	}
	if top := topmost(table, a.Point); top != nil && !a.Dev.IsZero() && a.Dev != devOf(top) {
		return fmt.Errorf("%w: %s (%s) lies over it at %s", ErrWrongMount, top.Source, devOf(top), a.Point)
	}
	err = refused(h.m.Unmount(a.Point))
	if errors.Is(err, machine.ErrBusy) {
		return &BusyError{Err: err, Mounts: below(table, a.Point), Holders: h.holders(a.Point)}
	}
	return err
}

func devOf(m *mountinfo.Info) storage.Dev {
	return storage.Dev{Major: uint32(m.Major), Minor: uint32(m.Minor)}
}

// topmost finds what is seen at point: of mounts that lie on each other, the one
// that carries no other at the same point. (The order of the table does not tell
// since Linux 6.8, which sorts it by ID.)
func topmost(table []*mountinfo.Info, point string) *mountinfo.Info {
	var at []*mountinfo.Info
	for _, m := range table {
		if m.Mountpoint == path.Clean(point) {
			at = append(at, m)
		}
	}
	for _, m := range at {
		if !slices.ContainsFunc(at, func(o *mountinfo.Info) bool { return o != m && o.Parent == m.ID }) {
			return m
		}
	}
	return nil
}

// below lists the mount points under point.
func below(table []*mountinfo.Info, point string) []string {
	var out []string
	for _, m := range table {
		if m.Mountpoint != path.Clean(point) && storage.PathContains(point, m.Mountpoint) {
			out = append(out, m.Mountpoint)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// BusyError is a mount that is in use, with those who use it as far as they are
// seen.
type BusyError struct {
	Err     error
	Mounts  []string // mounted below it
	Holders []Holder // at most maxHolders
}

// Holder is a process that has something of the mount open.
type Holder struct {
	PID  int
	Name string
}

func (e *BusyError) Error() string {
	var by []string
	for _, h := range e.Holders {
		by = append(by, fmt.Sprintf("%s (process %d)", h.Name, h.PID))
	}
	by = append(by, e.Mounts...)
	if len(by) == 0 {
		return e.Err.Error()
	}
	return fmt.Sprintf("%v: held by %s", e.Err, strings.Join(by, ", "))
}

func (e *BusyError) Unwrap() error { return e.Err }

const maxHolders = 5

// holders looks through the processes for those that stand in the tree at point,
// run a program of it or have a file of it open (proc(5)).
func (h *hand) holders(point string) []Holder {
	pids, err := h.m.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var out []Holder
	for _, p := range pids {
		pid, err := strconv.Atoi(p)
		if err != nil || !h.holds(path.Join("/proc", p), point) {
			continue
		}
		name, _ := h.m.ReadFile(path.Join("/proc", p, "comm")) // it may have ended by now
		if out = append(out, Holder{pid, strings.TrimSpace(string(name))}); len(out) == maxHolders {
			break
		}
	}
	return out
}

func (h *hand) holds(proc, point string) bool {
	links := []string{"cwd", "root", "exe"}
	files, _ := h.m.ReadDir(path.Join(proc, "fd"))
	for _, f := range files {
		links = append(links, path.Join("fd", f))
	}
	return slices.ContainsFunc(links, func(l string) bool {
		to, err := h.m.Readlink(path.Join(proc, l))
		return err == nil && path.IsAbs(to) && storage.PathContains(point, to)
	})
}
