package apply

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"salvor/internal/plan"
	"salvor/internal/storage"
)

func TestScript(t *testing.T) {
	full := bigStack(t)
	up := everything(t, full).Graph
	lun := want(t, full).open("mpath:w1", "", false).Graph
	overlaid := want(t, full).frozen("disk:sdd").overlay("disk:sdd", "cow-1").
		mount(storage.Mount{Point: "/mnt/local", Source: "fs:data", Type: "ext4", Overlay: true, ReadOnly: true, Under: "/mnt/local", Options: []string{"nosuid", "nodev"}}).
		mount(storage.Mount{Point: "/mnt/local/a $(b) 'c'", Type: "bind", Bind: "/srv", ReadOnly: true, Under: "/mnt/local"}).Graph
	renamed := want(t, full).open("luks:2", "cr home", true).Graph
	unnamed := want(t, full).open("luks:2", "luks-2", true).Graph
	tests := []struct {
		name       string
		have, want *storage.Graph
		env        Env
	}{
		{"up.sh", full, up, Env{Udev: true}},
		{"down.sh", up, full, Env{Udev: true}},
		{"overlay.sh", full, overlaid, Env{Udev: true}},
		{"overlay-down.sh", overlaid, full, Env{}},
		{"rename.sh", unnamed, renamed, Env{}},
		{"multipath.sh", full, lun, Env{Multipath: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Script(mustPlan(t, tt.have, tt.want), tt.env)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, tt.name, got)
			sh := exec.Command("sh", "-n")
			sh.Stdin = strings.NewReader(got)
			if out, err := sh.CombinedOutput(); err != nil {
				t.Errorf("sh does not like the script: %v: %s", err, out)
			}
		})
	}
}

// TestScriptKeepsNamesHarmless: a name from a disk is never more than a word.
func TestScriptKeepsNamesHarmless(t *testing.T) {
	full := bigStack(t)
	evil := "x\nreboot\n$(reboot)`reboot`'\"\\"
	got, err := Script(mustPlan(t, full, want(t, full).open("luks:2", evil, false).Graph), Env{})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh")
	// The functions take the place of the programs and show their last word.
	cmd.Stdin = strings.NewReader("cryptsetup() { for last; do :; done; printf %s \"$last\"; }\n" +
		strings.Replace(got, "wait_for_device '", ": '", 1))
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != evil {
		t.Errorf("the shell sees %q (%v)", out, err)
	}
}

func TestLowerRefuses(t *testing.T) {
	tests := []struct {
		name string
		op   plan.Op
		want string
	}{
		{"plain without parameters", plan.Unlock{ID: "plain:1", Format: "plain"}, ErrNoParameters.Error()},
		{"multipath without wires", plan.StartMultipath{ID: "mpath:1"}, "internal error: no wire of mpath:1 is known"},
		{"bcache without devices", plan.StartBcache{ID: "bcache:1"}, "internal error: no device of bcache:1 is known"},
		{"root of a file system without subvolumes", plan.Mount{Device: "/dev/sda", Mount: storage.Mount{Point: "/mnt", Source: "fs:1", Type: "ext4", Root: "/x"}},
			"internal error: ext4 has no subvolumes"},
		{"point outside of the target", plan.Mount{Device: "/dev/sda", Root: "/mnt/local", Mount: storage.Mount{Point: "/mnt/localhost", Source: "fs:1", Type: "ext4"}},
			"internal error: the mount point /mnt/localhost is not in the target"},
		{"unknown operation", nil, "internal error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			op := tt.op
			if op == nil {
				op = struct{ plan.StopArray }{}
			}
			if _, err := Lower(op, Env{}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Lower gives %v, not %q", err, tt.want)
			}
		})
	}
	if _, err := Lower(plan.Unlock{Format: "plain"}, Env{}); !errors.Is(err, ErrNoParameters) {
		t.Errorf("Lower gives %v", err)
	}
}
