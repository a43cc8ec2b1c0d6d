package workflow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/machine"
	"salvor/internal/machine/machinetest"
	"salvor/internal/session"
	"salvor/internal/storage"
	"salvor/internal/system"
	"salvor/internal/tool"
)

// with marks nodes of a golden machine.
func with(build func() *lab, marks map[storage.ID]storage.Health) func() *lab {
	return func() *lab {
		l := build()
		for id, h := range marks {
			l.mark(id, h)
		}
		return l
	}
}

var anyRisk = []storage.Health{storage.Dirty, storage.Degraded, storage.Hibernated}

// checks tells the checks of a report in words.
func checks(r *MountReport) string {
	var out []string
	for _, c := range r.Checks {
		what := c.Command
		if what == "" {
			what = c.Text
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s: %s: %s", c.File, what, c.Verdict)))
	}
	return strings.Join(out, "\n")
}

func TestFsck(t *testing.T) {
	for name, c := range map[string]struct {
		lab    func() *lab
		opts   []machinetest.Option
		order  MountOrder
		ask    []storage.ID
		checks string
		lines  string // "" for those of the golden machine
		golden string
		gaps   bool
	}{
		"clean": {lab: machineA, golden: "a", checks: `/: e2fsck -p /dev/sda2: clean
/boot/efi: fsck.fat -a /dev/sda1: clean
/home: e2fsck -p /dev/sda4: clean`},
		"dirty": {lab: with(machineA, map[storage.ID]storage.Health{"fs:a-home": storage.Dirty, "fs:A000-0001": storage.Dirty}), golden: "a", checks: `/: e2fsck -p /dev/sda2: clean
/boot/efi: fsck.fat -a /dev/sda1: corrected
/home: e2fsck -p /dev/sda4: corrected`},
		"damaged": {lab: with(machineB, map[storage.ID]storage.Health{"fs:b-boot": storage.Damaged}), ask: golden["b"].ask, gaps: true, checks: `/: e2fsck -p /dev/mapper/orca--vg-root: clean
/boot/efi: fsck.fat -a /dev/sda1: clean
/boot: e2fsck -p /dev/md127: damaged
/home: xfs_repair -n /dev/mapper/orca--vg-home: clean
/srv: btrfs check --readonly /dev/sdb2: clean`,
			lines: "/ mounted; /boot failed damaged; /boot/efi failed parent; /home mounted; /srv mounted; /var/log mounted; none skipped swap; /tmp mounted"},
		"damaged btrfs": {lab: with(machineB, map[storage.ID]storage.Health{"fs:b-data": storage.Damaged, "fs:b-home": storage.Dirty}), ask: golden["b"].ask, gaps: true, checks: `/: e2fsck -p /dev/mapper/orca--vg-root: clean
/boot/efi: fsck.fat -a /dev/sda1: clean
/boot: e2fsck -p /dev/md127: clean
/home: its log has to be replayed first, which mounting does; it can be checked after the next unmount: skipped
/srv: btrfs check --readonly /dev/sdb2: damaged`,
			lines: "/ mounted; /boot mounted; /boot/efi mounted; /home mounted; /srv failed damaged; /var/log failed damaged; none skipped swap; /tmp mounted"},
		"no program": {lab: machineA, opts: []machinetest.Option{machinetest.Without("fsck.fat")}, golden: "a", gaps: true, checks: `/: e2fsck -p /dev/sda2: clean
/boot/efi: fsck.fat -a /dev/sda1: not done
/home: e2fsck -p /dev/sda4: clean`},
		"read-only": {lab: with(machineA, map[storage.ID]storage.Health{"fs:a-home": storage.Dirty, "fs:a-root": storage.Damaged}), order: MountOrder{ReadOnly: true}, golden: "a", checks: `/: e2fsck -n /dev/sda2: damaged
/boot/efi: fsck.fat -n /dev/sda1: clean
/home: e2fsck -n /dev/mapper/salvor-cow-part-sda4: clean`},
	} {
		t.Run(name, func(t *testing.T) {
			b := c.lab().bench(t, c.opts...)
			before := b.state()
			b.ask.answer(c.ask, passphrase)
			c.order.Fsck, c.order.Accept = true, anyRisk
			r := b.mount(c.order)
			if c.lines == "" {
				c.lines = golden[c.golden].lines
			}
			if diff := cmp.Diff(c.lines, lines(r)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.checks, checks(r)); diff != "" {
				t.Error(diff)
			}
			if r.Gaps() != c.gaps {
				t.Errorf("gaps: %v", r.Gaps())
			}
			st, err := b.w.Status(t.Context())
			if err != nil || len(st.Checks) != strings.Count(c.checks, "/dev/") || st.Condition != session.Standing {
				t.Errorf("the status is %+v, %v", st, err)
			}
			if !r.Gaps() && !c.order.ReadOnly {
				again := b.mount(c.order)
				if got := checks(again); strings.Count(got, "it is mounted already: skipped") != strings.Count(c.checks, "/dev/") {
					t.Errorf("again it checks %s", got)
				}
			}
			if c.order.ReadOnly && len(b.Writes()) > 0 {
				t.Errorf("it wrote %q", b.Writes())
			}
			b.umount()
			b.clean(before)
		})
	}
}

// TestFsckBeforeTheFirstMount: all is open and nothing is mounted when the first
// checker runs, and each is told when it begins and ends.
func TestFsckBeforeTheFirstMount(t *testing.T) {
	b := machineB().bench(t)
	b.ask.answer(golden["b"].ask, passphrase)
	var told []string
	b.tell = func(e Event) {
		switch e := e.(type) {
		case CheckBegins:
			told = append(told, "begins "+e.File)
			if s := b.state(); strings.Contains(s, "mount ") || !strings.Contains(s, "open lv:orca-vg/home") || !strings.Contains(s, "open md:b-md") {
				t.Errorf("before the check of %s it stands so:\n%s", e.File, s)
			}
		case CheckEnds:
			told = append(told, fmt.Sprintf("ends %s, %s, %q", e.File, e.Verdict, e.Said))
		}
	}
	b.mount(MountOrder{Fsck: true})
	if want := []string{"begins /", `ends /, clean, ["fs:b-root: clean, 11/64 files, 12/64 blocks"]`}; len(told) != 10 || !slices.Equal(told[:2], want) {
		t.Errorf("it told %q", told)
	}
}

// TestDamagedRoot: nothing is mounted, what it lies on stays open for the repair, and
// the same command goes on after it.
func TestDamagedRoot(t *testing.T) {
	b := with(machineB, map[storage.ID]storage.Health{"fs:b-root": storage.Damaged})().bench(t)
	before := b.state()
	b.ask.answer(golden["b"].ask, passphrase)
	r, err := b.w.Mount(t.Context(), MountOrder{Fsck: true, Accept: anyRisk})
	damaged, ok := errors.AsType[*DamagedError](err)
	if !ok || !errors.Is(err, tool.ErrDamaged) || !damaged.Open || damaged.Repair != "e2fsck -f /dev/mapper/orca--vg-root" {
		t.Fatalf("it gives %+v", err)
	}
	if r == nil || !strings.HasPrefix(lines(r), "/ failed damaged; /boot failed parent; ") {
		t.Errorf("the report is %+v", r)
	}
	if s := b.state(); strings.Contains(s, "mount ") || !strings.Contains(s, "open lv:orca-vg/root as /dev/mapper/orca--vg-root\n") {
		t.Errorf("it stands so:\n%s", s)
	}
	st, err := b.w.Status(t.Context())
	if err != nil || st.Condition != session.Interrupted || len(st.Checks) != 1 || st.Checks[0].Verdict != tool.Damaged {
		t.Errorf("the status is %+v, %v", st, err)
	}
	b.again()
	b.ask.answer(golden["b"].ask, passphrase)
	if got := lines(b.mount(MountOrder{Accept: anyRisk})); got != golden["b"].lines {
		t.Errorf("without the check it gives %s", got)
	}
	b.umount()
	b.clean(before)
}

// TestDamagedPlainRoot: on a partition nothing has to stay open.
func TestDamagedPlainRoot(t *testing.T) {
	b := with(machineA, map[storage.ID]storage.Health{"fs:a-root": storage.Damaged})().bench(t)
	before := b.state()
	_, err := b.w.Mount(t.Context(), MountOrder{Fsck: true, Accept: anyRisk})
	if damaged, ok := errors.AsType[*DamagedError](err); !ok || damaged.Open {
		t.Errorf("it gives %+v", err)
	}
	b.clean(before)
}

// TestInterruptedFsck: the checker is ended, and all is taken back.
func TestInterruptedFsck(t *testing.T) {
	b := machineB().bench(t)
	before := b.state()
	b.ask.answer(golden["b"].ask, passphrase)
	ctx, cancel := context.WithCancel(t.Context())
	b.Hang("fsck.fat")
	b.tell = func(e Event) {
		if c, ok := e.(CheckBegins); ok && c.File == "/boot/efi" {
			cancel()
		}
	}
	if _, err := b.w.Mount(ctx, MountOrder{Fsck: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("it gives %v", err)
	}
	b.clean(before)
}

// TestFsckGoesOnAfterBeingKilled: at whatever act it dies, the same command ends
// where it would have ended.
func TestFsckGoesOnAfterBeingKilled(t *testing.T) {
	order := MountOrder{Fsck: true, Accept: anyRisk}
	fresh := func() *bench {
		return with(machineA, map[storage.ID]storage.Health{"fs:a-home": storage.Dirty})().bench(t)
	}
	whole := fresh()
	whole.mount(order)
	for n := 1; n < whole.acts; n += 5 * stride() {
		b := fresh()
		b.last = n
		_, err := b.w.Mount(t.Context(), order)
		at := fmt.Sprintf("killed after act %d (%v):\n%s", n, err, b.state())
		b.again()
		b.mount(order)
		if diff := cmp.Diff(sorted(whole.state()), sorted(b.state())); diff != "" {
			t.Fatalf("%s%s", at, diff)
		}
	}
}

// TestFailingOpenIsNotChecked: what could not be opened has the cause of that.
func TestFailingOpenIsNotChecked(t *testing.T) {
	b := machineB().bench(t)
	b.ask.answer(golden["b"].ask, passphrase)
	b.tell = func(e Event) {
		if s, ok := e.(StepBegins); ok && !s.Look && s.Step.Op.Name() == "start-array" {
			b.FailNext("mdadm", &machine.ExitError{Cmd: machine.Cmd{Program: "mdadm"}, Status: 1})
		}
	}
	r := b.mount(MountOrder{Fsck: true})
	if got := lines(r); !strings.Contains(got, "/boot failed closed; /boot/efi failed") || strings.Contains(checks(r), "md127") {
		t.Errorf("it gives %s\n%s", got, checks(r))
	}
}

func TestPlannedFsck(t *testing.T) {
	b := machineA().bench(t)
	r := b.mount(MountOrder{Fsck: true, PlanOnly: true})
	if diff := cmp.Diff("/: e2fsck -p /dev/sda2:\n/boot/efi: fsck.fat -a /dev/sda1:\n/home: e2fsck -p /dev/sda4:", checks(r)); diff != "" {
		t.Error(diff)
	}
	if len(b.Writes()) > 0 {
		t.Errorf("it wrote %q", b.Writes())
	}
}

func TestLinesOf(t *testing.T) {
	got := linesOf("Pass 1\n\n  10%\r  20%\r100%\n\x1b[31mred\r\n" + strings.Repeat("x\n", 300))
	if len(got) != maxSaid || got[0] != "x" {
		t.Errorf("it keeps %d lines: %q", len(got), got[0])
	}
	if diff := cmp.Diff([]string{"Pass 1", "100%", storage.Printable("\x1b[31mred")}, linesOf("Pass 1\n\n  10%\r  20%\r100%\n\x1b[31mred\r\n")); diff != "" {
		t.Error(diff)
	}
}

// degradedBtrfs: data in two subvolumes of a btrfs that lacks a device.
func degradedBtrfs() *lab {
	l := machineB()
	l.mark("fs:b-data", storage.MemberMissing)
	return l
}

// TestDegradedBtrfs is seen and mounted, for writing only with consent.
func TestDegradedBtrfs(t *testing.T) {
	b := degradedBtrfs().bench(t)
	before := b.state()
	b.ask.answer(golden["b"].ask, passphrase)
	_, err := b.w.Mount(t.Context(), MountOrder{})
	refused(t, b, err, before, "lacks a device")
	for _, order := range []MountOrder{{Accept: []storage.Health{storage.Degraded}}, {ReadOnly: true}} {
		b.ask.answer(golden["b"].ask, passphrase)
		r := b.mount(order)
		if diff := cmp.Diff(golden["b"].lines, lines(r)); diff != "" {
			t.Error(diff)
		}
		if m := r.Graph.MountAt("/mnt/local/srv"); m == nil || !slices.Contains(m.Options, "degraded") || m.ReadOnly != order.ReadOnly {
			t.Errorf("%+v mounts %+v", order, m)
		}
		b.umount()
		b.clean(before)
	}
}

// TestLostBtrfs: what no word can make writable is mounted read-only, and says so.
func TestLostBtrfs(t *testing.T) {
	l := degradedBtrfs()
	l.mark("fs:b-data", storage.Incomplete)
	b := l.bench(t)
	b.ask.answer(golden["b"].ask, passphrase)
	r := b.mount(MountOrder{Accept: anyRisk})
	if m := r.Graph.MountAt("/mnt/local/srv"); m == nil || !m.ReadOnly {
		t.Errorf("it mounts %+v: %s", m, lines(r))
	}
	i := slices.IndexFunc(r.Lines, func(l system.Line) bool { return l.File == "/srv" })
	if !strings.Contains(strings.Join(r.Lines[i].Notes, ""), "missing devices alone") {
		t.Errorf("the notes are %q", r.Lines[i].Notes)
	}
}
