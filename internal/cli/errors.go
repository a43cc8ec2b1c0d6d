package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"salvor/internal/apply"
	"salvor/internal/machine"
	"salvor/internal/plan"
	"salvor/internal/session"
	"salvor/internal/system"
	"salvor/internal/tool"
	"salvor/internal/workflow"
)

// status is an exit code that is no error: the output tells all.
type status int

func (s status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// advice says what an error means for the exit code, and what can be done.
type advice struct {
	is    func(error) bool
	exit  int
	hints func(error) []string
}

// advices is searched from the top; the first that fits gives the exit code, and
// all that fit give hints.
var advices = []advice{
	{as[*usageError], exitUsage, hint("salvor help")},
	{is(context.Canceled), exitInterrupted, nil},
	{as[*workflow.RisksError], exitRefused, acceptHint},
	{is(session.ErrAnother), exitRefused, hint("wait for it to end, or see what it holds: salvor status")},
	{is(session.ErrInterlock), exitRefused, hint("take down first what is mounted: salvor umount", "see what that is: salvor status")},
	{as[*system.ChoiceError], exitRefused, choiceHint},
	{as[*plan.StaleError], exitRefused, hint("the machine has changed meanwhile: run the same command again")},
	{as[*workflow.ForeignError], exitRefused, hint("let them be emulated: apt install qemu-user-static, or the like with binfmt_misc", "its files can be changed from outside all the same")},
	{as[*workflow.RefusedError], exitRefused, nil},
	{as[*workflow.LockedError], exitLocked, hint(keyHint)},
	{is(workflow.ErrNoAnswer), exitLocked, hint(keyHint)},
	{is(tool.ErrWrongKey), exitLocked, nil},
	{is(system.ErrNoSystem), exitNothing, hint("see what is there: salvor probe", "see what was looked at: salvor systems")},
	{as[*machine.MissingProgram], exitError, missingHint},
	{is(machine.ErrPermission), exitError, hint("run it as root: sudo salvor …")},
	{is(tool.ErrPermission), exitError, hint("run it as root: sudo salvor …")},
	{is(workflow.ErrStillThere), exitError, hint("see what uses it: fuser -vm DIR, lsof +f -- DIR", "then again: salvor umount")},
	{as[*workflow.DamagedError], exitError, repairHint},
	{is(tool.ErrDamaged), exitError, poolHint},
	{is(machine.ErrNotRecorded), exitError, hint("make a report with this version of salvor, there: salvor report FILE")},
	{is(tool.ErrForeign), exitError, hint("its LVM metadata names another host: vgchange --systemid")},
	{is(tool.ErrUnsupported), exitError, hint("a newer live system may know it")},
}

const keyHint = "give keys beforehand: --key '*=FILE', --key VOLUME=FILE, or --key '*=-' for standard input"

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func as[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

func hint(lines ...string) func(error) []string {
	return func(error) []string { return lines }
}

func acceptHint(err error) []string {
	risks, _ := errors.AsType[*workflow.RisksError](err)
	return []string{
		"mount it without writing: salvor mount --read-only",
		"or accept it: salvor mount --accept " + strings.Join(risks.Words, ","),
	}
}

func choiceHint(err error) []string {
	choice, _ := errors.AsType[*system.ChoiceError](err)
	var out []string
	for i, s := range choice.Among {
		if i == 8 {
			return append(out, fmt.Sprintf("… and %d more: salvor systems", len(choice.Among)-i))
		}
		out = append(out, fmt.Sprintf("salvor mount %d    %s", s.Number, titleOf(s)))
	}
	return out
}

// repairHint is what follows a damaged root.
func repairHint(err error) []string {
	damaged, _ := errors.AsType[*workflow.DamagedError](err)
	out := []string{"its device may be failing: look at its health, and copy it before it is repaired (smartctl, ddrescue)"}
	if damaged.Repair != "" {
		out = append(out, "check it by hand: "+damaged.Repair)
	}
	if damaged.Open {
		return append(out, "what it lies on stays open for that; then go on: salvor mount", "or take it down: salvor umount")
	}
	return append(out, "then again: salvor mount", "or take its files away: salvor mount --read-only")
}

// poolHint is what follows a thin or cache pool that lvm refuses to activate.
func poolHint(err error) []string {
	if pool := tool.PoolOf(err); pool != "" {
		return []string{"copy the disks of its group first; then: lvconvert --repair " + machine.Quote(pool)}
	}
	return nil
}

// packages tells in which package a program is on Debian, Fedora, SUSE and Arch.
var packages = map[string][4]string{
	"cryptsetup":      {"cryptsetup-bin", "cryptsetup", "cryptsetup", "cryptsetup"},
	"clevis":          {"clevis-luks", "clevis-luks", "clevis", "clevis"},
	"dmsetup":         {"dmsetup", "device-mapper", "device-mapper", "device-mapper"},
	"mdadm":           {"mdadm", "mdadm", "mdadm", "mdadm"},
	"lvm":             {"lvm2", "lvm2", "lvm2", "lvm2"},
	"multipath":       {"multipath-tools", "device-mapper-multipath", "multipath-tools", "multipath-tools"},
	"modprobe":        {"kmod", "kmod", "kmod", "kmod"},
	"qemu-nbd":        {"qemu-utils", "qemu-img", "qemu-img", "qemu-img"},
	"udevadm":         {"udev", "systemd-udev", "udev", "systemd"},
	"btrfs":           {"btrfs-progs", "btrfs-progs", "btrfsprogs", "btrfs-progs"},
	"e2fsck":          {"e2fsprogs", "e2fsprogs", "e2fsprogs", "e2fsprogs"},
	"fsck.exfat":      {"exfatprogs", "exfatprogs", "exfatprogs", "exfatprogs"},
	"fsck.f2fs":       {"f2fs-tools", "f2fs-tools", "f2fs-tools", "f2fs-tools"},
	"fsck.fat":        {"dosfstools", "dosfstools", "dosfstools", "dosfstools"},
	"fsck.jfs":        {"jfsutils", "jfsutils", "jfsutils", "jfsutils"},
	"fsck.minix":      {"util-linux", "util-linux", "util-linux", "util-linux"},
	"fsck.reiserfs":   {"reiserfsprogs", "", "reiserfs", "reiserfsprogs"},
	"xfs_repair":      {"xfsprogs", "xfsprogs", "xfsprogs", "xfsprogs"},
	"bcache-register": {"bcache-tools", "bcache-tools", "bcache-tools", "bcache-tools"},
}

// missingHint names the packages of all the programs that are missing.
func missingHint(err error) []string { return installing(missingPrograms(err)) }

// installing says how programs are installed.
func installing(programs []string) []string {
	var by [4][]string
	for _, program := range programs {
		for i, p := range packages[program] {
			if p != "" && !slices.Contains(by[i], p) {
				by[i] = append(by[i], p)
			}
		}
	}
	var out []string
	for i, install := range []string{"apt install", "dnf install", "zypper install", "pacman -S"} {
		if len(by[i]) > 0 {
			out = append(out, "install: "+install+" "+strings.Join(by[i], " "))
		}
	}
	return out
}

func missingPrograms(err error) []string {
	if all, ok := errors.AsType[*apply.MissingError](err); ok {
		var out []string
		for _, m := range all.Programs {
			out = append(out, m.Program)
		}
		return out
	}
	one, _ := errors.AsType[*machine.MissingProgram](err)
	return []string{one.Program}
}

// explain gives the exit code of an error and what can be done about it.
func explain(err error) (exit int, hints []string) {
	exit = exitError
	found := false
	for _, a := range advices {
		if !a.is(err) {
			continue
		}
		if !found {
			exit, found = a.exit, true
		}
		if a.hints == nil {
			continue
		}
		for _, h := range a.hints(err) {
			if !slices.Contains(hints, h) {
				hints = append(hints, h)
			}
		}
	}
	return exit, hints
}

// end tells an error and gives the exit code.
func (a *app) end(cmd *cobra.Command, err error) int {
	if a.reporter != nil {
		a.reporter.clear()
	}
	code, quiet := errors.AsType[status](err)
	switch {
	case err == nil:
		return exitOK
	case quiet:
		return int(code)
	}
	if a.err == nil { // the options could not even be read
		a.err = &screen{Writer: a.env.Stderr, ascii: true, width: widest}
	}
	exit, hints := explain(err)
	a.tellError(err, exit, hints)
	if a.opt.json && a.out != nil {
		body := errorJSON{Error: errorText{err.Error(), hints}, Exit: exit}
		if err := a.json(cmd.Name(), body); err != nil {
			a.err.line("salvor: %v", err)
		}
	}
	return exit
}

func (a *app) tellError(err error, exit int, hints []string) {
	text := err.Error()
	if exit == exitInterrupted {
		text = "interrupted"
	}
	lines := wrap(a.err.safe(text), a.err.width-len("salvor: "))
	a.err.line("%s %s", a.err.paint(red, "salvor:"), lines[0])
	for _, l := range lines[1:] {
		a.err.line("        %s", l)
	}
	if a.opt.quiet {
		return
	}
	for _, h := range hints {
		for i, l := range wrap(a.err.safe(h), a.err.width-len("  hint: ")) {
			a.err.line("%s%s", [...]string{"  hint: ", "        "}[min(i, 1)], l)
		}
	}
}
