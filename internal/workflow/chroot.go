package workflow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"salvor/internal/machine"
	"salvor/internal/session"
)

// ChrootOrder says what to run inside a system.
type ChrootOrder struct {
	Mount   MountOrder
	Command []string // empty for root's shell
	Umount  bool     // take the system down afterwards
}

// ChrootReport says how it ended.
type ChrootReport struct {
	Mount  *MountReport  // nil when the system was mounted already
	Umount *UmountReport // nil unless asked for
	Status int           // exit status of the command, 128+n when signal n ended it
}

// Chroot runs a command inside a system, which it mounts first if it is not
// mounted.
func (w *Work) Chroot(ctx context.Context, o ChrootOrder, before func(*MountReport)) (*ChrootReport, error) {
	defer wipeKeys(o.Mount.Keys)
	report := &ChrootReport{}
	target, err := w.mounted(ctx, o.Mount, report)
	if err != nil {
		return report, err
	}
	err = w.enter(ctx, o, target, report, before)
	if o.Umount {
		var down error
		report.Umount, down = w.Umount(context.WithoutCancel(ctx), false)
		err = errors.Join(err, down)
	}
	return report, err
}

// mounted gives the target of the system, which it mounts first if it is not
// mounted.
func (w *Work) mounted(ctx context.Context, o MountOrder, report *ChrootReport) (target string, err error) {
	if target, err = w.standingTarget(ctx, o); err != nil || target != "" {
		return target, err
	}
	if report.Mount, err = w.Mount(ctx, o); err != nil {
		return "", err
	}
	return report.Mount.Target, nil
}

// enter runs the command in the mounted system.
func (w *Work) enter(ctx context.Context, o ChrootOrder, target string, report *ChrootReport, before func(*MountReport)) (err error) {
	if report.Mount != nil && report.Mount.Graph.MountAt(target) == nil {
		return errors.New("cannot enter the system: its root is not mounted")
	}
	if before != nil {
		before(report.Mount)
	}
	report.Status, err = w.attach(ctx, target, o.Command)
	return err
}

// standingTarget gives the target when a system is mounted and nothing is asked
// for that would have to be compared with it. Gaps that it has stay as they are:
// to fill them is for mount.
func (w *Work) standingTarget(ctx context.Context, o MountOrder) (string, error) {
	if o.System != "" || o.Snapshot != "" || o.Network || o.Layout != nil || len(o.Images) > 0 {
		return "", nil // mount compares, and adds what is missing
	}
	st, err := w.Status(ctx)
	if err != nil || st.Condition != session.Standing {
		return "", err
	}
	if o.Target != "" && path.Clean(o.Target) != st.Target {
		return "", nil
	}
	return st.Target, nil
}

func (w *Work) attach(ctx context.Context, target string, command []string) (int, error) {
	if err := w.checkRuns(target); err != nil {
		return -1, err
	}
	if len(command) == 0 {
		command = []string{w.shell(target), "-l"}
	}
	status, err := w.Machine.Attach(ctx, machine.Cmd{Program: command[0], Args: command[1:], Root: target})
	if err != nil {
		return status, fmt.Errorf("cannot run %s inside %s: %w", command[0], target, err)
	}
	return status, nil
}

// maxPasswd is more than any passwd(5) has before root's line.
const maxPasswd = 1 << 20

// shell is root's shell by the system's own passwd(5), /bin/sh if that is not
// there.
func (w *Work) shell(target string) string {
	tree, err := w.Machine.Tree(target)
	if err != nil {
		return "/bin/sh"
	}
	defer tree.Close()
	f, err := tree.Open("etc/passwd")
	if err != nil {
		return "/bin/sh"
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPasswd))
	if err != nil {
		return "/bin/sh"
	}
	for line := range strings.Lines(string(data)) {
		field := strings.Split(strings.TrimSpace(line), ":")
		if len(field) == 7 && field[2] == "0" && path.IsAbs(field[6]) {
			if there, err := tree.Open(strings.TrimPrefix(field[6], "/")); err == nil {
				there.Close()
				return field[6]
			}
		}
	}
	return "/bin/sh"
}
