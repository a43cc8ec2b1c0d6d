package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"salvor/internal/machine"
	"salvor/internal/machine/machinetest"
	"salvor/internal/storage"
)

var update = flag.Bool("update", false, "write the golden outputs anew")

// TestManual runs the scripts in testdata, which are a manual that can be executed.
// Besides testscript's own commands they know:
//
//	machine NAME [without PROGRAM…]   the machine to work on, with the files of the script
//	salvor …                          the program
//	status N                          checks its exit status
//	keyfile FILE TEXT                 makes a file without a line end
//	type LINE                         what the user types at the next question
//	terminal                          gives what the questions looked like as stdout
//	state                             gives what stands open and mounted as stdout
//	file NAME                         gives a file of the machine as stdout
//	written                           gives the acts that have changed a disk as stdout
//	kernel FILE RELEASE               makes what looks like a kernel
//	fail ACT                          lets the next act with these words fail
func TestManual(t *testing.T) {
	command := func(f func(*world, *testscript.TestScript, []string)) func(*testscript.TestScript, bool, []string) {
		return func(ts *testscript.TestScript, neg bool, args []string) {
			if neg {
				ts.Fatalf("use status to check how salvor ends")
			}
			f(ts.Value("world").(*world), ts, args)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Values["world"] = &world{}
			env.Setenv("LANG", "C.UTF-8")
			env.Setenv("TERM", "dumb")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"machine":  command((*world).take),
			"salvor":   command((*world).salvor),
			"status":   command((*world).status),
			"keyfile":  command((*world).keyfile),
			"type":     command((*world).types),
			"terminal": command((*world).terminal),
			"state":    command((*world).state),
			"file":     command((*world).file),
			"written":  command((*world).written),
			"fail":     command((*world).fail),
			"kernel":   command((*world).kernel),
		},
	})
}

// world is what a script acts on.
type world struct {
	machine *machinetest.Machine
	user    typist
	exit    int
}

func (w *world) take(ts *testscript.TestScript, args []string) {
	lm, ok := labMachines[args[0]]
	build := lm.build
	if running := runningMachines[args[0]]; running != nil {
		build, ok = running, true
	}
	if !ok {
		ts.Fatalf("there is no machine %q", args[0])
	}
	options := []machinetest.Option{machinetest.WithFiles(imageFiles), machinetest.OnAttach(func(c machine.Cmd) (int, error) {
		fmt.Fprintf(ts.Stdout(), "(inside %s) %s\n", c.Root, c)
		if c.Program == "false" {
			return 1, nil
		}
		return 0, nil
	})}
	if len(args) > 2 && args[1] == "without" {
		options = append(options, machinetest.Without(args[2:]...))
	}
	m, err := build(ts.Getenv("WORK"), options...)
	ts.Check(err)
	w.machine = m
}

func (w *world) salvor(ts *testscript.TestScript, args []string) {
	env := Env{
		Stdin: strings.NewReader(ts.ReadFile("stdin")), Stdout: ts.Stdout(), Stderr: ts.Stderr(), Getenv: ts.Getenv,
		Program: func() ([]byte, error) { return staticProgram(ts.Getenv("LOADER")), nil },
		Probe:   func(context.Context) (*storage.Graph, error) { return nil, errors.New("no machine") },
	}
	if w.machine != nil {
		env.Machine = w.machine
		env.Probe = func(context.Context) (*storage.Graph, error) { return w.machine.Visible(), nil }
	}
	if w.user.hasLines() {
		env.Terminal = w.user.sit
	}
	w.exit = Main(context.Background(), args, env)
}

func (w *world) status(ts *testscript.TestScript, args []string) {
	if want, err := strconv.Atoi(args[0]); err != nil || want != w.exit {
		ts.Fatalf("exit status %d, want %s", w.exit, args[0])
	}
}

func (w *world) keyfile(ts *testscript.TestScript, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Join(args[1:], " ")), 0o600))
}

func (w *world) types(_ *testscript.TestScript, args []string) {
	w.user.types(strings.Join(args, " "))
}

func (w *world) terminal(ts *testscript.TestScript, _ []string) {
	io.WriteString(ts.Stdout(), w.user.saw())
}

func (w *world) state(ts *testscript.TestScript, _ []string) {
	io.WriteString(ts.Stdout(), w.machine.String())
}

func (w *world) file(ts *testscript.TestScript, args []string) {
	data, err := w.machine.ReadFile(args[0])
	ts.Check(err)
	ts.Stdout().Write(data)
}

func (w *world) written(ts *testscript.TestScript, _ []string) {
	out := ts.Stdout() // also when there is nothing to say: what was there before is gone then
	for _, line := range slices.Compact(w.machine.Writes()) {
		fmt.Fprintln(out, line)
	}
}

func (w *world) fail(_ *testscript.TestScript, args []string) {
	w.machine.FailNext(strings.Join(args, " "), errors.New("made to fail"))
}
