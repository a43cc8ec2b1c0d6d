package apply

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"

	"salvor/internal/machine"
	"salvor/internal/storage"
)

// Mount mounts, and looks whether what was asked for is what is seen.
type Mount struct {
	Request   machine.MountRequest
	At        string // the mount point in the live system, for people and the shell
	Subvolume string // what of the file system has to be seen: a subvolume, a directory; "" for what a btrfs has as default
	Make      bool   // the point is the live system's own and is made if it is not there
}

// Shell implements Action. mount(8) follows the symbolic links of the target.
func (a Mount) Shell() string {
	var lines []string
	if a.Make {
		lines = append(lines, "mkdir -p "+machine.Quote(a.At))
	}
	options := slices.Clone(a.Request.Options)
	if a.Request.ReadOnly {
		options = append([]string{"ro"}, options...)
	}
	return strings.Join(append(lines, a.shell(strings.Join(options, ","))...), "\n")
}

func (a Mount) shell(options string) []string {
	line := func(words ...string) string {
		return machine.Cmd{Program: "mount", Args: append(words, a.At)}.String()
	}
	r := a.Request
	if r.Bind != "" {
		how := "--bind"
		if r.Recursive {
			how = "--rbind"
		}
		// mount(8): a bind takes its options in a second step.
		lines := []string{line(how, r.Bind)}
		if options != "" {
			lines = append(lines, line("-o", "remount,bind,"+options))
		}
		return lines
	}
	words := []string{"-t", r.Type}
	if options != "" {
		words = append(words, "-o", options)
	}
	if r.Subtree != "" {
		return a.shellSubtree(words)
	}
	return []string{line(append(words, r.Device+r.Virtual)...)}
}

// wholePoint is where a script mounts all of a file system of which it binds a
// part. (mount(8) has X-mount.subdir= since 2.39 only.)
const wholePoint = "/run/salvor/whole"

func (a Mount) shellSubtree(words []string) []string {
	line := func(program string, args ...string) string {
		return machine.Cmd{Program: program, Args: args}.String()
	}
	lines := []string{
		line("mkdir", "-p", wholePoint),
		line("mount", append(words, a.Request.Device, wholePoint)...),
		line("mount", "--bind", path.Join(wholePoint, a.Request.Subtree), a.At),
	}
	if a.Request.ReadOnly {
		lines = append(lines, line("mount", "-o", "remount,bind,ro", a.At))
	}
	return append(lines, line("umount", wholePoint))
}

func (Mount) programs() []string { return nil }

func (a Mount) do(ctx context.Context, h *hand) error {
	before, err := h.mounts()
	if err != nil {
		return err
	}
	if a.Make {
		if err := h.m.MkdirAll(a.At, 0o755); err != nil {
			return err
		}
	}
	if err := h.m.Mount(ctx, a.Request); err != nil {
		return refused(err)
	}
	after, err := h.mounts()
	if err != nil {
		return err
	}
	got := a.newest(before, after)
	if got == nil {
		return fmt.Errorf("%w: nothing new is seen at %s", ErrWrongMount, a.At)
	}
	if err := a.verify(h, got); err != nil {
		return errors.Join(err, h.m.Unmount(got.Mountpoint))
	}
	return nil
}

// refusal is a MountError without what the step says anyway.
type refusal struct{ *machine.MountError }

func (r refusal) Error() string {
	if len(r.Kernel) == 0 {
		return r.Kind.Error()
	}
	return fmt.Sprintf("%v (kernel: %s)", r.Kind, strings.Join(r.Kernel, "; "))
}

func (r refusal) Unwrap() error { return r.MountError }

func refused(err error) error {
	if me, ok := errors.AsType[*machine.MountError](err); ok {
		return refusal{me}
	}
	return err
}

// mounts reads the mount table, in the order in which the kernel lists it.
func (h *hand) mounts() ([]*mountinfo.Info, error) {
	data, err := h.m.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	table, err := mountinfo.GetMountsFromReader(bytes.NewReader(data), nil)
	if err != nil {
		return nil, fmt.Errorf("cannot read the mount table: %w", err)
	}
	return table, nil
}

// newest finds what the mount added. Its path may be another than was asked for,
// as the point was resolved inside the target; a recursive bind adds several, the
// upper one first.
func (a Mount) newest(before, after []*mountinfo.Info) *mountinfo.Info {
	inside := path.Join("/", a.Request.Root)
	var found *mountinfo.Info
	for _, m := range after {
		old := slices.ContainsFunc(before, func(b *mountinfo.Info) bool { return b.ID == m.ID })
		switch {
		case old || !storage.PathContains(inside, m.Mountpoint):
		case m.Mountpoint == path.Clean(a.At):
			return m
		case found == nil || len(m.Mountpoint) < len(found.Mountpoint):
			found = m
		}
	}
	return found
}

// verify compares what is seen with what was asked for. The exit status of a
// mount says only that something was mounted.
func (a Mount) verify(h *hand, got *mountinfo.Info) error {
	switch {
	case a.Request.Bind != "":
		return a.verifyBind(h, got)
	case a.Request.Virtual != "":
		if got.FSType != a.Request.Type {
			return fmt.Errorf("%w: %s is a %s, not a %s", ErrWrongMount, a.At, got.FSType, a.Request.Type)
		}
		return nil
	}
	if err := a.verifyDevice(h, got); err != nil {
		return err
	}
	if want := path.Join("/", a.Subvolume); a.Subvolume != "" && got.Root != want {
		return fmt.Errorf("%w: %s shows %s of %s, not %s", ErrWrongMount, a.At, got.Root, got.Source, want)
	}
	if isReadOnly(got) != (a.Request.ReadOnly || slices.Contains(a.Request.Options, "ro")) {
		return fmt.Errorf("%w: %s is mounted with %s,%s", ErrWrongMount, a.At, got.Options, got.VFSOptions)
	}
	return nil
}

func isReadOnly(m *mountinfo.Info) bool {
	has := func(options string) bool { return slices.Contains(strings.Split(options, ","), "ro") }
	return has(m.Options) || has(m.VFSOptions)
}

// verifyBind: both paths are one directory of one file system.
func (a Mount) verifyBind(h *hand, got *mountinfo.Info) error {
	is, err := h.m.Stat(got.Mountpoint)
	if err != nil {
		return err
	}
	want, err := h.m.Stat(a.Request.Bind)
	if err != nil {
		return err
	}
	if is.Inode != want.Inode || is.DeviceMajor != want.DeviceMajor || is.DeviceMinor != want.DeviceMinor {
		return fmt.Errorf("%w: %s is not the tree %s", ErrWrongMount, a.At, a.Request.Bind)
	}
	return nil
}

// verifyDevice: the file system is the one on the device. A btrfs has a device
// number of its own making (major 0), so it is known by the device that it names
// as its source: this one, or another one of the same btrfs.
func (a Mount) verifyDevice(h *hand, got *mountinfo.Info) error {
	want, err := h.m.Stat(a.Request.Device)
	if err != nil {
		return err
	}
	if uint32(got.Major) == want.Major && uint32(got.Minor) == want.Minor {
		return nil
	}
	if got.Major == 0 {
		source, err := h.m.Stat(got.Source)
		if err == nil && (source.Major == want.Major && source.Minor == want.Minor || h.oneBtrfs(a.Request.Device, got.Source)) {
			return nil
		}
	}
	return fmt.Errorf("%w: %s shows %s (%d:%d), not %s (%d:%d)", ErrWrongMount,
		a.At, got.Source, got.Major, got.Minor, a.Request.Device, want.Major, want.Minor)
}

// oneBtrfs reports whether both devices belong to one mounted btrfs, as
// /sys/fs/btrfs/<uuid>/devices lists them (fs/btrfs/sysfs.c).
func (h *hand) oneBtrfs(a, b string) bool {
	nameA, errA := h.kernelName(a)
	nameB, errB := h.kernelName(b)
	sets, err := h.m.ReadDir("/sys/fs/btrfs")
	if errors.Join(errA, errB, err) != nil {
		return false
	}
	for _, set := range sets {
		names, err := h.m.ReadDir(path.Join("/sys/fs/btrfs", set, "devices"))
		if err == nil && slices.Contains(names, nameA) && slices.Contains(names, nameB) {
			return true
		}
	}
	return false
}
