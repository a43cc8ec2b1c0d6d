package apply

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"salvor/internal/machine"
	"salvor/internal/machine/machinetest"
	"salvor/internal/plan"
	"salvor/internal/secret"
	"salvor/internal/storage"
	"salvor/internal/tool"
)

// rightKeys are the options of a caller who knows all keys.
func rightKeys() Options {
	return Options{
		Key:      func(id storage.ID) *secret.Secret { return secret.New([]byte(keys[id])) },
		Patience: time.Millisecond,
	}
}

func TestRunThereAndBack(t *testing.T) {
	full := bigStack(t)
	for name, opts := range map[string][]machinetest.Option{"udev": nil, "no-udev": {machinetest.WithoutUdev()}} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(full, opts...)
			goal := everything(t, full).Graph
			if _, err := Run(t.Context(), m, mustPlan(t, full, goal), rightKeys()); err != nil {
				t.Fatal(err)
			}
			golden(t, "everything.state", m.String())
			seen := m.Visible()
			if !plan.Equal(seen, goal) {
				t.Error("the machine does not stand as the graph wants it")
			}
			if _, err := Run(t.Context(), m, mustPlan(t, seen, m.Closed()), rightKeys()); err != nil {
				t.Fatal(err)
			}
			if got := m.String(); got != "" {
				t.Errorf("left behind:\n%s", got)
			}
		})
	}
}

func TestRunMultipath(t *testing.T) {
	full := bigStack(t)
	m := newMachine(full)
	if _, err := Run(t.Context(), m, mustPlan(t, full, want(t, full).open("mpath:w1", "", false).Graph), rightKeys()); err != nil {
		t.Fatal(err)
	}
	seen := m.Visible()
	goal := want(t, seen).mount(storage.Mount{Point: "/mnt/lun", Source: "fs:lun", Type: "ext4"}).Graph
	if _, err := Run(t.Context(), m, mustPlan(t, seen, goal), rightKeys()); err != nil {
		t.Fatal(err)
	}
	golden(t, "multipath.state", m.String())
	if _, err := Run(t.Context(), m, mustPlan(t, m.Visible(), m.Closed()), rightKeys()); err != nil {
		t.Fatal(err)
	}
	if got := m.String(); got != "" {
		t.Errorf("left behind:\n%s", got)
	}
}

// TestRunReadOnlyWritesNothing opens what can be opened read-only, and the rest
// through a stand-in: no act may reach a disk.
func TestRunReadOnlyWritesNothing(t *testing.T) {
	full := bigStack(t)
	m := newMachine(full)
	goal := want(t, full).
		frozen("disk:sda").frozen("disk:sdb").
		open("md:1", "md127", true).open("luks:1", "cr_root", true).overlay("luks:1", "cow-1").
		open("lv:root", "", false).open("lv:thin", "", false).
		mount(storage.Mount{Point: "/mnt/local", Source: "fs:root", Type: "ext4", ReadOnly: true, Under: "/mnt/local"}).
		mount(storage.Mount{Point: "/mnt/local/srv", Source: "fs:thin", Type: "xfs", ReadOnly: true, Under: "/mnt/local"}).
		overlay("disk:sdd", "cow-2").
		mount(storage.Mount{Point: "/mnt/local/data", Source: "fs:data", Type: "ext4", ReadOnly: true, Overlay: true, Under: "/mnt/local"}).Graph
	if _, err := Run(t.Context(), m, mustPlan(t, full, goal), rightKeys()); err != nil {
		t.Fatal(err)
	}
	golden(t, "read-only.state", m.String())
	if _, err := Run(t.Context(), m, mustPlan(t, m.Visible(), m.Closed()), rightKeys()); err != nil {
		t.Fatal(err)
	}
	if got := m.String(); got != "" {
		t.Errorf("left behind:\n%s", got)
	}
	if diff := cmp.Diff([]string(nil), m.Writes()); diff != "" {
		t.Errorf("written to disks: %s", diff)
	}
}

func TestRunRenames(t *testing.T) {
	full := bigStack(t)
	m := newMachine(full)
	first := want(t, full).open("luks:2", "luks-2", false).Graph
	if _, err := Run(t.Context(), m, mustPlan(t, full, first), rightKeys()); err != nil {
		t.Fatal(err)
	}
	seen := m.Visible()
	if _, err := Run(t.Context(), m, mustPlan(t, seen, want(t, seen).open("luks:2", "cr home", false).Graph), rightKeys()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("open luks:2 as /dev/mapper/cr\\x20home\n", m.String()); diff != "" {
		t.Error(diff)
	}
}

// TestRunFailures: what fails stops what depends on it and nothing else, and the
// caller can tell why.
func TestRunFailures(t *testing.T) {
	tests := []struct {
		name   string
		break_ func(*machinetest.Machine, *Options)
		is     error
		state  string // golden file
	}{
		{"wrong-key", func(_ *machinetest.Machine, o *Options) {
			o.Key = func(id storage.ID) *secret.Secret {
				return secret.New([]byte(map[storage.ID]string{"luks:1": "one", "luks:2": "wrong"}[id]))
			}
		}, tool.ErrWrongKey, "wrong-key.state"},
		{"no-key", func(_ *machinetest.Machine, o *Options) {
			o.Key = func(id storage.ID) *secret.Secret {
				if id == "luks:2" {
					return nil
				}
				return secret.New([]byte("one"))
			}
		}, ErrNoKey, "wrong-key.state"},
		{"no-token", func(_ *machinetest.Machine, o *Options) {
			o.Token = func(id storage.ID) bool { return id == "luks:2" }
		}, tool.ErrNoToken, "wrong-key.state"},
		{"hang", func(m *machinetest.Machine, o *Options) {
			m.Hang("--readonly") // matches nothing
			m.FailNext("cryptsetup open --type luks --batch-mode --tries 1 --key-file - -- /dev/sdc", machine.ErrPermission)
		}, machine.ErrPermission, "wrong-key.state"},
		{"middle", func(m *machinetest.Machine, _ *Options) {
			m.FailNext("--activate y", errors.New("no luck"))
		}, nil, "middle.state"},
		{"mount", func(m *machinetest.Machine, _ *Options) {
			m.FailNext("mount /dev/mapper/vg--0-root", &machine.MountError{Act: "mount", Kind: machine.ErrBadContent})
		}, machine.ErrBadContent, "mount.state"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			full := bigStack(t)
			m := newMachine(full)
			opt := rightKeys()
			tt.break_(m, &opt)
			result, err := Run(t.Context(), m, mustPlan(t, full, everything(t, full).Graph), opt)
			failed, ok := errors.AsType[*FailedError](err)
			if !ok || len(failed.Failed) != 1 || tt.is != nil && !errors.Is(err, tt.is) {
				t.Fatalf("Run gives %v, not one failed step that is %v", err, tt.is)
			}
			if want := everyStep(result); failed.Skipped != want[Skipped] || want[Failed] != 1 {
				t.Errorf("the steps are %v, the error says %d skipped", want, failed.Skipped)
			}
			golden(t, tt.state, m.String())
		})
	}
}

func everyStep(r Result) map[State]int {
	out := map[State]int{}
	for _, s := range r.Steps {
		out[s.State]++
	}
	return out
}

func TestRunMissingPrograms(t *testing.T) {
	full := bigStack(t)
	m := newMachine(full, machinetest.Without("mdadm", "lvm"))
	opt := rightKeys()
	opt.Before = func(s plan.Step) error { t.Errorf("step %d was begun", s.Number); return nil }
	_, err := Run(t.Context(), m, mustPlan(t, full, everything(t, full).Graph), opt)
	missing, ok := errors.AsType[*MissingError](err)
	if !ok {
		t.Fatalf("Run gives %v, not a MissingError", err)
	}
	var got []string
	for _, p := range missing.Programs {
		got = append(got, p.Program)
	}
	if diff := cmp.Diff([]string{"lvm", "mdadm"}, got); diff != "" {
		t.Error(diff)
	}
	if _, ok := errors.AsType[*machine.MissingProgram](err); !ok || !strings.Contains(err.Error(), "mdadm (to assemble md:1") {
		t.Errorf("the error is %v", err)
	}
	if m.String() != "" {
		t.Error("something was done")
	}
}

func TestRunJournal(t *testing.T) {
	full := bigStack(t)
	p := mustPlan(t, full, everything(t, full).Graph)
	t.Run("a step that cannot be written down is not done", func(t *testing.T) {
		m, opt := newMachine(full), rightKeys()
		full := errors.New("disk full")
		begun, ended := 0, 0
		opt.Before = func(plan.Step) error {
			if begun++; begun == 2 {
				return full
			}
			return nil
		}
		opt.After = func(plan.Step, error) { ended++ }
		result, err := Run(t.Context(), m, p, opt)
		if !errors.Is(err, full) || begun != 2 || ended != 1 {
			t.Errorf("Run gives %v after %d steps begun and %d ended", err, begun, ended)
		}
		if got := everyStep(result); got[Done] != 1 || got[Skipped] != len(p.Steps)-1 {
			t.Errorf("the steps are %v", got)
		}
	})
	t.Run("events come in order", func(t *testing.T) {
		m, opt := newMachine(full), rightKeys()
		var got []string
		opt.Event = func(e Event) {
			if e.Step.Number == 1 {
				got = append(got, string(e.State))
			}
		}
		if _, err := Run(t.Context(), m, p, opt); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"begun", "done"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRunCancelled(t *testing.T) {
	full := bigStack(t)
	p := mustPlan(t, full, everything(t, full).Graph)
	t.Run("before the next step", func(t *testing.T) {
		m, opt := newMachine(full), rightKeys()
		ctx, cancel := context.WithCancel(t.Context())
		opt.After = func(plan.Step, error) { cancel() }
		result, err := Run(ctx, m, p, opt)
		if !errors.Is(err, context.Canceled) || everyStep(result)[Done] != 1 {
			t.Errorf("Run gives %v and %v", err, everyStep(result))
		}
	})
	t.Run("a program that does not end", func(t *testing.T) {
		m, opt := newMachine(full), rightKeys()
		opt.Grace = time.Millisecond
		m.Hang("mdadm")
		ctx, cancel := context.WithCancel(t.Context())
		begun := make(chan struct{})
		opt.Event = func(e Event) {
			if _, is := e.Step.Op.(plan.StartArray); is && e.State == Begun {
				close(begun)
			}
		}
		var g errgroup.Group
		g.Go(func() error { <-begun; cancel(); return nil })
		_, err := Run(ctx, m, p, opt)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Run gives %v", err)
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestRunBcacheGetsAnotherName(t *testing.T) {
	full := bigStack(t)
	m := newMachine(full)
	p := mustPlan(t, full, want(t, full).open("bcache:1", "bcache7", false).Graph)
	_, err := Run(t.Context(), m, p, rightKeys())
	if !errors.Is(err, ErrOtherName) || !strings.Contains(err.Error(), "/dev/bcache0, not /dev/bcache7") {
		t.Errorf("Run gives %v", err)
	}
}

func TestRunDeviceDoesNotAppear(t *testing.T) {
	m, opt := newMachine(bigStack(t)), rightKeys()
	err := WaitDevice{"/dev/mapper/nothing"}.do(t.Context(), &hand{m, &opt})
	if !errors.Is(err, ErrNoNode) {
		t.Errorf("the wait gives %v", err)
	}
}

func TestUnmountBusy(t *testing.T) {
	full := bigStack(t)
	m := newMachine(full, machinetest.WithFiles(fstest.MapFS{
		"proc/1/cwd":   {Data: []byte("/"), Mode: 0o777 | 1<<27},
		"proc/7/cwd":   {Data: []byte("/mnt/local/etc"), Mode: 0o777 | 1<<27},
		"proc/7/comm":  {Data: []byte("vi\n")},
		"proc/8/fd/3":  {Data: []byte("/mnt/local/x"), Mode: 0o777 | 1<<27},
		"proc/8/comm":  {Data: []byte("less\n")},
		"proc/8/fd/1":  {Data: []byte("socket:[1]"), Mode: 0o777 | 1<<27},
		"proc/99/root": {Data: []byte("/mnt/localhost"), Mode: 0o777 | 1<<27},
	}))
	goal := want(t, full).mount(storage.Mount{Point: "/mnt/local", Source: "fs:data", Type: "ext4"}).Graph
	if _, err := Run(t.Context(), m, mustPlan(t, full, goal), rightKeys()); err != nil {
		t.Fatal(err)
	}
	p := mustPlan(t, m.Visible(), full)
	m.MountBehind(storage.Mount{Point: "/mnt/local/usb", Type: "tmpfs"})
	_, err := Run(t.Context(), m, p, rightKeys())
	busy, ok := errors.AsType[*BusyError](err)
	if !ok || !errors.Is(err, machine.ErrBusy) {
		t.Fatalf("Run gives %v", err)
	}
	if diff := cmp.Diff([]Holder{{7, "vi"}, {8, "less"}}, busy.Holders); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"/mnt/local/usb"}, busy.Mounts); diff != "" {
		t.Error(diff)
	}
}

func TestUnmountRefusesWhatIsNotExpected(t *testing.T) {
	full := bigStack(t)
	m := newMachine(full)
	goal := want(t, full).mount(storage.Mount{Point: "/mnt/local", Source: "fs:data", Type: "ext4"}).Graph
	if _, err := Run(t.Context(), m, mustPlan(t, full, goal), rightKeys()); err != nil {
		t.Fatal(err)
	}
	p := mustPlan(t, m.Visible(), full)
	m.MountBehind(storage.Mount{Point: "/mnt/local", Type: "tmpfs"})
	if _, err := Run(t.Context(), m, p, rightKeys()); !errors.Is(err, ErrWrongMount) {
		t.Errorf("Run gives %v", err)
	}
}
