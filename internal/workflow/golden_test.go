package workflow

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/session"
	"salvor/internal/storage"
)

// forEach runs a test on every golden machine.
func forEach(t *testing.T, f func(t *testing.T, name string, b *bench)) {
	for name, g := range golden {
		t.Run(name, func(t *testing.T) {
			b := g.lab().bench(t, g.opts...)
			b.ask.answer(g.ask, passphrase)
			f(t, name, b)
		})
	}
}

func (s *script) answer(ids []storage.ID, key string) {
	s.keys = map[storage.ID][]string{}
	for _, id := range ids {
		s.keys[id] = []string{key}
	}
}

func TestSystemsLeavesNoTrace(t *testing.T) {
	forEach(t, func(t *testing.T, name string, b *bench) {
		before := b.state()
		r, err := b.w.Systems(t.Context(), SystemsOrder{Unlock: true})
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, f := range r.Findings {
			if f.System != nil && f.System.SnapshotOf == "" {
				found = append(found, f.System.Name)
			}
		}
		want := map[string]string{"a": "Debian A", "b": "Debian B", "c": "Alma C", "d": "Debian D, Arch D", "e": "Fedora E"}[name]
		if diff := cmp.Diff(want, strings.Join(found, ", ")); diff != "" {
			t.Errorf("%s\nnotes: %q", diff, b.notes)
		}
		b.clean(before)
		if w := b.Writes(); len(w) > 0 {
			t.Errorf("it wrote: %q", w)
		}
	})
}

func TestMountIsCompleteAndUmountTakesItBack(t *testing.T) {
	forEach(t, func(t *testing.T, name string, b *bench) {
		before := b.state()
		r := b.mount(golden[name].order)
		if diff := cmp.Diff(golden[name].lines, lines(r)); diff != "" {
			t.Errorf("%s\nnotes: %q", diff, b.notes)
		}
		st, err := b.w.Status(t.Context())
		if err != nil || st.Condition != session.Standing {
			t.Errorf("the condition is %v, %v", st, err)
		}
		if left := strings.Join(append(st.Holdings, st.Graph.Notes...), "; "); strings.Contains(left, "read-only") || strings.Contains(left, "stand-in") {
			t.Errorf("of the look is left: %s", left)
		}
		if report := b.umount(); !report.Done || len(report.Kept) > 0 {
			t.Errorf("the report is %+v", report)
		}
		b.clean(before)
	})
}

func TestReadOnlyMountWritesNothing(t *testing.T) {
	forEach(t, func(t *testing.T, name string, b *bench) {
		before := b.state()
		o := golden[name].order
		o.ReadOnly, o.Accept = true, nil
		r := b.mount(o)
		if diff := cmp.Diff(golden[name].lines, lines(r)); diff != "" {
			t.Errorf("%s\nnotes: %q", diff, b.notes)
		}
		b.umount()
		b.clean(before)
		if w := b.Writes(); len(w) > 0 {
			t.Errorf("it wrote: %q", w)
		}
	})
}

func TestPlanOnlyLeavesNoTrace(t *testing.T) {
	forEach(t, func(t *testing.T, name string, b *bench) {
		before := b.state()
		o := golden[name].order
		o.PlanOnly = true
		r := b.mount(o)
		if r.Done || r.Plan.Empty() {
			t.Errorf("done is %v, and the plan:\n%s", r.Done, r.Plan.Text())
		}
		b.clean(before)
		if w := b.Writes(); len(w) > 0 {
			t.Errorf("it wrote: %q", w)
		}
	})
}

// TestSecondMountAddsWhatIsMissing: and touches nothing else.
func TestSecondMountAddsWhatIsMissing(t *testing.T) {
	forEach(t, func(t *testing.T, name string, b *bench) {
		before := b.state()
		first := b.mount(golden[name].order)
		stands := b.state()
		last := first.Lines[len(first.Lines)-1].Point
		for _, l := range first.Lines {
			if l.Number > 0 && l.Source != "" && l.File != "/" && l.Point != "" && !strings.HasPrefix(l.File, "/boot") {
				last = l.Point
			}
		}
		if err := b.Machine.Unmount(last); err != nil {
			t.Fatal(err)
		}
		b.MountBehind(storage.Mount{Point: "/mnt/local/mnt/usb", Type: "tmpfs"})
		stands = "" + stands
		b.again()
		o := golden[name].order
		b.ask.answer(golden[name].ask, passphrase)
		o.PlanOnly = true
		plan := b.mount(o)
		if diff := cmp.Diff(fmt.Sprintf("mount %s", last), firstWords(plan.Plan.Text(), last)); diff != "" {
			t.Errorf("the plan is:\n%s%s", plan.Plan.Text(), diff)
		}
		b.again()
		o.PlanOnly = false
		b.mount(o)
		for line := range strings.Lines(stands + "mount /mnt/local/mnt/usb: tmpfs\n") {
			if !strings.Contains(b.state(), line) {
				t.Errorf("missing: %s in\n%s", line, b.state())
			}
		}
		if len(strings.Split(b.state(), "\n")) != len(strings.Split(stands, "\n"))+1 {
			t.Errorf("more stands than before:\n%s\nbefore:\n%s", b.state(), stands)
		}
		b.umount()
		b.clean(before)
	})
}

// firstWords makes "mount POINT" of a plan of one step that mounts there.
func firstWords(plan, point string) string {
	plan = strings.TrimSpace(plan)
	if strings.Count(plan, "\n") == 0 && strings.HasPrefix(plan, "1. mount ") && strings.Contains(plan, " at "+point) {
		return "mount " + point
	}
	return plan
}
