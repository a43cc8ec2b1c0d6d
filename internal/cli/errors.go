package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"salvor/internal/apply"
	"salvor/internal/config"
	"salvor/internal/drill"
	"salvor/internal/machine"
	"salvor/internal/plan"
	"salvor/internal/rescue"
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
	{as[*troubleError], exitUsage, nil},
	{is(context.Canceled), exitInterrupted, nil},
	{as[*workflow.RisksError], exitRefused, acceptHint},
	{is(session.ErrAnother), exitRefused, hint("wait for it to end, or see what it holds: salvor status")},
	{is(session.ErrInterlock), exitRefused, hint("take down first what is mounted: salvor umount", "see what that is: salvor status")},
	{as[*system.ChoiceError], exitRefused, choiceHint},
	{as[*plan.StaleError], exitRefused, hint("the machine has changed meanwhile: run the same command again")},
	{as[*workflow.ForeignError], exitRefused, hint("let them be emulated: apt install qemu-user-static, or the like with binfmt_misc", "its files can be changed from outside all the same")},
	{as[*workflow.OverwriteError], exitRefused, overwriteHint},
	{is(rescue.ErrSecret), exitRefused, hint("leave them out: rescue.files.exclude in /etc/salvor/config.yaml", "see why they are in it: salvor rescue build --plan")},
	{as[*workflow.ConsentError], exitRefused, consentHint},
	{as[*workflow.InUseError], exitRefused, inUseHint},
	{as[*workflow.UnfitError], exitRefused, unfitHint},
	{as[*workflow.ChangedDiskError], exitRefused, hint("look at it again: --plan")},
	{as[*workflow.RefusedError], exitRefused, nil},
	{as[*workflow.LockedError], exitLocked, hint(keyHint)},
	{is(workflow.ErrNoAnswer), exitLocked, hint(keyHint)},
	{is(tool.ErrWrongKey), exitLocked, nil},
	{is(workflow.ErrNoRecipient), exitUsage, hint("name a public key: salvor save --luks-headers=age1…", "or a file with public keys of age or ssh, or layout.header_recipients in /etc/salvor/config.yaml")},
	{as[*workflow.NoDiskError], exitNothing, hint("see what is there: salvor probe")},
	{is(workflow.ErrNoDisks), exitNothing, hint("run it on the machine itself", "in a chroot: let its /dev, /proc, /sys and /run be there (salvor chroot does)")},
	{is(workflow.ErrNotSaved), exitNothing, hint("save it first: salvor save")},
	{is(system.ErrNoSystem), exitNothing, hint("see what is there: salvor probe", "see what was looked at: salvor systems")},
	{is(rescue.ErrMissing), exitError, hint("install what is missing; or leave it out, if it is only wanted by rescue.* in /etc/salvor/config.yaml")},
	{as[*workflow.NoKernelError], exitError, hint("see which are there: ls /lib/modules /boot", "name one: --kernel RELEASE, or --kernel FILE", "of a kernel that was updated, start the new one first")},
	{as[*workflow.NoLoaderError], exitError, hint("for ISO and USB: apt install isolinux syslinux-common shim-signed grub-efi-amd64-signed", "dnf install syslinux shim-x64 grub2-efi-x64-cdboot; zypper install syslinux shim grub2-x86_64-efi; pacman -S syslinux grub", "for a unified kernel image: systemd-boot-efi (Debian), systemd-boot (Fedora, SUSE), systemd (Arch)", "without any: --format initramfs, or --format pxe")},
	{as[*workflow.OtherArchError], exitError, otherArchHint},
	{as[*workflow.NoSpaceError], exitError, hint("give another place: --output FILE", "or make it smaller: --minimal")},
	{as[*workflow.NotAnImageError], exitError, hint("make one: salvor rescue build")},
	{as[*workflow.VerifyError], exitError, hint("the stick is worn out, or smaller than it says: take another one")},
	{as[*workflow.StickError], exitError, stickHint},
	{is(drill.ErrNoKernel), exitUsage, hint("name the kernel that it was made for: --kernel FILE")},
	{is(drill.ErrOwnKernel), exitUsage, nil},
	{as[*machine.MissingProgram], exitError, missingHint},
	{is(machine.ErrPermission), exitError, hint("run it as root: sudo salvor …")},
	{is(tool.ErrPermission), exitError, hint("run it as root: sudo salvor …")},
	{is(workflow.ErrStillThere), exitError, hint("see what uses it: fuser -vm DIR, lsof +f -- DIR", "then again: salvor umount")},
	{as[*workflow.DamagedError], exitError, repairHint},
	{is(tool.ErrDamaged), exitError, poolHint},
	{as[*config.InvalidError], exitError, hint("see which keys there are, and what they mean: salvor config --sample")},
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

func otherArchHint(err error) []string {
	other, _ := errors.AsType[*workflow.OtherArchError](err)
	return []string{"give a salvor for " + other.Arch + ": --program FILE"}
}

func overwriteHint(err error) []string {
	if in, _ := errors.AsType[*workflow.OverwriteError](err); in.Err == nil {
		return []string{"give another file, or replace it: --overwrite"}
	}
	return []string{"give another place, or take away what is there"}
}

func consentHint(err error) []string {
	consent, _ := errors.AsType[*workflow.ConsentError](err)
	return []string{"see what is on it: --plan", "if that may be lost: --destroy " + machine.Quote(string(consent.ID))}
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
	"cryptsetup":          {"cryptsetup-bin", "cryptsetup", "cryptsetup", "cryptsetup"},
	"clevis":              {"clevis-luks", "clevis-luks", "clevis", "clevis"},
	"dmsetup":             {"dmsetup", "device-mapper", "device-mapper", "device-mapper"},
	"mdadm":               {"mdadm", "mdadm", "mdadm", "mdadm"},
	"lvm":                 {"lvm2", "lvm2", "lvm2", "lvm2"},
	"multipath":           {"multipath-tools", "device-mapper-multipath", "multipath-tools", "multipath-tools"},
	"modprobe":            {"kmod", "kmod", "kmod", "kmod"},
	"qemu-nbd":            {"qemu-utils", "qemu-img", "qemu-img", "qemu-img"},
	"qemu-system-x86_64":  {"qemu-system-x86", "qemu-system-x86-core", "qemu-x86", "qemu-system-x86"},
	"qemu-system-aarch64": {"qemu-system-arm", "qemu-system-aarch64-core", "qemu-arm", "qemu-system-aarch64"},
	"udevadm":             {"udev", "systemd-udev", "udev", "systemd"},
	"btrfs":               {"btrfs-progs", "btrfs-progs", "btrfsprogs", "btrfs-progs"},
	"e2fsck":              {"e2fsprogs", "e2fsprogs", "e2fsprogs", "e2fsprogs"},
	"fsck.exfat":          {"exfatprogs", "exfatprogs", "exfatprogs", "exfatprogs"},
	"fsck.f2fs":           {"f2fs-tools", "f2fs-tools", "f2fs-tools", "f2fs-tools"},
	"fsck.fat":            {"dosfstools", "dosfstools", "dosfstools", "dosfstools"},
	"fsck.jfs":            {"jfsutils", "jfsutils", "jfsutils", "jfsutils"},
	"fsck.minix":          {"util-linux", "util-linux", "util-linux", "util-linux"},
	"fsck.reiserfs":       {"reiserfsprogs", "", "reiserfs", "reiserfsprogs"},
	"xfs_repair":          {"xfsprogs", "xfsprogs", "xfsprogs", "xfsprogs"},
	"bcache-register":     {"bcache-tools", "bcache-tools", "bcache-tools", "bcache-tools"},
}

// missingHint names the packages of all the programs that are missing.
func missingHint(err error) []string { return installing(missingPrograms(err)) }

// installing says how programs are installed.
func installing(programs []string) []string {
	var sets [][4]string
	for _, program := range programs {
		sets = append(sets, packages[program])
	}
	return installingPackages(sets)
}

// installingPackages says how packages are installed, those of each distribution.
func installingPackages(sets [][4]string) []string {
	var by [4][]string
	for _, set := range sets {
		for i, p := range set {
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

// trialHints are what follows trials of an image of which not all have passed.
func trialHints(r *drill.Report, log string) []string {
	var missing [][4]string
	failed := false
	for _, t := range r.Trials {
		failed = failed || t.State == drill.Failed
		if t.Packages != nil {
			missing = append(missing, *t.Packages)
		}
	}
	out := installingPackages(missing)
	if failed && log == "" {
		out = append(out, "keep all that the machines say: --log FILE", "see what is in the image: salvor rescue audit IMAGE")
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
		if err := a.json(strings.TrimPrefix(cmd.CommandPath(), "salvor "), body); err != nil {
			a.err.line("salvor: %v", err)
		}
	}
	return exit
}

func (a *app) tellError(err error, exit int, hints []string) {
	text := err.Error()
	if exit == exitInterrupted && !as[*workflow.StickError](err) { // which says what it leaves
		text = "interrupted"
	}
	lines := a.errorLines(err, text)
	a.err.line("%s %s", a.err.paint(red, "salvor:"), lines[0])
	for _, l := range lines[1:] {
		a.err.line("        %s", l)
	}
	a.tellHints(hints)
}

func (a *app) tellHints(hints []string) {
	if a.opt.quiet {
		return
	}
	for _, h := range hints {
		for i, l := range wrap(a.err.safe(h), a.err.width-len("  hint: ")) {
			a.err.line("%s%s", [...]string{"  hint: ", "        "}[min(i, 1)], l)
		}
	}
}
