package workflow

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/machine"
	"salvor/internal/storage"
)

func TestUmountWithNothingToDo(t *testing.T) {
	b := machineA().bench(t)
	before, acts := b.state(), b.acts
	r := b.umount()
	if !r.Done || !r.Plan.Empty() || r.Target != "" {
		t.Errorf("the report is %+v", r)
	}
	if b.acts > acts+1 { // the directory of the lock
		t.Errorf("%d acts for nothing", b.acts-acts)
	}
	b.clean(before)
}

func TestUmountPlan(t *testing.T) {
	b := machineB().bench(t)
	b.ask.answer(golden["b"].ask, passphrase)
	b.mount(MountOrder{})
	stands := b.state()
	r, err := b.w.Umount(t.Context(), true)
	if err != nil || r.Done || r.Plan.Empty() || r.Target != DefaultTarget {
		t.Errorf("the report is %+v, %v", r, err)
	}
	if diff := cmp.Diff(stands, b.state()); diff != "" {
		t.Errorf("planning has changed the state: %s", diff)
	}
}

// TestBusyMount: the error names it, all else that can be is taken down, and the
// second try goes on.
func TestBusyMount(t *testing.T) {
	b := machineB().bench(t)
	before := b.state()
	b.ask.answer(golden["b"].ask, passphrase)
	b.mount(MountOrder{})
	b.FailNext("unmount /mnt/local/home", &machine.MountError{Act: "unmount", Point: "/mnt/local/home", Kind: machine.ErrBusy})
	r, err := b.w.Umount(t.Context(), false)
	if !errors.Is(err, ErrStillThere) || !errors.Is(err, machine.ErrBusy) || !strings.Contains(err.Error(), "cannot unmount /mnt/local/home") {
		t.Errorf("it gives %v", err)
	}
	if r.Done || r.Plan.Empty() {
		t.Errorf("the report is %+v", r)
	}
	for _, gone := range []string{"/mnt/local/srv", "md:b-md"} {
		if strings.Contains(b.state(), gone) {
			t.Errorf("%s is still there:\n%s", gone, b.state())
		}
	}
	if r := b.umount(); !r.Done || r.Target != DefaultTarget {
		t.Errorf("the second report is %+v", r)
	}
	b.clean(before)
}

// TestForeignMountsOnTop: what others mounted below the target goes with it, also
// over ours.
func TestForeignMountsOnTop(t *testing.T) {
	b := machineA().bench(t)
	before := b.state()
	b.mount(MountOrder{})
	for _, point := range []string{"/mnt/local/home/usb", "/mnt/local/home", "/mnt/local/home"} {
		b.MountBehind(storage.Mount{Point: point, Type: "tmpfs"})
	}
	b.umount()
	b.clean(before)
}

// TestForeignUsersAreKept: what others put onto something of ours keeps it open.
func TestForeignUsersAreKept(t *testing.T) {
	b := machineB().bench(t)
	before := b.state()
	b.ask.answer(golden["b"].ask, passphrase)
	b.mount(MountOrder{})
	b.MountBehind(storage.Mount{Point: "/srv/backup", Source: "fs:b-home", Type: "xfs", Root: "/"})
	r := b.umount()
	if !slices.Contains(r.Kept, "lv:orca-vg/home") || !slices.Contains(r.Kept, "luks:b-crypt") || len(r.Kept) != 2 || len(r.Notes) != 2 {
		t.Errorf("the report is %+v", r)
	}
	b.clean("open luks:b-crypt as /dev/mapper/vault_primary\nopen lv:orca-vg/home as /dev/mapper/orca--vg-home\nmount /srv/backup: fs:b-home /\n" + before)
}

// TestOthersMountWhereOursWas: after it was all taken down by hand, another file
// system at the same place is not ours.
func TestOthersMountWhereOursWas(t *testing.T) {
	b := machineA().bench(t)
	b.mount(MountOrder{})
	stands := b.Visible().MountsUnder("/mnt/local")
	slices.Reverse(stands)
	for _, m := range stands {
		if err := b.Machine.Unmount(m.Point); err != nil {
			t.Fatal(err)
		}
	}
	b.MountBehind(storage.Mount{Point: "/mnt/local", Source: "fs:a-home", Type: "ext4", Root: "/"})
	before := b.state()
	st, err := b.w.Status(t.Context())
	if err != nil || st.Condition != "free" {
		t.Errorf("the condition is %v, %v", st, err)
	}
	b.umount()
	b.clean(before)
}

func TestStatusTellsWhatIsMissing(t *testing.T) {
	b := twoLocked("other").bench(t)
	b.ask.keys = map[storage.ID][]string{"luks:t-1": {passphrase}}
	b.mount(MountOrder{})
	if err := b.Machine.Unmount("/mnt/local/proc"); err != nil {
		t.Fatal(err)
	}
	st, err := b.w.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var points []string
	for _, m := range st.Missing {
		points = append(points, m.Point)
		if m.Text == "" {
			t.Errorf("no word on why %s is missing", m.Point)
		}
	}
	if diff := cmp.Diff([]string{"/mnt/local/home", "/mnt/local/proc"}, points); diff != "" || !st.Gaps {
		t.Errorf("gaps %v: %s", st.Gaps, diff)
	}
}
