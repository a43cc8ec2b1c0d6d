package drill

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"salvor/internal/machine"
	"salvor/internal/rescue/medium"
)

// Options say how an image is tried.
type Options struct {
	Image    string        // a file, or a directory for booting over the network
	Kernel   string        // for an initramfs alone
	Firmware []Firmware    // none: all that the image is made for
	Memory   int           // of the machine, in MiB; 0 is UsualMemory
	Limit    time.Duration // from the start to the ready line; 0 is KVMLimit or EmulatedLimit
	Stick    bool          // an ISO image is put on a USB stick, not on a CD
	Network  bool          // the machine reaches what the host reaches
	Tell     func(Stage, Firmware)
}

// Memory of a machine, in MiB.
const (
	UsualMemory = 512
	LeastMemory = 256
)

// How long a machine may take until it is ready.
const (
	KVMLimit      = 2 * time.Minute
	EmulatedLimit = 10 * time.Minute
)

// kvmLimit is how long a kernel may take to come to its end under KVM, when it has no
// initramfs. It takes a second or two.
const kvmLimit = 20 * time.Second

// Stage is what is going on.
type Stage string

// The stages. For the first there is no firmware yet.
const (
	TryingKVM Stage = "kvm"
	Starting  Stage = "start"
	Asking    Stage = "ask"
	Ending    Stage = "end"
)

// State is how a trial went.
type State string

// The states.
const (
	Passed   State = "passed"
	Failed   State = "failed"
	NotTried State = "not tried"
)

// Report tells how an image did.
type Report struct {
	Image       string        `json:"image"`
	Format      medium.Format `json:"format"`
	Arch        medium.Arch   `json:"arch"`
	Accelerator string        `json:"accelerator"` // "kvm" or "tcg"
	Memory      int           `json:"memory"`      // MiB
	Trials      []Trial       `json:"trials"`
}

// Trial tells how an image did with one firmware.
type Trial struct {
	Firmware Firmware `json:"firmware"`
	State    State    `json:"state"`
	Cause    string   `json:"cause,omitempty"` // why it failed or was not tried
	// Gap: it was to be tried, and could not be. Without it, the image is not made for it.
	Gap      bool      `json:"gap,omitempty"`
	Packages *Packages `json:"packages,omitempty"` // that have the firmware which is missing
	// Seconds from the start of the machine to that of its kernel, and to the ready line.
	Kernel float64 `json:"kernel_seconds,omitempty"`
	Ready  float64 `json:"ready_seconds,omitempty"`
	// The memory that the kernel gives out, and what of it is in use, in bytes.
	MemoryTotal uint64 `json:"memory_total,omitempty"`
	MemoryUsed  uint64 `json:"memory_used,omitempty"`
	Salvor      string `json:"salvor,omitempty"` // its version in the image
	Nodes       int    `json:"nodes,omitempty"`  // that its probe has found
	Console     string `json:"-"`                // all that the machine said
}

// Test starts an image with each firmware, looks at the system in it, and switches it off. An
// image that does not start is no error: the report tells it.
func Test(ctx context.Context, m machine.Machine, o Options) (*Report, error) {
	i, err := openImage(o.Image, o.Kernel)
	if err != nil {
		return nil, err
	}
	defer i.close()
	o.Memory = cmp.Or(o.Memory, UsualMemory)
	q, err := findQEMU(m, i.arch, o.Memory)
	if err != nil {
		return nil, err
	}
	o.tell(TryingKVM, "")
	if q.kvm, err = q.tryKVM(ctx, i); err != nil {
		return nil, err
	}
	r := &Report{Image: o.Image, Format: i.contents.Format, Arch: i.arch, Accelerator: q.accelerator(), Memory: o.Memory}
	for _, f := range Firmwares {
		asked := slices.Contains(o.Firmware, f)
		if len(o.Firmware) > 0 && !asked {
			continue
		}
		if why := i.lacks(f); why != "" {
			r.Trials = append(r.Trials, Trial{Firmware: f, State: NotTried, Cause: why, Gap: asked})
			continue
		}
		t, err := try(ctx, q, i, f, o)
		if err != nil {
			return nil, err
		}
		r.Trials = append(r.Trials, t)
	}
	return r, nil
}

func (o Options) tell(s Stage, f Firmware) {
	if o.Tell != nil {
		o.Tell(s, f)
	}
}

// Worst gives the state that counts for all trials: one failed, or one is a gap, or none is.
func (r *Report) Worst() State {
	worst := Passed
	for _, t := range r.Trials {
		switch {
		case t.State == Failed:
			return Failed
		case t.State == NotTried && t.Gap:
			worst = NotTried
		}
	}
	if !slices.ContainsFunc(r.Trials, func(t Trial) bool { return t.State == Passed }) {
		return NotTried
	}
	return worst
}

// try starts the image with one firmware. Its error is one of this machine, not of the image.
func try(ctx context.Context, q *qemu, i *image, f Firmware, o Options) (Trial, error) {
	t := Trial{Firmware: f}
	row, _ := rowOf(f, i.arch)
	flash, ok := row.installed(q.m)
	if !ok {
		t.State, t.Cause, t.Gap, t.Packages = NotTried, "the firmware is not installed", true, &row.packages
		return t, nil
	}
	dir, err := os.MkdirTemp("", "salvor-drill-")
	if err != nil {
		return t, fmt.Errorf("cannot set up a virtual machine: %w", err)
	}
	defer os.RemoveAll(dir)
	args := row.arguments(flash)
	media, err := q.media(i, o.Stick, dir)
	if err != nil {
		return t, fmt.Errorf("cannot set up a virtual machine: %w", err)
	}
	o.tell(Starting, f)
	v, err := start(ctx, q, dir, slices.Concat(args, media, network(o.Network))...)
	if err != nil {
		return t, err
	}
	defer v.end()
	cause := t.rehearse(ctx, v, q.patience(o), o.tell)
	if err := ctx.Err(); err != nil {
		return t, err
	}
	t.State, t.Console = Passed, v.console.text()
	if cause != nil {
		t.State, t.Cause = Failed, cause.Error()
		if why := explain(t.Console); why != "" {
			t.Cause += "; " + why
		}
	}
	return t, nil
}
