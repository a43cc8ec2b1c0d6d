package workflow

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/session"
)

// killable are the machines on which stopping is tried at every point; between
// them they have every kind of operation that the golden machines need.
var killable = []string{"b", "c", "e"}

// stride is 1, and more with -short: every point takes a whole mount.
func stride() int {
	if testing.Short() {
		return 7
	}
	return 1
}

// orders are the commands that are stopped.
var orders = map[string]func(ctx context.Context, b *bench, o MountOrder) error{
	"systems": func(ctx context.Context, b *bench, o MountOrder) error {
		_, err := b.w.Systems(ctx, SystemsOrder{Unlock: true})
		return err
	},
	"mount": func(ctx context.Context, b *bench, o MountOrder) error {
		_, err := b.w.Mount(ctx, o)
		return err
	},
	"mount --read-only": func(ctx context.Context, b *bench, o MountOrder) error {
		o.ReadOnly = true
		_, err := b.w.Mount(ctx, o)
		return err
	},
}

// forEachOrder runs a test for each order on each killable machine.
func forEachOrder(t *testing.T, f func(t *testing.T, fresh func() *bench, do func(ctx context.Context, b *bench) error)) {
	for _, name := range killable {
		for order, do := range orders {
			t.Run(name+" "+order, func(t *testing.T) {
				t.Parallel()
				fresh := func() *bench {
					b := golden[name].lab().bench(t)
					b.ask.answer(golden[name].ask, passphrase)
					return b
				}
				f(t, fresh, func(ctx context.Context, b *bench) error { return do(ctx, b, golden[name].order) })
			})
		}
	}
}

// TestCtrlCAtEveryEvent: what the command opened is closed again, and it says that
// it was stopped.
func TestCtrlCAtEveryEvent(t *testing.T) {
	forEachOrder(t, func(t *testing.T, fresh func() *bench, do func(context.Context, *bench) error) {
		whole := fresh()
		if err := do(t.Context(), whole); err != nil {
			t.Fatal(err)
		}
		for n := range whole.events {
			b := fresh()
			before := b.state()
			ctx, cancel := context.WithCancel(t.Context())
			b.tell = func(Event) {
				if len(b.events) == n+1 {
					cancel()
				}
			}
			if err := do(ctx, b); !errors.Is(err, context.Canceled) {
				t.Errorf("stopped at event %d (%T) it gives %v", n, b.events[n], err)
			}
			cancel()
			if b.clean(before); t.Failed() {
				t.Fatalf("stopped at event %d: %#v", n, b.events[n])
			}
		}
	})
}

// TestKilledAfterEveryAct: umount gets back to the state before.
func TestKilledAfterEveryAct(t *testing.T) {
	forEachOrder(t, func(t *testing.T, fresh func() *bench, do func(context.Context, *bench) error) {
		for n := 1; ; n += stride() {
			b := fresh()
			before := b.state()
			b.last = n
			err := do(t.Context(), b)
			if !b.dead() {
				return
			}
			at := fmt.Sprintf("killed after act %d (%v):\n%s", n, err, b.state())
			b.again()
			b.umount()
			if b.clean(before); t.Failed() {
				t.Fatal(at)
			}
		}
	})
}

// TestUmountKilledAfterEveryAct: the next one goes on.
func TestUmountKilledAfterEveryAct(t *testing.T) {
	for _, name := range killable {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n := 1; ; n += stride() {
				b := golden[name].lab().bench(t)
				b.ask.answer(golden[name].ask, passphrase)
				before := b.state()
				b.mount(golden[name].order)
				b.last = b.acts + n
				_, err := b.w.Umount(t.Context(), false)
				if !b.dead() {
					return
				}
				at := fmt.Sprintf("killed after act %d (%v):\n%s", n, err, b.state())
				b.again()
				b.umount()
				if b.clean(before); t.Failed() {
					t.Fatal(at)
				}
			}
		})
	}
}

// TestMountGoesOnAfterBeingKilled: the same command again ends where it would have
// ended.
func TestMountGoesOnAfterBeingKilled(t *testing.T) {
	for _, name := range killable {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fresh := func() *bench {
				b := golden[name].lab().bench(t)
				b.ask.answer(golden[name].ask, passphrase)
				return b
			}
			whole := fresh()
			whole.mount(golden[name].order)
			for n := 1; n < whole.acts; n += 2 * stride() {
				b := fresh()
				b.last = n
				_, err := b.w.Mount(t.Context(), golden[name].order)
				at := fmt.Sprintf("killed after act %d (%v):\n%s", n, err, b.state())
				b.again()
				b.ask.answer(golden[name].ask, passphrase)
				b.mount(golden[name].order)
				if diff := cmp.Diff(sorted(whole.state()), sorted(b.state())); diff != "" {
					t.Fatalf("%s%s", at, diff)
				}
			}
		})
	}
}

// TestStatusAfterBeingKilled: in every condition it says what is held.
func TestStatusInEveryCondition(t *testing.T) {
	seen := map[session.Condition]bool{}
	whole := machineA().bench(t)
	whole.mount(MountOrder{})
	for n := range whole.acts + 1 {
		b := machineA().bench(t)
		if b.last = n; n > 0 {
			b.w.Mount(t.Context(), MountOrder{}) //nolint:errcheck // it is killed
			b.again()
		}
		before := b.acts
		st, err := b.w.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seen[st.Condition] = true
		if (st.Condition == session.Free) != (len(st.Holdings) == 0) {
			t.Errorf("when %s it holds %q", st.Condition, st.Holdings)
		}
		if hasTarget := st.Target == "/mnt/local" && st.System == "Debian A"; hasTarget != (st.Condition == session.Interrupted || st.Condition == session.Standing) {
			t.Errorf("when %s the target is %q, the system %q", st.Condition, st.Target, st.System)
		}
		if st.Condition == session.Interrupted && len(st.Missing)+len(st.Mounts) != 9 {
			t.Errorf("killed after act %d, of nine mounts %d are there and %v are missing", n, len(st.Mounts), st.Missing)
		}
		if b.acts != before {
			t.Error("status acted")
		}
	}
	st, err := whole.w.Status(t.Context())
	if err != nil || st.Condition != session.Standing || st.Gaps || len(st.Missing) > 0 || len(st.Mounts) < 3 {
		t.Errorf("the whole mount gives %+v, %v", st, err)
	}
	seen[st.Condition] = true
	for _, c := range session.Conditions {
		if !seen[c] {
			t.Errorf("the condition %q was never seen", c)
		}
	}
}

// TestSecondCommandIsRefused: while one acts.
func TestSecondCommandIsRefused(t *testing.T) {
	b := machineA().bench(t)
	second := *b
	var refused error
	b.tell = func(e Event) {
		if _, first := e.(Looking); first && refused == nil {
			w := *second.w
			w.Tell = nil
			_, refused = w.Systems(t.Context(), SystemsOrder{})
			if _, err := w.Status(t.Context()); err != nil {
				t.Errorf("status beside it gives %v", err)
			}
		}
	}
	b.mount(MountOrder{})
	var r *RefusedError
	if !errors.As(refused, &r) || !errors.Is(refused, session.ErrAnother) {
		t.Errorf("the second command gives %v", refused)
	}
}
