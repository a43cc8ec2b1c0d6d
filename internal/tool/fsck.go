package tool

import (
	"slices"

	"salvor/internal/machine"
)

// Check is a file system that is to be checked.
type Check struct {
	Type     string // as the graph has it: ext4, vfat, ntfs, …
	Device   string
	ReadOnly bool // nothing may be changed
}

// Verdict is what a checker found.
type Verdict string

// The verdicts. The last two are none.
const (
	Clean     Verdict = "clean"
	Corrected Verdict = "corrected" // there were errors, and they are gone
	Damaged   Verdict = "damaged"   // there are errors that it does not correct by itself
	Undone    Verdict = "not done"  // the checker is missing, or did not come to an end
	Skipped   Verdict = "skipped"   // there is nothing to be run
)

// checker is the program for some types of file systems.
type checker struct {
	types   []string
	program string
	mend    []string // in preen mode, as a booting system runs it; the device comes last
	look    []string // changing nothing; nil if it cannot
	repair  []string // for a person, who answers its questions; nil if that is no advice
	verdict func(status int, readOnly bool) Verdict
}

// checkers are a table of docs/tables.md. Those of XFS and btrfs only look: neither
// is meant to be repaired at boot (fsck.xfs(8), fsck.btrfs(8)), and what their repair
// does is for a person to decide.
var checkers = []checker{
	{[]string{"ext2", "ext3", "ext4"}, "e2fsck", []string{"-p"}, []string{"-n"}, []string{"-f"}, fsckStatus},
	{[]string{"vfat"}, "fsck.fat", []string{"-a"}, []string{"-n"}, []string{"-r"}, fatStatus},
	{[]string{"exfat"}, "fsck.exfat", []string{"-p"}, []string{"-n"}, []string{"-r"}, fsckStatus},
	{[]string{"f2fs"}, "fsck.f2fs", []string{"-a"}, []string{"--dry-run"}, []string{"-f"}, fsckStatus},
	{[]string{"xfs"}, "xfs_repair", []string{"-n"}, []string{"-n"}, []string{}, lookStatus},
	{[]string{"btrfs"}, "btrfs", []string{"check", "--readonly"}, []string{"check", "--readonly"}, nil, lookStatus},
	{[]string{"jfs"}, "fsck.jfs", []string{"-a"}, []string{"-n"}, []string{"-f"}, fsckStatus},
	{[]string{"reiserfs"}, "fsck.reiserfs", []string{"-a"}, nil, []string{}, fsckStatus},
	{[]string{"minix"}, "fsck.minix", []string{"-a"}, []string{}, []string{"-r"}, fsckStatus},
}

func checkerOf(fsType string) (checker, bool) {
	i := slices.IndexFunc(checkers, func(c checker) bool { return slices.Contains(c.types, fsType) })
	if i < 0 {
		return checker{}, false
	}
	return checkers[i], true
}

// CheckFileSystem asks for the file system to be checked, and for what a booting
// system would correct without a question to be corrected. It gives false when there
// is no such program.
func CheckFileSystem(c Check) (machine.Cmd, bool) {
	k, ok := checkerOf(c.Type)
	options := k.mend
	if c.ReadOnly {
		options = k.look
	}
	if !ok || options == nil {
		return machine.Cmd{}, false
	}
	return machine.Cmd{Program: k.program, Args: append(slices.Clone(options), c.Device)}, true
}

// RepairFileSystem is the whole check for a person at a terminal.
func RepairFileSystem(fsType, device string) (machine.Cmd, bool) {
	k, ok := checkerOf(fsType)
	if !ok || k.repair == nil {
		return machine.Cmd{}, false
	}
	return machine.Cmd{Program: k.program, Args: append(slices.Clone(k.repair), device)}, true
}

// ReadCheck tells what the exit status of a check means.
func ReadCheck(c Check, status int) Verdict {
	k, ok := checkerOf(c.Type)
	if !ok {
		return Skipped
	}
	return k.verdict(status, c.ReadOnly)
}

// Bits of the exit status of fsck(8).
const (
	fsckCorrected   = 1 | 2 // 2: and the system should be rebooted, if it runs from there
	fsckUncorrected = 4
	fsckFailed      = 8 | 16 | 32 | 128 // error, usage, cancelled, library error
)

func fsckStatus(status int, _ bool) Verdict {
	switch {
	case status&fsckUncorrected != 0 && status < 128: // 128+n is a signal
		return Damaged
	case status&fsckFailed != 0:
		return Undone
	case status&fsckCorrected != 0:
		return Corrected
	}
	return Clean
}

// fatStatus: fsck.fat(8) ends with 1 when it found errors, and with -a has corrected
// them then; with 2 when it did not look.
func fatStatus(status int, readOnly bool) Verdict {
	switch {
	case status == 0:
		return Clean
	case status == 1 && !readOnly:
		return Corrected
	case status == 1:
		return Damaged
	}
	return Undone
}

// lookStatus: xfs_repair(8) with -n and btrfs-check(8) end with 1 when they found
// errors.
func lookStatus(status int, _ bool) Verdict {
	switch status {
	case 0:
		return Clean
	case 1:
		return Damaged
	}
	return Undone
}
