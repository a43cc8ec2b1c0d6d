package drill_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"salvor/internal/drill"
	"salvor/internal/machine"
	"salvor/test/rescue"
)

// emulating is this machine without KVM: what is tested here is the same on all.
type emulating struct{ *machine.Live }

func (m emulating) Stat(name string) (machine.Info, error) {
	if name == "/dev/kvm" {
		return machine.Info{}, fs.ErrNotExist
	}
	return m.Live.Stat(name)
}

// TestVM starts a rescue system that was put together by hand, in less than a minute.
func TestVM(t *testing.T) {
	if os.Getenv("SALVOR_LAB") == "" {
		t.Skip("needs the VM lab: run \"make test\", or set SALVOR_LAB=1")
	}
	image, err := rescue.Build(t.TempDir(), "plain", "/bin/sh", nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := drill.Test(t.Context(), emulating{machine.NewLive()}, drill.Options{
		Image: image.Initramfs, Kernel: image.Kernel, Firmware: []drill.Firmware{drill.BIOS}, Memory: drill.LeastMemory,
	})
	if err != nil {
		t.Fatal(err)
	}
	trial := r.Trials[0]
	if trial.State != drill.Passed {
		t.Fatalf("%s: %s\n%s", trial.State, trial.Cause, trial.Console)
	}
	t.Logf("kernel after %.1f s, ready after %.1f s, %d MiB of %d MiB used, salvor %s", trial.Kernel, trial.Ready, trial.MemoryUsed>>20, trial.MemoryTotal>>20, trial.Salvor)
	if trial.Kernel <= 0 || trial.Kernel >= trial.Ready {
		t.Errorf("the kernel started after %v s, and was ready after %v s", trial.Kernel, trial.Ready)
	}
	if trial.MemoryTotal > drill.LeastMemory<<20 || trial.MemoryUsed == 0 || trial.MemoryUsed > trial.MemoryTotal {
		t.Errorf("it uses %d of %d bytes", trial.MemoryUsed, trial.MemoryTotal)
	}
	if trial.Salvor == "" || !strings.Contains(trial.Console, "salvor: closing") {
		t.Errorf("salvor %q; the console:\n%s", trial.Salvor, trial.Console)
	}
}
