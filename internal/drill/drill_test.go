package drill

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/machine"
)

// set is an initramfs and a kernel, in files.
func set(t *testing.T, behaviour, kernel string) Options {
	t.Helper()
	t.Setenv("TMPDIR", shortDir(t))
	dir := t.TempDir()
	o := Options{Image: filepath.Join(dir, "a, image"), Kernel: filepath.Join(dir, "kernel"), Firmware: []Firmware{BIOS}}
	write(t, o.Image, initramfsOf(behaviour, filepath.Join(dir, "pid")))
	write(t, o.Kernel, kernelOf(kernel))
	return o
}

// shortDir is one that is short enough for the path of a socket (unix(7): 108 bytes).
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "drill")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// one tries an image with one firmware.
func one(t *testing.T, m machine.Machine, o Options) (*Report, Trial) {
	t.Helper()
	r, err := Test(t.Context(), m, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Trials) != 1 {
		t.Fatalf("%d trials: %+v", len(r.Trials), r)
	}
	if left, _ := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "salvor-drill-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	return r, r.Trials[0]
}

func TestPasses(t *testing.T) {
	for _, behaviour := range []string{"works", "talks", "floods", "stays in its menu"} {
		t.Run(behaviour, func(t *testing.T) {
			o := set(t, behaviour, "")
			if behaviour == "stays in its menu" {
				o.Limit = 20 * time.Second // of which two are for the menu
			}
			r, trial := one(t, fakeMachine{}, o)
			if trial.State != Passed || trial.Cause != "" || r.Worst() != Passed || r.Accelerator != "tcg" {
				t.Fatalf("%+v, %s\n%s", trial, r.Accelerator, trial.Console[max(0, len(trial.Console)-2000):])
			}
			if trial.Salvor != "0.5 (go, linux)" || trial.Ready <= 0 || trial.MemoryTotal == 0 || trial.MemoryUsed == 0 || trial.MemoryUsed > trial.MemoryTotal {
				t.Errorf("%+v", trial)
			}
		})
	}
}

func TestFails(t *testing.T) {
	for behaviour, want := range map[string]string{
		"panics":         "the kernel panicked: Attempted to kill init! exitcode=0x00000100",
		"unpacks a part": "the initramfs could not be unpacked: write error",
		"finds nothing":  "the firmware found nothing that it could start; the firmware refused a program for its signature",
		"loads nothing":  "the boot loader could start nothing that is in its menu; the boot loader had too little memory",
		"hangs":          "the machine was not ready after 1s",
		"ends":           "the machine ended before it was ready: its last words: reboot: Restarting system",
		"crashes":        "KVM internal error. Suberror: 1",
		"probe fails":    "salvor probe: exit status 1",
		"probe lies":     "salvor probe: cannot read the graph: its version is 99",
		"no salvor":      "salvor version: exit status 127: sh: salvor: not found",
	} {
		t.Run(behaviour, func(t *testing.T) {
			o := set(t, behaviour, "")
			if behaviour == "hangs" {
				o.Limit = time.Second
			}
			r, trial := one(t, fakeMachine{}, o)
			if trial.State != Failed || !strings.Contains(trial.Cause, want) || r.Worst() != Failed {
				t.Errorf("%s: %q, want %q", trial.State, trial.Cause, want)
			}
			if !strings.Contains(trial.Console, "Booting from ROM") {
				t.Errorf("the console says %q", trial.Console)
			}
		})
	}
}

// TestStays: a machine that does not switch itself off has failed, and ends all the same.
func TestStays(t *testing.T) {
	o := set(t, "stays", "")
	i, err := openImage(o.Image, o.Kernel)
	if err != nil {
		t.Fatal(err)
	}
	defer i.close()
	q, err := findQEMU(fakeMachine{}, i.arch, UsualMemory)
	if err != nil {
		t.Fatal(err)
	}
	dir := shortDir(t)
	media, err := q.media(i, false, dir)
	if err != nil {
		t.Fatal(err)
	}
	v, err := start(t.Context(), q, dir, media...)
	if err != nil {
		t.Fatal(err)
	}
	trial := Trial{Firmware: BIOS}
	err = trial.rehearse(t.Context(), v, patience{ready: time.Minute, menu: time.Minute, command: time.Minute, off: time.Second}, func(Stage, Firmware) {})
	if err == nil || err.Error() != "the machine does not switch itself off: it takes too long" {
		t.Errorf("%v", err)
	}
	v.end()
	gone(t, o)
}

// TestInterrupted: nothing goes on, and nothing is left.
func TestInterrupted(t *testing.T) {
	o := set(t, "hangs", "")
	ctx, cancel := context.WithCancel(t.Context())
	o.Tell = func(s Stage, _ Firmware) {
		if s == Starting {
			time.AfterFunc(500*time.Millisecond, cancel)
		}
	}
	if r, err := Test(ctx, fakeMachine{}, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("%+v, %v", r, err)
	}
	gone(t, o)
	if left, _ := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "salvor-drill-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// gone checks that the fake QEMU has ended.
func gone(t *testing.T, o Options) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(filepath.Dir(o.Image), "pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/proc/" + strconv.Itoa(pid)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("QEMU goes on as process %d: %v", pid, err)
	}
}

func TestKVM(t *testing.T) {
	works := set(t, "works", "works under KVM")
	r, trial := one(t, fakeMachine{}, works)
	if r.Accelerator != "kvm" || trial.State != Passed {
		t.Errorf("%s, %+v", r.Accelerator, trial)
	}
	if r, _ := one(t, fakeMachine{absent: []string{"/dev/kvm"}}, works); r.Accelerator != "tcg" {
		t.Errorf("without /dev/kvm, the accelerator is %s", r.Accelerator)
	}
}

// TestFirmware: what is asked for, what the image is made for, and what is installed.
func TestFirmware(t *testing.T) {
	for name, c := range map[string]struct {
		asked  []Firmware
		absent []string
		want   []Trial
		worst  State
	}{
		"all that there are": {nil, nil, []Trial{
			{Firmware: BIOS, State: Passed}, {Firmware: UEFI, State: Passed},
			{Firmware: SecureBoot, State: NotTried, Cause: "the kernel is started directly, past Secure Boot"},
		}, Passed},
		"asked for and not to be had": {[]Firmware{SecureBoot, BIOS}, nil, []Trial{
			{Firmware: BIOS, State: Passed},
			{Firmware: SecureBoot, State: NotTried, Cause: "the kernel is started directly, past Secure Boot", Gap: true},
		}, NotTried},
		"not installed": {nil, []string{"VARS", "vars"}, []Trial{
			{Firmware: BIOS, State: Passed},
			{Firmware: UEFI, State: NotTried, Cause: "the firmware is not installed", Gap: true, Packages: &Packages{"ovmf", "edk2-ovmf", "qemu-ovmf-x86_64", "edk2-ovmf"}},
			{Firmware: SecureBoot, State: NotTried, Cause: "the kernel is started directly, past Secure Boot"},
		}, NotTried},
	} {
		t.Run(name, func(t *testing.T) {
			o := set(t, "works", "")
			o.Firmware = c.asked
			r, err := Test(t.Context(), fakeMachine{absent: c.absent}, o)
			if err != nil {
				t.Fatal(err)
			}
			var got []Trial
			for _, trial := range r.Trials {
				got = append(got, Trial{Firmware: trial.Firmware, State: trial.State, Cause: trial.Cause, Gap: trial.Gap, Packages: trial.Packages})
			}
			if diff := cmp.Diff(c.want, got); diff != "" || r.Worst() != c.worst {
				t.Errorf("worst is %s, want %s\n%s", r.Worst(), c.worst, diff)
			}
		})
	}
}

// TestWrongFirmware: a machine that came up by other means than meant has failed.
func TestWrongFirmware(t *testing.T) {
	o := set(t, "works", "")
	o.Firmware = []Firmware{UEFI}
	m := fakeMachine{absent: []string{"OVMF_CODE_4M.fd"}} // of others, the fake says that it is a BIOS
	if _, trial := one(t, m, o); trial.Cause != "it was started by bios, not by uefi" {
		t.Errorf("%+v", trial)
	}
}

func TestCannotTry(t *testing.T) {
	o := set(t, "works", "")
	without := o
	without.Kernel = ""
	garbage := o
	garbage.Image = o.Kernel
	none := o
	none.Image += "x"
	for name, c := range map[string]struct {
		m    machine.Machine
		o    Options
		want func(error) bool
	}{
		"no QEMU":      {fakeMachine{absent: []string{"qemu"}}, o, isMissing},
		"no kernel":    {fakeMachine{}, without, func(err error) bool { return errors.Is(err, ErrNoKernel) }},
		"no such file": {fakeMachine{}, none, func(err error) bool { return errors.Is(err, fs.ErrNotExist) }},
		"garbage":      {fakeMachine{}, garbage, func(err error) bool { return err != nil }},
	} {
		if r, err := Test(t.Context(), c.m, c.o); !c.want(err) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

func isMissing(err error) bool {
	_, ok := errors.AsType[*machine.MissingProgram](err)
	return ok
}
