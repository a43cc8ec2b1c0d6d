package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/drill"
	"salvor/internal/machine"
)

var triedReport = drill.Report{
	Image: "rescue.iso", Format: "iso", Arch: "x64", Accelerator: "kvm", Memory: 512,
	Trials: []drill.Trial{
		{Firmware: drill.BIOS, State: drill.Passed, Kernel: 6.34, Ready: 11, MemoryTotal: 470 << 20, MemoryUsed: 120 << 20, Salvor: "1.0 (go1.26, linux/amd64)", Nodes: 2, Console: "salvor: ready\r\n"},
		{
			Firmware: drill.UEFI, State: drill.Failed, Cause: "the kernel panicked: \x1b[31mno init", Console: "BdsDxe: starting\r\n" +
				strings.Repeat("line\r\n", 30) + "\x1b[2J\x1b[01;31mKernel panic - not syncing: \x1b[mno init\x07\r\n",
		},
		{Firmware: drill.SecureBoot, State: drill.NotTried, Cause: "the firmware is not installed", Gap: true, Packages: &drill.Packages{"ovmf", "edk2-ovmf", "qemu-ovmf-x86_64", ""}},
	},
}

// shown shows a report, and gives the outputs and the exit status.
func shown(t *testing.T, r drill.Report, log string, opt globals) (stdout, stderr string, exit int) {
	t.Helper()
	var out, errs bytes.Buffer
	opt.colour = "never"
	a := &app{env: Env{Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "C.UTF-8" }}, opt: opt}
	if err := a.setUp(); err != nil {
		t.Fatal(err)
	}
	exit = a.end(a.rescueTest(), a.showTrials(&r, log))
	return out.String(), errs.String(), exit
}

func TestTrialText(t *testing.T) {
	stdout, stderr, exit := shown(t, triedReport, "", globals{})
	wantOut := `rescue.iso: of the format iso, on a machine with 512 MB, with KVM

  BIOS                   starts
    kernel after 6.3s, ready after 11s, 120.0 MiB of 470.0 MiB in use, salvor 1.0 (go1.26,
    linux/amd64)
  UEFI                   FAILED     the kernel panicked: no init
  UEFI with Secure Boot  not tried  the firmware is not installed
`
	wantErr := "\nThe last that the machine with UEFI said:\n" + strings.Repeat("  line\n", lastLines-1) +
		"  Kernel panic - not syncing: no init\\a\n" + `  hint: install: apt install ovmf
  hint: install: dnf install edk2-ovmf
  hint: install: zypper install qemu-ovmf-x86_64
  hint: keep all that the machines say: --log FILE
  hint: see what is in the image: salvor rescue audit IMAGE
`
	if diff := cmp.Diff(wantOut, stdout); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(wantErr, stderr); diff != "" {
		t.Error(diff)
	}
	if exit != exitError {
		t.Errorf("exit status %d", exit)
	}
}

func TestTrialExits(t *testing.T) {
	all := triedReport.Trials
	for name, c := range map[string]struct {
		trials []drill.Trial
		want   int
	}{
		"passed":           {all[:1], exitOK},
		"one failed":       {all[:2], exitError},
		"one missing":      {[]drill.Trial{all[0], all[2]}, exitGaps},
		"not made for one": {[]drill.Trial{all[0], {Firmware: drill.UEFI, State: drill.NotTried, Cause: "the image has no boot loader for UEFI"}}, exitOK},
		"none":             {[]drill.Trial{{Firmware: drill.UEFI, State: drill.NotTried}}, exitGaps},
	} {
		r := triedReport
		r.Trials = c.trials
		if _, stderr, exit := shown(t, r, "console.log", globals{quiet: true}); exit != c.want || stderr != "" {
			t.Errorf("%s: exit status %d, want %d; %q", name, exit, c.want, stderr)
		}
	}
}

func TestTrialJSON(t *testing.T) {
	r := triedReport
	r.Trials = r.Trials[:1]
	stdout, _, exit := shown(t, r, "", globals{json: true})
	want := `{
  "version": 1,
  "command": "rescue test",
  "image": "rescue.iso",
  "format": "iso",
  "arch": "x64",
  "accelerator": "kvm",
  "memory": 512,
  "trials": [
    {
      "firmware": "bios",
      "state": "passed",
      "kernel_seconds": 6.34,
      "ready_seconds": 11,
      "memory_total": 492830720,
      "memory_used": 125829120,
      "salvor": "1.0 (go1.26, linux/amd64)",
      "nodes": 2
    }
  ],
  "exit": 0
}
`
	if diff := cmp.Diff(want, stdout); diff != "" || exit != exitOK {
		t.Errorf("exit status %d\n%s", exit, diff)
	}
}

func TestTrialLog(t *testing.T) {
	got := string(trialLog(&triedReport))
	if !strings.HasPrefix(got, "==== bios: starts\nsalvor: ready\r\n\n==== uefi: FAILED\nBdsDxe: starting\r\n") || strings.Contains(got, "secure") {
		t.Errorf("%q", got)
	}
}

func TestRescueTestExamples(t *testing.T) {
	a := &app{env: Env{Stdout: io.Discard, Stderr: io.Discard}}
	for _, e := range rescueTestPage.examples {
		if err := a.rescueTest().ParseFlags(strings.Fields(e.line)[3:]); err != nil {
			t.Errorf("%s: %v", e.line, err)
		}
	}
}

// TestNoQEMU: what is missing is named with its packages.
func TestNoQEMU(t *testing.T) {
	exit, hints := explain(&machine.MissingProgram{Program: "qemu-system-x86_64"})
	if exit != exitError || len(hints) != 4 || hints[0] != "install: apt install qemu-system-x86" {
		t.Errorf("%d, %q", exit, hints)
	}
}
