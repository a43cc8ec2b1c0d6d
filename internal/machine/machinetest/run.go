package machinetest

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"salvor/internal/machine"
)

// Run does what the program would do.
func (m *Machine) Run(ctx context.Context, c machine.Cmd) (machine.Result, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.missing[c.Program] {
		return machine.Result{}, &machine.MissingProgram{Program: c.Program}
	}
	if err := m.fault(ctx, c.String()); err != nil {
		return machine.Result{}, err
	}
	if said, ok := tells[c.String()]; ok {
		return done(said)
	}
	program, ok := programs[c.Program]
	if !ok {
		return machine.Result{}, fmt.Errorf("machinetest: unknown program: %s", c)
	}
	return program(m, c)
}

// programs are those that the fake knows, each in its own file or here.
var programs = map[string]func(*Machine, machine.Cmd) (machine.Result, error){
	"btrfs":         (*Machine).fsck,
	"e2fsck":        (*Machine).fsck,
	"fsck.exfat":    (*Machine).fsck,
	"fsck.f2fs":     (*Machine).fsck,
	"fsck.fat":      (*Machine).fsck,
	"fsck.jfs":      (*Machine).fsck,
	"fsck.minix":    (*Machine).fsck,
	"fsck.reiserfs": (*Machine).fsck,
	"xfs_repair":    (*Machine).fsck,

	"clevis":     (*Machine).runClevis,
	"cryptsetup": (*Machine).cryptsetup,
	"dmsetup":    (*Machine).dmsetup,
	"lvm":        (*Machine).lvm,
	"mdadm":      (*Machine).mdadm,
	"modprobe":   (*Machine).modprobe,
	"multipath":  (*Machine).multipath,
	"qemu-nbd":   (*Machine).qemuNBD,
	"udevadm":    (*Machine).udevadm,
}

// says is a program that ends with a status and words on its standard error.
func says(c machine.Cmd, status int, format string, args ...any) (machine.Result, error) {
	r := machine.Result{Stderr: fmt.Appendf(nil, format+"\n", args...)}
	return machine.Result{}, &machine.ExitError{Cmd: c, Status: status, Result: r}
}

func done(stdout string) (machine.Result, error) {
	return machine.Result{Stdout: []byte(stdout)}, nil
}

// line is a command line taken apart.
type line struct {
	options map[string]string
	words   []string
}

// parse takes a command line apart: flags take no value, values take the next
// argument or what follows "=". Whatever else begins with "-" is unknown.
func parse(c machine.Cmd, flags, values []string) (line, error) {
	l := line{options: map[string]string{}}
	args := c.Args
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		name, value, joined := strings.Cut(arg, "=")
		switch {
		case arg == "--":
			l.words = append(l.words, args...)
			return l, nil
		case slices.Contains(flags, arg):
			l.options[arg] = "yes"
		case joined && slices.Contains(values, name):
			l.options[name] = value
		case slices.Contains(values, arg) && len(args) > 0:
			l.options[arg], args = args[0], args[1:]
		case strings.HasPrefix(arg, "-"):
			return line{}, fmt.Errorf("machinetest: unknown option %q in: %s", arg, c)
		default:
			l.words = append(l.words, arg)
		}
	}
	return l, nil
}

func (l line) has(option string) bool { _, ok := l.options[option]; return ok }

// unknown is a command line that the fake was not taught.
func unknown(c machine.Cmd) (machine.Result, error) {
	return machine.Result{}, fmt.Errorf("machinetest: unknown command: %s", c)
}

func stdin(c machine.Cmd) string {
	if c.Stdin == nil {
		return ""
	}
	b, err := io.ReadAll(c.Stdin.Reader())
	if err != nil {
		panic(err) // a reader of bytes in memory
	}
	return string(b)
}

func (m *Machine) udevadm(c machine.Cmd) (machine.Result, error) {
	if slices.Equal(c.Args, []string{"settle", "--timeout=30"}) || slices.Equal(c.Args, []string{"control", "--reload"}) {
		return done("")
	}
	return unknown(c)
}

func (m *Machine) modprobe(c machine.Cmd) (machine.Result, error) {
	if len(c.Args) != 1 || c.Args[0] != "bcache" && c.Args[0] != "dm-multipath" && c.Args[0] != "nbd" {
		return says(c, 1, "modprobe: FATAL: Module %s not found in directory /lib/modules/fake", strings.Join(c.Args, " "))
	}
	m.modules[c.Args[0]] = true
	return done("")
}
