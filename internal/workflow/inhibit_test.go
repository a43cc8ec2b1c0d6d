package workflow

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/machine/machinetest"
)

func masks(b *bench) []string {
	var out []string
	for _, name := range actors {
		if isMask(b.Machine, name) {
			out = append(out, name)
		}
	}
	return out
}

// TestRulesAreMaskedWhileAtWork: those that are there, from before the first act
// until after the last.
func TestRulesAreMaskedWhileAtWork(t *testing.T) {
	b := machineB().bench(t)
	b.ask.answer(golden["b"].ask, passphrase)
	steps := 0
	b.tell = func(e Event) {
		if _, acts := e.(StepBegins); !acts {
			return
		}
		steps++
		if diff := cmp.Diff([]string{"69-lvm.rules", "69-bcache.rules"}, masks(b)); diff != "" {
			t.Errorf("while at work: %s", diff)
		}
	}
	b.mount(MountOrder{})
	if left := masks(b); len(left) > 0 {
		t.Errorf("after it, %q are masked", left)
	}
	b.umount()
	if left := masks(b); steps == 0 || len(left) > 0 {
		t.Errorf("after %d steps, %q are masked", steps, left)
	}
}

// TestWhatIsMasked: only rules that are shipped, and none that somebody has set
// aside or written himself.
func TestWhatIsMasked(t *testing.T) {
	rule := &fstest.MapFile{Data: []byte("ACTION==\"add\"\n")}
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  []string
	}{
		"shipped below /lib":  {fstest.MapFS{"lib/udev/rules.d/64-md-raid-assembly.rules": rule}, []string{"69-lvm.rules", "64-md-raid-assembly.rules", "69-bcache.rules"}},
		"set aside":           {fstest.MapFS{"etc/udev/rules.d/69-lvm.rules": {Data: []byte("/dev/null"), Mode: 1<<27 | 0o777}}, []string{"69-bcache.rules"}},
		"written by others":   {fstest.MapFS{"run/udev/rules.d/69-lvm.rules": rule}, []string{"69-bcache.rules"}},
		"left by a crash":     {fstest.MapFS{"run/udev/rules.d/69-dm-lvm.rules": {Data: []byte(ofTheMask)}}, []string{"69-dm-lvm.rules", "69-lvm.rules", "69-bcache.rules"}},
		"only in /etc anyhow": {fstest.MapFS{"etc/udev/rules.d/85-lvm2.rules": rule}, []string{"69-lvm.rules", "69-bcache.rules"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := machineA().bench(t, machinetest.WithFiles(c.files))
			var masked []string
			b.tell = func(e Event) {
				if _, first := e.(StepBegins); first && masked == nil {
					masked = masks(b)
				}
			}
			b.mount(MountOrder{})
			if diff := cmp.Diff(c.want, masked); diff != "" {
				t.Error(diff)
			}
			if left := masks(b); len(left) > 0 {
				t.Errorf("after it, %q are masked", left)
			}
			for file, f := range c.files {
				if got, err := b.ReadFile("/" + file); f.Mode == 0 && !strings.HasPrefix(string(f.Data), ofTheMask) && (err != nil || !slices.Equal(got, f.Data)) {
					t.Errorf("%s is %q now, %v", file, got, err)
				}
			}
		})
	}
}

func TestWithoutUdevNothingIsMasked(t *testing.T) {
	b := machineA().bench(t, machinetest.WithoutUdev())
	b.tell = func(Event) {
		if m := masks(b); len(m) > 0 {
			t.Errorf("%q are masked", m)
		}
	}
	b.mount(MountOrder{})
}

// TestMaskingMayFail: that is told, and the work goes on.
func TestMaskingMayFail(t *testing.T) {
	b := machineA().bench(t)
	before := b.state()
	b.full = func(name string) bool { return strings.HasPrefix(name, runRules) }
	b.mount(MountOrder{})
	if len(b.notes) != 1 || !strings.Contains(b.notes[0], "udev's rules could not be held back") {
		t.Errorf("the notes are %q", b.notes)
	}
	b.again()
	b.full = nil
	b.FailNext("remove "+runRules, errors.New("device or resource busy"))
	b.umount()
	if len(b.notes) != 1 || !strings.Contains(b.notes[0], "may still be masked") {
		t.Errorf("the notes are %q", b.notes)
	}
	b.again()
	b.umount() // sweeps
	b.clean(before)
}
