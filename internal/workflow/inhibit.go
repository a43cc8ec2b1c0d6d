package workflow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"salvor/internal/machine"
	"salvor/internal/tool"
)

// A live medium has other actors: udev rules that put together whatever comes to
// light. When salvor opens an array read-only for a look, they would activate the
// volume group on it for writing, behind its back; and when it closes a volume,
// they would open it again. So while a command is at work these rules are masked.
//
// udev(7), RULES FILES: a file below /run/udev/rules.d takes the place of one of
// the same name below /usr/lib and /lib; one below /etc takes the place of both.
// What lies below /etc or /run already is the will of who set the medium up, and
// is left alone.
//
// A mask is known by what stands in it, so one that a crash left behind is taken
// away at the end of the next command. That udev cannot be told is no reason to
// stop: what the rules open is found by the next probe, and left as it is.

// actors are the rules that open things.
var actors = []string{
	"69-dm-lvm.rules",           // lvm2 since 2.03.12
	"69-lvm.rules",              // the same in Debian
	"69-dm-lvm-metad.rules",     // lvm2 before
	"69-lvm-metad.rules",        // the same in Debian
	"85-lvm2.rules",             // Ubuntu until 20.04
	"64-md-raid-assembly.rules", // mdadm
	"65-md-incremental.rules",   // the same in Fedora and its kin
	"69-bcache.rules",           // bcache-tools
}

const (
	runRules  = "/run/udev/rules.d"
	etcRules  = "/etc/udev/rules.d"
	ofTheMask = "# This file was written by salvor. It is temporary: it keeps udev from opening devices while salvor is at work.\n"
)

// shippedRules are where packages put their rules.
var shippedRules = []string{"/usr/lib/udev/rules.d", "/lib/udev/rules.d"}

// inhibit masks the rules before the first act of a command.
func (s *sight) inhibit(ctx context.Context) {
	if s.inhibited {
		return
	}
	s.inhibited = true
	m := s.w.Machine
	if !udevRuns(m) {
		return
	}
	var masked bool
	var errs []error
	for _, name := range actors {
		did, err := mask(m, name)
		masked, errs = masked || did, append(errs, err)
	}
	if masked {
		errs = append(errs, tellUdev(ctx, m))
	}
	if err := errors.Join(errs...); err != nil {
		s.w.tell(Note{"other programs of this system may open devices meanwhile, as udev's rules could not be held back: " + err.Error()})
	}
}

// allow takes the masks away, those of a crashed command too.
func (s *sight) allow(ctx context.Context) {
	m := s.w.Machine
	var ours []string
	for _, name := range actors {
		if isMask(m, name) {
			ours = append(ours, path.Join(runRules, name))
		}
	}
	if len(ours) == 0 {
		return
	}
	var errs []error
	if udevRuns(m) {
		errs = append(errs, run(ctx, m, tool.Settle())) // what waits was done by us
	}
	for _, file := range ours {
		errs = append(errs, m.Remove(file))
	}
	if udevRuns(m) {
		errs = append(errs, run(ctx, m, tool.ReloadRules()))
	}
	if err := errors.Join(errs...); err != nil {
		s.w.tell(Note{fmt.Sprintf("udev's rules may still be masked below %s: %v", runRules, err)})
	}
}

func udevRuns(m machine.Machine) bool {
	_, err := m.Stat("/run/udev/control")
	return err == nil
}

// mask reports whether the rule is masked now.
func mask(m machine.Machine, name string) (bool, error) {
	if isMask(m, name) {
		return true, nil
	}
	if isThere(m, etcRules, name) || isThere(m, runRules, name) || !isThere(m, shippedRules[0], name) && !isThere(m, shippedRules[1], name) {
		return false, nil
	}
	if err := m.MkdirAll(runRules, 0o755); err != nil {
		return false, err
	}
	err := m.WriteFile(path.Join(runRules, name), []byte(ofTheMask), 0o644)
	return err == nil, err
}

func isMask(m machine.Machine, name string) bool {
	data, err := m.ReadFile(path.Join(runRules, name))
	return err == nil && strings.HasPrefix(string(data), ofTheMask)
}

// isThere: anything of that name counts, also a link to /dev/null, which is how
// people mask a rule. What cannot be looked at is taken to be there.
func isThere(m machine.Machine, dir, name string) bool {
	_, err := m.Lstat(path.Join(dir, name))
	return !errors.Is(err, fs.ErrNotExist)
}

// tellUdev has the rules read anew at once. udev does so by itself when a directory
// has changed, but only every few seconds.
func tellUdev(ctx context.Context, m machine.Machine) error {
	if err := run(ctx, m, tool.ReloadRules()); err != nil {
		return err
	}
	return run(ctx, m, tool.Settle()) // what is at work still goes by the old rules
}

func run(ctx context.Context, m machine.Machine, c machine.Cmd) error {
	_, err := m.Run(ctx, c)
	return err
}
