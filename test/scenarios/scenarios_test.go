// Package scenarios runs salvor on golden machines, in a VM with a real kernel.
//
// The VM boots the rescue image that "salvor rescue build" makes of the lab's live medium, a root that
// has seen none of these machines: salvor in it is the image's own, and so is all that it runs. For each
// machine from a to o there is a scenario mount_X, which shows that the image mounts it (h, one of
// everything, has no system to mount: look_h). A live medium that opens disks by itself, and drivers
// that only test the kernel, are the lab's own.
//
// A scenario is a file testdata/NAME.txtar in the language of testscript, with
// these commands added:
//
//	boot MACHINE… [OPTION…]   boots the image with overlays of the machines' disks, with
//	                          options of run.sh; with --lab as the first, or --auto, the
//	                          lab's live medium, where salvor is that of the share
//	guest [-rc N] COMMAND     runs a line of shell in the VM; stdout and stderr
//	                          are then those of the command
//	type TEXT                 types at the console; \n is the return key, ^C is Ctrl-C
//	expect REGEXP             waits until the console shows it
//	halt                      pulls the plug
//	unchanged                 pulls the plug; every disk is byte for byte as before
//	changed DISK              pulls the plug; that disk is not as before
//
// The condition [soak] holds under "make soak" (SALVOR_SOAK=1).
//
// They need the lab, so they run under "make test" and are skipped without it.
package scenarios

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"salvor/test/lab"
)

func TestScenarios(t *testing.T) {
	if os.Getenv("SALVOR_LAB") == "" {
		t.Skip("needs the VM lab: run \"make test\", or set SALVOR_LAB=1")
	}
	share := t.TempDir()
	if err := lab.Build(share); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			s := &stage{share: share}
			env.Values[stageKey{}] = s
			env.Defer(s.end)
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "soak" {
				return false, fmt.Errorf("there is no condition %q", name)
			}
			return os.Getenv("SALVOR_SOAK") != "", nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"boot": boot, "guest": guest, "type": typeText, "expect": expect,
			"halt": halt, "unchanged": unchanged, "changed": changed,
		},
	})
}

type stageKey struct{}

// stage is what one scenario works with.
type stage struct {
	share string
	dirs  []string
	vm    *lab.VM
}

func (s *stage) end() {
	if s.vm != nil {
		s.vm.Kill()
	}
	for _, d := range s.dirs {
		os.RemoveAll(d)
	}
}

func stageOf(ts *testscript.TestScript) *stage { return ts.Value(stageKey{}).(*stage) }

// running gives the running lab.
func running(ts *testscript.TestScript) *lab.VM {
	v := stageOf(ts).vm
	if v == nil {
		ts.Fatalf("boot comes first")
	}
	return v
}

func boot(ts *testscript.TestScript, neg bool, args []string) {
	s := stageOf(ts)
	if s.vm != nil {
		s.vm.Kill()
	}
	var machines, options []string
	for i, a := range args {
		if strings.HasPrefix(a, "-") {
			options = args[i:]
			break
		}
		machines = append(machines, a)
	}
	dir, err := os.MkdirTemp("", "lab") // a socket's path has at most 107 bytes: not below $WORK
	ts.Check(err)
	s.dirs = append(s.dirs, dir)
	start := lab.BootImage
	switch {
	case len(options) > 0 && options[0] == "--lab":
		start, options = lab.Boot, options[1:]
	case slices.Contains(options, "--auto"):
		start = lab.Boot
	}
	s.vm, err = start(dir, s.share, machines, options...)
	ts.Check(err)
}

func guest(ts *testscript.TestScript, neg bool, args []string) {
	want, script := 0, args
	if len(args) > 1 && args[0] == "-rc" {
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		want, script = n, args[2:]
	}
	stdout, stderr, status, err := running(ts).Run(strings.Join(script, " "))
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s", stdout)
	fmt.Fprintf(ts.Stderr(), "%s", stderr)
	switch {
	case neg && status == 0:
		ts.Fatalf("it succeeded, and should not have")
	case !neg && status != want:
		ts.Fatalf("exit status %d, not %d; stdout:\n%s\nstderr:\n%s", status, want, stdout, stderr)
	}
}

func typeText(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(running(ts).Console.Send(strings.NewReplacer(`\n`, "\r", "^C", "\x03").Replace(strings.Join(args, " "))))
}

func expect(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(running(ts).Console.Expect(regexp.MustCompile(strings.Join(args, " "))))
}

func halt(ts *testscript.TestScript, neg bool, args []string) { running(ts).Kill() }

func unchanged(ts *testscript.TestScript, neg bool, args []string) {
	running(ts).Kill()
	diff, err := running(ts).Changed()
	ts.Check(err)
	if len(diff) > 0 {
		ts.Fatalf("disks were changed:\n%s", strings.Join(diff, "\n"))
	}
}

func changed(ts *testscript.TestScript, neg bool, args []string) {
	running(ts).Kill()
	diff, err := running(ts).Changed()
	ts.Check(err)
	if !strings.Contains(strings.Join(diff, "\n"), args[0]) {
		ts.Fatalf("%s was not changed", args[0])
	}
}
